"""A processor over real HTTP, behind the bridge that live cards go by, that answers after 50 ms.

As a program (`python -m recoup_lab.bench.processor`) it is the processor: it prints its port and
serves. Every other charge is approved, derived from the charge's id, so that a repeat hears the
same.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import uvloop

from recoup.processors.gateways.bridge import SECRET_LENGTH_MIN, Bridge
from recoup.processors.gateways.port import (
    Asks,
    Authenticates,
    Charge,
    CredentialKind,
    DisputeAnswer,
    Inquiry,
    LookUp,
    ModificationMessage,
    Outcome,
)
from recoup.processors.gateways.wire_amounts import IsoAmounts

LATENCY_SECONDS: Final = 0.05
NAME: Final = "http"
ACCEPTOR: Final = "sandbox"


def bridge_to(port: int) -> Bridge:
    """Bridge to that port, made inside a running loop; closed by the caller."""
    return Bridge(
        f"http://127.0.0.1:{port}", secret="-" * SECRET_LENGTH_MIN, acceptor_id=ACCEPTOR, name=NAME
    )


def approves(charge_id: UUID) -> bool:
    return charge_id.int & 1 == 0


class FixedProcessor(IsoAmounts):
    """A processor that says one thing at once: for recording statements."""

    name = NAME
    kind = NAME
    asks: Asks = "by_our_key"
    takes: frozenset[CredentialKind] = frozenset({"card"})
    idempotency_window = Bridge.idempotency_window
    settled_after = Bridge.settled_after
    unprocessed_codes = Bridge.unprocessed_codes
    takes_files = multicapture = keeps_rest = False
    authenticates: Authenticates = "never"
    acceptor_id = ACCEPTOR

    def __init__(self, approved: bool) -> None:
        self._approved = approved

    async def charge(self, charge: Charge) -> Outcome:
        return outcome_of(charge.id, self._approved, 50)

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        return None

    async def modify(self, message: ModificationMessage) -> Outcome:
        return outcome_of(message.id, True, 50)

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        return outcome_of(inquiry.id, self._approved, 50)

    async def look_up(self, question: LookUp) -> Outcome:
        return Outcome("not_found")

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        return outcome_of(answer.id, True, 50)


def outcome_of(id: UUID, approved: bool, latency_ms: int) -> Outcome:
    if approved:
        return Outcome(
            "approved",
            f"ref_{id.hex[-12:]}",
            "00",
            network_transaction_id="012345678901234",
            latency_ms=latency_ms,
        )
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
        charge_id = UUID(json.loads(body)["id"])
        said = outcome_of(charge_id, approves(charge_id), 0)
        answer = json.dumps(
            {
                "id": str(charge_id),
                "state": said.state,
                "reference": said.reference,
                "schemeCode": said.scheme_code,
                "networkTransactionId": said.network_transaction_id,
            }
        ).encode()
        asyncio.get_running_loop().call_later(LATENCY_SECONDS, self._answer, answer)

    def _answer(self, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
            )


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def serve() -> None:
    """Serves until its input ends."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve())
