#!/usr/bin/env python3
"""compare.py YARDSTICK [listen|send|verify|start|memory]...: hookdev beside the same work with nothing around it.

YARDSTICK is the folder of the plain programs `receiver`, `sender` and `captures` that README.md describes, built.
Needs a release build of hookdev (HOOKDEV says where), wrk for `listen`, and Linux. Everything stays on
127.0.0.1 and ends by itself. The programs run by turns, ROUNDS times; each figure is the median of the rounds, each
ratio the median of the rounds' ratios. CPU is user and system time of the program alone, and steadier than its time.
"""
import base64, hashlib, hmac, json, os, re, signal, socket, statistics, subprocess, sys, tempfile, time

ROUNDS, SECONDS = int(os.environ.get("ROUNDS", 5)), os.environ.get("SECONDS", "3")
HOOKDEV = os.path.abspath(os.environ.get("HOOKDEV", "target/release/hookdev"))
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
ENV = {name: value for name, value in os.environ.items() if not name.endswith("_WEBHOOK_SECRET")}
FIXTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fixtures/aspect/events/task.completed.json")
BODY = json.dumps(json.load(open(FIXTURE)), separators=(",", ":"))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(command, port, folder, env={}):
    program = subprocess.Popen(command, env={**ENV, **env}, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(400):
        if program.poll() is not None:
            sys.exit(f"{command[0]} ended with {program.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return program
        except OSError:
            time.sleep(0.025)
    sys.exit(f"{command[0]} never listened")


def stop(program):
    program.send_signal(signal.SIGINT)
    try:
        program.wait(10)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def cpu_of(process):
    fields = open(f"/proc/{process}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process, what):
    return int(re.search(rf"{what}:\s+(\d+)", open(f"/proc/{process}/status").read())[1]) / 1024


def run(command, folder):
    """The seconds and the CPU seconds of a program that must succeed, and its peak in MiB."""
    begun = time.perf_counter()
    program = subprocess.Popen(command, env=ENV, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = program.stderr.read()
    _, status, usage = os.wait4(program.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{' '.join(command)}: {os.waitstatus_to_exitcode(status)} {said[-300:]}")
    return {"s": time.perf_counter() - begun, "cpu s": usage.ru_utime + usage.ru_stime, "MiB": usage.ru_maxrss / 1024}


def table(title, rows, base):
    print(f"\n{title}")
    for name, rounds in rows.items():
        line = f"  {name:32}"
        for key in rounds[0]:
            ratios = [one[key] / other[key] for one, other in zip(rounds, rows[base]) if other[key]]
            line += f"  {statistics.median(one[key] for one in rounds):10.2f} {key} ({statistics.median(ratios):.2f}x)"
        print(line, flush=True)


def signed_post(folder):
    now = str(int(time.time()))
    content = f"msg_0.{now}.{BODY}".encode()
    signature = base64.b64encode(hmac.new(base64.b64decode(SECRET[6:]), content, hashlib.sha256).digest()).decode()
    headers = {"content-type": "application/json", "svix-id": "msg_0", "svix-timestamp": now, "svix-signature": f"v1,{signature}"}
    with open(f"{folder}/post.lua", "w") as script:
        script.write(f'wrk.method = "POST"\nwrk.body = [==[{BODY}]==]\n')
        script.writelines(f'wrk.headers["{name}"] = "{value}"\n' for name, value in headers.items())
    return script.name


def load(port, folder, seconds):
    command = ["wrk", "-t", "1", "-c", "32", "-d", f"{seconds}s", "-s", signed_post(folder), f"http://127.0.0.1:{port}/aspect"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        sys.exit(said)
    return int(re.search(r"(\d+) requests in", said)[1]), float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])


def hookdev_listens(port, *args):
    return [HOOKDEV, "listen", "--addr", f"127.0.0.1:{port}", "--secret", "aspect=" + SECRET, *args]


def listen(yardstick, folder):
    captures = {"CAPTURE": f"{folder}/captures.ndjson"}
    programs = {
        "yardstick full": lambda port: [f"{yardstick}/receiver", "full", str(port)],
        "yardstick bare": lambda port: [f"{yardstick}/receiver", "bare", str(port)],
        "hookdev --format json": lambda port: hookdev_listens(port, "--format", "json"),
        "hookdev pretty": lambda port: hookdev_listens(port, "--color", "always"),
        "hookdev pretty --capture": lambda port: hookdev_listens(port, "--color", "always", "--capture", captures["CAPTURE"]),
    }
    rows = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, command in programs.items():
            if os.path.exists(captures["CAPTURE"]):
                os.remove(captures["CAPTURE"])
            port = free_port()
            program = start(command(port), port, folder, captures)
            load(port, folder, 1)
            before = cpu_of(program.pid)
            requests, rate = load(port, folder, SECONDS)
            rows[name].append({"req/s": rate, "cpu us/req": (cpu_of(program.pid) - before) / requests * 1e6, "MiB": resident(program.pid, "VmHWM")})
            stop(program)
    table("listen: 32 connections, one signed event", rows, "yardstick full")


def send(yardstick, folder):
    count = "100000"
    rows = {"yardstick": [], "hookdev send --repeat": []}
    for _ in range(ROUNDS):
        port = free_port()
        receiver = start([f"{yardstick}/receiver", "bare", str(port)], port, folder)
        commands = {
            "yardstick": [f"{yardstick}/sender", f"127.0.0.1:{port}", "32", count],
            "hookdev send --repeat": [HOOKDEV, "send", "aspect.task.completed", "--to", f"http://127.0.0.1:{port}/aspect", "--secret", "aspect=" + SECRET, "--repeat", count, "--concurrency", "32", "--quiet"],
        }
        for name, command in commands.items():
            before = cpu_of(receiver.pid)
            measured = run(command, folder)
            rows[name].append({"req/s": int(count) / measured["s"], "cpu us/req": measured["cpu s"] / int(count) * 1e6, "receiver's cpu us/req": (cpu_of(receiver.pid) - before) / int(count) * 1e6})
        stop(receiver)
    table(f"send: {count} requests, each signed afresh, 32 connections", rows, "yardstick")


def verify(yardstick, folder):
    count = 20_000
    subprocess.run([f"{yardstick}/captures", "gen", f"{folder}/files", f"{folder}/lines.ndjson", str(count)], check=True)
    for title, path in (("files", f"{folder}/files"), ("lines of NDJSON", f"{folder}/lines.ndjson")):
        commands = {"yardstick": [f"{yardstick}/captures", "verify", path]}
        for options in ("--quiet", "--format json"):
            commands[f"hookdev verify {options}"] = [HOOKDEV, "verify", path, "--secret", "aspect=" + SECRET, *options.split()]
        rows = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                rows[name].append(run(command, folder))
        table(f"verify: {count} captures as {title}", rows, "yardstick")


def start_up(_, folder):
    one = {"hookdev": 1, "kind": "delivery", "request": {"method": "POST", "target": "/auphonic", "headers": [["content-type", "application/x-www-form-urlencoded"]], "body": "status=3&status_string=Done&uuid=zeigtvDv8jH6NaK52Z5eXH"}}
    with open(f"{folder}/one.json", "w") as capture:
        json.dump(one, capture)
    commands = {"true": ["true"], "hookdev --version": [HOOKDEV, "--version"], "hookdev events": [HOOKDEV, "events"], "hookdev verify one.json": [HOOKDEV, "verify", capture.name]}
    rows = {name: [] for name in commands}
    for _ in range(20 * ROUNDS):
        for name, command in commands.items():
            measured = run(command, folder)
            rows[name].append({"ms": measured["s"] * 1e3, "cpu ms": measured["cpu s"] * 1e3})
    table("start", rows, "true")


def memory(yardstick, folder):
    print("\nmemory of listen --format json")
    port = free_port()
    program = start(hookdev_listens(port, "--format", "json"), port, folder)
    total = 0
    for goal in (10_000, 1_000_000):
        run([f"{yardstick}/sender", f"127.0.0.1:{port}", "32", str(goal - total)], folder)
        total = goal
        print(f"  after {total:9} deliveries {resident(program.pid, 'VmRSS'):6.1f} MiB, at most {resident(program.pid, 'VmHWM'):6.1f} MiB", flush=True)
    stop(program)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    parts = {"listen": listen, "send": send, "verify": verify, "start": start_up, "memory": memory}
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        for part in sys.argv[2:] or parts:
            parts[part](os.path.abspath(sys.argv[1]), folder)


main()
