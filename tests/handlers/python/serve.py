"""What a handler needs to be tried: it listens on a free port, which it prints, and ends with its standard input, so that
it never outlives a test."""

import os
import socket
import sys
import threading

import uvicorn


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def serve(app):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # Whoever reads the port can connect from here on.
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
