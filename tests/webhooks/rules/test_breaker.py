"""The circuit breaker and the places: whatever receivers do, posts to a dead one stay few and
others go on."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recoup.orders.rules.pace import EACH_MAX, PLACES, Pace
from recoup.webhooks.rules.breaker import (
    FAILURES_TO_OPEN,
    OPEN_MAX,
    PAUSES,
    PROBES_MIN,
    Health,
    Tried,
    after_tries,
    is_lost,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NO, YES = Tried(False, error="HTTP 500"), Tried(True)
PROBE = Tried(False, probe=True, error="timeout")


def test_it_opens_at_the_tenth_failure_in_a_row() -> None:
    nine = after_tries(Health(), [NO] * (FAILURES_TO_OPEN - 1), NOW, 0.5)
    assert (nine.state, nine.failures, nine.failing_since, nine.last_error) == (
        "failing",
        9,
        NOW,
        "HTTP 500",
    )
    assert after_tries(nine, [YES, NO], NOW, 0.5).failures == 1, "in a row"
    ten = after_tries(nine, [NO], NOW, 0.5)
    assert (ten.state, ten.opened_at, ten.probe_at) == ("open", NOW, NOW + PAUSES[0])


def test_probes_at_growing_pauses_and_what_was_out_is_none() -> None:
    health = after_tries(Health(), [NO] * (FAILURES_TO_OPEN + 60), NOW, 0.5)
    assert (health.probes, health.probe_at) == (0, NOW + PAUSES[0]), (
        "tries that were out make no pause longer"
    )
    now, pauses = NOW, []
    for _ in range(len(PAUSES) + 2):
        now = health.probe_at or now
        health = after_tries(health, [PROBE], now, 0.5)
        pauses.append((health.probe_at or now) - now)
    assert pauses == [*PAUSES[1:], PAUSES[-1], PAUSES[-1], PAUSES[-1]]
    asked = replace(health, probes=PROBES_MIN)
    assert not is_lost(asked, NOW + OPEN_MAX - timedelta(seconds=1))
    assert is_lost(asked, NOW + OPEN_MAX)
    assert not is_lost(health, NOW + OPEN_MAX), "a worker stood still: nobody was asked"
    assert after_tries(health, [YES], now, 0.5) == Health()


def test_a_receiver_that_names_a_time_is_not_asked_before() -> None:
    later = NOW + timedelta(hours=5)
    opened = after_tries(
        Health(), [Tried(False, error="HTTP 429", not_before=later)] * FAILURES_TO_OPEN, NOW, 0.5
    )
    assert opened.probe_at == later


def test_a_receiver_that_asks_for_years_is_asked_again_in_a_day() -> None:
    for later in (NOW + timedelta(days=1_157), datetime(9999, 12, 31, tzinfo=UTC)):
        told = Tried(False, error="HTTP 503", not_before=later)
        assert after_tries(
            Health(), [told] * FAILURES_TO_OPEN, NOW, 0.5
        ).probe_at == NOW + timedelta(days=1)


@given(
    tries=st.lists(st.builds(Tried, st.booleans(), st.booleans(), st.text(max_size=3))),
    jitter=st.floats(0, 0.999),
)
def test_open_has_a_next_probe_and_closed_has_none(tries: list[Tried], jitter: float) -> None:
    health = after_tries(Health(), tries, NOW, jitter)
    assert (health.opened_at is None) == (health.probe_at is None)
    assert (health.failures == 0) == (health == Health())
    if tries and tries[-1].taken:
        assert health == Health()


# places
# --------------------------------------------------------------------------------------------------


def begin(pace: Pace, *ids: uuid.UUID) -> dict[uuid.UUID, int]:
    given_ = pace.share(ids)
    for one, number in given_.items():
        for _ in range(number):
            pace.began(one)
    return given_


def ids(number: int) -> list[uuid.UUID]:
    return [uuid.UUID(int=n + 1) for n in range(number)]


def test_a_window_opens_with_what_is_taken_and_closes_with_what_is_not() -> None:
    pace, [one] = Pace(), ids(1)
    given_ = 0
    for _ in range(80):
        given_ = begin(pace, one)[one]
        for _ in range(given_):
            pace.ended(one, taken=True, seconds=0.01)
    assert given_ == EACH_MAX
    for _ in range(begin(pace, one)[one]):
        pace.ended(one, taken=False, seconds=0.01)
    assert begin(pace, one) == {one: 1}, "one that fails is asked one at a time"


def test_however_many_are_slow_the_quick_ones_have_half() -> None:
    pace, [quick, *slow] = Pace(), ids(1000)
    begin(pace, quick)
    for _ in range(4):
        pace.ended(quick, taken=True, seconds=0.01)
    assert sum(begin(pace, *slow).values()) == PLACES // 2
    assert not begin(pace, *slow)
    assert begin(pace, *slow, quick)[quick] >= 4


def test_places_are_given_in_turn() -> None:
    pace = Pace()
    assert begin(pace, *ids(3)) == dict.fromkeys(ids(3), 4)
    pace = Pace(places=10)
    assert begin(pace, *ids(3)) == dict(zip(ids(3), [2, 2, 1], strict=True)), (
        "half of the places for those not known"
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.floats(0, 3)), max_size=200))
def test_no_place_is_lost_or_given_twice(ends: list[tuple[int, bool, float]]) -> None:
    pace, some = Pace(places=20), ids(6)
    out: list[uuid.UUID] = []
    for pick, taken, seconds in ends:
        for one, number in begin(pace, *some).items():
            out += [one] * number
        assert len(out) <= 20
        assert pace.free == 20 - len(out)
        if out:
            pace.ended(out.pop(pick % len(out)), taken=taken, seconds=seconds)
    for one in out:
        pace.ended(one, taken=True, seconds=0.1)
    assert pace.free == 20
    assert pace._slow_out == 0
