"""Card numbers and security codes are found wherever they stand; what only resembles them is left
alone."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.networks.test_card_text_cost import calls_of
from tests.rings import each

from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.card_text import Room
from recoup.networks.magic import script_card
from recoup.uploads.rules.card_data import (
    MANY_DIGITS,
    ROW_CHARS_MAX,
    card_data,
    card_data_in,
    is_number,
    may_hold_code,
    may_hold_number,
)

CARDS = [*APPROVE_CARDS, script_card("visa", "51", 3), script_card("mastercard", "51", 2)]
CARDS = [card for card in CARDS if len(card) == 16]


@each("card", CARDS)
@each("written", ["{}", "card {} declined", "{}.", "\t{}\n", "#{}"])
def test_a_number_is_found_in_any_text(card: str, written: str) -> None:
    for shown in (
        card,
        " ".join(card[at : at + 4] for at in range(0, 16, 4)),
        "-".join(card[at : at + 4] for at in range(0, 16, 4)),
    ):
        body = {"orderId": "1", "extraData": [{"note": written.format(shown)}]}
        assert may_hold_number(json.dumps(body))
        assert card_data(body) is not None
        assert shown not in str(card_data(body))


@pytest.mark.parametrize("mark", ["\n", "\t", "\r\n", "\u2003"])
def test_a_number_is_found_behind_what_json_escapes(mark: str) -> None:
    body = {
        "billingInformation": {
            "firstName": mark.join(CARDS[0][at : at + 4] for at in range(0, 16, 4))
        }
    }
    assert may_hold_number(json.dumps(body))
    assert may_hold_number(json.dumps(body, ensure_ascii=False))
    assert card_data(body)
    assert may_hold_code(json.dumps({f"c{mark}vv": "123"}))


def test_a_number_is_found_as_a_number_and_as_a_name() -> None:
    assert card_data({"a": int(CARDS[0])})
    assert card_data({"a": {CARDS[0]: 1}})
    assert CARDS[0] not in str(card_data({"a": {CARDS[0]: 1}}))


@each(
    "text",
    [
        "+1 555 010 2030",
        "+49 1512 3456789",
        "2026-03-02 09:15:31",
        "20260302091531",
        "1774429200000",
        "4915123456789",
        str(uuid.UUID(int=0)),
        "12345678-1234-4123-8123-123456789012",
        "SUB-7731-2026-03",
        "411111",
        "1111",
        "0" * 16,
    ],
)
def test_what_only_resembles_a_number_is_left_alone(text: str) -> None:
    assert not is_number(text)


@given(st.uuids())
def test_an_id_is_no_card(value: uuid.UUID) -> None:
    assert not is_number(str(value))
    assert not is_number(str(value).upper())


@each(
    "name",
    [
        "cvv",
        "CVV2",
        "cvc",
        "verificationValue",
        "Verification_Value",
        "security-code",
        "cardVerificationValue",
    ],
)
def test_a_security_code_is_found_by_its_name(name: str) -> None:
    body = {"paymentMethod": {name: "123"}}
    assert may_hold_code(json.dumps(body))
    assert card_data(body, numbers=False)
    assert card_data({"paymentMethod": {name: ""}}) is None
    assert may_hold_code('{"\\u0063vv": "1"}')


def test_the_issuers_answer_about_the_code_is_no_code() -> None:
    body = {"transaction": {"cvvResultCode": "M", "cavvResultCode": "NA", "cvv_result": "M"}}
    assert not may_hold_code(json.dumps(body))
    assert card_data(body) is None


@pytest.mark.parametrize("digits", ["4 ", "4444+", "4+"])
def test_a_row_full_of_digits_is_refused_before_they_are_looked_through(digits: str) -> None:
    """Four small files of such rows kept everybody's files out, and slowed every call."""
    for row in (
        {"senseKey": digits * 3_000},
        {f"f{n}": digits * 60 for n in range(50)},
        {f"{digits * 30}x{n}": 1 for n in range(200)},
    ):
        found = card_data(row, like=[])
        assert found is not None
        assert MANY_DIGITS in found[1]
        calls = calls_of(lambda row=row: card_data(row, like=[]))  # type: ignore[misc]
        assert calls < 9 * ROW_CHARS_MAX
    assert card_data_in([(f"f{n}", digits * 60) for n in range(50)], []) is not None
    assert card_data({"senseKey": "4 " * 40}, like=[]) is None


def test_an_identifiers_digits_are_looked_through_once() -> None:
    room, like = Room(40), list[tuple[str, str]]()
    assert (
        card_data({"orderId": CARDS[0], "items": [{"sku": CARDS[1]}]}, like=like, room=room) is None
    )
    assert [digits for _, digits in like] == [CARDS[1], CARDS[0]]


def test_all_rows_of_a_file_share_what_is_looked_through() -> None:
    file = Room(100)
    told = [card_data({"note": "4 " * 20}, room=Room(ROW_CHARS_MAX, file)) for _ in range(4)]
    assert told == [None, None, ("Note", MANY_DIGITS), ("Note", MANY_DIGITS)]
    assert card_data({"note": "ordinary"}, room=Room(ROW_CHARS_MAX, file)) is None
