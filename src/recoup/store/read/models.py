"""Models of the rescue engine, and which of them decides."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

LISTED_MAX: Final = 100
_CHOICE: Final = """
SELECT choice_no, name, back_to, why, actor, chosen_at FROM model_choices ORDER BY choice_no DESC LIMIT 1
"""
_ONE_CHOICE: Final = "SELECT choice_no, name, back_to FROM model_choices WHERE choice_no = $1"
_CONTENT: Final = "SELECT content, sha256 FROM models WHERE name = $1"
_FIELDS: Final = """
m.name, m.sha256, length(m.content) AS bytes, m.data_from, m.data_until, m.attempts, m.payers, m.held_from,
  m.held_attempts, m.score, m.compared_with, m.compared_score, m.score_error, m.made_at, m.made_by,
  (SELECT max(c.chosen_at) FROM model_choices c WHERE c.name = m.name) AS taken_at
"""
_LIST: Final = f"SELECT {_FIELDS} FROM models m ORDER BY m.made_at DESC, m.name LIMIT $1"
_SHOW: Final = f"SELECT {_FIELDS} FROM models m WHERE m.name = $1"
_NAMES: Final = "SELECT name FROM models ORDER BY name"


async def last_choice(connection: asyncpg.Connection) -> asyncpg.Record | None:
    """None: nobody ever chose."""
    return await connection.fetchrow(_CHOICE)


async def find_choice(connection: asyncpg.Connection, choice_no: int) -> asyncpg.Record | None:
    return await connection.fetchrow(_ONE_CHOICE, choice_no)


async def content_of(connection: asyncpg.Connection, name: str) -> tuple[str, str] | None:
    """The model as it is stored, and the hash that it was stored with."""
    row = await connection.fetchrow(_CONTENT, name)
    return (row["content"], row["sha256"]) if row is not None else None


async def list_models(connection: asyncpg.Connection, limit: int = LISTED_MAX) -> Sequence[Any]:
    """The newest first."""
    return await connection.fetch(_LIST, limit)  # type: ignore[no-any-return]


async def find_model(connection: asyncpg.Connection, name: str) -> asyncpg.Record | None:
    return await connection.fetchrow(_SHOW, name)


async def model_names(connection: asyncpg.Connection) -> list[str]:
    return [row["name"] for row in await connection.fetch(_NAMES)]
