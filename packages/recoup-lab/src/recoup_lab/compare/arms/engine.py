"""The product's rescue engine: trained on the world's history, asked with what a merchant would
know at that moment."""

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from recoup.engine.decide import decide
from recoup.engine.mixed import View, Window, viewed
from recoup.engine.model import Model, model_of
from recoup.kernel.time import BusinessTime
from recoup.kit import zones
from recoup.kit.slots import offset_minutes
from recoup.networks.codes import Reading
from recoup.orders.rules.decision import Decision, Offered
from recoup.policies.rules.policy import ENGINE_2, RETRY_2, Pricing
from recoup.rescue.rules.answer_classes import APPROVED, class_of, key_of
from recoup.rescue.rules.arms import DecisionRecord
from recoup.rescue.rules.decide import decide as by_schedule
from recoup.rescue.rules.evidence import Evidence, tried
from recoup.rescue.rules.facts import LOOKS_MAX, Facts, Look
from recoup_lab.compare.arms.learned import issuer_of, learned, trained_on
from recoup_lab.compare.arms.new_card import NewCards
from recoup_lab.compare.arms.retry_2 import answered
from recoup_lab.compare.draws import share_of
from recoup_lab.compare.readings import reading_of
from recoup_lab.compare.seam import Attempt, Briefing, Candidate, Choice, Known, SendAt, Stop
from recoup_lab.world.port import HistoryRow

_VIEWS_MAX: Final = 30_000


class EngineArm:
    def __init__(self, briefing: Briefing, model: Model | None = None) -> None:
        """Sets the arm up; without a model it learns one from the world's history."""
        self.model = model or learned(briefing, _train)
        self.pricing = ENGINE_2
        if briefing.least_chance is not None:
            self.pricing = Pricing("compare", least_chance=briefing.least_chance, send_units=0)
        self.explore, self.holdout, self.seed = (
            briefing.explore or 0.0,
            briefing.holdout or 0.0,
            briefing.seed,
        )
        self.looks: dict[str, list[tuple[Look, str]]] = defaultdict(list)
        self.known: set[str] = set()
        self.new_cards = NewCards()
        for row in briefing.history:
            self.looks[row.customer_id].append((_look(row), row.order_id))
        for looks in self.looks.values():
            looks.sort(key=_by_time)

    def decide(self, known: Known) -> Choice:
        settled = self.new_cards.settled(known)
        if settled is not None:
            return settled
        order = known.order
        if order.order_id not in self.known:
            self.known.add(order.order_id)
            insort(self.looks[order.customer_id], (_first(known), order.order_id), key=_by_time)
        record = self.record(known)
        decision = record.decision
        offers = tuple(
            _candidate(alternative)
            for alternative in decision.alternatives
            if isinstance(alternative, Offered)
        )
        at = decision.next_attempt_at
        if at is None:
            return Stop(decision.rules[0], offers, record)
        return SendAt(max(at, known.earliest), _propensity(decision), offers, record)

    def record(self, known: Known) -> DecisionRecord:
        """The decision of the customer's arm, with what it is made from, as the product stores
        both."""
        evidence = self.evidence(known)
        held_out = share_of("holdout", self.seed, known.order.customer_id) < self.holdout
        decision = (
            by_schedule(evidence, RETRY_2)
            if held_out
            else decide(evidence, self.pricing, self.model, views=_viewed_once)
        )
        arm = {
            "arm": "holdout" if held_out else "engine",
            "share": 100 * (1 - self.holdout),
            "holdout": 100 * self.holdout,
            "explore": 100 * self.explore,
            "number": len(known.attempts) + 1,
            "part": "decides",
        }
        return DecisionRecord(decision, evidence, arm)

    def hear(self, known: Known, attempt: Attempt) -> None:
        self.new_cards.note(known)
        look = Look(attempt.at, answer_of(attempt, known.reading), len(known.attempts) + 1)
        insort(self.looks[known.order.customer_id], (look, known.order.order_id), key=_by_time)

    def evidence(self, known: Known) -> Evidence:
        order, card = known.order, known.card
        zone, zone_known = zones.offset_minutes(order.utc_offset_minutes, order.country)
        others = [
            look
            for look, whose in self.looks[order.customer_id]
            if whose != order.order_id and look.at < known.earliest
        ]
        facts = Facts(
            _first(known),
            key_of(known.declines[0]),
            issuer_of(card),
            zone_known,
            _tries(known),
            tuple(others[-LOOKS_MAX:]),
            known.sends_left,
            None,
            len(known.card_orders),
            self.explore,
            share_of("engine", self.seed, order.order_id, known.decision),
            zone=zone,
            credit=card.funding == "credit",
        )
        return Evidence(
            kind="managed_mit",
            reading=known.reading,
            first_declined_at=order.declined_at,
            started_at=order.declined_at,
            now=BusinessTime(known.earliest),
            expires_at=order.expires_at,
            units=order.amount,
            currency=order.currency,
            funding=card.funding,
            utc_offset=offset_minutes(order.utc_offset_minutes, order.country),
            facts=facts,
            attempts=tried(answered(known), [attempt.at for attempt in known.attempts]),
        )


def _viewed_once(model: Model, facts: Facts, utc_offset: int, window: Window, most: int) -> View:
    """Views as `viewed` does, and reuses the view of an order that stands where it stood in an
    earlier play, at another price."""
    kept = model.tables.setdefault("views", {})
    of_order = (
        facts.first,
        facts.first_key,
        facts.issuer,
        facts.zone,
        facts.zone_known,
        facts.credit,
    )
    key = *of_order, facts.tries, facts.looks, utc_offset, window, most
    found: View | None = kept.get(key)
    if found is None:
        found = viewed(model, facts, utc_offset, window, most)
        if len(kept) < _VIEWS_MAX:
            kept[key] = found
    return found


def first_price(briefing: Briefing, sends: float) -> float:
    """The price where the search for a mean number of sends begins."""
    return 300.0 / (sends * sends)


def _first(known: Known) -> Look:
    return Look(known.order.declined_at, class_of(known.declines[0]), 0)


def _tries(known: Known) -> tuple[Look, ...]:
    return tuple(
        Look(one.at, answer_of(one, known.declines[0]), number)
        for number, one in enumerate(known.attempts, start=1)
    )


def answer_of(attempt: Attempt, before: Reading) -> int:
    """The class of what it was answered with; of an unknown outcome that of the decline before."""
    if attempt.state == "approved":
        return APPROVED
    return class_of(attempt.reading or before)


def _candidate(one: Offered) -> Candidate:
    at = datetime.fromisoformat(one.at) if one.at else None
    return Candidate(at, one.chance, one.price, one.probability)


def _propensity(decision: Decision) -> float | None:
    offered = [
        alternative for alternative in decision.alternatives if isinstance(alternative, Offered)
    ]
    at = decision.next_attempt_at
    if at is None or not offered:
        return None
    return next(
        (one.probability for one in offered if one.at and one.at[:16] == at.isoformat()[:16]), None
    )


def _by_time(pair: tuple[Look, str]) -> datetime:
    return pair[0].at


def _look(row: HistoryRow) -> Look:
    answer = APPROVED if row.approved else class_of(reading_of(row))
    return Look(row.at, answer, row.attempt - 1)


def _train(history: Sequence[HistoryRow]) -> Model:
    return model_of(trained_on(history, "a world's history", issuer_of).to_json())
