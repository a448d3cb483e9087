"""The check values of the keys that a database was written with."""

from collections.abc import Collection, Mapping

import asyncpg

Key = tuple[str, str]  # purpose, key id

_LOCK = "LOCK TABLE key_checks IN SHARE ROW EXCLUSIVE MODE"
_CHECKS = "SELECT purpose, key_id, value FROM key_checks"
_RETIRING = "SELECT purpose, key_id FROM key_checks WHERE retiring"
_RETIRE = """
UPDATE key_checks SET retiring = true WHERE (purpose, key_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_ADD = """
INSERT INTO key_checks (purpose, key_id, value) SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[])
ON CONFLICT DO NOTHING
"""
_DROP = "DELETE FROM key_checks WHERE (purpose, key_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
_SECRETS = {
    False: "SELECT 'webhook:' || merchant_id AS context, webhook_key AS sealed FROM merchants"
    " WHERE webhook_key IS NOT NULL LIMIT 1",
    True: "SELECT 'totp:' || user_id AS context, sealed_secret AS sealed FROM second_factors"
    " WHERE sealed_secret IS NOT NULL LIMIT 1",
}
_CARD = "SELECT merchant_id, token_id, kek_id, wrapped_dek, nonce, ciphertext FROM vault LIMIT 1"
_WORLD_IN_USE = "SELECT EXISTS (SELECT FROM merchants)"
_PEOPLE_IN_USE = "SELECT EXISTS (SELECT FROM users)"


async def lock_checks(connection: asyncpg.Connection) -> None:
    """Of several that bring keys to a new database one is the first. In an open transaction."""
    await connection.execute(_LOCK)


async def key_checks(connection: asyncpg.Connection) -> dict[Key, bytes]:
    return {(row["purpose"], row["key_id"]): row["value"] for row in await connection.fetch(_CHECKS)}


async def add_checks(connection: asyncpg.Connection, checks: Mapping[Key, bytes]) -> None:
    purposes, ids = [key[0] for key in checks], [key[1] for key in checks]
    await connection.execute(_ADD, purposes, ids, list(checks.values()))


async def retiring_keys(connection: asyncpg.Connection) -> set[Key]:
    """Those that nothing needs any more: they may be there or not."""
    return {(row["purpose"], row["key_id"]) for row in await connection.fetch(_RETIRING)}


async def retire_checks(connection: asyncpg.Connection, keys: Collection[Key]) -> None:
    await connection.execute(_RETIRE, [key[0] for key in keys], [key[1] for key in keys])


async def drop_checks(connection: asyncpg.Connection, keys: Collection[Key]) -> None:
    await connection.execute(_DROP, [key[0] for key in keys], [key[1] for key in keys])


async def is_in_use(connection: asyncpg.Connection, *, people: bool) -> bool:
    """Whether anything was written with keys: a merchant, or somebody who signs in."""
    return bool(await connection.fetchval(_PEOPLE_IN_USE if people else _WORLD_IN_USE))


async def sealed_by_keys(
    connection: asyncpg.Connection, *, people: bool
) -> tuple[list[tuple[str, bytes]], asyncpg.Record | None]:
    """What only the right keys open, of each kind one where there is one: secrets with their context, a card."""
    secrets = [(row["context"], row["sealed"]) for row in await connection.fetch(_SECRETS[people])]
    return secrets, None if people else await connection.fetchrow(_CARD)
