"""Campaigns under a site. Whoever changes one has raised the merchant's version first, and so holds its row."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_PUT = """
INSERT INTO campaigns (merchant_id, campaign_id, site_id, key, name, descriptor, cit_web, cit_callcenter, mit,
  created_at)
SELECT merchant_id, campaign_id, site_id, key, name, descriptor, cit_web, cit_callcenter, mit, created_at
FROM jsonb_populate_record(NULL::campaigns, $1)
ON CONFLICT (merchant_id, campaign_id) DO UPDATE SET key = EXCLUDED.key, name = EXCLUDED.name,
  descriptor = EXCLUDED.descriptor, cit_web = EXCLUDED.cit_web, cit_callcenter = EXCLUDED.cit_callcenter,
  mit = EXCLUDED.mit
"""
_RETIRE = "UPDATE campaigns SET retired_at = $3 WHERE merchant_id = $1 AND campaign_id = $2"
_POLICY = "UPDATE merchants SET unknown_sites = $2 WHERE merchant_id = $1"


async def put_campaign(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """Makes it or changes it; `row` names every column but its retirement."""
    await connection.execute(_PUT, row)


async def retire_campaign(connection: asyncpg.Connection, merchant_id: UUID, campaign_id: UUID, at: datetime) -> None:
    await connection.execute(_RETIRE, merchant_id, campaign_id, at)


async def set_unknown_sites(connection: asyncpg.Connection, merchant_id: UUID, policy: str) -> None:
    """What becomes of orders that name a site or campaign that nobody made."""
    await connection.execute(_POLICY, merchant_id, policy)
