"""Closed pages as whoever proves a root needs them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

PAGES_MAX: Final = 32
STATEMENT_SECONDS: Final = 120.0
_SPAN = """
SELECT min(p.page_no) AS low, max(p.page_no) AS high, count(*) FILTER (WHERE p.page_no IS NULL) AS unsealed
FROM settlement_lines l JOIN postings p USING (merchant_id, posting_id) WHERE l.merchant_id = $1 AND l.batch_id = $2
"""
# In the order in which the closer told them: the database's own.
_PAGES = """
SELECT g.page_no, encode(g.prev_root, 'hex') AS prev_root, encode(g.root, 'hex') AS root, h.hashes, s.sums
FROM pages g
CROSS JOIN LATERAL (SELECT array_agg(encode(content_hash, 'hex') ORDER BY position) AS hashes FROM postings p
  WHERE p.merchant_id = g.merchant_id AND p.page_no = g.page_no) h
CROSS JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_array(account, asset, place, units) ORDER BY account, asset, place) AS sums
  FROM (SELECT split_part(key, '|', 1) AS account, split_part(key, '|', 2) AS asset, split_part(key, '|', 3) AS place,
    value AS units FROM jsonb_each(g.sums)) k) s
WHERE g.merchant_id = $1 AND g.page_no BETWEEN $2 AND $3 ORDER BY g.page_no
"""
_POSTINGS = """
SELECT p.posting_id, jsonb_build_array(p.merchant_id, p.source_kind, p.source_id, p.recipe, min(e.asset)) AS head,
  p.business_at, jsonb_agg(jsonb_build_array(e.account, e.place, e.units) ORDER BY e.line_no) AS entries
FROM postings p JOIN entries e USING (merchant_id, posting_id)
WHERE p.merchant_id = $1 AND p.posting_id = ANY($2::uuid[])
GROUP BY p.merchant_id, p.posting_id
"""


async def pages_of_batch(connection: asyncpg.Connection, merchant_id: UUID, batch_id: UUID) -> asyncpg.Record:
    """`low` and `high`: the first and last page with a line of it; `unsealed`: lines that are in no page yet."""
    return await connection.fetchrow(_SPAN, merchant_id, batch_id, timeout=STATEMENT_SECONDS)


async def sealed_pages(
    connection: asyncpg.Connection, merchant_id: UUID, low: int, high: int
) -> Sequence[asyncpg.Record]:
    """From `low` on, at most PAGES_MAX and none after `high`."""
    last = min(high, low + PAGES_MAX - 1)
    return await connection.fetch(_PAGES, merchant_id, low, last, timeout=STATEMENT_SECONDS)  # type: ignore[no-any-return]


async def posting_contents(
    connection: asyncpg.Connection, merchant_id: UUID, posting_ids: Sequence[UUID]
) -> dict[UUID, list[object]]:
    """What each posting says: [merchant, source kind, source, recipe, asset, date, entries]."""
    rows = await connection.fetch(_POSTINGS, merchant_id, list(posting_ids), timeout=STATEMENT_SECONDS)
    return {r["posting_id"]: [*r["head"], r["business_at"], r["entries"]] for r in rows}
