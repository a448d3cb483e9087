"""What the nightly training found. A line is never changed; retention drops it after a year."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read, Row, Tx
from recoup.store.table import insert_of, stored


@stored("trainings")
class TrainingLine(Row, frozen=True):
    """`attempts`: that were read. `model`: what was made, kept or not. The scores are mean log-losses."""

    began_at: datetime
    ended_at: datetime
    mode: Literal["candidate", "take"]
    result: Literal["taken", "candidate", "not_better", "too_little", "failed"]
    attempts: int
    model: str | None
    compared_with: str | None
    score: float | None
    compared_score: float | None
    note: str


@DIRECTORY.statement("""
SELECT began_at, ended_at, mode, result, attempts, model, compared_with, score, compared_score, note
FROM trainings ORDER BY began_at DESC LIMIT 1
""")
async def last_training(db: Read) -> TrainingLine | None:
    """None: there was none yet."""


@DIRECTORY.statement("""
SELECT name FROM models
WHERE made_by = $1 AND made_at > coalesce((SELECT max(chosen_at) FROM model_choices), '-infinity')
ORDER BY made_at DESC, name LIMIT 1
""")
async def standing_candidate(db: Read, made_by: str) -> str | None:
    """The newest model that it made since somebody last chose one."""


@DIRECTORY.statement(f"{insert_of(TrainingLine)} ON CONFLICT DO NOTHING")
async def _add_trainings(db: Tx, rows: Sequence[TrainingLine]) -> None: ...


async def add_training(db: Tx, row: TrainingLine) -> None:
    """Once for each beginning."""
    await _add_trainings(db, [row])
