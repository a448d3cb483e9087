"""What the nightly training found. A line is never changed; retention drops it after a year."""

from collections.abc import Sequence
from datetime import datetime

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Row, Tx, statement
from recoup.store.table import insert_of, stored


@stored("trainings")
class TrainingLine(Row, frozen=True):
    began_at: datetime
    ended_at: datetime
    mode: str
    result: str
    attempts: int
    model: str | None
    compared_with: str | None
    score: float | None
    compared_score: float | None
    note: str


@statement(DIRECTORY, f"{insert_of(TrainingLine)} ON CONFLICT DO NOTHING")
async def _add_trainings(db: Tx, rows: Sequence[TrainingLine]) -> None: ...


async def add_training(db: Tx, row: TrainingLine) -> None:
    """Once for each beginning."""
    await _add_trainings(db, [row])
