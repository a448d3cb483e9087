"""A statement compared with the ledger in sets: its lines are copied into a table of the
transaction, joined with the movements, and the verdicts are copied to where they stay; all in one
transaction, so that a run is whole or not."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from recoup.bank.rules.matching import Found, Ours, Theirs
from recoup.db.statement import MERCHANT, Tx
from recoup.kernel.kept_sentence import Kept, keep

STATEMENT_SECONDS: Final = 600.0
AROUND: Final = timedelta(
    days=60
)  # how far from the period a reference is looked for; ids are found wherever they are
BESIDE: Final = timedelta(days=7)  # of a charge: the day on which its processor reports it
ROWS_AT_ONCE: Final = 5_000
# Sets of unknown size: read whole and hashed, as big tables of one transaction want it.
_PREPARE = "SELECT set_config('enable_seqscan', 'on', true), set_config('work_mem', '64MB', true)"
_STAGED = """
CREATE TEMP TABLE staged (number int, line_id uuid, type text, our_id uuid, reference text,
  units bigint, asset text,
  at timestamptz, route text, statement text, refs text[]) ON COMMIT DROP
"""
# What lines name by our key of a message stands for the row that the key is of; $1: whose.
_KEYED = """
UPDATE staged SET our_id = known.id FROM (
  SELECT DISTINCT ON (s.key) s.key, k.id
  FROM (SELECT DISTINCT our_id AS key FROM staged WHERE our_id IS NOT NULL) s
  CROSS JOIN LATERAL (
    SELECT a.attempt_id AS id, a.state = 'not_sent' AS unsent FROM wire_keys w
      JOIN attempts a ON a.merchant_id = $1 AND a.attempt_id = w.movement_id AND a.key = w.key
      WHERE w.key = s.key AND w.merchant_id = $1
    UNION ALL SELECT m.modification_id, false FROM wire_keys w
      JOIN modifications m ON m.merchant_id = $1 AND m.modification_id = w.movement_id
        AND w.key IN (m.key, m.send_key)
      WHERE w.key = s.key AND w.merchant_id = $1) k
  ORDER BY s.key, k.unsent) known
WHERE staged.our_id = known.key
"""
_OURS_TABLE = """
CREATE TEMP TABLE ours (posting_id uuid, line_no smallint, source_id uuid, type text,
  reference text, units bigint,
  asset text, at timestamptz, order_id uuid, from_file boolean, refs text[]) ON COMMIT DROP
"""
# $2: type of line -> $3: recipe; $4: kind of file; $5: the channels' places
_MOVEMENTS = """
SELECT p.posting_id, e.line_no, CASE WHEN r.kind = 'capture' THEN r.attempt_id
  ELSE p.source_id END, k.type,
  coalesce(a.reference, r.reference, s.tx_hash, w.reference, b.reference, d.case_ref, ''),
    abs(e.units), e.asset,
  p.business_at, p.order_id, false, array_remove(ARRAY[a.reference, r.reference, s.tx_hash,
    w.reference, b.reference,
    d.case_ref], NULL) || i.ids
FROM {source}
JOIN unnest($2::text[], $3::text[]) AS k (type, recipe) ON k.recipe = p.recipe
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id AND CASE $4
  WHEN 'processor' THEN e.account = 'clearing' AND e.place <> ALL($5::text[])
  WHEN 'bank' THEN e.account = 'bank'
  ELSE e.account = 'clearing' AND e.place = ANY($5::text[]) OR e.account = 'bank'
    AND p.recipe = 'payout_paid' END
LEFT JOIN modifications r ON r.merchant_id = p.merchant_id AND r.modification_id = p.source_id
  AND p.source_kind = 'refund'
LEFT JOIN attempts a ON a.merchant_id = p.merchant_id AND (a.attempt_id = p.source_id
  AND p.source_kind = 'attempt'
  OR a.attempt_id = r.attempt_id AND r.kind = 'capture')
LEFT JOIN settlements s ON s.merchant_id = p.merchant_id AND s.settlement_id = p.source_id
  AND p.source_kind = 'settlement'
LEFT JOIN payouts w ON w.merchant_id = p.merchant_id AND w.payout_id = p.source_id
  AND p.source_kind = 'payout'
LEFT JOIN bank_payouts b ON b.merchant_id = p.merchant_id AND b.payout_id = p.source_id
  AND p.source_kind = 'bank_payout'
LEFT JOIN LATERAL (
  SELECT coalesce(max(case_ref) FILTER (WHERE round_id = p.source_id),
    CASE WHEN count(*) = 1 THEN max(case_ref) END) AS case_ref
  FROM disputes d WHERE d.merchant_id = p.merchant_id AND d.order_id = p.order_id
) d ON p.source_kind = 'dispute'
CROSS JOIN LATERAL (
  SELECT coalesce(array_agg(id), '{{}}') AS ids FROM processor_ids i
    WHERE i.merchant_id = p.merchant_id
    AND i.movement_id = ANY(ARRAY[a.attempt_id, r.modification_id])
) i
WHERE p.merchant_id = $1 AND p.source_kind <> 'reconciliation'
"""
_NEAR = (
    "INSERT INTO ours "
    + _MOVEMENTS.format(source="postings p")
    + """
  AND p.business_at >= $6 AND p.business_at < $7
"""
)
_BY_ID = "INSERT INTO ours " + _MOVEMENTS.format(
    source="""
  (SELECT coalesce(c.modification_id, s.our_id) AS our_id
    FROM (SELECT our_id FROM staged WHERE our_id IS NOT NULL EXCEPT SELECT source_id FROM ours) s
    LEFT JOIN attempts t ON t.merchant_id = $1 AND t.attempt_id = s.our_id
    LEFT JOIN modifications c ON c.merchant_id = $1 AND c.order_id = t.order_id
      AND c.kind = 'capture'
      AND c.attempt_id = t.attempt_id AND NOT c.final_part
    UNION SELECT our_id FROM staged WHERE our_id IS NOT NULL EXCEPT SELECT source_id FROM ours) x
  CROSS JOIN unnest($6::text[]) AS q (source_kind)
  JOIN postings p ON p.merchant_id = $1 AND p.source_kind = q.source_kind AND p.source_id = x.our_id
"""
)
_BOOKED = """
INSERT INTO ours
SELECT DISTINCT ON (p.posting_id) p.posting_id, e.line_no, p.source_id, s.type, '', abs(e.units),
  e.asset,
  p.business_at, p.order_id, true, '{}'
FROM (SELECT DISTINCT line_id, type FROM staged) s
JOIN postings p ON p.merchant_id = $1 AND p.source_kind = 'reconciliation'
  AND p.source_id = s.line_id
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id AND e.line_no = 1
"""
# By what a processor calls them they are known in the file alone.
_ARCHIVED = """
SELECT a.file FROM ours o
JOIN archived_orders z ON z.merchant_id = $1 AND z.order_id = o.order_id
JOIN archives a USING (merchant_id, archive_id)
WHERE o.at >= $2 AND o.at < $3 LIMIT 1
"""
_FOUND = """
CREATE TEMP TABLE found ON COMMIT DROP AS
WITH lines AS MATERIALIZED (
  SELECT *, row_number() OVER (PARTITION BY our_id, type, units, asset ORDER BY at, number) AS place
  FROM staged WHERE our_id IS NOT NULL
), moved AS MATERIALIZED (
  SELECT *, row_number() OVER (PARTITION BY source_id, type, units, asset
    ORDER BY at, posting_id, line_no) AS place
  FROM ours WHERE NOT from_file
), mine AS MATERIALIZED (
  SELECT DISTINCT ON (s.number) s.number, o.posting_id, o.line_no, o.source_id,
    s.reference <> '' AND o.refs <> '{}' AND NOT (s.refs || s.reference) && o.refs AS conflict
  FROM lines s JOIN moved o ON o.source_id = s.our_id AND o.type = s.type
  ORDER BY s.number, (o.units, o.asset, o.place) = (s.units, s.asset, s.place) DESC,
    (o.units, o.asset) = (s.units, s.asset) DESC, o.at, o.posting_id
), alone AS MATERIALIZED (
  SELECT *, count(*) FILTER (WHERE place_of = 1) OVER (PARTITION BY reference, type) AS sources
  FROM (SELECT ref AS reference, type, units, asset, at, posting_id, line_no, source_id,
    row_number() OVER (PARTITION BY ref, type, source_id ORDER BY posting_id, line_no) AS place_of,
    row_number() OVER (PARTITION BY ref, type, units, asset
      ORDER BY at, posting_id, line_no) AS place
    FROM ours CROSS JOIN unnest(refs) AS r (ref) WHERE NOT from_file) a
), told AS MATERIALIZED (
  SELECT DISTINCT ON (s.number) s.number, a.sources, a.posting_id, a.line_no, a.source_id
  FROM (SELECT number, type, units, asset, ref AS reference, rank,
      row_number() OVER (PARTITION BY ref, type, units, asset ORDER BY at, number) AS place
    FROM staged s CROSS JOIN unnest(s.refs || s.reference) WITH ORDINALITY r (ref, rank)
    WHERE ref <> '' AND NOT EXISTS (SELECT FROM mine m WHERE m.number = s.number)) s
  JOIN alone a ON a.reference = s.reference AND a.type = s.type
  ORDER BY s.number, s.rank, (a.units, a.asset, a.place) = (s.units, s.asset, s.place) DESC,
    (a.units, a.asset) = (s.units, s.asset) DESC, a.at, a.posting_id
), whole AS MATERIALIZED (
  SELECT source_id, type, min(asset) AS asset, sum(units) AS units FROM ours WHERE NOT from_file
  GROUP BY source_id, type HAVING count(*) > 1 AND min(asset) = max(asset)
), booked AS MATERIALIZED (
  SELECT s.number, o.posting_id, o.line_no FROM staged s JOIN ours o ON o.source_id = s.line_id
    AND o.from_file
)
SELECT s.number, CASE WHEN m.posting_id IS NOT NULL AND NOT m.conflict THEN 'id'
  WHEN t.sources = 1 THEN 'reference'
    WHEN b.posting_id IS NOT NULL THEN 'booked' WHEN m.conflict THEN 'conflict' ELSE '' END AS by,
  coalesce(t.sources > 1, false) AS several,
  CASE WHEN NOT m.conflict THEN m.posting_id WHEN t.sources = 1 THEN t.posting_id
    ELSE b.posting_id END AS posting_id,
  CASE WHEN NOT m.conflict THEN m.line_no WHEN t.sources = 1 THEN t.line_no
    ELSE b.line_no END AS line_no,
  CASE WHEN w.units = s.units AND w.asset = s.asset
    AND min(s.line_id::text) OVER payment = max(s.line_id::text) OVER payment THEN w.source_id END
      AS whole_of
FROM staged s LEFT JOIN mine m USING (number) LEFT JOIN told t USING (number)
  LEFT JOIN booked b USING (number)
LEFT JOIN whole w ON w.type = s.type
  AND w.source_id = CASE WHEN NOT m.conflict THEN m.source_id
    WHEN t.sources = 1 THEN t.source_id END
WINDOW payment AS (PARTITION BY w.source_id, w.type)
"""
# One charge that was captured in parts is several movements: each line has the one of its amount,
# in order of time. Of lines about one movement those are the same that agree in amount, currency
# and date; the first of the right amount has the movement, and the others stand for themselves.
# Lines that come to the movement's amount together are its parts, equal ones too: `so_far` adds up
# those that differ first, then what is said again.
_VERDICTS = """
WITH open AS MATERIALIZED (
  SELECT o.type, o.units, o.asset, count(*) AS times FROM ours o
  WHERE NOT o.from_file AND NOT EXISTS (SELECT 1 FROM found f WHERE f.posting_id = o.posting_id
    AND f.line_no = o.line_no)
  GROUP BY 1, 2, 3
), told AS (
  SELECT s.number, s.line_id, s.type, s.our_id, s.reference, s.units, s.asset, s.at, s.route,
    s.statement, f.by,
    f.several, coalesce(f.posting_id, s.line_id) AS about, f.line_no AS about_no,
    first_value(s.number) OVER same AS first, row_number() OVER same AS copy,
    coalesce(n.times, 0) AS alike, o.posting_id, o.line_no AS entry_no, o.source_id,
      o.reference AS our_reference,
    o.units AS our_units, o.asset AS our_asset, o.at AS our_at, o.order_id, o.from_file,
    k.line_id IS NOT NULL AS booked,
    e.content_id, e.place AS equal_no, e.named, f.whole_of IS NOT NULL AS whole,
      w.content_id IS NOT NULL AS elsewhere
  FROM staged s JOIN found f USING (number)
  LEFT JOIN ours o ON o.posting_id = f.posting_id AND o.line_no = f.line_no
  LEFT JOIN open n ON n.type = s.type AND n.units = s.units AND n.asset = s.asset
    AND f.posting_id IS NULL
  LEFT JOIN (SELECT DISTINCT source_id AS line_id, units FROM ours WHERE from_file) k
    ON k.line_id = s.line_id AND k.units = s.units
  LEFT JOIN equal e ON e.number = s.number
  LEFT JOIN elsewhere w ON w.content_id = e.content_id AND NOT e.named
  WINDOW same AS (PARTITION BY coalesce(f.posting_id, s.line_id), f.line_no, s.units, s.asset, s.at,
    CASE WHEN s.statement <> '' THEN s.line_id END ORDER BY s.number)
), summed AS (
  SELECT *, sum(units) OVER (PARTITION BY about, about_no ORDER BY copy, number) AS so_far,
    sum(units) FILTER (WHERE copy = 1) OVER every AS once,
    coalesce(bool_and(asset = our_asset) OVER every, false) AS one,
    coalesce(min(units) OVER every < 0 AND sum(units) OVER every = our_units, false) AS netted
  FROM told WINDOW every AS (PARTITION BY about, about_no)
), parted AS (
  SELECT *, one AND (netted OR coalesce(so_far <= our_units, false)
    AND coalesce(bool_or(so_far = our_units AND so_far >= once
      AND so_far > units) OVER (PARTITION BY about, about_no),
      false)) AS parts
  FROM summed
)
SELECT number, line_id, type, our_id, reference, units, asset, at, route, statement, by, several,
  CASE WHEN NOT parts THEN nullif(first, number) END AS first, nullif(first_value(number) OVER best,
    number) AS taken,
  coalesce((first_value(units) OVER best, first_value(asset) OVER best) = (units, asset),
    false) AS same_amount,
  parts, booked, alike,
  coalesce((first_value(units) OVER best, first_value(asset) OVER best,
    first_value(at) OVER best) = (units, asset, at),
    false) AS same_day, elsewhere, whole,
  CASE WHEN NOT named THEN content_id END AS content_id, CASE
    WHEN NOT named THEN equal_no END AS equal_no,
  posting_id, entry_no, source_id, type AS our_type, our_reference, our_units, our_asset, our_at,
    order_id, from_file
FROM parted t
WINDOW best AS (PARTITION BY about, about_no
  ORDER BY (our_units = units AND our_asset = asset) DESC NULLS LAST, number)
"""
_MISSING = """
SELECT o.posting_id, o.line_no, o.source_id, o.type, o.reference, o.units, o.asset, o.at, o.order_id
  FROM ours o
WHERE NOT o.from_file AND o.at >= $1 AND o.at < $2 AND o.asset = ANY($3::text[])
  AND NOT EXISTS (SELECT FROM found f WHERE f.posting_id = o.posting_id AND f.line_no = o.line_no)
  AND NOT EXISTS (SELECT FROM found f JOIN staged s USING (number) WHERE f.whole_of = o.source_id
    AND s.type = o.type)
ORDER BY o.at, o.posting_id
"""


@MERCHANT.within(STATEMENT_SECONDS).statement("""
INSERT INTO reconciliation_runs (merchant_id, run_id, run_key, kind, file_name, file_hash, reading,
  period_from,
  period_to, actor, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $8) ON CONFLICT (merchant_id, run_key) DO NOTHING
  RETURNING true
""")
async def begin_run(
    db: Tx,
    merchant_id: UUID,
    run_id: UUID,
    run_key: bytes,
    kind: str,
    file_name: str,
    file_hash: bytes,
    reading: dict[str, Any],
    created_at: datetime,
    actor: str,
) -> bool:
    """Begins a run; False where this file was read in this way before, or another process was just
    doing it and is waited for. Wall time."""


async def prepare(tx: asyncpg.Connection) -> None:
    """Tables of this transaction for the lines and the movements."""
    await tx.execute(_PREPARE)
    await tx.execute(_STAGED)
    await tx.execute(_OURS_TABLE)


async def stage(tx: asyncpg.Connection, lines: Sequence[Theirs]) -> None:
    await tx.copy_records_to_table(
        "staged", records=lines, columns=list(Theirs._fields), timeout=STATEMENT_SECONDS
    )


async def staged_span(tx: asyncpg.Connection) -> tuple[datetime | None, datetime | None]:
    row = await tx.fetchrow("SELECT min(at), max(at) FROM staged", timeout=STATEMENT_SECONDS)
    return row[0], row[1]


async def collect(
    tx: asyncpg.Connection,
    merchant_id: UUID,
    kind: str,
    types: Mapping[str, Sequence[str]],
    places: Sequence[str],
    period: tuple[datetime, datetime],
) -> None:
    """Looks up the movements around the period and those that lines name, and finds each line's
    candidate."""
    pairs = [(type_, recipe) for type_, recipes in types.items() for recipe in recipes]
    about = (merchant_id, [p[0] for p in pairs], [p[1] for p in pairs], kind, list(places))
    await tx.execute(_KEYED, merchant_id, timeout=STATEMENT_SECONDS)
    await tx.execute(
        _NEAR, *about, period[0] - AROUND, period[1] + AROUND, timeout=STATEMENT_SECONDS
    )
    sources = ["attempt", "refund", "settlement", "payout", "bank_payout", "dispute"]
    await tx.execute(_BY_ID, *about, sources, timeout=STATEMENT_SECONDS)
    await tx.execute(_BOOKED, merchant_id, timeout=STATEMENT_SECONDS)
    await tx.execute("ANALYZE ours", timeout=STATEMENT_SECONDS)
    await tx.execute(_FOUND, timeout=STATEMENT_SECONDS)
    await tx.execute("ANALYZE found", timeout=STATEMENT_SECONDS)


async def archived_file(
    tx: asyncpg.Connection, merchant_id: UUID, period: tuple[datetime, datetime]
) -> str | None:
    """A file of an archive that has movements of the period, or just beside it."""
    file: str | None = await tx.fetchval(
        _ARCHIVED, merchant_id, period[0] - BESIDE, period[1] + BESIDE, timeout=STATEMENT_SECONDS
    )
    return file


class Candidate(NamedTuple):
    """A line of the statement, and what was found for it. `content_id`, `equal_no`: what a line
    without id says, and which of the equal ones it is."""

    line: Theirs
    found: Found
    content_id: UUID | None
    equal_no: int | None


async def candidates(tx: asyncpg.Connection) -> AsyncIterator[list[Candidate]]:
    """All lines, some at a time."""
    async for records in _in_parts(tx, _VERDICTS):
        yield list(map(_candidate, records))


def _candidate(record: Any) -> Candidate:
    posting_id, line_no, *movement = record[23:]
    ours = Ours((posting_id, line_no), *movement) if posting_id is not None else None
    return Candidate(Theirs(*record[:10]), Found(ours, *record[10:21]), *record[21:23])


async def missing(
    tx: asyncpg.Connection, period: tuple[datetime, datetime], currencies: Iterable[str]
) -> AsyncIterator[list[Ours]]:
    """Movements of the period that no line is about."""
    async for records in _in_parts(tx, _MISSING, *period, list(currencies)):
        yield [Ours((posting_id, line_no), *movement) for posting_id, line_no, *movement in records]


async def _in_parts(tx: asyncpg.Connection, sql: str, *args: object) -> AsyncIterator[list[Any]]:
    cursor = await tx.cursor(sql, *args)
    while records := await cursor.fetch(ROWS_AT_ONCE, timeout=STATEMENT_SECONDS):
        yield records


class VerdictLine(NamedTuple):
    """Verdict on a line, or on a movement that has none. `recipe`, `entries`: what may be
    booked."""

    merchant_id: UUID
    run_id: UUID
    row_no: int
    outcome: str
    reason: str
    finding: str
    recipe: str | None = None
    entries: list[list[str | int]] | None = None
    line_no: int | None = None
    line_id: UUID | None = None
    type: str | None = None
    our_id: UUID | None = None
    reference: str | None = None
    asset: str | None = None
    units: int | None = None
    our_units: int | None = None
    dated: datetime | None = None
    order_id: UUID | None = None
    posting_id: UUID | None = None
    content_id: UUID | None = None
    equal_no: int | None = None


async def add_verdicts(tx: asyncpg.Connection, lines: Sequence[VerdictLine]) -> None:
    if lines:
        columns = list(VerdictLine._fields)
        records = [line._replace(finding=keep(line.finding)) for line in lines]
        await tx.copy_records_to_table(
            "reconciliation_lines", records=records, columns=columns, timeout=STATEMENT_SECONDS
        )


@MERCHANT.statement("""
UPDATE reconciliation_runs SET lines = $3, counts = $4, notes = $5, period_from = $6, period_to = $7
WHERE merchant_id = $1 AND run_id = $2
""")
async def end_run(
    db: Tx,
    merchant_id: UUID,
    run_id: UUID,
    lines: int,
    counts: dict[str, int],
    notes: Sequence[Kept],
    period_from: datetime,
    period_to: datetime,
) -> None:
    """`counts`: outcome -> lines."""
