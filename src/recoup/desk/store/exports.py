"""Exports: requested, worked on by one run after the other, ended once; as their requester sees
them. Their orders come in the list's order, as of one moment."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import insert_of, stored
from recoup.desk.store.export_parts import drop_parts
from recoup.desk.store.order_cursor import ORDERS, OrderBy
from recoup.desk.store.order_filter import Arguments, OrderFilter
from recoup.desk.store.order_row import rows_of
from recoup.desk.store.order_search import every_condition, search_of
from recoup.kernel.kept_sentence import Kept

LISTED_MAX: Final = 50


class Export(Row):
    """`wanted`: the request, as plain values, `said` the same in words; neither of what is over.
    `total`: rows to come, when they could be counted. `why`: it was refused. `run_id`: under which
    its parts stand; `parts`: how many they are, once they are all there."""

    merchant_id: UUID
    export_id: UUID
    form: Literal["csv", "json", "xlsx"]
    state: Literal["asked", "working", "ready", "refused", "cancelled", "gone"]
    wanted: dict[str, Any]
    said: list[Kept]
    file_name: str
    total: int | None
    rows_done: int
    bytes_done: int
    run_no: int
    why: Kept | None
    requested_at: datetime
    finished_at: datetime | None
    gone_at: datetime | None
    run_id: UUID | None
    parts: int | None

    def is_over(self, wall: datetime) -> bool:
        """A file that is over is gone, whether or not it was swept already."""
        return self.gone_at is None or self.gone_at <= wall


EXPORT: Final = columns_of(Export)


@MERCHANT.statement(f"""
SELECT {EXPORT} FROM exports WHERE merchant_id = $1 AND user_id = $2
ORDER BY requested_at DESC, export_id LIMIT {LISTED_MAX}
""")
async def exports_of(db: Read, merchant_id: UUID, user_id: UUID) -> list[Export]:
    """Newest first."""


@MERCHANT.statement(
    f"SELECT {EXPORT} FROM exports WHERE merchant_id = $1 AND user_id = $2 AND export_id = $3"
)
async def find_export(db: Read, merchant_id: UUID, user_id: UUID, export_id: UUID) -> Export | None:
    """Finds a person's export; None for another person's or merchant's."""


@MERCHANT.statement("""
SELECT count(*) FROM exports WHERE state = 'working' AND beat_at > $3
  AND (merchant_id, export_id) <> ($1, $2)
""")
async def others_running(db: Read, merchant_id: UUID, export_id: UUID, since: datetime) -> int:
    """Counts other exports running, of all merchants, as far as they were heard of since then."""


class Run(NamedTuple):
    merchant_id: UUID
    export_id: UUID
    run_no: int


@MERCHANT.statement("""
SELECT merchant_id, export_id, run_no FROM exports WHERE state IN ('working', 'ready')
  AND export_id = ANY($1)
""")
async def living(db: Read, export_ids: Sequence[UUID]) -> list[Run]:
    """Runs of these exports whose file is being written or may be fetched."""


@MERCHANT.statement("SELECT count(*) = 1 FROM exports WHERE export_id = $1")
async def is_only_one(db: Read, export_id: UUID) -> bool:
    """True when no other merchant chose the same id."""


@stored("exports")
class NewExport(Row):
    """`wanted`: the request, as plain values; `said`: the same in words."""

    merchant_id: UUID
    export_id: UUID
    user_id: UUID
    form: str
    wanted: dict[str, Any]
    said: list[str]
    file_name: str
    request_id: str
    requested_at: datetime
    state: str = "asked"


@MERCHANT.statement(f"""
WITH standing AS MATERIALIZED (
  SELECT count(*) AS standing, count(*) FILTER (WHERE e.user_id = i.user_id
    AND e.state IN ('asked', 'working')) AS under_way
  FROM jsonb_populate_record(NULL::exports, $1) AS i JOIN exports e USING (merchant_id)
  WHERE e.state IN ('asked', 'working', 'ready')
)
{insert_of(NewExport, single=True)}, standing WHERE under_way < $2 AND standing < $3
ON CONFLICT (merchant_id, export_id) DO NOTHING RETURNING true
""")
async def ask_export(db: Tx, new: NewExport, under_way_max: int, standing_max: int) -> bool:
    """Requests an export; False for a repeat, or when there are as many as there may be: of one
    person under way, of one merchant that stand. Under the merchant's lock."""


@MERCHANT.statement("""
SELECT run_id FROM exports
WHERE merchant_id = $1 AND export_id = $2 AND state IN ('asked', 'working') FOR NO KEY UPDATE
""")
async def _lock_run(db: Tx, merchant_id: UUID, export_id: UUID) -> UUID | None: ...


@MERCHANT.statement(f"""
UPDATE exports SET state = 'working', run_no = run_no + 1, rows_done = 0, bytes_done = 0,
  beat_at = $3, run_id = $4
WHERE merchant_id = $1 AND export_id = $2 AND state IN ('asked', 'working') RETURNING {EXPORT}
""")
async def _begin_run(
    db: Tx, merchant_id: UUID, export_id: UUID, at: datetime, run_id: UUID
) -> Export | None: ...


async def begin_run(
    db: Tx, merchant_id: UUID, export_id: UUID, at: datetime, run_id: UUID
) -> Export | None:
    """Begins a run of the export, whose former one loses its parts; None when it has ended."""
    if (former := await _lock_run(db, merchant_id, export_id)) is not None:
        await drop_parts(db, merchant_id, former)
    return await _begin_run(db, merchant_id, export_id, at, run_id)


class OverRun(Row):
    merchant_id: UUID
    export_id: UUID
    run_id: UUID


@MERCHANT.statement("""
SELECT merchant_id, export_id, run_id FROM exports
WHERE run_id IS NOT NULL AND state NOT IN ('working', 'ready') LIMIT 100
""")
async def over_runs(db: Read) -> list[OverRun]:
    """Some runs whose parts nobody may have any more."""


@MERCHANT.statement("""
UPDATE exports SET run_id = NULL WHERE merchant_id = $1 AND export_id = $2 AND run_id = $3
  AND state NOT IN ('working', 'ready')
""")
async def _forget_run(db: Tx, merchant_id: UUID, export_id: UUID, run_id: UUID) -> None: ...


async def end_parts(db: Tx, run: OverRun) -> None:
    """Drops the parts of a run that is over."""
    await drop_parts(db, run.merchant_id, run.run_id)
    await _forget_run(db, run.merchant_id, run.export_id, run.run_id)


@MERCHANT.statement("""
UPDATE exports SET rows_done = $4, bytes_done = $5, total = coalesce($6, total), beat_at = $7
WHERE merchant_id = $1 AND export_id = $2 AND run_no = $3 AND state = 'working' RETURNING true
""")
async def beat(
    db: Tx,
    merchant_id: UUID,
    export_id: UUID,
    run_no: int,
    rows: int,
    size: int,
    total: int | None,
    at: datetime,
) -> bool:
    """Records how far the run is. False: it was cancelled, or another run has taken over."""


class EndedRun(Row):
    """Its requester, and its name."""

    user_id: UUID
    file_name: str


@MERCHANT.statement("""
UPDATE exports SET state = $4, rows_done = $5, bytes_done = $6, why = $7, finished_at = $8,
  gone_at = $9, parts = $10
WHERE merchant_id = $1 AND export_id = $2 AND run_no = $3 AND state = 'working'
  RETURNING user_id, file_name
""")
async def end_run(
    db: Tx,
    merchant_id: UUID,
    export_id: UUID,
    run_no: int,
    state: str,
    rows: int,
    size: int,
    why: Kept | None,
    at: datetime,
    gone_at: datetime | None,
    parts: int,
) -> EndedRun | None:
    """Ends the run. None: it was cancelled, or another run has taken over."""


@MERCHANT.statement("""
UPDATE exports SET state = CASE WHEN state = 'ready' THEN 'gone' ELSE 'cancelled' END,
  wanted = '{}', said = '[]', finished_at = coalesce(finished_at, $4), gone_at = NULL
WHERE merchant_id = $1 AND export_id = $2 AND user_id = $3
  AND state IN ('asked', 'working', 'ready') RETURNING true
""")
async def cancel_run(
    db: Tx, merchant_id: UUID, export_id: UUID, user_id: UUID, at: datetime
) -> bool:
    """Ends what is under way, forgets what is ready. False when there is nothing of this person's
    to end."""


@MERCHANT.statement("""
UPDATE exports SET state = 'gone', wanted = '{}', said = '[]',
  run_id = CASE WHEN gone_at - finished_at < $2 THEN run_id END
WHERE state = 'ready' AND gone_at <= $1
""")
async def forget_exports(db: Tx, wall: datetime, kept: timedelta) -> None:
    """Marks exports whose time is over as gone. The parts of those that were `kept` as long as they
    may are left to their day, which is dropped."""


async def end_files_of(db: Tx, merchant_id: UUID, wall: datetime) -> None:
    """Every file of the merchant's orders goes now."""
    await _cancel_searches(db, merchant_id, wall)
    await _end_all(db, merchant_id, wall)


# What is being written has read of somebody who shall be forgotten: it begins anew, unless it is of
# words that were searched for. Whatever has ended keeps no words.
@MERCHANT.statement("""
UPDATE exports SET state = 'cancelled', wanted = '{}', said = '[]', finished_at = $2
WHERE merchant_id = $1 AND state IN ('asked', 'working') AND wanted -> 'filter' ->> 'text' <> ''
""")
async def _cancel_searches(db: Tx, merchant_id: UUID, wall: datetime) -> None:
    """Cancels exports under way of words that were searched for."""


@MERCHANT.statement("""
UPDATE exports SET gone_at = CASE WHEN state = 'ready' THEN $2::timestamptz END,
  run_no = run_no + CASE WHEN state = 'working' THEN 1 ELSE 0 END,
  wanted = CASE WHEN state = 'working' THEN wanted ELSE '{}' END,
  said = CASE WHEN state = 'working' THEN said ELSE '[]' END,
  state = CASE WHEN state = 'working' THEN 'asked' ELSE state END
WHERE merchant_id = $1 AND state IN ('working', 'ready', 'refused') AND wanted <> '{}'
""")
async def _end_all(db: Tx, merchant_id: UUID, wall: datetime) -> None:
    """Whatever has ended, and a run that is under way."""


AT_ONCE: Final = 1_000
FIRST_SECONDS: Final = 120.0
# What a file shows as a text is made one by the server.
TEXTS: Final = {"order_id": "h.order_id::text", "site_id": "h.site_id::text"}


async def all_orders(
    connection: asyncpg.Connection,
    order_filter: OrderFilter,
    by: OrderBy,
    fields: Sequence[str],
    *,
    newest_first: bool,
) -> AsyncIterator[list[tuple[object, ...]]]:
    """Streams these fields of AT_ONCE rows at a time, by a cursor of the server's: memory does not
    grow with the list. The server makes the next rows while these are used."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        sql, values = await export_statement(
            connection, order_filter, by, fields, newest_first=newest_first
        )
        cursor = await connection.cursor(sql, *values, timeout=FIRST_SECONDS)
        ahead = asyncio.ensure_future(cursor.fetch(AT_ONCE, timeout=FIRST_SECONDS))
        try:
            while records := await ahead:
                ahead = asyncio.ensure_future(cursor.fetch(AT_ONCE, timeout=FIRST_SECONDS))
                await asyncio.sleep(0)  # so that it is asked before these are used
                yield list(map(tuple, records))
        finally:
            with suppress(Exception):
                await ahead


async def export_statement(
    connection: asyncpg.Connection,
    order_filter: OrderFilter,
    by: OrderBy,
    fields: Sequence[str],
    *,
    newest_first: bool,
) -> tuple[str, list[object]]:
    search = (await search_of(connection, order_filter)).words_first()
    args = Arguments(order_filter.merchant_id)
    where = every_condition(order_filter, search, args)
    row = rows_of(f"order_heads h {search.joins}", fields, TEXTS)
    return f"{row} WHERE {' AND '.join(where)} ORDER BY {ORDERS[by, newest_first]}", args.values
