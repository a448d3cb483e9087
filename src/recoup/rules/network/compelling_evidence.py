"""Visa's Compelling Evidence 3.0: a cardholder denies a payment (10.4), and two earlier ones of the
same card, which they never disputed, came from the same device or IP address. Pure.

Sources: Visa, Compelling Evidence 3.0 Merchant Readiness, March 2023; Visa, Dispute Management
Guidelines, June 2024; Stripe, docs.stripe.com/disputes/api/visa-ce3, seen 2026-11. Visa counts a
payment's age from the dispute, up to 365 days; Stripe from the disputed payment, up to 364: both have
to hold here.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from itertools import combinations
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

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
]  # fmt: skip
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
ELEMENT_WORDS: Final[Mapping[Element, str]] = {
    "ip": "IP address",
    "device": "device",
    "account": "customer account",
    "address": "delivery address",
}
UNFIT_WORDS: Final[Mapping[Unfit, str]] = {
    "too_recent": "It is less than 120 days older than the disputed payment.",
    "too_old": "It is more than 364 days older than the disputed payment.",
    "disputed": "It was disputed itself.",
    "reported": "It was reported as fraud.",
    "refunded": "It was refunded in full.",
    "not_alike": "It has too little in common with the disputed payment.",
    "alone": "It counts, but a second one is missing.",
    "not_needed": "It counts, but two others are used.",
}


class CardPayment(NamedTuple):
    """A charge of the card that was approved. `paid_at`: of a hold, when it was captured; business time.
    `reference` and `ids`: as the processor calls it; `account`: the merchant's id of the customer;
    `product`: what was bought."""

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
    """What keeps a dispute from qualifying. `field`: of the payment's call."""

    field: str
    message: str
    cure: str


class Compelling(NamedTuple):
    """`priors`: the two payments that are used, or none; `keys`: by which both and the disputed one are alike, names of
    ELEMENTS. `others`: further payments of the card with the reason that each is not used."""

    disputed: CardPayment
    priors: tuple[CardPayment, ...] = ()
    keys: tuple[str, ...] = ()
    others: tuple[tuple[CardPayment, Unfit], ...] = ()
    missing: Missing | None = None

    @property
    def elements(self) -> list[Element]:
        return list(dict.fromkeys(ELEMENTS[key] for key in self.keys))


def is_open_to(scheme: str | None, reason_code: str) -> bool:
    """Whether a dispute of this code can be answered so."""
    return (scheme, reason_code.strip()) == CONDITION


def judge(disputed: CardPayment, earlier: Iterable[CardPayment], opened_at: datetime) -> Compelling:
    """`earlier`: charges of the same card at the same merchant; `opened_at`: of the dispute."""
    newest_first = sorted(earlier, key=lambda one: (one.paid_at, one.attempt_id), reverse=True)
    reasons = {one.attempt_id: _unfit(one, disputed, opened_at) for one in newest_first}
    fit = [one for one in newest_first if reasons[one.attempt_id] is None]
    found = _best_pair(disputed, fit[:COMPARED_MAX])
    priors, keys = found or ((), ())
    others: list[tuple[CardPayment, Unfit]] = []
    for one in newest_first:
        if one not in priors:
            enough = _is_enough(_shared(disputed, one))
            rest: Unfit = "not_alike" if not enough else "not_needed" if found else "alone"
            others.append((one, reasons[one.attempt_id] or rest))
    missing = None if found else _missing(disputed, len(fit))
    return Compelling(disputed, priors, keys, tuple(others[:OTHERS_MAX]), missing)


def _unfit(one: CardPayment, disputed: CardPayment, opened_at: datetime) -> Unfit | None:
    days = (disputed.paid_at.date() - one.paid_at.date()).days
    if days < DAYS_MIN:
        return "too_recent"
    if days > DAYS_MAX or (opened_at.date() - one.paid_at.date()).days > DAYS_MAX_OF_DISPUTE:
        return "too_old"
    if one.is_disputed:
        return "disputed"
    if one.is_reported:
        return "reported"
    return "refunded" if one.is_refunded else None


def _shared(disputed: CardPayment, *others: CardPayment) -> tuple[str, ...]:
    """By which all are alike."""
    own, others_values = values_of(disputed), [values_of(one) for one in others]
    return tuple(key for key in own if all(one.get(key) == own[key] for one in others_values))


def _is_enough(keys: Iterable[str]) -> bool:
    elements = {ELEMENTS[key] for key in keys}
    return len(elements) >= 2 and bool(elements & _MAIN)


def _best_pair(
    disputed: CardPayment, fit: Sequence[CardPayment]
) -> tuple[tuple[CardPayment, CardPayment], tuple[str, ...]] | None:
    """The pair with most in common: of the dispute's own route, then by elements, then the newest."""
    found = [(pair, _shared(disputed, *pair)) for pair in combinations(fit, 2)]
    fitting = [(pair, keys) for pair, keys in found if _is_enough(keys)]
    return max(fitting, key=lambda one: _rank(disputed, *one), default=None)


def _rank(disputed: CardPayment, pair: tuple[CardPayment, CardPayment], keys: Sequence[str]) -> tuple[bool, int]:
    is_own_route = all(one.route == disputed.route for one in pair)
    return is_own_route, len({ELEMENTS[key] for key in keys})


def _missing(disputed: CardPayment, fit: int) -> Missing:
    own = {ELEMENTS[key] for key in values_of(disputed)}
    send = "Send customerIp, deviceDetails, payer.id and shippingInformation with every payment."
    if not own & _MAIN:
        return Missing("customerIp", "The disputed payment came without the customer’s IP address and device.", send)
    if len(own) < 2:
        only = "Of the disputed payment, only one of IP address, device, account and delivery address is known."
        return Missing("payer.id", only, send)
    if fit < 2:
        needed = Sentence(
            "Two undisputed payments of this card from 120 to 364 days before are needed; {0} found.", fit
        )
        return Missing("orders", needed, "Answer with other evidence.")
    alike = (
        "No two earlier payments share two of IP address, device, account and delivery address with the disputed one, "
        "one of them the IP address or the device."
    )
    return Missing("customerIp", alike, send)


def values_of(one: CardPayment) -> dict[str, str]:
    """What can be compared of a payment, by the names of ELEMENTS."""
    device = one.device or {}
    found = {
        "ip": _ip(one.ip),
        "fingerprint": _long(device.get("fingerprint"), FINGERPRINT_MIN),
        "deviceId": _long(device.get("deviceId"), DEVICE_ID_MIN),
        "account": one.account,
        "address": _plain(one.address),
    }
    return {key: value for key, value in found.items() if value}


def _ip(text: str) -> str:
    try:
        return str(ip_address(text.strip()[:64]))
    except ValueError:
        return ""


def _long(given: object, least: int) -> str:
    return given if isinstance(given, str) and len(given) >= least else ""


def _plain(address: Mapping[str, Any] | None) -> str:
    """Letters and digits of a delivery address; nothing of one that is not whole."""
    if not address or not all(address.get(name) for name in _WHOLE_ADDRESS):
        return ""
    parts = (unicodedata.normalize("NFKC", str(address.get(name) or "")).casefold() for name in _ADDRESS)
    return "|".join("".join(one for one in part if one.isalnum()) for part in parts)


def in_words(found: Compelling) -> str:
    """The evidence as text, for a processor that takes nothing else."""
    values = values_of(found.disputed)
    same = "; ".join(
        f"{ELEMENT_WORDS[ELEMENTS[key]]}: {values[key] if key != 'address' else _line(found.disputed.address)}"
        for key in found.keys
    )
    lines = [
        "Visa Compelling Evidence 3.0: two earlier payments with this card at this merchant were not "
        f"disputed, and have these in common with the disputed payment. {same}."
    ]
    for number, one in enumerate(found.priors, 1):
        names = [one.reference or "-", f"network transaction {one.network_id}" if one.network_id else ""]
        lines.append(
            f"{number}. {one.paid_at:%Y-%m-%d}, {one.units} {one.asset} (minor units), {one.product}, order "
            f"{one.external_id}, {', '.join(filter(None, names))}"
        )
    return "\n".join(lines)


def _line(address: Mapping[str, Any] | None) -> str:
    return ", ".join(str((address or {})[name]) for name in _ADDRESS if (address or {}).get(name))
