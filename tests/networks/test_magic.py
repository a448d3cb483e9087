"""The sandbox's magic inputs: one for each row of the decline table, and none that means two
things."""

import random
from typing import Any

import pytest

from recoup.networks import magic
from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.card import luhn, luhn_digit, scheme_of
from recoup.networks.magic import Answer, answer, classify, customer_row, inputs, script_card
from recoup.networks.tables import CODES


def ask(pan: str, units: int = 4590, **more: Any) -> Answer:
    usual = {
        "by_customer": False,
        "phone": None,
        "cvv_given": False,
        "sends_before": 0,
        "declines_before": 0,
    }
    said = answer(pan, units=units, **(usual | more))
    assert said is not None
    return said


def test_every_row_of_the_decline_table_has_its_input() -> None:
    table = {
        (one.scheme, one.kind, one.code) for one in inputs() if one.kind in ("response", "advice")
    }
    assert table == {(row.scheme, row.kind, row.code) for row in CODES}


def test_each_table_input_answers_its_code() -> None:
    for one in inputs():
        if one.kind not in ("response", "advice") or one.amount is None:
            continue
        said = ask(one.card, one.amount)
        assert ("approved" if said.approved else "declined") == one.answer, one
        assert (said.advice if one.kind == "advice" else said.code) == one.code, one


def test_inputs_do_not_contradict_each_other() -> None:
    seen: dict[tuple[Any, ...], Any] = {}
    for one in inputs():
        key = (one.card, one.amount, one.phone, one.initiator)
        assert key not in seen, (one, seen.get(key))
        seen[key] = one


def test_every_documented_number_is_valid_and_of_its_scheme() -> None:
    for one in inputs():
        assert luhn(one.card), one
        assert scheme_of(one.card) == one.scheme, one
        card = classify(one.card)
        assert card is not None
        assert card.scheme == one.scheme


def test_any_other_number_is_not_taken() -> None:
    real = "40000000000000"
    others = (real + "0" + luhn_digit(real + "0"), PHONE_CARD[:-1] + "2", PHONE_CARD[:-1], "", "x")
    for pan in others:
        assert classify(pan) is None
        asked: dict[str, Any] = {
            "units": 1,
            "by_customer": False,
            "phone": None,
            "cvv_given": False,
        }
        assert answer(pan, **asked, sends_before=0, declines_before=0) is None
    wrong = script_card("visa", "51", 2)
    assert classify(wrong[:-1] + str((int(wrong[-1]) + 1) % 10)) is None


def test_the_allow_list() -> None:
    assert all(ask(pan).approved for pan in APPROVE_CARDS)
    assert ask(magic.DECLINE_CARD) == Answer(False, "05")
    phone = PHONE_CARD
    assert not ask(phone, by_customer=True).approved
    assert ask(phone, by_customer=True, cvv_given=True).approved
    assert ask(phone, by_customer=True, phone="+1 555 010 2030").approved
    assert ask(APPROVE_CARDS[1], by_customer=True).approved
    assert [customer_row(phone, one, cvv_given=False) for one in magic.CHALLENGE_PHONES] == [
        "challenge"
    ] * 3
    assert customer_row(phone, magic.CHALLENGE_PHONES[0], cvv_given=True) == "challenge"
    assert customer_row(phone, None, cvv_given=False) == "decline"
    assert customer_row(APPROVE_CARDS[1], magic.CHALLENGE_PHONES[0], cvv_given=False) is None


@pytest.mark.parametrize(
    ("scheme", "code"), [("visa", "51"), ("mastercard", "05"), ("amex", "116"), ("discover", "91")]
)
def test_a_script_card_declines_as_often_as_it_says(scheme: str, code: str) -> None:
    card = script_card(scheme, code, 3, serial=random.randint(2, 900))
    assert [ask(card, declines_before=number) for number in range(3)] == [Answer(False, code)] * 3
    assert ask(card, declines_before=3).approved
    assert not ask(script_card(scheme, code, magic.NEVER), declines_before=500).approved


def test_a_magic_amount_counts_only_on_its_own_card() -> None:
    assert ask(magic.CODE_CARDS["visa"], 50_041).code == "41"
    assert ask(APPROVE_CARDS[1], 50_041).approved
    assert ask(magic.CODE_CARDS["visa"], 4590) == Answer(False, "05")
    assert ask(magic.CODE_CARDS["mastercard"], 70_026) == Answer(False, "51", "26")
    assert ask(magic.CODE_CARDS["mastercard"], 70_003) == Answer(False, "05", "03")
    assert ask(magic.CODE_CARDS["visa"], 70_003) == Answer(False, "05")
    assert ask(magic.CODE_CARDS["visa"], magic.amount_for("1A")).code == "1A"


def test_only_the_counting_cards_are_one_card_in_all_orders() -> None:
    counting = {one.card for one in inputs() if (card := classify(one.card)) and card.counts}
    assert counting == set(magic.COUNTING_CARDS)
    assert ask(magic.COUNTING_CARDS[0]) == Answer(False, "51")
    assert ask(magic.COUNTING_CARDS[2]) == Answer(False, "116")
    assert ask(magic.COUNTING_CARDS[0], 4577).approved


def test_first_only_faults_let_the_second_send_pass() -> None:
    for card in magic.FAULT_CARDS.values():
        for amount, row in magic.FAULTS.items():
            assert ask(card, amount).fault == row.fault
            assert (ask(card, amount, sends_before=1).fault is None) == row.first_only
        assert ask(card, 4590) == Answer(True, "00")
