"""Sign-ups that are not finished. People database; wall time. All under `lock_email`."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Tx
from recoup.kernel.frozen import frozen


@frozen
class UnfinishedSignUp:
    """Unfinished sign-up: what is being made for somebody, under ids that nobody can know. `kind`
    says which of them are used."""

    password_hash: str
    kind: str
    user_id: UUID
    merchant_id: UUID
    site_id: UUID
    partner_id: UUID


@PEOPLE.statement("""
SELECT password_hash, kind, user_id, merchant_id, site_id, partner_id FROM unfinished_sign_ups
WHERE login = $1 AND begun_at > $2
""")
async def find_sign_up(db: Read, login: str, after: datetime) -> UnfinishedSignUp | None:
    """The one that began `after` then."""


@PEOPLE.statement("""
INSERT INTO unfinished_sign_ups (login, begun_at, password_hash, kind, user_id, merchant_id,
  site_id, partner_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (login) DO UPDATE SET password_hash = EXCLUDED.password_hash, kind = EXCLUDED.kind,
  user_id = EXCLUDED.user_id, merchant_id = EXCLUDED.merchant_id, site_id = EXCLUDED.site_id,
  partner_id = EXCLUDED.partner_id, begun_at = EXCLUDED.begun_at
""")
async def begin_sign_up(
    db: Tx,
    login: str,
    now: datetime,
    password_hash: str,
    kind: str,
    user_id: UUID,
    merchant_id: UUID,
    site_id: UUID,
    partner_id: UUID,
) -> None:
    """Begins a sign-up in the place of one that nobody went on with."""


# Nobody belongs to what it makes, and nobody ever did.
@PEOPLE.statement("""
SELECT 1 FROM unfinished_sign_ups s
WHERE s.login = $1 AND s.user_id = $2
  AND NOT EXISTS (SELECT FROM memberships m WHERE m.subject_id IN (s.merchant_id, s.partner_id))
  AND NOT EXISTS (SELECT FROM membership_log l WHERE l.subject_id IN (s.merchant_id, s.partner_id))
FOR UPDATE OF s
""")
async def hold_sign_up(db: Tx, login: str, user_id: UUID) -> bool:
    """Holds a sign-up. True when it is still this one, and what it makes has and had no member."""


@PEOPLE.statement("DELETE FROM unfinished_sign_ups WHERE login = $1")
async def end_sign_up(db: Tx, login: str) -> None:
    """Ends a sign-up that is finished: who comes again is a user."""
