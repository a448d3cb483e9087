"""A month is closed: one compliance certificate for each acceptor that its merchant sent by, once,
whatever dies.

Read in one snapshot, then kept under the merchant's certificate clock. Made again, the same content
gives the bytes that there are; another content gives a certificate with the next number, which
names what changed.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from recoup.certificates.moves import go_on, keep_certificate
from recoup.certificates.rules.certificate_file import read, totals_of
from recoup.certificates.rules.content import (
    DIFFERENCES_MAX,
    Line,
    Recount,
    Reported,
    changes,
    content_hash,
    content_of,
    reasons,
)
from recoup.certificates.rules.month_count import AcceptorCount, Excess, LoggedSend, MonthCount
from recoup.certificates.rules.months import closes_at, month_end, month_text
from recoup.certificates.store.certificates import (
    CertificateClock,
    ChainEnd,
    Kept,
    chain_end,
    clock_of,
    kept_of_month,
    lock_clock,
)
from recoup.certificates.store.month_sends import (
    CardSendRow,
    IssuerSend,
    advanced_orders,
    cards_of_orders,
    issuers_in_order,
    issuers_of,
    refusals,
    reported,
    sends_in_order,
    sends_of_cards,
    statement_differences,
    statement_sums,
)
from recoup.db.pool import retrying
from recoup.db.statement import Connection, Read, Tx
from recoup.insight.store.proofs import issuer
from recoup.kernel.feature import Place
from recoup.kernel.filled import filled
from recoup.kernel.ids import LOWEST, first_id_of, new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import BusinessTime, WallTime, business_at, iso
from recoup.kit.proofs.sends import CardSend, find_sends
from recoup.kit.world import World
from recoup.networks.limits import LOOKBACK, Send
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.moves.due import wait_for
from recoup.orders.rules.card_sends import initiator_of

RECOUNTED_AT_ONCE: Final = 2_000
Lifted = Callable[[Read, UUID, Sequence[tuple[Excess, str]]], Awaitable[set[tuple[str, str]]]]
LIFTED: Final = Place[Lifted]("lifted")  # which stops of a month did not reach a merchant's sends


class IssuersCount:
    """The issuer's sends by the same rules. Of them the card is ours to say, and the date: that of
    the last message under a send's id. Whether it came, how much it was, for whom and what was
    answered is the issuer's."""

    def __init__(self, merchant_id: UUID, span: tuple[datetime, datetime], region: str) -> None:
        self._merchant_id, self._span = merchant_id, span
        self._count = MonthCount(str(merchant_id), *span, region)
        self._sums: dict[str, Recount] = defaultdict(lambda: Recount("issuer"))
        self._seen: set[UUID] = set()

    async def add_cards(self, db: Read, cards: Sequence[Sequence[LoggedSend]]) -> None:
        """Adds cards, each with its sends as we have them."""
        mine = {
            UUID(send.send_id): send
            for sends in cards
            for send in sends
            if not send.send.claimed and send.send.merchant_id == str(self._merchant_id)
        }
        issued = {row.id: row for row in await issuers_of(db, self._merchant_id, list(mine))}
        self._seen |= mine.keys()
        for send_id, ours in mine.items():
            if self._span[0] <= ours.send.at < self._span[1]:
                self._compare(ours, issued.get(send_id))
        for sends in cards:
            self._count.add_card(
                [
                    _as_issued(send, issued[send_id])
                    for send in sends
                    if (send_id := UUID(send.send_id)) in issued
                ]
            )

    def _compare(self, ours: LoggedSend, theirs: IssuerSend | None) -> None:
        if theirs is None:
            if ours.is_sent:
                sums = self._sums[ours.send.acceptor_id]
                sums.counted_only += 1
                sums.differ(_difference(ours.send_id, "never_arrived", ours.send.at, "sent", None))
            return
        sums = self._sums[theirs.acceptor_id]
        sums.sends += 1
        sums.approved += theirs.decision == "approved"
        if not ours.is_sent:
            sums.differ(
                _difference(ours.send_id, "not_counted", ours.send.at, "not_sent", theirs.decision)
            )
            return
        sums.matched += 1
        for name, here, there in _fields(ours, theirs):
            if here != there:
                sums.differ(_difference(ours.send_id, name, ours.send.at, here, there))

    async def finish(self, db: Read) -> None:
        """Looks for what only the issuer has."""
        after: tuple[datetime, UUID] = (self._span[0], LOWEST)
        while True:
            rows = await issuers_in_order(
                db, self._merchant_id, self._span[1], *after, RECOUNTED_AT_ONCE
            )
            strangers = [row for row in rows if row.id not in self._seen]
            known = await self._elsewhere(db, strangers) if strangers else {}
            for stranger in strangers:
                if (
                    stranger.id in known
                    and not self._span[0] <= known[stranger.id].at < self._span[1]
                ):
                    continue
                sums = self._sums[stranger.acceptor_id]
                sums.sends += 1
                sums.approved += stranger.decision == "approved"
                sums.differ(
                    _difference(
                        str(stranger.id), "not_counted", stranger.sent_at, None, stranger.decision
                    )
                )
            if len(rows) < RECOUNTED_AT_ONCE:
                return
            after = (rows[-1].sent_at, rows[-1].id)

    async def _elsewhere(self, db: Read, strangers: Sequence[IssuerSend]) -> dict[UUID, CardSend]:
        """Sends that we date in another month."""
        ids = {stranger.order_id: [] for stranger in strangers}  # type: dict[UUID, list[UUID]]
        for stranger in strangers:
            ids[stranger.order_id].append(stranger.id)
        pairs = [
            (row.card_id, send_id)
            for row in await cards_of_orders(db, self._merchant_id, list(ids))
            for send_id in ids[row.order_id]
        ]
        sends = await find_sends(db, [card for card, _ in pairs], [send for _, send in pairs])
        return {row.send_id: row for row in sends if row.state != "not_sent"}

    def of(self, acceptor_id: str) -> Recount:
        sums, counted = (
            self._sums[acceptor_id],
            self._count.acceptors.get(acceptor_id, AcceptorCount()),
        )
        return replace(
            sums,
            differences=sorted(
                sums.differences,
                key=lambda difference: (
                    difference["at"],
                    difference["sendId"],
                    difference["field"],
                ),
            ),
            closest={
                key: rule.closest for key, rule in counted.rules.items() if rule.closest is not None
            },
        )


async def recount_by_statement(
    db: Read, merchant_id: UUID, span: tuple[datetime, datetime]
) -> Recount:
    """Recounts the merchant's approved charges, of all its acceptors: a processor's statement has
    nothing else."""
    sums = await statement_sums(db, merchant_id, *span)
    if not sums.lines:
        return Recount("none")
    rows = await statement_differences(db, merchant_id, *span, DIFFERENCES_MAX)
    differences = [
        _difference(
            str(row.our_id) if row.our_id else None, row.outcome, row.dated, row.reason, None
        )
        for row in rows
    ]
    return Recount(
        "statement",
        sends=sums.lines,
        approved=sums.lines,
        matched=sums.matched,
        differences=differences,
        differing=sums.differing,
    )


def _as_issued(ours: LoggedSend, theirs: IssuerSend) -> LoggedSend:
    send = replace(
        ours.send,
        units=theirs.units,
        currency=theirs.currency,
        initiator=initiator_of(theirs.initiator),
        acceptor_id=theirs.acceptor_id,
        declined=theirs.decision == "declined",
        network_attempts=1,
    )
    return replace(ours, send=send, scheme=theirs.scheme, is_sent=True)


def _fields(ours: LoggedSend, theirs: IssuerSend) -> tuple[tuple[str, Any, Any], ...]:
    send = ours.send
    answer = None if send.declined is None else "declined" if send.declined else "approved"
    return (
        ("acceptor", send.acceptor_id, theirs.acceptor_id),
        ("amount", f"{send.units} {send.currency}", f"{theirs.units} {theirs.currency}"),
        ("initiator", send.initiator, initiator_of(theirs.initiator)),
        ("answer", answer, theirs.decision),
    )


def _difference(
    send_id: str | None, name: str, at: datetime | None, ours: Any, theirs: Any
) -> Line:
    return {
        "sendId": send_id,
        "field": name,
        "at": iso(at) if at else None,
        "ours": ours,
        "theirs": theirs,
    }


AT_ONCE: Final = 1_000
TRIES: Final = 3
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class _Month:
    """Data read for one month. `region`: the merchant's; `regions`: of each acceptor that the
    merchant sent by; `contents`: its lines; `end`: of the merchant's chain at the time."""

    begin: datetime
    region: str
    contents: dict[str, list[Line]]
    end: ChainEnd | None
    regions: dict[str, str]


async def certify_due(world: World, merchant_id: UUID) -> list[UUID]:
    """Due work `certificate`: those that were made. None before the month is closed; then it is due
    again."""
    clock = await clock_of(world.db, merchant_id)
    if clock is None:
        return []
    begin = clock.month_from
    if world.clocks.business(clock.offset_us) < closes_at(begin):
        async with world.db.transaction() as tx:
            await wait_for(
                tx, merchant_id, "certificate", merchant_id, closes_at(begin), wall=False
            )
        return []
    return await _make(world, merchant_id, begin)


async def certify_month(world: World, merchant_id: UUID, begin: datetime) -> list[UUID]:
    """Certifies a closed month; answers the certificates made now: none where what there is still
    holds.

    Raises: Problem(not_found) for an unknown merchant.
    """
    if await clock_of(world.db, merchant_id) is None:
        raise Problem("not_found", "There is no such merchant in this world.", cure="Check its id.")
    return await _make(world, merchant_id, begin)


async def _make(world: World, merchant_id: UUID, begin: datetime) -> list[UUID]:
    for _ in range(TRIES):
        month = await _read(world, merchant_id, begin)
        made = await retrying(
            lambda month=month: _keep(world, merchant_id, month)  # type: ignore[misc]
        )
        if made is not None:
            return made
    raise Problem(
        "unavailable", "Another process makes this merchant's certificates.", retry_after_seconds=1
    )


async def _keep(world: World, merchant_id: UUID, month: _Month) -> list[UUID] | None:
    """Keeps the month's certificates; None when somebody else has made some since it was read."""
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        clock = await lock_clock(tx, merchant_id)
        if clock is None:
            return []
        if await chain_end(tx, merchant_id) != month.end:
            return None
        made = await _keep_each(
            tx, merchant_id, month, now=business_at(wall, clock.offset_us), wall=wall
        )
        if clock.month_from == month.begin:
            await go_on(tx, merchant_id, month.begin)
    return made


async def _keep_each(
    tx: Tx, merchant_id: UUID, month: _Month, *, now: BusinessTime, wall: WallTime
) -> list[UUID]:
    before = {row.acceptor_id: row for row in await kept_of_month(tx, merchant_id, month.begin)}
    end, made = month.end, []
    for acceptor_id, lines in sorted(month.contents.items()):
        stable = _stable_head(merchant_id, acceptor_id, month, lines)
        mac, old = content_hash(stable, lines), before.get(acceptor_id)
        if old is not None and old.content_hash == mac:
            continue
        head, more = _corrected(stable, lines, old)
        certificate_id = new_id()
        head |= {"certificateId": str(certificate_id), "made": iso(now)}
        end = await keep_certificate(
            tx,
            merchant_id,
            certificate_id,
            month.begin,
            head,
            [*lines, *more],
            mac,
            end,
            now=now,
            wall=wall,
        )
        made.append(certificate_id)
    return made


def _stable_head(merchant_id: UUID, acceptor_id: str, month: _Month, lines: Sequence[Line]) -> Line:
    return {
        "merchantId": str(merchant_id),
        "acceptorId": acceptor_id,
        "month": month_text(month.begin),
        "from": iso(month.begin),
        "to": iso(month_end(month.begin)),
        "region": month.regions.get(acceptor_id, month.region),
        "knowledge": KNOWLEDGE_VERSION,
        **totals_of(lines),
    }


def _corrected(stable: Line, lines: list[Line], old: Kept | None) -> tuple[Line, list[Line]]:
    """The head with its number and why, and the lines that show what changed."""
    if old is None:
        return stable | {"number": 1, "corrects": None, "reasons": []}, []
    head, kept = read(old.file)
    before = [line for line in kept if line["type"] != "change"]
    why = [name for name in ("region", "knowledge") if head[name] != stable[name]] + reasons(
        before, lines
    )
    number = {"number": old.number + 1, "corrects": str(old.certificate_id), "reasons": why}
    return stable | number, changes(before, lines)


async def _read(world: World, merchant_id: UUID, begin: datetime) -> _Month:
    span = begin, month_end(begin)
    async with (
        world.db.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        with_issuer = "sandbox" in world.processors and await issuer.can_read(connection)
        clock = await clock_of(connection, merchant_id)
        assert clock is not None
        count = MonthCount(str(merchant_id), *span, clock.region)
        issuers = IssuersCount(merchant_id, span, clock.region) if with_issuer else None
        await _count(connection, merchant_id, span, count, issuers)
        await _excuse(connection, merchant_id, count)
        refused = await refusals(connection, merchant_id, *span)
        copied = await _reported(connection, merchant_id, span, clock)
        by_statement = (
            await recount_by_statement(connection, merchant_id, span)
            if issuers is None
            else Recount("none")
        )
        contents = {
            acceptor_id: content_of(
                count.acceptors.get(acceptor_id, AcceptorCount()),
                [refusal for refusal in refused if refusal.acceptor_id == acceptor_id],
                copied,
                issuers.of(acceptor_id) if issuers is not None else by_statement,
                merchant_id=str(merchant_id),
                span=span,
                gate_limits={"visa-reattempt-30d": world.policy.visa_limit},
            )
            for acceptor_id in sorted(
                count.acceptors.keys() | {refusal.acceptor_id for refusal in refused}
            )
        }
        regions = {
            acceptor_id: acceptor.region
            for acceptor_id, acceptor in count.acceptors.items()
            if acceptor.region
        }
        return _Month(
            begin, clock.region, contents, await chain_end(connection, merchant_id), regions
        )


async def _count(
    db: Connection, merchant_id: UUID, span: Span, count: MonthCount, issuers: IssuersCount | None
) -> None:
    """Card by card: each where the merchant's first send of the month stands."""
    after: tuple[datetime, UUID] = (span[0], LOWEST)
    while True:
        places = await sends_in_order(db, merchant_id, *span, *after, AT_ONCE)
        heads = [place.head_id for place in places if place.is_first]
        rows = await sends_of_cards(db, heads, merchant_id, span[0] - LOOKBACK, span[1])
        cards = [
            [_logged(row) for row in several]
            for _, several in groupby(rows, key=lambda row: row.head_id)
        ]
        for sends in cards:
            count.add_card(sends)
        if issuers is not None:
            await issuers.add_cards(db, cards)
        if len(places) < AT_ONCE:
            break
        after = (places[-1].at, places[-1].send_id)
    if issuers is not None:
        await issuers.finish(db)


async def _excuse(db: Read, merchant_id: UUID, count: MonthCount) -> None:
    for acceptor in count.acceptors.values():
        beyond = [excess for excess in acceptor.excess if excess.cause == "gate"]
        orders = {
            UUID(order_id) for excess in beyond for order_id in (excess.order_id, *excess.at_once)
        }
        if orders:
            advanced = await advanced_orders(db, merchant_id, sorted(orders))
            acceptor.excuse({str(order_id) for order_id in advanced})
        stopped = [(excess, stop) for excess in acceptor.excess for stop in excess.stops]
        if stopped:
            for lifted in LIFTED:
                acceptor.lift(await lifted(db, merchant_id, stopped))


async def _reported(db: Read, merchant_id: UUID, span: Span, clock: CertificateClock) -> Reported:
    """Sends reported in the span, by when they came, as the merchant's clock goes now."""
    behind = timedelta(microseconds=clock.offset_us)
    return await reported(
        db, merchant_id, first_id_of(span[0] - behind), first_id_of(span[1] - behind)
    )


def _logged(row: CardSendRow) -> LoggedSend:
    send = filled(
        Send,
        row,
        initiator=initiator_of(row.initiator),
        merchant_id=str(row.merchant_id),
        state="reserved" if row.state == "reserved" else "sent",
    )
    return filled(
        LoggedSend,
        row,
        send_id=str(row.send_id),
        card_id=str(row.card_id),
        order_id=str(row.order_id),
        send=send,
        is_sent=row.state != "not_sent",
    )
