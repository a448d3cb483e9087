"""Second factors, recovery codes, and sign-ins that wait for a code. People database; wall time.

Whoever changes how a person signs in holds the person first (`write/people.hold_user`): of two with the same code one
comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

_FACTOR: Final = """
SELECT sealed_secret, since, last_step, codes_key, codes_at, sealed_offer, offered_to, offered_at
FROM second_factors WHERE user_id = $1
"""
_OFFER: Final = """
INSERT INTO second_factors AS f (user_id, sealed_offer, offered_to, offered_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id) DO UPDATE SET sealed_offer = EXCLUDED.sealed_offer, offered_to = EXCLUDED.offered_to,
  offered_at = EXCLUDED.offered_at
WHERE f.sealed_offer IS NULL OR f.offered_to <> EXCLUDED.offered_to OR f.offered_at <= $5
"""
_TAKE: Final = """
UPDATE second_factors SET sealed_secret = $2, since = $4, last_step = $3, codes_key = $5, codes_at = $4,
  sealed_offer = NULL, offered_to = NULL, offered_at = NULL
WHERE user_id = $1
"""
_HALF: Final = "INSERT INTO half_sign_ins (token_hash, user_id, world, expires_at) VALUES ($1, $2, $3, $4)"
_OWN_HALF: Final = """
SELECT user_id, done_at, done_by FROM half_sign_ins WHERE token_hash = $1 AND world = $2 AND expires_at > $3
"""
_RULE: Final = """
INSERT INTO second_factor_rules (subject_kind, subject_id, name, made_by, made_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING made_at
"""


@dataclass(frozen=True, slots=True)
class Factor:
    """A person's row."""

    sealed_secret: bytes | None
    since: datetime | None
    last_step: int
    codes_key: bytes | None
    codes_at: datetime | None
    sealed_offer: bytes | None
    offered_to: bytes | None
    offered_at: datetime | None


async def factor_of(tx: asyncpg.Connection, user_id: UUID) -> Factor | None:
    row = await tx.fetchrow(_FACTOR, user_id)
    return Factor(*row.values()) if row else None


async def offer(
    tx: asyncpg.Connection, user_id: UUID, sealed: bytes, session: bytes, now: datetime, over_before: datetime
) -> None:
    """One that this session was offered since `over_before` stays: a form sent twice shows the same."""
    await tx.execute(_OFFER, user_id, sealed, session, now, over_before)


async def take_offer(
    tx: asyncpg.Connection, user_id: UUID, sealed: bytes, step: int, now: datetime, codes_key: bytes
) -> None:
    """What was offered counts from now on; `step` opens nothing more."""
    await tx.execute(_TAKE, user_id, sealed, step, now, codes_key)


async def withdraw_offer(tx: asyncpg.Connection, user_id: UUID) -> None:
    sql = """
    UPDATE second_factors SET sealed_offer = NULL, offered_to = NULL, offered_at = NULL WHERE user_id = $1
    """
    await tx.execute(sql, user_id)


async def spend_step(tx: asyncpg.Connection, user_id: UUID, step: int) -> bool:
    """Whether nothing was opened by it or a later one yet."""
    sql = "UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2 RETURNING 1"
    return await tx.fetchval(sql, user_id, step) is not None


async def spend_recovery(tx: asyncpg.Connection, user_id: UUID, code_hash: bytes, now: datetime) -> str:
    """`spent`, `used` before, or `unknown`."""
    sql = """
    UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING 1
    """
    if await tx.fetchval(sql, user_id, code_hash, now) is not None:
        return "spent"
    known = "SELECT 1 FROM recovery_codes WHERE user_id = $1 AND code_hash = $2"
    return "used" if await tx.fetchval(known, user_id, code_hash) is not None else "unknown"


async def replace_recovery(tx: asyncpg.Connection, user_id: UUID, hashes: Sequence[bytes]) -> None:
    await tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    await tx.execute("INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])",
                     user_id, list(hashes))  # fmt: skip


async def note_codes(tx: asyncpg.Connection, user_id: UUID, codes_key: bytes, now: datetime) -> None:
    await tx.execute("UPDATE second_factors SET codes_key = $2, codes_at = $3 WHERE user_id = $1",
                     user_id, codes_key, now)  # fmt: skip


async def forget_factor(tx: asyncpg.Connection, user_id: UUID) -> bool:
    """With its recovery codes. Whether there was one that counted."""
    await tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    sql = "DELETE FROM second_factors WHERE user_id = $1 RETURNING sealed_secret IS NOT NULL"
    return bool(await tx.fetchval(sql, user_id))


async def add_half(
    tx: asyncpg.Connection, token_hash: bytes, user_id: UUID, world: str, expires_at: datetime
) -> None:
    await tx.execute(_HALF, token_hash, user_id, world, expires_at)


async def half_of(tx: asyncpg.Connection, token_hash: bytes, world: str, now: datetime) -> asyncpg.Record | None:
    """`user_id`, `done_at`, `done_by`; None for one that is unknown or over."""
    return await tx.fetchrow(_OWN_HALF, token_hash, world, now)


async def end_half(tx: asyncpg.Connection, token_hash: bytes, done_by: bytes, now: datetime) -> None:
    await tx.execute("UPDATE half_sign_ins SET done_at = $3, done_by = $2 WHERE token_hash = $1",
                     token_hash, done_by, now)  # fmt: skip


async def forget_halves(tx: asyncpg.Connection, user_id: UUID) -> None:
    await tx.execute("DELETE FROM half_sign_ins WHERE user_id = $1", user_id)


async def make_rule(
    tx: asyncpg.Connection, subject: tuple[str, UUID], name: str, by: UUID, now: datetime
) -> bool:
    """Whether there was none."""
    return await tx.fetchval(_RULE, *subject, name, by, now) is not None


async def end_rule(tx: asyncpg.Connection, subject: tuple[str, UUID]) -> bool:
    """Whether there was one."""
    sql = "DELETE FROM second_factor_rules WHERE subject_kind = $1 AND subject_id = $2 RETURNING 1"
    return await tx.fetchval(sql, *subject) is not None
