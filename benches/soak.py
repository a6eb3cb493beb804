#!/usr/bin/env python3
"""Soak `hookdev listen --forward --only-verified --capture`: genuine deliveries between hostile requests.

Sends genuine deliveries (with a length, chunked, pipelined, byte by byte) over kept connections, and between them
forged, cut, oversized, malformed and browser-like requests, and connections that stay silent. Then checks that

- each genuine delivery was answered 200, captured once and forwarded once, with its own headers as they were spelled,
- nothing else was forwarded, and nothing else was captured as verified,
- the memory of the listener stayed flat: no more in the last third of the time than in the middle third, within 10%,
- each response to a genuine delivery came within a second. On a busy machine that also depends on what else it does, so
  the same deliveries go to a second listener that nobody attacks, and one as slow as the slowest of these is accepted.

Needs Linux and Python 3.9. Uses 127.0.0.1 only. Takes `--seconds`, and at most a minute more. Exit code 1 if a check
fails.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "aspect=whsec_" + base64.b64encode(KEY).decode()
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PATIENCE = 60


class Handler:
    """A handler that counts the ids of what it gets, and responds 200."""

    def __init__(self):
        self.ids, self.listener = Counter(), socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        reader = connection.makefile("rb")
        with contextlib.suppress(OSError):
            while reader.readline():
                fields = [line.split(b":", 1) for line in iter(reader.readline, b"\r\n")]
                lower = {name.lower(): value.strip() for name, value in fields}
                reader.read(int(lower.get(b"content-length", 0)))
                self.ids[lower.get(b"x-soak-id", b"unknown").decode("latin-1")] += 1
                connection.sendall(RESPONSE)


class Genuine:
    """The requests that are genuine, and how long their responses took."""

    def __init__(self):
        self.numbers, self.names, self.failures, self.slowest = itertools.count(), {}, [], 0.0
        self.slow = []
        self.lock = threading.Lock()

    def request(self, chance):
        """A signed request: its id and bytes. The spelling of its names is chosen at random."""
        number = f"genuine-{next(self.numbers)}"
        body = json.dumps({"type": "task.completed", "id": number, "pad": "x" * chance.choice([0, 10, 3000, 70_000])})
        moment = str(int(time.time()))
        mac = hmac.new(KEY, f"{number}.{moment}.{body}".encode(), hashlib.sha256).digest()
        signed = {
            "svix-id": number,
            "svix-timestamp": moment,
            "svix-signature": "v1," + base64.b64encode(mac).decode(),
            "x-soak-id": number,
            "content-type": "application/json",
        }
        fields = [("".join(chance.choice([c, c.upper()]) for c in name), value) for name, value in signed.items()]
        chance.shuffle(fields)
        with self.lock:
            self.names[number] = [name for name, _ in fields]
        return number, message(fields, body.encode(), chance.random() < 0.3, chance)


def message(fields, body, is_chunked, chance):
    lines = [f"{name}: {value}" for name, value in fields]
    if is_chunked:
        lines.insert(chance.randrange(len(lines) + 1), "Transfer-Encoding: chunked")
        size = chance.randrange(1, 5000)
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    else:
        lines.insert(chance.randrange(len(lines) + 1), f"Content-Length: {len(body)}")
    head = "\r\n".join(["POST /aspect HTTP/1.1", "Host: soak", *lines])
    return head.encode() + b"\r\n\r\n" + body


def status(reader):
    """Reads a response: its status, or 0 if there is none."""
    line = reader.readline()
    if not line:
        return 0
    length = 0
    for field in iter(reader.readline, b"\r\n"):
        if not field:
            return 0
        if field.lower().startswith(b"content-length:"):
            length = int(field.split(b":")[1])
    reader.read(length)
    return int(line.split()[1])


class Soak:
    def __init__(self, port, until, rate):
        self.port, self.until, self.rate, self.start = port, until, rate, time.monotonic()
        self.genuine, self.hostile = Genuine(), Counter()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def is_over(self):
        return time.monotonic() > self.until

    def send_genuine(self, seed):
        """Genuine deliveries over kept connections, some pipelined, some byte by byte."""
        chance = random.Random(seed)
        while not self.is_over():
            with self.connect() as connection, connection.makefile("rb") as reader:
                for _ in range(chance.randrange(1, 50)):
                    requests = [self.genuine.request(chance) for _ in range(chance.choice([1, 1, 1, 2, 5]))]
                    sent = b"".join(request for _, request in requests)
                    if chance.random() < 0.02:
                        for at in range(min(len(sent), 1000)):
                            connection.sendall(sent[at : at + 1])
                        sent = sent[1000:]
                    start = time.monotonic()
                    connection.sendall(sent)
                    for number, _ in requests:
                        found = status(reader)
                        if found != 200:
                            self.genuine.failures.append(f"{number} got {found}")
                    elapsed = time.monotonic() - start
                    self.genuine.slowest = max(self.genuine.slowest, elapsed)
                    if elapsed > 1:
                        self.genuine.slow.append((round(start - self.start), round(elapsed, 2), len(requests), len(sent)))
                    time.sleep(len(requests) / self.rate)
                    if self.is_over():
                        return

    def send_hostile(self, seed):
        """Requests that must not be forwarded, each on a connection of its own."""
        chance = random.Random(seed)
        silent = []
        while not self.is_over():
            kind = chance.choice(["forged", "chunked", "cut", "browser", "malformed", "oversized", "silent", "smuggled"])
            with contextlib.suppress(OSError):
                connection = self.connect()
                connection.settimeout(PATIENCE)
                self.attack(kind, connection, chance)
                if kind == "silent":
                    silent = [connection, *silent[:20]]
                else:
                    connection.close()
                self.hostile[kind] += 1
            time.sleep(1 / self.rate)

    def attack(self, kind, connection, chance):
        fields = [("Svix-Id", "a"), ("svix-timestamp", str(int(time.time()))), ("svix-signature", "v1,AAAA")]
        fields.append(("X-Soak-Id", f"hostile-{kind}"))
        body = json.dumps({"type": "task.completed", "pad": "x" * chance.choice([0, 5000, 200_000])}).encode()
        request = message(fields, body, kind == "chunked", chance)
        if kind == "cut":
            connection.sendall(request[: chance.randrange(1, len(request))])
            return
        if kind == "browser":
            request = message([*fields, ("Origin", "https://example.com")], body, False, chance)
        elif kind == "malformed":
            request = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 300))) + b"\r\n\r\n"
        elif kind == "oversized":
            request = b"POST /aspect HTTP/1.1\r\nHost: soak\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 100_000
        elif kind == "silent":
            request = b"POST /aspect HTTP/1.1\r\nX-"
        elif kind == "smuggled":
            inner = message(fields, body, False, chance)
            request = message(fields, b"0\r\n\r\n" + inner, False, chance)
        connection.sendall(request)
        if kind in ("forged", "chunked", "browser", "smuggled"):
            status(connection.makefile("rb"))


def memory_mib(pid):
    with open(f"/proc/{pid}/status") as text:
        return int(re.search(r"VmRSS:\s+(\d+)", text.read())[1]) / 1024


def listen(hookdev, handler, directory, name):
    """Starts a listener, and returns it with its port."""
    options = ["--secret", SECRET, "--only-verified", "--capture", f"{directory}/{name}.ndjson", "--json", "--no-config"]
    to = ["--addr", "127.0.0.1:0", "--forward", f"http://127.0.0.1:{handler.port}/hooks"]
    with open(f"{directory}/{name}.stderr", "w") as errors:
        listener = subprocess.Popen([hookdev, "listen", *to, *options], stdout=subprocess.PIPE, stderr=errors)
    port = int(json.loads(listener.stdout.readline())["url"].rstrip("/").rsplit(":", 1)[1])
    threading.Thread(target=lambda: all(listener.stdout), daemon=True).start()
    return listener, port


def check(soak, yardstick, handler, captures, samples):
    """The sentences that are false."""
    names = soak.genuine.names
    found = Counter()
    with open(captures) as lines:
        for capture in map(json.loads, lines):
            if capture["verdict"] != "verified":
                continue
            headers = capture["request"]["headers"]
            number = next((value for name, value in headers if name.lower() == "x-soak-id"), "unknown")
            found[number] += 1
            kept = [name for name, _ in headers if name not in ("Host", "Content-Length", "Transfer-Encoding")]
            if kept != names.get(number):
                yield f"{number} was captured with {kept} instead of {names.get(number)}"
    expected = Counter(names.keys())
    for what, counts in (("captured", found), ("forwarded", handler.ids)):
        if counts != expected:
            missing, extra = list((expected - counts).items()), list((counts - expected).items())
            yield f"not {what} once: {len(missing)} missing {missing[:5]}, {len(extra)} too many {extra[:5]}"
    if soak.genuine.failures:
        yield f"{len(soak.genuine.failures)} genuine deliveries failed: {soak.genuine.failures[:5]}"
    if soak.genuine.slowest > max(1, 1.5 * yardstick.genuine.slowest):
        yield f"a genuine delivery waited {soak.genuine.slowest:.2f} s"
    third = len(samples) // 3
    middle, last = max(samples[third : 2 * third]), max(samples[2 * third :])
    if last > 1.1 * middle:
        yield f"the memory grew from {middle:.1f} to {last:.1f} MiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hookdev", default=f"{ROOT}/target/release/hookdev")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--senders", type=int, default=8, help="of genuine deliveries, and as many hostile ones")
    parser.add_argument("--rate", type=float, default=50, help="requests per second of each sender, at most")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    handler, other = Handler(), Handler()
    until = time.monotonic() + args.seconds
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        listener, port = listen(args.hookdev, handler, directory, "attacked")
        stack.callback(listener.kill)
        left_alone, other_port = listen(args.hookdev, other, directory, "yardstick")
        stack.callback(left_alone.kill)
        soak, yardstick = Soak(port, until, args.rate), Soak(other_port, until, args.rate)
        work = [(target, number) for number in range(args.senders) for target in (soak.send_genuine, soak.send_hostile)]
        work.append((yardstick.send_genuine, 0))
        senders = [
            threading.Thread(target=target, args=(f"{target.__name__} {number}",), daemon=True)
            for target, number in work
        ]
        for sender in senders:
            sender.start()
        samples = []
        while not soak.is_over():
            time.sleep(min(5, args.seconds / 12))
            samples.append(memory_mib(listener.pid))
        for sender in senders:
            sender.join(PATIENCE)
        listener.send_signal(signal.SIGINT)
        exit_code = listener.wait(PATIENCE)
        with open(f"{directory}/attacked.stderr") as errors:
            last_words = " ".join(errors.read().splitlines()[-2:])
        wrong = list(check(soak, yardstick, handler, f"{directory}/attacked.ndjson", samples))
    if exit_code:
        wrong.append(f"the listener exited with {exit_code}: {last_words}")
    hostile = ", ".join(f"{count} {kind}" for kind, count in sorted(soak.hostile.items()))
    for name, each in (("attacked", soak), ("left alone", yardstick)):
        count, slowest, slow = len(each.genuine.names), each.genuine.slowest, each.genuine.slow
        print(f"{name}: {count} genuine deliveries, the slowest response after {slowest:.2f} s, {len(slow)} after more than 1 s")
        for second, elapsed, requests, length in slow[:10]:
            print(f"  in second {second}, {elapsed} s for {requests} requests with {length} bytes")
    print(f"{sum(soak.hostile.values())} hostile requests: {hostile}")
    print("memory in MiB:", " ".join(f"{sample:.1f}" for sample in samples[:: max(1, len(samples) // 12)]))
    for sentence in wrong:
        print("WRONG:", sentence)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
