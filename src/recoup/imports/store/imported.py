"""Imported attempts and bad lines, read again; and what of them is forgotten."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.imports.rules.attempt import Attempt
from recoup.imports.store.imports import STATEMENT_SECONDS
from recoup.kernel.kept_sentence import Kept


class BadImportLine(Row, frozen=True):
    line_no: int
    code: str
    why: Kept


@MERCHANT.statement("""
SELECT line_no, code, why FROM import_lines WHERE merchant_id = $1 AND import_id = $2 AND line_no > $3
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
UPDATE imported_attempts SET payer_id = NULL, card = NULL, last4 = '', card_id = NULL WHERE merchant_id = $1
  AND payer_id = ANY($2::uuid[]) RETURNING true
""")
async def forget_customers(db: Tx, merchant_id: UUID, payer_ids: Sequence[UUID]) -> list[bool]:
    """Unlinks these customers' attempts from them, and from each other."""


async def forget_imports(db: Tx, before: datetime, limit: int) -> None:
    """Attempts and bad lines of imports that came before then, so many at once; what was counted
    stays."""
    for found in await _old_imports(db, before, PART_OF_OLD):
        await _forget_attempts(db, found.merchant_id, found.import_id, limit)
        await _forget_lines(db, found.merchant_id, found.import_id, limit)


PART_OF_OLD: Final = 10


class _Old(Row, frozen=True):
    merchant_id: UUID
    import_id: UUID


@MERCHANT.statement("""
SELECT i.merchant_id, i.import_id FROM imports i WHERE i.received_at < $1 AND (
  EXISTS (SELECT FROM imported_attempts a WHERE a.merchant_id = i.merchant_id AND a.import_id = i.import_id)
  OR EXISTS (SELECT FROM import_lines l WHERE l.merchant_id = i.merchant_id AND l.import_id = i.import_id))
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
