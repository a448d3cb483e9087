"""Campaigns under a site. A flow that changes one has raised the merchant's version first, and so holds its row."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.merchants.merchants import Campaign
from recoup.store.statement import Tx


@MERCHANT.statement("""
INSERT INTO campaigns (merchant_id, campaign_id, site_id, key, name, descriptor, cit_web, cit_callcenter, mit,
  created_at)
SELECT $1, campaign_id, site_id, key, name, descriptor, cit_web, cit_callcenter, mit, created_at
FROM jsonb_populate_record(NULL::campaigns, $2)
ON CONFLICT (merchant_id, campaign_id) DO UPDATE SET key = EXCLUDED.key, name = EXCLUDED.name,
  descriptor = EXCLUDED.descriptor, cit_web = EXCLUDED.cit_web, cit_callcenter = EXCLUDED.cit_callcenter,
  mit = EXCLUDED.mit
""")
async def put_campaign(db: Tx, merchant_id: UUID, campaign: Campaign) -> None:
    """Makes it or changes it, but for its retirement."""


@MERCHANT.statement("UPDATE campaigns SET retired_at = $3 WHERE merchant_id = $1 AND campaign_id = $2")
async def retire_campaign(db: Tx, merchant_id: UUID, campaign_id: UUID, at: datetime) -> None: ...


@MERCHANT.statement("UPDATE merchants SET unknown_sites = $2 WHERE merchant_id = $1")
async def set_unknown_sites(db: Tx, merchant_id: UUID, policy: str) -> None:
    """What becomes of orders that name a site or campaign that nobody made."""
