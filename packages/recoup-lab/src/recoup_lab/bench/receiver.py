"""A webhook receiver, a process of its own: takes everything with 200.

Prints its port; for each number it is sent, prints the wall times of the first and last call once
so many have come.
"""

import asyncio
import json
import sys
from typing import Any

import uvloop

from recoup.kernel.time import wall_ms

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Taken:
    def __init__(self) -> None:
        self.wanted = 0
        self.times: list[float] = []
        self.done = asyncio.Event()

    def one(self) -> None:
        self.times.append(wall_ms() / 1000)
        if self.wanted and len(self.times) >= self.wanted:
            self.done.set()


class Receiver(asyncio.Protocol):
    def __init__(self, taken: Taken) -> None:
        self._taken = taken

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        begin = self._buffer.lower().find(b"content-length:", 0, head)
        length = int(self._buffer[begin + 15 : self._buffer.find(b"\r", begin)])
        if len(self._buffer) < head + 4 + length:
            return
        self._buffer = b""
        self._taken.one()
        self._transport.write(_OK)


async def main() -> None:
    taken = Taken()
    server = await asyncio.get_running_loop().create_server(lambda: Receiver(taken), "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)  # noqa: T201
    while line := await asyncio.to_thread(sys.stdin.readline):
        taken.done.clear()
        taken.times.clear()
        taken.wanted = json.loads(line)["number"]
        print(json.dumps({"waiting": True}), flush=True)  # noqa: T201
        await taken.done.wait()
        measured = json.dumps({"first": taken.times[0], "last": taken.times[-1]})
        print(measured, flush=True)  # noqa: T201


if __name__ == "__main__":
    uvloop.run(main())
