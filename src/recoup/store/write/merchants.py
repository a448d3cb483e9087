"""Merchants, sites and keys: configuration. Every change raises the merchant's version."""

from typing import Any
from uuid import UUID

import asyncpg

from recoup.rules.order.snapshot import Merchant

_MOVE = """
UPDATE merchants SET offset_us = $2, version = version + 1 WHERE merchant_id = $1 AND offset_us < $2
"""
_MERCHANT = """
INSERT INTO merchants (merchant_id, partner_id, name, offset_us, cit_web, cit_callcenter, mit, region, acceptor_id,
  webhook_key, created_at)
SELECT merchant_id, partner_id, name, offset_us, cit_web, cit_callcenter, mit, region, acceptor_id, webhook_key,
  created_at
FROM jsonb_populate_record(NULL::merchants, $1)
ON CONFLICT DO NOTHING
"""
_CLOSER = "INSERT INTO closers (merchant_id) VALUES ($1) ON CONFLICT DO NOTHING"
_SITE = """
INSERT INTO sites (merchant_id, site_id, url, name, descriptor, is_default, created_at, support)
SELECT merchant_id, site_id, url, name, descriptor, is_default, created_at, support
FROM jsonb_populate_record(NULL::sites, $1)
ON CONFLICT DO NOTHING
"""
_STATE = """
UPDATE merchants SET name = coalesce($2, name), state = coalesce($3, state), version = version + 1
WHERE merchant_id = $1
"""
_CHOSEN = """
UPDATE merchants SET mit_mode = $2, cit_unresolved = $3, capture_window_minutes = $4, unknown_sites = $5, region = $6
WHERE merchant_id = $1
"""
_STABLECOIN_WEBHOOK_KEY = """
UPDATE merchants SET stablecoin_webhook_key = $2, version = version + 1 WHERE merchant_id = $1
"""
_WEBHOOK_KEY = """
WITH ended AS (DELETE FROM webhook_key_overlaps WHERE merchant_id = $1 AND door = 'rescue')
UPDATE merchants SET webhook_key = $2, version = version + 1 WHERE merchant_id = $1
"""


async def copy_settings(connection: asyncpg.Connection, merchant: Merchant) -> None:
    """What a merchant chose in one world, in another where it was just made."""
    await connection.execute(_CHOSEN, merchant.merchant_id, merchant.mit_mode, merchant.cit_unresolved,
                             merchant.capture_window_minutes, merchant.unknown_sites, merchant.region)  # fmt: skip


async def move_clock(connection: asyncpg.Connection, merchant_id: UUID, offset_us: int) -> None:
    """Forward only."""
    await connection.execute(_MOVE, merchant_id, offset_us)


async def add_merchant(connection: asyncpg.Connection, row: dict[str, Any], site: dict[str, Any]) -> None:
    """A merchant with its default site and its closer. `row` names every column of the insert."""
    await connection.execute(_MERCHANT, row)
    await connection.execute(_CLOSER, row["merchant_id"])
    await connection.execute(_SITE, site)


async def add_site(connection: asyncpg.Connection, site: dict[str, Any]) -> None:
    await connection.execute(_SITE, site)
    await connection.execute("UPDATE merchants SET version = version + 1 WHERE merchant_id = $1", site["merchant_id"])


async def change_merchant(
    connection: asyncpg.Connection, merchant_id: UUID, *, name: str | None, state: str | None
) -> None:
    """What is None stays."""
    await connection.execute(_STATE, merchant_id, name, state)


async def set_webhook_key(connection: asyncpg.Connection, merchant_id: UUID, sealed: bytes) -> None:
    await connection.execute(_WEBHOOK_KEY, merchant_id, sealed)


async def set_stablecoin_webhook_key(connection: asyncpg.Connection, merchant_id: UUID, sealed: bytes) -> None:
    await connection.execute(_STABLECOIN_WEBHOOK_KEY, merchant_id, sealed)
