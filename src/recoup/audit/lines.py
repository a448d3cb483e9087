"""Lines of the audit log, which are only added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import MERCHANT, Tx


@MERCHANT.statement("""
INSERT INTO audit_lines (merchant_id, line_id, at, actor, action, subject_id, facts, request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
""")
async def add_audit_line(
    db: Tx,
    merchant_id: UUID,
    line_id: UUID,
    at: datetime,
    actor: str,
    action: str,
    subject_id: str,
    facts: dict[str, Any],
    request_id: str,
) -> None:
    """Adds a line in the transaction of what was done."""
