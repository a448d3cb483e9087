"""A merchant's settlement terms, dated."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.terms.rules.settlement import DEFAULT, Terms, period_end


@MERCHANT.statement("""
INSERT INTO settlement_terms (merchant_id, valid_from, actor, business_at, recorded_at, period, anchor, delay_days,
  reserve_basis_points, reserve_days, account_delay_days, minimums, limits)
SELECT $1, $2, $3, $4, $5, period, anchor, delay_days, reserve_basis_points, reserve_days, account_delay_days, minimums,
  limits
FROM jsonb_populate_record(NULL::settlement_terms, $6)
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


_COLUMNS: Final = """period, anchor, delay_days, reserve_basis_points, reserve_days, account_delay_days, minimums,
  limits"""


class DatedTerms(Row, frozen=True):
    """`recorded_at` is wall time."""

    valid_from: datetime
    actor: str
    recorded_at: datetime
    period: Literal["day", "week", "month"]
    anchor: int
    delay_days: int
    reserve_basis_points: int
    reserve_days: int
    account_delay_days: int
    minimums: Mapping[str, int]
    limits: Mapping[str, int]

    @property
    def terms(self) -> Terms:
        return Terms(
            self.period,
            self.anchor,
            self.delay_days,
            self.reserve_basis_points,
            self.reserve_days,
            self.account_delay_days,
            self.minimums,
            self.limits,
        )


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from <= $2 ORDER BY valid_from DESC LIMIT 1
""")
async def _terms_at(db: Read, merchant_id: UUID, moment: datetime) -> Terms | None:
    """Terms at that instant; None: none were agreed by then."""


@MERCHANT.statement(f"""
SELECT valid_from, actor, recorded_at, {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from > $2
ORDER BY valid_from
""")
async def _terms_after(db: Read, merchant_id: UUID, moment: datetime) -> list[DatedTerms]:
    """Oldest first."""


@MERCHANT.statement(f"""
SELECT valid_from, actor, recorded_at, {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from < $2
ORDER BY valid_from
""")
async def _terms_before(db: Read, merchant_id: UUID, moment: datetime) -> list[DatedTerms]:
    """Oldest first."""


@MERCHANT.statement("""
SELECT max(account_delay_days) FROM settlement_terms WHERE merchant_id = $1 AND valid_from > $2 AND valid_from <= $3
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


@MERCHANT.statement(f"""
SELECT valid_from, actor, recorded_at, {_COLUMNS} FROM settlement_terms t
WHERE merchant_id = $1 AND {known_at("t", 2)} ORDER BY valid_from DESC
""")
async def terms_history(
    db: Read, merchant_id: UUID, business: datetime, recorded: datetime
) -> list[DatedTerms]:
    """Terms that were agreed by then, newest first."""
