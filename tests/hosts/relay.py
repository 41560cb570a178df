"""A port of the switch behind which a server of this machine listens: hosts reach it, and nobody else.

A socket belongs to the network namespace in which it was made, whoever uses it later: here one that listens in the
switch's, and others that connect from this machine's to its own loopback interface.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.hosts.machines import NETWORK, Switch

CLONE_NEWNET = 0x40000000


class _Relay(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False  # what a killed host has left open stays open
    request_queue_size = 128

    def __init__(self, port: Callable[[], int]) -> None:
        self.port = port
        super().__init__((f"{NETWORK}.254", 0), _Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: hosts are cut off and killed."""


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Relay)
        with socket.create_connection(("127.0.0.1", self.server.port())) as there:
            back = threading.Thread(target=_carry, args=(there, self.request), daemon=True)
            back.start()
            _carry(self.request, there)
            back.join()


def _carry(source: socket.socket, to: socket.socket) -> None:
    """All that comes, to its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            to.sendall(data)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay(switch: Switch, port: Callable[[], int]) -> Iterator[str]:
    """The URL at which hosts reach the server at a port of this machine; asked for the port when they come."""

    def made() -> _Relay:
        _enter(f"/proc/{switch.holder.pid}/ns/net")
        return _Relay(port)

    with ThreadPoolExecutor(1) as pool:  # a thread of its own, the only one that enters
        server = pool.submit(made).result()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{NETWORK}.254:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _enter(namespace: str) -> None:
    """Take this thread into a network namespace."""
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), namespace)
    finally:
        os.close(descriptor)
