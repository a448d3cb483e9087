"""What the nightly training found."""

from typing import Final

import asyncpg

_LAST: Final = "SELECT * FROM trainings ORDER BY began_at DESC LIMIT 1"
_CANDIDATE: Final = """
SELECT name FROM models
WHERE made_by = $1 AND made_at > coalesce((SELECT max(chosen_at) FROM model_choices), '-infinity')
ORDER BY made_at DESC, name LIMIT 1
"""


async def last_training(connection: asyncpg.Connection) -> asyncpg.Record | None:
    """None: there was none yet."""
    return await connection.fetchrow(_LAST)


async def standing_candidate(connection: asyncpg.Connection, made_by: str) -> str | None:
    """The newest model that it made since somebody last chose one."""
    return await connection.fetchval(_CANDIDATE, made_by)  # type: ignore[no-any-return]
