"""What a receiver says back is shown without what proves us or others to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.simulation import ANSWERS, SCHEMES, card_for, codes_of
from recoup.webhooks.rules.mask import MASK, masked, masked_headers

_WORDS = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@given(_WORDS, _WORDS, st.from_regex(r"[A-Za-z0-9+/]{64}", fullmatch=True))
def test_a_secret_is_never_shown_wherever_it_stands(before: str, after: str, secret: str) -> None:
    assert secret not in masked(before + secret + after, [secret])


@each(
    "text",
    [
        '{"token":"abcdefgh12345678"}',
        "Authorization: Bearer abcdefgh12345678",
        "apikey abcdefgh12345678",
        "x-fc-signature = abcdefgh12345678",
        "password=abcdefgh12345678&x=1",
        "Api-Key: abcdefgh12345678",
    ],
)
def test_what_is_called_a_secret_is_hidden(text: str) -> None:
    shown = masked(text, [])
    assert "abcdefgh12345678" not in shown
    assert MASK in shown


@pytest.mark.parametrize("card", APPROVE_CARDS)
def test_digits_of_a_card_are_hidden_however_they_are_spaced(card: str) -> None:
    for text in (
        card,
        " ".join(card),
        "-".join(card[at : at + 4] for at in range(0, len(card), 4)),
    ):
        assert masked(f"card {text}.", []) == f"card {MASK}."


def test_plain_words_and_short_numbers_stay() -> None:
    text = '{"error":"order 12345 is unknown","status":404}'
    assert masked(text, ["", "k" * 64]) == text
    assert masked_headers({"x-fc-signature": "s", "content-type": "text/plain"}) == {
        "x-fc-signature": MASK,
        "content-type": "text/plain",
    }


def test_each_choice_of_the_decline_simulator_is_a_card_of_the_sandbox() -> None:
    for scheme in SCHEMES:
        for code in codes_of(scheme):
            assert all(card_for(scheme, code, answer).isdecimal() for answer in ANSWERS)
