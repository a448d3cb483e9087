"""Stored decisions explained: what was decided, whether its stored inputs give it again, and what one changed input
would have made of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from recoup.flows.insight.stored_policies import load_policies
from recoup.flows.insight.verify_decisions import differs_from
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.rules.policies.in_force import NO_POLICIES, InForce, Policies
from recoup.rules.rescue.engine.model import BadModel, Model
from recoup.rules.rescue.what_if import WhatIf, what_if
from recoup.store.insight.order_decisions import OrderDecision, find_decision, order_decisions

LIMIT_MAX: Final = 20
_UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Explanation:
    """`repeats`: whether the stored inputs give the stored decision; None where its model cannot be read any more."""

    decision: OrderDecision
    repeats: bool | None
    what_ifs: tuple[WhatIf, ...]


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
        explained.append(explain(decision, await models_of(world, decision.versions), policies))
        await asyncio.sleep(0)  # each takes some milliseconds
    return ExplanationPage(explained, len(found.decisions) > limit)


async def explain_decision(world: World, merchant_id: UUID, decision_id: UUID) -> Explanation | None:
    """None for a foreign or unknown one."""
    async with world.db.read() as connection:
        found = await find_decision(connection, merchant_id, decision_id)
        policies: dict[str, InForce] = {}
        await load_policies(connection, merchant_id, [found] if found is not None else [], policies)
    return explain(found, await models_of(world, found.versions), policies) if found is not None else None


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


def explain(decision: OrderDecision, models: Mapping[str, Model], policies: Policies = NO_POLICIES) -> Explanation:
    """Of a stored decision with all its features."""
    name = decision.versions.get("model")
    if name is not None and name not in models:
        return Explanation(decision, None, ())
    try:
        found = what_if(decision.features, decision.versions, models, policies)
    except _UNREADABLE:  # of a decider before it stored what it reads now
        found = ()
    return Explanation(decision, differs_from(decision, models, policies) is None, found)
