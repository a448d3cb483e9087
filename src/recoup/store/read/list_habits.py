"""How somebody likes their list of orders, and the views that they saved. People database."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

VIEWS_MAX: Final = 30
SHARED_MAX: Final = 30  # of a merchant, in one world


@dataclass(frozen=True, slots=True)
class SavedView:
    """`query`: what stands behind the `?` of its list. `own`: the reader saved it. `maker`: who did, empty for the
    operator's people. `shared`: everybody of the merchant sees it."""

    view_id: UUID
    name: str
    query: str
    own: bool = True
    maker: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """`columns` empty: the usual ones. The views are those of one merchant: one's own, then what others share, each
    the oldest first."""

    zone: str = "GMT"
    columns: tuple[str, ...] = ()
    views: tuple[SavedView, ...] = ()


_HABITS: Final = """
SELECT h.zone, h.columns, v.view_id, v.name, v.query, v.own, v.maker, v.shared_in
FROM (SELECT $1::uuid AS user_id) u
LEFT JOIN list_habits h USING (user_id)
LEFT JOIN (
  (SELECT view_id, name, query, true AS own, '' AS maker, shared_in FROM saved_views
   WHERE user_id = $1 AND merchant_id = $2 ORDER BY view_id LIMIT $4)
  UNION ALL
  (SELECT s.view_id, s.name, s.query, false, CASE WHEN m.kinds @> '{operator}' AND NOT m.kinds @> '{merchant}' THEN ''
     ELSE m.name END, s.shared_in
   FROM saved_views s, LATERAL (
     SELECT w.name, ARRAY(SELECT subject_kind FROM memberships WHERE user_id = s.user_id) AS kinds
     FROM users w WHERE w.user_id = s.user_id) m
   WHERE s.merchant_id = $2 AND s.shared_in = $3 AND s.user_id <> $1 ORDER BY s.view_id LIMIT $5)
) v ON true
ORDER BY v.own DESC, v.view_id
"""
_STANDING: Final = """
SELECT user_id, shared_in IS NOT DISTINCT FROM $4 AS shared FROM saved_views
WHERE merchant_id = $2 AND view_id = $3 AND (user_id = $1 OR shared_in = $4) FOR UPDATE
"""


async def read_habits(connection: asyncpg.Connection, user_id: UUID, merchant_id: UUID, world: str) -> Habits:
    rows = await connection.fetch(_HABITS, user_id, merchant_id, world, VIEWS_MAX, SHARED_MAX)
    views = tuple(
        SavedView(row["view_id"], row["name"], row["query"], row["own"], row["maker"], row["shared_in"] == world)
        for row in rows if row["view_id"]
    )  # fmt: skip
    return Habits(rows[0]["zone"] or "GMT", tuple(rows[0]["columns"] or ()), views)


async def standing_view(
    tx: asyncpg.Connection, user_id: UUID, merchant_id: UUID, view_id: UUID, world: str
) -> asyncpg.Record | None:
    """Whose it is, and whether it is shared in this world; None when this person does not see it. Nobody else changes
    it until the transaction ends."""
    return await tx.fetchrow(_STANDING, user_id, merchant_id, view_id, world)


async def count_shared(connection: asyncpg.Connection, merchant_id: UUID, world: str) -> int:
    sql = "SELECT count(*) FROM saved_views WHERE merchant_id = $1 AND shared_in = $2"
    return int(await connection.fetchval(sql, merchant_id, world))


async def views_of(connection: asyncpg.Connection, merchant_id: UUID) -> list[SavedView]:
    """Everybody's of this merchant."""
    rows = await connection.fetch("SELECT view_id, name, query FROM saved_views WHERE merchant_id = $1", merchant_id)
    return [SavedView(**row) for row in rows]


async def read_zone(connection: asyncpg.Connection, user_id: UUID) -> str:
    """This person's; GMT for who chose none."""
    return await connection.fetchval("SELECT zone FROM list_habits WHERE user_id = $1", user_id) or "GMT"
