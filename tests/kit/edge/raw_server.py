"""The doors' own HTTP server with small limits, in a thread, and raw sockets to it."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit.edge.asgi_client import refuse

from recoup.kit.edge.asgi import App, Receive, Refusal, Scope, Send, send_refusal
from recoup.kit.edge.connections import Connections, Limits
from recoup.kit.edge.crowded import crowded
from recoup.kit.edge.json_body import read_body
from recoup.kit.edge.proxies import Proxies
from recoup.main.door_server import DoorServer

WAIT = 20.0


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """The length of the body; of as many bytes as the path asks for."""
    body = await read_body(receive)
    size = scope["path"].removeprefix("/bytes/")
    await send_refusal(
        send, Refusal(200, b"x" * int(size) if size.isdigit() else str(len(body)).encode())
    )


@dataclass
class Raw:
    port: int
    connections: Connections
    server: DoorServer
    made: list[socket.socket] = field(default_factory=list)

    def connect(self, sent: bytes = b"") -> socket.socket:
        """It is closed with the server, at the latest."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)
        self.made.append(made)
        made.sendall(sent)
        return made

    def ask(self, sent: bytes) -> bytes:
        """All that is answered until the server closes."""
        with self.connect(sent) as made:
            return rest_of(made)

    def is_healthy(self) -> bool:
        return self.ask(
            b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ).startswith(b"HTTP/1.1 200")


def rest_of(made: socket.socket) -> bytes:
    """Until the other side ends it. Raises: TimeoutError when it does not."""
    read = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while piece := made.recv(65536):
            read += piece
    return read


def send_all(made: socket.socket, pieces: Iterator[bytes]) -> int:
    """How much the server took until it hung up, or all."""
    taken = 0
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        for piece in pieces:
            made.sendall(piece)
            taken += len(piece)
    return taken


def memory() -> int:
    """Bytes that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@contextlib.contextmanager
def serving(
    limits: Limits,
    app: App = echo,
    proxies: str = "",
    kernel_keeps: int | None = None,
    **options: Any,
) -> Iterator[Raw]:
    """`kernel_keeps`: bytes of an answer that the kernel takes before its caller reads them."""
    connections = Connections(limits, crowded(app, refuse), Proxies(proxies))
    with socket.socket() as listener:
        if kernel_keeps is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kernel_keeps)
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        port = listener.getsockname()[1]
        server = DoorServer(app, connections, log_level="error", lifespan="off", **options)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        raw = Raw(port, connections, server)
        try:
            yield raw
        finally:
            for made in raw.made:
                made.close()
            server.should_exit = True
            thread.join()
