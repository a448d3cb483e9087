"""Back-tests of a policy: what it would have brought of a merchant's own orders of the last days,
beside what was done.

This is what a policy is judged by before it is saved, and what the page of the back-test shows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from recoup.backtest.rules.question import DAYS
from recoup.backtest.rules.recorded import (
    Answer,
    JudgedOrder,
    OrderFacts,
    RecordedDecision,
    is_drawn,
)
from recoup.backtest.rules.replay import Engines, EngineTarget, ScheduleTarget, Target, add_step
from recoup.backtest.rules.report import Judgement, judge
from recoup.insight.store.judged import JudgedDecision, JudgedRow, judged_decisions, judged_orders
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Sentence, invalid
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.networks.codes import Reading
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.policy import ENGINE_2, POLICIES, group_of
from recoup.policy_versions.flows.stored_policies import load_policies
from recoup.rescue.flows.arm_place import arm_place
from recoup.rescue.rules.model import Model
from recoup.rescue.rules.model_standing import WHY_NONE

ENGINE: Final = "engine"
ORDERS_MAX: Final = 100_000
SLACK: Final = timedelta(days=1)  # between the making of an order's id and its time
PAGE: Final = 250
MODELS_MAX: Final = 30
_ANSWERS: Final[dict[str | None, Answer]] = {
    "approved": "approved",
    "declined": "declined",
    "unknown": "unknown",
}
_UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


@frozen
class Backtest:
    judgement: Judgement
    orders: Sequence[JudgedOrder]


@frozen
class Places:
    """Places where a policy that is asked about holds. `only`: a site or a campaign, None: all of
    the merchant. `others`: the policies of sites and campaigns inside it that have their own: by
    campaign or site, what holds there."""

    only: UUID | None = None
    others: Mapping[UUID, InForce] = field(default_factory=dict)


EVERYWHERE: Final = Places()


@dataclass(slots=True)
class _Reading:
    """`thin`: how many bits of a payer's hash have to be zero; of more than `at_most` orders half
    the payers are left out, again and again. `place`: of a customer among all, by whose order it
    is."""

    target: Target
    place: Callable[[UUID], int]
    places: "Places"
    since: datetime
    until: datetime
    plans: bool
    at_most: int
    models: dict[str, Model] = field(default_factory=dict)
    policies: dict[str, InForce] = field(default_factory=dict)
    engines: Engines = field(default_factory=lambda: Engines({}))
    orders: list[JudgedOrder] = field(default_factory=list)
    open: int = 0
    unread: int = 0
    seen: int = 0
    thin: int = 0


async def target_named(
    world: World, merchant_id: UUID, name: str, within: InForce | None = None
) -> Target:
    """`engine`, with the model in use, or a schedule by its version. `within`: the set policies
    that are asked about; None: those that held at the time. Raises: Problem(invalid),
    Problem(not_found)."""
    if name in POLICIES:
        return ScheduleTarget(POLICIES[name], within)
    if name != ENGINE:
        cure = Sentence("Choose from {0}.", ", ".join([ENGINE, *POLICIES]))
        raise invalid(Sentence("There is no policy {0}.", name[:60]), "policy", cure)
    now = world.clocks.business(await known_offset(world.db, merchant_id))
    await world.models.ready()
    model: Model | None = world.models.current(now)
    if model is None:
        raise invalid(
            WHY_NONE[world.models.why_none(now)],
            "policy",
            "Train a model with `recoup learn`, or ask about a fixed schedule.",
        )
    return EngineTarget(model, ENGINE_2, within)


async def backtest_policy(
    world: World,
    merchant_id: UUID,
    target: Target,
    *,
    days: int = DAYS,
    send_cost: int = ENGINE_2.send_units,
    plans: bool = False,
    places: Places = EVERYWHERE,
    at_most: int = ORDERS_MAX,
) -> Backtest:
    """Back-tests a policy on the orders of the last `days` by the merchant's clock whose window has
    closed. `send_cost`: minor units of a send. `plans`: with what the policy would have planned for
    each. `at_most`: of more orders a sample of payers with a fixed seed. Takes milliseconds an
    order: not for a request.

    Raises: Problem(not_found).
    """
    offset_us = await known_offset(world.db, merchant_id)
    until = world.clocks.business(offset_us)
    place = partial(arm_place, world, merchant_id)
    reading = _Reading(target, place, places, until - timedelta(days=days), until, plans, at_most)
    reading.engines = Engines(reading.models, policies=reading.policies)
    if isinstance(target, EngineTarget):
        reading.models[target.model.name] = target.model
    after = first_behind(reading.since, offset_us)
    while True:
        rows = await judged_orders(world.db, merchant_id, after, PAGE)
        reading.open += sum(_is_open(reading, row) for row in rows)
        wanted = [row.order_id for row in rows if _belongs(reading, row)]
        decisions = await judged_decisions(world.db, merchant_id, wanted) if wanted else []
        versions = [row.versions for row in decisions]
        await load_policies(world.db, merchant_id, versions, reading.policies)
        await _read_models(world, reading, decisions)
        reading.seen += sum(_is_there(reading, row) for row in rows)
        await run_stoppable(_add, reading, rows, decisions)
        if len(rows) < PAGE:
            break
        after = rows[-1].order_id
    judgement = await run_stoppable(judge, target.name, reading.orders, send_cost)
    judgement.open, judgement.unread = reading.open, reading.unread
    judgement.sampled_of = reading.seen if reading.thin else None
    return Backtest(judgement, reading.orders)


def first_behind(since: datetime, offset_us: int) -> UUID:
    """The id before those of all orders that came in from then on: clocks are only moved forward,
    and ids made by the wall's."""
    return first_id_of(since - timedelta(microseconds=max(0, offset_us)) - SLACK)


def _is_open(reading: _Reading, row: JudgedRow) -> bool:
    still = row.closed_at is None or row.closed_at > reading.until
    return row.declined_at >= reading.since and still and _is_meant(reading, row)


def _belongs(reading: _Reading, row: JudgedRow) -> bool:
    """True when it came in that time and its window has closed, and its payer is not left out."""
    return _is_there(reading, row) and is_drawn(str(row.who), reading.thin)


def _is_there(reading: _Reading, row: JudgedRow) -> bool:
    closed = row.closed_at is not None and row.closed_at <= reading.until
    return row.declined_at >= reading.since and closed and _is_meant(reading, row)


def _is_meant(reading: _Reading, row: JudgedRow) -> bool:
    return reading.places.only in (None, row.site_id, row.campaign_id)


def _target_of(reading: _Reading, row: JudgedRow) -> Target:
    others = reading.places.others
    own = (others.get(row.campaign_id) if row.campaign_id is not None else None) or others.get(
        row.site_id
    )
    target = reading.target if own is None else replace(reading.target, within=own)
    return target.of_customer(reading.place(row.who))


async def _read_models(
    world: World, reading: _Reading, decisions: Sequence[JudgedDecision]
) -> None:
    """Reads the models that decided, as far as they can be read."""
    names = {
        decision.versions.get("model") or decision.arm.get("model") for decision in decisions
    } - {None}
    for name in sorted(str(word) for word in names):
        if name not in reading.models and len(reading.models) < MODELS_MAX:
            model: Model | None = await world.models.by_name(name)
            if model is not None:
                reading.models[name] = model


def _add(reading: _Reading, rows: Sequence[JudgedRow], decisions: Sequence[JudgedDecision]) -> None:
    by_order: dict[UUID, list[JudgedDecision]] = {}
    for judged in decisions:
        by_order.setdefault(judged.order_id, []).append(judged)
    for row in rows:
        if not _belongs(reading, row):
            continue
        own, target = by_order.get(row.order_id, []), _target_of(reading, row)
        order = JudgedOrder(_facts(row, own))
        try:
            for judged in own:
                decision = _decision(row, judged)
                reading.engines.note(decision)
                add_step(order, decision, target, reading.engines, plans=reading.plans)
        except _UNREADABLE:  # of a decider before it stored what is read now
            reading.unread += 1
            continue
        reading.orders.append(order)
    while len(reading.orders) > reading.at_most:
        reading.thin += 1
        reading.orders = [
            order for order in reading.orders if is_drawn(order.facts.payer, reading.thin)
        ]


def _facts(row: JudgedRow, decisions: Sequence[JudgedDecision]) -> OrderFacts:
    assert row.closed_at is not None
    declined = next(
        (decision.features["reading"] for decision in decisions if "reading" in decision.features),
        None,
    )
    reading = Reading(**declined) if declined is not None else None
    return OrderFacts(
        str(row.order_id),
        str(row.who),
        row.declined_at,
        row.closed_at,
        int(row.units),
        row.asset,
        row.country,
        row.issuer,
        (group_of(reading) or reading.klass) if reading is not None else "",
        0.0 if row.arm == "shadow" else row.share / 100,
    )


def _decision(row: JudgedRow, judged: JudgedDecision) -> RecordedDecision:
    return RecordedDecision(
        judged.features,
        judged.versions,
        judged.verdict,
        judged.plan,
        judged.alternatives,
        "engine" if row.arm == "engine" else "schedule",
        _ANSWERS.get(judged.state),
        judged.sent_at,
        judged.arm.get("model", ""),
    )
