"""Users, memberships, sessions, and how often a sign-in failed. People database; wall time throughout."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

_USER: Final = """
INSERT INTO users (user_id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name, password_hash = EXCLUDED.password_hash, state = 'active'
RETURNING user_id
"""
_NEW_USER: Final = """
INSERT INTO users (user_id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (email) DO NOTHING RETURNING user_id
"""
_MEMBERSHIP: Final = """
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (user_id, subject_kind, subject_id, world) DO UPDATE SET role = EXCLUDED.role
"""
_PARTNER: Final = """
INSERT INTO partners (partner_id, name, created_at) VALUES ($1, $2, $3)
ON CONFLICT (partner_id) DO UPDATE SET name = EXCLUDED.name
"""
_MERCHANT: Final = """
INSERT INTO merchant_worlds (merchant_id, world, partner_id, name) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, world) DO UPDATE SET partner_id = EXCLUDED.partner_id, name = EXCLUDED.name
"""
_HEIRS: Final = """
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world)
SELECT user_id, 'merchant', $2, role, $3, $4 FROM memberships
WHERE subject_kind = 'merchant' AND subject_id = $1 AND role = 'owner' AND world = $4
ON CONFLICT DO NOTHING
"""
_GO_ALONG: Final = """
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world)
SELECT user_id, subject_kind, subject_id, role, $3, $5 FROM memberships m
WHERE world = $4 AND (subject_kind, subject_id) IN (('merchant', $1::uuid), ('partner', $2::uuid))
  AND NOT EXISTS (SELECT FROM memberships x
    WHERE x.subject_kind = m.subject_kind AND x.subject_id = m.subject_id AND x.world = $5)
ON CONFLICT DO NOTHING
"""
_SESSION: Final = """
INSERT INTO sessions (session_hash, user_id, csrf, world, merchant_id, created_at, seen_at, expires_at, address,
  browser)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)
"""
# Counted before the password is looked at, so that many guesses at once count one by one. A pause does not grow.
_CHARGE: Final = """
INSERT INTO signin_failures AS f (bucket, fails, until) VALUES ($1, 1, $3)
ON CONFLICT (bucket) DO UPDATE SET
  fails = CASE WHEN f.until <= $2 THEN 1 ELSE f.fails + 1 END,
  until = CASE WHEN f.until > $2 AND f.fails >= $4 THEN f.until ELSE $3 END
RETURNING fails, until
"""


async def save_user(
    connection: asyncpg.Connection, user_id: UUID, email: str, name: str, password_hash: str, now: datetime
) -> UUID:
    """Makes the user, or gives the one with this e-mail the new name and password; answers the user's id."""
    return await connection.fetchval(_USER, user_id, email, name, password_hash, now)  # type: ignore[no-any-return]


async def lock_email(connection: asyncpg.Connection, email: str) -> None:
    """Until the transaction ends nobody else signs up with this e-mail; whether it has an account does not matter."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"sign-up:{email}")


async def add_user(
    connection: asyncpg.Connection, user_id: UUID, email: str, name: str, password_hash: str, now: datetime
) -> UUID | None:
    """None when the e-mail has a user already, which stays as it is."""
    return await connection.fetchval(  # type: ignore[no-any-return]
        _NEW_USER, user_id, email, name, password_hash, now
    )


async def hold_user(tx: asyncpg.Connection, user_id: UUID) -> str | None:
    """Nobody else changes how they sign in, or signs in as them, until the transaction ends. The password's hash; None
    for somebody who is blocked."""
    sql = "SELECT password_hash FROM users WHERE user_id = $1 AND state = 'active' FOR NO KEY UPDATE"
    return await tx.fetchval(sql, user_id)  # type: ignore[no-any-return]


async def lock_user(tx: asyncpg.Connection, user_id: UUID) -> None:
    """What is this person's is counted and made one by one until the transaction ends."""
    await tx.execute("SELECT FROM users WHERE user_id = $1 FOR NO KEY UPDATE", user_id)


async def save_password(connection: asyncpg.Connection, user_id: UUID, password_hash: str) -> None:
    await connection.execute("UPDATE users SET password_hash = $2 WHERE user_id = $1", user_id, password_hash)


async def save_membership(
    connection: asyncpg.Connection, user_id: UUID, subject_kind: str, subject_id: UUID, role: str, now: datetime,
    world: str,
) -> None:  # fmt: skip
    """It holds in this world alone."""
    await connection.execute(_MEMBERSHIP, user_id, subject_kind, subject_id, role, now, world)


async def save_partner(connection: asyncpg.Connection, partner_id: UUID, name: str, now: datetime) -> None:
    await connection.execute(_PARTNER, partner_id, name, now)


async def save_merchant(
    connection: asyncpg.Connection, merchant_id: UUID, world: str, partner_id: UUID | None, name: str
) -> None:
    await connection.execute(_MERCHANT, merchant_id, world, partner_id, name)


async def save_heirs(connection: asyncpg.Connection, old_id: UUID, new_id: UUID, now: datetime, world: str) -> None:
    """The owners of one merchant own another, in this world."""
    await connection.execute(_HEIRS, old_id, new_id, now, world)


async def take_along(
    connection: asyncpg.Connection, merchant_id: UUID, partner_id: UUID | None, now: datetime, old: str, new: str
) -> None:
    """Who belongs to the merchant or its partner in the old world does in the new one, as what they are now; not where
    it has members there already, who invite others themselves."""
    await connection.execute(_GO_ALONG, merchant_id, partner_id, now, old, new)


async def insert_session(
    connection: asyncpg.Connection, session_hash: bytes, user_id: UUID, csrf: str, world: str,
    merchant_id: UUID | None, now: datetime, expires_at: datetime, address: str, browser: str,
) -> None:  # fmt: skip
    await connection.execute(_SESSION, session_hash, user_id, csrf, world, merchant_id, now, expires_at, address,
                             browser)  # fmt: skip


async def touch_session(connection: asyncpg.Connection, session_hash: bytes, now: datetime) -> None:
    await connection.execute("UPDATE sessions SET seen_at = $2 WHERE session_hash = $1", session_hash, now)


async def choose_merchant(connection: asyncpg.Connection, session_hash: bytes, merchant_id: UUID) -> None:
    await connection.execute("UPDATE sessions SET merchant_id = $2 WHERE session_hash = $1", session_hash, merchant_id)


async def choose_world(connection: asyncpg.Connection, session_hash: bytes, world: str) -> None:
    await connection.execute("UPDATE sessions SET world = $2 WHERE session_hash = $1", session_hash, world)


async def delete_session(connection: asyncpg.Connection, session_hash: bytes) -> None:
    await connection.execute("DELETE FROM sessions WHERE session_hash = $1", session_hash)


async def delete_old_sessions(connection: asyncpg.Connection, user_id: UUID, now: datetime) -> None:
    await connection.execute("DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2", user_id, now)


async def charge_sign_in(
    connection: asyncpg.Connection, bucket: str, now: datetime, until: datetime, fails_max: int
) -> tuple[int, datetime]:
    """Counts one try; answers how many there are and until when they are remembered."""
    row = await connection.fetchrow(_CHARGE, bucket, now, until, fails_max)
    return row["fails"], row["until"]


async def forgive_sign_ins(connection: asyncpg.Connection, buckets: list[str]) -> None:
    await connection.execute("DELETE FROM signin_failures WHERE bucket = ANY($1::text[])", buckets)
