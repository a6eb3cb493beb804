#!/usr/bin/env python3
"""Draws demo.svg: what `hookdev listen` prints for a verified and a rejected delivery.

Needs the package `rich`, a free port 4400, and a build that explains within 200 ms:
cargo build --release && .github/demo.py target/release/hookdev
"""

import fcntl, hashlib, hmac, os, pathlib, pty, re, struct, subprocess, sys, termios, urllib.error, urllib.request

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 100
URL = "http://127.0.0.1:4400"
hookdev = os.path.abspath(sys.argv[1])

terminal, process_side = pty.openpty()
fcntl.ioctl(process_side, termios.TIOCSWINSZ, struct.pack("4H", 60, COLUMNS, 0, 0))
listen = subprocess.Popen([hookdev, "--no-config", "listen", "--provider", "cyanite"], stdout=process_side, stderr=process_side)
os.close(process_side)
output = b""


def read_until(text):
    global output
    while text not in re.sub(rb"\x1b\[[0-9;]*m", b"", output):
        output += os.read(terminal, 65536)


read_until(b"to use yours\r\n")
subprocess.run([hookdev, "--no-config", "send", "cyanite.v2.finished", "--quiet"], check=True)
read_until(b"\r\n  }\r\n")

# The mistake that people make most: the JSON was parsed and written again after it was signed.
body = b'{"version": "2", "resource": {"type": "LibraryTrack", "id": "999"}, "event": {"type": "AudioAnalysisV6", "status": "finished"}}'
signed = body.replace(b": ", b":").replace(b", ", b",")
signature = hmac.new(b"hookdev-development-secret-cyanite", signed, hashlib.sha512).hexdigest()
request = urllib.request.Request(URL + "/cyanite", body, {"Signature": signature, "Content-Type": "application/json"})
try:
    urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    assert error.code == 401
read_until(b"hint:")
assert b"explained:" not in output, "the explanation was late: try again on an idle machine"
while b"\r\n  }\r\n" not in output[output.index(b"hint") :]:
    output += os.read(terminal, 65536)
listen.terminate()
listen.wait()

text = b"\x1b[2m$\x1b[0m hookdev listen --provider cyanite\n" + output.replace(b"\r\n", b"\n").rstrip()
console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True, color_system="truecolor")
console.print(Text.from_ansi(text.decode()))
svg = console.export_svg(title="hookdev listen", theme=MONOKAI, unique_id="demo")
# Fonts from another site would not be loaded.
svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
svg = svg.replace("Fira Code, monospace", "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace")
pathlib.Path(__file__).with_name("demo.svg").write_text(svg)
