"""What the nightly training found. A line is never changed; retention drops it after a year."""

from typing import Any

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Tx, statement


@statement(
    DIRECTORY,
    """
INSERT INTO trainings (began_at, ended_at, mode, result, attempts, model, compared_with, score, compared_score, note)
SELECT began_at, ended_at, mode, result, attempts, model, compared_with, score, compared_score, note
FROM jsonb_populate_record(NULL::trainings, $1)
ON CONFLICT DO NOTHING
""",
)
async def add_training(db: Tx, row: dict[str, Any]) -> None:
    """`row` names every column."""
