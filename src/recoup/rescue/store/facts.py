"""Facts to decide by: payers' looks, answers by issuer, and how far both are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx


@MERCHANT.statement("""
INSERT INTO fact_clocks (merchant_id, kept, checked_at) VALUES ($1, $3, $2)
ON CONFLICT (merchant_id) DO UPDATE SET kept = EXCLUDED.kept WHERE fact_clocks.kept <> EXCLUDED.kept
""")
async def keep_facts_for(db: Tx, merchant_id: UUID, wall: datetime, *, kept: bool) -> None:
    """Keeps facts from now on, or no longer; what was before is caught up with."""


@MERCHANT.statement("""
SELECT f.merchant_id FROM fact_clocks f LEFT JOIN closers c USING (merchant_id)
WHERE f.kept AND (c.feed_no > f.feed_no OR f.checked_at <= $1) ORDER BY f.checked_at LIMIT $2
""")
async def merchants_behind(db: Read, before: datetime, limit: int) -> list[UUID]:
    """Merchants whose feed has gone on, or who were not looked at since then; the longest ago
    first."""


class FactClock(Row):
    """Point up to which looks and answers are kept, and the merchant's region."""

    feed_no: int
    transmit_id: UUID
    region: str


_CLOCK: Final = """
SELECT f.feed_no, f.transmit_id, m.region FROM fact_clocks f JOIN merchants m USING (merchant_id)
WHERE f.merchant_id = $1 AND f.kept FOR UPDATE OF f"""


@MERCHANT.statement(_CLOCK)
async def lock_facts(db: Tx, merchant_id: UUID) -> FactClock | None:
    """Locks a merchant's facts; None where nothing is kept."""


@MERCHANT.statement(f"{_CLOCK} SKIP LOCKED")
async def take_facts(db: Tx, merchant_id: UUID) -> FactClock | None:
    """Locks a merchant's facts; None also while another process has them."""


@MERCHANT.statement("""
UPDATE fact_clocks SET feed_no = $2, transmit_id = $3, checked_at = $4 WHERE merchant_id = $1
""")
async def move_facts(
    db: Tx, merchant_id: UUID, feed_no: int, transmit_id: UUID, wall: datetime
) -> None:
    """Up to there."""


class PayerLooks(Row):
    """A row of payer_looks; `since` is what they were counted from."""

    merchant_id: UUID
    payer_id: UUID
    at: list[datetime]
    answers: list[int]
    tries: list[int]
    orders: list[UUID | None]
    since: UUID


# Who was erased meanwhile stays so: these looks are from before.
@MERCHANT.statement("""
INSERT INTO payer_looks AS l (merchant_id, payer_id, at, answers, tries, orders, since)
SELECT merchant_id, payer_id, at, answers, tries, orders, since
FROM jsonb_populate_recordset(NULL::payer_looks, $1) ORDER BY merchant_id, payer_id
ON CONFLICT (merchant_id, payer_id) DO UPDATE SET at = EXCLUDED.at, answers = EXCLUDED.answers,
  tries = EXCLUDED.tries,
  orders = EXCLUDED.orders
WHERE l.since = EXCLUDED.since
  AND (l.at, l.answers, l.tries, l.orders)
    IS DISTINCT FROM (EXCLUDED.at, EXCLUDED.answers, EXCLUDED.tries, EXCLUDED.orders)
""")
async def save_looks(db: Tx, rows: Sequence[PayerLooks]) -> None:
    """Made or changed."""


class IssuerAnswers(Row):
    """Counts of an issuer's answers, by class."""

    merchant_id: UUID
    issuer_digits: str
    approved: int
    funds: int
    soft: int
    technical: int
    over_limit: int
    hard: int


@MERCHANT.statement("""
INSERT INTO issuer_answers AS i (merchant_id, issuer_digits, approved, funds, soft, technical,
  over_limit, hard)
SELECT merchant_id, issuer_digits, approved, funds, soft, technical, over_limit, hard
FROM jsonb_populate_recordset(NULL::issuer_answers, $1) ORDER BY merchant_id, issuer_digits
ON CONFLICT (merchant_id, issuer_digits) DO UPDATE SET approved = i.approved + EXCLUDED.approved,
  funds = i.funds + EXCLUDED.funds, soft = i.soft + EXCLUDED.soft,
    technical = i.technical + EXCLUDED.technical,
  over_limit = i.over_limit + EXCLUDED.over_limit, hard = i.hard + EXCLUDED.hard
""")
async def add_answers(db: Tx, rows: Sequence[IssuerAnswers]) -> None:
    """Adds answers to the counts that are there."""
