"""What the account updater was queried about and has answered: a card once in a while, however many orders it has."""

from datetime import datetime
from uuid import UUID

from recoup.rules.rescue.card_update import Answer
from recoup.store.homes import HUB, MERCHANT
from recoup.store.statement import Read, Row, Tx

_COLUMNS = "update_id, token_id, requested_at, answer, new_token_id"


class CardUpdateRow(Row, frozen=True):
    """`update_id`: of the query. `token_id`: the card that it was about. `answer` None: not known yet."""

    update_id: UUID
    token_id: UUID
    requested_at: datetime
    answer: Answer | None
    new_token_id: UUID | None


@MERCHANT.statement(f"""
INSERT INTO card_updates AS u (merchant_id, pan_id, token_id, update_id, requested_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, pan_id) DO UPDATE SET token_id = excluded.token_id, update_id = excluded.update_id,
  requested_at = excluded.requested_at, answer = NULL, new_token_id = NULL, answered_at = NULL
WHERE u.requested_at <= $6 OR u.answer = 'unknown' AND u.requested_at <= $7
RETURNING {_COLUMNS}
""")
async def claim_update(
    db: Tx,
    merchant_id: UUID,
    pan_id: UUID,
    token_id: UUID,
    update_id: UUID,
    now: datetime,
    before: datetime,
    unknown_before: datetime,
) -> CardUpdateRow | None:
    """A new query; None where one was made since `before`, or since `unknown_before` without an answer."""


@MERCHANT.statement(f"SELECT {_COLUMNS} FROM card_updates WHERE merchant_id = $1 AND pan_id = $2")
async def find_update(db: Read, merchant_id: UUID, pan_id: UUID) -> CardUpdateRow | None: ...


@MERCHANT.statement("""
UPDATE card_updates SET answer = $4, new_token_id = $5, answered_at = $6
WHERE merchant_id = $1 AND pan_id = $2 AND update_id = $3 AND answer IS NULL
""")
async def keep_answer(
    db: Tx, merchant_id: UUID, pan_id: UUID, update_id: UUID, answer: Answer, new_token_id: UUID | None, now: datetime
) -> None:
    """Once. Business time."""


@HUB.statement("UPDATE cards SET replaced_by = $2 WHERE card_id = $1 AND replaced_by IS DISTINCT FROM $2")
async def mark_replaced(db: Tx, card_id: UUID, by: UUID) -> None:
    """The network's word: its number is no longer in use."""
