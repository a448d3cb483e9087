"""A merchant's keys: they open the APIs, tokenize in browsers, or sign calls. Wall time. What is
read of them never has a secret: kind, print and last four.

`kinds`: api, tokenization, stablecoin. `by`: who makes or ends one.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx
from recoup.keys.store.key_endings import note_key_endings

ROWS_MAX: Final = 60
_OF_KIND: Final = """
SELECT count(*) FROM (
  SELECT 'api' AS kind, revoked_at, retires_at, created_at FROM api_keys WHERE merchant_id = $1
  UNION ALL SELECT 'tokenization', revoked_at, retires_at, created_at FROM tokenization_keys
    WHERE merchant_id = $1
  UNION ALL SELECT 'stablecoin', revoked_at, retires_at, created_at FROM signing_keys
    WHERE merchant_id = $1) k
WHERE k.kind = $2
"""


# By the keys: of a merchant there may be very many that ended.
@DIRECTORY.statement("""
SELECT k.key FROM (
  (SELECT app_key AS key, merchant_id, revoked_at, retires_at FROM api_keys
    WHERE app_key = ANY($2) OFFSET 0)
  UNION ALL
  (SELECT environment_key, merchant_id, revoked_at, retires_at FROM tokenization_keys
    WHERE environment_key = ANY($2) OFFSET 0)
  UNION ALL
  (SELECT key_id, merchant_id, revoked_at, retires_at FROM signing_keys
    WHERE key_id = ANY($2) OFFSET 0)) k
WHERE k.merchant_id = $1 AND least(k.revoked_at, k.retires_at) <= $3
""")
async def keys_ended(db: Read, merchant_id: UUID, keys: Sequence[str], at: datetime) -> list[str]:
    """Keys among these that open nothing any more."""


class MerchantKey(Row):
    """`key`: its public half. `print` names it in forms: what opens something is not written
    there."""

    id: UUID | None
    key: str
    kind: Literal["api", "tokenization", "stablecoin", "partner"]
    created_at: datetime
    ends_at: datetime | None
    made_by: str
    ended_by: str | None
    name: str
    last_used_at: datetime | None
    scopes: list[str]
    requested: list[str]
    print: str


@DIRECTORY.statement(f"""
SELECT k.*, encode(sha256(convert_to(k.key, 'UTF8')), 'hex') AS print FROM (
  SELECT key_id AS id, app_key AS key, 'api' AS kind, created_at, least(revoked_at,
    retires_at) AS ends_at,
    made_by, ended_by, name, coalesce(last_used_at, first_token_at) AS last_used_at, scopes,
      requested
  FROM api_keys WHERE merchant_id = $1
  UNION ALL
  SELECT NULL, environment_key, 'tokenization', created_at, least(revoked_at, retires_at), made_by,
    ended_by, name,
    last_used_at, '{{}}', '{{}}'
  FROM tokenization_keys WHERE merchant_id = $1
  UNION ALL
  SELECT NULL, key_id, 'stablecoin', created_at, least(revoked_at, retires_at), made_by, ended_by,
    name, last_used_at,
    scopes, requested
  FROM signing_keys WHERE merchant_id = $1
  UNION ALL
  SELECT key_id, app_key, 'partner', created_at, least(revoked_at, retires_at), made_by, ended_by,
    name, last_used_at,
    scopes, requested
  FROM partner_keys WHERE partner_id = $1) k
ORDER BY k.created_at DESC, k.kind LIMIT {ROWS_MAX}
""")
async def keys_of(db: Read, owner_id: UUID) -> list[MerchantKey]:
    """A merchant's, or a partner's. Newest first, ended ones too."""


@DIRECTORY.statement(f"{_OF_KIND} AND k.revoked_at IS NULL AND coalesce(k.retires_at > $3, true)")
async def live_keys(db: Read, merchant_id: UUID, kind: str, at: datetime) -> int:
    """Counts the keys of the kind that work `at` that wall time."""


@DIRECTORY.statement(f"{_OF_KIND} AND k.created_at > $3")
async def keys_made(db: Read, merchant_id: UUID, kind: str, since: datetime) -> int:
    """Counts the keys of the kind made since, ended ones too."""


P = ParamSpec("P")
R = TypeVar("R")
Takes = Callable[P, Awaitable[R]]
Calls = dict[str, Callable[P, Coroutine[Any, Any, R]]]
# kind -> its table, the column of its public half, and that of its owner
_TABLES: Final = {
    "api": ("api_keys", "app_key", "merchant_id"),
    "tokenization": ("tokenization_keys", "environment_key", "merchant_id"),
    "partner": ("partner_keys", "app_key", "partner_id"),
    "stablecoin": ("signing_keys", "key_id", "merchant_id"),
}


def _of_each(sql: str, *kinds: str) -> Callable[[Takes[P, R]], Calls[P, R]]:
    """Declares the function below as a statement on the table of each kind, all without any named:
    by kind."""

    def declare(function: Takes[P, R]) -> Calls[P, R]:
        tables = {kind: _TABLES[kind] for kind in kinds or _TABLES}
        return {
            kind: DIRECTORY.statement(sql.format(table=table, key=key, owner=owner))(function)
            for kind, (table, key, owner) in tables.items()
        }

    return declare


@_of_each(
    """
INSERT INTO {table} (app_key, key_id, {owner}, secret_hash, scopes, requested, created_at, made_by,
  name)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
""",
    "api",
    "partner",
)
async def add_key(
    db: Tx,
    app_key: str,
    key_id: UUID,
    owner_id: UUID,
    secret_hash: bytes,
    scopes: Sequence[str],
    requested: Sequence[str],
    at: datetime,
    by: str,
    name: str,
) -> None: ...


@DIRECTORY.statement("""
INSERT INTO tokenization_keys (environment_key, merchant_id, created_at, made_by, name)
  VALUES ($1, $2, $3, $4, $5)
""")
async def add_tokenization_key(
    db: Tx, key: str, merchant_id: UUID, at: datetime, by: str, name: str
) -> None: ...


@DIRECTORY.statement("""
INSERT INTO signing_keys (key_id, merchant_id, secret, scopes, requested, created_at, made_by, name)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""")
async def add_signing_key(
    db: Tx,
    key_id: str,
    merchant_id: UUID,
    sealed: bytes,
    scopes: Sequence[str],
    requested: Sequence[str],
    at: datetime,
    by: str,
    name: str,
) -> None: ...


@DIRECTORY.statement("""
SELECT k.both FROM (
  SELECT scopes || requested AS both, created_at FROM api_keys WHERE merchant_id = $1 AND $2 = 'api'
  UNION ALL SELECT scopes || requested, created_at FROM signing_keys WHERE merchant_id = $1
    AND $2 = 'stablecoin'
  UNION ALL SELECT scopes || requested, created_at FROM partner_keys WHERE partner_id = $1
    AND $2 = 'partner'
  ORDER BY created_at DESC LIMIT 1) k
""")
async def scopes_before(db: Read, owner_id: UUID, kind: str) -> tuple[str, ...] | None:
    """Scopes of the newest key of the kind, `partner` among them, with those it waits for."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM refund_limits WHERE merchant_id = $1 AND role = $2
  AND coalesce(refund_max_units, day_max_units, second_from_units) IS NOT NULL)
""")
async def has_limits(db: Read, merchant_id: UUID, role: str) -> bool:
    """True when people with the role may refund less than all, or not alone."""


# By each table's primary key: its cost depends on the keys named, not on how many there are.
@_of_each("""
UPDATE {table} k SET last_used_at = l.at FROM (
  SELECT {key}, u.at FROM {table} JOIN unnest($1::text[], $2::timestamptz[]) AS u (key,
    at) ON {key} = u.key
  WHERE coalesce(last_used_at < u.at, true) FOR UPDATE OF {table} SKIP LOCKED) l
WHERE k.{key} = l.{key}
""")
async def _use(db: Tx, keys: Sequence[str], at: Sequence[datetime]) -> None: ...


async def note_uses(db: Tx, uses: Mapping[str, datetime]) -> None:
    """Notes when keys, also those of partners, last opened a call, by their public halves. A row
    that somebody else holds is noted another time."""
    keys = sorted(uses)
    for use in _use.values():
        await use(db, keys, [uses[key] for key in keys])


@_of_each("""
UPDATE {table} SET name = $3
WHERE {owner} = $1 AND encode(sha256({key}::bytea), 'hex') = $2 RETURNING true
""")
async def _name(db: Tx, owner_id: UUID, print_: str, name: str) -> bool: ...


async def name_key(db: Tx, owner_id: UUID, kind: str, print_: str, name: str) -> bool:
    """Names a key; False when the merchant, or partner, has no such key."""
    return kind in _name and await _name[kind](db, owner_id, print_, name)


@_of_each(
    """
UPDATE {table} SET scopes = CASE WHEN $4 THEN scopes || requested
  ELSE scopes END, requested = '{{}}'
WHERE {owner} = $1 AND encode(sha256({key}::bytea), 'hex') = $2 AND requested <> '{{}}'
  AND position(':' || $3 || ' ' IN made_by || ' ') = 0 RETURNING true
""",
    "api",
    "partner",
    "stablecoin",
)
async def _decide(db: Tx, owner_id: UUID, print_: str, by: str, approve: bool) -> bool: ...


async def decide_scopes(db: Tx, owner_id: UUID, print_: str, by: str, *, approve: bool) -> bool:
    """Grants, or not, what a key of this merchant, or partner, waits for. False where there is
    none, or they made it themselves."""
    return any([await decide(db, owner_id, print_, by, approve) for decide in _decide.values()])


# A key that ends sooner still does. `$5`: one key's print, as reading tells it.
@_of_each("""
UPDATE {table} SET retires_at = $2, ended_by = $4,
  revoked_at = CASE WHEN $2::timestamptz <= $3::timestamptz THEN $3 END
WHERE {owner} = $1 AND revoked_at IS NULL AND coalesce(retires_at > $2, true)
  AND ($5::text IS NULL OR encode(sha256({key}::bytea), 'hex') = $5)
RETURNING {key}
""")
async def _end(
    db: Tx, owner_id: UUID, at: datetime, wall: datetime, by: str, only: str | None
) -> list[str]: ...


async def end_keys(
    db: Tx,
    owner_id: UUID,
    kinds: Sequence[str],
    at: datetime,
    wall: datetime,
    by: str,
    *,
    only: str | None = None,
) -> int:
    """Ends keys; answers how many end now, `at` the latest, that would have worked for longer;
    `only`: the one with this print."""
    ended = [
        key
        for kind in kinds
        if kind in _end
        for key in await _end[kind](db, owner_id, at, wall, by, only)
    ]
    await note_key_endings(db, dict.fromkeys(ended, at if at > wall else None))
    return len(ended)


@MERCHANT.statement("INSERT INTO refresh_tokens VALUES ($1, $2, $3)")
async def add_refresh_token(
    db: Tx, token_hash: bytes, app_key: str, expires_at: datetime
) -> None: ...


@MERCHANT.statement(
    "DELETE FROM refresh_tokens WHERE token_hash = $1 AND expires_at > $2 RETURNING app_key"
)
async def take_refresh_token(db: Tx, token_hash: bytes, now: datetime) -> str | None:
    """The app key it was given to, or None when it is unknown, used or too old."""


@DIRECTORY.statement(
    "UPDATE api_keys SET first_token_at = $2 WHERE app_key = $1 AND first_token_at IS NULL"
)
async def note_first_token(db: Tx, app_key: str, at: datetime) -> None:
    """Writes once in a key's life."""


class TokenizationKey(Row):
    environment_key: str
    created_at: datetime
    retires_at: datetime | None


@DIRECTORY.statement("""
SELECT environment_key, created_at, retires_at FROM tokenization_keys
WHERE merchant_id = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
ORDER BY created_at DESC, environment_key
""")
async def open_tokenization_keys(
    db: Read, merchant_id: UUID, at: datetime
) -> list[TokenizationKey]:
    """Tokenization keys that open something `at` that wall time, newest first."""


class SigningKey(NamedTuple):
    """`secret`: sealed."""

    merchant_id: UUID
    secret: bytes
    scopes: list[str]


@DIRECTORY.statement("""
SELECT merchant_id, secret, scopes FROM signing_keys
WHERE key_id = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
""")
async def find_signing_key(db: Read, key_id: str, at: datetime) -> SigningKey | None:
    """Finds a signing key; None for an unknown one, and for one that has ended `at` that wall
    time."""


@MERCHANT.statement("DELETE FROM refresh_tokens WHERE expires_at < $1")
async def forget_expired_tokens(db: Tx, now: datetime) -> None:
    """Deletes expired tokens, which nobody can use any more."""
