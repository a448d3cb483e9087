"""Who gets a link by mail and who by SMS, and which numbers can be reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.mail.rules.contacts import sms_number, way_of


@each(
    ("written", "number"),
    [
        ("+1 (555) 010-2030", "+15550102030"),
        ("0049 170/1234567", "+491701234567"),
        ("+49.170.1234567", "+491701234567"),
        ("0170 1234567", ""),  # whose country?
        ("555-0102", ""),
        ("+0 170 1234567", ""),
        ("+49 170 1234567 ext 5", ""),
        ("+49170\n1234567; DROP", ""),
        ("+" + "9" * 16, ""),
        ("", ""),
    ],
)
def test_a_number_is_complete_or_none(written: str, number: str) -> None:
    assert sms_number(written) == number


@given(st.text(max_size=40))
def test_nothing_else_than_a_number_comes_out(written: str) -> None:
    found = sms_number(written)
    assert not found or (
        found.isascii() and found[0] == "+" and found[1:].isdigit() and sms_number(found) == found
    )


@pytest.mark.parametrize(
    ("address", "number", "earlier", "way"),
    [
        (True, True, 0, "mail"),
        (True, True, 1, "sms"),
        (False, True, 0, "sms"),
        (True, False, 1, "mail"),
        (False, False, 0, None),
    ],
)
def test_a_mail_comes_first(address: bool, number: bool, earlier: int, way: str | None) -> None:
    assert way_of(address=address, number=number, earlier=earlier) == way
