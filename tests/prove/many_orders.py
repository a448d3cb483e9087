"""Millions of orders of one merchant in minutes, for lists: tables are filled without their
indexes, by the database itself.

What a list reads is as the product writes it; the log behind the orders is not there.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
from tests.order_rows import make_merchant

from recoup.db import migrate
from recoup.db.partitions import ensure_partitions
from recoup.db.server import ServerAddress
from recoup.kit.lists.folding import search_text

BEGIN = datetime(2024, 12, 1, tzinfo=UTC)
SPAN = timedelta(days=700)
_TABLES = ("orders", "order_states", "order_refs", "order_payer", "order_search", "order_heads")
_INDEXES = """
SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS made, i.indisprimary AS is_primary,
  con.conname AS named,
  pg_get_constraintdef(con.oid) AS constrained, i.indrelid::regclass::text AS on_table
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid
  AND con.contype IN ('p', 'u') AND con.conrelid = i.indrelid
WHERE i.indrelid = ANY($1::regclass[])
"""
# Order n of a merchant; ids grow with time, as ours do. Ten thousand people come again and again, a
# few only once.
_MADE = """
CREATE UNLOGGED TABLE made AS
SELECT n, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000'
    || lpad(to_hex(n), 12, '0'))::uuid AS order_id, at AS placed_at,
  (ARRAY[7,7,7,7,7,7,4,4,2,2,0,6,5,8,1,3])[CASE WHEN n % 1009 = 5 THEN 12 + n % 5
    ELSE n % 12 + 1 END] AS status,
  (ARRAY['MIT','MIT','CIT','MIT','CIT','MIT','STABLE'])[n % 7 + 1] AS order_type,
  CASE WHEN n % 7 = 4 THEN 'callcenter' WHEN n % 7 = 6 THEN 'mock' ELSE 'ecommerce' END AS source,
  ($2::uuid[])[n % array_length($2::uuid[], 1) + 1] AS site_id,
  CASE WHEN n % 997 = 3 THEN 'KWD' ELSE (ARRAY['USD','USD','USD','EUR','JPY'])[n % 5 + 1] END AS
    asset,
  100 + (n::bigint * 7919) % 90000 AS units,
  (ARRAY['Ana','Tomasz','Hana','Grace','Oliver','Priya','Sofia','Liam','Mei','Zoe'])[n % 10 + 1] AS
    first_name,
  CASE WHEN n % 100003 = 7 THEN 'Quixwood' ELSE
    (ARRAY['Roe','Wojcik','Sato','Mbeki','Brandt','Raman','Herrera',
    'Connor','Chan','Quinn'])[n / 10 % 10 + 1] || chr(97 + n / 100 % 26) || chr(97 + n / 2600 % 26)
      END AS last_name,
  CASE WHEN n % 4999 = 7 THEN 'RARE*TEA' ELSE 'BRIGHTLEAF*TEA' END AS descriptor,
  CASE WHEN n % 4999 = 9 THEN 'R1' ELSE (ARRAY['05','51','54'])[n % 3 + 1] END AS code,
  CASE WHEN n % 4999 = 9 THEN 'diners' ELSE (ARRAY['visa','visa','mastercard'])[n % 3 + 1] END AS
    scheme
FROM (SELECT n, $3::timestamptz + $4::interval * (n::float8 / $1) AS at
  FROM generate_series(1, $1::int) AS n) AS g
"""
_FILL = {
    "orders": """
INSERT INTO orders (merchant_id, order_id, door, kind, external_id, generation,
  site_id, descriptor,
  asset, units, amount_text, placed_at, facts)
SELECT '{merchant}', order_id, CASE order_type WHEN 'STABLE' THEN 'stablecoin'
  ELSE 'rescue' END,
  CASE order_type WHEN 'MIT' THEN 'mit_managed' WHEN 'CIT' THEN 'cit_web'
    ELSE 'stable' END, 'SUB-' || n, 1, site_id,
  descriptor, asset, units, units::text, placed_at, '{{}}' FROM made ORDER BY n
""",
    "order_states": """
INSERT INTO order_states (merchant_id, order_id, stage, version)
SELECT '{merchant}', order_id, 'received', 1 FROM made ORDER BY n
""",
    "order_refs": """
INSERT INTO order_refs (merchant_id, door, external_id, generation, order_id)
SELECT '{merchant}', CASE order_type WHEN 'STABLE' THEN 'stablecoin'
  ELSE 'rescue' END, 'SUB-' || n, 1, order_id
FROM made
""",
    "order_payer": """
INSERT INTO order_payer (merchant_id, order_id, first_name, last_name, email, phone, ip)
SELECT '{merchant}', order_id, first_name, last_name, 'Buyer' || n || '@example.test', '', ''
  FROM made ORDER BY n
""",
    "order_search": """
INSERT INTO order_search (merchant_id, order_id, placed_at, text)
SELECT '{merchant}', order_id, placed_at,
  lower(first_name || ' ' || last_name || ' =' || first_name || last_name || '=')
  || CASE WHEN n % 50021 = 7 THEN ' {rare}' ELSE '' END
  || ' buyer' || n || '@example.test sub-' || n || ' ' || lpad((n % 10000)::text, 4, '0') FROM made
    ORDER BY n
""",
    "order_heads": """
INSERT INTO order_heads (merchant_id, order_id, placed_at, created_at, status, order_type, source,
  door, site_id, asset,
  units, refunded_units, attempts, attention, descriptor, expires_at, campaign_id, reason,
    decline_code, card_scheme,
  card_bin)
SELECT '{merchant}', order_id, placed_at, CASE WHEN status <> 0 THEN placed_at + interval '1 minute'
  END, status,
  order_type, source, CASE order_type WHEN 'STABLE' THEN 'stablecoin'
    ELSE 'rescue' END, site_id, asset, units,
  CASE WHEN status = 6 THEN units WHEN n % 29 = 0 AND status = 7 THEN 50 ELSE 0 END,
  CASE WHEN n % 1013 = 1 THEN 9 ELSE n % 4 END, CASE WHEN status IN (1, 3) THEN 'look at it' END,
    descriptor,
  CASE WHEN n % 11 <> 5 THEN placed_at + (n % 20) * interval '1 day' END,
  CASE WHEN n % 97 = 3 THEN '{merchant}'::uuid END,
  CASE WHEN status = 2 THEN CASE WHEN n % 4999 = 8 THEN 'challenge_failed' ELSE 'declined' END END,
  CASE WHEN order_type <> 'STABLE' THEN code ELSE '' END, CASE
    WHEN order_type <> 'STABLE' THEN scheme ELSE '' END,
  CASE WHEN order_type <> 'STABLE' THEN '42424' || n % 5 ELSE '' END FROM made ORDER BY n
""",
}


@dataclass(frozen=True)
class Shop:
    merchant_id: uuid.UUID
    sites: list[uuid.UUID]
    count: int


async def fill(
    server: ServerAddress, name: str, counts: list[int], say: Callable[[str], None]
) -> list[Shop]:
    """A database of that name with a merchant for each count."""
    await migrate.create_database(server.dsn("postgres"), name)
    await migrate.migrate(server.dsn(name), "world", world="sandbox")
    connection = await asyncpg.connect(server.dsn(name), timeout=60)
    begun, shops = time.monotonic(), []
    await ensure_partitions(connection, BEGIN)
    await connection.execute(
        "SET session_replication_role = replica; SET maintenance_work_mem = '512MB'; SET work_mem "
        "= '256MB';"
        " SET max_parallel_maintenance_workers = 1; SET synchronous_commit = off"
    )
    made = await connection.fetch(_INDEXES, list(_TABLES))
    for one in made:
        drop = f"ALTER TABLE {one['on_table']} DROP CONSTRAINT {one['named']} CASCADE"
        await connection.execute(drop if one["named"] else f"DROP INDEX {one['name']}")
    for count in counts:
        merchant_id, sites = await make_merchant(connection, name=f"Of {count:,}", sites=5)
        values = (
            f"{count}, '{{{','.join(map(str, sites))}}}', '{BEGIN.isoformat()}', "
            f"'{SPAN.total_seconds()} s'"
        )
        numbered = _MADE
        for number, value in enumerate(values.split(", '"), 1):
            numbered = numbered.replace(f"${number}", value if number == 1 else f"'{value}")
        await connection.execute(numbered, timeout=None)
        for table, sql in _FILL.items():
            rare = " ".join(search_text(*name, ()) for name in (("José", "Müller"), ("小龙", "李")))
            await connection.execute(sql.format(merchant=merchant_id, rare=rare), timeout=None)
            say(f"{count:,} rows of {table} after {time.monotonic() - begun:.0f} s")
        await connection.execute("DROP TABLE made")
        shops.append(Shop(merchant_id, sites, count))
    for one in made:
        add = f"ALTER TABLE {one['on_table']} ADD CONSTRAINT {one['named']} {one['constrained']}"
        await connection.execute(add if one["named"] else one["made"], timeout=None)
        say(f"index {one['name']} after {time.monotonic() - begun:.0f} s")
    await connection.execute(
        f"VACUUM (ANALYZE) {', '.join((*_TABLES, 'sites', 'merchants'))}", timeout=None
    )
    say(f"vacuumed after {time.monotonic() - begun:.0f} s")
    await connection.close()
    return shops
