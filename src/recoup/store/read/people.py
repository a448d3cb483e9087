"""Who may look at what: users, their sessions, and the merchants that their memberships reach. People database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

MERCHANTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class User:
    user_id: UUID
    email: str
    name: str
    password_hash: str
    active: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    user_id: UUID
    email: str
    name: str
    csrf: str
    world: str
    merchant_id: UUID | None
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """A merchant that somebody may see, and as what: owner, operations, analyst or developer.

    `own_role`: by memberships that are not a partner's, None without; `partner_id`: whose membership reaches it, too.
    """

    merchant_id: UUID
    name: str
    role: str
    own_role: str | None = None
    partner_id: UUID | None = None


# Not the analyst's and the developer's role: they may look at every merchant, not decide.
_OPERATOR: Final = """
SELECT EXISTS (SELECT FROM memberships WHERE user_id = $1 AND subject_kind = 'operator' AND world = $2
  AND role IN ('owner', 'operations'))
"""
_USER: Final = """
SELECT user_id, email, name, password_hash, state = 'active' FROM users WHERE email = $1
"""
_SESSION: Final = """
SELECT u.user_id, u.email, u.name, s.csrf, s.world, s.merchant_id, s.seen_at, s.expires_at
FROM sessions s JOIN users u USING (user_id)
WHERE s.session_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3 AND u.state = 'active'
"""
# The strongest role of all memberships that reach the merchant, and of those that are not a partner's.
_REACH: Final = """
SELECT w.merchant_id, w.name, (array_agg(m.role ORDER BY o.rank))[1] AS role,
  (array_agg(m.role ORDER BY o.rank) FILTER (WHERE m.subject_kind <> 'partner'))[1] AS own_role,
  CASE WHEN bool_or(m.subject_kind = 'partner') THEN w.partner_id END AS partner_id
FROM merchant_worlds w
JOIN memberships m ON m.user_id = $1 AND m.world = w.world AND CASE m.subject_kind WHEN 'operator' THEN true
  WHEN 'partner' THEN m.subject_id = w.partner_id ELSE m.subject_id = w.merchant_id END
CROSS JOIN LATERAL array_position(ARRAY['owner', 'operations', 'developer', 'analyst'], m.role) AS o(rank)
WHERE w.world = $2 AND ($3::uuid IS NULL OR w.merchant_id = $3)
GROUP BY w.merchant_id, w.name, w.partner_id
ORDER BY lower(w.name), w.merchant_id LIMIT $4
"""


async def find_user(connection: asyncpg.Connection, email: str) -> User | None:
    row = await connection.fetchrow(_USER, email)
    return User(*row.values()) if row else None


async def find_session(
    connection: asyncpg.Connection, session_hash: bytes, now: datetime, seen_after: datetime
) -> SessionRow | None:
    """None for one that is unknown, over, idle since before `seen_after`, or of a blocked user. Wall time."""
    row = await connection.fetchrow(_SESSION, session_hash, now, seen_after)
    return SessionRow(*row.values()) if row else None


async def reachable(
    connection: asyncpg.Connection, user_id: UUID, world: str, *, merchant_id: UUID | None = None
) -> list[Reach]:
    """The merchants by name, at most MERCHANTS_MAX; with `merchant_id` that one, or none when it is out of reach."""
    rows = await connection.fetch(_REACH, user_id, world, merchant_id, MERCHANTS_MAX)
    return [Reach(*row.values()) for row in rows]


async def is_operator(connection: asyncpg.Connection, user_id: UUID, world: str) -> bool:
    """Whether somebody may decide for the operator in this world: money, bank accounts, disputes."""
    return await connection.fetchval(_OPERATOR, user_id, world)  # type: ignore[no-any-return]


async def partner_roles(connection: asyncpg.Connection, user_id: UUID, world: str) -> list[tuple[UUID, str]]:
    """The partners that somebody belongs to in this world, and as what; the oldest membership first."""
    sql = """
    SELECT subject_id, role FROM memberships WHERE user_id = $1 AND subject_kind = 'partner' AND world = $2
    ORDER BY created_at, subject_id
    """
    return [(row["subject_id"], row["role"]) for row in await connection.fetch(sql, user_id, world)]


async def names_of(connection: asyncpg.Connection, user_ids: Sequence[UUID]) -> dict[UUID, str]:
    rows = await connection.fetch("SELECT user_id, name FROM users WHERE user_id = ANY($1::uuid[])", list(user_ids))
    return {row["user_id"]: row["name"] for row in rows}


async def belongs_in(connection: asyncpg.Connection, user_id: UUID, world: str) -> bool:
    """Whether any merchant of this world is theirs to see, or they are the operator's."""
    sql = """
    SELECT EXISTS (SELECT FROM memberships m WHERE m.user_id = $1 AND m.world = $2
      AND (m.subject_kind = 'operator' OR EXISTS (
      SELECT FROM merchant_worlds w WHERE w.world = $2 AND CASE m.subject_kind
        WHEN 'partner' THEN w.partner_id = m.subject_id ELSE w.merchant_id = m.subject_id END)))
    """
    return await connection.fetchval(sql, user_id, world)  # type: ignore[no-any-return]


async def is_active(connection: asyncpg.Connection, user_id: UUID) -> bool:
    """Whether they may be signed in at all."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM users WHERE user_id = $1 AND state = 'active')", user_id
    )
    return found
