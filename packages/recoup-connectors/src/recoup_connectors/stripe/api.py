"""Stripe's HTTP and what its account says: forms in, JSON out, one pinned version, one loop over
lists; the rights of a key, the lines of the balance, the signed events."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import Clocks
from recoup.processors.gateways.connector import Finding, Notice
from recoup.processors.gateways.notice_kinds import Row, meaning_of, nothing
from recoup.processors.gateways.port import StatementLine
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply, Transport
from recoup_connectors import findings as findings
from recoup_connectors.stripe.amounts import units_of
from recoup_connectors.stripe.outcomes import OUR_ID, UNCAPTURED, ErrorBody, T, read

VERSION: Final = "2025-03-31.basil"
ANSWER_BYTES_MAX: Final = 4_194_304  # a page of a hundred objects with what they refer to
READ_SECONDS: Final = 10.0
PAGE: Final = 100
PAGES_MAX: Final = 10_000
NOTICE_BYTES_MAX: Final = 262_144
SIGNED_WITHIN: Final = timedelta(seconds=300)
RIGHT_SECONDS: Final = 10.0
_NOBODY: Final = "recoup_rights_check"
_MISSING: Final = "resource_missing"
# A call that changes nothing: a list, or a change of what does not exist, which is refused after
# the right was seen.
_READS: Final = {
    "PaymentIntents": "/v1/payment_intents",
    "Customers": "/v1/customers",
    "Invoices": "/v1/invoices",
    "Subscriptions": "/v1/subscriptions",
    "Disputes": "/v1/disputes",
    "Balance": "/v1/balance_transactions",
    "Events": "/v1/events",
    "Refunds": "/v1/refunds",
}
_WRITES: Final = {
    "PaymentIntents": "/v1/payment_intents/pi_{}/cancel", "Refunds": "/v1/refunds/re_{}",
    "Invoices": "/v1/invoices/in_{}/pay", "Disputes": "/v1/disputes/dp_{}",
}  # fmt: skip
_BILLING: Final = ("Invoices", "Subscriptions")
EVENTS: Final = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "charge.failed",
    "charge.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "radar.early_fraud_warning.created",
)
INVOICE_EVENTS: Final = (
    "invoice.payment_failed",
    "invoice.paid",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.overpaid",
    "customer.subscription.deleted",
)
_TYPES: Final = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "payment_failure_refund": "refund_failed",
    "refund_failure": "refund_failed",
    "stripe_fee": "fee",
    "payout": "payout",
    "payout_failure": "payout_return",
    "topup": "funding",
}
# Source: the kinds of `stripe` 16.1.0.
KINDS: Final = (
    Row("charge.dispute.", "dispute"),
    Row("charge.refund", "modification"),
    Row("refund.", "modification"),
    Row("charge.expired", "hold"),
    Row("payment_intent.canceled", "hold"),
    Row("charge.", "charge"),
    Row("payment_intent.", "charge"),
    Row("invoice.", "invoice"),
    Row("customer.subscription.deleted", "invoice"),
    Row("customer.subscription.paused", "invoice"),
    Row("customer.subscription.updated", "invoice"),
    Row("customer.updated", "invoice"),
    Row("credit_note.", "invoice"),
    Row("payment_method.automatically_updated", "method"),
    Row("payment_method.updated", "method"),
    Row("payment_method.detached", "method"),
    Row("radar.early_fraud_warning.", "fraud"),
    *nothing("payment_method.attached", because="a card is known here once an order names it"),
    *nothing(
        "customer",
        "subscription_schedule.",
        "invoice_payment.",
        "invoiceitem.",
        "billing",
        "coupon.",
        "plan.",
        "price.",
        "product.",
        "promotion_code.",
        "quote.",
        "tax",
        "entitlements.",
        because="of billing, Recoup follows invoices, their subscriptions and customers",
    ),
    *nothing(
        "setup_intent.",
        "mandate.",
        "source.",
        "checkout.",
        "payment_link.",
        "cash_balance.",
        "three_d_secure.",
        "review.",
        because="it moves no payment that Recoup made",
    ),
    *nothing(
        "payout.",
        "balance",
        "transfer.",
        "topup.",
        "application_fee.",
        "reporting.",
        "sigma.",
        "reserve.",
        because="the account's books are read when they are asked for",
    ),
    *nothing(
        "account.",
        "capability.",
        "person.",
        "file.",
        "apps.",
        "climate.",
        "financial_connections.",
        "identity.",
        "issuing_",
        "terminal.",
        "test_helpers.",
        "treasury.",
        because="it is about no payment by card",
    ),
)
_APPROVALS: Final = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.succeeded",
        "charge.captured",
    }
)
_FORM: Final = "application/x-www-form-urlencoded"
Form = Mapping[str, Any]


class Page(msgspec.Struct, frozen=True):
    """Without `has_more` nobody knows whether it is the last: that is no list."""

    data: list[dict[str, Any]]
    has_more: bool


class Api:
    """`key` reaches the header and nothing else."""

    def __init__(self, url: str, key: str, account: str, clocks: Clocks) -> None:
        self._url, self._clocks = url.rstrip("/"), clocks
        self._headers = {"authorization": f"Bearer {key}", "stripe-version": VERSION}
        if account:
            self._headers["stripe-account"] = account
        self._transport = Transport(clocks, ANSWER_BYTES_MAX)
        self.calls = set[str]()  # that it has made, without ids

    def now(self) -> float:
        """The time on the monotonic clock."""
        return self._clocks.monotonic()

    async def close(self) -> None:
        await self._transport.close()

    async def post(
        self, path: str, form: Form, key: str, *, until: float, send_before: float | None = None
    ) -> Reply:
        """Posts a form. `until`: when the answer has to be there, on the monotonic clock. Raises:
        NotSentError, NoAnswerError."""
        left = until - self._clocks.monotonic()
        if left <= 0:
            raise NotSentError("too late to send")
        self.calls.add(_without_id("POST", path))
        return await self._transport.call(
            "POST",
            self._url + path,
            self._headers | {"content-type": _FORM} | ({"idempotency-key": key} if key else {}),
            encoded(form),
            timeout_seconds=left,
            send_before=send_before,
        )

    async def get(
        self, path: str, form: Form | None = None, *, seconds: float = READ_SECONDS
    ) -> Reply:
        """Raises: NotSentError, NoAnswerError."""
        self.calls.add(_without_id("GET", path))
        query = "?" + encoded(form).decode() if form else ""
        return await self._transport.call(
            "GET", self._url + path + query, self._headers, b"", timeout_seconds=seconds
        )

    async def pages(self, path: str, form: Form) -> AsyncIterator[list[dict[str, Any]]]:
        """A list to its end, some objects at a time. Raises: Problem(unavailable) for an answer
        that is none, a list that goes round, or one without an end."""
        after, seen = "", set[str]()
        for _ in range(PAGES_MAX):
            try:
                reply = await self.get(
                    path, {**form, "limit": PAGE} | ({"starting_after": after} if after else {})
                )
            except (NotSentError, NoAnswerError) as error:
                raise unavailable(f"{error}") from None
            page = read(Page, reply) if reply.status == 200 else None
            if page is None:
                raise unavailable(reason_of(reply))
            ids = [str(one.get("id")) for one in page.data]
            if seen.intersection(ids) or len(set(ids)) < len(ids):
                raise unavailable("a list goes round")
            seen.update(ids)
            yield page.data
            if not page.has_more:
                return
            if not ids:
                raise unavailable("an empty page says that more follow")
            after = ids[-1]
        raise unavailable("a list has no end")


def _without_id(method: str, path: str) -> str:
    parts = path.split("/")
    return f"{method} " + "/".join(
        "{id}" if number == 3 else part for number, part in enumerate(parts)
    )


def error_code(reply: Reply) -> str | None:
    body = read(ErrorBody, reply)
    return body.error.code if body else None


def reason_of(reply: Reply) -> str:
    """Stripe's code for what went wrong, else the status: no sentence, which may quote a key."""
    body = read(ErrorBody, reply)
    return (body.error.code or body.error.type or "" if body else "") or f"HTTP {reply.status}"


def refused_field(reply: Reply) -> str:
    """The parameter that Stripe complains about, or nothing."""
    body = read(ErrorBody, reply)
    return body.error.param or "" if body else ""


def unavailable(why: str) -> Problem:
    message = Sentence("Stripe's answer cannot be used: {0}.", why)
    return Problem("unavailable", message, cure="Try again in a few minutes.")


def read_as(kind: type[T], plain: Any) -> T:
    """Decodes an item of a list or an event as an object of ours. Raises: Problem(unavailable) for
    what is none."""
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise unavailable(f"{error}") from None


def encoded(form: Form) -> bytes:
    """The form in Stripe's nesting: `metadata[a]=1`, `expand[]=b`. None values are left out."""
    return urlencode(list(_flat("", form))).encode()


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _flat(f"{prefix}[{name}]" if prefix else str(name), one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _flat(f"{prefix}[]", one)
    elif isinstance(value, bool):
        yield prefix, "true" if value else "false"
    elif value is not None:
        yield prefix, str(value)


async def checked_rights(api: Api) -> list[Finding]:
    """A call for each right that the connector uses."""
    nobody = f"/v1/payment_methods/pm_{_NOBODY}"
    checks = [
        _right(f"read {name}", api.get(path, {"limit": 1}, seconds=RIGHT_SECONDS))
        for name, path in _READS.items()
    ]
    checks.append(
        _right("read PaymentMethods", api.get(nobody, seconds=RIGHT_SECONDS), missing=True)
    )
    for name, path in _WRITES.items():
        call = api.post(path.format(_NOBODY), {}, "", until=api.now() + RIGHT_SECONDS)
        checks.append(_right(f"write {name}", call, missing=True))
    return [
        one._replace(billing=one.name.split()[1] in _BILLING)
        for one in await asyncio.gather(*checks)
    ]


async def _right(name: str, call: Awaitable[Reply], *, missing: bool = False) -> Finding:
    """`missing`: the call names what does not exist. Only Stripe's word for that proves that the
    right was there."""
    try:
        reply = await call
    except (NotSentError, NoAnswerError) as error:
        return _unreached(name, error)
    absent = reply.status in (400, 404) and error_code(reply) == _MISSING
    listed = reply.status == 200 and read(Page, reply) is not None
    if absent if missing else listed:
        return Finding(name, True, findings.MAY)
    return _refused(name, reply)


def _unreached(name: str, error: Exception) -> Finding:
    message = Sentence(findings.UNREACHED, str(error))
    return Finding(name, False, message, findings.LOOK_AT_NETWORK, unclear=True)


def _refused(name: str, reply: Reply) -> Finding:
    if reply.status in (401, 403):
        return Finding(
            name,
            False,
            Sentence(findings.MAY_NOT, reason_of(reply)),
            findings.ADD_RIGHT,
        )
    cure = findings.TRY_AGAIN if reply.status == 429 or reply.status >= 500 else findings.NOT_PROVEN
    return Finding(name, False, Sentence(findings.ANSWERS, reason_of(reply)), cure, unclear=True)


class _Account(msgspec.Struct, frozen=True):
    country: str


async def country_of(api: Api) -> list[Finding]:
    """Finds the account's country; nothing where Stripe does not tell it, or not by this key.
    Source: GET /v1/account, `country`."""
    try:
        reply = await api.get("/v1/account", seconds=RIGHT_SECONDS)
    except (NotSentError, NoAnswerError):
        return []
    found = read(_Account, reply) if reply.status == 200 else None
    return (
        [
            Finding(
                "country", True, Sentence(findings.IN_COUNTRY, found.country), country=found.country
            )
        ]
        if found
        else []
    )


async def checked_webhooks(api: Api, path: str) -> list[Finding]:
    """Checks that Stripe notifies this installation at `path`: of payments, and of invoices."""
    try:
        reply = await api.get("/v1/webhook_endpoints", {"limit": PAGE}, seconds=RIGHT_SECONDS)
    except (NotSentError, NoAnswerError) as error:
        return [_unreached("webhook", error)]
    page = read(Page, reply) if reply.status == 200 else None
    if page is None:
        return [_refused("webhook", reply)]
    ours = [
        one
        for one in page.data
        if str(one.get("url") or "").endswith(path) and one.get("status") == "enabled"
    ]
    if not ours:
        message = Sentence(findings.NO_WEBHOOK, path)
        cure = findings.ADD_WEBHOOK
        return [Finding("webhook", False, message, cure)]
    events = {str(event) for our in ours for event in our.get("enabled_events") or ()}
    return [
        _listens_to("webhook", EVENTS, events),
        _listens_to("webhook invoices", INVOICE_EVENTS, events, billing=True),
    ]


def _listens_to(
    name: str, needed: Sequence[str], events: Set[str], *, billing: bool = False
) -> Finding:
    missing = [] if "*" in events else [one for one in needed if one not in events]
    if not missing:
        return Finding(name, True, findings.EVENTS_SENT, billing=billing)
    message = Sentence(findings.EVENTS_MISSING, ", ".join(missing))
    return Finding(name, False, message, findings.ADD_EVENTS, billing=billing)


def lines_of(plain: Mapping[str, Any]) -> Iterator[StatementLine]:
    """A balance transaction as a line of what moved and one of its fee."""
    currency, at = (
        str(plain["currency"]).upper(),
        datetime.fromtimestamp(int(plain["created"]), UTC),
    )
    source = plain.get("source")
    about: Mapping[str, Any] = source if isinstance(source, dict) else {"id": source}
    kind, id = _type(plain), parse_id(str((about.get("metadata") or {}).get(OUR_ID) or ""))
    reference = _reference(about, kind)
    amount, fee = units_of(int(plain["amount"]), currency), units_of(int(plain["fee"]), currency)
    if amount:
        yield StatementLine(id, reference, kind, amount, currency, at)
    if fee:  # of a dispute it is booked from the notice already
        of = "dispute_fee" if kind == "dispute" else "fee"
        yield StatementLine(None, reference, of, -fee, currency, at)


def _reference(about: Mapping[str, Any], kind: str) -> str:
    """The reference that we know it by: for a charge, and for what was not captured of it, its
    intent."""
    intent = (
        about.get("payment_intent")
        if about.get("object") == "charge" or kind == UNCAPTURED
        else None
    )
    return str(intent or about.get("id") or "")


def _type(plain: Mapping[str, Any]) -> str:
    if plain.get("reporting_category") == UNCAPTURED:
        return UNCAPTURED
    if plain.get("type") == "adjustment":
        return "dispute_won" if int(plain["amount"]) > 0 else "dispute"
    return _TYPES.get(str(plain.get("type")), str(plain.get("type")))


def read_event(
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    secrets: Sequence[str],
    *,
    account: str,
    live: bool,
) -> Notice:
    """Raises: Problem(too_large); Problem(unauthenticated) for what is not signed with one of the
    secrets in the last five minutes; Problem(invalid) for a signed body that is no event."""
    if len(body) > NOTICE_BYTES_MAX:
        raise Problem(
            "too_large",
            Sentence("A notice has at most {0} bytes.", NOTICE_BYTES_MAX),
            cure="Send it as Stripe does.",
        )
    if not _signed(headers.get("stripe-signature", ""), body, now, secrets):
        raise Problem(
            "unauthenticated",
            "The notice is not signed.",
            cure="Sign it with the endpoint's secret.",
        )
    try:
        event = msgspec.json.decode(body, type=Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Problem(
            "invalid", "The notice is no event.", cure="Send it as Stripe does."
        ) from None
    return notice_of(event, account=account, live=live)


def notice_of(event: "Event", *, account: str, live: bool) -> Notice:
    """The notice of an event, whether it was posted or listed."""
    about = event.data.object
    request, meaning = event.request or Request(), meaning_of(KINDS, event.type)
    return Notice(
        event.id,
        event.type,
        str(about.get("object") or ""),
        str(about.get("id") or ""),
        datetime.fromtimestamp(event.created, UTC),
        mine=event.livemode is live and (event.account or account) == account,
        message_id=_our_id(about, request.idempotency_key),
        charge=_intent_of(about) or _text(about.get("charge")),
        invoice=_text(
            about.get("id") if about.get("object") == "invoice" else about.get("invoice")
        ),
        by_itself=request.id is None and request.idempotency_key is None,
        subject=meaning.subject,
        because=meaning.because,
        approves=event.type in _APPROVALS,
    )


class Request(msgspec.Struct, frozen=True):
    """What caused an event: nothing of it is set where nobody did."""

    id: str | None = None
    idempotency_key: str | None = None


class Data(msgspec.Struct, frozen=True):
    object: dict[str, Any]


class Event(msgspec.Struct, frozen=True):
    id: str
    type: str
    created: int
    livemode: bool
    data: Data
    account: str | None = None
    request: Request | None = None


def _signed(header: str, body: bytes, now: datetime, secrets: Sequence[str]) -> bool:
    parts = [part.strip().partition("=") for part in header.split(",")][:20]
    at = next((value for name, _, value in parts if name == "t"), "")
    if not (at.isascii() and at.isdigit() and len(at) < 12):
        return False
    if abs(now - datetime.fromtimestamp(int(at), UTC)) > SIGNED_WITHIN:
        return False
    given = [value for name, _, value in parts if name == "v1"]
    proofs = [
        hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
        for secret in secrets
        if secret
    ]
    return any(
        hmac.compare_digest(proof.encode(), one.encode()) for proof in proofs for one in given
    )


def _our_id(about: Mapping[str, Any], key: str | None) -> UUID | None:
    known = about.get("metadata")
    marked = known.get(OUR_ID) if isinstance(known, dict) else None
    own = marked or about.get("object") == "refund"  # which always has it
    return parse_id(str(marked)) if own else parse_id((key or "")[:36])


def _intent_of(about: Mapping[str, Any]) -> str | None:
    return _text(about.get("id" if about.get("object") == "payment_intent" else "payment_intent"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
