"""A processor over real HTTP that answers after 50 ms, and the connector to it.

As a program (`python -m recoup.lab.bench.processor`) it is the processor: it prints its port and serves. Every other
charge is approved, told by the charge's id, so that a repeat hears the same.
"""

import asyncio
import json
import sys
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

import aiohttp
import uvloop

from recoup.gateways.cards.port import Charge, Outcome, Reversal
from recoup.kernel.time import Clocks

LATENCY_SECONDS: Final = 0.05


def approves(charge_id: UUID) -> bool:
    return charge_id.int & 1 == 0


class HttpProcessor:
    """Implements `port.Processor`. Make it inside a running loop, close it there."""

    name = "http"
    asks: Literal["by_our_key", "by_search", "none"] = "by_our_key"
    idempotency_window = timedelta(days=1)
    settled_after = timedelta(seconds=1)
    unprocessed_codes: frozenset[str] = frozenset()
    acceptor_id = "sandbox"

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/charges"
        self._clocks = Clocks()
        connector = aiohttp.TCPConnector(limit=256, limit_per_host=256)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        await self._session.close()

    async def charge(self, charge: Charge) -> Outcome:
        started = self._clocks.monotonic()
        if started >= charge.send_before_monotonic:
            return Outcome("not_sent", text="too late to send")
        body = json.dumps({
            "id": str(charge.id), "pan": charge.card.pan, "exp_month": charge.card.exp_month,
            "exp_year": charge.card.exp_year, "amount": charge.units, "currency": charge.currency,
            "descriptor": charge.descriptor, "initiator": charge.initiator,
        }).encode()  # fmt: skip
        try:
            async with asyncio.timeout(charge.timeout_seconds), self._session.post(self._url, data=body) as response:
                said: dict[str, Any] = json.loads(await response.read())
        except aiohttp.ClientConnectorError:
            return Outcome("not_sent", text="connection refused")
        except (TimeoutError, aiohttp.ClientError, ValueError):
            return Outcome("unknown", text="no answer in time")
        latency_ms = round((self._clocks.monotonic() - started) * 1000)
        return outcome_of(charge.id, said["approved"], latency_ms)

    async def reverse(self, reversal: Reversal) -> Outcome:
        return outcome_of(reversal.id, True, 0)

    async def inquire(self, id: UUID) -> Outcome:
        return outcome_of(id, approves(id), 0)


class Told:
    """A processor that says one thing at once: for recording statements."""

    name = HttpProcessor.name
    asks: Literal["by_our_key", "by_search", "none"] = "by_our_key"
    idempotency_window = HttpProcessor.idempotency_window
    settled_after = HttpProcessor.settled_after
    unprocessed_codes = HttpProcessor.unprocessed_codes
    acceptor_id = HttpProcessor.acceptor_id

    def __init__(self, approved: bool) -> None:
        self._approved = approved

    async def charge(self, charge: Charge) -> Outcome:
        return outcome_of(charge.id, self._approved, 50)

    async def reverse(self, reversal: Reversal) -> Outcome:
        return outcome_of(reversal.id, True, 50)

    async def inquire(self, id: UUID) -> Outcome:
        return outcome_of(id, self._approved, 50)


def outcome_of(id: UUID, approved: bool, latency_ms: int) -> Outcome:
    if approved:
        return Outcome("approved", f"ref_{id.hex[-12:]}", "00", network_transaction_id="012345678901234",
                       latency_ms=latency_ms)  # fmt: skip
    return Outcome("declined", f"ref_{id.hex[-12:]}", "51", latency_ms=latency_ms)


class Server(asyncio.Protocol):
    """The processor's side of one connection: one call at a time, answered after the latency."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        body = self._buffer[head + 4 :]
        if head < 0 or len(body) < _length(self._buffer[:head]):
            return
        self._buffer = b""
        approved = approves(UUID(json.loads(body)["id"]))
        answer = json.dumps({"approved": approved}).encode()
        asyncio.get_running_loop().call_later(LATENCY_SECONDS, self._answer, answer)

    def _answer(self, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def serve() -> None:
    """Until its input ends."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve())
