"""Reasons for the engine's decision, in sentences for merchants; the first says what was
decided."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from recoup.engine.belief import Belief
from recoup.engine.model import FORMAT, Model
from recoup.engine.rhythms import RHYTHMS
from recoup.orders.rules.decision import Verdict
from recoup.rescue.rules.decide import CARD_RESTS
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.explore import Offer
from recoup.rescue.rules.facts import Facts
from recoup.rescue.rules.links import NOW, LinkOffer, Try
from recoup.rescue.rules.sentences import decided, last_answer_of, unlisted

_SURE = 0.3
_STALE = timedelta(days=60)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def reasons_of(
    evidence: Evidence,
    verdict: Verdict,
    plan: tuple[datetime, ...],
    belief: Belief,
    model: Model,
    tries: list[Try],
    taken: Offer,
    best: Offer,
) -> tuple[str, ...]:
    """`taken` of what was offered, `best` the engine's own. The last says what would change it."""
    assert evidence.facts is not None
    lines = [
        decided(evidence, verdict, plan),
        last_answer_of(evidence),
        *unlisted(evidence.reading),
    ]
    if tries and evidence.reading.retry == "after_data_change":
        lines.append(
            "The issuer may renew the card without telling us; new card details cure it at once."
        )
    if tries:
        together = 1.0
        for attempt in tries:
            together -= attempt.adds
        lines.append(
            f"The model gives the next attempt a chance of {tries[0].chance:.0%}, all planned "
            f"attempts together"
            f" {1 - together:.0%}."
        )
        lines += _regression(model)
    elif verdict == "wait":
        lines.append("According to the model, no further attempt is worth its cost.")
    if taken != best:
        lines.append(_drawn(taken, best))
    lines.append(_payer(evidence, belief))
    if evidence.card_rests_until is not None:
        lines.append(CARD_RESTS)
    if evidence.reading.wait_by_rule:
        lines.append(
            f"The network asks to wait {evidence.reading.min_wait_hours:g} hours at least."
        )
    return (*lines, *outside(evidence.facts, evidence.now, model), _change(verdict))


def link_reason(links: Sequence[LinkOffer], *, now: bool) -> str:
    """`links`: the best first."""
    if now:
        return (
            "A link to pay is mailed now, alongside the attempts: the chance that it "
            f"is paid is {links[0].chance:.0%}."
        )
    chance = next(link.chance for link in links if link.name == NOW)
    return (
        f"No link to pay is mailed yet: now the chance that it is paid is {chance:.0%}, and "
        f"the attempts come first."
    )


def _regression(model: Model) -> list[str]:
    """Models of the format before know nothing of it."""
    regression = model.learned.regression
    if regression is not None:
        weight = f"{regression.weight:.0%}"
        return [
            f"In these chances, a regression on {regression.tries:,} past attempts has a weight of "
            f"{weight}."
        ]
    if model.learned.format < FORMAT:
        return []
    return [
        "These chances come from the model of causes alone: there were too few past attempts for a "
        "regression."
    ]


def _drawn(taken: Offer, best: Offer) -> str:
    why = (
        "This time was chosen at random, as exploration: results can then be measured without bias."
    )
    if best.at is None:
        return (
            f"{why} Its probability was {taken.probability:.1%}; else no further attempt would "
            f"be planned."
        )
    return (
        f"{why} Its probability was {taken.probability:.1%}; its chance is {taken.chance:.0%}, "
        f"that of the best"
        f" time {best.chance:.0%}."
    )


def _payer(evidence: Evidence, belief: Belief) -> str:
    assert evidence.facts is not None
    looks = len(evidence.facts.looks)
    if not looks:
        return "The customer is new here; the times come from what is known about all customers."
    best = belief.rhythms.index(max(belief.rhythms))
    known = _rhythm(RHYTHMS[best]) if belief.rhythms[best] >= _SURE else None
    if known is None:
        if looks == 1:
            return "One earlier attempt on this customer shows no clear pay day."
        return f"{looks} earlier attempts on this customer show no clear pay day."
    if looks == 1:
        return f"From one earlier attempt on this customer, money most likely arrives {known}."
    return f"From {looks} earlier attempts on this customer, money most likely arrives {known}."


def _rhythm(name: str) -> str | None:
    kind, _, number = name.rpartition("-")
    if name == "before-31":
        return "on the last business day of a month"
    return {
        "weekly": f"each {_DAYS[int(number) % 7]}",
        "biweekly": "every second week",
        "monthly": f"on day {number} of a month",
        "month-end": "at the end of a month",
        "semi": "twice a month",
    }.get(kind)


def _change(verdict: Verdict) -> str:
    if verdict == "wait":
        return "Another card of the customer, or an approval elsewhere, may still pay it."
    return "An approval elsewhere, a hard decline or the order's expiry would end the attempts."


def outside(facts: Facts, now: datetime, model: Model) -> list[str]:
    """Inputs outside of what the model has seen; there it falls back to what holds for all."""
    reasons = []
    if facts.issuer not in model.learned.issuers:
        reasons.append("The issuer is new to the model.")
    if facts.first_key not in model.learned.holds_by_code:
        reasons.append("The code is new to the model; its class is known.")
    if now.date() > datetime.fromisoformat(model.learned.data_until).date() + _STALE:
        reasons.append(f"The model’s data end on {model.learned.data_until}.")
    return reasons
