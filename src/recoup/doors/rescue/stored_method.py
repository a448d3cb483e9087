"""`paymentMethod` as a method that a processor stores: `processor`, `id`, `customer`."""

import re
from typing import Final

from recoup.doors.rescue.complaints import Complaints
from recoup.doors.rescue.shapes.declined import PaymentMethod
from recoup.flows.cards.taken import Stored
from recoup.rules.merchants.form import COUNTRIES
from recoup.rules.network.card import luhn
from recoup.rules.network.codes import SCHEMES

_AT: Final = "PaymentMethod."
_BESIDE: Final = "Send either a stored method, as processor and id, or cardNumber."
_NUMBER_CURE: Final = "Send the id by which the processor stores it, never the card's number."
_OF_STORED: Final = ("CardBrand", "CardCountry", "CardLast4Digits")  # read of a stored method alone
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:=-]*")  # it may become a part of an address
_MARKS: Final = re.compile(r"[\s\-.]")


def stored_method(method: PaymentMethod, complaints: Complaints) -> Stored | None:
    """None where neither `processor` nor `id` is there: the card is then a token or a number. Values that look like a
    card number are not repeated."""
    if not (method.processor or method.id or method.customer):
        for name in _OF_STORED:
            complaints.forget(_AT + name)
        return None
    for name in ("processor", "id"):
        if not getattr(method, name):
            complaints.missing(f"{_AT}{name.capitalize()}")
    for name in ("processor", "id", "customer"):
        if _is_number(getattr(method, name)):
            what = "is a card number, which is not taken here"
            complaints.add(f"{_AT}{name.capitalize()}", what, hint=_NUMBER_CURE)
    if method.id and not _ID.fullmatch(method.id):
        complaints.add(f"{_AT}Id", "is not the id of a stored method: letters, digits and _ . : = - are taken")
    for name, given in (("CardNumber", method.card_number), ("Token", method.token)):
        if given:
            complaints.add(_AT + name, "is not taken beside a stored method", hint=_BESIDE)
    if method.verification_value:
        what = "is not taken with a stored method"
        complaints.add(f"{_AT}VerificationValue", what, hint="Leave it out: the processor keeps the card.")
    return Stored(
        route=method.processor or "",
        id=method.id or "",
        customer=method.customer or None,
        scheme=_scheme(method),
        last4=_last4(method.card_last4_digits),
        exp_month=method.expiration_month or None,
        exp_year=_year(method.expiration_year),
        funding=_funding(method),
        country=country_code(method.card_country),
    )


def _is_number(given: str | None) -> bool:
    """Also with blanks, dashes or dots between its digits."""
    return given is not None and luhn(_MARKS.sub("", given))


def _scheme(method: PaymentMethod) -> str:
    brand = (method.card_brand or "").lower().replace(" ", "")
    return brand if brand in SCHEMES else "generic"


def _funding(method: PaymentMethod) -> str | None:
    found = (method.card_type or "").lower()
    return found if found in ("credit", "debit", "prepaid") else None


def _year(year: int | None) -> int | None:
    return year + 2000 if year and year < 100 else year or None


def _last4(digits: str | None) -> str | None:
    return digits if digits and len(digits) == 4 and digits.isascii() and digits.isdigit() else None


def country_code(code: str | None) -> str | None:
    found = (code or "").upper()
    return found if found in COUNTRIES else None
