"""Things done to many orders, and what became of each of these."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

ACT: Final = """merchant_id, act_id, action, note, state, said, row_count, done_count, refused_count, actor, request_id,
  requested_at, stop_requested_at, finished_at"""
Action = Literal["cancel", "redeliver", "note"]


class BulkAct(Row, frozen=True):
    """`said`: the list, in words; none when it is done, nor the `note`."""

    merchant_id: UUID
    act_id: UUID
    action: Action
    note: str
    state: Literal["working", "completed", "stopped"]
    said: list[str]
    row_count: int
    done_count: int
    refused_count: int
    actor: str
    request_id: str
    requested_at: datetime
    stop_requested_at: datetime | None
    finished_at: datetime | None


@statement(MERCHANT, f"SELECT {ACT} FROM bulk_acts WHERE merchant_id = $1 ORDER BY requested_at DESC, act_id LIMIT $2")
async def list_acts(db: Read, merchant_id: UUID, limit: int) -> list[BulkAct]:
    """Newest first."""


@statement(MERCHANT, f"SELECT {ACT} FROM bulk_acts WHERE merchant_id = $1 AND act_id = $2")
async def find_act(db: Read, merchant_id: UUID, act_id: UUID) -> BulkAct | None:
    """One of this merchant."""


class ActRow(Row, frozen=True):
    """What became of one order, and how the order is now."""

    row_no: int
    order_id: UUID
    state: Literal["waiting", "done", "refused", "left"]
    answer: str
    external_id: str
    status: int
    asset: str
    units: int
    sent_text: str | None


_ROWS: Final = """
SELECT r.row_no, r.order_id, r.state, r.answer, o.external_id, h.status, h.asset, h.units,
  CASE WHEN h.order_type = 'STABLE' THEN o.amount_text END AS sent_text
FROM bulk_act_rows r
JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
JOIN order_heads h ON h.merchant_id = r.merchant_id AND h.order_id = r.order_id
WHERE r.merchant_id = $1 AND r.act_id = $2 AND r.row_no > $3 {only} ORDER BY r.row_no LIMIT $4
"""


@statement(MERCHANT, _ROWS.format(only=""))
async def act_rows(db: Read, merchant_id: UUID, act_id: UUID, after: int, limit: int) -> list[ActRow]:
    """In the list's order."""


@statement(MERCHANT, _ROWS.format(only="AND r.state = 'refused'"))
async def refused_rows(db: Read, merchant_id: UUID, act_id: UUID, after: int, limit: int) -> list[ActRow]:
    """Those that were not done, in the list's order."""
