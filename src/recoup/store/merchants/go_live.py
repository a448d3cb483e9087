"""Questions whether a merchant may go live. Wall time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Tx


@MERCHANT.statement("UPDATE go_live_requests SET opened_at = $3 WHERE merchant_id = $1 AND request_id = $2")
async def note_opened(db: Tx, merchant_id: UUID, request_id: UUID, at: datetime) -> None: ...


@MERCHANT.statement("""
INSERT INTO go_live_requests (merchant_id, request_id, state, kinds, conditions, requested_by, requested_at)
VALUES ($1, $2, 'asked', $3, $4, $5, $6)
""")
async def add_request(
    db: Tx,
    merchant_id: UUID,
    request_id: UUID,
    kinds: Sequence[str],
    holding: dict[str, bool],
    actor: str,
    at: datetime,
) -> None:
    """Raises: KeyTaken while another is open."""


@MERCHANT.statement("""
UPDATE go_live_requests SET state = $3, conditions = $4, note = $5, decided_by = $6, decided_at = $7
WHERE merchant_id = $1 AND request_id = $2 AND state = 'asked' RETURNING request_id
""")
async def decide_request(
    db: Tx,
    merchant_id: UUID,
    request_id: UUID,
    state: str,
    holding: dict[str, bool],
    note: str,
    actor: str,
    at: datetime,
) -> bool:
    """Whether it was still open."""
