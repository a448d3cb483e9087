"""Many orders at once, made by the database itself: for lists, where only the heads matter."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from recoup.kit.lists.folding import search_text

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = [("Ana", "Roe"), ("Tomasz", "Wójcik"), ("Hana", "Sato"), ("小林", "楓"),
         ("نورا", "العتيبي"), ("Grace", "Mbeki"), ("Zoë", "O'Brien")]  # fmt: skip

_MERCHANT = """
INSERT INTO merchants (merchant_id, name, acceptor_id, offset_us, created_at)
  VALUES ($1, $2, 'acc', $3, now())
"""
_SITE = """
INSERT INTO sites (merchant_id, site_id, url, name, descriptor, is_default, created_at)
VALUES ($1, $2, 'https://' || $3 || '.example', $3, 'BRIGHTLEAF*TEA', $4, now())
"""
_ORDERS = """
WITH made AS (
  SELECT n, gen_random_uuid() AS order_id, $2::timestamptz + n * interval '1 minute' AS placed_at,
    (ARRAY[7,7,7,7,7,7,4,4,2,2,0,6,5,8,1,3])[n % 16 + 1] AS status,
    (ARRAY['MIT','MIT','CIT','MIT','CIT','MIT','STABLE'])[n % 7 + 1] AS order_type,
    CASE WHEN n % 7 = 4 THEN 'callcenter' ELSE 'ecommerce' END AS source,
    ($3::uuid[])[n % array_length($3::uuid[], 1) + 1] AS site_id,
    (ARRAY['USD','USD','EUR','JPY'])[n % 4 + 1] AS asset, 100 + (n::bigint * 7919) % 90000 AS units,
    ($4::text[])[n % array_length($4::text[], 1) + 1] AS name,
    CASE WHEN n % 499 = 7 THEN 'RARE*TEA' ELSE 'BRIGHTLEAF*TEA' END AS descriptor,
    (ARRAY['declined','expired','merchant_cancelled','declined','paid_elsewhere'])[n / 16 % 5 + 1]
      AS reason,
    CASE WHEN n % 499 = 9 THEN 'R1' ELSE (ARRAY['05','51','54'])[n % 3 + 1] END AS code,
    CASE WHEN n % 251 = 9 THEN 'amex' ELSE (ARRAY['visa','visa','mastercard'])[n % 3 + 1] END AS
      scheme,
    CASE WHEN n % 499 = 9 THEN '411111' ELSE '42424' || n % 5 END AS bin
  FROM generate_series(1, $5) AS n
), log AS (
  INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body, actor, request_id,
    business_at,
    recorded_at)
  SELECT $1, order_id, 1, 'received', 'new', 'received', '{}', 'api:k', 'r', placed_at, placed_at
    FROM made
), ord AS (
  INSERT INTO orders (merchant_id, order_id, door, kind, external_id, generation,
    site_id, descriptor,
    asset, units, amount_text, placed_at, facts)
  SELECT $1, order_id, CASE order_type WHEN 'STABLE' THEN 'stablecoin'
    ELSE 'rescue' END,
    CASE order_type WHEN 'MIT' THEN 'mit_managed' WHEN 'CIT' THEN 'cit_web'
      ELSE 'stable' END, 'SUB-' || n, 1, site_id,
    descriptor, asset, units, units::text, placed_at, '{}' FROM made
), state AS (
  INSERT INTO order_states (merchant_id, order_id, stage, version)
  SELECT $1, order_id, 'received', 1 FROM made
), ref AS (
  INSERT INTO order_refs (merchant_id, door, external_id, generation, order_id)
  SELECT $1, CASE order_type WHEN 'STABLE' THEN 'stablecoin'
    ELSE 'rescue' END, 'SUB-' || n, 1, order_id FROM made
), payer AS (
  INSERT INTO order_payer (merchant_id, order_id, first_name, last_name, email, phone, ip)
  SELECT $1, order_id, split_part(name, '|', 1), split_part(name, '|', 2),
    'Buyer' || n || '@example.test', '', ''
  FROM made
), search AS (
  INSERT INTO order_search (merchant_id, order_id, placed_at, text)
  SELECT $1, order_id, placed_at,
    ($6::text[])[n % array_length($6::text[], 1) + 1] || ' buyer' || n || '@example.test sub-' || n
      || ' 3184' FROM made
)
INSERT INTO order_heads (merchant_id, order_id, placed_at, created_at, status, order_type, source,
  door, site_id, asset,
  units, refunded_units, attempts, attention, descriptor, expires_at, campaign_id, reason,
    decline_code, decline_source,
  card_scheme, card_bin)
SELECT $1, order_id, placed_at, CASE WHEN status <> 0 THEN placed_at + interval '1 minute' END,
  status, order_type,
  source, CASE order_type WHEN 'STABLE' THEN 'stablecoin' ELSE 'rescue' END, site_id, asset, units,
  CASE WHEN status = 6 THEN units WHEN n % 29 = 0 AND status = 7 THEN 50 ELSE 0 END, n % 4,
  CASE WHEN status IN (1, 3) THEN 'look at it' END, descriptor,
  CASE WHEN n % 11 <> 5 THEN placed_at + (n % 20) * interval '1 day' END,
  CASE WHEN n % 97 = 3 THEN $1::uuid END, CASE WHEN status = 2 THEN reason END,
  CASE WHEN order_type <> 'STABLE' THEN code ELSE '' END, CASE
    WHEN order_type <> 'STABLE' THEN 'nmi' ELSE '' END,
  CASE WHEN order_type <> 'STABLE' THEN scheme ELSE '' END, CASE
    WHEN order_type <> 'STABLE' THEN bin ELSE '' END
FROM made
"""


async def make_merchant(
    connection: asyncpg.Connection,
    *,
    name: str = "Brightleaf Tea",
    sites: int = 2,
    offset_us: int = 0,
) -> tuple[uuid.UUID, list[uuid.UUID]]:
    merchant_id, site_ids = uuid.uuid4(), [uuid.uuid4() for _ in range(sites)]
    await connection.execute(_MERCHANT, merchant_id, name, offset_us)
    for number, site_id in enumerate(site_ids):
        await connection.execute(_SITE, merchant_id, site_id, f"leaf-{number}", number == 0)
    return merchant_id, site_ids


async def make_orders(
    connection: asyncpg.Connection,
    merchant_id: uuid.UUID,
    site_ids: list[uuid.UUID],
    count: int,
    names: Sequence[tuple[str, str]] = NAMES,
) -> None:
    """`count` orders a minute apart from BEGIN on; order n is SUB-n of buyern@example.test. Some
    heads name a campaign, with the merchant's own id."""
    texts = [search_text(*name, ()) for name in names]
    await connection.execute(
        _ORDERS, merchant_id, BEGIN, site_ids, list(map("|".join, names)), count, texts
    )


async def vacuumed(connection: asyncpg.Connection) -> None:
    """Every page of the heads is known to be visible to all, so that an index alone can answer.
    While the server looks at a table by itself, a first VACUUM may not say so."""
    for _ in range(50):
        await connection.execute("VACUUM ANALYZE")
        if await connection.fetchval(
            "SELECT relallvisible >= relpages FROM pg_class WHERE relname = 'order_heads'"
        ):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("somebody else reads in this database")
