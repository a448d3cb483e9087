"""A card route's breaker: when it opens, when a trickle goes, when it closes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.routes.rules.breaker import (
    ANSWERS_TO_CLOSE,
    OUTAGES_MIN,
    PAUSES,
    PAUSES_REFUSED,
    WINDOW,
    Breaker,
    Counts,
    after,
)

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DEAD, ALIVE = Counts(outages=OUTAGES_MIN), Counts(answered=ANSWERS_TO_CLOSE)
OPEN = after(Breaker(NOW), DEAD, NOW)
TRICKLING = NOW + PAUSES[0]
counts = st.builds(Counts, st.integers(0, 20), st.integers(0, 20), st.integers(0, 2))


@each(
    ("seen", "standing"),
    [
        (Counts(), "closed"),
        (Counts(answered=100), "closed"),
        (Counts(outages=OUTAGES_MIN - 1), "closed"),
        (Counts(outages=OUTAGES_MIN), "open"),
        (Counts(answered=OUTAGES_MIN + 1, outages=OUTAGES_MIN), "closed"),
        (Counts(answered=OUTAGES_MIN, outages=OUTAGES_MIN), "open"),
        (Counts(answered=1_000, refused=1), "closed"),
        (Counts(answered=1, refused=1), "refused"),
    ],
)
def test_it_opens_on_outages_that_outweigh_answers_and_on_one_refused_key(
    seen: Counts, standing: str
) -> None:
    assert after(Breaker(NOW), seen, NOW).standing(NOW) == standing


def test_outages_are_counted_within_a_window() -> None:
    once = after(Breaker(NOW), Counts(outages=OUTAGES_MIN - 1), NOW)
    assert after(once, Counts(outages=1), NOW + WINDOW - SECOND).standing(NOW) == "open"
    assert after(once, Counts(outages=1), NOW + WINDOW).standing(NOW + WINDOW) == "closed"


def test_after_its_pause_a_trickle_goes_and_answers_close_it() -> None:
    assert OPEN.standing(TRICKLING - SECOND) == "open"
    assert OPEN.standing(TRICKLING) == "trickle"
    some = after(OPEN, Counts(answered=ANSWERS_TO_CLOSE - 1), TRICKLING)
    assert some.standing(TRICKLING) == "trickle"
    assert after(some, Counts(answered=1), TRICKLING) == Breaker(TRICKLING)


def test_an_outage_of_the_trickle_opens_it_for_longer_and_the_opening_is_still_the_first() -> None:
    again, at = OPEN, TRICKLING
    for pause in (*PAUSES[1:], PAUSES[-1]):
        again = after(again, Counts(answered=3, outages=1), at)
        assert again.pause_until == at + pause
        assert (again.standing(at), again.opened_at) == ("open", NOW)
        at += pause
    assert after(again, ALIVE, at).openings == 0


def test_outages_within_the_pause_do_not_lengthen_it() -> None:
    assert after(OPEN, DEAD, NOW + SECOND).pause_until == OPEN.pause_until


def test_a_refused_key_takes_nothing_and_after_three_pauses_waits_for_a_person() -> None:
    at, one = TRICKLING, after(OPEN, Counts(refused=1), TRICKLING)
    for pause in PAUSES_REFUSED[:-1]:
        assert (one.pause_until, one.standing(at)) == (at + pause, "refused")
        at += pause
        assert one.standing(at) == "trickle"
        assert after(one, Counts(answered=1), at) == Breaker(at)
        one = after(one, Counts(refused=1), at)
    assert one.standing(at + timedelta(days=365)) == "refused"


@given(st.lists(st.tuples(counts, st.integers(0, 120)), max_size=30))
def test_it_is_open_with_a_pause_or_closed_without_and_always_finds_back(
    steps: list[tuple[Counts, int]],
) -> None:
    now, one = NOW, Breaker(NOW)
    for seen, seconds in steps:
        now += timedelta(seconds=seconds)
        one = after(one, seen, now)
        assert (one.opened_at is None) == (one.pause_until is None)
        assert one.pause_until is None or one.pause_until <= now + max(*PAUSES, *PAUSES_REFUSED)
    later = now + max(*PAUSES, *PAUSES_REFUSED)
    assert after(one, ALIVE, later).standing(later) == "closed" or one == replace(
        one, opened_at=None
    )
