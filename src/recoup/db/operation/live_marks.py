"""Marks that the live check remembers."""

from datetime import datetime

from recoup.db.statement import DIRECTORY, Read, Row, Tx


class LiveMark(Row):
    name: str
    mark: str
    actor: str
    marked_at: datetime


@DIRECTORY.statement("SELECT name, mark, actor, marked_at FROM live_marks ORDER BY name")
async def live_marks(db: Read) -> list[LiveMark]: ...


@DIRECTORY.statement("""
INSERT INTO live_marks (name, mark, actor, marked_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET mark = EXCLUDED.mark, actor = EXCLUDED.actor,
  marked_at = EXCLUDED.marked_at
""")
async def set_mark(db: Tx, name: str, mark: str, actor: str, at: datetime) -> None: ...


@DIRECTORY.statement("DELETE FROM live_marks WHERE name = $1 RETURNING name")
async def drop_mark(db: Tx, name: str) -> bool:
    """Drops a mark; False where there was none."""
