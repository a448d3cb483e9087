"""A model that was made, and the choice of one. Neither is ever changed."""

from typing import Any, Final

import asyncpg

_ADD: Final = """
INSERT INTO models (name, content, sha256, data_from, data_until, attempts, payers, held_from, held_attempts, score,
  compared_with, compared_score, score_error, made_at, made_by)
SELECT name, content, sha256, data_from, data_until, attempts, payers, held_from, held_attempts, score,
  compared_with, compared_score, score_error, made_at, made_by
FROM jsonb_populate_record(NULL::models, $1)
ON CONFLICT DO NOTHING RETURNING name
"""
_CHOOSE: Final = """
INSERT INTO model_choices (choice_no, name, back_to, why, actor, chosen_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING choice_no
"""


async def add_model(connection: asyncpg.Connection, row: dict[str, Any]) -> bool:
    """False for one that is there already."""
    return await connection.fetchval(_ADD, row) is not None


async def add_choice(
    connection: asyncpg.Connection, number: int, name: str | None, back_to: int | None, why: str, actor: str, at: Any
) -> bool:  # fmt: skip
    """False where somebody else has just made that choice."""
    return await connection.fetchval(_CHOOSE, number, name, back_to, why, actor, at) is not None
