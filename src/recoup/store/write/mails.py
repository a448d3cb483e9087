"""Mails that are owed, and the switches of notices."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.read.mails import State
from recoup.store.statement import Row, Tx, statement


class OwedMail(Row, frozen=True):
    state: State
    tries: int
    why: str


@statement(MERCHANT, "SELECT state, tries, why FROM mails WHERE merchant_id = $1 AND mail_id = $2 FOR UPDATE")
async def lock_mail(db: Tx, merchant_id: UUID, mail_id: UUID) -> OwedMail | None:
    """Whatever became of it."""


@statement(MERCHANT, "UPDATE mails SET state = $3, tries = $4, why = $5 WHERE merchant_id = $1 AND mail_id = $2")
async def change_mail(db: Tx, merchant_id: UUID, mail_id: UUID, *, state: str, tries: int, why: str) -> None:
    """Under its lock."""


@statement(
    MERCHANT,
    """
INSERT INTO notice_settings (merchant_id, notice, enabled, actor, changed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, notice) DO UPDATE SET enabled = EXCLUDED.enabled, actor = EXCLUDED.actor,
  changed_at = EXCLUDED.changed_at
""",
)
async def switch_notice(db: Tx, merchant_id: UUID, notice: str, enabled: bool, actor: str, at: datetime) -> None:
    """Whether the merchant's payers get it."""
