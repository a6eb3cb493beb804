#!/usr/bin/env python3
"""Compare hookdev with plain programs that do the same work (benches/yardstick/).

Builds both, then measures each part over several rounds, in which the programs take turns: a busy machine slows all of
them alike. Each figure is the median of the rounds. In parentheses is its ratio to the first line of the table (for
`start` and `providers`, the difference from it), as the median over the rounds. CPU is the program's own user and
system time; on a busy machine it is steadier than elapsed time.

Needs Linux, Python 3.9 and a Rust toolchain. Uses 127.0.0.1 only. Takes about six minutes after the builds. Ctrl-C ends
it and all that it started.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
YARDSTICK = os.path.join(ROOT, "target/yardstick/release")
SECRET = "aspect=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
ENV = {name: value for name, value in os.environ.items() if not name.endswith("_WEBHOOK_SECRET")}

CONNECTIONS = 32
REQUESTS = 100_000
CAPTURES = 20_000
BUILD_LIMIT = 3600
# Seconds a part may take for each round, several times what it takes on two busy cores.
ROUND_LIMIT = 180


class Programs:
    """Starts programs, each in a process group of its own, and ends those that still run."""

    def __init__(self):
        self.running, self.starting, self.stop_reason = [], False, None

    def start(self, command, **options):
        self.starting = True
        program = subprocess.Popen(command, start_new_session=True, **options)
        self.running.append(program)
        self.starting = False
        if self.stop_reason is not None:
            sys.exit(self.stop_reason)
        return program

    def on_signal(self, number, _):
        """Exits, but not before a program that is being started is in the list of those to end."""
        self.stop_reason = "timed out" if number == signal.SIGALRM else 128 + number
        if not self.starting:
            sys.exit(self.stop_reason)

    def end(self, program):
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            if program.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(10)
        self.running.remove(program)

    def end_all(self):
        for program in list(self.running):
            self.end(program)


PROGRAMS = Programs()


def build(directory, target):
    print(f"building {os.path.relpath(directory, os.path.dirname(ROOT))}", file=sys.stderr)
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", target]
    cargo = PROGRAMS.start(command, cwd=directory)
    if cargo.wait():
        sys.exit(f"cargo build failed in {directory}")
    PROGRAMS.running.remove(cargo)


def run(command, directory):
    """Runs a program that must succeed: elapsed and CPU seconds, and its standard output."""
    with tempfile.TemporaryFile(dir=directory) as out, tempfile.TemporaryFile(dir=directory) as err:
        start = time.perf_counter()
        program = PROGRAMS.start(command, env=ENV, cwd=directory, stdout=out, stderr=err)
        _, status, usage = os.wait4(program.pid, 0)
        elapsed = time.perf_counter() - start
        program.returncode = os.waitstatus_to_exitcode(status)
        PROGRAMS.running.remove(program)
        out.seek(0)
        err.seek(0)
        if program.returncode:
            sys.exit(f"{' '.join(command)} exited with {program.returncode}: {err.read()[-500:].decode()}")
        return {
            "seconds": elapsed,
            "cpu": usage.ru_utime + usage.ru_stime,
            "output": out.read(),
        }


@contextlib.contextmanager
def server(command, port, directory):
    """A program that listens on the port, for as long as the block runs."""
    env = {**ENV, "CAPTURE": f"{directory}/captures.ndjson"}
    with contextlib.suppress(FileNotFoundError):
        os.remove(env["CAPTURE"])
    null = subprocess.DEVNULL
    program = PROGRAMS.start(command, env=env, cwd=directory, stdout=null, stderr=null)
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            break
        if program.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{' '.join(command)} does not listen")
        time.sleep(0.02)
    try:
        yield program
    finally:
        PROGRAMS.end(program)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def cpu_seconds(program):
    with open(f"/proc/{program.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(program, field):
    with open(f"/proc/{program.pid}/status") as status:
        return int(re.search(rf"{field}:\s+(\d+)", status.read())[1]) / 1024


def load(port, seconds, directory):
    """Puts a receiver under load: the number of requests, and how many a second."""
    command = [f"{YARDSTICK}/load", f"127.0.0.1:{port}", str(CONNECTIONS), str(seconds)]
    result = json.loads(run(command, directory)["output"])
    return result["requests"], result["requests"] / result["seconds"]


def ratio(one, other):
    return one / other


def difference(one, other):
    return one - other


def quartiles(rounds, reference, key, relation):
    """The rounds' ratios or differences to the reference: the first quartile, the median and the third quartile."""
    values = [relation(one[key], other[key]) for one, other in zip(rounds, reference)]
    return statistics.quantiles(values, method="inclusive") if len(values) > 1 else values * 3


class Comparison:
    """The programs that do one piece of work, by name, and what was measured of each in each round."""

    def __init__(self, title, relation=ratio):
        self.title, self.relation = title, relation
        self.programs, self.rounds, self.pairs = {}, {}, []

    def add(self, name, program):
        self.programs[name] = program
        self.rounds[name] = []

    def add_hookdev(self, settings, name, program):
        """Adds `program(binary)` for hookdev, and for the baseline if there is one."""
        self.add(f"hookdev {name}", program(settings.hookdev))
        if settings.baseline:
            self.add(f"baseline {name}", program(settings.baseline))
            self.pairs.append((f"hookdev {name}", f"baseline {name}"))

    def measure(self, rounds, measure):
        for number in range(rounds):
            programs = list(self.programs.items())
            # Whatever the order favours, it favours in turn.
            for name, program in programs if number % 2 == 0 else reversed(programs):
                self.rounds[name].append(measure(program))
        self.report()

    def report(self):
        print(f"\n{self.title}")
        form = "{:.2f}x" if self.relation is ratio else "{:+.2f}"
        reference = next(iter(self.rounds.values()))
        for name, rounds in self.rounds.items():
            line = f"  {name:38}"
            for key in rounds[0]:
                _, median, _ = quartiles(rounds, reference, key, self.relation)
                related = "" if rounds is reference else f"({form.format(median)})"
                line += f"{statistics.median(one[key] for one in rounds):11.2f} {key} {related:8}"
            print(line.rstrip())
        for name, baseline in self.pairs:
            line = f"  {name.removeprefix('hookdev '):38}     change:"
            for key in self.rounds[name][0]:
                low, median, high = (
                    form.format(value)
                    for value in quartiles(self.rounds[name], self.rounds[baseline], key, self.relation)
                )
                line += f" {key} {median} [{low} to {high}]"
            print(line)
        sys.stdout.flush()


def listen_command(binary, port, *arguments):
    return [binary, "listen", "--addr", f"127.0.0.1:{port}", "--secret", SECRET, *arguments]


def listen(settings, directory):
    """32 connections repeat one signed event."""
    captures = f"{directory}/captures.ndjson"
    comparison = Comparison("listen: 32 connections, one signed event")
    for mode in ("full", "bare"):
        comparison.add(f"yardstick {mode}", lambda port, mode=mode: [f"{YARDSTICK}/receiver", mode, str(port)])
    for name, arguments in {
        "--format json": ["--format", "json"],
        "pretty": ["--color", "always"],
        "pretty --capture": ["--color", "always", "--capture", captures],
    }.items():
        comparison.add_hookdev(
            settings,
            name,
            lambda binary, arguments=arguments: lambda port: listen_command(binary, port, *arguments),
        )

    def measure(command):
        port = free_port()
        with server(command(port), port, directory) as program:
            return {**under_load(settings, program, port, directory), "MiB": memory_mib(program, "VmHWM")}

    comparison.measure(settings.rounds, measure)


def under_load(settings, program, port, directory):
    load(port, 1, directory)
    before = cpu_seconds(program)
    requests, rate = load(port, settings.seconds, directory)
    return {"requests/s": rate, "CPU us": (cpu_seconds(program) - before) / requests * 1e6}


def forward(settings, directory):
    """The same load, forwarded to a bare receiver."""
    handler = free_port()
    comparison = Comparison("listen --forward: 32 connections, one signed event, to a bare receiver")
    comparison.add("yardstick proxy", lambda port: [f"{YARDSTICK}/proxy", str(port), f"127.0.0.1:{handler}"])
    arguments = ["--format", "json", "--forward", f"http://127.0.0.1:{handler}/"]
    comparison.add_hookdev(
        settings, "--forward --format json", lambda binary: lambda port: listen_command(binary, port, *arguments)
    )

    def measure(command):
        port = free_port()
        with server(command(port), port, directory) as program:
            return under_load(settings, program, port, directory)

    with server([f"{YARDSTICK}/receiver", "bare", str(handler)], handler, directory):
        comparison.measure(settings.rounds, measure)


def send(settings, directory):
    """100,000 requests to a bare receiver, each freshly signed."""
    port = free_port()
    comparison = Comparison(f"send --repeat {REQUESTS}: {CONNECTIONS} connections, to a bare receiver")
    comparison.add("yardstick", [f"{YARDSTICK}/sender", f"127.0.0.1:{port}", str(CONNECTIONS), str(REQUESTS)])
    arguments = ["--secret", SECRET, "--repeat", str(REQUESTS), "--concurrency", str(CONNECTIONS), "--quiet"]
    to = ["--to", f"http://127.0.0.1:{port}/aspect"]
    comparison.add_hookdev(
        settings, "send --repeat", lambda binary: [binary, "send", "aspect.task.completed", *to, *arguments]
    )
    with server([f"{YARDSTICK}/receiver", "bare", str(port)], port, directory) as receiver:

        def measure(command):
            before = cpu_seconds(receiver)
            result = run(command, directory)
            return {
                "requests/s": REQUESTS / result["seconds"],
                "CPU us": result["cpu"] / REQUESTS * 1e6,
                "receiver's CPU us": (cpu_seconds(receiver) - before) / REQUESTS * 1e6,
            }

        comparison.measure(settings.rounds, measure)


def verify(settings, directory):
    """20,000 captures, as files and as lines of NDJSON; memory with 20,000 and 200,000 lines."""
    files, lines, many = f"{directory}/files", f"{directory}/lines.ndjson", f"{directory}/many.ndjson"
    run([f"{YARDSTICK}/captures", "files", files, str(CAPTURES)], directory)
    run([f"{YARDSTICK}/captures", "lines", lines, str(CAPTURES)], directory)
    run([f"{YARDSTICK}/captures", "lines", many, str(10 * CAPTURES)], directory)
    for title, path in (("files", files), ("lines of NDJSON", lines)):
        comparison = Comparison(f"verify: {CAPTURES} captures as {title}")
        comparison.add("yardstick", [f"{YARDSTICK}/captures", "verify", path])
        for arguments in (["--quiet"], ["--format", "json"]):
            command = ["verify", path, "--secret", SECRET, *arguments]
            comparison.add_hookdev(settings, "verify " + " ".join(arguments), lambda binary: [binary, *command])
        comparison.measure(2 * settings.rounds, lambda command: milliseconds(run(command, directory)))
    comparison = Comparison("verify --quiet: peak memory by the number of lines")
    for count, path in ((CAPTURES, lines), (10 * CAPTURES, many)):
        command = ["verify", path, "--secret", SECRET, "--quiet"]
        comparison.add_hookdev(settings, f"{count} lines", lambda binary: [binary, *command])
    comparison.measure(settings.rounds, lambda command: {"MiB": peak_memory(command, directory)})


def peak_memory(command, directory):
    """In MiB, looked up while the program runs: the kernel's own record includes what Python had before the exec."""
    program = PROGRAMS.start(command, env=ENV, cwd=directory, stdout=subprocess.DEVNULL)
    peak = 0
    while program.poll() is None:
        # Between the exec and the program's end.
        with contextlib.suppress(OSError, TypeError):
            if os.readlink(f"/proc/{program.pid}/exe") == command[0]:
                peak = memory_mib(program, "VmHWM")
        time.sleep(0.002)
    PROGRAMS.running.remove(program)
    if program.returncode:
        sys.exit(f"{' '.join(command)} exited with {program.returncode}")
    return peak


def milliseconds(result):
    return {"ms": result["seconds"] * 1e3, "CPU ms": result["cpu"] * 1e3}


def start(settings, directory):
    """Starting the program for little work, next to `true`."""
    delivery = {
        "hookdev": 1,
        "kind": "delivery",
        "request": {
            "method": "POST",
            "target": "/auphonic",
            "headers": [["content-type", "application/x-www-form-urlencoded"]],
            "body": "status=3&status_string=Done&uuid=zeigtvDv8jH6NaK52Z5eXH",
        },
    }
    with open(f"{directory}/one.json", "w") as capture:
        json.dump(delivery, capture)
    start_with(settings, directory, "start", [["--version"], ["events"], ["verify", capture.name]])


def start_with(settings, directory, title, commands):
    comparison = Comparison(title, difference)
    comparison.add("true", ["true"])
    for arguments in commands:
        name = " ".join(arguments).replace(f"{directory}/", "").replace("--providers providers", "--providers DIR")
        comparison.add_hookdev(settings, name, lambda binary: [binary, *arguments])
    comparison.measure(20 * settings.rounds, lambda command: milliseconds(run(command, directory)))


def providers(settings, directory):
    """Starting with 60 provider directories of the user's, next to `true`."""
    for number in range(60):
        copy = f"{directory}/providers/p{number}"
        shutil.copytree(f"{ROOT}/fixtures/jewelmusic", copy)
        with contextlib.suppress(FileNotFoundError):
            os.remove(f"{copy}/vectors.json")
        with open(f"{copy}/provider.toml") as manifest:
            text = manifest.read()
        text = text.replace('"jewelmusic"', f'"p{number}"')
        text = text.replace("JEWELMUSIC_", f"P{number}_").replace("x-jewelmusic-", f"x-p{number}-")
        with open(f"{copy}/provider.toml", "w") as manifest:
            manifest.write(text)
    option = ["--providers", f"{directory}/providers"]
    start_with(
        settings,
        directory,
        "start with 60 provider directories",
        [[*option, "events"], [*option, "send", "p3.release.live", "--print", "json"]],
    )


def memory(settings, directory):
    """Memory of `listen` after 10,000 and after 1,000,000 deliveries."""
    print("\nlisten --format json: memory")
    for name, binary in (("hookdev", settings.hookdev), ("baseline", settings.baseline)):
        if not binary:
            continue
        port, total = free_port(), 0
        with server(listen_command(binary, port, "--format", "json"), port, directory) as program:
            for goal in (10_000, 1_000_000):
                command = [f"{YARDSTICK}/sender", f"127.0.0.1:{port}", str(CONNECTIONS), str(goal - total)]
                run(command, directory)
                total = goal
                now, peak = memory_mib(program, "VmRSS"), memory_mib(program, "VmHWM")
                print(f"  {name:36} {goal:9} deliveries {now:11.2f} MiB, peak {peak:.2f} MiB", flush=True)


def size(settings, _):
    """The size of the binary."""
    print("\nsize")
    for name, binary in (("hookdev", settings.hookdev), ("baseline", settings.baseline)):
        if binary:
            print(f"  {name:36}{os.path.getsize(binary) / 2**20:11.2f} MiB")


PARTS = {part.__name__: part for part in (listen, forward, send, verify, start, providers, memory, size)}


def settings_from_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parts:\n" + "\n".join(f"  {name:10} {part.__doc__}" for name, part in PARTS.items()),
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure (default: all)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds (default: 5)")
    parser.add_argument("--seconds", type=int, default=3, metavar="N", help="seconds of load a round (default: 3)")
    parser.add_argument("--hookdev", metavar="BINARY", help="measure this release build instead of building the tree")
    parser.add_argument("--baseline", metavar="BINARY", help="measure another build too, and report the change")
    settings = parser.parse_args()
    unknown = [part for part in settings.parts if part not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r} (one of: {', '.join(PARTS)})")
    if settings.rounds < 1 or settings.seconds < 1:
        parser.error("--rounds and --seconds must be at least 1")
    return settings


def main():
    settings = settings_from_arguments()
    signals = [signal.SIGALRM, signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    for number in signals:
        signal.signal(number, PROGRAMS.on_signal)
    with tempfile.TemporaryDirectory(prefix="hookdev-compare-") as directory:
        try:
            signal.alarm(BUILD_LIMIT)
            build(f"{ROOT}/benches/yardstick", f"{ROOT}/target/yardstick")
            if not settings.hookdev:
                build(ROOT, f"{ROOT}/target")
            settings.hookdev = os.path.realpath(settings.hookdev or f"{ROOT}/target/release/hookdev")
            settings.baseline = settings.baseline and os.path.realpath(settings.baseline)
            for part in settings.parts or PARTS:
                signal.alarm(ROUND_LIMIT * settings.rounds)
                PARTS[part](settings, directory)
        finally:
            for number in signals:
                signal.signal(number, signal.SIG_IGN)
            PROGRAMS.end_all()


main()
