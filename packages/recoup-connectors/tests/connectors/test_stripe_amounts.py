"""Stripe's amounts over every ISO code: the same money there and back, and nothing rounded."""

from tests.rings import each

from recoup.kernel.money import EXPONENTS
from recoup_connectors.stripe.amounts import DECIMALS, exponent, units_of, wire_amount

EXCEPTIONS = {"ISK": (100, 10_000), "UGX": (100, 10_000), "MGA": (100, 1), "HUF": (100, 100), "TWD": (100, 100)}


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
