"""The arm: asked as the product's engine is, with what a merchant would know."""

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from recoup.rules.rescue.engine.bins import APPROVED, RESTS, class_of, key_of
from recoup.rules.rescue.engine.chances import hours_of, instant_of
from recoup.rules.rescue.engine.facts import LOOKS_MAX
from recoup.rules.rescue.engine.pricing import ENGINE_1, Pricing
from recoup.rules.rescue.engine.zones import offset_minutes
from recoup_lab.compare.arms.engine import answer_of
from recoup_lab.compare.arms.hypotheses.fit import learned_from
from recoup_lab.compare.arms.hypotheses.model import Learned
from recoup_lab.compare.arms.hypotheses.plan import Seen, Situation, best_of_days, next_at, outlook
from recoup_lab.compare.arms.learned import issuer_of, learned, past_of
from recoup_lab.compare.arms.new_card import NewCards
from recoup_lab.compare.readings import reading_of
from recoup_lab.compare.seam import Attempt, Briefing, Choice, Known, SendAt, Stop
from recoup_lab.world.port import HistoryRow

_TRIED: Final = ("yes", "after_contact", "after_data_change")
_SOON: Final = {"technical": 0.25}
_STEP: Final = 3.0


class HypothesesArm:
    def __init__(self, briefing: Briefing) -> None:
        """Without tries in the world's history it stops at once."""
        self.model = learned(briefing, _learn)
        least = briefing.least_chance
        self.pricing = ENGINE_1 if least is None else Pricing("compare", least_chance=least, send_units=0)
        self.seen: dict[str, list[tuple[Seen, str]]] = defaultdict(list)
        for row in briefing.history:
            answer = APPROVED if row.approved else class_of(reading_of(row))
            self.seen[row.customer_id].append((Seen(hours_of(row.at), answer, row.attempt - 1), row.order_id))
        for seen in self.seen.values():
            seen.sort()
        self.known: set[str] = set()
        self.new_cards = NewCards()

    def decide(self, known: Known) -> Choice:
        settled = self.new_cards.settled(known)
        if settled is not None:
            return settled
        order = known.order
        first = Seen(hours_of(order.declined_at), class_of(known.declines[0]), 0)
        if order.order_id not in self.known:
            self.known.add(order.order_id)
            insort(self.seen[order.customer_id], (first, order.order_id))
        if self.model is None or known.reading.retry not in _TRIED:
            return Stop("nothing_known" if self.model is None else "not_tried")
        situation = self._situation(self.model, known, first)
        grid, gap = self._instants(self.model, known, situation)
        if not len(grid):
            return Stop("nothing_left")
        found = best_of_days(outlook(self.model, situation, grid), situation.offset)
        prices = self.pricing.prices(len(known.attempts), order.amount)[: known.sends_left]
        at = next_at(self.model, situation, found, prices, gap)
        return Stop("not_worth_a_send") if at is None else SendAt(max(instant_of(at), known.earliest))

    def hear(self, known: Known, attempt: Attempt) -> None:
        self.new_cards.note(known)
        seen = Seen(hours_of(attempt.at), answer_of(attempt, known.reading), len(known.attempts) + 1)
        insort(self.seen[known.order.customer_id], (seen, known.order.order_id))

    def _situation(self, model: Learned, known: Known, first: Seen) -> Situation:
        order, card, now = known.order, known.card, hours_of(known.earliest)
        others = [one for one, whose in self.seen[order.customer_id] if whose != order.order_id and one.at < now]
        zone, told = offset_minutes(order.utc_offset_minutes, order.country)
        return Situation(
            first,
            tuple(
                Seen(hours_of(one.at), answer_of(one, known.declines[0]), number)
                for number, one in enumerate(known.attempts, start=1)
            ),
            tuple(others[-LOOKS_MAX:]),
            model.place_of_key.get(key_of(known.declines[0]), 0),
            model.place_of_issuer.get(issuer_of(card), 0),
            zone / 60,
            int(told),
            int(card.funding == "credit"),
        )

    def _instants(self, model: Learned, known: Known, order: Situation) -> tuple[np.ndarray, float]:
        """Where somebody has tried before, and how far two tries stand apart."""
        reading, rests = known.reading, class_of(known.reading) in RESTS
        at = hours_of(known.earliest) + _SOON.get(reading.klass, 1.0)
        if rests:
            at = max(at, order.last.at + (model.rest_again if order.tries else model.rest))
        if reading.wait_by_rule:
            at = max(at, order.last.at + (reading.min_wait_hours or 0))
        end = hours_of(known.order.expires_at)
        grid = np.arange(np.floor(at / _STEP) * _STEP + _STEP / 2, end, _STEP)
        grid = np.r_[at, grid[grid > at]] if at < end else grid[grid > at]
        tried = model.slots[(np.floor(grid + order.offset).astype(np.int64) % 24) // 3]
        return grid[tried], max(model.rest_again if rests else 0.0, 1.0)


def _learn(history: Sequence[HistoryRow]) -> Learned | None:
    data = past_of(history, issuer_of)
    return learned_from(data) if (data.tries > 0).any() else None
