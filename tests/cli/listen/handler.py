"""A handler that ends without a word when its standard input does, but never between a request and its response."""

import contextlib
import os
import socket
import sys
import threading

SERVER = socket.create_server(("127.0.0.1", int(sys.argv[1])))
RESPONDING = threading.Lock()


def serve(connection):
    with contextlib.suppress(ConnectionError):
        # Waits for a request without reading it.
        while connection.recv(1, socket.MSG_PEEK):
            with RESPONDING:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


def accept():
    while True:
        connection, _ = SERVER.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
RESPONDING.acquire()
os._exit(0)
