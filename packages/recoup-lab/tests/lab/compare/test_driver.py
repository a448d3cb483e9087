"""One arm in virtual time: batches, unknown outcomes, news of cards, cards that several orders
share."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from lab.compare.tiny_world import DAY, NOW, TinyWorld, card, order

from recoup_lab.compare.arms.schedules import SCHEDULES, Schedule
from recoup_lab.compare.driver import play
from recoup_lab.compare.ground import survey
from recoup_lab.compare.played import Played
from recoup_lab.compare.score import net_of, own_score
from recoup_lab.compare.seam import Choice, Known
from recoup_lab.world.port import Signal, WorldAnswer, WorldBroke, WorldCharge

HOUR = timedelta(hours=1)


class Scripted(TinyWorld):
    """Answers each order's charges one after the other, then declines; what is asked again gets
    `later`, if given."""

    script: dict[str, Sequence[str]] = {}
    later: str | None = None

    def answer(self, charge: WorldCharge) -> WorldAnswer:
        before = sum(1 for one, _ in self.charges["arm"] if one.order_id == charge.order_id)
        states = self.script.get(charge.order_id, ())
        return self.said(charge, states[before] if before < len(states) else "declined")

    def said(self, charge: WorldCharge, state: str) -> WorldAnswer:
        code = {"approved": "00", "declined": "51", "43": "43"}.get(state)
        return WorldAnswer(
            charge.id,
            "declined" if state == "43" else state,
            code,
        )  # type: ignore[arg-type]

    def _one(self, arm: str, charge: WorldCharge) -> WorldAnswer:
        if self.later is not None and (arm, charge.id) in self.answers:
            return self.said(charge, self.later)
        return super()._one(arm, charge)


def played(world: TinyWorld, name: str = "daily-3") -> Played:
    return play(survey(world, 1), "arm", SCHEDULES[name])


def sent(world: TinyWorld, order_id: str = "o0") -> list[tuple[str, datetime]]:
    return [
        (one.id, one.sent_at)
        for _, batch in world.batches
        for one in batch
        if one.order_id == order_id
    ]


def test_an_order_is_sent_until_it_is_approved() -> None:
    world = Scripted([order(0), order(1)])
    world.script = {"o0": ["declined", "approved"]}
    found = played(world)
    assert found.sends == [2, 3]
    assert found.days == [2.0, None]
    assert sent(world) == [("o0#1", NOW + DAY), ("o0#2", NOW + 2 * DAY)]
    score = own_score(survey(Scripted([order(0), order(1)]), 1), found)
    assert (score.orders, score.recovered, score.attempts, score.amount_share) == (2, 1, 5, 0.5)


def test_an_answers_code_that_no_list_has_is_kept_to_be_told() -> None:
    class Strange(Scripted):
        def said(self, charge: WorldCharge, state: str) -> WorldAnswer:
            return WorldAnswer(charge.id, "declined", "7Q")

    ground = survey(Strange([order(0)]), 1)
    assert not ground.unlisted
    assert play(ground, "arm", SCHEDULES["daily-3"]).sends == [3]
    assert ground.unlisted == {"visa 7Q"}


def test_what_is_due_within_an_hour_is_one_batch_but_never_two_charges_of_a_customer_or_card() -> (
    None
):
    orders = [
        order(0),
        order(1),
        order(2, customer_id="c0"),
        order(3, card=card(1)),
        order(4),
    ]
    world = Scripted(orders)
    played(world, "next-day")
    assert [[one.order_id for one in batch] for _, batch in world.batches] == [
        ["o0", "o1", "o4"],
        ["o2", "o3"],
    ]


def test_a_stolen_card_is_not_tried_for_the_customers_next_order_due_in_the_same_hour() -> None:
    world = Scripted([order(0), order(1, customer_id="c0", card=card(0))])
    world.script = {"o0": ["43"]}
    assert played(world).sends == [1, 0]


def test_an_unknown_outcome_is_asked_again_with_the_same_id_and_counts_as_one_send() -> None:
    world = Scripted([order(0)])
    world.script, world.later = {"o0": ["unknown"]}, "approved"
    found = played(world)
    assert sent(world) == [("o0#1", NOW + DAY)] * 2
    assert (found.sends, found.days) == ([1], [1.0])


def test_nothing_is_sent_while_an_outcome_is_unknown_and_the_arm_goes_on_when_it_stays_so() -> None:
    world = Scripted([order(0)])
    world.script = {"o0": ["unknown"]}
    found = played(world)
    assert [one for one, _ in sent(world)] == ["o0#1"] * 4 + ["o0#2", "o0#3"]
    assert [at for _, at in sent(world)][4:] == [NOW + 2 * DAY, NOW + 3 * DAY], (
        "24 hours later, and the day after"
    )
    assert found.sends == [3]


def test_a_charge_that_was_not_processed_counts_for_nothing_and_is_made_again() -> None:
    world = Scripted([order(0)])
    world.script = {"o0": ["not_processed"]}
    found = played(world, "next-day")
    assert sent(world) == [("o0#1", NOW + DAY), ("o0#2", NOW + DAY + HOUR)]
    assert found.sends == [1]


def test_a_card_that_a_network_tells_anew_is_charged_from_then_on() -> None:
    world = Scripted([order(0)])
    world.signals_of = [Signal(NOW + 1.5 * DAY, "new_number", card(0).number, card(77))]
    played(world)
    assert [one.card.number for _, batch in world.batches for one in batch] == [
        card(0).number,
        card(77).number,
        card(77).number,
    ]


def test_a_plan_that_news_of_the_card_replace_is_in_the_log_as_not_sent() -> None:
    """Else an order whose later try was drawn would look as if nothing had been drawn."""
    world, log = Scripted([order(0)]), list[Mapping[str, Any]]()
    world.signals_of = [Signal(NOW + 1.5 * DAY, "new_number", card(0).number, card(77))]
    play(survey(world, 1), "arm", SCHEDULES["daily-3"], log=log.append)
    assert [(row["decision"], row["answer"], row.get("stopped")) for row in log] == [
        (1, "declined", None),
        (2, None, "asked_anew"),
        (3, "declined", None),
        (4, "declined", None),
        (5, None, "schedule_used_up"),
    ]


def test_news_that_are_heard_after_a_later_charge_ask_for_nothing_before_it() -> None:
    """A customer's second order waits for the first, while another's is charged; then the news are
    told."""
    minute, asked = timedelta(minutes=1), list[Known]()

    class Noting(Schedule):
        def decide(self, known: Known) -> Choice:
            asked.append(known)
            return super().decide(known)

    world = Scripted(
        [
            order(0, customer_id="a"),
            order(1, customer_id="a", declined_at=NOW + 10 * minute),
            order(2, declined_at=NOW + 50 * minute),
            order(3, declined_at=NOW + 18 * HOUR + 5 * minute),
        ]
    )
    world.signals_of = [Signal(NOW + 20 * HOUR, "new_number", card(2).number, card(77))]
    daily = SCHEDULES["daily-3"]
    play(survey(world, 1), "arm", Noting(daily.offsets, daily.by_scheme))
    renewed = [one for one in asked if one.card == card(77)]
    assert renewed
    assert all(one.earliest >= one.attempts[-1].at for one in renewed)


def test_a_closed_card_ends_its_orders() -> None:
    world = Scripted([order(0), order(1)])
    world.signals_of = [Signal(NOW + 1.5 * DAY, "closed", card(0).number)]
    assert played(world).sends == [1, 3]


def test_costs_and_harm_lessen_what_an_order_is_worth() -> None:
    ground = survey(Scripted([order(0), order(1)]), 1)
    found = Played([6, 6], [3.0, None], [0, 1], 0, "")
    assert list(net_of(ground, found)) == [5_000 - 6 * 12, -6 * 12 - 5_000 - 0.02 * 5_000 * 2]


def test_a_world_that_answers_in_another_order_ends_the_run() -> None:
    class Muddled(Scripted):
        def charge(self, arm: str, charges: Sequence[WorldCharge]) -> Sequence[WorldAnswer]:
            return super().charge(arm, charges)[::-1]

    with pytest.raises(WorldBroke, match="one answer for each charge"):
        played(Muddled([order(0), order(1)]))


def test_a_world_that_gives_an_order_twice_ends_the_run() -> None:
    with pytest.raises(WorldBroke, match="o0 twice"):
        survey(TinyWorld([order(0), order(0)]), 1)
