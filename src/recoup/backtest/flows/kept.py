"""Back-tests that somebody asked for, and those before a policy is saved: kept with their question,
made by due work.

A back-test reads weeks of orders: of little history it is made at once, otherwise beside the
request that asked. The newest of a merchant are kept, each question is answered once a day.

Source: docs/prove-it.md.
"""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from recoup.audit import moves as audit
from recoup.backtest.flows.backtest import first_behind, target_named
from recoup.backtest.flows.make import make_leased
from recoup.backtest.moves import KEPT, begin_backtest
from recoup.backtest.rules.question import Question, question_of
from recoup.backtest.store import BacktestRow, add_asker, count_unmade, find_backtest, same_backtest
from recoup.db.statement import Read, Tx
from recoup.insight.store.judged import count_judged
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.problem import Problem, Sentence, in_words
from recoup.kernel.scope import Actor, Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.merchants import maker_of_key
from recoup.merchants.store.sites import lock_merchant


async def asker_of(db: Read, actor: Actor) -> UUID | None:
    """The real user, also while impersonating; of a merchant's key, whoever made it. None: nobody
    is known."""
    if actor.kind == "api":
        actor = Actor.of(await maker_of_key(db, actor.id) or "")
    return parse_id(actor.behind or actor.id) if actor.kind in ("user", "operator") else None


log = structlog.get_logger()
LISTED: Final = KEPT
WAITING_MAX: Final = 3  # of a merchant and a purpose, that have no figures yet
FRESH: Final = timedelta(days=1)  # so long the same question has the same answer
AT_ONCE: Final = 250  # orders of that time, of which it is made within the request
_at_once: Final = (
    asyncio.Lock()
)  # of a process: one within a request, others are made beside theirs


async def ask(world: World, scope: Scope, question: Question) -> BacktestRow:
    """The back-test of that question: one of today if there is one, else a new one, which is made
    at once where there is little to read.

    Raises: Problem(wrong_state) while several wait for their figures; Problem(invalid) for a
    decider that cannot be asked; Problem(not_found).
    """
    if question.basis == "orders":
        try:
            await target_named(world, scope.merchant_id, question.decider)
        except Problem as problem:
            raise Problem(
                problem.code, problem.message, field="decider", cure=problem.cure
            ) from None
    row = await put_and_make(world, scope, question, audited=True)
    if row is None:
        raise Problem(
            "wrong_state",
            Sentence("{0} back-tests wait for their figures already.", WAITING_MAX),
            cure="Wait until they are made.",
        )
    return row


async def put_and_make(
    world: World, scope: Scope, question: Question, *, audited: bool = False
) -> BacktestRow | None:
    """Puts a back-test as `put`, made at once where there is little to read."""
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        row = await put(world, tx, scope, question, audited=audited)
    return await _made_at_once(world, scope, row) if row is not None else None


async def put(
    world: World,
    tx: Tx,
    scope: Scope,
    question: Question,
    saved_as: int | None = None,
    *,
    audited: bool = False,
) -> BacktestRow | None:
    """Puts a back-test under the merchant's lock: the one of today if there is one, else a new one.
    None where as many wait as may."""
    wall, merchant_id = world.clocks.wall(), scope.merchant_id
    asker = await asker_of(tx, scope.actor) if question.purpose != "bounds" else None
    same = await same_backtest(tx, merchant_id, question.hash, wall - FRESH)
    if same is not None:
        if asker is not None:
            await add_asker(tx, merchant_id, same.backtest_id, asker)
        return same
    if await count_unmade(tx, merchant_id, question.purpose) >= WAITING_MAX:
        return None
    backtest_id, by = new_id(), scope.actor.text()
    await begin_backtest(
        tx, merchant_id, backtest_id, question.plain(), question.hash, by, saved_as, wall, asker
    )
    if audited:
        await audit.note(tx, scope, wall, "backtest.asked", backtest_id)
    return BacktestRow(backtest_id, question.plain(), wall, by, saved_as, None, None, None, None, 0)


async def _made_at_once(world: World, scope: Scope, row: BacktestRow) -> BacktestRow:
    """The back-test with its figures, where there is so little to read that nobody waits for it,
    and no other request of this process is at that; else as it is."""
    question, merchant_id = question_of(row.question), scope.merchant_id
    if row.made_at is not None or question.basis != "orders" or _at_once.locked():
        return row
    async with _at_once:
        offset_us = await known_offset(world.db, merchant_id)
        since = world.clocks.business(offset_us) - timedelta(days=question.days)
        count = await count_judged(
            world.db, merchant_id, first_behind(since, offset_us), AT_ONCE + 1
        )
        asker = await asker_of(world.db, scope.actor)
        if count > AT_ONCE or not await _made(world, merchant_id, row, asker):
            return row
    return await as_kept(world, merchant_id, row.backtest_id)


async def _made(world: World, merchant_id: UUID, row: BacktestRow, asker: UUID | None) -> bool:
    try:
        return await make_leased(world, merchant_id, row.backtest_id, asker)
    except Exception as error:  # noqa: BLE001
        # the worker tries it again; whoever asked has it without figures
        log.warning("back-test at once", backtest=str(row.backtest_id), error=in_words(error)[:200])
        return False


async def read_backtest(world: World, merchant_id: UUID, backtest_id: UUID) -> BacktestRow:
    """Reads one of the merchant's own. Raises: Problem(not_found)."""
    kept_row = await as_kept(world, merchant_id, backtest_id)
    if kept_row.question.get("purpose") == "bounds":
        raise _none()
    return kept_row


async def as_kept(world: World, merchant_id: UUID, backtest_id: UUID) -> BacktestRow:
    """Reads one as kept, also one of bounds, for whoever sets them. Raises: Problem(not_found)."""
    row = await find_backtest(world.db.reader, merchant_id, backtest_id)
    if row is None:
        raise _none()
    return row


def _none() -> Problem:
    return Problem(
        "not_found", "There is no such back-test.", cure="Check the id; see the list of back-tests."
    )
