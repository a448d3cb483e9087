"""The switch of all sending. What is about to send reads it after the locks that it took, so in a
transaction with an id: who has switched it off waits for those that were begun before
(`open_since`)."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import DIRECTORY, Read, Row, Tx


class SendingStop(Row):
    why: str
    actor: str
    stopped_at: datetime


@DIRECTORY.statement("SELECT why, actor, stopped_at FROM sending_stops WHERE ended_at IS NULL")
async def standing_stop(db: Read) -> SendingStop | None: ...


@DIRECTORY.statement("""
INSERT INTO sending_stops (stop_id, why, actor, stopped_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING stop_id
""")
async def stop_sending(db: Tx, stop_id: UUID, why: str, actor: str, at: datetime) -> bool:
    """Stops sending; False when it is stopped already."""


@DIRECTORY.statement(
    "UPDATE sending_stops SET ended_by = $1, ended_at = $2 WHERE ended_at IS NULL RETURNING stop_id"
)
async def resume_sending(db: Tx, actor: str, at: datetime) -> bool:
    """Resumes sending; False when it was not stopped."""


@DIRECTORY.statement("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
async def next_transaction(db: Read) -> int:
    """The number of a transaction that begins to write from here on."""


@DIRECTORY.statement("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint < $1")
async def open_since(db: Read, number: int) -> bool:
    """True when a transaction before that number may still commit."""
