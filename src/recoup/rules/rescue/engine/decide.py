"""Evidence, pricing and model in, decision out: when to try again, if at all. Pure.

Network waits, limits and hard declines stand above it; where a customer waits, or waiting cures nothing, the schedules'
decider answers as ever. The model's format says which version decides: `engine-1` by what it knows of causes alone,
`engine-2` by a regression beside it.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from recoup.kernel.time import BusinessTime
from recoup.rules.rescue.decide import decide as by_schedule
from recoup.rules.rescue.engine.belief import Belief, ground_of, trail
from recoup.rules.rescue.engine.chances import hours_of, instant_of
from recoup.rules.rescue.engine.explore import Offer, block_of, drawn, weighed
from recoup.rules.rescue.engine.facts import Facts
from recoup.rules.rescue.engine.links import NOW, LinkOffer, link_offers
from recoup.rules.rescue.engine.mixed import candidates_of
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.engine.plan import Candidate, Try, planned
from recoup.rules.rescue.engine.pricing import Pricing
from recoup.rules.rescue.engine.words import link_reason, reasons_of
from recoup.rules.rescue.evidence import Alternative, Decision, Evidence, Offered, Priced, Verdict
from recoup.rules.rescue.policy import RETRY_2, group_of
from recoup.rules.rescue.slots import next_minute

VERSIONS: Final = {2: "engine-1", 3: "engine-2"}  # by the model's format
_SOONEST: Final = {"technical": timedelta(minutes=15)}
_SOON: Final = timedelta(hours=1)
# What a customer settles with the bank mends without our hearing of it.
_TRIED: Final = ("yes", "after_contact")
_STOP: Final = Offer("stop", None, 0.0, 0.0)


def decide(evidence: Evidence, pricing: Pricing, model: Model) -> Decision:
    """`evidence.facts` are there. Raises: ValueError without them."""
    facts = evidence.facts
    if facts is None:
        raise ValueError("The engine decides with facts only.")
    waits = evidence.kind != "cit" and evidence.reading.retry in _TRIED and _open(evidence)
    if not waits or evidence.reading.terminal:
        return _named(by_schedule(evidence, RETRY_2), pricing, model)
    ground = ground_of(model, facts, evidence.utc_offset)
    beliefs = trail(ground, facts)
    belief = beliefs[-1]
    prices = _prices(evidence, facts, pricing)
    due = evidence.due_at is not None and evidence.due_at <= evidence.now
    now_too = due or evidence.kind == "sync_mit" and not evidence.attempts and not evidence.reading.wait_by_rule
    earliest = _earliest(evidence, facts, now_too)
    found = candidates_of(ground, beliefs, facts, hours_of(earliest), hours_of(evidence.expires_at))
    tries = planned(ground, belief, found, prices)
    stays = due and bool(found) and bool(prices) and found[0].chance >= prices[0] / 2
    if stays:  # it was drawn when it was planned
        tries = [Try(found[0].at, found[0].chance, found[0].chance), *_after(tries, found[0].at + 1.0)]
    offers = _offers(evidence, found, tries, prices, 0.0 if stays else facts.explore)
    taken = drawn(offers, facts.draw)
    if taken.at is None:
        return _decision(evidence, pricing, model, belief, offers, taken, [], now=False)
    plan = tries if taken is offers[0] else [Try(taken.at, taken.chance, taken.chance), *_after(tries, taken.at)]
    now = now_too and plan[0].at <= hours_of(evidence.now)
    decision = _decision(evidence, pricing, model, belief, offers, taken, plan, now=now)
    return _beside(decision, evidence, plan) if evidence.link is not None and decision.verdict == "plan" else decision


def _beside(decision: Decision, evidence: Evidence, tries: list[Try]) -> Decision:
    """With the link's ways; the rule `link_now` where it is mailed at this moment."""
    assert evidence.link is not None
    links = link_offers(
        evidence.link,
        tries,
        declined_at=evidence.first_declined_at,
        now=evidence.now,
        end=evidence.expires_at,
        units=evidence.units,
    )
    now = links[0].name == NOW and links[0].worth > 0.0
    *why, last = decision.reasons
    return replace(
        decision,
        rules=(*decision.rules, NOW if now else "link_waits"),
        alternatives=(*decision.alternatives, *map(_link, links)),
        reasons=(*why, link_reason(links, now=now), last),
    )


def _link(one: LinkOffer) -> Priced:
    return Priced(one.name, _round(one.chance), "", one.at.isoformat(), _round(one.worth))


def _open(evidence: Evidence) -> bool:
    return evidence.now < evidence.expires_at and not (evidence.magic_first_send and not evidence.attempts)


def _prices(evidence: Evidence, facts: Facts, pricing: Pricing) -> list[float]:
    """Of the sends that are left. Open orders share the allowance of their card; once used up, it comes back."""
    prices = pricing.prices(len(evidence.attempts), evidence.units)
    if facts.sends_left is None or facts.sends_left == 0:
        return prices
    return prices[: max(1, facts.sends_left // facts.open_orders)]


def _earliest(evidence: Evidence, facts: Facts, now_too: bool) -> datetime:
    last = max([evidence.first_declined_at, *(one.at for one in evidence.attempts)])
    wait = timedelta(hours=evidence.reading.min_wait_hours or 0) if evidence.reading.wait_by_rule else timedelta(0)
    found = evidence.now if now_too else evidence.now + _SOONEST.get(evidence.reading.klass, _SOON)
    if facts.sends_left == 0 and facts.free_at is not None:
        found = max(found, facts.free_at + timedelta(minutes=1))
    return max(found, last + wait)


def _offers(
    evidence: Evidence, found: list[Candidate], tries: list[Try], prices: list[float], explore: float
) -> list[Offer]:
    """The engine's own way first, then the best instant of each other block, then stopping, if that is not its own."""
    facts, now = evidence.facts, hours_of(evidence.now)
    assert facts is not None
    price = prices[0] if prices else 1.0
    own = _STOP
    if tries:
        own = Offer(block_of(tries[0].at - now), tries[0].at, tries[0].chance, _worth(tries, price))
    best: dict[str, Candidate] = {}
    for one in found:
        name = block_of(one.at - now)
        if name != own.name and (name not in best or one.chance > best[name].chance):
            best[name] = one
    others = [
        Offer(name, one.at, one.chance, one.chance - price + (1 - one.chance) * _worth(_after(tries, one.at), price))
        for name, one in best.items()
    ]
    share = explore if _may_explore(evidence, facts) else 0.0
    return weighed([own, *others, *([_STOP] if tries else [])], share)


def _may_explore(evidence: Evidence, facts: Facts) -> bool:
    return not evidence.reading.wait_by_rule and (facts.sends_left is None or facts.sends_left > 1)


def _worth(tries: list[Try], price: float) -> float:
    total = 0.0
    for one in tries:
        total += one.adds - price
    return total


def _after(tries: list[Try], at: float) -> list[Try]:
    return [one for one in tries if one.at > at]


def _decision(
    evidence: Evidence,
    pricing: Pricing,
    model: Model,
    belief: Belief,
    offers: list[Offer],
    taken: Offer,
    tries: list[Try],
    *,
    now: bool,
) -> Decision:
    later = tries[1:] if now else tries
    plan = tuple(BusinessTime(next_minute(instant_of(one.at)).astimezone(UTC)) for one in later)
    plan = tuple(one for one in plan if one < evidence.expires_at)
    verdict: Verdict = "attempt_now" if now else "plan" if plan else "wait"
    group = (group_of(evidence.reading) or "soft") if verdict != "wait" else None
    rules = ["engine_plan" if verdict != "wait" else "not_worth_a_send"]
    if evidence.reading.wait_by_rule:
        rules.append("network_wait")
    alternatives: tuple[Alternative, ...] = tuple(
        Offered(
            one.name,
            _round(one.chance),
            "",
            instant_of(one.at).isoformat() if one.at is not None else None,
            _round(one.price),
            _round(one.probability),
        )
        for one in offers
    )
    reasons = reasons_of(evidence, verdict, plan, belief, model, tries, taken, offers[0])
    return Decision(
        verdict, plan, group, reasons, tuple(rules), _versions(evidence, pricing, model), alternatives, taken.name
    )


def _named(scheduled: Decision, pricing: Pricing, model: Model) -> Decision:
    """What the schedules decide for the engine is replayed by the engine."""
    versions = {**scheduled.versions, "decider": version_of(model), "policy": pricing.version, "model": model.name}
    return Decision(
        scheduled.verdict,
        scheduled.plan,
        scheduled.group,
        scheduled.reasons,
        scheduled.rules,
        versions,
        scheduled.alternatives,
    )


def _versions(evidence: Evidence, pricing: Pricing, model: Model) -> dict[str, str | None]:
    versions = {"decider": version_of(model), "policy": pricing.version, "knowledge": evidence.knowledge}
    return {**versions, "model": model.name}


def version_of(model: Model) -> str:
    return VERSIONS[model.learned.format]


def _round(value: float) -> float:
    return round(value, 6)
