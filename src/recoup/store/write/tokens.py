"""Refresh tokens, kept as keyed hashes; each works once."""

from datetime import datetime

import asyncpg


async def add_refresh_token(
    connection: asyncpg.Connection, token_hash: bytes, app_key: str, expires_at: datetime
) -> None:
    await connection.execute("INSERT INTO refresh_tokens VALUES ($1, $2, $3)", token_hash, app_key, expires_at)


async def take_refresh_token(connection: asyncpg.Connection, token_hash: bytes, now: datetime) -> str | None:
    """The app key it was given to, or None when it is unknown, used or too old."""
    sql = "DELETE FROM refresh_tokens WHERE token_hash = $1 AND expires_at > $2 RETURNING app_key"
    return await connection.fetchval(sql, token_hash, now)  # type: ignore[no-any-return]


async def note_first_token(connection: asyncpg.Connection, app_key: str, at: datetime) -> None:
    """Writes once in a key's life."""
    sql = "UPDATE api_keys SET first_token_at = $2 WHERE app_key = $1 AND first_token_at IS NULL"
    await connection.execute(sql, app_key, at)
