"""Counts of what was proved."""

from typing import Final
from uuid import UUID

from recoup.db.statement import Read
from recoup.kit.proofs.walk import STATEMENT_SECONDS

_TABLES: Final = {
    "orders": "orders", "log lines": "order_log", "decisions": "decisions", "attempts": "attempts",
    "refunds": "modifications", "advances": "advances", "disputes": "disputes",
    "network sends": "network_sends",
    "postings": "postings", "entries": "entries", "pages": "pages", "batches": "settlement_batches",
    "settled": "settlement_lines", "due work": "due_work", "events": "outbox",
    "deliveries": "delivery_tries",
}  # fmt: skip


async def counts(connection: Read, merchant_id: UUID | None) -> dict[str, int]:
    """Counts over all merchants, or one."""
    numbers = {}
    for name, table in _TABLES.items():
        sql = f"SELECT count(*) FROM {table} WHERE $1::uuid IS NULL OR merchant_id = $1"  # ours
        numbers[name] = await connection.fetchval(sql, merchant_id, timeout=STATEMENT_SECONDS)
    return numbers
