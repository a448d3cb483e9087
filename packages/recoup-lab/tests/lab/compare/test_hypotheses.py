"""The arm of hypotheses: what it learns of pay days, and where it knows nothing."""

from datetime import date, datetime, timedelta
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from lab.compare.test_arms import known
from lab.compare.tiny_world import DAY, NOW, TinyWorld, card, order
from recoup_lab.compare.arms.hypotheses.payer import LONG_AGO, RHYTHMS, bins_of, days_since, pays
from recoup_lab.compare.arms.hypotheses.payer import LONGEST as LONGEST_SINCE

from recoup_lab.compare.catalogue import CATALOGUE
from recoup_lab.compare.seam import Arm, Attempt, Briefing, SendAt, Stop
from recoup_lab.world.port import HistoryRow

FRIDAY = 4
PAYERS = 150


def arm_of(past: list[HistoryRow]) -> Arm:
    """Each past has a seed of its own, by which what was learned is kept."""
    return CATALOGUE["hypotheses"].make(Briefing(TinyWorld([order(1)]).hello(), past, 1_000 + len(past)))


def paid(at: datetime) -> bool:
    """Everybody is paid on Fridays, and the money is gone by Sunday."""
    return at.weekday() in (FRIDAY, FRIDAY + 1)


def row(payer: int, number: int, attempt: int, at: datetime) -> HistoryRow:
    code = "00" if paid(at) else "51"
    return HistoryRow(
        f"p{payer}", f"p{payer}-{number}", attempt, at, 5_000, "USD", "US", card(payer % 9), paid(at), code, None, -300
    )


def history() -> list[HistoryRow]:
    draws, found = Random(7), list[HistoryRow]()
    for payer in range(PAYERS):
        for number in range(4):
            at = NOW - timedelta(days=100 - 24 * number + draws.randrange(7), hours=draws.randrange(-3, 4))
            for attempt in range(1, 5):
                found.append(row(payer, number, attempt, at))
                if paid(at):
                    break
                at += timedelta(hours=draws.randrange(24, 72))
    return found


def test_a_pay_day_is_found_and_waited_for() -> None:
    arm = arm_of(history())
    for days in range(7):
        declined = NOW + days * DAY
        if not paid(declined):
            choice = arm.decide(known(declined_at=declined, expires_at=declined + 20 * DAY, utc_offset_minutes=-300))
            assert isinstance(choice, SendAt)
            assert paid(choice.at - timedelta(hours=5)), f"after a {declined:%A}"


def test_no_send_so_soon_after_a_failure_as_nobody_tried() -> None:
    arm = arm_of(history())
    failed = known().reading
    at = NOW + timedelta(hours=30)
    choice = arm.decide(known((Attempt(at, "declined", failed),), utc_offset_minutes=-300))
    assert isinstance(choice, SendAt)
    assert choice.at >= at + timedelta(hours=20)


def test_without_tries_in_the_past_nothing_is_sent() -> None:
    assert isinstance(arm_of([]).decide(known()), Stop)
    first = [one for one in history() if one.attempt == 1]
    assert isinstance(arm_of(first[:50]).decide(known()), Stop)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_days_since_a_pay_day_are_those_of_its_calendar(day: date) -> None:
    local = np.array([(day - date(1970, 1, 1)).days * 24.0 + 12.0])
    since = days_since(local)[0]
    for name, days in zip(RHYTHMS, since.tolist(), strict=True):
        backs = [back for back in range(LONGEST_SINCE) if pays(name, day - timedelta(days=back))]
        assert days == (backs[0] if backs else LONGEST_SINCE), name


def test_a_look_at_the_same_pay_is_told_from_one_at_the_next() -> None:
    local = np.array([24.0 * 20_000 + 12.0])
    since = days_since(local)
    unseen, seen = (bins_of(local, since, np.array([at])) for at in (LONG_AGO, local[0] - 1.0))
    assert (unseen[0, :-1] < seen[0, :-1]).all()
