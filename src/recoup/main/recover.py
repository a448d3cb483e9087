"""The end of a quarantine: an epoch is begun, in which whatever may have left is asked for before
it is sent again.

| what was lost | how it is found again |
|---|---|
| messages that orders still want | each is asked for before it is sent (`rescue/flows/ask_first`) |
| those that nothing wants any more | processors' books are compared: see the page Reconciliation |
| files that the bank has | none is made before a statement of that time was compared |
| what senders of chains sent | they compare the chain with what they know, and halt |
| erasures of persons | repeated, from this machine's list |
| numbers of feeds | skipped |

Each step can be repeated, and a process may die between any two.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any, Final
from uuid import UUID

import msgspec

from recoup.bank.rules.reading import EVERY, Reading
from recoup.db.operation import standing as store
from recoup.desk.flows.persons import erase_person
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.standing import FEED_MARGIN, Lost, lost_between
from recoup.kit.upkeep import ALIVE_WITHIN, beaten_ago
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.flows.standing import Marks, Watch
from recoup.merchants.store.merchants import highest_feed, skip_feed
from recoup.merchants.store.partners import skip_partners_feed
from recoup.processors.gateways.bridge import NoProcessor
from recoup.processors.gateways.connector import is_connector
from recoup.processors.gateways.port import StatementLine
from recoup.reconciliation.flows.reconcile import File, reconcile
from recoup.reconciliation.flows.sandbox_statement import HEAD, statement_line
from recoup.reconciliation.store.reconciliation import unexplained_since
from recoup.routes.store.connections import all_connections
from recoup.routes.store.processor_notices import attempt_of, modification_of

SENDING: Final = (
    "admit", "retry", "inquire", "release", "collect", "challenge", "modification", "settle",
    "cycle", "payout", "bank_payout", "dispute_answer",
)  # fmt: skip
ADOPTED_SECONDS_MAX: Final = 60.0
UNEXPLAINED_FOR: Final = timedelta(days=30)  # it is told of
RECOVER: Final = Actor("operator", "recover")
REDO: Final = (
    "API keys, webhook secrets and tokenization keys that were made: callers get 401; make them "
    "again.",
    "API keys that were ended, and people who were removed or lost a right: they may enter again. "
    "Take it from them.",
    (
        "Passwords and second factors that were changed: "
        "the former ones are valid again. Set new ones."
    ),
    "Switches, stops, blocks, fee terms, policies and bank accounts that were changed: look at "
    "each.",
)


class BookCompared(msgspec.Struct, frozen=True, rename="camel"):
    """A processor's book of the time that was lost, at one merchant. `unknown`: lines that no row
    here explains; `trouble`: why it could not be compared."""

    route: str
    merchant_id: UUID
    lines: int = 0
    unknown: int = 0
    run_id: UUID | None = None
    trouble: str = ""


class Recovery(msgspec.Struct, frozen=True, rename="camel"):
    """`waiting`: due work of the time that was lost, by kind; each is asked for before it is sent.
    `erased`: persons whose erasure was repeated."""

    world: str
    quarantined: bool
    reason: str
    epoch: int
    lost_from: datetime | None = None
    lost_to: datetime | None = None
    feed: tuple[int, int] | None = None
    waiting: dict[str, int] = {}  # noqa: RUF012 - msgspec copies it
    books: tuple[BookCompared, ...] = ()
    unread: tuple[str, ...] = ()
    erased: int = 0
    begun: bool = False
    redo: tuple[str, ...] = ()


async def look(world: World) -> Recovery:
    """Shows what would be recovered; changes nothing."""
    marks, lost = await _marks(world)
    if lost is None:
        return Recovery(world.known_as, False, "", marks.has.epoch)
    seen = marks.seen
    waiting = await store.waiting_since(world.db.reader, lost.end, SENDING)
    feed = await highest_feed(world.db.reader)
    return Recovery(
        world=world.known_as,
        quarantined=bool(marks.reason),
        reason=marks.reason,
        epoch=marks.has.epoch,
        lost_from=lost.start,
        lost_to=lost.end,
        feed=(feed, seen.feed) if marks.reason and seen is not None else None,
        waiting=waiting,
        unread=await _unread(world),
        redo=REDO,
    )


async def recover(world: World, who: str) -> Recovery:
    """Ends the quarantine, then finds what is left to find. A second run repeats what the first did
    not finish. Raises: Problem(unavailable)."""
    recovery = await look(world)
    if recovery.lost_from is None or recovery.lost_to is None:
        return recovery
    erased = await _erase_again(world, recovery.lost_from)
    begun = recovery.quarantined and await _begin(world, who)
    now, lost = await _marks(world)
    books: tuple[BookCompared, ...] = ()
    if lost is not None:
        await _wait_for_adoption(world, lost.end)
        books = tuple([book async for book in _compare(world, lost.start, lost.end)])
    return msgspec.structs.replace(
        recovery,
        epoch=now.has.epoch,
        quarantined=bool(now.reason),
        begun=begun,
        erased=erased,
        books=books,
    )


def _watch(world: World) -> Watch:
    if not isinstance(world.standing, Watch):
        raise TypeError("the world's standing is not measured")
    return world.standing


async def _marks(world: World) -> tuple[Marks, Lost | None]:
    """The marks, and what is lost: now, or by a recovery whose books may not be compared yet."""
    marks = await _watch(world).marks()
    has, now = marks.has, world.clocks.wall()
    if not marks.reason:
        if has.lost_from is None or has.lost_to is None or has.asks_first_until is None:
            return marks, None
        return marks, Lost(has.lost_from, has.lost_to, has.asks_first_until)
    known_less = marks.knows_less or bool(marks.behind)
    if marks.is_copy and not known_less:  # the other one may have gone on since
        return marks, lost_between(has.reached, None, has.created_at, now)
    if not known_less:  # the people's database alone
        return marks, Lost(now, now, now)
    return marks, lost_between(marks.least, marks.most, has.created_at, now)


async def _begin(world: World, who: str) -> bool:
    """Begins an epoch, of several recoveries at once only one. This process knows of it
    afterwards."""
    marks, lost = await _marks(world)
    if not marks.reason or lost is None:
        return False
    seen = [
        marks.has.epoch,
        *(watcher.mark.epoch for watcher in (marks.seen,) if watcher),
        marks.people_seen.epoch,
    ]
    epoch, now = max(seen) + 1, world.clocks.wall()
    async with world.db.transaction() as tx:
        skipped = (
            marks.seen.feed + FEED_MARGIN
            if marks.seen is not None and (marks.knows_less or marks.behind or marks.is_copy)
            else 0
        )
        begun = await store.begin_epoch(tx, epoch, *lost, skipped, now, who)
        if begun:
            await store.count_on(tx, epoch, marks.has.beat, now)
            await store.mark_homes(tx, now, {}, world.cell)
            await skip_feed(tx, skipped)
            await skip_partners_feed(tx, skipped)
    await _watch(world).begin(epoch)
    return begun


async def _erase_again(world: World, since: datetime) -> int:
    done = 0
    for erased in _watch(world).erased_since(since):
        scope = Scope(erased.merchant, RECOVER, "recover")
        try:
            await erase_person(world, scope, erased.payer)
        except Problem as problem:
            if problem.code != "not_found":
                raise
        else:
            done += 1
    return done


async def _wait_for_adoption(world: World, until: datetime) -> None:
    """Waits for workers to ask for what was due then: what they adopt, our book has, too."""
    for _ in range(int(ADOPTED_SECONDS_MAX)):
        ago = await beaten_ago(world)
        if ago is None or ago > ALIVE_WITHIN:
            return
        if not await store.waiting_since(world.db.reader, until, SENDING):
            return
        await asyncio.sleep(1)


async def _compare(world: World, begin: datetime, end: datetime) -> AsyncIterator[BookCompared]:
    """Compares each processor's book with ours like an uploaded statement; the same statement again
    makes no new run."""
    await world.routes.ready()
    own = {
        connection.route: connection.merchant_id
        for connection in await all_connections(world.db.reader)
    }
    merchants = await store.every_merchant(world.db.reader)
    name: str
    processor: Any
    for name, processor in world.processors.items():
        if not merchants or not _has_book(processor):
            continue
        whose = [own[name]] if name in own else merchants
        try:
            if hasattr(
                processor, "movements"
            ):  # of the sandbox, which keeps a book for each merchant by its clock
                for merchant_id in whose:
                    moved = timedelta(microseconds=await known_offset(world.db.reader, merchant_id))
                    rows = await _lines(
                        processor.movements(merchant_id, begin + moved, end + moved)
                    )
                    yield await _compare_one(
                        world, name, merchant_id, rows, (begin + moved, end + moved)
                    )
                continue
            of_each = dict[UUID, list[StatementLine]]()
            for line in await _lines(processor.lines(begin, end)):
                merchant_id = (
                    await _owner(world, name, line) if len(whose) > 1 else None
                ) or whose[0]
                of_each.setdefault(merchant_id, []).append(line)
            for merchant_id, rows in of_each.items():
                yield await _compare_one(world, name, merchant_id, rows, (begin, end))
        except Problem as problem:
            yield BookCompared(name, whose[0], trouble=problem.message)


async def _lines(book: AsyncIterator[list[StatementLine]]) -> list[StatementLine]:
    """Lines of our messages; the rest is other business of the account."""
    return [line async for part in book for line in part if line.id is not None]


async def _owner(world: World, route: str, line: StatementLine) -> UUID | None:
    """The merchant of a message; None where no row knows it, and the oldest merchant gets it."""
    assert line.id is not None
    charged = await attempt_of(world.db, line.id, route, None)
    owner = charged or await modification_of(world.db, line.id, route, None)
    return owner.merchant_id if owner is not None else None


async def _compare_one(
    world: World,
    route: str,
    merchant_id: UUID,
    rows: list[StatementLine],
    period: tuple[datetime, datetime],
) -> BookCompared:
    if not rows:
        return BookCompared(route, merchant_id)
    text = HEAD + "".join(statement_line(row, route, timedelta(0)) for row in rows)
    scope = Scope(merchant_id, RECOVER, "recover")
    file = File(f"restored-{route}-{period[0]:%Y-%m-%d}.csv", BytesIO(text.encode()))
    ran = await reconcile(
        world, scope, file, Reading(kind="processor", currencies=(EVERY,), period=period)
    )
    return BookCompared(
        route, merchant_id, len(rows), ran.run.counts.get("missing_here", 0), ran.run.run_id
    )


async def unexplained(world: World) -> int:
    """Counts movements of the lost time that stand in processors' books and belong to no order:
    nobody repeated the call, and only people can say what they were."""
    if world.standing.asks_first_until is None:
        return 0
    return await unexplained_since(
        world.db.reader, RECOVER.text(), world.clocks.wall() - UNEXPLAINED_FOR
    )


def _has_book(processor: Any) -> bool:
    return hasattr(processor, "movements") or is_connector(processor)


async def _unread(world: World) -> tuple[str, ...]:
    """Routes whose books cannot be read: people compare their statements."""
    await world.routes.ready()
    routes = world.processors.items()
    return tuple(
        name
        for name, processor in routes
        if processor.kind != NoProcessor.kind and not _has_book(processor)
    )
