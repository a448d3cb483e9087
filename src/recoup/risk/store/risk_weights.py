"""Learned weights of the risk check, a line each time; the newest that is used decides. No line is
ever changed: decisions name what they were made by. And the judged payments that they are learned
from, a bounded number at a time."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import insert_of, stored

LISTED_MAX: Final = 50


@stored("risk_weights")
class RiskVersion(Row):
    """`terms`: thousandths of a logit. `payments` and `frauds` that it was learned from, of so many
    `merchants`. What is held out: from `held_from` on; the scores are mean log-losses. Null: it was
    chosen by hand."""

    name: str
    base: int
    terms: dict[str, int]
    used: bool
    version_no: int = 0
    payments: int = 0
    frauds: int = 0
    merchants: int = 0
    data_from: date | None = None
    data_until: date | None = None
    held_from: datetime | None = None
    held_payments: int | None = None
    held_frauds: int | None = None
    score: float | None = None
    compared_with: str | None = None
    compared_score: float | None = None
    note: str = ""
    made_at: datetime = datetime.min.replace(tzinfo=UTC)
    made_by: str = ""


@DIRECTORY.statement(
    f"SELECT {columns_of(RiskVersion)} FROM risk_weights WHERE used ORDER BY version_no DESC LIMIT "
    f"1"
)
async def weights_in_use(db: Read) -> RiskVersion | None:
    """The version in use; None: the prior decides."""


@DIRECTORY.statement(
    f"SELECT {columns_of(RiskVersion)} FROM risk_weights ORDER BY version_no DESC LIMIT "
    f"{LISTED_MAX}"
)
async def list_risk_versions(db: Read) -> list[RiskVersion]:
    """The newest first."""


@DIRECTORY.statement(
    f"{insert_of(RiskVersion, single=True)} ON CONFLICT DO NOTHING RETURNING version_no"
)
async def add_risk_version(db: Tx, row: RiskVersion) -> bool:
    """Adds a version; False where somebody else has just made a line of that number."""


LOOKS_MAX: Final = 5_000  # decisions, of all kinds


class JudgedPayment(Row):
    """`terms`: those that held when it was judged. `fraud`: reported in time. `paid`: an attempt
    was approved."""

    order_id: UUID
    at: datetime
    terms: list[str]
    fraud: bool
    paid: bool


async def judged_payments(
    db: Read, merchant_id: UUID, after: UUID, before: UUID, until: datetime, mature: timedelta
) -> AsyncIterator[list[JudgedPayment]]:
    """Payments with decision ids in between, newest first, a page each `LOOKS_MAX` decisions;
    judged up to `until`, by what was reported within `mature` after."""
    while last := await _last_decision(db, merchant_id, after, before, LOOKS_MAX):
        yield await _judged(db, merchant_id, last, before, until, mature)
        before = last


@MERCHANT.statement("""
SELECT min(decision_id::text)::uuid FROM (
  SELECT decision_id FROM decisions WHERE merchant_id = $1 AND decision_id > $2 AND decision_id < $3
  ORDER BY decision_id DESC LIMIT $4) d
""")
async def _last_decision(
    db: Read, merchant_id: UUID, after: UUID, before: UUID, looks: int
) -> UUID | None:
    """The last of so many decisions before `before`."""


@MERCHANT.statement("""
SELECT d.order_id, d.at, ARRAY(SELECT jsonb_object_keys(d.features -> 'held')) AS terms,
  EXISTS (SELECT FROM disputes x WHERE x.merchant_id = $1 AND x.order_id = d.order_id
    AND x.kind = 'fraud'
      AND x.state <> 'won' AND x.opened_at <= d.at + $5::interval)
    OR EXISTS (SELECT FROM fraud_warnings w WHERE w.merchant_id = $1 AND w.order_id = d.order_id
      AND w.warned_at <= d.at + $5::interval)
    OR EXISTS (SELECT FROM attempts a WHERE a.merchant_id = $1 AND a.order_id = d.order_id
      AND a.state = 'declined'
      AND a.code_reason IN ('fraud_suspected', 'lost_stolen')
        AND a.closed_at <= d.at + $5::interval) AS fraud,
  EXISTS (SELECT FROM attempts a WHERE a.merchant_id = $1 AND a.order_id = d.order_id
    AND a.state = 'approved') AS paid
FROM decisions d
WHERE d.merchant_id = $1 AND d.decision_id >= $2 AND d.decision_id < $3
  AND d.versions ->> 'decider' LIKE 'risk-%'
  AND d.at <= $4
""")
async def _judged(
    db: Read, merchant_id: UUID, first: UUID, before: UUID, until: datetime, mature: timedelta
) -> list[JudgedPayment]: ...


@MERCHANT.statement("""
WITH clock AS MATERIALIZED (SELECT offset_us FROM merchants WHERE merchant_id = $1)
INSERT INTO fraud_warnings (merchant_id, order_id, warning_id, warned_at)
SELECT $1, $2, $3, $4::timestamptz + offset_us * interval '1 microsecond' FROM clock
ON CONFLICT DO NOTHING
""")
async def note_fraud_warning(
    db: Tx, merchant_id: UUID, order_id: UUID, warning_id: UUID, at: datetime
) -> None:
    """Notes a fraud warning, once. `at`: wall time."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM fraud_warnings WHERE merchant_id = $1 AND order_id = $2
  AND warning_id = $3)
""")
async def is_fraud_warned(
    db: Read, merchant_id: UUID, order_id: UUID, warning_id: UUID
) -> bool: ...
