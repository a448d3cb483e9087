"""A month's sends against the issuer's own book, or a processor's statements: who counts them apart from us."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.kernel.ids import LOWEST
from recoup.kernel.time import iso
from recoup.rules.network.compliance.content import DIFFERENCES_MAX, Line, Recount
from recoup.rules.network.compliance.month_count import AcceptorCount, LoggedSend, MonthCount
from recoup.rules.order.card_sends import initiator_of
from recoup.store.insight.month_sends import (
    IssuerSend,
    cards_of_orders,
    issuers_in_order,
    issuers_of,
    statement_differences,
    statement_sums,
)
from recoup.store.insight.proofs.sends import CardSend, find_sends
from recoup.store.statement import Read

AT_ONCE: Final = 2_000


class IssuersCount:
    """The issuer's sends by the same rules. Of them the card is ours to say, and the date: that of the last message
    under a send's id. Whether it came, how much it was, for whom and what was answered is the issuer's."""

    def __init__(self, merchant_id: UUID, span: tuple[datetime, datetime], region: str) -> None:
        self._merchant_id, self._span = merchant_id, span
        self._count = MonthCount(str(merchant_id), *span, region)
        self._sums: dict[str, Recount] = defaultdict(lambda: Recount("issuer"))
        self._seen: set[UUID] = set()

    async def add_cards(self, db: Read, cards: Sequence[Sequence[LoggedSend]]) -> None:
        """Of each its sends as we have them."""
        mine = {
            UUID(one.send_id): one
            for sends in cards
            for one in sends
            if not one.send.claimed and one.send.merchant_id == str(self._merchant_id)
        }
        found = {one.id: one for one in await issuers_of(db, self._merchant_id, list(mine))}
        self._seen |= mine.keys()
        for send_id, ours in mine.items():
            if self._span[0] <= ours.send.at < self._span[1]:
                self._compare(ours, found.get(send_id))
        for sends in cards:
            self._count.add_card(
                [_as_issued(one, found[send_id]) for one in sends if (send_id := UUID(one.send_id)) in found]
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
            sums.differ(_difference(ours.send_id, "not_counted", ours.send.at, "not_sent", theirs.decision))
            return
        sums.matched += 1
        for name, here, there in _fields(ours, theirs):
            if here != there:
                sums.differ(_difference(ours.send_id, name, ours.send.at, here, there))

    async def finish(self, db: Read) -> None:
        """Looks for what only the issuer has."""
        after: tuple[datetime, UUID] = (self._span[0], LOWEST)
        while True:
            rows = await issuers_in_order(db, self._merchant_id, self._span[1], *after, AT_ONCE)
            strangers = [one for one in rows if one.id not in self._seen]
            known = await self._elsewhere(db, strangers) if strangers else {}
            for one in strangers:
                if one.id in known and not self._span[0] <= known[one.id].at < self._span[1]:
                    continue
                sums = self._sums[one.acceptor_id]
                sums.sends += 1
                sums.approved += one.decision == "approved"
                sums.differ(_difference(str(one.id), "not_counted", one.sent_at, None, one.decision))
            if len(rows) < AT_ONCE:
                return
            after = (rows[-1].sent_at, rows[-1].id)

    async def _elsewhere(self, db: Read, strangers: Sequence[IssuerSend]) -> dict[UUID, CardSend]:
        """Those that we date in another month."""
        ids = {one.order_id: [] for one in strangers}  # type: dict[UUID, list[UUID]]
        for one in strangers:
            ids[one.order_id].append(one.id)
        pairs = [
            (row.card_id, send_id)
            for row in await cards_of_orders(db, self._merchant_id, list(ids))
            for send_id in ids[row.order_id]
        ]
        found = await find_sends(db, [card for card, _ in pairs], [send for _, send in pairs])
        return {one.send_id: one for one in found if one.state != "not_sent"}

    def of(self, acceptor_id: str) -> Recount:
        sums, counted = self._sums[acceptor_id], self._count.acceptors.get(acceptor_id, AcceptorCount())
        return replace(
            sums,
            differences=sorted(sums.differences, key=lambda one: (one["at"], one["sendId"], one["field"])),
            closest={key: rule.closest for key, rule in counted.rules.items() if rule.closest is not None},
        )


async def recount_by_statement(db: Read, merchant_id: UUID, span: tuple[datetime, datetime]) -> Recount:
    """Of the merchant's approved charges, of all its acceptors: a processor's statement has nothing else."""
    sums = await statement_sums(db, merchant_id, *span)
    if not sums.lines:
        return Recount("none")
    rows = await statement_differences(db, merchant_id, *span, DIFFERENCES_MAX)
    differences = [
        _difference(str(row.our_id) if row.our_id else None, row.outcome, row.dated, row.reason, None) for row in rows
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


def _difference(send_id: str | None, name: str, at: datetime | None, ours: Any, theirs: Any) -> Line:
    return {"sendId": send_id, "field": name, "at": iso(at) if at else None, "ours": ours, "theirs": theirs}
