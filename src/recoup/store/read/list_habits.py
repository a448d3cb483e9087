"""How somebody likes their list of orders, and the views that they saved. People database."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

VIEWS_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class SavedView:
    """`query`: what stands behind the `?` of its list."""

    view_id: UUID
    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Habits:
    """`columns` empty: the usual ones. The views are those of one merchant, the oldest first."""

    zone: str = "GMT"
    columns: tuple[str, ...] = ()
    views: tuple[SavedView, ...] = ()


_HABITS: Final = """
SELECT h.zone, h.columns, v.view_id, v.name, v.query
FROM (SELECT $1::uuid AS user_id) u
LEFT JOIN list_habits h USING (user_id)
LEFT JOIN saved_views v ON v.user_id = u.user_id AND v.merchant_id = $2
ORDER BY v.view_id LIMIT $3
"""


async def read_habits(connection: asyncpg.Connection, user_id: UUID, merchant_id: UUID) -> Habits:
    rows = await connection.fetch(_HABITS, user_id, merchant_id, VIEWS_MAX)
    views = tuple(SavedView(row["view_id"], row["name"], row["query"]) for row in rows if row["view_id"])
    return Habits(rows[0]["zone"] or "GMT", tuple(rows[0]["columns"] or ()), views)


async def views_of(connection: asyncpg.Connection, merchant_id: UUID) -> list[SavedView]:
    """Everybody's of this merchant."""
    rows = await connection.fetch("SELECT view_id, name, query FROM saved_views WHERE merchant_id = $1", merchant_id)
    return [SavedView(**row) for row in rows]


async def read_zone(connection: asyncpg.Connection, user_id: UUID) -> str:
    """This person's; GMT for who chose none."""
    return await connection.fetchval("SELECT zone FROM list_habits WHERE user_id = $1", user_id) or "GMT"
