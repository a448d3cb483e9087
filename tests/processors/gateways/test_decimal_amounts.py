"""Amounts as decimal text over every ISO code:
the same money there and back, and nothing rounded."""

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.money import EXPONENTS, UNITS_MAX
from recoup.processors.gateways.wire_amounts import amount_text, exponent, units_of


@each("currency", sorted(EXPONENTS))
def test_the_decimals_are_the_currencys(currency: str) -> None:
    decimals = exponent(currency)
    if decimals is None:
        assert EXPONENTS[currency] > 3
        assert amount_text(1000, currency) is None
        assert units_of("10", currency) is None
        return
    text = amount_text(1000, currency)
    assert text is not None
    assert len(text.partition(".")[2]) == decimals == EXPONENTS[currency]
    assert ("." in text) is (decimals > 0)
    assert amount_text(0, currency) is None
    assert amount_text(-5, currency) is None
    assert amount_text(UNITS_MAX + 1, currency) is None


@given(st.integers(1, UNITS_MAX), st.sampled_from(["USD", "JPY", "BHD", "ISK", "HUF"]))
def test_what_goes_out_comes_back_the_same(units: int, currency: str) -> None:
    text = amount_text(units, currency)
    assert text is not None
    assert units_of(text, currency) == units
    assert units_of(f"-{text}", currency) == -units


@given(st.text(max_size=12))
def test_any_text_is_an_amount_or_none(text: str) -> None:
    units = units_of(text, "USD")
    assert units is None or abs(units) < 10**21


def test_what_is_finer_than_the_currency_is_none() -> None:
    assert [
        units_of(text, "USD")
        for text in ("1.2", "1.20", "1.200", "1.201", "1.", ".5", "1e3", "1,000.00")
    ] == [
        120,
        120,
        120,
        None,
        None,
        None,
        None,
        None,
    ]
    assert [units_of(text, "JPY") for text in ("500", "500.00", "500.01")] == [500, 500, None]
