#!/usr/bin/env python3
"""A stand-in for the programs of tunnels that need the internet: `cloudflared` and `ngrok`, by the name it is called by.

It serves what they serve on this machine, and prints what users recorded of them. Each start writes its process id, its arguments
and the names of its variables to `start-N.json` in the directory STAND_IN_DIR. What it does, one JSON object for each start (the last one
again for later starts), is in `script.json` there:

    host    the public host; empty for none
    late    how many requests for /ready get 503 first
    alive   how many requests for /ready get 200 then, before they get 503 for good
    prints  lines for standard error
    exit    exits with this code at once, after its lines
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

directory = Path(os.environ["STAND_IN_DIR"])
name = Path(sys.argv[0]).name
number = len(list(directory.glob("start-*.json"))) + 1
script = json.loads((directory / "script.json").read_text())
script = script[min(number, len(script)) - 1]
host = script.get("host", "")
late, alive = script.get("late", 0), script.get("alive", 10**9)
asked = 0


def value(option):
    return sys.argv[sys.argv.index(option) + 1] if option in sys.argv else None


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global asked
        status, body = 404, b""
        if self.path == "/quicktunnel":
            status, body = 200, json.dumps({"hostname": host}).encode()
        elif self.path == "/ready":
            asked += 1
            status = 200 if late < asked <= late + alive else 503
            body = json.dumps({"status": status, "readyConnections": int(status == 200)}).encode()
        elif self.path == "/api/tunnels":
            tunnels = [{"name": "command_line", "public_url": f"https://{host}", "proto": "https"}] if host else []
            status, body = 200, json.dumps({"tunnels": tunnels, "uri": "/api/tunnels"}).encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = None
if name != "ngrok" and "exit" not in script:
    address, port = value("--metrics").rsplit(":", 1)
    server = ThreadingHTTPServer((address, int(port)), Handler)
started = directory / f"start-{number}.json"
started.with_suffix(".new").write_text(json.dumps({"pid": os.getpid(), "args": sys.argv[1:], "env": sorted(os.environ)}))
started.with_suffix(".new").rename(started)
for line in script.get("prints", []):
    print(line, file=sys.stderr, flush=True)
if "exit" in script:
    sys.exit(script["exit"])
if name == "ngrok":
    print(json.dumps({"lvl": "info", "msg": "open config file", "path": "ngrok.yml"}, separators=(",", ":")), flush=True)
    line = {"addr": f"http://{sys.argv[2]}", "lvl": "info", "msg": "started tunnel", "name": "command_line"}
    line.update({"obj": "tunnels", "t": "2026-09-30T02:40:01Z", "url": f"https://{host}"})
    print(json.dumps(line, separators=(",", ":")), flush=True)
    signal.pause()
server.serve_forever()
