"""Back-tests that somebody asked for, and those before a policy is saved: kept with their question, made by due work.

A back-test reads weeks of orders: of little history it is made at once, otherwise beside the request that asked. The
newest of a merchant are kept, each question is answered once a day.

Source: docs/backtest.md.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.flows.backtests.questions import places_of
from recoup.flows.insight.backtest import backtest_policy, first_behind, target_named
from recoup.flows.insight.backtest_import import backtest_import
from recoup.flows.insight.backtest_plain import history_plain, judgement_plain, payment_rows
from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.kernel.ids import new_id
from recoup.kernel.kept_sentence import keep
from recoup.kernel.problem import Problem, in_words
from recoup.kernel.scope import Scope
from recoup.kernel.sentence import Sentence
from recoup.kernel.time import BusinessTime
from recoup.moves import audit
from recoup.moves.bulk.backtest import KEPT, begin_backtest, end_backtest, keep_figures
from recoup.rules.backtest.question import Question, question_of
from recoup.rules.backtest.recorded import JudgedOrder
from recoup.rules.rescue.engine.pricing import ENGINE_1
from recoup.store.insight.backtests import (
    BacktestRow,
    count_unmade,
    find_backtest,
    same_backtest,
)
from recoup.store.insight.judged import count_judged
from recoup.store.merchants.sites import lock_merchant
from recoup.store.orders.due_work import Due, hand_back, postpone
from recoup.store.pool import retrying
from recoup.store.statement import Tx

log = structlog.get_logger()
LISTED: Final = KEPT
WAITING_MAX: Final = 3  # of a merchant, that have no figures yet
FRESH: Final = timedelta(days=1)  # so long the same question has the same answer
AT_ONCE: Final = 250  # orders of that time, of which it is made within the request
ORDERS_MAX: Final = 20_000  # beside the worker's other work; the command takes 100,000
PAYMENTS_MAX: Final = 20_000
LEASE: Final = timedelta(minutes=15)  # then another worker begins it anew
TRIES_MAX: Final = 3
TURN: Final = timedelta(seconds=3)  # until it is looked again whether another is being made
_turn: Final = asyncio.Lock()  # of a process: one at a time


@dataclass(frozen=True, slots=True)
class _Made:
    """`failed`: why there are no figures."""

    until: BusinessTime
    report: dict[str, Any] | None
    orders: list[JudgedOrder]
    failed: str | None = None


async def ask(world: World, scope: Scope, question: Question) -> BacktestRow:
    """The back-test of that question: one of today if there is one, else a new one, which is made at once where there
    is little to read.

    Raises: Problem(wrong_state) while several wait for their figures; Problem(invalid) for a decider that cannot be
    asked; Problem(not_found).
    """
    if question.basis == "orders":
        try:
            await target_named(world, scope.merchant_id, question.decider)
        except Problem as problem:
            raise Problem(problem.code, problem.message, field="decider", cure=problem.cure) from None
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        row = await put(world, tx, scope, question, audited=True)
        if row is None:
            raise Problem(
                "wrong_state",
                Sentence("{0} back-tests wait for their figures already.", WAITING_MAX),
                cure="Wait until they are made.",
            )
    return await made_at_once(world, scope.merchant_id, row)


async def put(
    world: World, tx: Tx, scope: Scope, question: Question, saved_as: int | None = None, *, audited: bool = False
) -> BacktestRow | None:
    """Under the merchant's lock: the one of today if there is one, else a new one. None where as many wait as may."""
    wall, merchant_id = world.clocks.wall(), scope.merchant_id
    found = await same_backtest(tx, merchant_id, question.hash, wall - FRESH)
    if found is not None:
        return found
    if await count_unmade(tx, merchant_id) >= WAITING_MAX:
        return None
    backtest_id, by = new_id(), scope.actor.text()
    await begin_backtest(tx, merchant_id, backtest_id, question.plain(), question.hash, by, saved_as, wall)
    if audited:
        await audit.note(tx, scope, wall, "backtest.asked", backtest_id)
    return BacktestRow(backtest_id, question.plain(), wall, by, saved_as, None, None, None, None, 0)


async def made_at_once(world: World, merchant_id: UUID, row: BacktestRow) -> BacktestRow:
    """With its figures, where there is so little to read that nobody waits for it; else as it is."""
    question = question_of(row.question)
    if row.made_at is not None or question.basis != "orders":
        return row
    async with world.db.connection() as connection:
        offset_us = await known_offset(connection, merchant_id)
        since = world.clocks.business(offset_us) - timedelta(days=question.days)
        count = await count_judged(connection, merchant_id, first_behind(since, offset_us), AT_ONCE + 1)
    if count > AT_ONCE:
        return row
    await make(world, merchant_id, row)
    return await read_backtest(world, merchant_id, row.backtest_id)


async def read_backtest(world: World, merchant_id: UUID, backtest_id: UUID) -> BacktestRow:
    """Raises: Problem(not_found)."""
    async with world.db.read() as connection:
        found = await find_backtest(connection, merchant_id, backtest_id)
    if found is None:
        raise Problem("not_found", "There is no such back-test.", cure="Check the id; see the list of back-tests.")
    return found


async def work_backtest(world: World, due: Due) -> None:
    """Due work `backtest`: one at a time in a process; others wait where they keep no worker from payments. What fails
    again and again ends without figures.

    Raises: what the database said; then it is tried again.
    """
    async with world.db.connection() as connection:
        row = await find_backtest(connection, due.merchant_id, due.subject_id)
        if row is not None and row.made_at is None:
            await postpone(connection, due, world.clocks.wall() + LEASE, "")  # longer than other work; tries count on
    if row is None or row.made_at is not None:
        await _end(world, due.merchant_id, due.subject_id, None)
        return
    if _turn.locked():
        async with world.db.connection() as connection:
            await hand_back(connection, due, world.clocks.wall() + TURN)
        return
    try:
        async with _turn:
            await make(world, due.merchant_id, row)
    except asyncio.CancelledError:
        async with world.db.connection() as connection:
            await hand_back(connection, due)  # a worker that shall end does not wait for it
        raise
    except Exception as error:
        if due.tries < TRIES_MAX:
            raise
        log.warning("back-test failed", backtest=str(row.backtest_id), error=in_words(error)[:200])
        async with world.db.connection() as connection:
            until = world.clocks.business(await known_offset(connection, due.merchant_id))
        failed = "Something went wrong on our side, several times."
        await _end(world, due.merchant_id, row.backtest_id, _Made(until, None, [], failed))


async def make(world: World, merchant_id: UUID, row: BacktestRow) -> None:
    """Computes its figures and keeps them, unless it has some by now. A refusal is kept in their place."""
    question = question_of(row.question)
    async with world.db.connection() as connection:
        now = await find_backtest(connection, merchant_id, row.backtest_id)
        until = world.clocks.business(await known_offset(connection, merchant_id))
    if now is None or now.made_at is not None:
        await _end(world, merchant_id, row.backtest_id, None)
        return
    try:
        made = await _figures(world, merchant_id, question, until)
    except Problem as problem:
        if problem.code not in ("invalid", "not_found", "too_large", "wrong_state"):
            raise
        made = _Made(until, None, [], _said(problem))
    await _end(world, merchant_id, row.backtest_id, made)


async def _figures(world: World, merchant_id: UUID, question: Question, until: BusinessTime) -> _Made:
    within, places = await places_of(world, merchant_id, question)
    if question.basis == "import":
        assert question.import_id is not None
        history = await backtest_import(
            world, merchant_id, question.import_id, question.decider, within, timedelta(days=question.window_days)
        )
        return _Made(until, history_plain(history), list(history.orders))
    target = await target_named(world, merchant_id, question.decider, within)
    cost = within.priced(ENGINE_1).send_units if within is not None else ENGINE_1.send_units
    found = await backtest_policy(
        world,
        merchant_id,
        target,
        days=question.days,
        send_cost=cost,
        groups=question.purpose == "request",
        plans=question.purpose == "request",
        places=places,
        at_most=ORDERS_MAX,
    )
    report = judgement_plain(found.judgement) | {"sendCost": cost}
    return _Made(until, report, list(found.orders) if question.purpose == "request" else [])


async def _end(world: World, merchant_id: UUID, backtest_id: UUID, made: _Made | None) -> None:
    payments = await asyncio.to_thread(_payments, made.orders) if made is not None else []

    async def once() -> None:
        async with world.db.transaction() as tx:
            if made is not None:
                wall, until = world.clocks.wall(), made.until
                await keep_figures(
                    tx, merchant_id, backtest_id, made.report, made.failed, payments, until=until, wall=wall
                )
            await end_backtest(tx, merchant_id, backtest_id)

    await retrying(once)


def _payments(orders: list[JudgedOrder]) -> list[dict[str, Any]]:
    """The latest decline first. Whose they are is not kept: a customer's data may have to go."""
    newest = sorted(orders, key=lambda one: (one.facts.declined_at, one.facts.order), reverse=True)
    found = []
    for row in payment_rows(newest[:PAYMENTS_MAX]):
        del row["payer"]
        row["why"] = [keep(one) for one in row["why"]]
        found.append(row)
    return found


def _said(problem: Problem) -> str:
    return Sentence("{0} {1}", problem.message, problem.cure) if problem.cure else problem.message
