"""Counts of what was proved."""

from typing import Final
from uuid import UUID

from recoup.db.statement import Read
from recoup.kit.proofs.walk import STATEMENT_SECONDS

COUNTED: Final = {
    "orders": "orders", "log lines": "order_log", "decisions": "decisions", "attempts": "attempts",
    "refunds": "modifications", "advances": "advances", "disputes": "disputes",
    "network sends": "network_sends",
    "postings": "postings", "entries": "entries", "pages": "pages", "batches": "settlement_batches",
    "settled": "settlement_lines", "due work": "due_work", "events": "outbox",
    "deliveries": "delivery_tries",
}  # fmt: skip
OF_ALL_CELLS: Final = frozenset({"network_sends"})


async def count(connection: Read, name: str, merchant_id: UUID | None) -> int:
    """Counts one of COUNTED over all merchants, or one."""
    sql = f"SELECT count(*) FROM {COUNTED[name]} WHERE $1::uuid IS NULL OR merchant_id = $1"  # ours
    counted: int = await connection.fetchval(sql, merchant_id, timeout=STATEMENT_SECONDS)
    return counted
