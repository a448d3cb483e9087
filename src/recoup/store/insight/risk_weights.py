"""Learned weights of the risk check, a line each time; the newest that is used decides. No line is ever changed:
decisions name what they were made by."""

from datetime import UTC, date, datetime
from typing import Final

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read, Row, Tx

LISTED_MAX: Final = 50
_COLUMNS: Final = """name, base, terms, used, version_no, payments, frauds, merchants, data_from, data_until, held_from,
  held_payments, held_frauds, score, compared_with, compared_score, note, made_at, made_by"""


class RiskVersion(Row, frozen=True):
    """`terms`: thousandths of a logit. `payments` and `frauds` that it was learned from, of so many `merchants`.
    What is held out: from `held_from` on; the scores are mean log-losses. Null: it was chosen by hand."""

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


@DIRECTORY.statement(f"SELECT {_COLUMNS} FROM risk_weights WHERE used ORDER BY version_no DESC LIMIT 1")
async def weights_in_use(db: Read) -> RiskVersion | None:
    """None: the prior decides."""


@DIRECTORY.statement(f"SELECT {_COLUMNS} FROM risk_weights ORDER BY version_no DESC LIMIT {LISTED_MAX}")
async def list_risk_versions(db: Read) -> list[RiskVersion]:
    """The newest first."""


@DIRECTORY.statement(f"""
INSERT INTO risk_weights ({_COLUMNS})
SELECT {_COLUMNS} FROM jsonb_populate_record(NULL::risk_weights, $1)
ON CONFLICT DO NOTHING RETURNING version_no
""")
async def add_risk_version(db: Tx, row: RiskVersion) -> bool:
    """False where somebody else has just made a line of that number."""
