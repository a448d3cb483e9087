"""Every test card that an examples file may name has a stored method that stands for it."""

from hypothesis import given
from hypothesis import strategies as st

from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import CODE_CARDS, COUNTING_CARDS, DECLINE_CARD, FAULT_CARDS, script_card
from recoup.networks.magic_methods import id_of, method_of


def test_named_cards_have_a_method() -> None:
    for number in (*APPROVE_CARDS, *CODE_CARDS.values(), *FAULT_CARDS.values(), *COUNTING_CARDS):
        found = method_of(id_of(number) or "")
        assert found is not None, number
        assert (found.number, found.is_gone) == (number, False)
    assert id_of(DECLINE_CARD) is None
    assert id_of("12") is None


@given(st.sampled_from(("visa", "mastercard", "amex", "discover")), st.data())
def test_script_cards_have_a_method(scheme: str, data: st.DataObject) -> None:
    width, serials = (3, 999) if scheme == "amex" else (2, 99_999)
    code = data.draw(st.from_regex(rf"[0-9]{{{width}}}", fullmatch=True))
    number = script_card(
        scheme, code, data.draw(st.integers(0, 99)), data.draw(st.integers(1, serials))
    )
    found = method_of(id_of(number) or "")
    assert found is not None
    assert found.number == number
