"""Contents of a Braintree account: stored methods, its book by day of disbursement, whose the key
is, signed notices."""

import base64
import binascii
import csv
import hmac
import io
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha1
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.processors.gateways.connector import Acknowledgement, Finding, Notice
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.notice_kinds import Row, meaning_of, nothing
from recoup.processors.gateways.port import StatementLine
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply
from recoup.processors.gateways.wire_amounts import exponent, units_of
from recoup_connectors import findings as words
from recoup_connectors.braintree.api import LIVE_URL, SANDBOX_URL, Api, KeyPair, unavailable
from recoup_connectors.braintree.disputes import Dispute
from recoup_connectors.braintree.outcomes import (
    Payment,
    answer_of,
    code_of,
    found_at,
    key_in,
    of_error,
    read,
)
from recoup_connectors.plain_xml import Element, NotPlainError, read_xml

NOTICE_BYTES_MAX: Final = 262_144
_CHALLENGE: Final = re.compile(r"[a-f0-9]{20,32}")
# Source: the kinds of `braintree` 4.48.0.
KINDS: Final = (
    Row("dispute_", "dispute"),
    Row("transaction_settlement_declined", "modification"),
    Row("transaction_", "charge"),
    Row("refund_", "modification"),
    Row("payment_method_revoked", "method"),
    Row("granted_payment_method_revoked", "method"),
    *nothing("check", because="it is Braintree's test of the address"),
    *nothing(
        "account_updater_daily_report", because="it names a report; a stored method keeps its id"
    ),
    *nothing(
        "payment_method_customer_data_updated",
        "grantor_updated_",
        "recipient_updated_",
        "local_payment_",
        because="it is about no card of the vault",
    ),
    *nothing("subscription_", because="Recoup follows no subscription of Braintree's"),
    *nothing("disbursement", because="the account's books are read when they are asked for"),
    *nothing(
        "connected_merchant_",
        "partner_merchant_",
        "oauth_access_revoked",
        because="it is about an account's connections",
    ),
)
_SCHEMES: Final = {"american_express": "amex"}
_FEE_COLUMNS: Final = ("transaction id", "total fee amount", "settlement currency")


def check_mode(url: str, world: str) -> None:
    """Raises: Problem(invalid) for the vendor's live address in the sandbox, or that of its tests
    in live."""
    if (url, world) in ((LIVE_URL, "sandbox"), (SANDBOX_URL, "live")):
        cure = "Leave the url out, or name the one of this mode."
        raise Problem("invalid", "The address is of the other mode.", field="url", cure=cure)


def accounts_of(text: str) -> dict[str, str]:
    """`EUR=acme-eur USD=acme-usd` as currency -> merchant account. Raises: Problem(invalid)."""
    found = dict(part.split("=", 1) for part in text.split() if part.count("=") == 1)
    if (
        not found
        or len(found) != len(text.split())
        or not all(exponent(one) is not None for one in found)
    ):
        cure = 'Write account = "EUR=acme-eur USD=acme-usd".'
        raise Problem(
            "invalid",
            "A merchant account of Braintree takes one currency.",
            field="account",
            cure=cure,
        )
    return found


class _BinData(msgspec.Struct, frozen=True):
    debit: str | None = None
    prepaid: str | None = None
    countryOfIssuance: str | None = None


class _Card(msgspec.Struct, frozen=True):
    brandCode: str | None = None
    last4: str | None = None
    expirationMonth: str | None = None
    expirationYear: str | None = None
    uniqueNumberIdentifier: str | None = None
    binData: _BinData | None = None


class _Customer(msgspec.Struct, frozen=True):
    id: str
    legacyId: str | None = None


class _Method(msgspec.Struct, frozen=True):
    id: str
    details: _Card
    usage: str | None = None
    customer: _Customer | None = None


async def described(api: Api, stored: Stored, route: str) -> Stored | None:
    """Raises: Problem(unavailable)."""
    reply = await _read(api, "paymentMethod", {"id": stored.id})
    found = read(_Method, found_at(answer_of(reply), "node"))
    if found is None:
        said = of_error(reply)
        if (
            said.fault == "credential"
            or said.processor_code is None
            and found_at(answer_of(reply), "node") == {}
        ):
            return None
        raise unavailable(code_of(reply) or said.own_code or f"HTTP {reply.status}")
    customer, card = found.customer, found.details
    names = {customer.id, customer.legacyId} if customer is not None else set[str | None]()
    if found.usage == "SINGLE_USE" or stored.customer is not None and stored.customer not in names:
        return None
    brand = (card.brandCode or "generic").lower()
    facts = card.binData or _BinData()
    return Stored(
        route,
        found.id,
        customer.id if customer is not None else stored.customer,
        _SCHEMES.get(brand, brand),
        card.last4,
        _number(card.expirationMonth),
        _number(card.expirationYear),
        _funding(facts),
        facts.countryOfIssuance,
        card.uniqueNumberIdentifier,
    )


def _funding(facts: _BinData) -> str | None:
    """Older versions of the API write `Yes` and `No`."""
    if (facts.prepaid or "").upper() == "YES":
        return "prepaid"
    return {"YES": "debit", "NO": "credit"}.get((facts.debit or "").upper())


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


async def _read(api: Api, name: str, variables: Mapping[str, Any]) -> Reply:
    """Raises: Problem(unavailable)."""
    try:
        return await api.call(name, variables)
    except (NotSentError, NoAnswerError) as error:
        raise unavailable(f"{error}") from None


async def lines(api: Api, begin: datetime, end: datetime) -> AsyncIterator[list[StatementLine]]:
    """Lines of these days: what was disbursed, what disputes took and gave back, and each day's
    fees. Raises: Problem(unavailable)."""
    first, last = begin.date(), (end - timedelta(microseconds=1)).date()
    days = {"greaterThanOrEqualTo": first.isoformat(), "lessThanOrEqualTo": last.isoformat()}
    for name, type, sign in (("transactions", "charge", 1), ("refunds", "refund", -1)):
        async for page in api.pages(name, {"disbursementDate": days}):
            yield [_moved(plain, type, sign) for plain in page]
    async for page in api.pages("disputes", {"receivedDate": days}):
        yield [line for plain in page for line in _disputed(plain, "dispute", first, last)]
    async for page in api.pages("disputes", {"effectiveDate": days, "status": {"in": ["WON"]}}):
        yield [line for plain in page for line in _disputed(plain, "dispute_won", first, last)]
    for number in range((last - first).days + 1):
        yield await _fees(api, first + timedelta(days=number))


def _moved(plain: Mapping[str, Any], type: str, sign: int) -> StatementLine:
    payment = read(Payment, plain)
    day = (
        payment.disbursementDetails.date
        if payment is not None and payment.disbursementDetails is not None
        else None
    )
    if payment is None or day is None or payment.amount.units() < 0:
        raise unavailable("a movement cannot be read")
    units, currency = payment.amount.units(), payment.amount.currencyCode
    return StatementLine(
        parse_id(payment.key or ""), payment.id, type, sign * units, currency, _at(day)
    )


def _disputed(
    plain: Mapping[str, Any], type: str, first: date, last: date
) -> Iterator[StatementLine]:
    case = read(Dispute, plain)
    if case is None or case.receivedDate is None:
        raise unavailable("a dispute cannot be read")
    if case.type == "RETRIEVAL":  # nothing moves
        return
    money, day = case.amountDisputed, case.receivedDate
    if type == "dispute_won":
        money = case.amountWon or money
        won = [
            one.effectiveDate
            for one in case.statusHistory or []
            if one.status == "WON" and one.effectiveDate
        ]
        day = next((one for one in won if first <= _at(one).date() <= last), "")
        if not day:
            return
    units = money.units() if type == "dispute_won" else -money.units()
    yield StatementLine(None, case.legacyId, type, units, money.currencyCode, _at(day))


async def _fees(api: Api, day: date) -> list[StatementLine]:
    reply = await _read(api, "report", {"date": day.isoformat()})
    answer = answer_of(reply)
    if answer is None or answer.errors:
        raise unavailable(code_of(reply) or f"HTTP {reply.status}")
    url = found_at(answer, "report", "paymentLevelFees", "url")
    return list(_fee_lines(await api.report_text(str(url)), day)) if url else []


def _fee_lines(text: bytes, day: date) -> Iterator[StatementLine]:
    try:
        rows = csv.DictReader(io.StringIO(text.decode("utf-8-sig")))
        for row in rows:
            known = {
                str(name).strip().lower(): str(value or "").strip() for name, value in row.items()
            }
            reference, amount, currency = (known[name] for name in _FEE_COLUMNS)
            units = units_of(amount or "0", currency)
            if units is None:
                raise unavailable("a fee cannot be read")
            if units:
                yield StatementLine(None, reference, "fee", -units, currency, _at(day.isoformat()))
    except (KeyError, csv.Error, UnicodeDecodeError):
        raise unavailable("the report of fees has another shape") from None


def _at(day: str) -> datetime:
    """Raises: Problem(unavailable)."""
    try:
        return datetime.combine(date.fromisoformat(day[:10]), time(tzinfo=UTC))
    except ValueError:
        raise unavailable("a day cannot be read") from None


class _Account(msgspec.Struct, frozen=True):
    id: str
    currencyCode: str | None = None
    status: str | None = None


async def findings(api: Api, accounts: Mapping[str, str]) -> list[Finding]:
    """The key, each currency's merchant account, and whether the book may be read."""
    found: list[Finding] = []
    try:
        reply = await _read(api, "viewer", {})
        merchant = found_at(answer_of(reply), "viewer", "merchant")
        if not isinstance(merchant, dict):
            why = of_error(reply).own_code or f"HTTP {reply.status}"
            unclear = reply.status == 429 or reply.status >= 500
            message = Sentence(words.KEY_REFUSED, why)
            return [Finding("key", False, message, words.LOOK_AT_HALVES, unclear=unclear)]
        found.append(Finding("key", True, words.KEY_KNOWN))
        edges = found_at(answer_of(reply), "viewer", "merchant", "merchantAccounts", "edges") or []
        known = {
            one.id: one
            for edge in edges
            if (one := read(_Account, (edge or {}).get("node"))) is not None
        }
        found += [_matching(currency, known.get(id), id) for currency, id in accounts.items()]
        async for _ in api.pages("transactions", {"orderId": {"is": "recoup-rights-check"}}):
            found.append(Finding("search", True, words.MAY))
        return found
    except Problem as problem:
        return [*found, Finding("search", False, problem.message, problem.cure, unclear=not found)]


def _matching(currency: str, account: _Account | None, id: str) -> Finding:
    name = f"account {currency}"
    if account is None or account.currencyCode != currency or account.status != "ACTIVE":
        return Finding(
            name, False, Sentence(words.ACCOUNT_TAKES_NOT, id, currency), words.NAME_ACCOUNT
        )
    return Finding(name, True, Sentence(words.ACCOUNT_TAKES, id, currency))


def signature_of(keys: KeyPair, text: bytes) -> str:
    return hmac.digest(
        sha1(keys.private.encode(), usedforsecurity=False).digest(), text, "sha1"
    ).hex()


def challenged(query: Mapping[str, str], keys: KeyPair) -> Acknowledgement | None:
    challenge = query.get("bt_challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        return None
    return Acknowledgement(f"{keys.public}|{signature_of(keys, challenge.encode())}".encode())


def read_notice(body: bytes, keys: Sequence[KeyPair]) -> Notice:
    """Raises: Problem(too_large); Problem(unauthenticated) for what none of the keys signed;
    Problem(invalid) for a signed form that is no notice."""
    if len(body) > NOTICE_BYTES_MAX:
        raise Problem(
            "too_large",
            Sentence("A notice has at most {0} bytes.", NOTICE_BYTES_MAX),
            cure="Send it as Braintree does.",
        )
    try:
        form = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10)
        (signed,), (payload,) = form["bt_signature"], form["bt_payload"]
    except (ValueError, KeyError):
        raise _unsigned() from None
    if not _is_signed(signed, payload.encode(), keys):
        raise _unsigned()
    try:
        return _notice(read_xml(base64.b64decode(payload)))
    except (binascii.Error, NotPlainError, ValueError):
        raise Problem(
            "invalid", "The notice is no notification.", cure="Send it as Braintree does."
        ) from None


def _unsigned() -> Problem:
    return Problem(
        "unauthenticated", "The notice is not signed.", cure="Sign it with the key of this route."
    )


def _is_signed(signed: str, payload: bytes, keys: Sequence[KeyPair]) -> bool:
    """`public|signature`, several with & between; the payload's last line end may have been
    lost."""
    pairs = [part.partition("|") for part in signed.split("&")][:20]
    for key in keys:
        wanted = [signature_of(key, text).encode() for text in (payload, payload + b"\n")]
        given = [proof.encode() for public, bar, proof in pairs if bar and public == key.public]
        if any(hmac.compare_digest(one, proof) for one in wanted for proof in given):
            return True
    return False


def _notice(root: Element) -> Notice:
    """Raises: ValueError."""
    kind, subject = root.text_at("kind"), root.at("subject")
    if root.name != "notification" or not kind or subject is None:
        raise ValueError("no notification")
    at = datetime.fromisoformat(root.text_at("timestamp"))
    about = subject.children[0] if subject.children else subject
    id = about.text_at("id") or about.text_at("token")
    names = [about.text_at("order-id"), about.text_at("transaction", "order-id")]
    ours = next(
        (found for name in names if (found := parse_id(key_in(name) or "")) is not None), None
    )
    meaning = meaning_of(KINDS, kind)
    return Notice(
        f"{kind}.{id}.{at:%Y%m%dT%H%M%SZ}",
        kind,
        about.name.replace("-", "_"),
        id,
        at if at.tzinfo is not None else at.replace(tzinfo=UTC),
        mine=True,
        message_id=ours,
        charge=about.text_at("refunded-transaction-id") or id,
        subject=meaning.subject,
        because=meaning.because,
    )
