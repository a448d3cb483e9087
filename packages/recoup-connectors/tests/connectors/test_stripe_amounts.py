"""Stripe's amounts over every ISO code: the same money there and back, and nothing rounded."""

from typing import Any

from tests.rings import each

from recoup.kernel.money import EXPONENTS
from recoup_connectors.stripe.amounts import DECIMALS, exponent, units_of, wire_amount
from recoup_connectors.stripe.api import lines_of

EXCEPTIONS = {
    "ISK": (100, 10_000),
    "UGX": (100, 10_000),
    "MGA": (100, 1),
    "HUF": (100, 100),
    "TWD": (100, 100),
}


@each("currency", sorted(EXPONENTS))
def test_what_is_carried_comes_back_the_same(currency: str) -> None:
    decimals = exponent(currency)
    if decimals is None:
        assert wire_amount(1000, currency) is None
        assert units_of(1000, currency) is None
        return
    for units in (1, 10, 99, 100, 1000, 4590, 10**6):
        amount = wire_amount(units, currency)
        assert amount is None or units_of(amount, currency) == units
        assert amount is not None or units % 100, f"{units} {currency} needs no rounding"
        assert amount is None or amount * 10 ** EXPONENTS[currency] == units * 10**decimals
    assert wire_amount(0, currency) is None
    assert wire_amount(-5, currency) is None


def test_the_exceptions() -> None:
    assert {one: (100, wire_amount(100, one)) for one in EXCEPTIONS} == EXCEPTIONS
    assert [wire_amount(units, "BHD") for units in (12_340, 12_345)] == [12_340, None]
    assert wire_amount(150, "MGA") is None, "there is no half ariary there"
    assert wire_amount(500, "JPY") == 500


def test_only_codes_of_iso_are_taken() -> None:
    assert {one for one in DECIMALS if one not in EXPONENTS} <= {"ANG", "BGN", "SLE", "STD", "XCD"}


def test_what_was_not_captured_stands_under_its_payment() -> None:
    """Stripe writes it as a refund; a refund has its own name."""
    refund = {"object": "refund", "id": "re_1", "payment_intent": "pi_1", "metadata": {}}
    moved: dict[str, Any] = {
        "type": "refund",
        "amount": -590,
        "fee": 0,
        "currency": "usd",
        "created": 1,
        "source": refund,
    }
    (left,) = lines_of(moved | {"reporting_category": "partial_capture_reversal"})
    (back,) = lines_of(moved | {"reporting_category": "refund"})
    assert (left.type, left.reference, left.units) == ("partial_capture_reversal", "pi_1", -590)
    assert (back.type, back.reference, back.units) == ("refund", "re_1", -590)
