"""Exports, as their requester sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

LISTED_MAX: Final = 50
EXPORT: Final = """merchant_id, export_id, form, state, wanted, said, file_name, total, rows_done, bytes_done, run_no,
  why, requested_at, finished_at, gone_at"""


class Export(Row, frozen=True):
    """`wanted`: the request, as plain values, `said` the same in words; neither of what is over. `total`: rows to
    come, when they could be counted. `why`: it was refused."""

    merchant_id: UUID
    export_id: UUID
    form: Literal["csv", "json", "xlsx"]
    state: Literal["asked", "working", "ready", "refused", "cancelled", "gone"]
    wanted: dict[str, Any]
    said: list[str]
    file_name: str
    total: int | None
    rows_done: int
    bytes_done: int
    run_no: int
    why: str | None
    requested_at: datetime
    finished_at: datetime | None
    gone_at: datetime | None

    def is_over(self, wall: datetime) -> bool:
        """A file that is over is gone, whether or not it was swept already."""
        return self.gone_at is None or self.gone_at <= wall


@statement(
    MERCHANT,
    f"""
SELECT {EXPORT} FROM exports WHERE merchant_id = $1 AND user_id = $2
ORDER BY requested_at DESC, export_id LIMIT {LISTED_MAX}
""",
)
async def exports_of(db: Read, merchant_id: UUID, user_id: UUID) -> list[Export]:
    """Newest first."""


@statement(MERCHANT, f"SELECT {EXPORT} FROM exports WHERE merchant_id = $1 AND user_id = $2 AND export_id = $3")
async def find_export(db: Read, merchant_id: UUID, user_id: UUID, export_id: UUID) -> Export | None:
    """None for another person's or merchant's."""


@statement(
    MERCHANT,
    """
SELECT count(*) FROM exports WHERE state = 'working' AND beat_at > $3 AND (merchant_id, export_id) <> ($1, $2)
""",
)
async def others_running(db: Read, merchant_id: UUID, export_id: UUID, since: datetime) -> int:
    """Of all merchants, as far as they were heard of since then."""


class Run(NamedTuple):
    merchant_id: UUID
    export_id: UUID
    run_no: int


@statement(
    MERCHANT,
    """
SELECT merchant_id, export_id, run_no FROM exports WHERE state IN ('working', 'ready') AND export_id = ANY($1)
""",
)
async def living(db: Read, export_ids: Sequence[UUID]) -> list[Run]:
    """Those of them whose file is being written or may be fetched."""


@statement(MERCHANT, "SELECT count(*) = 1 FROM exports WHERE export_id = $1")
async def is_only_one(db: Read, export_id: UUID) -> bool:
    """Whether no other merchant chose the same id."""
