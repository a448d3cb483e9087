"""Who has a second factor, and who must. People database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from recoup.rules.people.who_must import Bound

ASKED_MAX: Final = 20
# Whose member somebody is; at a merchant also the people of its partner. The operator's have a rule of theirs.
_BOUND: Final = """
SELECT EXISTS (SELECT FROM second_factors f WHERE f.user_id = $1 AND f.sealed_secret IS NOT NULL) AS has,
  ARRAY(SELECT r.name FROM second_factor_rules r WHERE EXISTS (
    SELECT FROM memberships m WHERE m.user_id = $1 AND (m.subject_kind = r.subject_kind AND m.subject_id = r.subject_id
      OR m.subject_kind = 'partner' AND r.subject_kind = 'merchant' AND EXISTS (
        SELECT FROM merchant_worlds w WHERE w.merchant_id = r.subject_id AND w.partner_id = m.subject_id)))
    ORDER BY lower(r.name) LIMIT $2) AS asked_by,
  EXISTS (SELECT FROM memberships WHERE user_id = $1 AND subject_kind = 'operator') AS is_staff
"""
_STATE: Final = """
SELECT f.since, f.codes_at, f.sealed_offer, f.offered_to, f.offered_at,
  (SELECT count(*) FROM recovery_codes c WHERE c.user_id = $1 AND c.used_at IS NULL) AS codes_left
FROM second_factors f WHERE f.user_id = $1
"""


@dataclass(frozen=True, slots=True)
class FactorState:
    """`since` None: there is none that counts."""

    since: datetime | None = None
    codes_at: datetime | None = None
    sealed_offer: bytes | None = None
    offered_to: bytes | None = None
    offered_at: datetime | None = None
    codes_left: int = 0


async def bound_by(connection: asyncpg.Connection, user_id: UUID) -> Bound:
    row = await connection.fetchrow(_BOUND, user_id, ASKED_MAX)
    return Bound(*row.values())


async def factor_state(connection: asyncpg.Connection, user_id: UUID) -> FactorState:
    row = await connection.fetchrow(_STATE, user_id)
    return FactorState(*row.values()) if row else FactorState()


async def sealed_secret(connection: asyncpg.Connection, user_id: UUID) -> bytes | None:
    return await connection.fetchval(  # type: ignore[no-any-return]
        "SELECT sealed_secret FROM second_factors WHERE user_id = $1", user_id
    )


async def is_half(connection: asyncpg.Connection, token_hash: bytes, world: str, now: datetime) -> UUID | None:
    """Whose sign-in waits for a code."""
    sql = """
    SELECT user_id FROM half_sign_ins WHERE token_hash = $1 AND world = $2 AND expires_at > $3 AND done_at IS NULL
    """
    return await connection.fetchval(sql, token_hash, world, now)  # type: ignore[no-any-return]


async def who_asks(connection: asyncpg.Connection, subject: tuple[str, UUID]) -> asyncpg.Record | None:
    """`made_at` and `made_by_name` of the subject's rule; None without one."""
    sql = """
    SELECT r.made_at, u.name AS made_by_name FROM second_factor_rules r JOIN users u ON u.user_id = r.made_by
    WHERE r.subject_kind = $1 AND r.subject_id = $2
    """
    return await connection.fetchrow(sql, *subject)


async def with_factor(connection: asyncpg.Connection, user_ids: list[UUID]) -> set[UUID]:
    sql = "SELECT user_id FROM second_factors WHERE user_id = ANY($1::uuid[]) AND sealed_secret IS NOT NULL"
    return {row["user_id"] for row in await connection.fetch(sql, user_ids)}


async def memberships_of(connection: asyncpg.Connection, user_id: UUID) -> list[tuple[str, UUID, str, str]]:
    """All of them: kind, id, role, world."""
    sql = "SELECT subject_kind, subject_id, role, world FROM memberships WHERE user_id = $1"
    return [tuple(row.values()) for row in await connection.fetch(sql, user_id)]
