"""The load generator, a process of its own: kept connections, each with one call under way, as lean
as it can be.

Reads a plan (JSON, see `Plan`) from standard input and writes what it measured to standard output.
"""

import asyncio
import hashlib
import hmac
import json
import random
import sys
import time
from dataclasses import dataclass
from typing import Any

import uvloop

from recoup.kernel.time import wall_ms

GIVE_UP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`requests`: whole HTTP requests, one a connection in turn; in each, `mark` is replaced by a
    number: the next one from `first` on, or, with `last`, any between the two. `choices` stand in
    for `choice_mark`, in turn. `signing` (path, key_id, secret): each call is signed as the
    stablecoin API wants it.

    Units: seconds; `warm_seconds` at the start are not counted.
    """

    ports: list[int]
    requests: list[str]
    mark: str
    first: int
    last: int | None = None
    connections: int = 64
    seconds: float = 3.0
    warm_seconds: float = 0.5
    choice_mark: str = ""
    choices: tuple[str, ...] = ()
    signing: dict[str, str] | None = None


class Run:
    """State that all connections share."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.number = plan.first
        self.begin = time.perf_counter() + plan.warm_seconds
        self.end = self.begin + plan.seconds
        self.latencies: list[float] = []
        self.sent = 0
        self.refused = 0
        self.example = ""
        self.open = 0
        self.done = asyncio.get_running_loop().create_future()

    def next_number(self) -> str:
        if self.plan.last is not None:
            return str(random.randint(self.plan.first, self.plan.last))
        self.number += 1
        return str(self.number)

    def closed(self) -> None:
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


class Caller(asyncio.Protocol):
    """Caller on one connection: sends, waits for the whole answer, sends the next."""

    def __init__(self, run: Run, request: str) -> None:
        self._run = run
        self._mark = run.plan.mark.encode()
        self._pieces = request.encode().split(self._mark)
        self._choice_mark = run.plan.choice_mark.encode()
        self._choices = [choice.encode() for choice in run.plan.choices]
        self._transport: Any = None
        self._buffer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._run.open += 1
        self._send()

    def _send(self) -> None:
        run = self._run
        self._sent_at = time.perf_counter()
        if self._sent_at >= run.end:
            self._transport.close()
            return
        body = run.next_number().encode().join(self._pieces)
        if self._choices:
            body = body.replace(self._choice_mark, self._choices[run.sent % len(self._choices)])
        run.sent += 1
        self._transport.write(signed(body, run.plan.signing) if run.plan.signing else body)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        head = data.find(b"\r\n\r\n")
        if head < 0 or len(data) < head + 4 + _length(data, head):
            self._buffer = data
            return
        self._buffer = b""
        now = time.perf_counter()
        run = self._run
        if data[9:11] != b"20":
            run.refused += 1
            run.example = run.example or data[:600].decode("latin-1")
        elif run.begin <= now <= run.end:
            run.latencies.append(now - self._sent_at)
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._run.closed()


def signed(call: bytes, key: dict[str, str]) -> bytes:
    """The call with its three headers. Source: contract stablecoin-api §1."""
    head, _, body = call.partition(b"\r\n\r\n")
    timestamp = str(wall_ms() // 1000)
    lines = ("POST", key["path"], "", timestamp, hashlib.sha256(body).hexdigest())
    made = hmac.new(key["secret"].encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    headers = (
        f"\r\nx-api-key: {key['key_id']}\r\nx-timestamp: {timestamp}\r\nx-signature: {made}\r\n\r\n"
    )
    return head + headers.encode() + body


def _length(data: bytes, head: int) -> int:
    found = data.find(b"content-length: ", 0, head)
    return int(data[found + 16 : data.find(b"\r", found)]) if found >= 0 else 0


async def run(plan: Plan) -> dict[str, Any]:
    """Units: per second, milliseconds."""
    loop = asyncio.get_running_loop()
    going, begun = Run(plan), time.perf_counter()
    for index in range(plan.connections):
        request = plan.requests[index % len(plan.requests)]
        port = plan.ports[index % len(plan.ports)]
        await loop.create_connection(
            lambda r=request: Caller(going, r),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
    await asyncio.wait({going.done}, timeout=plan.warm_seconds + plan.seconds + GIVE_UP_SECONDS)
    taken = sorted(going.latencies)
    return {
        "per_second": len(taken) / plan.seconds,
        "took": time.perf_counter() - begun,
        "sent": going.sent,
        "refused": going.refused,
        "example": going.example,
        "mean_ms": sum(taken) / max(1, len(taken)) * 1000,
        "p50_ms": _at(taken, 0.5) * 1000,
        "p99_ms": _at(taken, 0.99) * 1000,
    }


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def main() -> None:
    plan = json.load(sys.stdin)
    plan["choices"] = tuple(plan.get("choices", ()))
    print(json.dumps(uvloop.run(run(Plan(**plan)))))  # noqa: T201


if __name__ == "__main__":
    main()
