"""Keys of a merchant: they open the APIs, tokenize in browsers, or sign calls. Wall time.

`kinds`: api, tokenization, stablecoin. `by`: who makes or ends them, an actor's text.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

_API = """
INSERT INTO api_keys (app_key, key_id, merchant_id, secret_hash, scopes, created_at, made_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_TOKENIZATION = """
INSERT INTO tokenization_keys (environment_key, merchant_id, created_at, made_by) VALUES ($1, $2, $3, $4)
"""
_SIGNING = """
INSERT INTO signing_keys (key_id, merchant_id, secret, created_at, made_by) VALUES ($1, $2, $3, $4, $5)
"""
# A key that ends sooner still does. `$6`: one key's print, as reading tells it.
_END = """
WITH a AS (
  UPDATE api_keys SET retires_at = $3, ended_by = $5,
    revoked_at = CASE WHEN $3::timestamptz <= $4::timestamptz THEN $4 END
  WHERE merchant_id = $1 AND 'api' = ANY ($2::text[]) AND revoked_at IS NULL AND coalesce(retires_at > $3, true)
    AND coalesce(encode(sha256(convert_to(app_key, 'UTF8')), 'hex') = $6::text, $6 IS NULL) RETURNING 1),
t AS (
  UPDATE tokenization_keys SET retires_at = $3, revoked_at = CASE WHEN $3 <= $4 THEN $4 END, ended_by = $5
  WHERE merchant_id = $1 AND 'tokenization' = ANY ($2) AND revoked_at IS NULL AND coalesce(retires_at > $3, true)
    AND coalesce(encode(sha256(convert_to(environment_key, 'UTF8')), 'hex') = $6, $6 IS NULL) RETURNING 1),
s AS (
  UPDATE signing_keys SET retires_at = $3, revoked_at = CASE WHEN $3 <= $4 THEN $4 END, ended_by = $5
  WHERE merchant_id = $1 AND 'stablecoin' = ANY ($2) AND revoked_at IS NULL AND coalesce(retires_at > $3, true)
    AND coalesce(encode(sha256(convert_to(key_id, 'UTF8')), 'hex') = $6, $6 IS NULL) RETURNING 1)
SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM t) + (SELECT count(*) FROM s)
"""


async def add_api_key(
    connection: asyncpg.Connection, app_key: str, key_id: UUID, merchant_id: UUID, secret_hash: bytes,
    scopes: Sequence[str], at: datetime, by: str,
) -> None:  # fmt: skip
    await connection.execute(_API, app_key, key_id, merchant_id, secret_hash, list(scopes), at, by)


async def add_tokenization_key(
    connection: asyncpg.Connection, key: str, merchant_id: UUID, at: datetime, by: str
) -> None:
    await connection.execute(_TOKENIZATION, key, merchant_id, at, by)


async def add_signing_key(
    connection: asyncpg.Connection, key_id: str, merchant_id: UUID, sealed: bytes, at: datetime, by: str
) -> None:
    await connection.execute(_SIGNING, key_id, merchant_id, sealed, at, by)


async def end_keys(
    connection: asyncpg.Connection, merchant_id: UUID, kinds: Sequence[str], at: datetime, wall: datetime, by: str,
    *, only: str | None = None,
) -> int:  # fmt: skip
    """How many end now, `at` the latest, that would have worked for longer; `only`: the one with this print."""
    return int(await connection.fetchval(_END, merchant_id, list(kinds), at, wall, by, only))
