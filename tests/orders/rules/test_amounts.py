"""Amounts keep the sender's scale and are never finer than the book."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.orders.rules.amounts import amount_of, check_currency, text_like


@pytest.mark.parametrize(
    ("text", "asset", "units"),
    [
        ("49.90", "USDT", 49_900_000),
        ("0.000001", "USDC", 1),
        ("500", "JPY", 500),
        ("9.99", "USD", 999),
        ("999999999", "USDT", 999_999_999_000_000),
    ],
)
def test_amounts_are_read(text: str, asset: str, units: int) -> None:
    assert amount_of(text, asset).units == units


@each(
    "text",
    [
        49.9,
        50,
        None,
        True,
        "",
        " 1",
        "1 ",
        "+1",
        "-1",
        "1e3",
        "1E3",
        "0x10",
        "1,00",
        "1.",
        ".5",
        "01",
        "0",
        "0.00",
        "1.0000001",
        "1000000000",
        "9" * 40,
        "NaN",
        "Infinity",
        "١",
        "1_000",
        "1\n",
    ],
)
def test_amounts_that_are_none(text: Any) -> None:
    with pytest.raises(Problem) as refused:
        amount_of(text, "USDT")
    assert refused.value.facts["detail"] == "invalid_amount"
    assert refused.value.field == "amount"


def test_scale_is_the_assets() -> None:
    for text, asset in (("1.5", "JPY"), ("1.999", "USD"), ("1.500", "USD")):
        with pytest.raises(Problem):
            amount_of(text, asset)


@pytest.mark.parametrize("currency", ["usdt", "", "USDTT", "XXX", "US\0"])
def test_unknown_currencies(currency: str) -> None:
    with pytest.raises(Problem):
        check_currency(currency)


@each(
    ("units", "like", "text"),
    [
        (0, "49.90", "0"),
        (10_000_000, "49.90", "10.00"),
        (10_000_000, "50", "10"),
        (123_456, "1.0", "0.123456"),
        (-250_000, "49.90", "-0.25"),
        (49_650_000, "49.90", "49.65"),
        (1, "1.00", "0.000001"),
    ],
)
def test_texts_keep_the_scale(units: int, like: str, text: str) -> None:
    assert text_like(units, "USDT", like) == text


@given(st.integers(1, 10**15), st.sampled_from(["1", "1.0", "1.00", "1.000000"]))
def test_a_text_says_exactly_its_units(units: int, like: str) -> None:
    if units <= 999_999_999_999_999:
        assert amount_of(text_like(units, "USDT", like), "USDT").units == units
