"""Imports of past attempts: read whole in one transaction, then taken over some at a time, each
attempt once; read again, and forgotten."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, Row, Tx, Written, columns_of
from recoup.db.table import Hex, insert_of, stored
from recoup.imports.rules.attempt import Attempt
from recoup.kernel.kept_sentence import Kept, keep
from recoup.kernel.time import WallTime

STATEMENT_SECONDS: Final = 600.0
State = Literal["received", "working", "completed", "stopped"]


class Import(Row):
    """Wall times. `report`: what the file is worth, as its reader counted it."""

    merchant_id: UUID
    import_id: UUID
    profile: str
    answers: dict[str, Any]
    file_name: str
    state: State
    row_count: int
    attempt_count: int
    bad_count: int
    done_count: int
    new_count: int
    changed_count: int
    counted_count: int
    report: dict[str, Any]
    notes: list[Kept]
    received_at: datetime
    stop_requested_at: datetime | None
    finished_at: datetime | None


IMPORT: Final = columns_of(Import)


@MERCHANT.statement(
    f"SELECT {IMPORT} FROM imports WHERE merchant_id = $1 AND content_mac = $2 AND state <> "
    f"'stopped'"
)
async def import_by_content(db: Read, merchant_id: UUID, content_mac: bytes) -> Import | None:
    """The same file that came before and was read in the same way, unless it was stopped."""


@MERCHANT.statement(f"SELECT {IMPORT} FROM imports WHERE merchant_id = $1 AND import_id = $2")
async def find_import(db: Read, merchant_id: UUID, import_id: UUID) -> Import | None:
    """Finds an import of this merchant."""


@MERCHANT.statement(f"""
SELECT {IMPORT} FROM imports WHERE merchant_id = $1 AND ($2::uuid IS NULL OR import_id < $2)
ORDER BY import_id DESC LIMIT $3
""")
async def list_imports(db: Read, merchant_id: UUID, after: UUID | None, limit: int) -> list[Import]:
    """Newest first."""


class ImportName(Row):
    import_id: UUID
    file_name: str


@MERCHANT.statement(
    "SELECT import_id, file_name FROM imports WHERE merchant_id = $1 AND import_id = ANY "
    "($2::uuid[])"
)
async def import_names(db: Read, merchant_id: UUID, import_ids: Sequence[UUID]) -> list[ImportName]:
    """Their files."""


@stored("imports")
class NewImport(Row):
    merchant_id: UUID
    import_id: UUID
    content_mac: Hex
    profile: str
    answers: dict[str, Any]
    file_name: str
    actor: str
    request_id: str
    received_at: WallTime
    state: str = "received"


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
{insert_of(NewImport, single=True)}
ON CONFLICT (merchant_id, content_mac) WHERE state <> 'stopped' DO NOTHING RETURNING true
""")
async def begin_import(db: Tx, new: NewImport) -> bool:
    """Begins an import. False: it is there already, or another process was just reading it and was
    waited for."""


class NewImportRow(NamedTuple):
    """An attempt as it waits. `payer_id`, `card`: keyed hashes of its customer and card. `card_id`
    and those after it: of a card that we hold, and the one send that it counts as."""

    attempt: Attempt
    payer_id: UUID | None
    card: UUID | None
    card_id: UUID | None = None
    send_id: UUID | None = None
    acceptor_id: str | None = None
    initiator: str | None = None


_NOT_KEPT: Final = {"line", "customer", "card", "subscription", "attempt_count"}
_OF_A_CARD: Final = {"token", "method", "acceptor", "by_customer"}
# column -> the attempt's field
_OF_ATTEMPT: Final = {
    {"row": "row_no", "text": "phrase"}.get(name, name): name
    for name in Attempt._fields
    if name not in _NOT_KEPT | _OF_A_CARD
}
_fields_of: Final = attrgetter(*_OF_ATTEMPT.values())


async def add_import_rows(
    tx: asyncpg.Connection, merchant_id: UUID, import_id: UUID, rows: Sequence[NewImportRow]
) -> None:
    columns = ["merchant_id", "import_id", *_OF_ATTEMPT, *NewImportRow._fields[1:]]
    records = ((merchant_id, import_id, *_fields_of(row.attempt), *row[1:]) for row in rows)
    await tx.copy_records_to_table(
        "import_rows", records=records, columns=columns, timeout=STATEMENT_SECONDS
    )


async def add_import_lines(
    tx: asyncpg.Connection,
    merchant_id: UUID,
    import_id: UUID,
    lines: Iterable[tuple[int, str, str]],
) -> None:
    """(line, code, why) of lines from which nothing was taken."""
    records = [(merchant_id, import_id, line, code, keep(why)) for line, code, why in lines]
    columns = ["merchant_id", "import_id", "line_no", "code", "why"]
    await tx.copy_records_to_table(
        "import_lines", records=records, columns=columns, timeout=STATEMENT_SECONDS
    )


# A join over the whole import: each row of it once, whichever plan its size asks for.
_GUESSED_TABLE: Final = "CREATE TEMP TABLE guessed_rows (row_no int, first_row int) ON COMMIT DROP"
_NAME_GUESSED: Final = """
UPDATE import_rows r SET payment = f.ref, guessed = true
FROM guessed_rows g JOIN import_rows f ON f.merchant_id = $1 AND f.import_id = $2
  AND f.row_no = g.first_row
WHERE r.merchant_id = $1 AND r.import_id = $2 AND r.row_no = g.row_no
"""
_PLANS: Final = (
    "SELECT set_config('enable_seqscan', 'on', true), set_config('work_mem', '64MB', true)"
)


async def name_guessed(
    tx: asyncpg.Connection, merchant_id: UUID, import_id: UUID, guesses: Iterable[tuple[int, int]]
) -> None:
    """A payment that was put together is named after its first attempt. `guesses`: (row, row of the
    first)."""
    await tx.execute(_PLANS)
    await tx.execute(_GUESSED_TABLE)
    await tx.copy_records_to_table("guessed_rows", records=guesses, timeout=STATEMENT_SECONDS)
    await tx.execute("ANALYZE guessed_rows", timeout=STATEMENT_SECONDS)
    await tx.execute(_NAME_GUESSED, merchant_id, import_id, timeout=STATEMENT_SECONDS)


@MERCHANT.statement("""
UPDATE imports SET row_count = $3, attempt_count = $4, bad_count = $5, report = $6, notes = $7
WHERE merchant_id = $1 AND import_id = $2
""")
async def count_import(
    db: Tx,
    merchant_id: UUID,
    import_id: UUID,
    rows: int,
    attempts: int,
    bad: int,
    report: dict[str, Any],
    notes: Sequence[Kept],
) -> None:
    """Keeps the counts and the report when the whole file is read."""


class LockedImport(Row):
    """`done_to`: provider and id up to which attempts were taken over. `waits`: an earlier one is
    not finished."""

    attempt_count: int
    done_count: int
    done_to: list[str]
    stop_requested_at: datetime | None
    finished_at: datetime | None
    waits: bool


@MERCHANT.statement("""
SELECT i.attempt_count, i.done_count, i.done_to, i.stop_requested_at, i.finished_at,
  EXISTS (SELECT FROM imports o WHERE o.merchant_id = i.merchant_id AND o.import_id < i.import_id
    AND o.state IN ('received', 'working')) AS waits
FROM imports i WHERE i.merchant_id = $1 AND i.import_id = $2 FOR UPDATE OF i
""")
async def lock_import(db: Tx, merchant_id: UUID, import_id: UUID) -> LockedImport | None:
    """Its attempts are taken over by one process at a time."""


@MERCHANT.statement("""
SELECT import_id FROM imports WHERE merchant_id = $1 AND state IN ('received', 'working')
  AND import_id <= $2
ORDER BY import_id LIMIT 1
""")
async def first_unfinished(db: Read, merchant_id: UUID, up_to: UUID) -> UUID | None:
    """Imports of a merchant take turns: whose it is."""


class Place(Row):
    provider: str
    ref: str


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT provider, ref FROM (
  SELECT provider, ref FROM import_rows WHERE merchant_id = $1 AND import_id = $2
    AND (provider, ref) > ($3, $4)
  ORDER BY provider, ref LIMIT $5
) r ORDER BY provider DESC, ref DESC LIMIT 1
""")
async def end_of_part(
    db: Read, merchant_id: UUID, import_id: UUID, provider: str, ref: str, limit: int
) -> Place | None:
    """The end of the next part; None: nothing is left."""


class Taken(Row):
    added: int
    changed: int


# Of rows about one attempt the latest state counts, and the first time; the amount is what the
# issuer was asked for: of the first row, and of several at that time the largest. What is there
# stays where a file tells less: a code that an earlier file told is not lost, and a story does not
# go back.
@MERCHANT.within(STATEMENT_SECONDS).statement("""
WITH latest AS (
  SELECT DISTINCT ON (provider, ref) r.*, first_value(at) OVER asked AS first_at,
    first_value(units) OVER asked AS asked, first_value(asset) OVER asked AS asked_in
  FROM import_rows r WHERE merchant_id = $1 AND import_id = $2 AND (provider, ref) > ($3, $4)
    AND (provider, ref) <= ($5, $6)
  WINDOW asked AS (PARTITION BY provider, ref ORDER BY at, units DESC, asset)
  ORDER BY provider, ref, modified_at DESC NULLS LAST, stage DESC, row_no DESC
), put AS (
  INSERT INTO imported_attempts AS t (merchant_id, provider, ref, import_id, row_no, payment,
    guessed, payer_id, card,
    bin, last4, scheme, funding, country, at, units, asset, state, stage, failed_later, source,
      scheme_code,
    advice_code, processor_code, phrase, attempt_no, utc_offset, propensity, modified_at, card_id,
      send_id, acceptor_id,
    initiator, counted)
  SELECT merchant_id, provider, ref, import_id, row_no, payment, guessed, payer_id, card, bin,
    last4, scheme, funding,
    country, first_at, asked, asked_in, state, stage, failed_later, source, scheme_code,
      advice_code, processor_code,
    phrase, attempt_no, utc_offset, propensity, modified_at, card_id, send_id, acceptor_id,
      initiator,
    CASE WHEN card_id IS NOT NULL THEN 'waits' END FROM latest
  ON CONFLICT (merchant_id, provider, ref) DO UPDATE SET import_id = EXCLUDED.import_id,
    row_no = EXCLUDED.row_no,
    payment = CASE WHEN t.guessed AND NOT EXCLUDED.guessed THEN EXCLUDED.payment ELSE t.payment END,
    guessed = t.guessed AND EXCLUDED.guessed, state = EXCLUDED.state, stage = EXCLUDED.stage,
    failed_later = EXCLUDED.failed_later, modified_at = coalesce(EXCLUDED.modified_at,
      t.modified_at),
    at = least(t.at, EXCLUDED.at), units = CASE WHEN EXCLUDED.at < t.at THEN EXCLUDED.units
      ELSE t.units END,
    asset = CASE WHEN EXCLUDED.at < t.at THEN EXCLUDED.asset ELSE t.asset END,
    source = coalesce(nullif(EXCLUDED.source, ''), t.source),
    scheme_code = coalesce(nullif(EXCLUDED.scheme_code, ''), t.scheme_code),
    advice_code = coalesce(nullif(EXCLUDED.advice_code, ''), t.advice_code),
    processor_code = coalesce(nullif(EXCLUDED.processor_code, ''), t.processor_code),
    phrase = coalesce(nullif(EXCLUDED.phrase, ''), t.phrase),
    scheme = CASE WHEN t.send_id IS NULL AND EXCLUDED.send_id IS NOT NULL THEN EXCLUDED.scheme
      ELSE t.scheme END,
    card_id = CASE WHEN t.send_id IS NULL THEN EXCLUDED.card_id ELSE t.card_id END,
    acceptor_id = CASE WHEN t.send_id IS NULL THEN EXCLUDED.acceptor_id ELSE t.acceptor_id END,
    initiator = CASE WHEN t.send_id IS NULL THEN EXCLUDED.initiator ELSE t.initiator END,
    send_id = coalesce(t.send_id, EXCLUDED.send_id),
    counted = CASE WHEN t.known_as IS NOT NULL AND t.card_id IS NULL THEN 'known'
      WHEN coalesce(t.send_id, EXCLUDED.send_id) IS NOT NULL THEN 'waits' END,
    known_as = CASE WHEN t.card_id IS NULL THEN t.known_as END
  WHERE (coalesce(EXCLUDED.modified_at, '-infinity'), EXCLUDED.stage)
      >= (coalesce(t.modified_at, '-infinity'), t.stage)
    AND ((EXCLUDED.state, EXCLUDED.stage, EXCLUDED.failed_later) IS DISTINCT
      FROM (t.state, t.stage, t.failed_later)
      OR t.scheme_code = '' AND EXCLUDED.scheme_code <> '' OR t.advice_code = ''
        AND EXCLUDED.advice_code <> ''
      OR t.processor_code = '' AND EXCLUDED.processor_code <> '' OR t.guessed
        AND NOT EXCLUDED.guessed
      OR t.send_id IS NULL AND EXCLUDED.send_id IS NOT NULL)
  RETURNING (xmax = 0) AS added
)
SELECT count(*) FILTER (WHERE added)::int AS added, count(*) FILTER (WHERE NOT added)::int AS
  changed FROM put
""")
async def take_over(
    db: Tx,
    merchant_id: UUID,
    import_id: UUID,
    provider: str,
    ref: str,
    to_provider: str,
    to_ref: str,
) -> Taken:
    """The rows behind one place up to another become attempts."""


@MERCHANT.within(STATEMENT_SECONDS).statement("""
DELETE FROM import_rows WHERE merchant_id = $1 AND import_id = $2 AND (provider, ref) > ($3, $4)
  AND (provider, ref) <= ($5, $6)
""")
async def drop_taken(
    db: Tx,
    merchant_id: UUID,
    import_id: UUID,
    provider: str,
    ref: str,
    to_provider: str,
    to_ref: str,
) -> Written:
    """Deletes the rows that were taken over and wait no longer."""


@MERCHANT.statement("""
UPDATE imports SET state = 'working', done_count = done_count + $3, new_count = new_count + $4,
  changed_count = changed_count + $5, done_to = $6 WHERE merchant_id = $1 AND import_id = $2
""")
async def count_taken(
    db: Tx,
    merchant_id: UUID,
    import_id: UUID,
    rows: int,
    added: int,
    changed: int,
    done_to: list[str],
) -> None: ...


@MERCHANT.statement(
    "UPDATE imports SET state = $3, finished_at = $4 WHERE merchant_id = $1 AND import_id = $2"
)
async def finish_import(
    db: Tx, merchant_id: UUID, import_id: UUID, state: str, at: datetime
) -> None: ...


@MERCHANT.within(STATEMENT_SECONDS).statement(
    "DELETE FROM import_rows WHERE merchant_id = $1 AND import_id = $2"
)
async def drop_rest(db: Tx, merchant_id: UUID, import_id: UUID) -> None:
    """Attempts of a stopped import that were not taken over."""


@MERCHANT.statement("""
UPDATE imports SET stop_requested_at = coalesce(stop_requested_at, $3),
  stop_requested_by = coalesce(stop_requested_by, $4)
WHERE merchant_id = $1 AND import_id = $2 AND state IN ('received', 'working') RETURNING true
""")
async def request_stop(db: Tx, merchant_id: UUID, import_id: UUID, at: datetime, by: str) -> bool:
    """Requests that the import stop; False when it is finished, or was never there."""


class BadImportLine(Row):
    line_no: int
    code: str
    why: Kept


@MERCHANT.statement("""
SELECT line_no, code, why FROM import_lines WHERE merchant_id = $1 AND import_id = $2
  AND line_no > $3
ORDER BY line_no LIMIT $4
""")
async def bad_lines(
    db: Read, merchant_id: UUID, import_id: UUID, after: int, limit: int
) -> list[BadImportLine]:
    """Bad lines of an import, in the file's order."""


_AS_KEPT: Final = columns_of(
    Attempt,
    row="row_no",
    line="row_no",
    customer="coalesce(payer_id::text, '')",
    card="coalesce(card::text, '')",
    subscription="''",
    token="''",  # noqa: S106 - a column
    method="NULL::text[]",
    acceptor="''",
    by_customer="false",
    text="phrase",
    attempt_count="NULL::int",
)


@MERCHANT.statement(f"""
SELECT {_AS_KEPT}
FROM imported_attempts WHERE merchant_id = $1 AND import_id = $2 AND (row_no, ref) > ($3, $4)
ORDER BY row_no, ref LIMIT $5
""")
async def attempts_of_import(
    db: Read, merchant_id: UUID, import_id: UUID, after: int, after_ref: str, limit: int
) -> list[Attempt]:
    """Attempts that the import brought or changed last, in its file's order, as they stand now,
    whichever file told it. `customer` and `card` are the keyed hashes that are kept."""


@MERCHANT.within(STATEMENT_SECONDS).statement("""
UPDATE imported_attempts SET payer_id = NULL, card = NULL, last4 = '', card_id = NULL
  WHERE merchant_id = $1
  AND payer_id = ANY($2::uuid[]) RETURNING true
""")
async def forget_customers(db: Tx, merchant_id: UUID, payer_ids: Sequence[UUID]) -> list[bool]:
    """Unlinks these customers' attempts from them, and from each other."""


async def forget_imports(db: Tx, before: datetime, limit: int) -> None:
    """Attempts and bad lines of imports that came before then, so many at once; what was counted
    stays."""
    for import_ in await _old_imports(db, before, PART_OF_OLD):
        await _forget_attempts(db, import_.merchant_id, import_.import_id, limit)
        await _forget_lines(db, import_.merchant_id, import_.import_id, limit)


PART_OF_OLD: Final = 10


class _Old(Row):
    merchant_id: UUID
    import_id: UUID


@MERCHANT.statement("""
SELECT i.merchant_id, i.import_id FROM imports i WHERE i.received_at < $1 AND (
  EXISTS (SELECT FROM imported_attempts a WHERE a.merchant_id = i.merchant_id
    AND a.import_id = i.import_id)
  OR EXISTS (SELECT FROM import_lines l WHERE l.merchant_id = i.merchant_id
    AND l.import_id = i.import_id))
LIMIT $2
""")
async def _old_imports(db: Read, before: datetime, limit: int) -> list[_Old]: ...


@MERCHANT.statement("""
DELETE FROM imported_attempts WHERE merchant_id = $1 AND (provider, ref) IN (
  SELECT provider, ref FROM imported_attempts WHERE merchant_id = $1 AND import_id = $2 LIMIT $3)
""")
async def _forget_attempts(db: Tx, merchant_id: UUID, import_id: UUID, limit: int) -> None: ...


@MERCHANT.statement("""
DELETE FROM import_lines WHERE merchant_id = $1 AND import_id = $2 AND line_no IN (
  SELECT line_no FROM import_lines WHERE merchant_id = $1 AND import_id = $2 LIMIT $3)
""")
async def _forget_lines(db: Tx, merchant_id: UUID, import_id: UUID, limit: int) -> None: ...
