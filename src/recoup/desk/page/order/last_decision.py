"""The decision that a page explains: of what is planned, why nothing is, or why the order was
advanced."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.desk.page.order.ended import reasons_at_end, versions
from recoup.desk.page.order.facts import attempt_out, to_collect, tried_again
from recoup.desk.page.order.timeline import decision_of
from recoup.insight.flows.explain import explain_decision
from recoup.insight.rules.what_if_sentences import sentence_of
from recoup.kernel.problem import Sentence
from recoup.networks.reasons import REASONS, cure_of, only_waits
from recoup.orders.rules.lifecycle import ENDED, Stage
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.order_page_rows import PageDecision
from recoup.orders.store.rows import LogLine
from recoup.people.page.portal_visit import Visit, named, names_of_actors
from recoup.policies.rules.terms import OWN
from recoup.policies.rules.words import version_words
from recoup.policy_versions.flows.stored_policies import named_versions

_NOT_MADE: Final = ("attempt_withheld", "attempt_not_sent")


def last_reasons(page: OrderPage) -> tuple[tuple[str, ...], str]:
    """Reasons of an order with nothing planned: why the last decision about its plan went as it
    did, and its versions."""
    newest = _newest(page)
    if newest is not None and newest.happening in _NOT_MADE:
        return (str(newest.body.get("why") or ""),), versions(decision_of(page, newest.decision_id))
    last = last_plan(page)
    if last is None or attempt_out(page):
        return (), ""
    return tuple(last.reasons) if tried_again(page) else reasons_at_end(last), versions(last)


def decision_shown(page: OrderPage) -> UUID | None:
    """The decision whose reasons the page shows: of what is planned, why nothing is, or why it was
    advanced."""
    attempt = next((a for a in page.attempts if a.state == "planned"), None)
    if attempt is not None and page.head.next_attempt_at is not None:
        return attempt.decision_id if to_collect(page) is None else _advance_line(page)
    if page.order.stage in ENDED:
        line = next((logged for logged in reversed(page.log) if logged.src != logged.dst), None)
        return (
            line.decision_id
            if line is not None and line.dst != Stage.COMPLETED
            else _advance_line(page)
        )
    newest = _newest(page)
    if newest is not None and newest.happening in _NOT_MADE:
        return newest.decision_id
    last = last_plan(page)
    return last.decision_id if last is not None and not attempt_out(page) else None


def why_advanced(page: OrderPage) -> tuple[tuple[str, ...], str]:
    """The reasons for taking its risk, and their versions; nothing of an order that was not
    advanced."""
    decision = decision_of(page, _advance_line(page))
    return (tuple(decision.reasons), versions(decision)) if decision is not None else ((), "")


def _advance_line(page: OrderPage) -> UUID | None:
    return next((line.decision_id for line in page.log if line.happening == "advanced"), None)


def _newest(page: OrderPage) -> LogLine | None:
    """The last line about its plan."""
    return next(
        (
            line
            for line in reversed(page.log)
            if line.happening == "planned" or line.fact_kind == "attempt"
        ),
        None,
    )


def last_plan(page: OrderPage) -> PageDecision | None:
    """The last decision about its plan."""
    return next(
        (
            decision
            for decision in reversed(page.decisions)
            if decision.verdict != "send" and not _is_risk(decision)
        ),
        None,
    )


def _is_risk(decision: PageDecision) -> bool:
    """True when it is of the check before the first send: it plans nothing."""
    return str(decision.versions.get("decider")).startswith("risk-")


async def what_if(visit: Visit, page: OrderPage) -> dict[str, Any] | None:
    """The what-if of a decision; None where no decision is shown, or its model is not there any
    more. `repeats`: the stored inputs gave the stored decision again. `rests_on`: counts, terms,
    worth and editions."""
    decision_id = decision_shown(page)
    if decision_id is None:
        return None
    explained = await explain_decision(visit.world, visit.merchant_id, decision_id)
    if explained is None or explained.repeats is None:
        return None
    rests_on = (
        *await _policies(visit, explained.decision.versions.get("policies")),
        *explained.rests_on,
    )
    return dict(
        rests_on=rests_on,
        sentences=tuple(map(sentence_of, explained.what_ifs)),
        repeats=explained.repeats,
    )


async def _policies(visit: Visit, name: str | None) -> list[Sentence]:
    """Sentences of the retry policies that the decision was made within, with who set them: of
    bounds no person's name."""
    versions = (
        await named_versions(visit.world, visit.merchant_id, name) if name is not None else []
    )
    who = await names_of_actors(
        visit, [version.author for version in versions if version.scope in OWN]
    )
    who |= await named(visit, [version.author for version in versions if version.scope not in OWN])
    return [
        line
        for version in versions
        for line in version_words(version.held.part, who.get(version.author, version.author))
    ]


_EXPIRED: Final = "the card has expired"


def awaited(page: OrderPage, now: datetime) -> dict[str, Any] | None:
    """The cure awaited; None where an attempt is planned or waiting is the cure, and of an order
    whose attempts were stopped. `link_until`: None where no payment link is open."""
    last = last_plan(page)
    if (
        page.order.stage is not Stage.PROCESSING
        or page.head.next_attempt_at
        or page.order.do_not_retry
        or last is None
    ):
        return None
    reading = last.features.get("reading") or {}
    reason, klass = reading.get("reason", ""), reading.get("klass", "")
    if reason not in REASONS or reading.get("retry") == "yes" or only_waits(reason, klass):
        return None
    why = _EXPIRED if reason == "expired_card" and _is_past(page, now) else REASONS[reason][0]
    return dict(
        title=Sentence("Waiting for the customer: {0}", why),
        cure=cure_of(reason, klass),
        link_until=page.challenge.expires_at if page.challenge is not None else None,
    )


def _is_past(page: OrderPage, now: datetime) -> bool:
    """Uses the card's expiry date if it is known, otherwise the decline code."""
    card = page.card
    return (
        card is None
        or card.exp_year is None
        or (card.exp_year, card.exp_month) < (now.year, now.month)
    )
