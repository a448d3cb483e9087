"""A back-test's figures are made, by one at a time: whoever has the lease of its due work. The
worker has it done by a process of its own; a request makes what takes a moment itself.

Whatever dies on the way, the lease runs out and the next one begins anew; figures are kept once.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.backtest.flows.backtest import backtest_policy, target_named
from recoup.backtest.flows.backtest_import import backtest_import
from recoup.backtest.flows.backtest_plain import history_plain, judgement_plain, payment_rows
from recoup.backtest.flows.questions import places_of
from recoup.backtest.moves import keep_figures
from recoup.backtest.rules.question import Question, question_of
from recoup.backtest.rules.recorded import JudgedOrder
from recoup.backtest.store import find_backtest
from recoup.db.pool import retrying
from recoup.imports.store.imports import find_import
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id
from recoup.kernel.kept_sentence import keep
from recoup.kernel.problem import Problem, Sentence, in_words
from recoup.kernel.time import BusinessTime
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.orders.moves.due import done_with
from recoup.orders.store.due_work import LEASE, Due, hand_back, lease, postpone, wait_for_turn
from recoup.policies.rules.policy import ENGINE_2

log = structlog.get_logger()
ORDERS_MAX: Final = 20_000  # beside everything else on the machine; the command takes 100,000
PAYMENTS_MAX: Final = 20_000
PROCESS_MAX: Final = timedelta(minutes=20)  # then it is ended
TRIES_MAX: Final = 3
TURN: Final = timedelta(
    seconds=3
)  # until it is looked again whether another is being made, or its import is under way
RENEWED_SECONDS: Final = LEASE.total_seconds() / 3
FAILED: Final = Sentence("Something went wrong on our side, several times.")
_turn: Final = asyncio.Lock()  # of a process: one at a time


@frozen
class _Made:
    """`failed`: why there are no figures."""

    until: BusinessTime
    report: dict[str, Any] | None
    orders: list[JudgedOrder]
    failed: str | None = None


async def work_backtest(world: World, due: Due) -> None:
    """Due work `backtest`: one at a time in a process; others wait where they keep no worker from
    payments. What fails again and again, or ends who makes it, ends without figures.

    Raises: why it was not made; then it is tried again.
    """
    row = await find_backtest(world.db, due.merchant_id, due.subject_id)
    if row is None or row.made_at is not None:
        await _end(world, due.merchant_id, due.subject_id, None)
        return
    if due.tries > TRIES_MAX:
        await _give_up(world, due, "each of its makers ended")
        return
    if _turn.locked() or await _is_under_way(world, due.merchant_id, row.question):
        await wait_for_turn(world.db.alone, due, world.clocks.wall() + TURN)
        return
    try:
        async with _turn, _renewed(world, due):
            await (world.backtester or partial(make, world))(due.merchant_id, due.subject_id)
    except asyncio.CancelledError:
        await hand_back(world.db.alone, due)  # a worker that shall end does not wait for it
        raise
    except Exception as error:
        if due.tries < TRIES_MAX:
            raise
        await _give_up(world, due, in_words(error))


async def _is_under_way(world: World, merchant_id: UUID, question: Mapping[str, Any]) -> bool:
    """True when the attempts of its import are still being taken over."""
    import_id = parse_id(question.get("importId") or "")
    import_row = (
        await find_import(world.db, merchant_id, import_id) if import_id is not None else None
    )
    return import_row is not None and import_row.finished_at is None


async def make_leased(
    world: World, merchant_id: UUID, backtest_id: UUID, answered: UUID | None = None
) -> bool:
    """Computes its figures, unless somebody else is at it: then False. `answered`: whoever has them
    in a response."""
    due, wall = Due(merchant_id, "backtest", backtest_id, 0), world.clocks.wall()
    if not await lease(world.db.alone, due, wall, wall + LEASE):
        return False
    async with _renewed(world, due):
        await make(world, merchant_id, backtest_id, answered)
    return True


@asynccontextmanager
async def _renewed(world: World, due: Due) -> AsyncIterator[None]:
    """Renews the lease: nobody else begins the work inside."""
    over = asyncio.Event()

    async def renew() -> None:
        while not over.is_set():
            try:
                async with asyncio.timeout(RENEWED_SECONDS):
                    await over.wait()
            except TimeoutError:
                await again()

    async def again() -> None:
        try:
            await postpone(world.db.alone, due, world.clocks.wall() + LEASE, "")
        except (
            Problem
        ) as problem:  # the database is away: if it stays away, the figures cannot be kept either
            log.warning(
                "lease of a back-test", backtest=str(due.subject_id), error=in_words(problem)
            )

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        over.set()
        await task


async def make(
    world: World, merchant_id: UUID, backtest_id: UUID, answered: UUID | None = None
) -> None:
    """Computes its figures and keeps them, unless it has some by now. A refusal is kept in their
    place. All who asked are notified, but for `answered`."""
    row = await find_backtest(world.db, merchant_id, backtest_id)
    until = world.clocks.business(await known_offset(world.db, merchant_id))
    if row is None or row.made_at is not None:
        await _end(world, merchant_id, backtest_id, None)
        return
    try:
        made = await _figures(world, merchant_id, question_of(row.question), until)
    except Problem as problem:
        if problem.code not in ("invalid", "not_found", "too_large", "wrong_state"):
            raise
        made = _Made(until, None, [], _said(problem))
    await _end(world, merchant_id, backtest_id, made, answered)


async def _figures(
    world: World, merchant_id: UUID, question: Question, until: BusinessTime
) -> _Made:
    within, places = await places_of(world, merchant_id, question)
    cost = within.priced(ENGINE_2).send_units if within is not None else ENGINE_2.send_units
    if question.basis == "import":
        assert question.import_id is not None
        window = timedelta(days=question.window_days)
        history = await backtest_import(
            world, merchant_id, question.import_id, question.decider, within, window, cost
        )
        return _Made(until, history_plain(history), list(history.orders))
    target = await target_named(world, merchant_id, question.decider, within)
    shows_payments = question.purpose not in ("bounds", "floor")
    judgement = await backtest_policy(
        world,
        merchant_id,
        target,
        days=question.days,
        send_cost=cost,
        plans=shows_payments,
        places=places,
        at_most=ORDERS_MAX,
    )
    orders = list(judgement.orders) if shows_payments else []
    return _Made(until, judgement_plain(judgement.judgement) | {"sendCost": cost}, orders)


async def _give_up(world: World, due: Due, why: str) -> None:
    log.warning("back-test failed", backtest=str(due.subject_id), error=why[:200])
    until = world.clocks.business(await known_offset(world.db, due.merchant_id))
    await _end(world, due.merchant_id, due.subject_id, _Made(until, None, [], FAILED))


async def _end(
    world: World,
    merchant_id: UUID,
    backtest_id: UUID,
    made: _Made | None,
    answered: UUID | None = None,
) -> None:
    payments = await run_stoppable(_payments, made.orders) if made is not None else []

    async def once() -> None:
        async with world.db.transaction() as tx:
            if made is not None:
                wall, until = world.clocks.wall(), made.until
                await keep_figures(
                    tx,
                    merchant_id,
                    backtest_id,
                    made.report,
                    made.failed,
                    payments,
                    until=until,
                    wall=wall,
                    answered=answered,
                )
            await done_with(tx, merchant_id, "backtest", backtest_id)

    await retrying(once)


def _payments(orders: list[JudgedOrder]) -> list[dict[str, Any]]:
    """The latest decline first. Whose they are is not kept: a customer's data may have to go."""
    newest = sorted(
        orders, key=lambda order: (order.facts.declined_at, order.facts.order), reverse=True
    )
    rows = []
    for row in payment_rows(newest[:PAYMENTS_MAX]):
        del row["payer"]
        row["why"] = [keep(reason) for reason in row["why"]]
        rows.append(row)
    return rows


def _said(problem: Problem) -> str:
    return Sentence("{0} {1}", problem.message, problem.cure) if problem.cure else problem.message
