"""What people type as an amount has one reading, or is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.money import EXPONENTS, money
from recoup.kernel.problem import Problem
from recoup.kit.typed_amounts import units


@each(
    ("text", "asset", "found"),
    [
        ("10.50", "USD", 1050),
        ("10,50", "USD", 1050),
        ("10,5", "USD", 1050),
        (" 7 ", "USD", 700),
        ("1,234", "USD", 123400),
        ("1,234.50", "USD", 123450),
        ("1.234,50", "USD", 123450),
        ("1.234.567", "USD", 123456700),
        ("1,234,567.89", "USD", 123456789),
        ("1,234", "JPY", 1234),
        ("1.234.567", "JPY", 1234567),
        ("0,005", "KWD", 5),
        ("1.234", "KWD", 1234),
        ("1,5", "USDT", 1500000),
        ("1,234567", "USDT", 1234567),
    ],
)
def test_one_reading(text: str, asset: str, found: int) -> None:
    assert units(text, asset, "amount") == found


@each(
    ("text", "asset"),
    [
        ("1,234", "KWD"),
        ("1,234", "USDT"),
        ("12,34.5", "USD"),
        ("1.23.4", "USD"),
        ("1,2,3", "USD"),
        ("-5", "USD"),
        ("", "USD"),
        ("1 000", "USD"),
        ("1.234", "USD"),
        ("1e3", "USD"),
        ("1,", "USD"),
        (",5", "USD"),
        ("10,5", "JPY"),
        ("25.000", "ISK"),
        ("25.000", "USD"),
        ("007", "USD"),
        ("\u0663", "USD"),
    ],
)
def test_none_or_two(text: str, asset: str) -> None:
    with pytest.raises(Problem) as caught:
        units(text, asset, "amount")
    assert caught.value.field == "amount"
    assert caught.value.cure


@given(st.integers(0, 10**14), st.sampled_from(sorted(EXPONENTS)))
def test_what_pages_show_is_read_or_refused_and_never_another(whole: int, asset: str) -> None:
    """As in English, and with the marks changed about, as in German."""
    shown = money(whole, asset)
    for text in (shown, shown.translate(str.maketrans(".,", ",."))):
        with suppress(Problem):
            assert units(text, asset, "amount") == whole
