"""A connector's notices: signed in the vendor's way, read, and kept as due work. A notice says that
something happened; what it was is asked of the processor's book, by `work`. Only of a vendor
without such a book the signed part counts at once, by `apply_proof`.

The same object is asked about once, however many notices come of it, doubled, late or in another
order.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from recoup.db.statement import Read, Tx
from recoup.disputes.flows.receive import apply
from recoup.kernel.counterpart_text import kept
from recoup.kernel.encode import encode, to_plain
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each, check_known, home_of
from recoup.notices.flows.work import adopt_all, case_notice
from recoup.orders.moves.change import Change
from recoup.orders.store.due_work import Due, make_due
from recoup.processors.gateways.connector import (
    Acknowledgement,
    Notice,
    billing_of,
    connector_of,
    is_acknowledging,
    is_challenged,
)
from recoup.processors.gateways.outcome import Outcome, as_requested
from recoup.refunds.flows.send import keeps_rest, processor_for
from recoup.refunds.moves.elsewhere import failed_since
from recoup.refunds.moves.send import close_modification, raise_differing
from recoup.rescue.flows.inquire import settle_by_proof
from recoup.rescue.flows.locked import Orders
from recoup.routes.flows.connections import connection_of, connections_of
from recoup.routes.store.processor_notices import (
    AtDoor,
    NewProcessorNotice,
    Subject,
    attempt_of,
    charge_referenced,
    count_notice,
    count_unread_kind,
    keep_notice,
    methods_of,
    modification_of,
)


async def apply_proof(
    world: World, orders: Orders, route: str, merchant_id: UUID, notice: Notice
) -> None:
    """Applies what the signed part of a notice proves by itself, any number of times and in any
    order. Raises: Problem(unavailable) while our own call is under way: it is to be sent again."""
    if notice.case:
        charged = await charge_referenced(world.db, notice.case.charge, route, merchant_id)
        if charged is None and notice.message_id:
            charged = await attempt_of(world.db, notice.message_id, route, merchant_id)
        if charged:
            await apply(world, orders, route, case_notice(world, notice.case, charged), "notice")
    elif notice.outcome and notice.message_id:
        await _message(world, orders, route, merchant_id, notice, notice.message_id, notice.outcome)
    if notice.movement and notice.charge is not None:  # what is known here already changes nothing
        charged = await charge_referenced(world.db, notice.charge, route, merchant_id)
        if charged:
            await adopt_all(orders, route, charged, [notice.movement])


async def _message(
    world: World,
    orders: Orders,
    route: str,
    merchant_id: UUID,
    notice: Notice,
    message_id: UUID,
    outcome: Outcome,
) -> None:
    """Applies the outcome to its message: what followed a charge may have the charge's own
    reference, and says nothing of the charge itself."""
    if notice.subject == "charge":
        charged = await attempt_of(world.db, message_id, route, merchant_id)
        if charged:
            await settle_by_proof(
                world, orders, (merchant_id, charged.order_id), charged.attempt_id, outcome
            )
        return
    modified = await modification_of(world.db, message_id, route, merchant_id)
    if modified:
        modification_id = modified.modification_id

        def work(change: Change) -> None:
            counterpart = processor_for(world, change.order, modification_id)
            _modified(change, modification_id, message_id, outcome, keeps_rest(counterpart))

        await orders.run(work, (merchant_id, modified.order_id))


def _modified(
    change: Change, modification_id: UUID, message_id: UUID, outcome: Outcome, rest: bool
) -> None:
    """Applies the outcome of a modification: what was done and has failed since, or the other way
    round, is for people: no stage goes back."""
    modification = change.order.modification(modification_id)
    answer = as_requested(outcome, modification.units, modification.asset)
    if modification.state == "sent" and modification.wire_key != message_id:
        if answer.state == "approved":  # under the id of before: it is out a second time
            raise_differing(change, modification)
    elif modification.state == "sent":
        close_modification(
            change,
            modification_id,
            modification.wire_id,
            answer.state,
            reference=answer.reference,
            code=answer.own_code,
            contradicts=answer.contradicts,
            keeps_rest=rest,
        )
    elif (modification.state == "done") is not (answer.state == "approved"):
        if modification.state == "failed" and answer.state != "approved":
            return  # it is known
        if modification.state == "done" and modification.wire_key == message_id:
            failed_since(change, modification)
        else:
            raise_differing(change, modification)


log = structlog.get_logger()
BODY_BYTES_MAX: Final = 262_144
_JSON: Final = "application/json; charset=utf-8"
ID_MAX: Final = 200
MAY_BE_EARLY: Final = timedelta(minutes=10)  # of its charge's own answer
EVERY, IDLE = timedelta(hours=1), timedelta(days=1)  # IDLE: where nothing is billed
CAUGHT_UP: Final = timedelta(hours=6)
BEFORE_CONNECTED: Final = timedelta(minutes=10)  # while its owner was at it
_OF_MANY: Final = frozenset({"method", "ended"})
_OF_A_CHARGE: Final = frozenset({"dispute", "fraud", "modification"})


Reply = Acknowledgement


def has_own_notices(world: World, route: str, *, by_our_key: bool = False) -> bool:
    """True when the route's notices come in its vendor's shape. `by_our_key`: this one says that
    the installation's key signed it, as whoever hears of disputes from an acquirer does for a
    vendor that tells none."""
    connector = connector_of(world.processors.get(route))
    return connector is not None and (not by_our_key or connector.tells_disputes)


def answer_challenge(world: World, route: str, query: Mapping[str, str]) -> Reply | None:
    """The reply that proves to a vendor that the address is ours; None for what is no challenge."""
    connector = connector_of(world.processors.get(route))
    return (
        connector.answer_challenge(query)
        if connector is not None and is_challenged(connector)
        else None
    )


async def take(
    world: World, orders: Orders, route: str, headers: Mapping[str, str], body: bytes
) -> Reply:
    """The answer that the vendor waits for. `headers` by lower-case name. A merchant's own account
    is about no other merchant's orders.

    Raises: Problem(too_large), Problem(unauthenticated), Problem(invalid); Problem(unavailable) for
    one that comes before its charge is known: it is to be sent again.
    """
    if len(body) > BODY_BYTES_MAX:
        raise Problem(
            "too_large",
            Sentence("A notice has at most {0} bytes.", BODY_BYTES_MAX),
            "Send fewer notices a call.",
        )
    connector = connector_of(world.processors.get(route))
    if connector is None:
        raise Problem(
            "no_such_path", "There is no such route.", "Check the name of the processor's route."
        )
    now, own = world.clocks.wall(), await connection_of(world, route)
    owner = own.merchant_id if own else None
    became, early = list[AtDoor](), False
    try:
        notices = connector.read_notices(headers, body, now)
    except Problem as problem:
        async with world.db.transaction() as tx:
            await count_notice(
                tx, route, now, "unsigned" if problem.code == "unauthenticated" else "unread"
            )
        raise
    for notice in notices:
        result = await _take_one(world, orders, route, owner, notice, now)
        became.append(result)
        is_new = notice.at > now - MAY_BE_EARLY
        early = early or result == "not_ours" and notice.subject in _OF_A_CHARGE and is_new
    if early:
        raise Problem(
            "unavailable", "The charge is not known here yet.", "Send the notice again in a minute."
        )
    return (
        connector.acknowledgement
        if is_acknowledging(connector)
        else Reply(encode({"notices": became}), _JSON)
    )


async def _take_one(
    world: World, orders: Orders, route: str, owner: UUID | None, notice: Notice, now: WallTime
) -> AtDoor:
    subject = notice.subject
    if not notice.mine or subject is None or not (_id(notice.id) and _id(notice.about)):
        became: AtDoor = (
            "not_mine" if not notice.mine else "needs_nothing" if notice.because else "unknown_kind"
        )
        kind = kept(notice.kind, 100) or "-"
        async with world.db.transaction() as tx:
            await count_notice(tx, route, now, became)
            if became == "unknown_kind":
                await count_unread_kind(tx, route, kind, now)
        if became == "unknown_kind":
            log.warning("notice of an unknown kind", route=route, kind=kind)
        return became
    whose = (
        {await home_of(world, owner): [owner]}
        if owner
        else await _whose(world, route, notice, subject)
    )
    taken: AtDoor = "repeated" if whose else "not_ours"
    *before, last = whose or [world]
    for home in before:
        home.standing.check()
        async with home.db.transaction() as tx:
            if await _keep_all(tx, home, whose[home], route, notice, subject, now):
                taken = "taken"
    last.standing.check()
    async with last.db.transaction() as tx:
        if await _keep_all(tx, last, whose.get(last, []), route, notice, subject, now):
            taken = "taken"
        await count_notice(tx, route, now, taken)
    for home, merchants in whose.items():
        for merchant_id in merchants:
            await apply_proof(home, orders.at(home), route, merchant_id, notice)
    return taken


async def _keep_all(
    tx: Tx,
    home: World,
    merchants: Sequence[UUID],
    route: str,
    notice: Notice,
    subject: Subject,
    now: WallTime,
) -> bool:
    """True where it is new to one of them."""
    return any(
        [
            await _keep(tx, _row(home, merchant_id, route, notice, subject, now))
            for merchant_id in merchants
        ]
    )


async def _keep(tx: Tx, row: NewProcessorNotice) -> bool:
    """Stores a notice; False for one that came before."""
    if not await keep_notice(tx, row):
        return False
    await make_due(tx, row.merchant_id, "processor_notice", row.object_key, row.received_at)
    return True


async def work_missed(world: World, orders: Orders, due: Due) -> None:
    """Due work `missed_notices`, every hour, or once a day where nothing is billed: what each
    billing of the merchant's has said of failed invoices is kept as if it had been posted. Lost
    notices are found so, and what was posted while their account was being connected.

    Raises: Problem(unavailable) for a connection that this process does not know yet.
    """
    await world.routes.ready()
    now = world.clocks.wall()
    billed = [
        own
        for own in await connections_of(world, due.merchant_id)
        if own.state == "connected" and own.billing != "off"
    ]
    for own in billed:
        billing = billing_of(world.processors.get(own.route))
        if billing is None:
            raise Problem(
                "unavailable", "There is no such route.", "Check the name of the processor's route."
            )
        since = max(WallTime(own.created_at) - BEFORE_CONNECTED, now - CAUGHT_UP)
        with suppress(Problem):  # it is read again in an hour
            notices = await billing.failed_since(since)
            async with world.db.transaction() as tx:
                for notice in notices:
                    await _keep(tx, _row(world, due.merchant_id, own.route, notice, "invoice", now))
    async with world.db.transaction() as tx:
        await make_due(
            tx, due.merchant_id, due.kind, due.subject_id, now + (EVERY if billed else IDLE)
        )


def _row(
    world: World, merchant_id: UUID, route: str, notice: Notice, subject: Subject, now: WallTime
) -> NewProcessorNotice:
    return NewProcessorNotice(
        merchant_id=merchant_id,
        object_key=world.keys.derived_id(
            "processor-notice", merchant_id.bytes, route, subject, notice.about
        ),
        route=route,
        subject=subject,
        about=notice.about,
        kind=kept(notice.kind, 100) or "",
        message_id=notice.message_id,
        charge=_id(notice.charge),
        invoice=_id(notice.invoice),
        approves=notice.approves,
        notices=[notice.id],
        times=1,
        happened_at=notice.at,
        received_at=now,
        movement=to_plain(notice.movement) if notice.movement else None,
    )


def _id(text: str | None) -> str | None:
    return text if text and len(text) <= ID_MAX and text.isprintable() else None


async def _whose(
    world: World, route: str, notice: Notice, subject: Subject
) -> dict[World, list[UUID]]:
    """The merchants by their cells that a notice is about, on a route that all merchants share.
    Raises: Problem(unavailable) where a cell that does not answer may know more."""

    async def of_cell(cell: World) -> list[UUID]:
        async with cell.db.connection() as connection:
            return await _whose_here(connection, route, notice, subject)

    answers = await ask_each(world, of_cell)
    whose = {cell: merchants for cell, merchants in answers.said if merchants}
    if not whose or subject in _OF_MANY:
        answers.check()
        await check_known(world)
    return whose


async def _whose_here(db: Read, route: str, notice: Notice, subject: Subject) -> list[UUID]:
    if subject in _OF_MANY:
        return sorted(
            {method.merchant_id for method in await methods_of(db, route, notice.about, None)}
        )
    target = None
    if subject == "modification" and notice.message_id:
        modified = await modification_of(db, notice.message_id, route, None)
        if modified:
            return [modified.merchant_id]
    if notice.message_id:
        target = await attempt_of(db, notice.message_id, route, None)
    if target is None and notice.charge is not None:
        target = await charge_referenced(db, notice.charge, route, None)
    return [target.merchant_id] if target else []
