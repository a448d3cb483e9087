"""A retry policy is back-tested before it is saved, and what was tested is tied to what is saved:
the same lines, as the same next version, inside the same bounds. Otherwise it is tested again.

A merchant with little history has the figures with the check; of much history they are made beside
it, and the version may be saved meanwhile: its back-test is made all the same.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.backtest.flows.bounds import AtMerchants, try_bounds
from recoup.backtest.flows.kept import put, put_and_make
from recoup.backtest.flows.make import make_leased
from recoup.backtest.flows.questions import decider_of, draft_of
from recoup.backtest.store import BacktestRow, find_backtest, save_version
from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kit.world import World
from recoup.policies.store.policies import PolicyVersion
from recoup.policy_versions.flows.policies import (
    Acting,
    Also,
    Checked,
    Standing,
    at_merchant,
    check_policy,
    go_back,
    read_standing,
    save_policy,
)
from recoup.policy_versions.flows.policy_scopes import Where

LOOK_AGAIN_SECONDS: Final = 0.5  # at figures that somebody else makes


@frozen
class Tried:
    """`backtest`: without figures while they are made; None: of bounds, of what cannot be saved or
    changes nothing, and while others wait for theirs. `bounds`: of bounds of several merchants, at
    each."""

    checked: Checked
    backtest: BacktestRow | None = None
    bounds: AtMerchants | None = None


async def try_policy(world: World, scope: Acting, where: Where, plain: object) -> Tried:
    """Checks whether it could be saved, and what it would have rescued of the last 90 days; no
    version is made.

    Raises: Problem(not_found).
    """
    checked = await check_policy(world, where, plain)
    if checked.complaints or not checked.changes:
        return Tried(checked)
    if where.merchant_id is None:
        return Tried(checked, bounds=await try_bounds(world, scope, where, checked.terms))
    question = draft_of(
        where,
        await read_standing(world, where),
        checked.terms.to_plain(),
        await decider_of(world, where.merchant_id, by_settings=True),
    )
    return Tried(
        checked, await put_and_make(world, at_merchant(where.merchant_id, scope), question)
    )


async def finish(world: World, where: Where, tried: Tried) -> Tried:
    """Adds the figures, for whoever waits for them however long it takes: by whoever makes them."""
    if where.merchant_id is not None:
        return replace(tried, backtest=await _finished(world, where.merchant_id, tried.backtest))
    if tried.bounds is None:
        return tried
    each = [
        replace(trial, row=await _finished(world, trial.merchant_id, trial.row))
        for trial in tried.bounds.tried
    ]
    return replace(tried, bounds=AtMerchants(each, tried.bounds.of))


async def _finished(world: World, merchant_id: UUID, row: BacktestRow | None) -> BacktestRow | None:
    """Waits for the figures of a back-test; None also where newer checks have dropped it."""
    while row is not None and row.made_at is None:
        if not await make_leased(world, merchant_id, row.backtest_id):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        row = await find_backtest(world.db.reader, merchant_id, row.backtest_id)
    return row


async def save_tried(
    world: World,
    scope: Acting,
    where: Where,
    plain: object,
    reason: str,
    *,
    seen: int | None = None,
    from_at: datetime | None = None,
) -> PolicyVersion:
    """Saves as `save_policy`, with its back-test."""
    also = await _tying(world, scope, where)
    return await save_policy(
        world, scope, where, plain, reason, seen=seen, from_at=from_at, also=also
    )


async def go_back_tried(
    world: World,
    scope: Acting,
    where: Where,
    reason: str,
    *,
    to: int | None = None,
    seen: int | None = None,
) -> PolicyVersion:
    """Goes back as `go_back`, with its back-test."""
    return await go_back(
        world, scope, where, reason, to=to, seen=seen, also=await _tying(world, scope, where)
    )


async def _tying(world: World, scope: Acting, where: Where) -> Also | None:
    merchant_id = where.merchant_id
    if merchant_id is None:
        return None
    decider = await decider_of(world, merchant_id, by_settings=True)

    async def tie(tx: Tx, standing: Standing, checked: Checked, row: PolicyVersion) -> None:
        question = draft_of(where, standing, checked.terms.to_plain(), decider)
        tested = await put(world, tx, at_merchant(merchant_id, scope), question, row.number)
        if tested is not None and tested.saved_as is None:
            await save_version(tx, merchant_id, tested.backtest_id, row.number)

    return tie
