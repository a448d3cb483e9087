"""Adyen's HTTP and what its account says: JSON in and out, two hosts, a call for each right, the
signed notices."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode, urlsplit

import msgspec

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import Clocks
from recoup.networks.disputes import AT_ITS_STAGE
from recoup.processors.gateways.connector import DisputeCase, Finding, Notice
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply, Transport
from recoup.processors.rules.answers import Movement
from recoup_connectors import findings as findings
from recoup_connectors.adyen.events import EVENTS, OF_INQUIRY, REPORT, TOKENS, Meaning
from recoup_connectors.adyen.outcomes import Amount, ServiceError, T, own_code, read

TEST_HOST: Final = "-test.adyen.com"
LIVE_HOST: Final = "-live.adyenpayments.com"
VERSION: Final = "v72"
DISPUTES: Final = "/ca/services/DisputeService/v30"
REPORTS: Final = "/reports/download/MerchantAccount"
ANSWER_BYTES_MAX: Final = 16_777_216  # a report of one batch
READ_SECONDS: Final = 10.0
REPORT_SECONDS: Final = 60.0
_NOBODY: Final = "RECOUPRIGHTS0000"
_EITHER: Final = "CANCEL_OR_REFUND"
NOTICE_BYTES_MAX: Final = 262_144
ITEMS_MAX: Final = 200
UNKNOWN: Final = Meaning()
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where payments go, and where disputes and reports stand."""

    checkout: str
    account: str


def hosts_of(url: str) -> Hosts:
    """`url`: https://checkout-test.adyen.com, https://PREFIX-checkout-live.adyenpayments.com, or a
    stand-in's."""
    host, plain = urlsplit(url).hostname or "", url.rstrip("/")
    if host.endswith(TEST_HOST):
        return Hosts(f"{plain}/{VERSION}", "https://ca-test.adyen.com")
    if host.endswith(LIVE_HOST):
        return Hosts(f"{plain}/checkout/{VERSION}", "https://ca-live.adyen.com")
    return Hosts(f"{plain}/{VERSION}", plain)


class Api:
    """`key` reaches the header and nothing else."""

    def __init__(self, url: str, key: str, clocks: Clocks) -> None:
        self._hosts, self._clocks = hosts_of(url), clocks
        self._headers = {"x-api-key": key}
        self._transport = Transport(clocks, ANSWER_BYTES_MAX)
        self.calls = set[str]()  # that it has made, without ids

    async def close(self) -> None:
        await self._transport.close()

    async def post(
        self,
        path: str,
        body: Body,
        key: str = "",
        *,
        seconds: float = READ_SECONDS,
        send_before: float | None = None,
    ) -> Reply:
        """The same bytes for the same body. Raises: NotSentError, NoAnswerError."""
        host = self._hosts.account if path.startswith(DISPUTES) else self._hosts.checkout
        self.calls.add(_without_id("POST", path))
        return await self._transport.call(
            "POST",
            host + path,
            self._headers
            | {"content-type": "application/json"}
            | ({"idempotency-key": key} if key else {}),
            msgspec.json.encode(body, order="deterministic"),
            timeout_seconds=seconds,
            send_before=send_before,
        )

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        """Raises: Problem(unavailable)."""
        report = path.startswith(REPORTS)
        host, seconds = (
            (self._hosts.account, REPORT_SECONDS)
            if report
            else (self._hosts.checkout, READ_SECONDS)
        )
        self.calls.add(_without_id("GET", path))
        url = f"{host}{path}?{urlencode(query)}" if query else host + path
        try:
            return await self._transport.call(
                "GET", url, self._headers, b"", timeout_seconds=seconds
            )
        except (NotSentError, NoAnswerError) as error:
            raise unavailable(f"{error}") from None


def _without_id(method: str, path: str) -> str:
    if path.startswith(REPORTS):
        return f"{method} {REPORTS}/{{account}}/{{report}}"
    parts = path.split("/")
    own = len(parts) == 4 and parts[1] == "payments"
    return f"{method} " + ("/".join((*parts[:2], "{id}", *parts[3:])) if own else path)


def unavailable(why: str) -> Problem:
    message = Sentence("Adyen's answer cannot be used: {0}.", why)
    return Problem("unavailable", message, cure="Try again in a few minutes.")


def reason_of(reply: Reply) -> str:
    """Adyen's code for what went wrong, else the status: no sentence, which may quote what was
    sent."""
    error = read(ServiceError, reply)
    return (error.error_code or "" if error else "") or f"HTTP {reply.status}"


def _calls(account: str) -> Mapping[str, tuple[str, Body, tuple[int, ...]]]:
    """Calls that change nothing: of what does not exist, or with what is needed left out. Each with
    the statuses that only a key with the right gets; 422 is the refusal of what was left out, which
    comes after the look at the roles."""
    own, dispute = (
        {"merchantAccount": account},
        {"merchantAccountCode": account, "disputePspReference": _NOBODY},
    )
    return {
        "merchant account": ("/paymentMethods", own, (200,)),
        "make payments": ("/payments", own, (422,)),
        "capture, cancel and refund": (f"/payments/{_NOBODY}/captures", own, (422,)),
        "answer disputes": (f"{DISPUTES}/retrieveApplicableDefenseReasons", dispute, (200, 422)),
    }


async def checked_rights(api: Api, account: str) -> list[Finding]:
    """A call for each right that the connector uses."""
    found = []
    for name, (path, body, proofs) in _calls(account).items():
        try:
            found.append(_right(name, await api.post(path, body), proofs))
        except (NotSentError, NoAnswerError) as error:
            found.append(_unreachable(name, f"{error}"))
    nobody = {"merchantAccount": account, "shopperReference": _NOBODY}
    reads = {
        "read stored cards": ("/storedPaymentMethods", nobody, (200,)),
        "read reports": (f"{REPORTS}/{account}/settlement_detail_report_batch_0.csv", None, (404,)),
    }
    for name, (path, query, proofs) in reads.items():
        try:
            found.append(_right(name, await api.get(path, query), proofs))
        except Problem as problem:
            found.append(_unreachable(name, problem.message))
    return found


def _right(name: str, reply: Reply, proofs: tuple[int, ...]) -> Finding:
    if reply.status in (401, 403):
        return Finding(
            name, False, Sentence(findings.MAY_NOT, reason_of(reply)), findings.GIVE_ROLE
        )
    if reply.status in proofs and _is_own_word(reply):
        return Finding(name, True, findings.MAY)
    cure = findings.TRY_AGAIN if reply.status == 429 or reply.status >= 500 else findings.NOT_PROVEN
    return Finding(
        name, False, Sentence(findings.SAYS, "Adyen", reason_of(reply)), cure, unclear=True
    )


def _is_own_word(reply: Reply) -> bool:
    """True when Adyen itself looked at the call: JSON, or a fault that it found in it. A host in
    front of it, or another address, answers too. Of a report that does not exist Adyen says nothing
    else."""
    if reply.status == 422:
        error = read(ServiceError, reply)
        return error is not None and error.error_type == "validation"
    return reply.status == 404 or read(dict[str, Any], reply) is not None


def _unreachable(name: str, why: str) -> Finding:
    message = Sentence(findings.NOT_REACHED, "Adyen", why)
    return Finding(name, False, message, findings.LOOK_AT_NETWORK, unclear=True)


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """Of a standard notice. Everything else in it is signed by nobody."""

    event_code: str
    merchant_account_code: str
    psp_reference: str
    success: Literal["true", "false"]
    original_reference: str | None = None
    merchant_reference: str | None = None
    amount: Amount | None = None
    additional_data: Mapping[str, Any] = {}
    event_date: str = ""

    @property
    def signed_fields(self) -> tuple[str, ...]:
        amount = self.amount
        return (
            self.psp_reference,
            self.original_reference or "",
            self.merchant_account_code,
            self.merchant_reference or "",
            str(amount.value) if amount else "",
            amount.currency if amount else "",
            self.event_code,
            self.success,
        )


class Wrapped(msgspec.Struct, frozen=True):
    NotificationRequestItem: Item


class Batch(msgspec.Struct, frozen=True, rename="camel"):
    live: Literal["true", "false"]
    notification_items: Annotated[list[Wrapped], msgspec.Meta(min_length=1, max_length=ITEMS_MAX)]


class Token(msgspec.Struct, frozen=True, rename="camel"):
    merchant_account: str
    stored_payment_method_id: str


class TokenEvent(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    event_id: str
    environment: str
    data: Token


def read_batch(
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    secrets: Sequence[bytes],
    *,
    account: str,
    live: bool,
) -> list[Notice]:
    """A standard notice, whose items are signed one by one, or one of a stored card, signed as a
    whole.

    Raises: Problem(too_large); Problem(unauthenticated) where one item is not signed with one of
    the secrets; Problem(invalid) for what is no notice.
    """
    if len(body) > NOTICE_BYTES_MAX:
        message = Sentence("A notice has at most {0} bytes.", NOTICE_BYTES_MAX)
        raise Problem("too_large", message, cure="Send it as Adyen does.")
    signature = headers.get("hmacsignature")
    if signature is not None and _signed(signature, body, secrets):
        return [_of_token(_decoded(body, TokenEvent), now, account=account, live=live)]
    batch = _decoded(body, Batch)
    items = [one.NotificationRequestItem for one in batch.notification_items]
    for item in items:
        given = item.additional_data.get("hmacSignature")
        if not isinstance(given, str) or not _signed(
            given, ":".join(item.signed_fields).encode(), secrets
        ):
            raise Problem(
                "unauthenticated",
                "An item is not signed.",
                cure="Sign all with the endpoint's HMAC key.",
            )
    return [
        _of_item(
            one, now, mine=one.merchant_account_code == account and (batch.live == "true") is live
        )
        for one in items
    ]


def _signed(given: str, content: bytes, secrets: Sequence[bytes]) -> bool:
    proofs = [base64.b64encode(hmac.digest(secret, content, "sha256")) for secret in secrets]
    return any(hmac.compare_digest(proof, given.encode()) for proof in proofs)


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Problem(
            "invalid", "That is no notice of Adyen's.", cure="Send it as Adyen does."
        ) from None


def _of_token(event: TokenEvent, now: datetime, *, account: str, live: bool) -> Notice:
    mine = event.data.merchant_account == account and (event.environment == "live") is live
    about, meaning = event.data.stored_payment_method_id, TOKENS.get(event.type, UNKNOWN)
    subject, because = meaning.subject, meaning.because
    return Notice(
        event.event_id,
        event.type,
        "stored_card",
        about,
        now,
        mine,
        subject=subject,
        because=because,
    )


def _of_item(item: Item, now: datetime, *, mine: bool) -> Notice:
    """A colon in a field could be the end of it: such an item is of somebody else's payment, for
    our references have none. What names no original is about the payment itself."""
    event, meaning = item.event_code, EVENTS.get(item.event_code, UNKNOWN)
    own = not any(":" in field for field in item.signed_fields)
    itself = event == "AUTHORISATION" or meaning.subject in ("charge", "hold")
    return Notice(
        f"{item.psp_reference}.{event}.{item.success}",
        event,
        "report" if event == REPORT else meaning.subject or "",
        item.psp_reference if meaning.movement is None else f"{item.psp_reference}.{event}",
        _moment(item.event_date) or now,
        mine and own,
        message_id=parse_id(item.merchant_reference or ""),
        charge=item.original_reference or (item.psp_reference if itself else None),
        by_itself=event == "AUTORESCUE",
        subject=meaning.subject,
        approves=event == "AUTHORISATION" and item.success == "true",
        outcome=_outcome(item, meaning),
        case=_case(item, meaning) if meaning.subject == "dispute" else None,
        because=meaning.because,
        movement=_movement(item, meaning),
    )


def _movement(item: Item, meaning: Meaning) -> Movement | None:
    """The movement that a notice tells of. Which of the two a reversal came to is signed by nobody;
    its amount is what a refund gives back. Nothing else is either of them."""
    kind, amount = meaning.movement, item.amount
    if kind is None or amount is None or item.success != "true":
        return None
    if (
        item.event_code == _EITHER
        and str(item.additional_data.get("modification.action")) == "refund"
    ):
        kind = "refund"
    key = parse_id(item.merchant_reference or "")
    return Movement(kind, item.psp_reference, amount.units, amount.currency, key)


def _outcome(item: Item, meaning: Meaning) -> Outcome | None:
    """The outcome of the message that its reference names. Why it was declined is signed by
    nobody."""
    if meaning.result is None:
        return None
    done = item.success == "true" and meaning.result
    amount = item.amount if item.amount and item.amount.value else None  # a cancel names none
    return Outcome(
        "approved" if done else "declined",
        item.psp_reference,
        units=amount.units if amount else None,
        currency=amount.currency if amount else None,
        processor_code=None if done else own_code(item.event_code.lower()),
    )


def _case(item: Item, meaning: Meaning) -> DisputeCase | None:
    """The signed part of a dispute. The deadline is not signed: evidence, which moves no money."""
    amount = item.amount
    if amount is None or amount.units <= 0:
        return None
    more, stage, status = item.additional_data, meaning.stage, meaning.status
    if (
        stage == AT_ITS_STAGE and str(more.get("disputeStatus")) in OF_INQUIRY
    ):  # it only keeps money from being booked
        stage, status = "inquiry", "answered" if status == "answered" else "won"
    reason = str(more.get("chargebackReasonCode") or more.get("rfiReasonCode") or "").strip()[:20]
    return DisputeCase(
        item.psp_reference,
        item.original_reference or "",
        amount.units,
        amount.currency,
        stage,
        status,
        reason,
        _moment(str(more.get("defensePeriodEndsAt"))),
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
