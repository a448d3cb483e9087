"""A file of past payments as one fixed schedule made it, of some customers of a world behind the protocol."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.prove.plugged import Plugged, TargetArm, Truth, share_of

from recoup.lab.compare.arms.schedules import Schedule
from recoup.lab.compare.driver import Play, play
from recoup.lab.compare.gate import CardSends
from recoup.lab.compare.seam import Known
from recoup.lab.world.port import WorldOrder
from recoup.rules.backtest.target import Target
from recoup.rules.imports.attempt import ANSWERED, Attempt, State
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.evidence import Evidence

LADDER = Schedule(tuple(timedelta(days=day) for day in (1, 3, 7, 14)), {})
BIN = 8  # digits that a file tells


class FileArm(TargetArm):
    """Knows of an issuer what a file tells."""

    def evidence(self, known: Known) -> Evidence:
        found = super().evidence(known)
        assert found.facts is not None
        return replace(found, facts=replace(found.facts, issuer=known.card.number[:BIN]))


def truth_of(world: Plugged, name: str, target: Target, model: Model) -> Truth:
    """Of a policy that knows no more of customers than their own payments of that time."""
    places = world.places(world.fresh)
    arm = FileArm(replace(world.briefing, history=()), model, target)
    played = play(world.ground, name, arm, only=places)
    return share_of(world.ground, places, [played.days[place] is not None for place in places])


def attempts(world: Plugged, customers: Sequence[int], name: str) -> list[Attempt]:
    """The declined payments and the tries that followed."""
    orders, places = world.ground.orders, world.places(customers)
    ladder = Play(world.ground, name, LADDER, lambda _: None, places, None, CardSends.refusal)
    ladder.run()
    numbers = dict.fromkeys(places, 1)
    found = [_attempt(orders[place], 1, orders[place].declined_at, "declined", *_codes(orders[place])) for place in places]
    for sent in sorted(ladder.sent, key=lambda one: one.at):
        numbers[sent.order] += 1
        state: State = sent.state if sent.state in ("approved", "declined") else "unknown"  # type: ignore[assignment]
        found.append(_attempt(orders[sent.order], numbers[sent.order], sent.at, state, sent.code, sent.advice))
    return [one._replace(row=number, line=number) for number, one in enumerate(found, start=1)]


def _codes(order: WorldOrder) -> tuple[str, str | None]:
    return order.scheme_code, order.advice_code


def _attempt(
    order: WorldOrder, number: int, at: datetime, state: State, code: str | None, advice: str | None
) -> Attempt:
    return Attempt(
        row=0,
        line=0,
        provider="history",
        ref=f"{order.order_id}/{number}",
        payment=order.order_id,
        guessed=False,
        customer=order.customer_id,
        card="",
        subscription="",
        token="",
        method=None,
        acceptor="",
        by_customer=False,
        bin=order.card.number[:BIN],
        last4=order.card.number[-4:],
        scheme=order.card.scheme,
        funding=order.card.funding,
        country=order.country,
        at=at,
        units=order.amount,
        asset=order.currency,
        state=state,
        stage=ANSWERED,
        failed_later=False,
        source="",
        scheme_code=(code or "") if state == "declined" else "",
        advice_code=(advice or "") if state == "declined" else "",
        processor_code="",
        text="",
        attempt_no=number,
        attempt_count=None,
        utc_offset=order.utc_offset_minutes,
        propensity=None,
        modified_at=None,
    )
