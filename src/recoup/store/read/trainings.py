"""What the nightly training found."""

from datetime import datetime
from typing import Literal

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read, Row, statement


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


@statement(
    DIRECTORY,
    """
SELECT began_at, ended_at, mode, result, attempts, model, compared_with, score, compared_score, note
FROM trainings ORDER BY began_at DESC LIMIT 1
""",
)
async def last_training(db: Read) -> TrainingLine | None:
    """None: there was none yet."""


@statement(
    DIRECTORY,
    """
SELECT name FROM models
WHERE made_by = $1 AND made_at > coalesce((SELECT max(chosen_at) FROM model_choices), '-infinity')
ORDER BY made_at DESC, name LIMIT 1
""",
)
async def standing_candidate(db: Read, made_by: str) -> str | None:
    """The newest model that it made since somebody last chose one."""
