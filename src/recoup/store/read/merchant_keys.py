"""A merchant's keys, as far as they are shown: kind, print and last four, never a secret."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read, Row, statement

ROWS_MAX: Final = 60
_OF_KIND: Final = """
SELECT count(*) FROM (
  SELECT 'api' AS kind, revoked_at, retires_at, created_at FROM api_keys WHERE merchant_id = $1
  UNION ALL SELECT 'tokenization', revoked_at, retires_at, created_at FROM tokenization_keys WHERE merchant_id = $1
  UNION ALL SELECT 'stablecoin', revoked_at, retires_at, created_at FROM signing_keys WHERE merchant_id = $1) k
WHERE k.kind = $2
"""


# By the keys: of a merchant there may be very many that ended.
@statement(
    DIRECTORY,
    """
SELECT k.key FROM (
  (SELECT app_key AS key, merchant_id, revoked_at, retires_at FROM api_keys WHERE app_key = ANY($2) OFFSET 0)
  UNION ALL
  (SELECT environment_key, merchant_id, revoked_at, retires_at FROM tokenization_keys
    WHERE environment_key = ANY($2) OFFSET 0)
  UNION ALL
  (SELECT key_id, merchant_id, revoked_at, retires_at FROM signing_keys WHERE key_id = ANY($2) OFFSET 0)) k
WHERE k.merchant_id = $1 AND least(k.revoked_at, k.retires_at) <= $3
""",
)
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


@statement(
    DIRECTORY,
    f"""
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
""",
)
async def keys_of(db: Read, merchant_id: UUID) -> list[MerchantKey]:
    """Newest first, ended ones too."""


@statement(DIRECTORY, f"{_OF_KIND} AND k.revoked_at IS NULL AND coalesce(k.retires_at > $3, true)")
async def live_keys(db: Read, merchant_id: UUID, kind: str, at: datetime) -> int:
    """How many of the kind work `at` that wall time."""


@statement(DIRECTORY, f"{_OF_KIND} AND k.created_at > $3")
async def keys_made(db: Read, merchant_id: UUID, kind: str, since: datetime) -> int:
    """How many of the kind were made since, ended ones too."""
