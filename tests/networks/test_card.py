"""What a card number says by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.allow_list import PHONE_CARD
from recoup.networks.card import brand, issuer_digits, last4, luhn, luhn_digit, scheme_of


@each(
    ("head", "scheme", "name"),
    [
        ("411111", "visa", "Visa"),
        ("555555", "mastercard", "Mastercard"),
        ("222100", "mastercard", "Mastercard"),
        ("272099", "mastercard", "Mastercard"),
        ("272100", "generic", "Card"),
        ("378282", "amex", "American Express"),
        ("601111", "discover", "Discover"),
        ("650000", "discover", "Discover"),
        ("644000", "discover", "Discover"),
        ("305693", "discover", "Diners Club"),
        ("352800", "discover", "JCB"),
        ("401178", "elo", "Elo"),
        ("509000", "elo", "Elo"),
        ("501800", "mastercard", "Maestro"),
        ("670300", "mastercard", "Maestro"),
        ("655020", "discover", "Discover"),
        ("676770", "mastercard", "Maestro"),
        ("610000", "generic", "Card"),
        ("", "generic", "Card"),
        ("4", "visa", "Visa"),
    ],
)
def test_first_digits_name_scheme_and_brand(head: str, scheme: str, name: str) -> None:
    assert (scheme_of(head), brand(head)) == (scheme, name)


@given(st.text("0123456789", min_size=11, max_size=18), st.integers(0, 9))
def test_luhn_takes_exactly_one_check_digit(head: str, digit: int) -> None:
    assert luhn(head + str(digit)) == (str(digit) == luhn_digit(head))


@pytest.mark.parametrize("text", ["", "4111", "4" * 20, "41111111111111x1", "١" * 16])
def test_what_is_no_card_number_fails(text: str) -> None:
    assert not luhn(text)


def test_parts() -> None:
    assert last4(PHONE_CARD) == "1111"


@pytest.mark.parametrize(("digits", "readable"), [(13, 6), (15, 6), (16, 8), (19, 8)])
def test_no_more_of_a_number_is_readable_than_may_stand_beside_its_last_four(
    digits: int, readable: int
) -> None:
    pan = "1234567890123456789"[:digits]
    assert issuer_digits(pan) == pan[:readable]
