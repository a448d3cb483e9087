"""Every action that a role may do has its words, in the portal and in the documentation."""

from recoup.kit.rights import MAY, PARTNER_MAY
from recoup.people.page.permissions import AT_MERCHANT, AT_PARTNER, in_words, whom_to_ask


def test_every_action_has_words_and_no_words_are_left_over() -> None:
    assert set(AT_MERCHANT) == set().union(*MAY.values())
    assert set(AT_PARTNER) == set().union(*PARTNER_MAY.values())


def test_a_role_is_described_by_what_it_may_do() -> None:
    assert in_words("analyst") == ()
    assert any("view and invite members" in text for text in in_words("owner"))


def test_who_may_not_is_told_to_ask_somebody_who_may() -> None:
    assert whom_to_ask("cancel") == "Ask somebody with the role operations."
    assert whom_to_ask("hooks") == "Ask somebody with the role operations or developer."
    assert {whom_to_ask(action) for action in ("erase", "bank", "limits", "invite")} == {
        "Ask an owner."
    }
