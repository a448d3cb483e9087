"""A card number among the words of a command."""

import pytest

from recoup.kernel.problem import Problem
from recoup.main.cli import no_cards
from recoup.networks.allow_list import PHONE_CARD


@pytest.mark.parametrize("words", [["--note", f"see {PHONE_CARD}"], [f"--note={PHONE_CARD}"]])
def test_a_card_number_in_a_note_is_refused_by_the_options_name(words: list[str]) -> None:
    with pytest.raises(Problem) as told:
        no_cards(["bank", "adjust", *words, "--merchant", "x"])
    assert told.value.field == "note"
    assert PHONE_CARD not in told.value.sentence()


def test_an_order_id_that_is_a_long_number_may_be_asked_for() -> None:
    no_cards(["outcome", PHONE_CARD, "--key", PHONE_CARD, "--json"])
