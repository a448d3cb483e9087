"""A card processor behind a bridge: a small service of the operator's that speaks HTTP and JSON with us, and the
processor's own language with the processor. The wire format: docs/live.md.

What cannot be understood is unknown, never declined; only an answer that names our id counts.
"""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import msgspec

from recoup.gateways.cards.port import Charge, DisputeAnswer, ModificationMessage, Outcome
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks, iso

ANSWER_BYTES_MAX: Final = 16_384
INQUIRY_SECONDS: Final = 10.0
SECRET_LENGTH_MIN: Final = 32
NOT_PROCESSED: Final = "not_processed"
SETTLED_AFTER: Final = timedelta(seconds=60)


class BridgeAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A bridge's answer. `id` is ours; what it leaves out is not known."""

    id: UUID
    state: Literal["approved", "declined", "unknown", "not_processed", "not_found"]
    reference: str | None = None
    scheme_code: str | None = None
    advice_code: str | None = None
    processor_code: str | None = None
    text: str | None = None
    network_transaction_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    """`send_before`: on this process's monotonic clock, None for an inquiry, which may always be made."""

    method: str
    path: str
    id: UUID
    body: Mapping[str, Any] | None
    timeout_seconds: float
    send_before: float | None


class _TooLate(Exception):
    """Nothing was written."""


_too_late: ContextVar[Callable[[], bool]] = ContextVar("too_late", default=bool)


class _InTime(aiohttp.ClientRequest):
    """Looks at the clock when a connection is there, right before the first byte: a process that was paused meanwhile
    sends nothing late."""

    async def send(self, conn: Any) -> Any:
        if _too_late.get()():
            raise _TooLate
        return await super().send(conn)


class Bridge:
    """Implements `port.Processor`. Make it inside a running loop, close it there."""

    asks: Literal["by_our_key", "by_search", "none"] = "by_our_key"
    unprocessed_codes: frozenset[str] = frozenset({NOT_PROCESSED})
    idempotency_window = timedelta(days=30)
    settled_after = SETTLED_AFTER

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
    ) -> None:
        """`world`: whose settings these are. Raises: Problem(invalid) for an address in the clear, a short secret, or
        no acceptor."""
        check_bridge(url, secret, acceptor_id, world)
        self.name, self.acceptor_id, self.takes_files = name, acceptor_id, takes_files
        self.settled_after = settled_after
        self._url, self._secret, self._clocks = url.rstrip("/"), secret.encode(), clocks or Clocks()
        self._prefix = urlsplit(self._url).path
        connector = aiohttp.TCPConnector(limit=256, limit_per_host=256, keepalive_timeout=4.0)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            request_class=_InTime,
            auto_decompress=False,
            headers={"accept-encoding": "identity"},  # a small answer may unpack to a large one
        )

    async def close(self) -> None:
        await self._session.close()

    async def charge(self, charge: Charge) -> Outcome:
        card = charge.card
        body = {
            "id": charge.id,
            "orderId": charge.order_id,
            "merchantId": charge.merchant_id,
            "acceptorId": charge.acceptor_id,
            "amount": charge.units,
            "currency": charge.currency,
            "initiator": charge.initiator,
            "capture": charge.capture,
            "descriptor": charge.descriptor,
            "sentAt": iso(charge.sent_at),
            "phone": charge.phone,
            "agreement": charge.agreement,
            "networkTransactionId": charge.network_transaction_id,
            "threeDSecure": charge.three_d_secure,
            "card": {
                "number": card.pan,
                "expMonth": card.exp_month,
                "expYear": card.exp_year,
                "scheme": card.scheme,
                "cvv": card.cvv,
            },
        }
        return await self._post("/charges", charge, body)

    async def modify(self, message: ModificationMessage) -> Outcome:
        body = {
            "id": message.id,
            "chargeId": message.charge_id,
            "kind": message.kind,
            "amount": message.units,
            "currency": message.currency,
            "sentAt": iso(message.sent_at),
        }
        return await self._post("/reversals", message, body)

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        body: dict[str, Any] = {
            "id": answer.id,
            "caseRef": answer.case_ref,
            "chargeId": answer.charge_id,
            "answer": answer.answer,
            "evidence": answer.evidence,
            "sentAt": iso(answer.sent_at),
        }
        if self.takes_files:
            body["files"] = [
                {"name": one.name, "mediaType": one.media_type, "content": b64encode(one.content).decode()}
                for one in answer.files
            ]
        return await self._post("/dispute-answers", answer, body)

    async def inquire(self, id: UUID) -> Outcome:
        return await self._send(_Message("GET", f"/messages/{id}", id, None, INQUIRY_SECONDS, None))

    async def _post(
        self, path: str, message: Charge | ModificationMessage | DisputeAnswer, body: Mapping[str, Any]
    ) -> Outcome:
        return await self._send(
            _Message("POST", path, message.id, body, message.timeout_seconds, message.send_before_monotonic)
        )

    async def _send(self, message: _Message) -> Outcome:
        started = self._clocks.monotonic()
        _too_late.set(lambda: message.send_before is not None and self._clocks.monotonic() >= message.send_before)
        body = b"" if message.body is None else msgspec.json.encode(message.body)
        try:
            async with asyncio.timeout(message.timeout_seconds):
                answer = await self._exchange(message, body)
        except _TooLate:
            return Outcome("not_sent", text="too late to send")
        except aiohttp.ClientConnectorError:
            return Outcome("unknown" if message.body is None else "not_sent", text="no connection to the bridge")
        except (TimeoutError, aiohttp.ClientError, OSError):
            return Outcome("unknown", text="no answer in time")
        return _outcome(message, answer, round((self._clocks.monotonic() - started) * 1000))

    async def _exchange(self, message: _Message, body: bytes) -> BridgeAnswer | None:
        """None for what cannot be understood."""
        call = self._session.request(
            message.method,
            self._url + message.path,
            data=body or None,
            allow_redirects=False,
            headers=self._proof(message, body) | {"content-type": "application/json"},
        )
        async with call as response:
            text = await response.content.read(ANSWER_BYTES_MAX + 1)
            while not response.content.at_eof() and len(text) <= ANSWER_BYTES_MAX:
                text += await response.content.read(ANSWER_BYTES_MAX + 1 - len(text))
        if len(text) > ANSWER_BYTES_MAX:
            return None
        try:
            return msgspec.json.decode(text, type=BridgeAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def _proof(self, message: _Message, body: bytes) -> dict[str, str]:
        at = str(int(self._clocks.wall().timestamp()))
        signed = f"{at}.{message.method} {self._prefix}{message.path}.".encode() + body
        signature = hmac.digest(self._secret, signed, "sha256").hex()
        return {"idempotency-key": str(message.id), "x-recoup-timestamp": at, "x-recoup-signature": signature}


class NoProcessor:
    """Where none is set: nothing is sent, so orders wait. It has the name of the route that takes them over later."""

    acceptor_id = ""
    asks: Literal["by_our_key", "by_search", "none"] = "by_our_key"
    unprocessed_codes: frozenset[str] = frozenset()
    takes_files = False
    idempotency_window = Bridge.idempotency_window
    settled_after = SETTLED_AFTER

    def __init__(self, name: str = "bridge") -> None:
        self.name = name

    async def charge(self, charge: Charge) -> Outcome:
        return _NOT_SET

    async def modify(self, message: ModificationMessage) -> Outcome:
        return _NOT_SET

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        return _NOT_SET

    async def inquire(self, id: UUID) -> Outcome:
        return Outcome("unknown", text=_NOT_SET.text)

    async def close(self) -> None: ...


_NOT_SET: Final = Outcome("not_sent", text="no card processor is set")


def check_bridge(url: str, secret: str, acceptor_id: str, world: str = "live") -> None:
    """`world`: whose settings these are. Raises: Problem(invalid) naming the setting."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise Problem(
            "invalid",
            "Cards go over HTTPS only, or to this machine.",
            field=f"{world}_processor_url",
            cure="Write https://host/path.",
        )
    if len(secret) < SECRET_LENGTH_MIN:
        raise Problem(
            "invalid",
            f"The bridge's secret has at least {SECRET_LENGTH_MIN} characters.",
            field=f"{world}_processor_secret",
            cure="Make one: openssl rand -hex 32.",
        )
    if not acceptor_id:
        raise Problem(
            "invalid",
            "Network limits are counted by acceptor: it needs an id.",
            field=f"{world}_acceptor_id",
            cure="It is the merchant or acceptor id that your acquirer gave you.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _outcome(message: _Message, answer: BridgeAnswer | None, latency_ms: int) -> Outcome:
    if answer is None or answer.id != message.id or answer.state == "not_found" and message.body is not None:
        return Outcome("unknown", text="the answer could not be read", latency_ms=latency_ms)
    if answer.state == "not_processed":
        return Outcome(
            "not_sent", processor_code=NOT_PROCESSED, text="refused before it was processed", latency_ms=latency_ms
        )
    pan = str(((message.body or {}).get("card") or {}).get("number", ""))
    return Outcome(
        answer.state,
        _without(pan, answer.reference),
        _without(pan, answer.scheme_code),
        _without(pan, answer.advice_code),
        _without(pan, answer.processor_code),
        _without(pan, answer.text),
        _without(pan, answer.network_transaction_id),
        latency_ms,
    )


def _without(pan: str, text: str | None) -> str | None:
    """A processor may say the card's number back: in an id, too, it is masked."""
    return text.replace(pan, f"{pan[:6]}…{pan[-4:]}") if text and pan else text
