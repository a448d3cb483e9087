"""A plain logistic regression: the chance of an approval by what is known of an order and of an instant, learned from
the tries of the past; a send at the best instant that is left, as long as its chance is worth its price.

It knows no causes, and plans one send at a time: how far a learned policy comes without a model of payers.
"""

import math
from bisect import insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from recoup.rules.rescue.engine.bins import class_of, key_of
from recoup.rules.rescue.engine.chances import hours_of, instant_of
from recoup.rules.rescue.engine.zones import offset_minutes
from recoup_lab.compare.arms.learned import issuer_of, learned
from recoup_lab.compare.arms.new_card import NewCards
from recoup_lab.compare.arms.numbers import Numbers, Seen, Situation, columns, fitted
from recoup_lab.compare.readings import reading_of
from recoup_lab.compare.seam import Attempt, Briefing, Choice, Known, SendAt, Stop
from recoup_lab.world.port import HistoryRow

_OWN_LEAST: Final = 0.03
_SOONEST_HOURS: Final = 1.0
_STEP_HOURS: Final = 6.0
_SENDS_MAX: Final = 20
_RIDGE: Final = 10.0
_POOLED: Final = 20.0  # tries as good as seen at the rate of all


class Logistic:
    def __init__(self, briefing: Briefing) -> None:
        self.least = _OWN_LEAST if briefing.least_chance is None else briefing.least_chance
        self.numbers, self.rates = learned(briefing, learn)
        self.seen: dict[str, list[tuple[Seen, str]]] = defaultdict(list)
        for row in briefing.history:
            insort(self.seen[row.customer_id], (_seen(row), row.order_id))
        self.known: set[str] = set()
        self.new_cards = NewCards()

    def decide(self, known: Known) -> Choice:
        order = known.order
        settled = self.new_cards.settled(known)
        if settled is not None:
            return settled
        if order.order_id not in self.known:
            self.known.add(order.order_id)
            insort(self.seen[order.customer_id], (Seen(hours_of(order.declined_at), False, 0), order.order_id))
        instants = _instants(known)
        if not instants or len(known.attempts) >= _SENDS_MAX:
            return Stop("nothing_left")
        chances = self.numbers.chances(columns(self._situation(known), instants))
        best = int(chances.argmax())
        if chances[best] < self.least:
            return Stop("not_worth_a_send")
        return SendAt(instant_of(instants[best]))

    def hear(self, known: Known, attempt: Attempt) -> None:
        self.new_cards.note(known)
        seen = Seen(hours_of(attempt.at), attempt.state == "approved", len(known.attempts) + 1)
        insort(self.seen[known.order.customer_id], (seen, known.order.order_id))

    def _situation(self, known: Known) -> Situation:
        order = known.order
        offset = offset_minutes(order.utc_offset_minutes, order.country)[0] / 60
        return Situation(
            hours_of(order.declined_at),
            tuple(hours_of(one.at) for one in known.attempts),
            offset,
            class_of(known.reading),
            known.card.funding == "credit",
            order.amount,
            self.rates.of(key_of(known.declines[0]), issuer_of(known.card)),
            [one for one, whose in self.seen[order.customer_id] if whose != order.order_id],
        )


class Rates(NamedTuple):
    """Logits of shares of approvals among tries, drawn to `of_all` where they are few."""

    codes: dict[str, float]
    issuers: dict[str, float]
    of_all: float

    def of(self, key: str, issuer: str) -> tuple[float, float]:
        return self.codes.get(key, self.of_all), self.issuers.get(issuer, self.of_all)


class _Try(NamedTuple):
    """A try of the past with what was known before it."""

    row: HistoryRow
    before: Sequence[HistoryRow]
    others: Sequence[Seen]


def learn(history: Sequence[HistoryRow]) -> tuple[Numbers, Rates]:
    """Without tries in the past each instant is as good as any other."""
    tries = list(_tries(history))
    rates = Rates(
        _pooled([(key_of(reading_of(one.before[0])), one.row.approved) for one in tries]),
        _pooled([(issuer_of(one.row.card), one.row.approved) for one in tries]),
        _logit(_rate([one.row.approved for one in tries])),
    )
    rows = [columns(_situation_then(one, rates), [hours_of(one.row.at)])[0] for one in tries]
    if not rows:
        nothing = Situation(0.0, (), 0.0, 0, False, 1, (0.0, 0.0), ())
        return fitted(columns(nothing, [1.0]), np.array([0.5]), _RIDGE), rates
    return fitted(np.array(rows), np.array([one.row.approved for one in tries], float), _RIDGE), rates


def _tries(history: Sequence[HistoryRow]) -> Iterator[_Try]:
    by_customer = defaultdict[str, list[HistoryRow]](list)
    for row in history:
        by_customer[row.customer_id].append(row)
    for rows in by_customer.values():
        rows.sort(key=lambda row: (row.at, row.order_id))
        for place, row in enumerate(rows):
            before = [one for one in rows[:place] if one.order_id == row.order_id]
            if before and before[0].attempt == 1:
                others = [_seen(one) for one in rows[:place] if one.order_id != row.order_id]
                yield _Try(row, before, others)


def _situation_then(one: _Try, rates: Rates) -> Situation:
    first, row = one.before[0], one.row
    return Situation(
        hours_of(first.at),
        tuple(hours_of(other.at) for other in one.before[1:]),
        offset_minutes(row.utc_offset_minutes, row.country)[0] / 60,
        class_of(reading_of(one.before[-1])),
        row.card.funding == "credit",
        row.amount,
        rates.of(key_of(reading_of(first)), issuer_of(row.card)),
        one.others,
    )


def _pooled(tries: Sequence[tuple[str, bool]]) -> dict[str, float]:
    """By the name that each try bears."""
    rate = _rate([approved for _, approved in tries])
    won, all_of = defaultdict[str, float](float), defaultdict[str, float](float)
    for name, approved in tries:
        won[name] += approved
        all_of[name] += 1.0
    return {name: _logit((won[name] + _POOLED * rate) / (all_of[name] + _POOLED)) for name in all_of}


def _rate(approved: Sequence[bool]) -> float:
    return (sum(approved) + 1.0) / (len(approved) + 2.0)


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _instants(known: Known) -> list[float]:
    """Soon, then each six hours, until the order expires; not before the network allows it."""
    wait = known.reading.min_wait_hours if known.reading.wait_by_rule else None
    last = known.attempts[-1].at if known.attempts else known.order.declined_at
    at = max(hours_of(known.earliest) + _SOONEST_HOURS, hours_of(last) + (wait or 0.0))
    end, found = hours_of(known.order.expires_at), list[float]()
    while at < end:
        found.append(at)
        at += _STEP_HOURS
    return found


def _seen(row: HistoryRow) -> Seen:
    return Seen(hours_of(row.at), row.approved, row.attempt - 1)
