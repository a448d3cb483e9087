"""A model that was made, and the choice of one. Neither is ever changed."""

from datetime import datetime
from typing import Any

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Tx, statement


@statement(
    DIRECTORY,
    """
INSERT INTO models (name, content, sha256, data_from, data_until, attempts, payers, held_from, held_attempts, score,
  compared_with, compared_score, score_error, made_at, made_by)
SELECT name, content, sha256, data_from, data_until, attempts, payers, held_from, held_attempts, score,
  compared_with, compared_score, score_error, made_at, made_by
FROM jsonb_populate_record(NULL::models, $1)
ON CONFLICT DO NOTHING RETURNING name
""",
)
async def add_model(db: Tx, row: dict[str, Any]) -> bool:
    """False for one that is there already."""


@statement(
    DIRECTORY,
    """
INSERT INTO model_choices (choice_no, name, back_to, why, actor, chosen_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING choice_no
""",
)
async def add_choice(
    db: Tx, number: int, name: str | None, back_to: int | None, why: str, actor: str, at: datetime
) -> bool:
    """False where somebody else has just made that choice."""
