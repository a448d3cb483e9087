"""Payers who want no mails and SMS with links to pay: the link at the foot of each such mail, and
what it does.

The link is that of the order's hosted page: whoever holds it may pay the order, and may stop its
mails. It holds for the merchant's messages to the address and the number of the order's payer.
Source: RFC 8058.
"""

from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.mail.rules.contacts import sms_number
from recoup.mail.store.contacts import is_unsubscribed, payer_contact, save_unsubscribed
from recoup.orders.flows.hosted_link import checkout_token
from recoup.orders.rules.notices import is_address
from recoup.webhooks.moves import Addresses


@frozen
class ContactPage:
    """Content of the page; no address."""

    shop: str
    unsubscribed: bool


def addresses_of(world: World, merchant_id: UUID, email: str, phone: str) -> Addresses:
    """The same for each spelling of one address, or number, at a merchant."""
    number = sms_number(phone)
    return Addresses(
        world.keys.derived_id("contact", merchant_id, email.strip().lower())
        if is_address(email)
        else None,
        world.keys.derived_id("contact", merchant_id, number) if number else None,
    )


def stop_link(world: World, merchant_id: UUID, order_id: UUID) -> str:
    return f"{world.url}/checkout/{checkout_token(world, merchant_id, order_id)}/unsubscribe"


def one_click(world: World, merchant_id: UUID, order_id: UUID) -> tuple[tuple[str, str], ...]:
    """Headers by which a mail program shows its own button."""
    link = stop_link(world, merchant_id, order_id)
    return (
        ("List-Unsubscribe", f"<{link}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


async def contact_page(world: World, merchant_id: UUID, order_id: UUID) -> ContactPage:
    """Raises: Problem(not_found)."""
    contact = await payer_contact(world.db, merchant_id, order_id)
    if contact is None:
        raise _nothing()
    known = addresses_of(world, merchant_id, contact.email, contact.phone).known
    return ContactPage(contact.shop, await is_unsubscribed(world.db, merchant_id, known))


async def unsubscribe(world: World, merchant_id: UUID, order_id: UUID) -> ContactPage:
    """Unsubscribes a payer from now on; twice is once. An address that was erased gets nothing
    anyway. Raises: Problem(not_found)."""
    async with world.db.transaction() as tx:
        contact = await payer_contact(tx, merchant_id, order_id)
        if contact is None:
            raise _nothing()
        known = addresses_of(world, merchant_id, contact.email, contact.phone).known
        await save_unsubscribed(tx, merchant_id, known, world.clocks.wall())
    return ContactPage(contact.shop, True)


def _nothing() -> Problem:
    return Problem("not_found", "There is no such page.", cure="Check the link.")
