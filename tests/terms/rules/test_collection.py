"""The plan by which an advanced order is collected: bounded, inside its time, never sooner than the
networks ask."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.networks.codes import Reading, code_of, read_decline
from recoup.terms.rules.collection import (
    CURRENT_COLLECTION,
    PERIOD,
    chance_of,
    next_charge,
    plan_for,
)

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


def heard(code: str, scheme: str = "visa") -> Reading:
    return read_decline(
        scheme=scheme, code=code_of(None, code), text=None, advice=None, on=date(2026, 5, 4)
    )


@given(
    code=st.sampled_from(("51", "05", "61", "91", "65")),
    offset=st.integers(-720, 720),
    late=st.integers(0, 9),
)
def test_every_plan_ends_inside_its_time(code: str, offset: int, late: int) -> None:
    reading, until = heard(code), NOW + PERIOD
    plan = plan_for(reading, CURRENT_COLLECTION)
    assert plan is not None
    made, last, now = 0, NOW, NOW

    def following() -> datetime | None:
        return next_charge(
            reading,
            CURRENT_COLLECTION,
            made=made,
            last=last,
            now=now,
            until=until,
            utc_offset=offset,
        )

    while (due := following()) is not None:
        assert now < due < until
        assert due - last >= timedelta(hours=reading.min_wait_hours or 0)
        assert due.second == 0
        made, last, now = made + 1, due, due + timedelta(hours=late)
    assert made <= len(plan.waits)


@pytest.mark.parametrize("code", ["04", "41", "14"])
def test_what_is_declined_for_good_is_not_charged_later(code: str) -> None:
    when = {"last": NOW, "now": NOW, "until": NOW + PERIOD}
    assert next_charge(heard(code), CURRENT_COLLECTION, made=0, utc_offset=0, **when) is None
    assert chance_of(heard(code), CURRENT_COLLECTION, out=False) == 0


def test_chances_are_chances_and_a_try_that_is_out_adds_to_them() -> None:
    for code in ("51", "05", "61", "91"):
        later, out = (chance_of(heard(code), CURRENT_COLLECTION, out=out) for out in (False, True))
        assert 0 < later < out < 10_000
    assert all(
        0 < plan.chance < 10_000 and plan.waits for plan in CURRENT_COLLECTION.plans.values()
    )
