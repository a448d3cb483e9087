"""News that an arm hears beside the answers to its own sends: the networks' word on replaced cards,
and that a card was just approved elsewhere. Each is an arm of its own, so that its worth is seen;
the world stays as it is.

A world knows of replaced cards: whoever does not listen is played without that. No world sells
anything elsewhere. So each card is given purchases elsewhere, one in `PURCHASE_EVERY` on average,
of the order's amount: what the world answers to one in a copy of its own, which no arm sees, is
what the network knows then. In life amounts differ, and a purchase spends the money: such signals
are the best that there could be.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heappush
from math import log
from typing import Any, Final, NamedTuple

from recoup.kernel.time import BusinessTime
from recoup.kit.zones import offset_minutes
from recoup.networks.limits import OF_THE_NUMBER
from recoup.rescue.rules.by_hand import GateWord, PlanBefore
from recoup.rescue.rules.signal import FRESH, SignalInput, decide_by_signal
from recoup_lab.compare.book import CardState, Event, OrderState
from recoup_lab.compare.draws import share_of
from recoup_lab.compare.driver import BATCH_MAX, Play
from recoup_lab.compare.gate import ACCEPTOR, CardSends
from recoup_lab.compare.ground import Ground
from recoup_lab.world.port import WorldCard, WorldCharge

PURCHASE_EVERY: Final = timedelta(days=2)
PURCHASES_MAX: Final = 20  # of an order's card
UPDATES_EVERY: Final = timedelta(hours=1)  # a decline queries the updater


class Hears(NamedTuple):
    """`updates`: of replaced cards; `approvals`: elsewhere."""

    updates: bool = False
    approvals: bool = False


class NewsPlay(Play):
    """An arm that hears what it is to hear, and nothing else."""

    def __init__(self, ground: Ground, *given: Any, hears: Hears) -> None:
        super().__init__(ground, *given)
        self.hears, self.updates_at, self.joined = hears, ground.hello.now, set[tuple[str, str]]()
        self.approvals: list[tuple[datetime, int]] = []
        if hears.approvals:
            states = {event.state.number: event.state for event in self.queue}
            self.states = states
            self.approvals = [
                approval for approval in approvals_of(ground) if approval[1] in states
            ][::-1]
            for at, number in self.approvals:  # so that a round begins then
                heappush(self.queue, Event(at, next(self.place), "arrival", states[number], -1))

    def _hear_signals(self, now: datetime) -> None:
        if self.hears.updates and now >= self.updates_at:
            super()._hear_signals(now)
            self.updates_at = now + UPDATES_EVERY
        self.next_signals = now
        while self.approvals and self.approvals[-1][0] <= now:
            at, number = self.approvals.pop()
            if now - at < FRESH:
                self._approved_elsewhere(self.states[number], at, now)

    def _approved_elsewhere(self, state: OrderState, at: datetime, now: datetime) -> None:
        """Applies the product's own rule: what is planned may be sent now."""
        if (
            state.standing != "open"
            or state.asked is None
            or state.unanswered is not None
            or not state.declines
        ):
            return
        order, due = state.order, state.asked[1].at
        charged_at = state.charged_at or order.declined_at
        refused = self.refusal(self._card(state).counted, order, now)
        offset, _ = offset_minutes(order.utc_offset_minutes, order.country)
        given = SignalInput(
            state.declines[-1],
            charged_at,
            at,
            now,
            PlanBefore(due, "soft", None),
            GateWord.of(refused),
            offset,
        )
        if now > charged_at and decide_by_signal(given).verdict == "attempt_now":
            state.turn += 1
            self._plan(state, "send", BusinessTime(now))

    def _renew(self, state: OrderState, held: CardState, card: WorldCard) -> None:
        """The new number has the sends of the old one; what was said of that number stays with
        it."""
        before = state.card.number
        super()._renew(state, held, card)
        if card.number == before or (before, card.number) in self.joined:
            return
        self.joined.add((before, card.number))
        counted: CardSends = self._card(state).counted
        for send in held.counted.sends.copy():
            counted.add(
                replace(send, visa_category=None, klass=None)
                if send.code in OF_THE_NUMBER
                else send
            )


def approvals_of(ground: Ground) -> Sequence[tuple[datetime, int]]:
    """Approvals elsewhere of each order's card, by the order's number, oldest first; found out
    once."""
    if not ground.approvals:
        ground.approvals.extend(sorted(_found(ground)))
    return ground.approvals


def _found(ground: Ground) -> list[tuple[datetime, int]]:
    found = []
    for turn in range(PURCHASES_MAX):
        copy = f"elsewhere/{turn}"
        wanted = sorted(_purchases(ground, turn))
        for start in range(0, len(wanted), BATCH_MAX):
            batch = wanted[start : start + BATCH_MAX]
            charges = [_charge(ground, copy, at, number) for at, number in batch]
            answers = ground.world.charge(copy, charges)
            pairs = zip(batch, answers, strict=True)
            found += [one for one, answer in pairs if answer.state == "approved"]
        ground.world.end(copy)
        ground.forget(copy)
    return found


def _purchases(ground: Ground, turn: int) -> list[tuple[datetime, int]]:
    """Purchases with each order's card: the one of that turn, while the order is open."""
    found = []
    for number, order in enumerate(ground.orders):
        gaps = (
            -log(1 - share_of("elsewhere", ground.seed, order.order_id, one))
            for one in range(turn + 1)
        )
        at = (order.declined_at + sum(gaps) * PURCHASE_EVERY).replace(microsecond=0) + timedelta(
            seconds=1
        )
        if at < order.expires_at:
            found.append((at, number))
    return found


def _charge(ground: Ground, copy: str, at: datetime, number: int) -> WorldCharge:
    order = ground.orders[number]
    return WorldCharge(
        f"{copy}/{order.order_id}",
        order.order_id,
        at,
        order.amount,
        order.currency,
        ACCEPTOR,
        order.card,
    )
