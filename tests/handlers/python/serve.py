"""Runs a handler for a test: it listens on a free port, which it prints, and exits when its standard input ends, so that
it never outlives the test."""

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
    # Connections are possible from here on.
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=end_with_input, daemon=True).start()
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
