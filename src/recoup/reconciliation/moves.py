"""Bookings that a person makes from a compared statement: once for each line, whatever file it
stands in."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.time import BusinessTime, WallTime
from recoup.orders.moves.postings import book
from recoup.orders.rules.ledger import Entry, Posting
from recoup.orders.store.changes import Rows, write
from recoup.reconciliation.store.reconciliation import booked_before, mark_booked


class Suggestion(NamedTuple):
    """A booking suggested for a line of a compared file. `entries`: account, place, units."""

    row_no: int
    line_id: UUID
    asset: str
    recipe: str
    entries: list[list[Any]]


async def book_differences(
    tx: Tx,
    key: tuple[UUID, UUID],
    lines: Sequence[Suggestion],
    *,
    now: BusinessTime,
    wall: WallTime,
    by: str,
    note: str,
) -> int:
    """Answers how many were booked now; the others were booked from another file before and are
    only marked. The caller holds the lines' locks."""
    rows, merchant_id = Rows(), key[0]
    known = set(await booked_before(tx, merchant_id, [line.line_id for line in lines]))
    before = len(known)
    for line in lines:
        if line.line_id in known:
            continue
        known.add(line.line_id)
        posting = Posting(line.recipe, tuple(Entry(*entry) for entry in line.entries))
        book(
            rows,
            merchant_id,
            line.asset,
            "reconciliation",
            line.line_id,
            [posting],
            now=now,
            wall=wall,
        )
    await write(tx, rows)
    await mark_booked(tx, *key, [line.row_no for line in lines], wall, by, note)
    return len(known) - before
