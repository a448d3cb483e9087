"""A link to pay, priced beside a plan's tries."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.ground import DECLINED, evidence, model

from recoup.engine.decide import decide
from recoup.orders.rules.decision import Offered
from recoup.policies.rules.policy import ENGINE_2
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.facts import hours_of
from recoup.rescue.rules.links import LAST, LINKS_1, NOW, LinkInput, LinkOffer, Try, link_offers
from recoup.webhooks.rules.replay import decide_again

UNKNOWN = LinkInput("links-1")
START = hours_of(DECLINED)


def tries_of(*adds: float, days: float = 4.0) -> list[Try]:
    return [Try(START + days * 24 * number, one, one) for number, one in enumerate(adds, start=1)]


def offers(tries: list[Try], link: LinkInput = UNKNOWN, units: int = 4590) -> list[LinkOffer]:
    return link_offers(
        link,
        tries,
        declined_at=DECLINED,
        now=DECLINED,
        end=DECLINED + timedelta(days=21),
        units=units,
    )


def test_the_prior_moves_to_what_the_merchants_links_brought() -> None:
    assert LINKS_1.chance_at_once(0, 0) == LINKS_1.chance == 0.13
    assert LINKS_1.chance_at_once(50, 0) == 0.065
    assert 0.29 < LINKS_1.chance_at_once(500, 158) < 0.31
    assert LINKS_1.chance_at_once(500, 500) < 1


def test_a_link_waits_for_good_tries_and_not_for_poor_ones() -> None:
    poor, good = tries_of(0.02, 0.02), tries_of(0.95, days=0.1)
    assert (offers(poor)[0].name, offers(good)[0].name) == (NOW, LAST)
    assert offers(poor, units=100)[0].worth < 0, "a contact costs more than the order may bring"


shares = st.lists(st.floats(0.0, 0.3), max_size=4)


@given(shares, st.integers(0, 500), st.integers(0, 500), st.integers(1, 10**9))
def test_chances_and_worth_stay_in_their_bounds(
    adds: list[float], sent: int, paid: int, units: int
) -> None:
    found = offers(tries_of(*adds), LinkInput("links-1", sent, min(sent, paid)), units)
    assert len({one.name for one in found}) == len(found) == min(3, 1 + len(adds))
    together = min(1.0, sum(adds))
    for one in found:
        assert 0.0 <= one.chance <= 1.0
        assert one.worth <= one.chance * (1.0 - together) + 1e-12
    assert [one.worth for one in found] == sorted((one.worth for one in found), reverse=True)


@given(st.integers(0, 400), st.integers(0, 40))
def test_more_links_paid_never_make_one_worth_less(sent: int, paid: int) -> None:
    tries = tries_of(0.1, 0.1)
    less, more = (LinkInput("links-1", sent + 50, min(sent, paid) + extra) for extra in (0, 10))
    worth = [
        next(one.worth for one in offers(tries, link) if one.name == NOW) for link in (less, more)
    ]
    assert worth[0] < worth[1]


def with_link(given: Evidence, link: LinkInput | None) -> Evidence:
    return replace(given, link=link)


def test_the_switch_adds_ways_and_changes_nothing_of_the_tries() -> None:
    before = evidence()
    off = decide(with_link(before, None), ENGINE_2, model())
    on = decide(with_link(before, LinkInput("links-1")), ENGINE_2, model())
    assert (
        (on.verdict, on.plan, on.group, on.taken)
        == (off.verdict, off.plan, off.group, off.taken)
        != ("wait",)
    )
    assert on.verdict == "plan"
    assert on.alternatives[: len(off.alternatives)] == off.alternatives
    assert [one.name for one in on.alternatives if not isinstance(one, Offered)][0].startswith(
        "link_"
    )
    assert (set(on.rules) - set(off.rules)) <= {"link_now", "link_waits"}
    assert "link" not in before.features()


def test_the_stored_decision_is_decided_again() -> None:
    given = with_link(evidence(), LinkInput("links-1", 120, 30))
    known = model()
    done = decide(given, ENGINE_2, known)
    assert Evidence.from_dict(given.features()) == given
    again = decide_again(given.features(), done.versions, {known.name: known})
    assert again.to_dict() == done.to_dict()
