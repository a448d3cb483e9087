"""Bulk acts, one thing done to many orders: all that a list has or those named, taken whole, then
answered some at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, ReadConnection, Row, Tx, columns_of, maker_of
from recoup.db.table import insert_of, stored
from recoup.desk.store.order_filter import Arguments, OrderFilter
from recoup.desk.store.order_search import every_condition, search_of
from recoup.kernel.kept_sentence import Kept, keep


@stored("bulk_acts")
class NewAct(Row):
    """`said`: the list, in words."""

    merchant_id: UUID
    act_id: UUID
    action: str
    note: str
    state: str
    said: list[Kept]
    row_count: int
    actor: str
    request_id: str
    requested_at: datetime


class BulkAct(NewAct):
    """`said`: the list, in words; none when it is done, nor the `note`."""

    state: Literal["working", "completed", "stopped"]
    done_count: int
    refused_count: int
    stop_requested_at: datetime | None
    finished_at: datetime | None


ACT: Final = columns_of(BulkAct)


@MERCHANT.statement(
    f"SELECT {ACT} FROM bulk_acts WHERE merchant_id = $1 ORDER BY requested_at DESC, act_id LIMIT "
    f"$2"
)
async def list_acts(db: Read, merchant_id: UUID, limit: int) -> list[BulkAct]:
    """Newest first."""


@MERCHANT.statement(f"SELECT {ACT} FROM bulk_acts WHERE merchant_id = $1 AND act_id = $2")
async def find_act(db: Read, merchant_id: UUID, act_id: UUID) -> BulkAct | None:
    """Finds an act of this merchant."""


class ActRow(Row):
    """Outcome of the act for one order, and how the order is now."""

    row_no: int
    order_id: UUID
    state: Literal["waiting", "done", "refused", "left"]
    answer: Kept
    external_id: str
    status: int
    asset: str
    units: int
    sent_text: str | None


_ROWS: Final = """
SELECT r.row_no, r.order_id, r.state, r.answer, o.external_id, h.status, h.asset, h.units,
  CASE WHEN h.order_type = 'STABLE' THEN o.amount_text END AS sent_text
FROM bulk_act_rows r
JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
JOIN order_heads h ON h.merchant_id = r.merchant_id AND h.order_id = r.order_id
WHERE r.merchant_id = $1 AND r.act_id = $2 AND r.row_no > $3 {only} ORDER BY r.row_no LIMIT $4
"""


@MERCHANT.statement(_ROWS.format(only=""))
async def act_rows(
    db: Read, merchant_id: UUID, act_id: UUID, after: int, limit: int
) -> list[ActRow]:
    """Rows of an act, in the list's order."""


@MERCHANT.statement(_ROWS.format(only="AND r.state = 'refused'"))
async def refused_rows(
    db: Read, merchant_id: UUID, act_id: UUID, after: int, limit: int
) -> list[ActRow]:
    """Rows of an act that were refused, in the list's order."""


Key = tuple[UUID, UUID]


async def begin_act(db: Tx, act: NewAct, order_ids: Sequence[UUID]) -> bool:
    """Begins an act on these orders; False when it was taken before."""
    if not await _begin(db, act):
        return False
    await _add_rows(db, act.merchant_id, act.act_id, order_ids)
    return True


@MERCHANT.statement(
    f"{insert_of(NewAct, single=True)} ON CONFLICT (merchant_id, act_id) DO NOTHING RETURNING true"
)
async def _begin(db: Tx, act: NewAct) -> bool:
    """Inserts the act; False when it was taken before."""


@MERCHANT.statement("""
INSERT INTO bulk_act_rows (merchant_id, act_id, row_no, order_id, state)
SELECT $1, $2, i.row_no, i.order_id, 'waiting' FROM unnest($3::uuid[]) WITH ORDINALITY AS i
  (order_id, row_no) RETURNING 1
""")
async def _add_rows(db: Tx, merchant_id: UUID, act_id: UUID, order_ids: Sequence[UUID]) -> None:
    """Adds the orders to an act, in this order."""


@MERCHANT.statement(
    f"SELECT {ACT} FROM bulk_acts WHERE merchant_id = $1 AND act_id = $2 FOR UPDATE"
)
async def lock_act(db: Tx, merchant_id: UUID, act_id: UUID) -> BulkAct | None:
    """Locks an act of this merchant."""


class WaitingRow(Row):
    row_no: int
    order_id: UUID


@MERCHANT.statement("""
SELECT row_no, order_id FROM bulk_act_rows
WHERE merchant_id = $1 AND act_id = $2 AND state = 'waiting' ORDER BY row_no LIMIT $3
""")
async def waiting_of(db: Read, merchant_id: UUID, act_id: UUID, limit: int) -> list[WaitingRow]:
    """Rows of an act that still wait, in the list's order."""


async def answer_act(
    db: Tx, merchant_id: UUID, act_id: UUID, answers: Sequence[dict[str, Any]]
) -> None:
    """Keeps the answers of some rows, under the act's lock. Each names its row_no, state and
    answer."""
    kept = [answer | {"answer": keep(answer["answer"])} for answer in answers]
    states = await _answer(db, merchant_id, act_id, kept)
    await _count(db, merchant_id, act_id, states.count("done"), states.count("refused"))


# What another process has answered meanwhile keeps that answer, and is not counted again.
@MERCHANT.statement("""
UPDATE bulk_act_rows r SET state = i.state, answer = i.answer
FROM jsonb_to_recordset($3) AS i (row_no int, state text, answer text)
WHERE r.merchant_id = $1 AND r.act_id = $2 AND r.row_no = i.row_no AND r.state = 'waiting'
  RETURNING r.state
""")
async def _answer(
    db: Tx, merchant_id: UUID, act_id: UUID, answers: Sequence[dict[str, Any]]
) -> list[str]:
    """The states of those that waited."""


@MERCHANT.statement("""
UPDATE bulk_acts SET done_count = done_count + $3, refused_count = refused_count + $4
WHERE merchant_id = $1 AND act_id = $2
""")
async def _count(db: Tx, merchant_id: UUID, act_id: UUID, done: int, refused: int) -> None: ...


async def finish_act(db: Tx, key: Key, state: str, at: datetime) -> None:
    """Finishes an act; orders not begun are left."""
    await _leave_rest(db, *key)
    await _finish(db, *key, state, at)


@MERCHANT.statement("""
UPDATE bulk_act_rows SET state = 'left' WHERE merchant_id = $1 AND act_id = $2 AND state = 'waiting'
""")
async def _leave_rest(db: Tx, merchant_id: UUID, act_id: UUID) -> None:
    """Leaves the rows that were not begun."""


@MERCHANT.statement("""
UPDATE bulk_acts SET state = $3, finished_at = $4, note = '', said = '[]' WHERE merchant_id = $1
  AND act_id = $2
""")
async def _finish(db: Tx, merchant_id: UUID, act_id: UUID, state: str, at: datetime) -> None:
    """Closes the act and erases its note and its list's words."""


@MERCHANT.statement("UPDATE bulk_acts SET said = '[]' WHERE merchant_id = $1 AND state = 'working'")
async def forget_lists_of(db: Tx, merchant_id: UUID) -> None:
    """Erases the words of running acts' lists, which may name somebody; the orders are chosen
    already."""


@MERCHANT.statement("""
UPDATE bulk_acts SET stop_requested_at = coalesce(stop_requested_at, $3)
WHERE merchant_id = $1 AND act_id = $2 AND state = 'working' RETURNING true
""")
async def ask_act_stop(db: Tx, merchant_id: UUID, act_id: UUID, at: datetime) -> bool:
    """Requests that the act stop; False when it is finished, or was never there."""


SELECTED_MAX: Final = 10_000
SECONDS_MAX: Final = 10.0
_SUMS: Final = """
SELECT n.status, n.asset, count(*) AS orders, sum(n.units)::bigint AS units FROM ({selected}) AS n
GROUP BY 1, 2 ORDER BY 1, 2
"""


class SelectedSum(Row):
    status: int
    asset: str
    orders: int
    units: int


_selected_sum = maker_of(SelectedSum)


async def selected_sums(connection: ReadConnection, order_filter: OrderFilter) -> list[SelectedSum]:
    """Sums by status and currency, of at most SELECTED_MAX + 1 orders."""
    async with connection.transaction(readonly=True):
        selected, values = await _selected(connection, order_filter, "h.status, h.asset, h.units")
        return [
            _selected_sum(record)
            for record in await _fetch(connection, _SUMS.format(selected=selected), values)
        ]


async def selected_orders(tx: asyncpg.Connection, order_filter: OrderFilter) -> list[UUID]:
    """Orders that the filter selects, in the order in which they were placed; at most SELECTED_MAX
    + 1."""
    selected, values = await _selected(tx, order_filter, "h.order_id, h.placed_at")
    sql = f"SELECT n.order_id FROM ({selected}) AS n ORDER BY n.placed_at, n.order_id"  # noqa: S608
    return [row["order_id"] for row in await _fetch(tx, sql, values)]


async def _selected(
    connection: ReadConnection, order_filter: OrderFilter, columns: str
) -> tuple[str, list[object]]:
    search = (await search_of(connection, order_filter)).words_first()
    args = Arguments(order_filter.merchant_id)
    where = every_condition(order_filter, search, args)
    source = f"order_heads h {search.joins}"
    limit = SELECTED_MAX + 1
    return f"SELECT {columns} FROM {source} WHERE {' AND '.join(where)} LIMIT {limit}", args.values


async def _fetch(tx: asyncpg.Connection, sql: str, values: list[object]) -> list[asyncpg.Record]:
    """Planned with the values at hand. Inside a transaction of the caller's."""
    await tx.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    return await tx.fetch(sql, *values, timeout=SECONDS_MAX)  # type: ignore[no-any-return]
