"""Stored decisions explained: what was decided, whether its stored inputs give it again, and what one changed input
would have made of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.flows.insight.stored_policies import load_policies
from recoup.flows.insight.verify_decisions import differs_from
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.policies.in_force import NO_POLICIES, InForce, Policies
from recoup.rules.rescue.chance_terms import ChanceTerm, chance_terms
from recoup.rules.rescue.engine.model import BadModel, Model
from recoup.rules.rescue.explained import Dated, IssuerTries, issuer_of, rests_on
from recoup.rules.rescue.what_if import WhatIf, what_if
from recoup.store.insight.issuer_tries import issuer_tries
from recoup.store.insight.models import find_model
from recoup.store.insight.order_decisions import OrderDecision, find_decision, order_decisions
from recoup.store.statement import Read

LIMIT_MAX: Final = 20
BIN_DIGITS: Final = 6
_UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class Known(NamedTuple):
    """What is counted beside a decision: the merchant's own attempts at the issuer, and the model's date."""

    issuer: IssuerTries | None = None
    model: Dated | None = None


NOTHING_KNOWN: Final = Known()


@dataclass(frozen=True, slots=True)
class Explanation:
    """`repeats`: whether the stored inputs give the stored decision; None where its model cannot be read any more.
    `terms`: of the model's chance. `rests_on`: counts, terms, worth and editions in sentences."""

    decision: OrderDecision
    repeats: bool | None
    what_ifs: tuple[WhatIf, ...]
    terms: tuple[ChanceTerm, ...] = ()
    rests_on: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplanationPage:
    explanations: Sequence[Explanation]
    has_more: bool


async def explain_order(world: World, merchant_id: UUID, order_id: UUID, after: UUID, limit: int) -> ExplanationPage:
    """Its decisions, oldest first, `limit` after the one that is named. Raises: Problem(not_found)."""
    policies: dict[str, InForce] = {}
    async with world.db.read() as connection:
        found = await order_decisions(connection, merchant_id, order_id, after, limit + 1)
        if found is not None:
            await load_policies(connection, merchant_id, found.decisions, policies)
    if found is None:
        raise Problem("not_found", "There is no such order.")
    explained = []
    for decision in found.decisions[:limit]:
        explained.append(await _explained(world, merchant_id, decision, policies))
        await asyncio.sleep(0)  # each takes some milliseconds
    return ExplanationPage(explained, len(found.decisions) > limit)


async def explain_decision(world: World, merchant_id: UUID, decision_id: UUID) -> Explanation | None:
    """None for a foreign or unknown one."""
    async with world.db.read() as connection:
        found = await find_decision(connection, merchant_id, decision_id)
        policies: dict[str, InForce] = {}
        await load_policies(connection, merchant_id, [found] if found is not None else [], policies)
    return await _explained(world, merchant_id, found, policies) if found is not None else None


async def _explained(world: World, merchant_id: UUID, decision: OrderDecision, policies: Policies) -> Explanation:
    async with world.db.read() as connection:
        known = await _known(connection, merchant_id, decision)
    return explain(decision, await models_of(world, decision.versions), policies, known)


async def _known(connection: Read, merchant_id: UUID, decision: OrderDecision) -> Known:
    digits, now = issuer_of(decision.features), decision.features.get("now")
    name = decision.versions.get("model")
    model = await find_model(connection, name) if name else None
    issuer = None
    if len(digits) >= BIN_DIGITS and isinstance(now, str):
        issuer = await issuer_tries(connection, merchant_id, digits[:BIN_DIGITS], datetime.fromisoformat(now))
    return Known(issuer, Dated(model.made_at.date(), model.attempts) if model else None)


async def models_of(world: World, versions: Mapping[str, str | None]) -> Mapping[str, Model]:
    """The one that decided, by its name; nothing where none did or it cannot be read."""
    name = versions.get("model")
    if name is None:
        return {}
    try:
        model = await world.models.by_name(name)
    except BadModel:
        return {}
    return {name: model} if model is not None else {}


def explain(
    decision: OrderDecision,
    models: Mapping[str, Model],
    policies: Policies = NO_POLICIES,
    known: Known = NOTHING_KNOWN,
) -> Explanation:
    """Of a stored decision with all its features."""
    name = decision.versions.get("model")
    if name is not None and name not in models:
        return Explanation(decision, None, ())
    try:
        found = what_if(decision.features, decision.versions, models, policies)
        terms = chance_terms(decision.features, decision.versions, models, decision.alternatives, decision.taken)
    except _UNREADABLE:  # of a decider before it stored what it reads now
        found, terms = (), ()
    repeats = differs_from(decision, models, policies) is None
    return Explanation(decision, repeats, found, terms, _rests_on(decision, terms, known))


def _rests_on(decision: OrderDecision, terms: tuple[ChanceTerm, ...], known: Known) -> tuple[Sentence, ...]:
    if "reading" not in decision.features:
        return ()
    try:
        return rests_on(decision.features, decision.versions, decision.alternatives, terms, known.issuer, known.model)
    except _UNREADABLE:
        return ()
