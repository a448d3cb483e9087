"""A merchant's settlement terms, dated."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.terms.rules.settlement import DEFAULT, Terms, period_end

_COLUMNS: Final = columns_of(Terms)


@MERCHANT.statement(f"""
INSERT INTO settlement_terms (merchant_id, valid_from, actor, business_at, recorded_at, {_COLUMNS})
SELECT $1, $2, $3, $4, $5, {_COLUMNS} FROM jsonb_populate_record(NULL::settlement_terms, $6)
RETURNING 1
""")
async def add_terms(
    db: Tx,
    merchant_id: UUID,
    valid_from: datetime,
    actor: str,
    business_at: datetime,
    recorded_at: datetime,
    terms: Terms,
) -> None:
    """`valid_from` and `business_at` are business time, `recorded_at` wall time."""


class DatedTerms(Row):
    """`recorded_at` is wall time."""

    valid_from: datetime
    actor: str
    recorded_at: datetime
    terms: Terms


_DATED: Final = """
SELECT valid_from, actor, recorded_at, to_jsonb(t) AS terms FROM settlement_terms t
  WHERE merchant_id = $1
"""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from <= $2
  ORDER BY valid_from DESC LIMIT 1
""")
async def _terms_at(db: Read, merchant_id: UUID, moment: datetime) -> Terms | None:
    """Terms at that instant; None: none were agreed by then."""


@MERCHANT.statement(f"{_DATED} AND valid_from > $2 ORDER BY valid_from")
async def _terms_after(db: Read, merchant_id: UUID, moment: datetime) -> list[DatedTerms]:
    """Oldest first."""


@MERCHANT.statement(f"{_DATED} AND valid_from < $2 ORDER BY valid_from")
async def _terms_before(db: Read, merchant_id: UUID, moment: datetime) -> list[DatedTerms]:
    """Oldest first."""


@MERCHANT.statement("""
SELECT max(account_delay_days) FROM settlement_terms WHERE merchant_id = $1 AND valid_from > $2
  AND valid_from <= $3
""")
async def _longest_delay(
    db: Read, merchant_id: UUID, after: datetime, until: datetime
) -> int | None:
    """Longest delay, in days, of terms that began then."""


async def terms_at(db: Read, merchant_id: UUID, moment: datetime) -> Terms:
    """Terms valid at that instant; the default where none were agreed."""
    return await _terms_at(db, merchant_id, moment) or DEFAULT


async def account_delay(db: Read, merchant_id: UUID, active_at: datetime, now: datetime) -> int:
    """Days, for an account that is active since then: the longest of all terms that were valid
    meanwhile. So a shorter delay is for later accounts only, and a longer one for all."""
    first = await terms_at(db, merchant_id, active_at)
    return max(first.account_delay_days, await _longest_delay(db, merchant_id, active_at, now) or 0)


async def period_of(db: Read, merchant_id: UUID, start: datetime) -> tuple[datetime, Terms]:
    """The end of the period that begins at `start`, and the terms that it is settled by: those
    valid when it ends."""
    terms = await terms_at(db, merchant_id, start)
    later = [(row.valid_from, row.terms) for row in await _terms_after(db, merchant_id, start)]
    end = period_end(terms, start, later)
    return end, next(
        (changed for valid_from, changed in reversed(later) if valid_from < end), terms
    )


async def terms_before(
    db: Read, merchant_id: UUID, moment: datetime
) -> list[tuple[datetime, Terms]]:
    """All that began before that instant, oldest first, each with when. Before the first the
    default held."""
    return [(row.valid_from, row.terms) for row in await _terms_before(db, merchant_id, moment)]


@MERCHANT.statement(f"{_DATED} AND {known_at('t', 2)} ORDER BY valid_from DESC")
async def terms_history(
    db: Read, merchant_id: UUID, business: datetime, recorded: datetime
) -> list[DatedTerms]:
    """Terms that were agreed by then, newest first."""
