"""Mails beside their tries and the work that sends them."""

from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.insight.proofs.walk import STATEMENT_SECONDS, Difference, Differs, Window, differences
from recoup.store.statement import Read


# $4: after so many tries a mail is given up.
@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT m.order_id, v.field || ' of mail ' || m.notice AS field, v.expected, v.found
FROM mails m
CROSS JOIN LATERAL (VALUES
  (1, 'due work mail', CASE m.state WHEN 'owed' THEN 'due' ELSE 'none' END,
    CASE WHEN EXISTS (SELECT FROM due_work d WHERE d.merchant_id = m.merchant_id AND d.kind = 'mail'
      AND d.subject_id = m.mail_id) THEN 'due' ELSE 'none' END),
  (2, 'tries', 'as many as ' || m.state || ' takes', CASE WHEN m.tries >= CASE
    WHEN m.state IN ('owed', 'withheld') THEN 0 WHEN m.state = 'given_up' THEN $4 ELSE 1 END
    THEN 'as many as ' || m.state || ' takes' ELSE m.tries::text END),
  (3, 'reason', CASE WHEN m.state IN ('refused', 'given_up', 'withheld') THEN 'given'
    WHEN m.state = 'owed' AND m.tries > 0 THEN 'any' ELSE 'none' END,
    CASE WHEN m.state = 'owed' AND m.tries > 0 THEN 'any' WHEN m.why = '' THEN 'none'
    ELSE 'given' END)
) v (no, field, expected, found)
WHERE m.merchant_id = $1 AND m.order_id > $2 AND m.order_id <= $3 AND v.expected <> v.found
ORDER BY m.order_id, m.mail_id, v.no LIMIT 1000
""")
async def _of_mail(db: Read, merchant_id: UUID, after: UUID, until: UUID, tries_max: int) -> list[Differs]: ...


async def mails(db: Read, window: Window, tries_max: int) -> list[Difference]:
    return await differences(db, _of_mail, window.merchant_id, *window, tries_max)
