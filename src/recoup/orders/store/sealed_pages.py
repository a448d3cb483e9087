"""Closed pages, to prove a root."""

from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.orders.store.rows import PostingSource

PAGES_MAX: Final = 32
STATEMENT_SECONDS: Final = 120.0


class PageSpan(Row, frozen=True):
    """`low` and `high`: the first and last page with a line of it; `unsealed`: lines that are in no
    page yet."""

    low: int | None
    high: int | None
    unsealed: int


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT min(s.page_no) AS low, max(s.page_no) AS high,
  count(*) FILTER (WHERE s.page_no IS NULL) AS unsealed
FROM settlement_lines l LEFT JOIN page_lines s USING (merchant_id, posting_id)
WHERE l.merchant_id = $1 AND l.batch_id = $2
""")
async def pages_of_batch(db: Read, merchant_id: UUID, batch_id: UUID) -> PageSpan:
    """The span of pages of a settlement batch."""


class PageSum(NamedTuple):
    account: str
    asset: str
    place: str
    units: int


class SealedPage(Row, frozen=True):
    """Roots and hashes in hex."""

    page_no: int
    prev_root: str
    root: str
    hashes: list[str]
    sums: list[PageSum]


# In the closer's order: the database's own.
@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT g.page_no, encode(g.prev_root, 'hex') AS prev_root, encode(g.root, 'hex') AS root, h.hashes,
  s.sums
FROM pages g
CROSS JOIN LATERAL (SELECT array_agg(encode(p.content_hash, 'hex') ORDER BY l.position) AS hashes
  FROM page_lines l JOIN postings p USING (merchant_id, posting_id)
  WHERE l.merchant_id = g.merchant_id AND l.page_no = g.page_no) h
CROSS JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_array(account, asset, place, units)
    ORDER BY account, asset, place) AS sums
  FROM (SELECT split_part(key, '|', 1) AS account, split_part(key, '|', 2) AS asset, split_part(key,
    '|', 3) AS place,
    value AS units FROM jsonb_each(g.sums)) k) s
WHERE g.merchant_id = $1 AND g.page_no BETWEEN $2 AND $3 ORDER BY g.page_no
""")
async def _pages(db: Read, merchant_id: UUID, low: int, high: int) -> list[SealedPage]:
    """Sealed pages from `low` to `high`, both included."""


async def sealed_pages(db: Read, merchant_id: UUID, low: int, high: int) -> list[SealedPage]:
    """Sealed pages from `low` on, at most PAGES_MAX and none after `high`."""
    return await _pages(db, merchant_id, low, min(high, low + PAGES_MAX - 1))


class PostedEntry(NamedTuple):
    account: str
    place: str
    units: int


class PostingContent(PostingSource):
    """Content that a posting's hash is made of."""

    merchant_id: UUID
    asset: str
    entries: list[PostedEntry]


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT p.posting_id, p.source_kind, p.source_id, p.recipe, p.business_at, p.merchant_id,
  min(e.asset) AS asset,
  jsonb_agg(jsonb_build_array(e.account, e.place, e.units) ORDER BY e.line_no) AS entries
FROM postings p JOIN entries e USING (merchant_id, posting_id)
WHERE p.merchant_id = $1 AND p.posting_id = ANY($2::uuid[])
GROUP BY p.merchant_id, p.posting_id
""")
async def posting_contents(
    db: Read, merchant_id: UUID, posting_ids: Collection[UUID]
) -> dict[UUID, PostingContent]:
    """Contents of these postings."""
