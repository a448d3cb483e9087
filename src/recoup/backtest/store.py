"""Back-tests that were asked for: the question, the figures once they are made, and each payment
with its plan."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.kernel.kept_sentence import Kept

PACK: Final = 100  # payments in a row


class BacktestRow(Row):
    """Row of a back-test. `until`: the merchant's business time up to which windows had closed.
    `failed`: why there are no figures; it is made without. `saved_as`: the version of the policy
    that was saved of the lines that were asked about."""

    backtest_id: UUID
    question: dict[str, Any]
    requested_at: datetime
    requested_by: str
    saved_as: int | None
    made_at: datetime | None
    until: datetime | None
    failed: Kept | None
    report: dict[str, Any] | None
    payment_count: int


_COLUMNS: Final = columns_of(BacktestRow)


@MERCHANT.statement("""
INSERT INTO backtests (
  merchant_id, backtest_id, question, question_hash, requested_at, requested_by, saved_as, askers)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""")
async def add_backtest(
    db: Tx,
    merchant_id: UUID,
    backtest_id: UUID,
    question: dict[str, Any],
    question_hash: bytes,
    requested_at: datetime,
    requested_by: str,
    saved_as: int | None,
    askers: Sequence[UUID],
) -> None: ...


@MERCHANT.statement("""
UPDATE backtests SET askers = askers || $3::uuid
WHERE merchant_id = $1 AND backtest_id = $2 AND made_at IS NULL AND NOT $3 = ANY (askers)
""")
async def add_asker(db: Tx, merchant_id: UUID, backtest_id: UUID, user_id: UUID) -> None:
    """Adds one more person who waits for its figures."""


@MERCHANT.statement(f"SELECT {_COLUMNS} FROM backtests WHERE merchant_id = $1 AND backtest_id = $2")
async def find_backtest(db: Read, merchant_id: UUID, backtest_id: UUID) -> BacktestRow | None:
    """Finds a back-test; None where the merchant has none of that id."""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM backtests
WHERE merchant_id = $1 AND question_hash = $2 AND requested_at > $3
  AND (failed IS NULL OR question ->> 'purpose' = 'floor')  -- nobody waits for that: tomorrow again
ORDER BY backtest_id DESC LIMIT 1
""")
async def same_backtest(
    db: Read, merchant_id: UUID, question_hash: bytes, since: datetime
) -> BacktestRow | None:
    """The newest of that question, made or not."""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM backtests WHERE merchant_id = $1 AND ($2::uuid IS NULL OR backtest_id < $2)
  AND question ->> 'purpose' NOT IN ('bounds', 'floor')
ORDER BY backtest_id DESC LIMIT $3
""")
async def list_backtests(
    db: Read, merchant_id: UUID, after: UUID | None, limit: int
) -> list[BacktestRow]:
    """Back-tests that its people asked for and tried, the newest first."""


@MERCHANT.statement(f"""
SELECT DISTINCT ON (question ->> 'decider') {_COLUMNS} FROM backtests
WHERE merchant_id = $1 AND question ->> 'importId' = $2::uuid::text AND question ->> 'lines' IS NULL
  AND question ->> 'scope' = 'merchant' AND question ->> 'windowDays' = $3::int::text
  AND question ->> 'decider' = ANY ($4::text[])
ORDER BY question ->> 'decider', backtest_id DESC
""")
async def backtests_of_import(
    db: Read, merchant_id: UUID, import_id: UUID, window_days: int, deciders: Sequence[str]
) -> list[BacktestRow]:
    """The newest that asked each of `deciders` of those attempts, within the policies of the
    time."""


class SavedBacktest(Row):
    """`scope`, `subject`: of the policy that was saved."""

    backtest_id: UUID
    scope: str
    subject: str
    saved_as: int


@MERCHANT.statement("""
SELECT backtest_id, question ->> 'scope' AS scope, question ->> 'subject' AS subject, saved_as
FROM backtests WHERE merchant_id = $1 AND saved_as IS NOT NULL ORDER BY backtest_id
""")
async def saved_backtests(db: Read, merchant_id: UUID) -> list[SavedBacktest]:
    """Back-tests of versions that were saved; as many as are kept."""


@MERCHANT.statement("""
SELECT count(*)::int FROM backtests WHERE merchant_id = $1 AND question ->> 'purpose' = $2
  AND made_at IS NULL
""")
async def count_unmade(db: Read, merchant_id: UUID, purpose: str) -> int:
    """Counts those of that purpose that wait for their figures."""


# Kinds apart, so that no number of drafts drops what somebody asked for or what a version names.
@MERCHANT.statement("""
DELETE FROM backtests b USING (
  SELECT backtest_id, kind, row_number() OVER (PARTITION BY kind ORDER BY backtest_id DESC) AS place
  FROM (SELECT backtest_id, CASE WHEN saved_as IS NOT NULL THEN 'saved'
    ELSE question ->> 'purpose' END AS kind
    FROM backtests WHERE merchant_id = $1) k) p
WHERE b.merchant_id = $1 AND b.backtest_id = p.backtest_id
  AND p.place > CASE p.kind WHEN 'request' THEN $2::int WHEN 'saved' THEN $3::int ELSE $4::int END
""")
async def drop_oldest_backtests(
    db: Tx, merchant_id: UUID, requests: int, saved: int, drafts: int
) -> None:
    """All but the newest that were asked for, that versions name, and of each other purpose; with
    their payments."""


class EndedBacktest(Row):
    """`askers`: the people who asked for it while it had no figures."""

    question: dict[str, Any]
    askers: list[UUID]


@MERCHANT.statement("""
UPDATE backtests SET made_at = $3, until = $4, failed = $5, report = $6, payment_count = $7
WHERE merchant_id = $1 AND backtest_id = $2 AND made_at IS NULL RETURNING question, askers
""")
async def save_figures(
    db: Tx,
    merchant_id: UUID,
    backtest_id: UUID,
    made_at: datetime,
    until: datetime,
    failed: Kept | None,
    report: dict[str, Any] | None,
    payment_count: int,
) -> EndedBacktest | None:
    """Saves the figures; None where it has figures already, or was dropped."""


@MERCHANT.statement(
    "UPDATE backtests SET saved_as = $3 WHERE merchant_id = $1 AND backtest_id = $2"
)
async def save_version(db: Tx, merchant_id: UUID, backtest_id: UUID, number: int) -> None:
    """Its lines were saved as that version."""


@MERCHANT.statement("""
INSERT INTO backtest_payments (merchant_id, backtest_id, first, payments) VALUES ($1, $2, $3, $4)
""")
async def add_backtest_payments(
    db: Tx, merchant_id: UUID, backtest_id: UUID, first: int, payments: Sequence[dict[str, Any]]
) -> None:
    """`PACK` of them, fewer only at the end, from that place on."""


class BacktestPayment(Row):
    place: int
    payment: dict[str, Any]


@MERCHANT.statement(f"""
SELECT p.first + u.number::int - 1 AS place, u.payment
FROM backtest_payments p, jsonb_array_elements(p.payments) WITH ORDINALITY AS u (payment, number)
WHERE p.merchant_id = $1 AND p.backtest_id = $2
  AND p.first > $3::int - {PACK} AND p.first < $3::int + $4::int AND p.first + u.number > $3
ORDER BY place LIMIT $4
""")
async def backtest_payments(
    db: Read, merchant_id: UUID, backtest_id: UUID, first: int, limit: int
) -> list[BacktestPayment]:
    """Payments of a back-test from that place on."""
