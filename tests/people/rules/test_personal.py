"""What is known of a customer is taken out of what is written beside them, however it is written
there."""

import pytest
from tests.rings import each

from recoup.kit.personal import is_erased, redactor

PAYER = {
    "first_name": "Zoë",
    "last_name": "Wu",
    "email": "zoe+tea@post.example",
    "phone": "+1 555 017 7331",
    "ip": "203.0.113.9",
    "billing": {"line1": "7 Leaf & Sons", "country": "US"},
    "shipping": None,
}


def hidden(text: str, **more: str) -> bool:
    return redactor([PAYER | more]).value(text) != text


@each(
    "text",
    [
        "Zoë rang",
        "zoë rang",
        "ask Zoe\u0308",
        "Mrs Wu wrote",
        "Zo\\u00eb",
        "?to=zoe%2Btea%40post.example",
        "555-017-7331",
        "(555) 017 73 31",
        "at 7 Leaf &amp; Sons",
        "at 7 leaf & sons",
        "from 203.0.113.9",
    ],
)
def test_it_is_found_however_it_is_written(text: str) -> None:
    assert hidden(text)


@each("text", ["we wait, you wu-wu", "order 5550177", "US", "203.0.113.90", "Zoël", "paid 45.90"])
def test_what_is_another_word_stays(text: str) -> None:
    assert not hidden(text)


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("楓", "小林", "小林さんから電話"),
        ("Min-jun", "김철", "김철님이 전화했다"),
        ("نورا", "العتيبي", "ونورا اتصلت"),
        ("สมชาย", "ใจ", "คุณสมชายโทรมา"),
    ],
)
def test_names_whose_words_are_not_apart_are_found(first: str, last: str, text: str) -> None:
    assert hidden(text, first_name=first, last_name=last)


def test_a_customer_that_is_gone_takes_the_words_with_them() -> None:
    gone = dict.fromkeys(PAYER, "") | {"billing": None, "shipping": None}
    assert is_erased(gone)
    assert not is_erased(PAYER)
    assert not is_erased(None)
