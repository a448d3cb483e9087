"""A card processor behind a bridge: a small service of the operator's that speaks HTTP and JSON
with us, and the processor's own language with the processor. The wire format: docs/processors.md.

What cannot be understood is unknown, never declined; only an answer that names our id counts.
"""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from recoup.kernel.encode import encode
from recoup.kernel.frozen import frozen
from recoup.kernel.hosts import is_loopback
from recoup.kernel.problem import invalid
from recoup.kernel.time import Clocks
from recoup.processors.gateways.bridge_wire import (
    NOT_PROCESSED,
    BridgeAnswer,
    BridgeCryptogram,
    BridgeMessages,
    BridgeToken,
    BridgeUpdate,
    charge_body,
    cryptogram_body,
    dispute_body,
    modification_body,
    outcome_of,
    payer_body,
    token_body,
    token_of,
    update_body,
    update_of,
)
from recoup.processors.gateways.look_up import NOT_OFFERED, chosen
from recoup.processors.gateways.outcome import State
from recoup.processors.gateways.payer_page import as_brought
from recoup.processors.gateways.port import (
    Asks,
    Authenticates,
    Charge,
    DisputeAnswer,
    Inquiry,
    LookUp,
    ModificationMessage,
    Outcome,
)
from recoup.processors.gateways.token_service import (
    CryptogramRequest,
    Deletion,
    TokenAnswer,
    TokenInquiry,
    TokenRequest,
)
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply, Transport
from recoup.processors.gateways.updater import CardUpdate, UpdateInquiry
from recoup.processors.gateways.wire_amounts import IsoAmounts
from recoup.processors.rules.authentication import RETURNED_MAX
from recoup.processors.rules.credential import KINDS, TOKEN, CredentialKind

ANSWER_BYTES_MAX: Final = 16_384
INQUIRY_SECONDS: Final = 10.0
SECRET_LENGTH_MIN: Final = 32
SETTLED_AFTER: Final = timedelta(seconds=60)


_TAKES_NOT: Final = {
    "card": "the bridge takes no card numbers",
    "stored": "the bridge takes no stored methods",
    TOKEN: "the bridge takes no network tokens",
}
_NO_SUCH_CALL: Final = frozenset({404, 405, 501})


@frozen
class _Message:
    """`send_before`: on this process's monotonic clock, None for an inquiry, which may always be
    made. `step`: of a charge in several, each with a key of its own."""

    method: str
    path: str
    id: UUID
    body: Mapping[str, Any] | None
    timeout_seconds: float
    send_before: float | None
    step: str = ""


class Bridge(IsoAmounts):
    """Implements `port.Processor`. Make it inside a running loop, close it there."""

    kind = "bridge"
    asks: Asks = "by_our_key"
    unprocessed_codes: frozenset[str] = frozenset({NOT_PROCESSED})
    idempotency_window = timedelta(days=30)
    settled_after = SETTLED_AFTER
    keeps_rest = False  # finalPart is on the wire

    def __init__(
        self,
        url: str,
        *,
        secret: str,
        acceptor_id: str,
        name: str = "bridge",
        clocks: Clocks | None = None,
        takes_files: bool = False,
        settled_after: timedelta = SETTLED_AFTER,
        world: str = "live",
        takes: frozenset[CredentialKind] = frozenset({"card"}),
        authenticates: bool = False,
        updater: bool = False,
        multicapture: bool = False,
        simulates: bool = False,
    ) -> None:
        """`world`: whose settings these are. `takes`: which credentials the bridge understands.
        `authenticates`: it answers `/authentications`. `updater`: it answers what became of
        replaced cards. `simulates`: it is a world of the laboratory, which knows orders by their
        ids. Raises: Problem(invalid) for an address in the clear, a short secret, or no
        acceptor."""
        check_bridge(url, secret, acceptor_id, world)
        self.name, self.acceptor_id, self.takes_files, self.takes = (
            name,
            acceptor_id,
            takes_files,
            takes,
        )
        self.settled_after, self.updates = settled_after, updater
        self.multicapture, self._simulates = multicapture, simulates
        self.authenticates: Authenticates = "by_redirect" if authenticates else "never"
        self._url, self._secret, self._clocks = url.rstrip("/"), secret.encode(), clocks or Clocks()
        self._prefix = urlsplit(self._url).path
        self._transport = Transport(self._clocks, ANSWER_BYTES_MAX)

    async def close(self) -> None:
        await self._transport.close()

    async def charge(self, charge: Charge) -> Outcome:
        if charge.credential.kind not in self.takes:
            return Outcome("not_sent", text=_TAKES_NOT[charge.credential.kind], fault="credential")
        body = charge_body(charge) | ({"orderId": charge.order_id} if self._simulates else {})
        if charge.payer is not None and self.authenticates == "by_redirect":
            return await self._post("/authentications", charge, body | payer_body(charge.payer))
        return await self._post("/charges", charge, body)

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        return as_brought(query, RETURNED_MAX)

    async def modify(self, message: ModificationMessage) -> Outcome:
        return await self._post("/reversals", message, modification_body(message))

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        body = dispute_body(answer, with_files=self.takes_files)
        return await self._post("/dispute-answers", answer, body)

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        payer = inquiry.payer
        if payer is not None and payer.returned is not None:
            return await self._finish("finish", inquiry, {"returned": payer.returned})
        path = f"/messages/{inquiry.key}"
        said = await self._send(_Message("GET", path, inquiry.key, None, INQUIRY_SECONDS, None))
        known = payer is not None and (payer.was_sent or said.redirect_url is not None)
        if said.state != "awaits_payer" or payer is not None and payer.may_wait and known:
            return said
        return await self._finish("withdraw", inquiry, {})

    async def _finish(
        self, verb: Literal["finish", "withdraw"], inquiry: Inquiry, body: dict[str, Any]
    ) -> Outcome:
        """Ends an authentication. Both may be repeated: the first's result is answered again. After
        a withdrawal nothing late can charge."""
        path, whole = f"/authentications/{verb}", {"id": inquiry.key} | body
        said = await self._send(
            _Message("POST", path, inquiry.key, whole, INQUIRY_SECONDS, None, f".{verb}")
        )
        if said.state == "awaits_payer" and verb == "withdraw":
            return replace(
                said, state="unknown", text="it waits for its payer, and is not withdrawn yet"
            )
        if said.state == "declined" and verb == "withdraw":
            return replace(said, withdrawn=True)
        return said

    async def look_up(self, question: LookUp) -> Outcome:
        """Looks up what the bridge has of the order, by our key for that. A bridge of before does
        not know the call."""
        order = question.message.order_key
        message = _Message("GET", f"/orders/{order}/messages", order, None, INQUIRY_SECONDS, None)
        try:
            reply = await self._reply(message)
        except (NotSentError, NoAnswerError) as error:
            return Outcome("unknown", text=f"{error}")
        if reply.status in _NO_SUCH_CALL:
            return NOT_OFFERED
        said = _read(reply.body, BridgeMessages)
        if said is None or said.id != order:
            return Outcome("unknown", text="the answer could not be read")
        return chosen(
            question,
            [(message.id, outcome_of(message.id, None, message, 0)) for message in said.messages],
        )

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate:
        """Implements `updater.Updater`: the bridge passes the question on to whoever its acquirer
        offers."""
        message = _Message(
            "POST", "/card-updates", inquiry.id, update_body(inquiry), inquiry.timeout_seconds, None
        )
        return update_of(inquiry.id, _read(await self._said(message), BridgeUpdate))

    async def make_token(self, request: TokenRequest) -> TokenAnswer:
        """Implements `token_service.TokenService`: the bridge passes it on to whoever its acquirer
        offers."""
        message = _Message(
            "POST",
            "/network-tokens",
            request.id,
            token_body(request),
            request.timeout_seconds,
            None,
        )
        return token_of(request.id, _read(await self._said(message), BridgeToken))

    async def standing_of(self, inquiry: TokenInquiry) -> TokenAnswer:
        path = f"/network-tokens/{inquiry.id}"
        message = _Message("GET", path, inquiry.id, None, inquiry.timeout_seconds, None)
        return token_of(inquiry.id, _read(await self._said(message), BridgeToken))

    async def delete_token(self, inquiry: TokenInquiry) -> Deletion:
        """A bridge of before does not know the call: it says so by its status."""
        path = f"/network-tokens/{inquiry.id}"
        message = _Message(
            "DELETE", path, inquiry.id, None, inquiry.timeout_seconds, None, ".delete"
        )
        try:
            reply = await self._reply(message)
        except (NotSentError, NoAnswerError):
            return "unknown"
        if reply.status in _NO_SUCH_CALL:
            return "not_offered"
        said = _read(reply.body, BridgeToken)
        if said is None or said.id != inquiry.id:
            return "unknown"
        return "deleted" if said.state == "deleted" else "unknown"

    async def cryptogram(self, request: CryptogramRequest) -> str | None:
        body = cryptogram_body(request)
        message = _Message("POST", "/cryptograms", request.id, body, request.timeout_seconds, None)
        said = _read(await self._said(message), BridgeCryptogram)
        return said.cryptogram if said is not None and said.id == request.id else None

    async def _said(self, message: _Message) -> bytes | None:
        """Sends what moves no money: None for no answer, for whatever reason."""
        try:
            return await self._exchange(message)
        except (NotSentError, NoAnswerError):
            return None

    async def _post(
        self,
        path: str,
        message: Charge | ModificationMessage | DisputeAnswer,
        body: Mapping[str, Any],
    ) -> Outcome:
        return await self._send(
            _Message(
                "POST",
                path,
                message.key,
                body,
                message.timeout_seconds,
                message.send_before_monotonic,
            )
        )

    async def _send(self, message: _Message) -> Outcome:
        started = self._clocks.monotonic()
        try:
            body = await self._exchange(message)
        except NotSentError as error:
            sent = message.send_before is not None
            state: State = "not_sent" if sent else "unknown"
            return Outcome(state, text=f"{error}", fault="outage" if sent else None)
        except NoAnswerError as error:
            return Outcome("unknown", text=f"{error}")
        answer, latency = _read(body, BridgeAnswer), self._clocks.monotonic() - started
        return outcome_of(message.id, message.body, answer, round(latency * 1000))

    async def _exchange(self, message: _Message) -> bytes | None:
        """Raises: NotSentError, NoAnswerError."""
        return (await self._reply(message)).body

    async def _reply(self, message: _Message) -> Reply:
        """Raises: NotSentError, NoAnswerError."""
        body = b"" if message.body is None else encode(message.body)
        return await self._transport.call(
            message.method,
            self._url + message.path,
            self._proof(message, body) | {"content-type": "application/json"},
            body,
            timeout_seconds=message.timeout_seconds,
            send_before=message.send_before,
        )

    def _proof(self, message: _Message, body: bytes) -> dict[str, str]:
        at = str(int(self._clocks.wall().timestamp()))
        signed = f"{at}.{message.method} {self._prefix}{message.path}.".encode() + body
        signature = hmac.digest(self._secret, signed, "sha256").hex()
        return {
            "idempotency-key": f"{message.id}{message.step}",
            "x-recoup-timestamp": at,
            "x-recoup-signature": signature,
        }


Read = TypeVar("Read", BridgeAnswer, BridgeMessages, BridgeUpdate, BridgeToken, BridgeCryptogram)


def _read(body: bytes | None, kind: type[Read]) -> Read | None:
    """Reads a body; None for what cannot be understood."""
    try:
        return msgspec.json.decode(body or b"", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class NoProcessor(IsoAmounts):
    """Stand-in where no processor is set: nothing is sent, so orders wait. It has the name of the
    route that takes them over later."""

    acceptor_id = ""
    kind = "none"
    asks: Asks = "by_our_key"
    takes: frozenset[CredentialKind] = KINDS
    unprocessed_codes: frozenset[str] = frozenset()
    takes_files = multicapture = keeps_rest = False
    authenticates: Authenticates = "never"
    idempotency_window = Bridge.idempotency_window
    settled_after = SETTLED_AFTER

    def __init__(self, name: str = "bridge") -> None:
        self.name = name

    async def charge(self, charge: Charge) -> Outcome:
        return _NOT_SET

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        return None

    async def modify(self, message: ModificationMessage) -> Outcome:
        return _NOT_SET

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        return _NOT_SET

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        return Outcome("unknown", text=_NOT_SET.text)

    async def look_up(self, question: LookUp) -> Outcome:
        return Outcome("unknown", text=_NOT_SET.text)

    async def close(self) -> None: ...


_NOT_SET: Final = Outcome("not_sent", text="no card processor is set")


def check_bridge(url: str, secret: str, acceptor_id: str, world: str = "live") -> None:
    """`world`: whose settings these are. Raises: Problem(invalid) naming the setting."""
    parts = urlsplit(url)
    if (
        not parts.hostname
        or parts.scheme != "https"
        and not (parts.scheme == "http" and is_loopback(parts.hostname))
    ):
        raise invalid(
            "Cards go over HTTPS only, or to this machine.",
            f"{world}_processor_url",
            "Write https://host/path.",
        )
    if len(secret) < SECRET_LENGTH_MIN:
        raise invalid(
            f"The bridge's secret has at least {SECRET_LENGTH_MIN} characters.",
            f"{world}_processor_secret",
            "Make one: openssl rand -hex 32.",
        )
    if not acceptor_id:
        raise invalid(
            "Network limits are counted by acceptor: it needs an id.",
            f"{world}_acceptor_id",
            "It is the merchant or acceptor id that your acquirer gave you.",
        )
