"""The comparators, decision by decision."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from lab.compare.tiny_world import DAY, NOW, TinyWorld, card, order
from tests.engine.ground import model
from tests.rings import each

from recoup.engine.model import Model
from recoup.kernel.problem import Problem
from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.arms.slots import pick, slot_scores
from recoup_lab.compare.catalogue import CATALOGUE, RETRY_2, chosen
from recoup_lab.compare.driver import play
from recoup_lab.compare.ground import survey
from recoup_lab.compare.readings import read
from recoup_lab.compare.seam import Arm, Attempt, Briefing, Known, SendAt, Stop
from recoup_lab.compare.source import OurWorlds
from recoup_lab.world.port import HistoryRow

HOURS = {
    "next-day": [24],
    "daily-3": [24, 48, 72],
    "8-in-2-weeks": [41.875, 83.75, 125.625, 167.5, 209.375, 251.25, 293.125, 335],
    "4-in-21-days": [125.75, 251.5, 377.25, 503],
    "days-1-3-5-7": [24, 72, 120, 168],
    "kill-bill": [24, 48, 240, 384],
}


def arm_of(name: str, history: list[HistoryRow] | None = None) -> Arm:
    world = TinyWorld([order(1)])
    return CATALOGUE[name].make(Briefing(world.hello(), history or [], 1))


def known(
    attempts: tuple[Attempt, ...] = (), earliest: datetime | None = None, **of_order: Any
) -> Known:
    one = order(0, **of_order)
    first = read(one.card.scheme, one.scheme_code, one.advice_code, one.declined_at.date())
    declines = (first, *(attempt.reading for attempt in attempts if attempt.reading))
    now = earliest or (attempts[-1].at if attempts else one.declined_at)
    return Known(now, one, one.card, declines, attempts, (), (one,), None, len(attempts) + 1)


def instants(name: str, **of_order: Any) -> list[datetime]:
    """The arm's sends when each is declined like the payment was."""
    arm, attempts = arm_of(name), tuple[Attempt, ...]()
    while len(attempts) < 100:
        asked = known(attempts, **of_order)
        choice = arm.decide(asked)
        if isinstance(choice, Stop) or choice.at >= asked.order.expires_at:
            break
        attempts += (Attempt(choice.at, "declined", asked.reading),)
    return [one.at for one in attempts]


@each("name", HOURS)
def test_a_schedule_sends_at_its_hours_after_the_decline(name: str) -> None:
    assert [(at - NOW) / timedelta(hours=1) for at in instants(name)] == HOURS[name]


def test_daily_goes_on_until_the_order_expires() -> None:
    assert instants("daily") == [NOW + number * DAY for number in range(1, 30)]


@pytest.mark.parametrize(("scheme", "hours"), [("visa", 36), ("amex", 36), ("mastercard", 21)])
def test_the_paced_schedule_keeps_to_its_schemes_allowance(scheme: str, hours: int) -> None:
    code = "121" if scheme == "amex" else "51"
    sends = instants("paced", card=card(1, scheme), scheme_code=code)
    assert {after - before for before, after in zip([NOW, *sends], sends, strict=False)} == {
        timedelta(hours=hours)
    }


def test_a_try_that_was_held_back_is_sent_when_it_may_and_the_schedule_goes_on() -> None:
    late = NOW + 1.2 * DAY
    assert arm_of("daily-3").decide(known(earliest=late)) == SendAt(late)
    after = known((Attempt(late, "declined", known().reading),))
    assert arm_of("daily-3").decide(after) == SendAt(NOW + 2 * DAY)


def test_retry_2_follows_the_products_schedules() -> None:
    """Funds: pay days, five past midnight at the card holder's; 1 March 2027 is a Monday."""
    sends = instants(RETRY_2, utc_offset_minutes=-300)
    days = [at.astimezone(UTC) - timedelta(minutes=300) for at in sends]
    assert [(one.day, one.hour, one.minute) for one in days] == [
        (5, 0, 5),
        (12, 0, 5),
        (15, 0, 5),
        (19, 0, 5),
    ]


@each("name", [name for name, entry in CATALOGUE.items() if entry.comparator])
@each(
    ("scheme", "code", "advice"),
    [("visa", "43", None), ("visa", "R1", None), ("mastercard", "05", "03")],
)
def test_no_comparator_retries_what_is_hard(
    name: str, scheme: str, code: str, advice: str | None
) -> None:
    hard = {"card": card(1, scheme), "scheme_code": code, "advice_code": advice}
    assert isinstance(arm_of(name).decide(known(**hard)), Stop)
    assert isinstance(arm_of(name).decide(known()), SendAt), "and retries a lack of funds"


def test_slot_scores_are_those_of_the_published_example() -> None:
    """The counts and scores of the method's own test."""
    scores = slot_scores({0: (512, 1843), 4: (671, 1998), 6: (240, 987)})
    assert scores[4] == pytest.approx(9.2103, abs=0.1)
    assert scores[0] == pytest.approx(-2.73, abs=0.1)
    assert scores[6] == pytest.approx(-6.48, abs=0.1)


@pytest.mark.parametrize(("budget", "place"), [(3, 0), (2, 1), (1, 2)])
def test_a_budget_that_covers_the_days_left_takes_the_next_one(budget: int, place: int) -> None:
    """With the highest draws nothing but the guard takes a day."""
    assert pick([1.0, 1.0, 1.0], budget, 0.999999) == place


def test_days_are_taken_with_the_chances_of_going_through_them_one_by_one() -> None:
    """Budget 2 of weights 1, 2, 1, 4: 2/8; else 4/7; else 2/5; else the last."""
    draws = 10_000
    taken = [pick([1.0, 2.0, 1.0, 4.0], 2, number / draws) for number in range(draws)]
    wanted = [0.25, 0.75 * 4 / 7, 0.75 * 3 / 7, 0]
    assert [taken.count(place) / draws for place in range(4)] == pytest.approx(wanted, abs=0.001)


def test_the_slot_method_prefers_the_weekday_that_worked() -> None:
    rows = []
    for number in range(2_000):
        at = NOW - timedelta(days=1 + number % 56, hours=number % 24)
        for attempt, moment in ((1, at - 3 * DAY), (2, at)):
            rows.append(
                HistoryRow(
                    f"c{number}",
                    f"h{number:05d}",
                    attempt,
                    moment,
                    1_000,
                    "USD",
                    "US",
                    card(number),
                    attempt == 2 and at.weekday() == 2 and number % 3 > 0,
                    "51",
                    None,
                )
            )
    arm = arm_of("slots", rows)
    days = []
    for number in range(200):
        one = order(number)
        reading = known().reading
        choice = arm.decide(Known(one.declined_at, one, one.card, (reading,), (), (), (one,), 2, 1))
        assert isinstance(choice, SendAt)
        assert one.declined_at.date() < choice.at.date() < one.expires_at.date()
        days.append(choice.at.weekday())
    assert days.count(2) > 120


def test_arms_are_chosen_by_name_and_options_by_those_that_use_them() -> None:
    assert chosen(["retry-2", "daily"], oracle=False, options=[]) == ("daily", "retry-2")
    with pytest.raises(Problem, match="There is no arm 'weekly'"):
        chosen(["weekly"], oracle=False, options=[])
    with pytest.raises(Problem, match="None of the chosen arms uses --explore"):
        chosen(["daily"], oracle=False, options=["explore"])


@pytest.mark.prove("engine")
def test_what_an_earlier_play_has_seen_of_an_order_changes_no_decision_at_another_price(
    tmp_path: Path,
) -> None:
    (file := tmp_path / "world.toml").write_text("[world]\norders = 60\n[history]\ndays = 1\n")
    with OurWorlds(file).open(5) as opened:
        ground, copies = survey(opened.world, 5), count()

        def signature(made: Model, price: float) -> str:
            arm = EngineArm(Briefing(ground.hello, ground.history, 5, price=price), made)
            return play(ground, f"copy {next(copies)}", arm).signature

        again = model()
        signatures = [signature(again, price) for price in (200.0, 20.0, 200.0)]
        assert signatures == [signature(model(), price) for price in (200.0, 20.0, 200.0)]
        assert signatures[0] == signatures[2] != signatures[1]
