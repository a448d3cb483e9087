"""A merchant's keys: they open the APIs, tokenize in browsers, or sign calls. Wall time. What is read of them never
has a secret: kind, print and last four.

`kinds`: api, tokenization, stablecoin. `by`: who makes or ends one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from recoup.store.merchants.key_endings import note_key_endings
from recoup.store.statement import DIRECTORY, MERCHANT, Read, Row, Tx

ROWS_MAX: Final = 60
_OF_KIND: Final = """
SELECT count(*) FROM (
  SELECT 'api' AS kind, revoked_at, retires_at, created_at FROM api_keys WHERE merchant_id = $1
  UNION ALL SELECT 'tokenization', revoked_at, retires_at, created_at FROM tokenization_keys WHERE merchant_id = $1
  UNION ALL SELECT 'stablecoin', revoked_at, retires_at, created_at FROM signing_keys WHERE merchant_id = $1) k
WHERE k.kind = $2
"""


# By the keys: of a merchant there may be very many that ended.
@DIRECTORY.statement("""
SELECT k.key FROM (
  (SELECT app_key AS key, merchant_id, revoked_at, retires_at FROM api_keys WHERE app_key = ANY($2) OFFSET 0)
  UNION ALL
  (SELECT environment_key, merchant_id, revoked_at, retires_at FROM tokenization_keys
    WHERE environment_key = ANY($2) OFFSET 0)
  UNION ALL
  (SELECT key_id, merchant_id, revoked_at, retires_at FROM signing_keys WHERE key_id = ANY($2) OFFSET 0)) k
WHERE k.merchant_id = $1 AND least(k.revoked_at, k.retires_at) <= $3
""")
async def keys_ended(db: Read, merchant_id: UUID, keys: Sequence[str], at: datetime) -> list[str]:
    """Those of them that open nothing any more."""


class MerchantKey(Row, frozen=True):
    """`key`: its public half. `print` names it in forms: what opens something is not written there."""

    id: UUID | None
    key: str
    kind: Literal["api", "tokenization", "stablecoin"]
    created_at: datetime
    ends_at: datetime | None
    made_by: str
    ended_by: str | None
    name: str
    last_used_at: datetime | None
    print: str


@DIRECTORY.statement(f"""
SELECT k.*, encode(sha256(convert_to(k.key, 'UTF8')), 'hex') AS print FROM (
  SELECT key_id AS id, app_key AS key, 'api' AS kind, created_at, least(revoked_at, retires_at) AS ends_at,
    made_by, ended_by, name, coalesce(last_used_at, first_token_at) AS last_used_at
  FROM api_keys WHERE merchant_id = $1
  UNION ALL
  SELECT NULL, environment_key, 'tokenization', created_at, least(revoked_at, retires_at), made_by, ended_by, name,
    last_used_at
  FROM tokenization_keys WHERE merchant_id = $1
  UNION ALL
  SELECT NULL, key_id, 'stablecoin', created_at, least(revoked_at, retires_at), made_by, ended_by, name, last_used_at
  FROM signing_keys WHERE merchant_id = $1) k
ORDER BY k.created_at DESC, k.kind LIMIT {ROWS_MAX}
""")
async def keys_of(db: Read, merchant_id: UUID) -> list[MerchantKey]:
    """Newest first, ended ones too."""


@DIRECTORY.statement(f"{_OF_KIND} AND k.revoked_at IS NULL AND coalesce(k.retires_at > $3, true)")
async def live_keys(db: Read, merchant_id: UUID, kind: str, at: datetime) -> int:
    """How many of the kind work `at` that wall time."""


@DIRECTORY.statement(f"{_OF_KIND} AND k.created_at > $3")
async def keys_made(db: Read, merchant_id: UUID, kind: str, since: datetime) -> int:
    """How many of the kind were made since, ended ones too."""


@DIRECTORY.statement("""
INSERT INTO api_keys (app_key, key_id, merchant_id, secret_hash, scopes, created_at, made_by, name)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""")
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


@DIRECTORY.statement("""
INSERT INTO tokenization_keys (environment_key, merchant_id, created_at, made_by, name) VALUES ($1, $2, $3, $4, $5)
""")
async def add_tokenization_key(db: Tx, key: str, merchant_id: UUID, at: datetime, by: str, name: str = "") -> None: ...


@DIRECTORY.statement("""
INSERT INTO signing_keys (key_id, merchant_id, secret, created_at, made_by, name) VALUES ($1, $2, $3, $4, $5, $6)
""")
async def add_signing_key(
    db: Tx, key_id: str, merchant_id: UUID, sealed: bytes, at: datetime, by: str, name: str = ""
) -> None: ...


# By each table's primary key: its cost depends on the keys named, not on how many there are.
def _uses(table: str, key: str) -> str:
    return f"""
UPDATE {table} k SET last_used_at = l.at FROM (
  SELECT {key}, u.at FROM {table} JOIN unnest($1::text[], $2::timestamptz[]) AS u (key, at) ON {key} = u.key
  WHERE coalesce(last_used_at < u.at, true) FOR UPDATE OF {table} SKIP LOCKED) l
WHERE k.{key} = l.{key}
"""


@DIRECTORY.statement(_uses("api_keys", "app_key"))
async def _use_api_keys(db: Tx, keys: Sequence[str], at: Sequence[datetime]) -> None: ...


@DIRECTORY.statement(_uses("tokenization_keys", "environment_key"))
async def _use_tokenization_keys(db: Tx, keys: Sequence[str], at: Sequence[datetime]) -> None: ...


@DIRECTORY.statement(_uses("partner_keys", "app_key"))
async def _use_partner_keys(db: Tx, keys: Sequence[str], at: Sequence[datetime]) -> None: ...


@DIRECTORY.statement(_uses("signing_keys", "key_id"))
async def _use_signing_keys(db: Tx, keys: Sequence[str], at: Sequence[datetime]) -> None: ...


async def note_uses(db: Tx, uses: Mapping[str, datetime]) -> None:
    """When keys, also those of partners, last opened a call, by their public halves. A row that somebody else holds is
    noted another time."""
    keys = sorted(uses)
    at = [uses[key] for key in keys]
    for use in (_use_api_keys, _use_tokenization_keys, _use_partner_keys, _use_signing_keys):
        await use(db, keys, at)


def _name(table: str, key: str) -> str:
    return f"""
UPDATE {table} SET name = $3
WHERE merchant_id = $1 AND encode(sha256(convert_to({key}, 'UTF8')), 'hex') = $2 RETURNING true
"""


@DIRECTORY.statement(_name("api_keys", "app_key"))
async def _name_api_key(db: Tx, merchant_id: UUID, print_: str, name: str) -> bool: ...


@DIRECTORY.statement(_name("tokenization_keys", "environment_key"))
async def _name_tokenization_key(db: Tx, merchant_id: UUID, print_: str, name: str) -> bool: ...


@DIRECTORY.statement(_name("signing_keys", "key_id"))
async def _name_signing_key(db: Tx, merchant_id: UUID, print_: str, name: str) -> bool: ...


async def name_key(db: Tx, merchant_id: UUID, kind: str, print_: str, name: str) -> bool:
    """False when the merchant has no such key."""
    return kind in _NAME and await _NAME[kind](db, merchant_id, print_, name)


_NAME: Final = {"api": _name_api_key, "tokenization": _name_tokenization_key, "stablecoin": _name_signing_key}


# A key that ends sooner still does. `$5`: one key's print, as reading tells it.
def _end(table: str, key: str) -> str:
    return f"""
UPDATE {table} SET retires_at = $2, ended_by = $4,
  revoked_at = CASE WHEN $2::timestamptz <= $3::timestamptz THEN $3 END
WHERE merchant_id = $1 AND revoked_at IS NULL AND coalesce(retires_at > $2, true)
  AND coalesce(encode(sha256(convert_to({key}, 'UTF8')), 'hex') = $5::text, $5 IS NULL)
RETURNING {key}
"""


@DIRECTORY.statement(_end("api_keys", "app_key"))
async def _end_api_keys(
    db: Tx, merchant_id: UUID, at: datetime, wall: datetime, by: str, only: str | None
) -> list[str]: ...


@DIRECTORY.statement(_end("tokenization_keys", "environment_key"))
async def _end_tokenization_keys(
    db: Tx, merchant_id: UUID, at: datetime, wall: datetime, by: str, only: str | None
) -> list[str]: ...


@DIRECTORY.statement(_end("signing_keys", "key_id"))
async def _end_signing_keys(
    db: Tx, merchant_id: UUID, at: datetime, wall: datetime, by: str, only: str | None
) -> list[str]: ...


async def end_keys(
    db: Tx, merchant_id: UUID, kinds: Sequence[str], at: datetime, wall: datetime, by: str, *, only: str | None = None
) -> int:
    """How many end now, `at` the latest, that would have worked for longer; `only`: the one with this print."""
    ended = [key for kind in _END if kind in kinds for key in await _END[kind](db, merchant_id, at, wall, by, only)]
    await note_key_endings(db, dict.fromkeys(ended, at if at > wall else None))
    return len(ended)


_END: Final = {"api": _end_api_keys, "tokenization": _end_tokenization_keys, "stablecoin": _end_signing_keys}


@MERCHANT.statement("INSERT INTO refresh_tokens VALUES ($1, $2, $3)")
async def add_refresh_token(db: Tx, token_hash: bytes, app_key: str, expires_at: datetime) -> None: ...


@MERCHANT.statement("DELETE FROM refresh_tokens WHERE token_hash = $1 AND expires_at > $2 RETURNING app_key")
async def take_refresh_token(db: Tx, token_hash: bytes, now: datetime) -> str | None:
    """The app key it was given to, or None when it is unknown, used or too old."""


@DIRECTORY.statement("UPDATE api_keys SET first_token_at = $2 WHERE app_key = $1 AND first_token_at IS NULL")
async def note_first_token(db: Tx, app_key: str, at: datetime) -> None:
    """Writes once in a key's life."""


class TokenizationKey(Row, frozen=True):
    environment_key: str
    created_at: datetime
    retires_at: datetime | None


@DIRECTORY.statement("""
SELECT environment_key, created_at, retires_at FROM tokenization_keys
WHERE merchant_id = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
ORDER BY created_at DESC, environment_key
""")
async def open_tokenization_keys(db: Read, merchant_id: UUID, at: datetime) -> list[TokenizationKey]:
    """Those that open something `at` that wall time, newest first."""


class SigningKey(NamedTuple):
    """`secret`: sealed."""

    merchant_id: UUID
    secret: bytes


@DIRECTORY.statement("""
SELECT merchant_id, secret FROM signing_keys
WHERE key_id = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
""")
async def find_signing_key(db: Read, key_id: str, at: datetime) -> SigningKey | None:
    """None for an unknown key, and for one that has ended `at` that wall time."""
