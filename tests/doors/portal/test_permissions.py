"""Every action that a role may do has its words on the page of people and in the documentation."""

from recoup.doors.portal.permissions import AT_MERCHANT, AT_PARTNER
from recoup.flows.people.sessions import MAY, PARTNER_MAY


def test_every_action_has_words() -> None:
    assert set(AT_MERCHANT) == set().union(*MAY.values())
    assert set(AT_PARTNER) == set().union(*PARTNER_MAY.values())
