"""What came in by imports, read again: attempts and bad lines; and what of them is forgotten."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.kernel.kept_sentence import Kept
from recoup.rules.imports.attempt import State
from recoup.store.homes import MERCHANT
from recoup.store.insight.imports import STATEMENT_SECONDS
from recoup.store.statement import Read, Row, Tx


class BadImportLine(Row, frozen=True):
    line_no: int
    code: str
    why: Kept


@MERCHANT.statement("""
SELECT line_no, code, why FROM import_lines WHERE merchant_id = $1 AND import_id = $2 AND line_no > $3
ORDER BY line_no LIMIT $4
""")
async def bad_lines(db: Read, merchant_id: UUID, import_id: UUID, after: int, limit: int) -> list[BadImportLine]:
    """In the file's order."""


class ImportedAttempt(Row, frozen=True):
    """As it stands now, whichever file told it."""

    row_no: int
    provider: str
    ref: str
    payment: str
    guessed: bool
    payer_id: UUID | None
    card: UUID | None
    bin: str
    last4: str
    scheme: str
    funding: str
    country: str
    at: datetime
    units: int
    asset: str
    state: State
    failed_later: bool
    source: str
    scheme_code: str
    advice_code: str
    processor_code: str
    phrase: str
    attempt_no: int | None
    utc_offset: int | None
    propensity: float | None
    modified_at: datetime | None


@MERCHANT.statement("""
SELECT row_no, provider, ref, payment, guessed, payer_id, card, bin, last4, scheme, funding, country, at, units, asset,
  state, failed_later, source, scheme_code, advice_code, processor_code, phrase, attempt_no, utc_offset, propensity,
  modified_at
FROM imported_attempts WHERE merchant_id = $1 AND import_id = $2 AND (row_no, ref) > ($3, $4)
ORDER BY row_no, ref LIMIT $5
""")
async def attempts_of_import(
    db: Read, merchant_id: UUID, import_id: UUID, after: int, after_ref: str, limit: int
) -> list[ImportedAttempt]:
    """Those that it brought or changed last, in its file's order."""


@MERCHANT.within(STATEMENT_SECONDS).statement("""
UPDATE imported_attempts SET payer_id = NULL, card = NULL, last4 = '', card_id = NULL WHERE merchant_id = $1
  AND payer_id = ANY($2::uuid[]) RETURNING true
""")
async def forget_customers(db: Tx, merchant_id: UUID, payer_ids: Sequence[UUID]) -> list[bool]:
    """Nothing links these customers' attempts to them, or to each other, any more."""


async def forget_imports(db: Tx, before: datetime, limit: int) -> None:
    """Attempts and bad lines of imports that came before then, so many at once; what was counted stays."""
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
