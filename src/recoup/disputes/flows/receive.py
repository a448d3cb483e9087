"""A processor's notice: signed, read strictly, applied to its case once; what fits no charge waits
on the desk, where the operator deals with it.

Doubled, late and lying notices end as an answer, never as an error of ours: the processor may send
each again until it hears 200.
"""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from recoup.audit.moves import note
from recoup.db.pool import KeyTaken
from recoup.db.statement import Tx
from recoup.db.table import hex_of
from recoup.disputes.moves.case import apply_notice
from recoup.disputes.moves.notice import keep_unmatched, next_try, try_next_at
from recoup.disputes.store.dispute_notes import settle_notice
from recoup.disputes.store.disputes import NoticeRow, early_notices, find_notice
from recoup.kernel.encode import encode_sorted, to_plain
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kit.world import World
from recoup.merchants.flows.cells import check_known, home_of
from recoup.merchants.store.merchants import offset_of
from recoup.networks.disputes import REFUSALS, WAITS_FOR_ITS_CHARGE, Refused
from recoup.orders.moves.change import Change
from recoup.orders.store.find_orders import order_of_charge
from recoup.outside.inbound import DISPUTE_NOTICES, Notice
from recoup.rescue.flows.locked import Job, Orders
from recoup.routes.flows.signed_notices import read_signed, signing_key


@frozen
class Received:
    """`state`: applied, stale, repeated, or unmatched, then with `why`."""

    notice_id: str
    state: str
    why: str = ""


def notice_key(world: World, route: str) -> bytes:
    """The key by which that route signs its notices of disputes to this installation, 32 bytes."""
    return signing_key(world, DISPUTE_NOTICES, route)


async def receive(
    world: World, orders: Orders, route: str, body: bytes, signature: str, request_id: str
) -> Received:
    """Raises: Problem no_such_path, too_large, unauthenticated, malformed, invalid, conflict,
    unavailable."""
    if route not in world.processors:
        raise Problem(
            "no_such_path",
            "There is no such route.",
            cure="Check the name of the processor's route.",
        )
    notice = await read_signed(world, DISPUTE_NOTICES, route, body, signature)
    home = await home_of(world, notice.merchant_id)
    home.standing.check()
    return await apply(home, orders.at(home), route, notice, request_id)


async def apply(
    world: World,
    orders: Orders,
    route: str,
    notice: Notice,
    request_id: str,
    *,
    again: bool = False,
) -> Received:
    """The same notice any number of times is applied once. `again`: whatever kept it from its
    charge may be over.

    Raises: Problem(conflict), Problem(unavailable).
    """
    content = to_plain(notice)
    content_hash = hashlib.sha256(encode_sorted(content)).digest()
    known = await find_notice(world.db, notice.merchant_id, route, notice.notice_id)
    order_id = await order_of_charge(world.db, notice.merchant_id, notice.charge_id)
    if known is not None and known.content_hash != content_hash:
        message = "This noticeId came before with another content."
        raise Problem(
            "conflict", message, field="noticeId", cure="Use a new noticeId for another notice."
        )
    if known is not None and not (_may_fit_now(known) or again and known.state == "unmatched"):
        return Received(notice.notice_id, "repeated", known.why)
    received: Received | Refused = Refused("unknown_charge")
    if order_id is not None:
        received = await _to_order(
            orders, route, notice, (content, content_hash), order_id, request_id
        )
    if isinstance(received, Received):
        return received
    await _keep(world, route, notice, (content, content_hash), received.reason)
    return Received(notice.notice_id, "unmatched", received.reason)


async def _keep(
    world: World, route: str, notice: Notice, content: tuple[Any, bytes], why: str
) -> None:
    wall = world.clocks.wall()
    if not world.cells:
        await check_known(world, notice.merchant_id)
    async with world.db.transaction() as tx:
        await keep_unmatched(tx, notice.merchant_id, *content, route=route, why=why, wall=wall)
        if await offset_of(tx, notice.merchant_id) is not None:
            await _plan_next(tx, notice.merchant_id)


async def try_again(world: World, orders: Orders, merchant_id: UUID) -> None:
    """Due work `dispute_notices`: those that may only have been early, each at its own time."""
    wall = world.clocks.wall()
    waiting = await early_notices(world.db, merchant_id, WAITS_FOR_ITS_CHARGE)
    for row in waiting:
        at = next_try(row.received_at, row.tries)
        if at is not None and at <= wall:
            await apply(world, orders, row.route, msgspec.convert(row.content, Notice), "worker")
    async with world.db.transaction() as tx:
        await _plan_next(tx, merchant_id)


async def _plan_next(connection: Tx, merchant_id: UUID) -> None:
    waiting = await early_notices(connection, merchant_id, WAITS_FOR_ITS_CHARGE)
    times = [at for row in waiting if (at := next_try(row.received_at, row.tries)) is not None]
    await try_next_at(connection, merchant_id, min(times, default=None))


def _may_fit_now(known: NoticeRow) -> bool:
    """True for a notice that came before its charge: looked at again when it comes again."""
    return known.state == "unmatched" and known.why in WAITS_FOR_ITS_CHARGE


async def _to_order(
    orders: Orders,
    route: str,
    notice: Notice,
    content: tuple[Any, bytes],
    order_id: UUID,
    request_id: str,
) -> Received | Refused:
    def work(change: Change) -> Received | Refused:
        applied = apply_notice(change, route, notice)
        if isinstance(applied, Refused):
            return applied
        change.noticed(
            route=route,
            notice_id=notice.notice_id,
            state=applied,
            why="",
            content=content[0],
            content_hash=hex_of(content[1]),
        )
        return Received(notice.notice_id, applied)

    job = Job(
        (notice.merchant_id, order_id), work, Actor("processor", route), request_id, cards=True
    )
    try:
        answer: Received | Refused = await orders.change(job)
    except KeyTaken:  # another order has this case
        return Refused("other_charge")
    except Problem as problem:
        if problem.code != "not_found":
            raise
        return Refused("archived")
    return answer


def in_words(why: str) -> str:
    return REFUSALS.get(why, why)


async def take_off(world: World, scope: Scope, named: UUID, route: str, notice_id: str) -> None:
    """Somebody has dealt with it. `named`: the merchant that the notice is about, who may be
    nobody.

    Raises: Problem(not_found).
    """
    home = await home_of(world, named)
    async with home.db.transaction() as tx:
        if not await settle_notice(
            tx, named, route, notice_id, f"Dealt with by {scope.actor.text()}."
        ):
            raise _none_waits()
        if home is world:
            await _noted(tx, world, scope, "notice.settled", route, notice_id)
    if home is not world:
        await _noted(world.db.alone, world, scope, "notice.settled", route, notice_id)


async def _noted(
    tx: Tx, world: World, scope: Scope, action: str, route: str, notice_id: str
) -> None:
    """In the log of the merchant that is looked at."""
    about = {"route": route, "notice": notice_id}
    await note(tx, scope, world.clocks.wall(), action, "", about)


async def try_notice_again(
    world: World, orders: Orders, scope: Scope, named: UUID, route: str, notice_id: str
) -> str:
    """Applies it once more. Answers what it is now. Raises: Problem(not_found)."""
    home = await home_of(world, named)
    row = await find_notice(home.db, named, route, notice_id)
    if row is None or row.state != "unmatched":
        raise _none_waits()
    await _noted(world.db.alone, world, scope, "notice.tried", route, notice_id)
    notice = msgspec.convert(row.content, Notice)
    received = await apply(home, orders.at(home), route, notice, "desk", again=True)
    return received.state


def _none_waits() -> Problem:
    return Problem(
        "not_found",
        "No such notice is waiting.",
        cure="Somebody may have processed it; reload the page.",
    )
