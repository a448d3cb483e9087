"""Merchants, sites and keys: configuration. Every change raises the merchant's version."""

from datetime import datetime
from uuid import UUID

from recoup.rules.order.snapshot import Merchant
from recoup.store.homes import MERCHANT
from recoup.store.statement import Row, Tx, statement


@statement(
    MERCHANT,
    """
UPDATE merchants SET mit_mode = $2, cit_unresolved = $3, capture_window_minutes = $4, unknown_sites = $5, region = $6
WHERE merchant_id = $1
""",
)
async def _choose(
    db: Tx,
    merchant_id: UUID,
    mit_mode: str,
    cit_unresolved: str,
    capture_window_minutes: int,
    unknown_sites: str,
    region: str,
) -> None: ...


async def copy_settings(db: Tx, merchant: Merchant) -> None:
    """What a merchant chose in one world, in another where it was just made."""
    await _choose(
        db,
        merchant.merchant_id,
        merchant.mit_mode,
        merchant.cit_unresolved,
        merchant.capture_window_minutes,
        merchant.unknown_sites,
        merchant.region,
    )


@statement(
    MERCHANT,
    """
UPDATE merchants SET offset_us = $2, version = version + 1 WHERE merchant_id = $1 AND offset_us < $2
""",
)
async def move_clock(db: Tx, merchant_id: UUID, offset_us: int) -> None:
    """Forward only."""


class NewMerchant(Row, frozen=True):
    merchant_id: UUID
    partner_id: UUID | None
    name: str
    offset_us: int
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    region: str
    acceptor_id: str
    created_at: datetime


class SiteRow(Row, frozen=True):
    merchant_id: UUID
    site_id: UUID
    url: str
    name: str
    descriptor: str
    is_default: bool
    created_at: datetime
    support: str


@statement(
    MERCHANT,
    """
INSERT INTO merchants (merchant_id, partner_id, name, offset_us, cit_web, cit_callcenter, mit, region, acceptor_id,
  created_at)
SELECT merchant_id, partner_id, name, offset_us, cit_web, cit_callcenter, mit, region, acceptor_id, created_at
FROM jsonb_populate_record(NULL::merchants, $1)
ON CONFLICT DO NOTHING
""",
)
async def _add_merchant(db: Tx, merchant: NewMerchant) -> None: ...


@statement(MERCHANT, "INSERT INTO closers (merchant_id) VALUES ($1) ON CONFLICT DO NOTHING")
async def _add_closer(db: Tx, merchant_id: UUID) -> None: ...


@statement(
    MERCHANT,
    """
INSERT INTO sites (merchant_id, site_id, url, name, descriptor, is_default, created_at, support)
SELECT merchant_id, site_id, url, name, descriptor, is_default, created_at, support
FROM jsonb_populate_record(NULL::sites, $1)
ON CONFLICT DO NOTHING
""",
)
async def _add_site(db: Tx, site: SiteRow) -> None: ...


@statement(MERCHANT, "UPDATE merchants SET version = version + 1 WHERE merchant_id = $1")
async def _raise_version(db: Tx, merchant_id: UUID) -> None: ...


async def add_merchant(db: Tx, merchant: NewMerchant, site: SiteRow) -> None:
    """A merchant with its default site and its closer."""
    await _add_merchant(db, merchant)
    await _add_closer(db, merchant.merchant_id)
    await _add_site(db, site)


async def add_site(db: Tx, site: SiteRow) -> None:
    await _add_site(db, site)
    await _raise_version(db, site.merchant_id)


@statement(
    MERCHANT,
    """
UPDATE merchants SET name = coalesce($2, name), state = coalesce($3, state), version = version + 1
WHERE merchant_id = $1
""",
)
async def change_merchant(db: Tx, merchant_id: UUID, *, name: str | None, state: str | None) -> None:
    """What is None stays."""


async def set_webhook_key(db: Tx, merchant_id: UUID, sealed: bytes) -> None:
    """Instead of each that signs."""
    await _end_overlap(db, merchant_id)
    await _set_webhook_key(db, merchant_id, sealed)


@statement(MERCHANT, "DELETE FROM webhook_key_overlaps WHERE merchant_id = $1 AND door = 'rescue'")
async def _end_overlap(db: Tx, merchant_id: UUID) -> None: ...


@statement(MERCHANT, "UPDATE merchants SET webhook_key = $2, version = version + 1 WHERE merchant_id = $1")
async def _set_webhook_key(db: Tx, merchant_id: UUID, sealed: bytes) -> None: ...


@statement(MERCHANT, "UPDATE merchants SET stablecoin_webhook_key = $2, version = version + 1 WHERE merchant_id = $1")
async def set_stablecoin_webhook_key(db: Tx, merchant_id: UUID, sealed: bytes) -> None: ...
