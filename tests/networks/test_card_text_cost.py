"""What looking for card numbers costs: counted in calls,
for digits that are made to cost the most."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.networks.allow_list import PHONE_CARD
from recoup.networks.card_guard import check_words, guard
from recoup.networks.card_text import (
    FORM_CHARS_MAX,
    STRANGER_CHARS_MAX,
    Room,
    numbers_in,
    without_card,
)
from recoup.people.page.forms import FORM_BYTES_MAX, no_cards

COSTLY = (
    "4+",
    "4 ",
    "4-",
    "4.",
    "4+-+",
    "4444+",
    "4444 ",
    "4111 1111 1111 1112 ",
    "4444-444444-44445-",
    "12 345 ",
)


def calls_of(work: Callable[[], object]) -> int:
    """How many functions it called, of ours and of the language's."""
    count = 0

    def one(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(one)
    try:
        work()
    except Problem:
        pass
    finally:
        sys.setprofile(None)
    return count


def filled(pattern: str, chars: int) -> str:
    return (pattern * chars)[:chars]


@each("pattern", COSTLY)
def test_a_strangers_form_full_of_digits_is_refused_before_they_are_looked_through(
    pattern: str,
) -> None:
    """One such form at the sign-in kept the doors busy for as long as fifty ordinary calls."""
    text = filled(pattern, FORM_BYTES_MAX - 100)
    with pytest.raises(Problem, match="more long numbers") as told:
        no_cards({"email": [text]})
    assert told.value.field == "email"
    assert calls_of(lambda: no_cards({"email": [text]})) < 200
    parts = [text[at : at + 160] for at in range(0, len(text), 160)]
    for form in ({"email": parts}, {f"f{n}": [part] for n, part in enumerate(parts)}):
        with pytest.raises(Problem, match="more long numbers"):
            no_cards(form)
        assert calls_of(lambda form=form: no_cards(form)) < 9 * FORM_CHARS_MAX  # type: ignore[misc]


@each("pattern", COSTLY)
def test_digits_that_are_no_card_cost_a_few_calls_each_at_most(pattern: str) -> None:
    text = filled(pattern, 4_000)
    assert calls_of(lambda: list(numbers_in(text))) < 9 * len(text)


def test_a_form_of_ordinary_entries_is_taken() -> None:
    no_cards(
        {
            "note": ["called 2026-11-20 10:00, 2026-11-21 10:30; order 20260302091531. " * 20],
            "order": ["01990135-1937-7031-8999-186409460128"] * 400,
        }
    )
    with pytest.raises(Problem, match="holds a card number"):
        no_cards(
            {"order": ["01990135-1937-7031-8999-186409460128"] * 400, "note": [f"see {PHONE_CARD}"]}
        )


@each("pattern", COSTLY)
def test_nothing_looks_through_digits_without_end(pattern: str) -> None:
    """Whoever gives no room of its own has one all the same."""
    text = filled(pattern, 200_000)
    for look in (
        lambda: list(numbers_in(text)),
        lambda: check_words({"note": text}),
        lambda: guard({"note": text}),
        lambda: guard({"note": text[:4_000]}, chars=STRANGER_CHARS_MAX),
    ):
        with pytest.raises(Problem, match="long numbers"):
            look()
        assert calls_of(look) < 200
    card: Any = SimpleNamespace(bin="444444", last4="4444")
    assert "4444" not in without_card(f"{text} 4444", card)  # type: ignore[operator]


def test_several_texts_share_one_room() -> None:
    room = Room(30)
    assert list(numbers_in("4 " * 13, room)) == []
    with pytest.raises(Problem, match="long numbers"):
        list(numbers_in("4 " * 13, room))
