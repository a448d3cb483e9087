"""Closed pages, recomputed from postings and entries the way they were closed; the balances that
follow from them; every certificate of a merchant, in the order of its chain."""

from typing import Any, Final
from uuid import UUID

from recoup.certificates.store.certificates import CertificateHead
from recoup.db.statement import MERCHANT, Read, Row, columns_of
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Difference,
    Differs,
    differences,
    of_merchant,
    text,
)

PAGES_MAX: Final = 16
_NUMBER_MAX: Final = 2**63 - 1


_in_order: Final = of_merchant(
    __name__,
    numbers="""
SELECT NULL::uuid AS order_id, 'page number' AS field, (before + 1)::text AS expected,
  page_no::text AS found
FROM (SELECT page_no, lag(page_no, 1, 0::bigint) OVER (ORDER BY page_no) AS before FROM pages
  WHERE merchant_id = $1) p
WHERE page_no <> before + 1 ORDER BY page_no LIMIT 1000
""",
    last="""
SELECT NULL::uuid AS order_id, v.field, v.expected, v.found
FROM (SELECT coalesce(max(page_no), 0) AS page_no, coalesce(max(encode(root, 'hex')), '') AS root
  FROM closers WHERE merchant_id = $1) c
LEFT JOIN (SELECT page_no, root FROM pages WHERE merchant_id = $1 ORDER BY page_no DESC
  LIMIT 1) p ON true
CROSS JOIN LATERAL (VALUES
  (1, 'last page', c.page_no::text, coalesce(p.page_no, 0)::text),
  (2, 'last root', c.root, coalesce(encode(p.root, 'hex'), ''))
) v (no, field, expected, found)
WHERE v.expected <> v.found ORDER BY v.no LIMIT 1000
""",
    of_no_posting="""
SELECT NULL::uuid AS order_id, 'queued posting ' || q.posting_id AS field, 'a posting' AS expected,
  'none' AS found
FROM postings_queue q LEFT JOIN postings p USING (merchant_id, posting_id)
WHERE q.merchant_id = $1 AND p.posting_id IS NULL ORDER BY q.posting_id LIMIT 1000
""",
    open="""
SELECT p.order_id, 'balance after entry ' || e.line_no || ' of posting ' || p.posting_id ||
  ', in no page yet' AS field,
  'none' AS expected, e.balance_after::text AS found
FROM postings_queue q JOIN postings p USING (merchant_id, posting_id)
JOIN entries e USING (merchant_id, posting_id)
WHERE q.merchant_id = $1 AND e.balance_after IS NOT NULL
ORDER BY p.posting_id LIMIT 1000
""",
)


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT p.order_id, v.field, v.expected, v.found
FROM page_lines s LEFT JOIN pages g USING (merchant_id, page_no)
LEFT JOIN postings p USING (merchant_id, posting_id)
CROSS JOIN LATERAL (VALUES
  (1, 'page of posting ' || s.posting_id, s.page_no::text, coalesce(g.page_no::text, 'none')),
  (2, 'line of page ' || s.page_no || ' with posting ' || s.posting_id, 'a posting',
    CASE WHEN p.posting_id IS NULL THEN 'none' ELSE 'a posting' END)
) v (no, field, expected, found)
WHERE s.merchant_id = $1 AND s.page_no > $2 AND s.page_no <= $3 AND v.expected <> v.found
ORDER BY s.page_no, s.position, v.no LIMIT 1000
""")
async def _lines(db: Read, merchant_id: UUID, low: int, high: int) -> list[Differs]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement("""
WITH g AS MATERIALIZED (
  SELECT page_no, prev_root, root, postings, sums,
    (SELECT b.root FROM pages b WHERE b.merchant_id = $1
      AND b.page_no = g.page_no - 1) AS root_before
  FROM pages g WHERE merchant_id = $1 AND page_no > $2 AND page_no <= $3
), p AS MATERIALIZED (
  SELECT s.page_no, s.posting_id, s.position, p.content_hash
  FROM page_lines s JOIN postings p USING (merchant_id, posting_id)
  WHERE s.merchant_id = $1 AND s.page_no > $2 AND s.page_no <= $3
), hashes AS (
  SELECT page_no, count(*) AS n, min(position) AS low, max(position) AS high,
    count(DISTINCT position) AS different,
    string_agg(content_hash, ''::bytea ORDER BY position) AS text
  FROM p GROUP BY page_no
), sums AS (
  SELECT page_no, account, asset, place, sum(units) AS units
  FROM p JOIN entries e ON e.merchant_id = $1 AND e.posting_id = p.posting_id GROUP BY 1, 2, 3, 4
), told AS (
  SELECT page_no, jsonb_object_agg(account || '|' || asset || '|' || place, units) AS sums,
    string_agg(account || '|' || asset || '|' || place || '=' || units, E'\\n'
      ORDER BY account, asset, place) AS text
  FROM sums GROUP BY page_no
)
SELECT NULL::uuid AS order_id, v.field || ' of page ' || g.page_no AS field, v.expected, v.found
FROM g LEFT JOIN hashes h USING (page_no) LEFT JOIN told t USING (page_no)
CROSS JOIN LATERAL (VALUES
  (1, 'number of postings', g.postings::text, coalesce(h.n, 0)::text),
  (2, 'positions', '1 to ' || g.postings,
    h.low || ' to ' || CASE WHEN h.different = h.n THEN h.high ELSE h.different END),
  (3, 'sums', t.sums::text, g.sums::text),
  (4, 'root before', encode(coalesce(g.root_before, ''::bytea), 'hex'), encode(g.prev_root, 'hex')),
  (5, 'root', encode(sha256(g.prev_root || convert_to(g.page_no::text, 'UTF8') || h.text
      || convert_to(t.text, 'UTF8')), 'hex'), encode(g.root, 'hex'))
) v (no, field, expected, found)
WHERE v.expected IS DISTINCT FROM v.found
ORDER BY g.page_no, v.no LIMIT 1000
""")
async def _pages(db: Read, merchant_id: UUID, low: int, high: int) -> list[Differs]: ...


class _Balance(Row):
    """`balances`: {account|asset|place: units}, on the last line alone."""

    order_id: UUID | None
    field: str | None
    expected: str | None
    found: str | None
    balances: dict[str, Any] | None


@MERCHANT.within(STATEMENT_SECONDS).statement("""
WITH e AS MATERIALIZED (
  SELECT p.order_id, s.page_no, s.position, p.posting_id, e.line_no,
    e.account || '|' || e.asset || '|' || e.place AS key, e.units, e.balance_after,
    sum(e.units) OVER (PARTITION BY e.account, e.asset, e.place
      ORDER BY s.page_no, s.position, e.line_no)
      + coalesce(($4::jsonb ->> (e.account || '|' || e.asset || '|' || e.place))::numeric,
        0) AS running
  FROM page_lines s JOIN postings p USING (merchant_id, posting_id)
  JOIN entries e USING (merchant_id, posting_id)
  WHERE s.merchant_id = $1 AND s.page_no > $2 AND s.page_no <= $3
), wrong AS (
  SELECT order_id, 'balance after entry ' || line_no || ' of posting ' || posting_id || ' (' || key
    || ')' AS field,
    running::text AS expected, balance_after::text AS found
  FROM e WHERE running IS DISTINCT FROM balance_after ORDER BY page_no, position, line_no LIMIT 1
)
SELECT order_id, field, expected, found, NULL::jsonb AS balances FROM wrong
UNION ALL
SELECT NULL, NULL, NULL, NULL, $4::jsonb || coalesce((
  SELECT jsonb_object_agg(key, coalesce(($4::jsonb ->> key)::numeric, 0) + units)
  FROM (SELECT key, sum(units) AS units FROM e GROUP BY key) s), '{}')
""")
async def _balances(
    db: Read, merchant_id: UUID, low: int, high: int, before: dict[str, Any]
) -> list[_Balance]:
    """The first entry that differs, if one does; then all of them as they are after the page
    `high`."""


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT NULL::uuid AS order_id, 'balance of account ' || key AS field, s.units::text AS expected,
  b.units::text AS found
FROM (SELECT key, value::text::numeric AS units FROM jsonb_each($2::jsonb)) s
FULL JOIN (SELECT account || '|' || asset || '|' || place AS key, units FROM account_balances
  WHERE merchant_id = $1) b
  USING (key)
WHERE s.units IS DISTINCT FROM b.units ORDER BY key LIMIT 1000
""")
async def _accounts(db: Read, merchant_id: UUID, balances: dict[str, int]) -> list[Differs]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement(
    "SELECT max(page_no) FROM pages WHERE merchant_id = $1"
)
async def _highest(db: Read, merchant_id: UUID) -> int | None:
    """The last page's number."""


class _UpTo(Row):
    root: str
    balances: dict[str, Any]


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT coalesce((SELECT encode(root, 'hex') FROM pages WHERE merchant_id = $1 AND page_no = $2),
    '') AS root,
  coalesce((SELECT jsonb_object_agg(key, units) FROM (SELECT s.key, sum(s.value::numeric) AS units
    FROM pages g CROSS JOIN LATERAL jsonb_each_text(g.sums) s
    WHERE g.merchant_id = $1 AND g.page_no <= $2 GROUP BY s.key) b), '{}') AS balances
""")
async def _up_to(db: Read, merchant_id: UUID, page_no: int) -> _UpTo:
    """Root of a page, and the sums of all until there."""


async def pages_in_order(db: Read, merchant_id: UUID, proved: int, root: str) -> list[Difference]:
    """Numbers of all pages. Of those up to `proved` the last root alone, which is known."""
    differing = await _in_order(db, merchant_id)
    kept = await _up_to(db, merchant_id, proved)
    if kept.root != root:
        field = f"root of page {proved}, which was proved"
        differing.append(Difference(merchant_id, None, field, root, text(kept.root)))
    return differing


async def next_pages(
    db: Read, merchant_id: UUID, after: int, balances: dict[str, int] | None
) -> tuple[list[Difference], int | None, dict[str, int]]:
    """Proves lines, roots, sums, positions and the balances after each entry of the next pages, and
    with the last the balances of the accounts. Answers the last of them, None behind all, and the
    `balances` there; without those of `after` they follow from the pages' sums."""
    if balances is None:
        balances = (await _up_to(db, merchant_id, after)).balances
    until: int | None = after + PAGES_MAX
    if until is not None and until >= (await _highest(db, merchant_id) or 0):
        until = None
    span = merchant_id, after, until or _NUMBER_MAX
    differing = await differences(db, _lines, merchant_id, *span)
    differing += await differences(db, _pages, merchant_id, *span)
    *wrong, last = await _balances(db, *span, balances)
    differing += [
        Difference(merchant_id, row.order_id, row.field or "", text(row.expected), text(row.found))
        for row in wrong
    ]
    balances = last.balances or {}
    if until is None:
        differing += await differences(db, _accounts, merchant_id, merchant_id, balances)
    return differing, until, balances


class CertificateFile(CertificateHead):
    month: str
    file: bytes
    has_event: bool


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT {columns_of(CertificateHead, "c")}, to_char(c.month_from AT TIME ZONE 'UTC',
  'YYYY-MM') AS month, c.file,
  EXISTS (SELECT FROM outbox x WHERE x.merchant_id = c.merchant_id
    AND x.subject_id = c.certificate_id
    AND x.body ->> 'CertificateRoot' = encode(c.root, 'hex')) AS has_event
FROM certificates c WHERE c.merchant_id = $1 AND c.chain_no > $2 ORDER BY c.chain_no LIMIT $3
""")
async def certificate_files(
    db: Read, merchant_id: UUID, after_no: int, limit: int
) -> list[CertificateFile]:
    """The next of the chain."""
