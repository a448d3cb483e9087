"""Keys of a merchant: they open the APIs, tokenize in browsers, or sign calls. Wall time.

`kinds`: api, tokenization, stablecoin. `by`: who makes or ends them, an actor's text.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Tx, statement


@statement(
    DIRECTORY,
    """
INSERT INTO api_keys (app_key, key_id, merchant_id, secret_hash, scopes, created_at, made_by, name)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""",
)
async def add_api_key(
    db: Tx,
    app_key: str,
    key_id: UUID,
    merchant_id: UUID,
    secret_hash: bytes,
    scopes: Sequence[str],
    at: datetime,
    by: str,
    name: str = "",
) -> None: ...


@statement(
    DIRECTORY,
    """
INSERT INTO tokenization_keys (environment_key, merchant_id, created_at, made_by, name) VALUES ($1, $2, $3, $4, $5)
""",
)
async def add_tokenization_key(db: Tx, key: str, merchant_id: UUID, at: datetime, by: str, name: str = "") -> None: ...


@statement(
    DIRECTORY,
    """
INSERT INTO signing_keys (key_id, merchant_id, secret, created_at, made_by, name) VALUES ($1, $2, $3, $4, $5, $6)
""",
)
async def add_signing_key(
    db: Tx, key_id: str, merchant_id: UUID, sealed: bytes, at: datetime, by: str, name: str = ""
) -> None: ...


# By each table's primary key: its cost depends on the keys named, not on how many there are.
@statement(
    DIRECTORY,
    """
WITH u AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS u (key, at)),
a AS (UPDATE api_keys k SET last_used_at = l.at FROM (
  SELECT app_key, u.at FROM api_keys JOIN u ON app_key = u.key
  WHERE coalesce(last_used_at < u.at, true) FOR UPDATE OF api_keys SKIP LOCKED) l WHERE k.app_key = l.app_key),
t AS (UPDATE tokenization_keys k SET last_used_at = l.at FROM (
  SELECT environment_key, u.at FROM tokenization_keys JOIN u ON environment_key = u.key
  WHERE coalesce(last_used_at < u.at, true) FOR UPDATE OF tokenization_keys SKIP LOCKED) l
  WHERE k.environment_key = l.environment_key),
p AS (UPDATE partner_keys k SET last_used_at = l.at FROM (
  SELECT app_key, u.at FROM partner_keys JOIN u ON app_key = u.key
  WHERE coalesce(last_used_at < u.at, true) FOR UPDATE OF partner_keys SKIP LOCKED) l WHERE k.app_key = l.app_key)
UPDATE signing_keys k SET last_used_at = l.at FROM (
  SELECT key_id, u.at FROM signing_keys JOIN u ON key_id = u.key
  WHERE coalesce(last_used_at < u.at, true) FOR UPDATE OF signing_keys SKIP LOCKED) l WHERE k.key_id = l.key_id
""",
)
async def _note_uses(db: Tx, keys: Sequence[str], at: Sequence[datetime]) -> None: ...


async def note_uses(db: Tx, uses: Mapping[str, datetime]) -> None:
    """When keys, also those of partners, last opened a call, by their public halves. A row that somebody else holds is
    noted another time."""
    keys = sorted(uses)
    await _note_uses(db, keys, [uses[key] for key in keys])


@statement(
    DIRECTORY,
    """
WITH a AS (UPDATE api_keys SET name = $4 WHERE merchant_id = $1 AND $2 = 'api'
    AND encode(sha256(convert_to(app_key, 'UTF8')), 'hex') = $3 RETURNING 1),
t AS (UPDATE tokenization_keys SET name = $4 WHERE merchant_id = $1 AND $2 = 'tokenization'
    AND encode(sha256(convert_to(environment_key, 'UTF8')), 'hex') = $3 RETURNING 1),
s AS (UPDATE signing_keys SET name = $4 WHERE merchant_id = $1 AND $2 = 'stablecoin'
    AND encode(sha256(convert_to(key_id, 'UTF8')), 'hex') = $3 RETURNING 1)
SELECT EXISTS (SELECT FROM a) OR EXISTS (SELECT FROM t) OR EXISTS (SELECT FROM s)
""",
)
async def name_key(db: Tx, merchant_id: UUID, kind: str, print_: str, name: str) -> bool:
    """False when the merchant has no such key."""


# A key that ends sooner still does. `$6`: one key's print, as reading tells it.
@statement(
    DIRECTORY,
    """
WITH a AS (
  UPDATE api_keys SET retires_at = $3, ended_by = $5,
    revoked_at = CASE WHEN $3::timestamptz <= $4::timestamptz THEN $4 END
  WHERE merchant_id = $1 AND 'api' = ANY ($2::text[]) AND revoked_at IS NULL AND coalesce(retires_at > $3, true)
    AND coalesce(encode(sha256(convert_to(app_key, 'UTF8')), 'hex') = $6::text, $6 IS NULL) RETURNING app_key AS key),
t AS (
  UPDATE tokenization_keys SET retires_at = $3, revoked_at = CASE WHEN $3 <= $4 THEN $4 END, ended_by = $5
  WHERE merchant_id = $1 AND 'tokenization' = ANY ($2) AND revoked_at IS NULL AND coalesce(retires_at > $3, true)
    AND coalesce(encode(sha256(convert_to(environment_key, 'UTF8')), 'hex') = $6, $6 IS NULL)
  RETURNING environment_key AS key),
s AS (
  UPDATE signing_keys SET retires_at = $3, revoked_at = CASE WHEN $3 <= $4 THEN $4 END, ended_by = $5
  WHERE merchant_id = $1 AND 'stablecoin' = ANY ($2) AND revoked_at IS NULL AND coalesce(retires_at > $3, true)
    AND coalesce(encode(sha256(convert_to(key_id, 'UTF8')), 'hex') = $6, $6 IS NULL) RETURNING key_id AS key),
e AS (
  INSERT INTO key_endings (key, ends_at)
  SELECT key, CASE WHEN $3 > $4 THEN $3 END FROM (TABLE a UNION ALL TABLE t UNION ALL TABLE s) k
  ON CONFLICT (key) DO UPDATE SET ends_at = EXCLUDED.ends_at, noted_at = now())
SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM t) + (SELECT count(*) FROM s)
""",
)
async def end_keys(
    db: Tx, merchant_id: UUID, kinds: Sequence[str], at: datetime, wall: datetime, by: str, *, only: str | None = None
) -> int:
    """How many end now, `at` the latest, that would have worked for longer; `only`: the one with this print."""
