"""Mails that are owed, what they are made from, a merchant's newest ones, and the switches of
notices."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.mail.rules.contacts import Channel

State = Literal["owed", "sent", "refused", "given_up", "no_address", "withheld"]


class MailFacts(Row):
    """`descriptor`: the order's own. `email`, `scheme`, `last4`, `country`: empty where nothing is
    known. `netted`: the refund that it is about was paid from what was due. `waits`: the order has
    a link that its payer can use; `offset_us`: by how much the merchant's clock is moved.
    `contacted`: a try was begun, by this `channel`; `by_sms`: the merchant wants links by SMS."""

    notice: str
    units: int
    business_at: datetime
    state: State
    order_id: UUID
    external_id: str
    asset: str
    descriptor: str
    shop: str
    url: str
    support: str
    email: str
    scheme: str
    last4: str
    country: str
    netted: bool
    waits: bool
    offset_us: int
    channel: Channel
    phone: str
    contacted: bool
    by_sms: bool


@MERCHANT.statement("""
SELECT m.notice, m.units, m.business_at, m.state, o.order_id, o.external_id, o.asset, o.descriptor,
  s.name AS shop,
  s.url, s.support, coalesce(p.email, '') AS email, coalesce(v.scheme, '') AS scheme,
    coalesce(v.last4, '') AS last4,
  coalesce(p.billing ->> 'countryCode', '') AS country,
  coalesce(r.state = 'netted', false) AS netted,
  NOT o.do_not_retry AND EXISTS (SELECT FROM challenges c WHERE c.merchant_id = o.merchant_id
    AND c.order_id = o.order_id AND c.state = 'presented') AS waits,
  n.offset_us, m.channel, coalesce(p.phone, '') AS phone,
  EXISTS (SELECT FROM contacts k WHERE k.merchant_id = m.merchant_id
    AND k.mail_id = m.mail_id) AS contacted,
  EXISTS (SELECT FROM notice_settings w WHERE w.merchant_id = m.merchant_id
    AND w.notice = 'payment_link_sms'
    AND w.enabled) AS by_sms
FROM mails m
JOIN merchants n USING (merchant_id)
JOIN orders o ON o.merchant_id = m.merchant_id AND o.order_id = m.order_id
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
LEFT JOIN modifications r ON r.merchant_id = m.merchant_id AND r.modification_id = m.about
WHERE m.merchant_id = $1 AND m.mail_id = $2
""")
async def mail_facts(db: Read, merchant_id: UUID, mail_id: UUID) -> MailFacts | None:
    """Facts of the order, its site and its payer as they are now."""


class Mail(Row):
    """A mail to a payer. `why`: it was not sent."""

    mail_id: UUID
    order_id: UUID
    external_id: str
    notice: str
    state: State
    tries: int
    why: str
    business_at: datetime
    channel: Channel


@MERCHANT.statement("""
SELECT m.mail_id, m.order_id, o.external_id, m.notice, m.state, m.tries, m.why, m.business_at,
  m.channel
FROM mails m JOIN orders o USING (merchant_id, order_id)
WHERE m.merchant_id = $1 ORDER BY m.mail_id DESC LIMIT $2
""")
async def newest_mails(db: Read, merchant_id: UUID, limit: int) -> list[Mail]:
    """Newest first."""


@MERCHANT.statement("SELECT notice, enabled FROM notice_settings WHERE merchant_id = $1")
async def notice_settings(db: Read, merchant_id: UUID) -> dict[str, bool]:
    """Settings of notices, only what somebody has set."""


class OwedMail(Row):
    state: State
    tries: int
    why: str


@MERCHANT.statement(
    "SELECT state, tries, why FROM mails WHERE merchant_id = $1 AND mail_id = $2 FOR UPDATE"
)
async def lock_mail(db: Tx, merchant_id: UUID, mail_id: UUID) -> OwedMail | None:
    """Whatever became of it."""


@MERCHANT.statement(
    "UPDATE mails SET state = $3, tries = $4, why = $5 WHERE merchant_id = $1 AND mail_id = $2"
)
async def change_mail(
    db: Tx, merchant_id: UUID, mail_id: UUID, *, state: str, tries: int, why: str
) -> None:
    """Changes a mail under its lock."""


@MERCHANT.statement("UPDATE mails SET channel = $3 WHERE merchant_id = $1 AND mail_id = $2")
async def choose_channel(db: Tx, merchant_id: UUID, mail_id: UUID, channel: Channel) -> None:
    """Chooses the channel of a mail, under its lock, before its first attempt."""


@MERCHANT.statement("""
INSERT INTO notice_settings (merchant_id, notice, enabled, actor, changed_at)
  VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, notice) DO UPDATE SET enabled = EXCLUDED.enabled, actor = EXCLUDED.actor,
  changed_at = EXCLUDED.changed_at
""")
async def switch_notice(
    db: Tx, merchant_id: UUID, notice: str, enabled: bool, actor: str, at: datetime
) -> None:
    """Switches a notice for the merchant's payers."""


class FailingMails(Row):
    """Mails that fail. `why`: of one of them."""

    number: int
    why: str


# As with inquiries, what is tried again later than in an hour is not looked at.
@MERCHANT.statement("""
SELECT count(*) AS number, coalesce(max(why), '') AS why FROM (
  SELECT m.why FROM due_work d JOIN mails m ON m.merchant_id = d.merchant_id
    AND m.mail_id = d.subject_id
  WHERE d.kind = 'mail' AND d.due_at <= $1::timestamptz + interval '1 hour'
    AND m.state = 'owed' AND m.tries >= 4 LIMIT 10000) m
""")
async def failing_payers_mails(db: Read, wall: datetime) -> FailingMails:
    """Mails to payers that are still owed after four tries."""
