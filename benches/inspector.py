#!/usr/bin/env python3
"""Measure what an open inspector costs `hookdev listen`, and whether the page stays quick.

Runs one listener with `--inspect --history 100000` and a Chromium beside it, and posts genuine deliveries at a fixed rate,
in turns with the page closed and open. Prints

- the deliveries per second that were answered 200, with the page closed and open, and the median of the rounds' ratios,
- the tasks of the page's main thread that took over 50 ms (`PerformanceObserver` of type `longtask`), and the longest,
- how long the page takes with what it has then: to filter, to search, to go to the end and back,
- the memory of the listener and of the page's heap.

Needs Linux, Python 3.9, chromium, chromedriver and `cargo build --release`. Uses 127.0.0.1 only. The machine's other work
slows the page too: quote the ratio, and repeat.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BODY = b'{"version":"2","resource":{"type":"LibraryTrack","id":"999"},"event":{"type":"AudioAnalysisV6","status":"finished"}}'
# Of the development secret.
SIGNATURE = (
    "13a7442bbf01174251ab1d2f5e8d2cc1a19c0063f4886076e48e169059b228671f052a708ba81b848b82380ee97f7a90333e0ac285c6174179d2"
    "68578caaa276"
)
CONNECTIONS = 4
# Requests that are on their way at once on each connection: they are pipelined, so that this script is not the limit.
BATCH = 25


class Browser:
    """A Chromium, driven through chromedriver."""

    def __init__(self, profile):
        command = ["chromedriver", "--port=0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "HOME": profile}, text=True)
        port = next(line.rstrip(".\n").rsplit(" ", 1)[1] for line in self.process.stdout if "on port" in line and "success" in line)
        self.connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=300)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        arguments.append("--enable-precise-memory-info")
        options = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        self.session = ""
        self.session = "/session/" + self.call("/session", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        self.call("/timeouts", {"script": 120_000})

    def call(self, path, value=None, method="POST"):
        body = None if value is None else json.dumps(value)
        self.connection.request(method, self.session + path, body, {"content-type": "application/json"})
        result = json.loads(self.connection.getresponse().read())["value"]
        if isinstance(result, dict) and "error" in result:
            raise RuntimeError(result["message"])
        return result

    def open(self, url):
        self.call("/url", {"url": url})

    def value(self, expression):
        return self.call("/execute/sync", {"script": f"return ({expression});", "args": []})

    def promise(self, expression):
        script = f"const done = arguments[arguments.length - 1]; ({expression}).then(done, (error) => done(String(error)));"
        return self.call("/execute/async", {"script": script, "args": []})

    def end(self):
        self.call("", method="DELETE")
        self.process.terminate()
        self.process.wait()


OBSERVE = """(() => {
    globalThis.long = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => Math.round(entry.duration))))
        .observe({ type: 'longtask' });
    return true;
})()"""

# Presses a key or types a filter, and resolves to the milliseconds until the condition holds in a drawn frame.
TIMED = """new Promise((resolve) => {{
    const start = performance.now();
    {action};
    const check = () => ({condition}) ? resolve(Math.round(performance.now() - start)) : requestAnimationFrame(check);
    requestAnimationFrame(check);
}})"""


def press(key):
    return f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))"


def type_text(text):
    return (
        "{ const field = document.querySelector('#filter'); field.value = '" + text + "';"
        " field.dispatchEvent(new InputEvent('input', { bubbles: true })); }"
    )


def post(address, rate, seconds, counts):
    """Posts batches over one connection at `rate` deliveries a second; appends how many were answered 200."""
    import socket

    head = f"POST /cyanite HTTP/1.1\r\nhost: {address}\r\nsignature: {SIGNATURE}\r\ncontent-length: {len(BODY)}\r\n\r\n"
    batch = (head.encode() + BODY) * BATCH
    host, port = address.split(":")
    good, start = 0, time.monotonic()
    with socket.create_connection((host, int(port))) as stream:
        sent = 0
        while (now := time.monotonic() - start) < seconds:
            if rate and sent > now * rate:
                time.sleep(sent / rate - now)
            stream.sendall(batch)
            sent += BATCH
            seen, tail = 0, b""
            while seen < BATCH:
                piece = stream.recv(1 << 16)
                if not piece:
                    break
                # A status line may be cut in two.
                text = tail + piece
                seen += text.count(b"HTTP/1.1 200 ")
                tail = text[-12:] if not text.endswith(b"HTTP/1.1 200 ") else b""
            good += seen
    counts.append(good / (time.monotonic() - start))


def load(address, rate, seconds):
    """Deliveries per second."""
    counts = []
    threads = [
        threading.Thread(target=post, args=(address, rate / CONNECTIONS, seconds, counts)) for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def memory(process):
    """The resident memory of a process in MiB."""
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, "target/release/hookdev"), help="the program to measure")
    parser.add_argument("--rate", type=int, default=5000, help="deliveries per second; 0 sends as many as possible")
    parser.add_argument("--seconds", type=int, default=10, help="the length of each turn")
    parser.add_argument("--rounds", type=int, default=6, help="turns with the page closed, and as many with it open")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        command = [options.binary, "listen", "--json", "--no-config", "--addr", "127.0.0.1:0", "--inspect", "127.0.0.1:0"]
        command += ["--history", "100000", "--capture", os.path.join(directory, "log.ndjson"), "--filter", "none.*"]
        listener = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready = json.loads(listener.stdout.readline())
        threading.Thread(target=listener.stdout.read, daemon=True).start()
        address, inspector = ready["url"].removeprefix("http://"), ready["inspector"]
        browser = Browser(os.path.join(directory, "profile"))
        try:
            measure(options, listener, address, inspector, browser)
        finally:
            browser.end()
            listener.terminate()
            listener.wait()


def measure(options, listener, address, inspector, browser):
    ratios, long = [], []
    for number in range(options.rounds):
        browser.open("about:blank")
        closed = load(address, options.rate, options.seconds)
        browser.open(inspector)
        time.sleep(3)
        browser.value(OBSERVE)
        opened = load(address, options.rate, options.seconds)
        time.sleep(1)
        tasks = browser.value("long")
        long += tasks
        ratios.append(opened / closed)
        print(
            f"round {number + 1}: closed {closed:,.0f}/s, open {opened:,.0f}/s, {ratios[-1]:.2f}x; "
            f"{len(tasks)} tasks over 50 ms, the longest {max(tasks, default=0)} ms; "
            f"{browser.value('document.querySelector(`.status`).innerText')!r}",
            flush=True,
        )
    print(f"ratio: {statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"longest task: {max(long, default=0)} ms; over 100 ms: {sum(task > 100 for task in long)}")
    print("rows:", browser.value("document.querySelector('.total').textContent"))
    newest = browser.promise("import('/assets/store.js').then(({ store }) => [store.shown[0].seq, store.lastSeq])")
    for name, action, condition in [
        ("filter", type_text("#" + str(newest[1])), "document.querySelector('.total').textContent.startsWith('1 of')"),
        ("no filter", type_text(""), "!document.querySelector('.total').textContent.includes(' of ')"),
        ("search in bodies", type_text("librarytrack"), "document.querySelector('.matches')?.textContent.includes(',')"),
        ("no search", type_text(""), "!document.querySelector('.total').textContent.includes(' of ')"),
        ("to the end", press("G"), f"document.activeElement.dataset.seq === '{newest[0]}'"),
        ("to the top", press("g"), f"document.activeElement.dataset.seq === '{newest[1]}'"),
        ("to the next", press("j"), f"document.activeElement.dataset.seq === '{newest[1] - 1}'"),
    ]:
        print(f"{name}: {browser.promise(TIMED.format(action=action, condition=condition))} ms", flush=True)
    heap = browser.value("performance.memory.usedJSHeapSize") // (1 << 20)
    print(f"memory: listener {memory(listener.pid)} MiB, heap of the page {heap} MiB")


if __name__ == "__main__":
    main()
