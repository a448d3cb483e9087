"""Card numbers and security codes are found wherever they stand; what only resembles them is left alone."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules.network.magic import APPROVE_CARDS, script_card
from recoup.rules.uploads.card_data import card_data, is_number, may_hold_code, may_hold_number

CARDS = [*APPROVE_CARDS, script_card("visa", "51", 3), script_card("mastercard", "51", 2)]
CARDS = [card for card in CARDS if len(card) == 16]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("written", ["{}", "card {} declined", "{}.", "\t{}\n", "#{}"])
def test_a_number_is_found_in_any_text(card: str, written: str) -> None:
    for shown in (card, " ".join(card[at : at + 4] for at in range(0, 16, 4)), "-".join(card[at : at + 4]
                  for at in range(0, 16, 4))):  # fmt: skip
        body = {"orderId": "1", "extraData": [{"note": written.format(shown)}]}
        assert may_hold_number(json.dumps(body))
        assert card_data(body) is not None
        assert shown not in str(card_data(body))


def test_a_number_is_found_as_a_number_and_as_a_name() -> None:
    assert card_data({"a": int(CARDS[0])})
    assert card_data({"a": {CARDS[0]: 1}})
    assert CARDS[0] not in str(card_data({"a": {CARDS[0]: 1}}))


@pytest.mark.parametrize("text", [
    "+1 555 010 2030", "+49 1512 3456789", "2026-03-02 09:15:31", "20260302091531", "1774429200000", "4915123456789",
    str(uuid.UUID(int=0)), "12345678-1234-4123-8123-123456789012", "SUB-7731-2026-03", "411111", "1111", "0" * 16,
])  # fmt: skip
def test_what_only_resembles_a_number_is_left_alone(text: str) -> None:
    assert not is_number(text)


@given(st.uuids())
def test_an_id_is_no_card(value: uuid.UUID) -> None:
    assert not is_number(str(value))
    assert not is_number(str(value).upper())


@pytest.mark.parametrize("name", ["cvv", "CVV2", "cvc", "verificationValue", "Verification_Value", "security-code",
                                  "cardVerificationValue"])  # fmt: skip
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
