"""Visa's Compelling Evidence 3.0: a cardholder denies a payment (10.4), and two earlier ones of the
same card, which they never disputed, came from the same device or IP address. Pure.

Sources: Visa, Compelling Evidence 3.0 Merchant Readiness, March 2023; Visa, Dispute Management
Guidelines, June 2024; Stripe, docs.stripe.com/disputes/api/visa-ce3, seen 2026-11. Visa counts a
payment's age from the dispute, up to 365 days; Stripe from the disputed payment, up to 364: both
have to hold here.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from itertools import combinations
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from recoup.kernel.money import money
from recoup.kernel.problem import Sentence

CONDITION: Final = ("visa", "10.4")
DAYS_MIN: Final = 120
DAYS_MAX: Final = 364  # from the disputed payment
DAYS_MAX_OF_DISPUTE: Final = 365
FINGERPRINT_MIN: Final = 20  # characters, as Stripe tells Visa's rule
DEVICE_ID_MIN: Final = 15
COMPARED_MAX: Final = 30  # of the earlier payments, the newest
OTHERS_MAX: Final = 50  # that are told of

Element = Literal["ip", "device", "account", "address"]
Unfit = Literal[
    "too_recent", "too_old", "disputed", "reported", "refunded", "not_alike", "alone", "not_needed"
]
_MAIN: Final[frozenset[Element]] = frozenset({"ip", "device"})
_ADDRESS: Final = ("addressLine1", "addressLine2", "city", "state", "zipcode", "countryCode")
_WHOLE_ADDRESS: Final = ("addressLine1", "city", "zipcode", "countryCode")
# By the name of what is compared: a device may be known in two ways.
ELEMENTS: Final[Mapping[str, Element]] = {
    "ip": "ip",
    "fingerprint": "device",
    "deviceId": "device",
    "account": "account",
    "address": "address",
}


class CardPayment(NamedTuple):
    """A charge of the card that was approved. `paid_at`: of a hold, when it was captured; business
    time. `reference` and `ids`: as the processor calls it; `account`: the merchant's id of the
    customer; `product`: what was bought."""

    attempt_id: UUID
    order_id: UUID
    external_id: str
    route: str | None
    reference: str | None
    ids: tuple[str, ...]
    network_id: str | None
    units: int
    asset: str
    paid_at: datetime
    ip: str
    device: dict[str, Any] | None
    account: str
    address: dict[str, Any] | None
    product: str
    is_disputed: bool
    is_reported: bool
    is_refunded: bool


class Missing(NamedTuple):
    """Gap that keeps a dispute from qualifying. `field`: of the payment's call."""

    field: str
    message: str
    cure: str


class Compelling(NamedTuple):
    """`priors`: the two payments that are used, or none; `keys`: by which both and the disputed one
    are alike, names of ELEMENTS. `others`: further payments of the card, and why each is not
    used."""

    disputed: CardPayment
    priors: tuple[CardPayment, ...] = ()
    keys: tuple[str, ...] = ()
    others: tuple[tuple[CardPayment, Unfit], ...] = ()
    missing: Missing | None = None

    @property
    def elements(self) -> list[Element]:
        return list(dict.fromkeys(ELEMENTS[key] for key in self.keys))


def is_open_to(scheme: str | None, reason_code: str) -> bool:
    """True when a dispute of this code can be answered so."""
    return (scheme, reason_code.strip()) == CONDITION


def judge(disputed: CardPayment, earlier: Iterable[CardPayment], opened_at: datetime) -> Compelling:
    """`earlier`: charges of the same card at the same merchant; `opened_at`: of the dispute."""
    newest_first = sorted(
        earlier, key=lambda payment: (payment.paid_at, payment.attempt_id), reverse=True
    )
    unfit = {payment.attempt_id: _unfit(payment, disputed, opened_at) for payment in newest_first}
    fit = [payment for payment in newest_first if unfit[payment.attempt_id] is None]
    priors, keys = _best_pair(disputed, fit[:COMPARED_MAX])
    rest: Unfit = "not_needed" if priors else "alone"
    others = tuple(
        (payment, unfit[payment.attempt_id] or rest)
        for payment in newest_first
        if payment not in priors
    )
    missing = None if priors else _missing(len(fit))
    return Compelling(disputed, priors, keys, others[:OTHERS_MAX], missing)


def _unfit(payment: CardPayment, disputed: CardPayment, opened_at: datetime) -> Unfit | None:
    days = (disputed.paid_at.date() - payment.paid_at.date()).days
    of_dispute = (opened_at.date() - payment.paid_at.date()).days
    reasons: Mapping[Unfit, bool] = {
        "too_recent": days < DAYS_MIN,
        "too_old": days > DAYS_MAX or of_dispute > DAYS_MAX_OF_DISPUTE,
        "disputed": payment.is_disputed,
        "reported": payment.is_reported,
        "refunded": payment.is_refunded,
        "not_alike": not _is_enough(_shared(disputed, payment)),
    }
    return next((why for why, holds in reasons.items() if holds), None)


def _shared(disputed: CardPayment, *others: CardPayment) -> tuple[str, ...]:
    """Names of the elements in which all the payments are alike."""
    values = [values_of(other) for other in others]
    return tuple(
        key
        for key, own in values_of(disputed).items()
        if all(value.get(key) == own for value in values)
    )


def _is_enough(keys: Iterable[str]) -> bool:
    elements = {ELEMENTS[key] for key in keys}
    return len(elements) >= 2 and bool(elements & _MAIN)


def _best_pair(
    disputed: CardPayment, fit: Sequence[CardPayment]
) -> tuple[tuple[CardPayment, ...], tuple[str, ...]]:
    """The pair with most in common: of the dispute's own route, then by elements, then the
    newest."""
    pairs = [(pair, _shared(disputed, *pair)) for pair in combinations(fit, 2)]

    def rank(candidate: tuple[tuple[CardPayment, ...], tuple[str, ...]]) -> tuple[bool, int]:
        return all(payment.route == disputed.route for payment in candidate[0]), len(candidate[1])

    return max(
        (candidate for candidate in pairs if _is_enough(candidate[1])), key=rank, default=((), ())
    )


def _missing(fit: int) -> Missing:
    message = (
        "Two undisputed payments of this card, 120 to 364 days before, must share two of IP "
        "address, device, "
        "customer account and delivery address with the disputed one, one of them the IP address "
        "or the "
        "device; {0} found."
    )
    cure = "Send customerIp, deviceDetails, payer.id and shippingInformation with every payment."
    return Missing("customerIp", Sentence(message, fit), cure)


def values_of(payment: CardPayment) -> dict[str, str]:
    """Comparable values of a payment, by the names of ELEMENTS."""
    device = payment.device or {}
    values = {
        "ip": _ip(payment.ip),
        "fingerprint": _long(device.get("fingerprint"), FINGERPRINT_MIN),
        "deviceId": _long(device.get("deviceId"), DEVICE_ID_MIN),
        "account": payment.account,
        "address": _letters(payment.address),
    }
    return {key: value for key, value in values.items() if value}


def _ip(text: str) -> str:
    try:
        return str(ip_address(text.strip()[:64]))
    except ValueError:
        return ""


def _long(given: object, least: int) -> str:
    return given if isinstance(given, str) and len(given) >= least else ""


def _letters(address: Mapping[str, Any] | None) -> str:
    """Letters and digits of a delivery address; nothing of one that is not whole."""
    if not address or not all(address.get(name) for name in _WHOLE_ADDRESS):
        return ""
    plain = unicodedata.normalize("NFKC", address_line(address)).casefold()
    return "".join(character for character in plain if character.isalnum() or character == ",")


def address_line(address: Mapping[str, Any] | None) -> str:
    return ", ".join(str((address or {}).get(name) or "-") for name in _ADDRESS)


def in_words(evidence: Compelling) -> str:
    """The evidence as text, for a processor that takes nothing else."""
    values = values_of(evidence.disputed) | {"address": address_line(evidence.disputed.address)}
    same = "; ".join(f"{ELEMENTS[key]}: {values[key]}" for key in evidence.keys)
    priors = (
        f"{prior.paid_at:%Y-%m-%d}, {money(prior.units, prior.asset)} {prior.asset}, "
        f"{prior.product}, order "
        f"{prior.external_id}, reference {prior.reference or '-'}, network transaction "
        f"{prior.network_id or '-'}"
        for prior in evidence.priors
    )
    begin = (
        "Visa Compelling Evidence 3.0: two earlier payments with this card at this merchant were "
        "not "
        f"disputed, and have these in common with the disputed payment. {same}."
    )
    return "\n".join((begin, *priors))
