"""Sites of a merchant. Whoever changes one has raised the merchant's version first, and so holds its row."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_RAISE = "UPDATE merchants SET version = version + 1 WHERE merchant_id = $1 RETURNING version"
_LOCK = "SELECT FROM merchants WHERE merchant_id = $1 FOR NO KEY UPDATE"
_PUT = """
INSERT INTO sites (merchant_id, site_id, url, name, descriptor, cit_web, cit_callcenter, mit, is_default, created_at,
  support)
SELECT merchant_id, site_id, url, name, descriptor, cit_web, cit_callcenter, mit, is_default, created_at, support
FROM jsonb_populate_record(NULL::sites, $1)
ON CONFLICT (merchant_id, site_id) DO UPDATE SET url = EXCLUDED.url, name = EXCLUDED.name,
  descriptor = EXCLUDED.descriptor, cit_web = EXCLUDED.cit_web, cit_callcenter = EXCLUDED.cit_callcenter,
  mit = EXCLUDED.mit, is_default = EXCLUDED.is_default, support = EXCLUDED.support
"""
_CLEAR_DEFAULT = "UPDATE sites SET is_default = false WHERE merchant_id = $1 AND is_default"
_RETIRE = """
WITH campaigns AS (
  UPDATE campaigns SET retired_at = $3 WHERE merchant_id = $1 AND site_id = $2 AND retired_at IS NULL
)
UPDATE sites SET retired_at = $3 WHERE merchant_id = $1 AND site_id = $2
"""


async def lock_merchant(connection: asyncpg.Connection, merchant_id: UUID) -> None:
    """For whoever changes settings only if they differ: what is read afterwards stays so until the commit."""
    await connection.execute(_LOCK, merchant_id)


async def raise_version(connection: asyncpg.Connection, merchant_id: UUID) -> int:
    """The new one; 0 for a merchant that is not there."""
    return int(await connection.fetchval(_RAISE, merchant_id) or 0)


async def put_site(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """Makes it or changes it; `row` names every column but its retirement."""
    await connection.execute(_PUT, row)


async def clear_default(connection: asyncpg.Connection, merchant_id: UUID) -> None:
    await connection.execute(_CLEAR_DEFAULT, merchant_id)


async def retire_site(connection: asyncpg.Connection, merchant_id: UUID, site_id: UUID, at: datetime) -> None:
    """With its campaigns."""
    await connection.execute(_RETIRE, merchant_id, site_id, at)
