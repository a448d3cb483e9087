"""Mails and SMS with a link to pay, by the address or number that they went to, and the
addresses that want none. No address stands here,
only its keyed hash."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.mail.rules.contacts import Contacted


@MERCHANT.statement("""
INSERT INTO contact_addresses (merchant_id, address_id) SELECT $1, a FROM unnest($2::uuid[]) a
  ORDER BY a
ON CONFLICT (merchant_id, address_id) DO UPDATE SET address_id = EXCLUDED.address_id
""")
async def lock_addresses(db: Tx, merchant_id: UUID, address_ids: list[UUID]) -> None:
    """A payer's e-mail address and number, until the transaction ends, so that of two mails one
    counts the other."""


class _Before(Row):
    of_order: int
    of_address: int
    unsubscribed: bool


@MERCHANT.statement("""
SELECT (SELECT count(*) FROM contacts c WHERE c.merchant_id = $1 AND c.order_id = $4
  AND c.mail_id <> $3) AS of_order,
  (SELECT count(*) FROM contacts c WHERE c.merchant_id = $1 AND c.address_id = ANY ($2::uuid[])
    AND c.contacted_at > $5
    AND c.mail_id <> $3) AS of_address,
  EXISTS (SELECT FROM contact_addresses a WHERE a.merchant_id = $1
    AND a.address_id = ANY ($2::uuid[])
    AND a.unsubscribed_at IS NOT NULL) AS unsubscribed
""")
async def _before(
    db: Read,
    merchant_id: UUID,
    address_ids: list[UUID],
    mail_id: UUID,
    order_id: UUID,
    since: datetime,
) -> _Before: ...


async def contacted(
    db: Read,
    merchant_id: UUID,
    address_ids: list[UUID],
    mail_id: UUID,
    order_id: UUID,
    since: datetime,
) -> Contacted:
    """Contacts beside this mail."""
    sent = await _before(db, merchant_id, address_ids, mail_id, order_id, since)
    return Contacted(sent.of_order, sent.of_address, sent.unsubscribed)


@MERCHANT.statement("""
INSERT INTO contacts (merchant_id, mail_id, order_id, address_id, contacted_at)
  VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, mail_id) DO NOTHING
""")
async def save_contact(
    db: Tx, merchant_id: UUID, mail_id: UUID, order_id: UUID, address_id: UUID, at: datetime
) -> None:
    """Saves a contact once, however often it is sent."""


@MERCHANT.statement("""
INSERT INTO contact_addresses (merchant_id, address_id, unsubscribed_at)
SELECT $1, a, $3 FROM unnest($2::uuid[]) a ORDER BY a
ON CONFLICT (merchant_id, address_id) DO UPDATE
  SET unsubscribed_at = coalesce(contact_addresses.unsubscribed_at, EXCLUDED.unsubscribed_at)
""")
async def save_unsubscribed(
    db: Tx, merchant_id: UUID, address_ids: list[UUID], wall: datetime
) -> None:
    """The first time counts."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM contact_addresses WHERE merchant_id = $1
  AND address_id = ANY ($2::uuid[])
  AND unsubscribed_at IS NOT NULL)
""")
async def is_unsubscribed(db: Read, merchant_id: UUID, address_ids: list[UUID]) -> bool:
    """True when one of the addresses wants no such mail."""


@MERCHANT.statement("""
DELETE FROM contacts WHERE (merchant_id, mail_id) IN (
  SELECT merchant_id, mail_id FROM contacts WHERE contacted_at < $1 ORDER BY contacted_at LIMIT $2)
""")
async def forget_contacts(db: Tx, before: datetime, limit: int) -> None:
    """Deletes contacts of long ago. Who unsubscribed stays so."""


class PayerContact(Row):
    """`email`, `phone`: empty where none is known."""

    shop: str
    email: str
    phone: str


@MERCHANT.statement("""
SELECT s.name AS shop, coalesce(p.email, '') AS email, coalesce(p.phone, '') AS phone FROM orders o
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
WHERE o.merchant_id = $1 AND o.order_id = $2
""")
async def payer_contact(db: Read, merchant_id: UUID, order_id: UUID) -> PayerContact | None:
    """Contact of an order's payer, as it is now."""
