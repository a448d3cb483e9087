"""Evidence, pricing and model in, decision out: when to try again, if at all. Pure.

Network waits, limits and hard declines stand above it; where a customer waits, or waiting cures
nothing, the schedules' decider answers as ever. `engine-1` decided by causes alone, as a model does
without a regression; what `engine-2` decided by another regression is judged by what was stored of
it: `past`.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from recoup.engine.belief import Belief
from recoup.engine.bins import RESTS, place_of_key, places_of_keys
from recoup.engine.mixed import Views, Window, viewed
from recoup.engine.model import Model
from recoup.engine.plan import Candidate, looked_at, planned
from recoup.engine.words import link_reason, reasons_of
from recoup.kernel.time import BusinessTime
from recoup.kit.slots import next_minute
from recoup.networks.limits import forbids_for_ever
from recoup.orders.rules.decision import Alternative, Decision, Offered, Priced, Verdict
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.policy import POLICIES, Pricing, group_of
from recoup.policies.rules.words import time_words
from recoup.rescue.rules.amount import sized
from recoup.rescue.rules.answer_classes import class_of, key_of
from recoup.rescue.rules.decide import decide as by_schedule
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.explore import Offer, block_of, drawn, weighed
from recoup.rescue.rules.facts import Facts, hours_of, instant_of
from recoup.rescue.rules.links import LATER, NOW, Try, link_offers

VERSION: Final = "engine-3"
_BY_CAUSES: Final = "engine-1"  # by a model of format 2
ENGINES: Final = frozenset({VERSION, _BY_CAUSES, "engine-2"})  # that have ever decided
_SOONEST: Final = {"technical": timedelta(minutes=15)}
_SOON: Final = timedelta(hours=1)
_FAR: Final = timedelta(days=120)  # no plan looks further
# What a customer settles with the bank mends without our hearing of it.
_TRIED: Final = ("yes", "after_contact")
# An issuer may renew a card without a word to us: how soon is learned, where others have tried.
_SILENT: Final = frozenset({"expired_card", "card_update_available"})
_STOP: Final = Offer("stop", None, 0.0, 0.0)


def decide(
    evidence: Evidence,
    pricing: Pricing,
    model: Model,
    within: InForce | None = None,
    views: Views = viewed,
) -> Decision:
    """`evidence.facts` are there. `within`: the policies that were set for the order. `views`:
    `viewed`, or what has kept its answers: no price enters them. Raises: ValueError without
    facts."""
    facts = evidence.facts
    if facts is None:
        raise ValueError("The engine decides with facts only.")
    schedules = POLICIES[pricing.schedules]
    waits = evidence.kind != "cit" and _is_tried(evidence, model) and _open(evidence)
    is_timed = schedules.network_times and evidence.reading.wait_by_rule
    if not waits or is_timed or evidence.reading.terminal or _forbids(within, evidence):
        return _named(by_schedule(evidence, schedules, within), pricing, model)
    times = _times_of(evidence, facts, model, within)
    asked = _Asked(evidence, pricing if within is None else within.priced(pricing), model, within)
    prices = _prices(asked, facts)
    ground, belief, candidates = views(
        model, facts, evidence.utc_offset, times.window, looked_at(prices)
    )
    tries = planned(ground, belief, candidates, prices, times.gap)
    stays = (
        times.due and bool(candidates) and bool(prices) and candidates[0].chance >= prices[0] / 2
    )
    if stays:  # it was drawn when it was planned
        after = _after(tries, candidates[0].at + max(1.0, times.gap))
        tries = [Try(candidates[0].at, candidates[0].chance, candidates[0].chance), *after]
    explore = 0.0 if stays or within is not None and not prices else _explore(facts, within)
    offers = _offers(evidence, candidates, tries, prices, explore, times.gap)
    taken = drawn(offers, facts.draw)
    if taken.at is None:
        return _decision(asked, belief, offers, taken, [], now=False)
    plan = tries
    if taken is not offers[0]:
        plan = [Try(taken.at, taken.chance, taken.chance), *_after(tries, taken.at, times.gap)]
    if within is not None:
        plan = plan[: len(prices)]
    now = times.window.now_too and plan[0].at <= hours_of(evidence.now)
    decision = _decision(asked, belief, offers, taken, plan, now=now)
    if taken is offers[0]:  # what was drawn is sent as it was priced
        decision = sized(evidence, decision)
    return (
        _beside(decision, evidence, plan)
        if evidence.link is not None and decision.verdict == "plan"
        else decision
    )


def _is_tried(evidence: Evidence, model: Model) -> bool:
    reading, regression = evidence.reading, model.learned.regression
    if reading.retry in _TRIED:
        return True
    if (
        reading.terminal
        or reading.reason not in _SILENT
        or evidence.other_card
        or regression is None
    ):
        return False
    return place_of_key(
        places_of_keys(regression.keys), key_of(reading)
    ) > 0 and not forbids_for_ever(reading)


class _Asked(NamedTuple):
    evidence: Evidence
    pricing: Pricing
    model: Model
    within: InForce | None


class _Times(NamedTuple):
    """`gap`: hours between two tries at least."""

    due: bool
    gap: float
    window: Window


def _forbids(within: InForce | None, evidence: Evidence) -> bool:
    if within is None:
        return False
    return within.forbids(evidence.units, evidence.currency, evidence.reading.code) is not None


def _times_of(evidence: Evidence, facts: Facts, model: Model, within: InForce | None) -> _Times:
    due = (
        evidence.due_at is not None
        and evidence.due_at <= evidence.now
        and evidence.card_rests_until is None
    )
    now_too = (
        due
        or evidence.kind == "sync_mit"
        and not evidence.attempts
        and not evidence.reading.wait_by_rule
    )
    expires, offset = min(evidence.expires_at, evidence.now + _FAR), evidence.utc_offset
    if within is None:
        earliest = hours_of(_earliest(evidence, facts, model, now_too))
        return _Times(due, 0.0, Window(earliest, hours_of(expires), now_too))
    end = within.end(evidence.first_declined_at, expires)
    fresh = within.fresh(evidence.now, evidence.month_sends)
    free = max(
        fresh,
        max([evidence.first_declined_at, *(attempt.at for attempt in evidence.attempts)])
        + within.gap,
    )
    now_too = now_too and free <= evidence.now < end and within.is_open(evidence.now, offset)
    earliest = hours_of(max(free, _earliest(evidence, facts, model, now_too)))
    now = hours_of(evidence.now)

    def opens(at: float) -> float | None:
        if now_too and at <= now:
            return at
        opening = within.opens(next_minute(instant_of(at)), offset)
        return hours_of(opening) if opening is not None else None

    gap = within.gap / timedelta(hours=1)
    return _Times(due and now_too, gap, Window(earliest, hours_of(end), now_too, opens))


def _explore(facts: Facts, within: InForce | None) -> float:
    if within is None or within.explore is None:
        return facts.explore
    return min(facts.explore, within.explore / 100)


def _beside(decision: Decision, evidence: Evidence, tries: list[Try]) -> Decision:
    """Adds the link's ways to the decision; the rule `link_now` where it is mailed at this
    moment."""
    assert evidence.link is not None
    links = link_offers(
        evidence.link,
        tries,
        declined_at=evidence.first_declined_at,
        now=evidence.now,
        end=evidence.expires_at,
        units=evidence.units,
    )
    ways = (
        Priced(link.name, _round(link.chance), "", link.at.isoformat(), _round(link.worth))
        for link in links
    )
    now = links[0].name == NOW and links[0].worth > 0.0
    *why, last = decision.reasons
    return replace(
        decision,
        rules=(*decision.rules, NOW if now else LATER),
        alternatives=(*decision.alternatives, *ways),
        reasons=(*why, link_reason(links, now=now), last),
    )


def _open(evidence: Evidence) -> bool:
    return evidence.now < evidence.expires_at and not (
        evidence.magic_first_send and not evidence.attempts
    )


def _prices(asked: _Asked, facts: Facts) -> list[float]:
    """Prices of the sends that are left. Open orders share the allowance of their card; once used
    up, it comes back."""
    evidence, pricing, _, within = asked
    prices = pricing.prices(len(evidence.attempts) + evidence.card_sends, evidence.units)
    if within is not None:
        prices = prices[: _left(evidence, within)]
    if facts.sends_left is None or facts.sends_left == 0:
        return prices
    return prices[: max(1, facts.sends_left // facts.open_orders)]


def _left(evidence: Evidence, within: InForce) -> int | None:
    """The number of attempts that the policies leave to this kind of decline; None: no matter how
    many."""
    group = group_of(evidence.reading) or "soft"
    most = within.group_tries(group)
    if most is None:
        return None
    return max(0, most - len([attempt for attempt in evidence.attempts if attempt.group == group]))


def _earliest(evidence: Evidence, facts: Facts, model: Model, now_too: bool) -> datetime:
    last = max([evidence.first_declined_at, *(attempt.at for attempt in evidence.attempts)])
    wait = (
        timedelta(hours=evidence.reading.min_wait_hours or 0)
        if evidence.reading.wait_by_rule
        else timedelta(0)
    )
    earliest = (
        evidence.now if now_too else evidence.now + _SOONEST.get(evidence.reading.klass, _SOON)
    )
    if evidence.card_rests_until is not None:
        earliest = max(earliest, evidence.card_rests_until)
    if facts.sends_left == 0 and facts.free_at is not None:
        earliest = max(earliest, facts.free_at + timedelta(minutes=1))
    if not now_too and class_of(evidence.reading) in RESTS:
        rest, again = model.learned.rest, model.learned.rest_again
        rest = max(rest, again) if evidence.attempts else rest
        earliest = max(earliest, last + timedelta(hours=rest))
    return max(earliest, last + wait)


def _offers(
    evidence: Evidence,
    candidates: list[Candidate],
    tries: list[Try],
    prices: list[float],
    explore: float,
    gap: float,
) -> list[Offer]:
    """The engine's own way first, then the best instant of each other block, then stopping, if that
    is not its own."""
    facts, now = evidence.facts, hours_of(evidence.now)
    assert facts is not None
    price = prices[0] if prices else 1.0
    own = _STOP
    if tries:
        own = Offer(block_of(tries[0].at - now), tries[0].at, tries[0].chance, _worth(tries, price))
    best: dict[str, Candidate] = {}
    for candidate in candidates:
        name = block_of(candidate.at - now)
        if name != own.name and (name not in best or candidate.chance > best[name].chance):
            best[name] = candidate
    others = [
        Offer(
            name,
            candidate.at,
            candidate.chance,
            candidate.chance
            - price
            + (1 - candidate.chance) * _worth(_after(tries, candidate.at, gap), price),
        )
        for name, candidate in best.items()
    ]
    may_explore = not evidence.reading.wait_by_rule and (
        facts.sends_left is None or facts.sends_left > 1
    )
    return weighed([own, *others, *([_STOP] if tries else [])], explore if may_explore else 0.0)


def _worth(tries: list[Try], price: float) -> float:
    total = 0.0
    for attempt in tries:
        total += attempt.adds - price
    return total


def _after(tries: list[Try], at: float, gap: float = 0.0) -> list[Try]:
    return [attempt for attempt in tries if attempt.at > at and attempt.at >= at + gap]


def _decision(
    asked: _Asked, belief: Belief, offers: list[Offer], taken: Offer, tries: list[Try], *, now: bool
) -> Decision:
    evidence, _, model, within = asked
    later = tries[1:] if now else tries
    plan = tuple(
        BusinessTime(next_minute(instant_of(attempt.at)).astimezone(UTC)) for attempt in later
    )
    plan = tuple(at for at in plan if at < evidence.expires_at)
    verdict: Verdict = "attempt_now" if now else "plan" if plan else "wait"
    group = (group_of(evidence.reading) or "soft") if verdict != "wait" else None
    rules = ["engine_plan" if verdict != "wait" else "not_worth_a_send"]
    if evidence.reading.wait_by_rule:
        rules.append("network_wait")
    if evidence.card_rests_until is not None:
        rules.append("card_rests")
    alternatives: tuple[Alternative, ...] = tuple(
        Offered(
            offer.name,
            _round(offer.chance),
            "",
            instant_of(offer.at).isoformat() if offer.at is not None else None,
            _round(offer.price),
            _round(offer.probability),
        )
        for offer in offers
    )
    reasons = reasons_of(evidence, verdict, plan, belief, model, tries, taken, offers[0])
    if within is not None and verdict != "attempt_now":
        *why, last = reasons
        reasons = (*why, *time_words(within, evidence.now, evidence.month_sends), last)
    return Decision(
        verdict, plan, group, reasons, tuple(rules), _versions(asked), alternatives, taken.name
    )


def _named(scheduled: Decision, pricing: Pricing, model: Model) -> Decision:
    """Names the engine's versions in what the schedules decide for it, so that the engine replays
    it."""
    versions = {
        **scheduled.versions,
        "decider": version_of(model),
        "policy": pricing.version,
        "model": model.name,
    }
    return replace(scheduled, versions=versions, taken=None)


def _versions(asked: _Asked) -> dict[str, str | None]:
    evidence, pricing, model, within = asked
    versions = {
        "decider": version_of(model),
        "policy": pricing.version,
        "knowledge": evidence.knowledge,
    }
    policies = {"policies": within.name} if within is not None else {}
    return {**versions, "model": model.name, **policies}


def version_of(model: Model) -> str:
    return _BY_CAUSES if model.learned.format == 2 else VERSION


def _round(value: float) -> float:
    return round(value, 6)
