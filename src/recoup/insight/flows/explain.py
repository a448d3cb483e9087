"""Stored decisions explained: what was decided, whether its stored inputs give it again, and what
one changed input would have made of it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import Read
from recoup.insight.flows.verify_decisions import differs_from
from recoup.insight.rules.explained import Dated, IssuerTries, issuer_of, rests_on
from recoup.insight.rules.what_if import what_if
from recoup.insight.rules.what_if_sentences import WhatIf
from recoup.insight.store.issuers import issuer_tries
from recoup.insight.store.order_decisions import OrderDecision, find_decision, order_decisions
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence
from recoup.kit.world import World
from recoup.orders.store.archived import not_found
from recoup.policies.rules.in_force import NO_POLICIES, InForce, Policies
from recoup.policy_versions.flows.stored_policies import load_policies
from recoup.rescue.rules.chance_terms import ChanceTerm, chance_terms
from recoup.rescue.rules.model import Model
from recoup.rescue.store.models import find_model

LIMIT_MAX: Final = 20
BIN_DIGITS: Final = 6
_UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class Known(NamedTuple):
    """Facts counted beside a decision: the merchant's own attempts at the issuer, and the model's
    date."""

    issuer: IssuerTries | None = None
    model: Dated | None = None


NOTHING_KNOWN: Final = Known()


@frozen
class Explanation:
    """`repeats`: whether the stored inputs give the stored decision; None where its model cannot be
    read any more. `terms`: of the model's chance. `rests_on`: counts, terms, worth and editions in
    sentences."""

    decision: OrderDecision
    repeats: bool | None
    what_ifs: tuple[WhatIf, ...]
    terms: tuple[ChanceTerm, ...] = ()
    rests_on: tuple[Sentence, ...] = ()


@frozen
class ExplanationPage:
    explanations: Sequence[Explanation]
    has_more: bool


async def explain_order(
    world: World, merchant_id: UUID, order_id: UUID, after: UUID, limit: int
) -> ExplanationPage:
    """Its decisions, oldest first, `limit` after the one that is named. Raises:
    Problem(not_found)."""
    async with world.db.read() as connection:
        history = await order_decisions(connection, merchant_id, order_id, after, limit + 1)
        shown = history.decisions[:limit] if history is not None else []
        beside = await _read_beside(connection, merchant_id, shown)
    if history is None:
        raise await not_found(world.db, merchant_id, order_id, "Check its id.")
    explained = []
    for decision in shown:
        explained.append(await _explained(world, decision, beside))
        await asyncio.sleep(0)  # each takes some milliseconds
    return ExplanationPage(explained, len(history.decisions) > limit)


async def explain_decision(
    world: World, merchant_id: UUID, decision_id: UUID
) -> Explanation | None:
    """Explains a decision; None for a foreign or unknown one."""
    async with world.db.read() as connection:
        decision = await find_decision(connection, merchant_id, decision_id)
        beside = await _read_beside(
            connection, merchant_id, [decision] if decision is not None else []
        )
    return await _explained(world, decision, beside) if decision is not None else None


@frozen
class _Beside:
    """Records read beside the decisions of a page: the set policies by name, and what is known of
    each decision."""

    policies: dict[str, InForce]
    known: dict[UUID, Known]


async def _read_beside(
    connection: Read, merchant_id: UUID, decisions: Sequence[OrderDecision]
) -> _Beside:
    """Reads those records on the connection of the page: of a model and of the attempts at an
    issuer up to one moment each once."""
    policies: dict[str, InForce] = {}
    await load_policies(connection, merchant_id, (row.versions for row in decisions), policies)
    models: dict[str, Dated | None] = {}
    issuers: dict[tuple[str, str], IssuerTries] = {}
    known = {}
    for decision in decisions:
        name = decision.versions.get("model")
        if name and name not in models:
            model = await find_model(connection, name)
            models[name] = Dated(model.made_at.date(), model.attempts) if model else None
        digits, now = issuer_of(decision.features)[:BIN_DIGITS], decision.features.get("now")
        issuer = None
        if len(digits) == BIN_DIGITS and isinstance(now, str):
            if (digits, now) not in issuers:
                before = datetime.fromisoformat(now)
                issuers[digits, now] = await issuer_tries(connection, merchant_id, digits, before)
            issuer = issuers[digits, now]
        known[decision.decision_id] = Known(issuer, models.get(name) if name else None)
    return _Beside(policies, known)


async def _explained(world: World, decision: OrderDecision, beside: _Beside) -> Explanation:
    name = decision.versions.get("model")
    model: Model | None = await world.models.by_name(name) if name is not None else None
    models = {model.name: model} if model is not None else {}
    return explain(decision, models, beside.policies, beside.known[decision.decision_id])


def explain(
    decision: OrderDecision,
    models: Mapping[str, Model],
    policies: Policies = NO_POLICIES,
    known: Known = NOTHING_KNOWN,
) -> Explanation:
    """Explains a stored decision with all its features."""
    name = decision.versions.get("model")
    if name is not None and name not in models:
        return Explanation(decision, None, ())
    try:
        what_ifs = what_if(decision.features, decision.versions, models, policies)
        terms = chance_terms(
            decision.features, decision.versions, models, decision.alternatives, decision.taken
        )
    except _UNREADABLE:  # of a decider before it stored what it reads now
        what_ifs, terms = (), ()
    repeats = differs_from(decision, models, policies) is None
    return Explanation(decision, repeats, what_ifs, terms, _rests_on(decision, terms, known))


def _rests_on(
    decision: OrderDecision, terms: tuple[ChanceTerm, ...], known: Known
) -> tuple[Sentence, ...]:
    if "reading" not in decision.features:
        return ()
    try:
        return rests_on(
            decision.features,
            decision.versions,
            decision.alternatives,
            terms,
            known.issuer,
            known.model,
        )
    except _UNREADABLE:
        return ()
