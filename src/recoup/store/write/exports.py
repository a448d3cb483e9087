"""Exports: requested, worked on by one run after the other, ended once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.read.exports import EXPORT, Export
from recoup.store.statement import Row, Tx, statement
from recoup.store.write.sites import lock_merchant


class NewExport(Row, frozen=True):
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


async def ask_export(db: Tx, new: NewExport, *, under_way_max: int, standing_max: int) -> bool:
    """False for a repeat, or when there are as many as there may be."""
    await lock_merchant(db, new.merchant_id)
    return await _ask(
        db,
        new.merchant_id,
        new.export_id,
        new.user_id,
        new.form,
        new.wanted,
        new.said,
        new.file_name,
        new.request_id,
        new.requested_at,
        under_way_max,
        standing_max,
    )


# One person may have so many under way, one merchant so many files that stand. Under the merchant's lock.
@statement(
    MERCHANT,
    """
INSERT INTO exports (merchant_id, export_id, user_id, form, state, wanted, said, file_name, request_id, requested_at)
SELECT $1, $2, $3, $4, 'asked', $5, $6, $7, $8, $9
WHERE (SELECT count(*) FROM exports WHERE merchant_id = $1 AND user_id = $3 AND state IN ('asked', 'working')) < $10
  AND (SELECT count(*) FROM exports WHERE merchant_id = $1 AND state IN ('asked', 'working', 'ready')) < $11
ON CONFLICT (merchant_id, export_id) DO NOTHING RETURNING true
""",
)
async def _ask(
    db: Tx,
    merchant_id: UUID,
    export_id: UUID,
    user_id: UUID,
    form: str,
    wanted: dict[str, Any],
    said: list[str],
    file_name: str,
    request_id: str,
    requested_at: datetime,
    under_way_max: int,
    standing_max: int,
) -> bool:
    """Whether it is there now, and was not before."""


@statement(
    MERCHANT,
    f"""
UPDATE exports SET state = 'working', run_no = run_no + 1, rows_done = 0, bytes_done = 0, beat_at = $3
WHERE merchant_id = $1 AND export_id = $2 AND state IN ('asked', 'working') RETURNING {EXPORT}
""",
)
async def begin_run(db: Tx, merchant_id: UUID, export_id: UUID, at: datetime) -> Export | None:
    """None when it has ended."""


@statement(
    MERCHANT,
    """
UPDATE exports SET rows_done = $4, bytes_done = $5, total = coalesce($6, total), beat_at = $7
WHERE merchant_id = $1 AND export_id = $2 AND run_no = $3 AND state = 'working' RETURNING true
""",
)
async def beat(
    db: Tx, merchant_id: UUID, export_id: UUID, run_no: int, rows: int, size: int, total: int | None, at: datetime
) -> bool:
    """How far it is. False: it was cancelled, or another run has taken over."""


class EndedRun(Row, frozen=True):
    """Its requester, and its name."""

    user_id: UUID
    file_name: str


@statement(
    MERCHANT,
    """
UPDATE exports SET state = $4, rows_done = $5, bytes_done = $6, why = $7, finished_at = $8, gone_at = $9
WHERE merchant_id = $1 AND export_id = $2 AND run_no = $3 AND state = 'working' RETURNING user_id, file_name
""",
)
async def end_run(
    db: Tx,
    merchant_id: UUID,
    export_id: UUID,
    run_no: int,
    state: str,
    rows: int,
    size: int,
    why: str | None,
    at: datetime,
    gone_at: datetime | None,
) -> EndedRun | None:
    """None: it was cancelled, or another run has taken over."""


@statement(
    MERCHANT,
    """
UPDATE exports SET state = CASE WHEN state = 'ready' THEN 'gone' ELSE 'cancelled' END,
  wanted = '{}', said = '[]', finished_at = coalesce(finished_at, $4), gone_at = NULL
WHERE merchant_id = $1 AND export_id = $2 AND user_id = $3 AND state IN ('asked', 'working', 'ready') RETURNING true
""",
)
async def cancel_run(db: Tx, merchant_id: UUID, export_id: UUID, user_id: UUID, at: datetime) -> bool:
    """Ends what is under way, forgets what is ready. False when there is nothing of this person's to end."""


@statement(
    MERCHANT,
    """
UPDATE exports SET state = 'gone', wanted = '{}', said = '[]' WHERE state = 'ready' AND gone_at <= $1
RETURNING export_id
""",
)
async def forget_exports(db: Tx, wall: datetime) -> list[UUID]:
    """Those whose time is over."""


async def end_files_of(db: Tx, merchant_id: UUID, wall: datetime) -> None:
    """Every file of the merchant's orders goes now."""
    await _cancel_searches(db, merchant_id, wall)
    await _end_all(db, merchant_id, wall)


# What is being written has read of somebody who shall be forgotten: it begins anew, unless it is of words that were
# searched for. Whatever has ended keeps no words.
@statement(
    MERCHANT,
    """
UPDATE exports SET state = 'cancelled', wanted = '{}', said = '[]', finished_at = $2
WHERE merchant_id = $1 AND state IN ('asked', 'working') AND wanted -> 'filter' ->> 'text' <> ''
""",
)
async def _cancel_searches(db: Tx, merchant_id: UUID, wall: datetime) -> None:
    """What is under way, of words that were searched for."""


@statement(
    MERCHANT,
    """
UPDATE exports SET gone_at = CASE WHEN state = 'ready' THEN $2::timestamptz END,
  run_no = run_no + CASE WHEN state = 'working' THEN 1 ELSE 0 END,
  wanted = CASE WHEN state = 'working' THEN wanted ELSE '{}' END,
  said = CASE WHEN state = 'working' THEN said ELSE '[]' END,
  state = CASE WHEN state = 'working' THEN 'asked' ELSE state END
WHERE merchant_id = $1 AND state IN ('working', 'ready', 'refused') AND wanted <> '{}'
""",
)
async def _end_all(db: Tx, merchant_id: UUID, wall: datetime) -> None:
    """Whatever has ended, and a run that is under way."""
