"""Charges methods that Acorn stores. A message is known there by our key for a week: the same key
again is the same answer, and `GET /messages/{key}` reads it. Its book keeps what it did for good,
by our key for the order."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec

from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.kinds import Connection, Kind, SimulatedIssuer
from recoup.processors.gateways.look_up import chosen
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import (
    Asks,
    Charge,
    DisputeAnswer,
    Inquiry,
    LookUp,
    ModificationMessage,
)
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply, Transport
from recoup.processors.gateways.vendor_account import VendorAccount, unanswered
from recoup.processors.gateways.wire_amounts import IsoAmounts

T = TypeVar("T")
REFUSED: Mapping[int, Literal["account", "rate", "request"]] = {
    400: "request",
    401: "account",
    429: "rate",
}


class Answer(msgspec.Struct):
    id: UUID
    state: Literal["approved", "declined"]
    reference: str
    amount: int
    currency: str
    code: str | None = None
    network_code: str | None = None
    network_id: str | None = None


class Api:
    def __init__(self, url: str, key: str, clocks: Clocks) -> None:
        self._url, self._headers = (
            url,
            {"authorization": f"Bearer {key}", "content-type": "application/json"},
        )
        self._transport, self.calls = Transport(clocks, 65_536), set[str]()

    async def call(
        self, method: str, path: str, body: bytes, seconds: float, before: float | None = None
    ) -> Reply:
        """Raises: NotSentError, NoAnswerError."""
        url = self._url + path
        return await self._transport.call(
            method, url, self._headers, body, timeout_seconds=seconds, send_before=before
        )

    async def close(self) -> None:
        await self._transport.close()


class Acorn(IsoAmounts, VendorAccount):
    """Implements `port.Processor`. Make it inside a running loop, close it there."""

    kind = "acorn"
    asks: Asks = "by_our_key"
    idempotency_window = timedelta(days=7)

    def __init__(
        self, url: str, key: str, name: str, acceptor: str, clocks: Clocks | None = None
    ) -> None:
        super().__init__(name, acceptor, clocks)
        self._api: Api = Api(url, key, self._clocks)

    async def _charge(self, charge: Charge, until: float) -> Outcome:
        if not isinstance(charge.credential, Stored):
            return Outcome("not_sent", text="Acorn takes stored methods only", fault="credential")
        return await self._send(
            "/charges", charge, {"method": charge.credential.id, "capture": charge.capture}
        )

    async def modify(self, message: ModificationMessage) -> Outcome:
        return await self._send(f"/charges/{message.charge_key}/{message.kind}", message, {})

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        return Outcome("not_sent", text="Acorn takes no answers to disputes", fault="request")

    async def _inquire(self, inquiry: Inquiry) -> Outcome:
        reply = await self._api.call("GET", f"/messages/{inquiry.key}", b"", seconds=10)
        return (
            Outcome("not_found")
            if reply.status == 404
            else outcome_of(inquiry.key, read(reply.body, Answer))
        )

    async def _look_up(self, question: LookUp) -> Outcome:
        reply = await self._api.call(
            "GET", f"/orders/{question.message.order_key}/messages", b"", seconds=10
        )
        found = read(reply.body, list[Answer])
        if found is None:
            return outcome_of(question.message.key, None)
        return chosen(question, [(one.id, outcome_of(one.id, one)) for one in found])

    async def _send(
        self, path: str, message: Charge | ModificationMessage, more: Mapping[str, Any]
    ) -> Outcome:
        named = {"id": message.key, "order": message.order_key}
        body = encode({**named, "amount": message.units, "currency": message.currency, **more})
        try:
            reply = await self._api.call(
                "POST", path, body, message.timeout_seconds, message.send_before_monotonic
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        if fault := REFUSED.get(reply.status):  # Acorn promises that nothing was done
            return Outcome("not_sent", text=f"Acorn answers {reply.status}", fault=fault)
        return outcome_of(message.key, read(reply.body, Answer))


def read(body: bytes | None, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body or b"", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def outcome_of(id: UUID, said: Answer | None) -> Outcome:
    """What cannot be read may have happened."""
    if said is None:
        return Outcome("unknown", text="the answer cannot be read")
    return Outcome(
        said.state,
        said.reference,
        said.network_code,
        processor_code=said.code,
        network_transaction_id=said.network_id,
        units=said.amount,
        currency=said.currency,
        other_id=said.id != id,
        fault="credential" if said.code == "no_such_method" else None,
        reached_network=said.code != "blocked",
        sca_wanted=said.code == "payer_wanted",
    )


def make(given: Connection, issuer: SimulatedIssuer | None) -> Acorn:
    if given.key.startswith("test_") is not (given.world == "sandbox"):
        raise Problem(
            "invalid",
            "The key is of the other mode.",
            field="key_file",
            cure="Use a key of this world.",
        )
    return Acorn(given.url, given.key, given.name, given.acceptor)


KIND = Kind(make, url="https://api.acorn.example", key_length_min=16, cards=False, stored=True)
