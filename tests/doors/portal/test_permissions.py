"""Every action that a role may do has its words, in the portal and in the documentation."""

from recoup.doors.portal.permissions import AT_MERCHANT, AT_PARTNER, in_words, table_of, whom_to_ask
from recoup.flows.people.sessions import MAY, PARTNER_MAY


def test_every_action_has_words_and_no_words_are_left_over() -> None:
    assert set(AT_MERCHANT) == set().union(*MAY.values())
    assert set(AT_PARTNER) == set().union(*PARTNER_MAY.values())


def test_the_table_says_what_the_code_does() -> None:
    for words, may in ((AT_MERCHANT, MAY), (AT_PARTNER, PARTNER_MAY)):
        for action, row in zip(words, table_of(words, may), strict=True):
            assert [cell == "yes" for cell in row[1:]] == [action in may[role] for role in may]
    assert in_words("analyst") == ()
    assert any("view and invite members" in text for text in in_words("owner"))


def test_who_may_not_is_told_to_ask_somebody_who_may() -> None:
    assert whom_to_ask("cancel") == "Ask somebody with the role operations."
    assert whom_to_ask("hooks") == "Ask somebody with the role operations or developer."
    assert {whom_to_ask(action) for action in ("erase", "bank", "limits", "invite")} == {"Ask an owner."}
