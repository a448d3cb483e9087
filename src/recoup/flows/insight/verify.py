"""Proves the ledger, the log, the faces and the balances, and everything that must agree with them.

All of it in one read-only snapshot, merchant by merchant, a bounded number of orders at a time: it may run beside a
working system. It stops at the first difference.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from recoup.flows.insight import verify_ledger, verify_orders
from recoup.flows.insight.verify_bank import bank
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.kernel.world import World
from recoup.moves.mails import TRIES_MAX
from recoup.moves.plan_attempts import INLINE_GRACE
from recoup.rules.messages.order_events import EVENT_STATUSES
from recoup.rules.money.settlement import KINDS
from recoup.store.read.proofs import issuer
from recoup.store.read.proofs.advances import advances, exposure, operator_exposure
from recoup.store.read.proofs.attempts import attempts_and_refunds
from recoup.store.read.proofs.counts import counts
from recoup.store.read.proofs.disputes import disputes, issuers_cases, notices
from recoup.store.read.proofs.due import due_work, due_work_of_nothing
from recoup.store.read.proofs.ledger import (
    book,
    postings_without_order,
    read_money_lines,
    read_outstanding,
    read_postings,
)
from recoup.store.read.proofs.mails import mails
from recoup.store.read.proofs.messages import feed, messages
from recoup.store.read.proofs.orders import read_lines, read_orders, references, references_of_nothing
from recoup.store.read.proofs.pages import pages
from recoup.store.read.proofs.periods import periods
from recoup.store.read.proofs.reconciliation import statements
from recoup.store.read.proofs.sends import decline_that_came_in, sends_of_nothing
from recoup.store.read.proofs.settlements import bank_settlements
from recoup.store.read.proofs.stable import channel_book, payouts, settlements
from recoup.store.read.proofs.switches import switches
from recoup.store.read.proofs.uploads import uploads
from recoup.store.read.proofs.walk import Difference, Window, merchants, text, windows

__all__ = ["Difference", "Verified", "verify"]


@dataclass(frozen=True, slots=True)
class Verified:
    """`checked`: how much there is of each kind, in the order shown. `difference`: the first, or none."""

    checked: dict[str, int] = field(default_factory=dict)
    difference: Difference | None = None
    issuer: bool = False


async def verify(
    world: World, merchant_id: UUID | None = None, tell: Callable[[UUID], None] | None = None
) -> Verified:
    """Over all merchants, or one; `tell` is called with each merchant that is begun.

    Raises: Problem(not_found) for a merchant that this world does not have.
    """
    wall = world.clocks.wall()
    async with world.db.connection() as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            with_issuer = "sandbox" in world.processors and await issuer.can_read(connection)
            known, stranger = await merchants(connection)
            if merchant_id is not None and merchant_id not in known and stranger is None:
                raise Problem("not_found", "There is no such merchant in this world.",
                              cure="Check its id, or leave it out.")  # fmt: skip
            chosen = known if merchant_id is None else [m for m in known if m == merchant_id]
            checked = {"merchants": len(chosen)} | await counts(connection, merchant_id)
            found = stranger
            for one in chosen:
                if found:
                    break
                if tell:
                    tell(one)
                found = await _merchant(connection, one, wall, with_issuer) or await bank(world, connection, one)
            found = found or await operator_exposure(connection)
            found = found or await sends_of_nothing(connection, merchant_id)
            if found is None and with_issuer:
                found = await issuer.theirs(connection, merchant_id)
    return Verified(checked, found, with_issuer)


async def _merchant(
    connection: asyncpg.Connection, merchant_id: UUID, wall: WallTime, with_issuer: bool
) -> Difference | None:
    async for window in windows(connection, merchant_id):
        found = await _window(connection, window, wall, with_issuer)
        if found:
            return found
    async for rows in postings_without_order(connection, merchant_id):
        for row in rows:
            wrong = verify_ledger.wrong_posting(merchant_id, row)
            if wrong:
                return _difference(merchant_id, None, wrong)
    return (
        await references_of_nothing(connection, merchant_id)
        or await book(connection, merchant_id)
        or await pages(connection, merchant_id)
        or await due_work_of_nothing(connection, merchant_id)
        or await payouts(connection, merchant_id)
        or await notices(connection, merchant_id)
        or await statements(connection, merchant_id)
        or await uploads(connection, merchant_id)
        or await bank_settlements(connection, merchant_id, list(KINDS), list(KINDS.values()))
        or await periods(connection, merchant_id)
        or await feed(connection, merchant_id)
        or await exposure(connection, merchant_id)
        or await switches(connection, merchant_id)
    )


async def _window(
    connection: asyncpg.Connection, window: Window, wall: WallTime, with_issuer: bool
) -> Difference | None:
    wrong = verify_orders.first_wrong(await read_orders(connection, window), await read_lines(connection, window))
    if wrong:
        return _difference(window.merchant_id, *wrong)
    found = await references(connection, window) or await attempts_and_refunds(connection, window)
    if found:
        return found
    money = await read_money_lines(connection, window, verify_ledger.MONEY)
    postings, outstanding = await read_postings(connection, window), await read_outstanding(connection, window)
    wrong = verify_ledger.first_wrong(window.merchant_id, money, postings, outstanding)
    if wrong:
        return _difference(window.merchant_id, *wrong)
    lines, events = list(verify_orders.EVENTS), list(verify_orders.EVENTS.values())
    return (
        await decline_that_came_in(connection, window)
        or await advances(connection, window)
        or await due_work(connection, window, wall, INLINE_GRACE)
        or await mails(connection, window, TRIES_MAX)
        or await messages(connection, window, lines, events, EVENT_STATUSES)
        or await settlements(connection, window)
        or await disputes(connection, window)
        or (await _their_books(connection, window) if with_issuer else None)
    )


async def _their_books(connection: asyncpg.Connection, window: Window) -> Difference | None:
    return (
        await issuer.ours(connection, window)
        or await issuers_cases(connection, window)
        or await channel_book(connection, window)
    )


def _difference(merchant_id: UUID, order_id: UUID | None, wrong: tuple[str, Any, Any]) -> Difference:
    name, expected, found = wrong
    return Difference(merchant_id, order_id, name, text(expected), text(found))
