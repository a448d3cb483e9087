"""Sites of a merchant and their campaigns. A flow that changes one has raised the merchant's
version first, and so holds its row."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Tx
from recoup.merchants.store.merchants import Campaign, Site


@MERCHANT.statement("SELECT FROM merchants WHERE merchant_id = $1 FOR NO KEY UPDATE")
async def lock_merchant(db: Tx, merchant_id: UUID) -> None:
    """Locks the merchant, for a flow that changes settings only if they differ: what is read
    afterwards stays so until the commit."""


@MERCHANT.statement(
    "UPDATE merchants SET version = version + 1 WHERE merchant_id = $1 RETURNING version"
)
async def _raise_version(db: Tx, merchant_id: UUID) -> int | None: ...


async def raise_version(db: Tx, merchant_id: UUID) -> int:
    """The new one; 0 for a merchant that is not there."""
    return await _raise_version(db, merchant_id) or 0


@MERCHANT.statement("""
INSERT INTO sites (merchant_id, site_id, url, name, descriptor, cit_web, cit_callcenter, mit,
  is_default, created_at,
  support)
SELECT $1, site_id, url, name, descriptor, cit_web, cit_callcenter, mit, is_default, created_at,
  support
FROM jsonb_populate_record(NULL::sites, $2)
ON CONFLICT (merchant_id, site_id) DO UPDATE SET url = EXCLUDED.url, name = EXCLUDED.name,
  descriptor = EXCLUDED.descriptor, cit_web = EXCLUDED.cit_web,
    cit_callcenter = EXCLUDED.cit_callcenter,
  mit = EXCLUDED.mit, is_default = EXCLUDED.is_default, support = EXCLUDED.support
""")
async def put_site(db: Tx, merchant_id: UUID, site: Site) -> None:
    """Makes it or changes it, but for its retirement."""


@MERCHANT.statement("UPDATE sites SET is_default = false WHERE merchant_id = $1 AND is_default")
async def clear_default(db: Tx, merchant_id: UUID) -> None: ...


async def retire_site(db: Tx, merchant_id: UUID, site_id: UUID, at: datetime) -> None:
    """Retires a site, with its campaigns."""
    await _retire_campaigns(db, merchant_id, site_id, at)
    await _retire_site(db, merchant_id, site_id, at)


@MERCHANT.statement("""
UPDATE campaigns SET retired_at = $3 WHERE merchant_id = $1 AND site_id = $2 AND retired_at IS NULL
""")
async def _retire_campaigns(db: Tx, merchant_id: UUID, site_id: UUID, at: datetime) -> None: ...


@MERCHANT.statement("UPDATE sites SET retired_at = $3 WHERE merchant_id = $1 AND site_id = $2")
async def _retire_site(db: Tx, merchant_id: UUID, site_id: UUID, at: datetime) -> None: ...


@MERCHANT.statement("""
INSERT INTO campaigns (merchant_id, campaign_id, site_id, key, name, descriptor, cit_web,
  cit_callcenter, mit,
  created_at)
SELECT $1, campaign_id, site_id, key, name, descriptor, cit_web, cit_callcenter, mit, created_at
FROM jsonb_populate_record(NULL::campaigns, $2)
ON CONFLICT (merchant_id, campaign_id) DO UPDATE SET key = EXCLUDED.key, name = EXCLUDED.name,
  descriptor = EXCLUDED.descriptor, cit_web = EXCLUDED.cit_web,
    cit_callcenter = EXCLUDED.cit_callcenter,
  mit = EXCLUDED.mit
""")
async def put_campaign(db: Tx, merchant_id: UUID, campaign: Campaign) -> None:
    """Makes it or changes it, but for its retirement."""


@MERCHANT.statement(
    "UPDATE campaigns SET retired_at = $3 WHERE merchant_id = $1 AND campaign_id = $2"
)
async def retire_campaign(db: Tx, merchant_id: UUID, campaign_id: UUID, at: datetime) -> None: ...


@MERCHANT.statement("UPDATE merchants SET country = $2, region = $3 WHERE merchant_id = $1")
async def set_country(db: Tx, merchant_id: UUID, country: str, region: str) -> None:
    """Sets the country and region of the merchant's account at the acquirer, used where a route
    names none."""


@MERCHANT.statement("UPDATE merchants SET unknown_sites = $2 WHERE merchant_id = $1")
async def set_unknown_sites(db: Tx, merchant_id: UUID, policy: str) -> None:
    """Sets what becomes of orders that name a site or campaign that nobody made."""
