"""Contents of an NMI account: methods of the vault, its book by day, whether the key may ask, and
signed notices."""

import hmac
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.processors.gateways.connector import Finding, Notice
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.notice_kinds import Row, meaning_of, nothing
from recoup.processors.gateways.port import StatementLine
from recoup.processors.gateways.transport import NoAnswerError, NotSentError
from recoup.processors.gateways.wire_amounts import units_of
from recoup_connectors import findings as words
from recoup_connectors.nmi.api import LIVE_URL, SANDBOX_URL, Api, unavailable
from recoup_connectors.nmi.outcomes import Transaction, transaction_of

NOTICE_BYTES_MAX: Final = 262_144
KINDS: Final = (
    Row("transaction.refund.", "modification"), Row("transaction.void.", "modification"),
    Row("transaction.capture.", "modification"),
    *nothing("transaction.check.", because="it is about a bank account, and Recoup charges cards"),
    *nothing("transaction.credit.", "transaction.validate.", because="Recoup makes none"),
    Row("transaction.sale.", "charge"), Row("transaction.auth.", "charge"),
    Row("acu.summary.closedaccount", "ended"), Row("acu.summary.contactcustomer", "ended"),
    Row("acu.summary.", "method"),
    *nothing("recurring.", because="Recoup follows no plan of NMI's"),
    *nothing("settlement.batch.", because="the account's books are read when they are asked for"),
    *nothing("chargeback.batch.", because="disputes are told by the acquirer, case by case"),
    *nothing("networktoken.", because="the vault's id of the card stays"),
)  # fmt: skip
# Of a summary of the card updater: lists of cards, each with its `customer_vault_id`.
_UPDATED: Final = ("vault_updated_cards", "vault_updated_expiration_dates", "vault_updates")
UPDATED_MAX: Final = 1_000
_SCHEMES: Final = {"american express": "amex", "master": "mastercard", "mc": "mastercard"}
_STAMP: Final = "%Y%m%d%H%M%S"


def check_mode(url: str, world: str) -> None:
    """Raises: Problem(invalid) for the vendor's live address in the sandbox, or that of its tests
    in live."""
    if (url.rstrip("/"), world) in ((LIVE_URL, "sandbox"), (SANDBOX_URL, "live")):
        cure = "Leave the url out, or name the one of this mode."
        raise Problem("invalid", "The address is of the other mode.", field="url", cure=cure)


async def described(api: Api, stored: Stored, route: str) -> Stored | None:
    """The vault id stands for the card: nothing else identifies it there. Raises:
    Problem(unavailable)."""
    try:
        found = await api.query({"report_type": "customer_vault", "customer_vault_id": stored.id})
    except (NotSentError, NoAnswerError) as error:
        raise unavailable(f"{error}") from None
    listed = found.at("customer_vault")
    customers = list(listed.of("customer")) if listed is not None else []
    customer = next(
        (one for one in customers if one.text_at("customer_vault_id") == stored.id), None
    )
    if customer is None:
        return None
    expires, brand = customer.text_at("cc_exp"), customer.text_at("cc_type").lower()
    known = len(expires) == 4 and expires.isascii() and expires.isdigit()
    return Stored(
        route,
        stored.id,
        stored.customer,
        _SCHEMES.get(brand, brand or "generic"),
        customer.text_at("cc_number")[-4:] or None,
        int(expires[:2]) if known else None,
        2000 + int(expires[2:]) if known else None,
        fingerprint=stored.id,
    )


async def lines(api: Api, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
    """Lines that settled in that time. Its book knows no fees: the acquirer bills them. Raises:
    Problem(unavailable)."""
    form = {
        "condition": "complete",
        "start_date": begin.strftime(_STAMP),
        "end_date": end.strftime(_STAMP),
    }
    async for page in api.pages(form):
        yield [line for one in page for line in _moved(transaction_of(one), begin, end)]


def _moved(found: Transaction, begin: datetime, end: datetime) -> Iterator[StatementLine]:
    back = found.last("refund", "credit") is not None and found.last("sale", "capture") is None
    for action in found.actions:
        at = _at(action.date)
        if action.type != "settle" or not action.success or not begin <= at < end:
            continue
        units = units_of(action.amount, found.currency)
        if units is None:
            raise unavailable("a movement cannot be read")
        signed = -abs(units) if back else abs(units)
        type = "refund" if back else "charge"
        yield StatementLine(parse_id(found.order_id), found.id, type, signed, found.currency, at)


def _at(stamp: str) -> datetime:
    """Raises: Problem(unavailable)."""
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise unavailable("a date cannot be read") from None


async def findings(api: Api) -> list[Finding]:
    try:
        await api.query({"order_id": "recoup-rights-check"})
    except (NotSentError, NoAnswerError) as error:
        why = Sentence(words.NOT_REACHED, "NMI", str(error))
        return [Finding("query", False, why, words.LOOK_AT_NETWORK, unclear=True)]
    except Problem as problem:
        return [
            Finding(
                "query", False, problem.message, words.GIVE_QUERY, unclear=problem.field is None
            )
        ]
    return [Finding("query", True, words.MAY)]


class _Event(msgspec.Struct, frozen=True):
    event_id: str
    event_type: str
    event_body: dict[str, Any]


def read_notices(
    headers: Mapping[str, str], body: bytes, now: datetime, secrets: Sequence[str]
) -> list[Notice]:
    """Its signature has no time. Raises: Problem(too_large); Problem(unauthenticated) for what is
    not signed with one of the secrets; Problem(invalid) for a signed body that is no event."""
    if len(body) > NOTICE_BYTES_MAX:
        raise Problem(
            "too_large",
            Sentence("A notice has at most {0} bytes.", NOTICE_BYTES_MAX),
            cure="Send it as NMI does.",
        )
    if not _is_signed(headers.get("webhook-signature", ""), body, secrets):
        raise Problem(
            "unauthenticated",
            "The notice is not signed.",
            cure="Sign it with the endpoint's secret.",
        )
    try:
        event = msgspec.json.decode(body, type=_Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Problem("invalid", "The notice is no event.", cure="Send it as NMI does.") from None
    about = event.event_body
    reference = _text(about.get("transaction_id"))
    action = about.get("action")
    stamp = _text(action.get("date")) if isinstance(action, dict) else None
    try:
        at = _at(stamp) if stamp else now
    except Problem:
        at = now
    meaning = meaning_of(KINDS, event.event_type)
    notice = Notice(
        event.event_id,
        event.event_type,
        "transaction" if reference else event.event_type.partition(".")[0],
        reference or _text(about.get("customer_vault_id")) or "-",
        at,
        mine=True,
        message_id=parse_id(_text(about.get("order_id")) or ""),
        charge=_text(about.get("original_transaction_id")) or reference,
        subject=meaning.subject,
        because=meaning.because,
    )
    if meaning.subject not in ("method", "ended"):
        return [notice]
    listed = [
        one for name in _UPDATED if isinstance(found := about.get(name), list) for one in found
    ]
    ids = {
        id
        for one in listed[:UPDATED_MAX]
        if isinstance(one, dict) and (id := _text(one.get("customer_vault_id")))
    }
    return [replace(notice, about=id) for id in sorted(ids)] or [notice]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_signed(header: str, body: bytes, secrets: Sequence[str]) -> bool:
    """`t=<nonce>,s=<hex>`; several `s` while a secret rolls."""
    parts = [part.strip().partition("=") for part in header.split(",")][:20]
    nonce = next((value for name, _, value in parts if name == "t"), "")
    given = [value.encode() for name, _, value in parts if name == "s"]
    if not nonce:
        return False
    text = nonce.encode() + b"." + body
    proofs = [
        hmac.digest(secret.encode(), text, "sha256").hex().encode() for secret in secrets if secret
    ]
    return any(hmac.compare_digest(proof, one) for proof in proofs for one in given)
