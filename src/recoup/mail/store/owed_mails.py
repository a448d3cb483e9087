"""Mails that are owed to people, of every kind."""

from recoup.db.statement import PEOPLE, Read
from recoup.mail.store.mails import FailingMails


@PEOPLE.statement("""
SELECT count(*) AS number, coalesce(max(mail_why), '') AS why FROM (
  SELECT mail_why, mail_tries, world FROM invitations WHERE mail_due_at IS NOT NULL
  UNION ALL SELECT mail_why, mail_tries, world FROM notifications WHERE mail_due_at IS NOT NULL
  UNION ALL SELECT mail_why, mail_tries, world FROM account_mails WHERE mail_due_at IS NOT NULL
  UNION ALL SELECT mail_why, mail_tries, world FROM impersonation_mails
    WHERE mail_due_at IS NOT NULL
  UNION ALL SELECT mail_why, mail_tries, world FROM password_asks
    WHERE mail_due_at IS NOT NULL) owed
WHERE mail_tries >= 4 AND world = $1
""")
async def failing_peoples_mails(db: Read, world: str) -> FailingMails:
    """Mails that are still owed after four tries."""
