"""One customer, with all of theirs."""

from typing import Final
from uuid import UUID

from recoup.doors.portal.feature_parts import customer_panels
from recoup.doors.portal.pages import Values, member
from recoup.doors.portal.people import named
from recoup.doors.portal.personal import clear_until
from recoup.doors.portal.visit import Visit
from recoup.flows.people.persons import find_alike, no_such_customer
from recoup.kernel.ids import HIGHEST, parse_id
from recoup.kernel.sentence import Sentence
from recoup.rules.languages.said import said
from recoup.rules.merchants.blocks import REASONS
from recoup.rules.merchants.personal import DOTS, SHOWN
from recoup.store.lists.customers import (
    Customer,
    attempts_of,
    count_orders_of,
    customer_orders,
    customer_sums,
    find_customer,
    person_log,
    refunds_of,
    transmissions_of,
)
from recoup.store.merchants.blocks import standing_blocks


def label_of(customer: Customer, language: str) -> str:
    """What the merchant knows them by, as it is; or the end of our id for one whose data is gone or masked, as the
    page's language says it. People type what they read."""
    found = customer.known_email or customer.external_id
    if found and DOTS not in found:
        return found
    return said(language, Sentence("customer {0}", str(customer.payer_id)[-6:]))


def is_gone(customer: Customer) -> bool:
    """Nothing names them any more."""
    return not any((customer.email, customer.name, customer.phone, customer.external_id, customer.newest))


SIZE: Final = 100


@member.page("/customers/{payer_id}", "customers/customer.html")
async def customer_page(visit: Visit) -> Values:
    """`typed`: what did not confirm the erasure; its sheet stands open with that, and with the problem. Raises:
    Problem(not_found) for an id that is none, and for another merchant's customer."""
    payer_id, merchant_id = _id(visit), visit.merchant_id
    before = parse_id(visit.request.query_params.get("before", "")) or HIGHEST
    email, alike = await find_alike(visit.world, merchant_id, payer_id)
    async with visit.world.db.read() as connection:
        until = await clear_until(visit, connection, payer_id)
        clear = visit.pii_access == SHOWN or until is not None
        customer = await find_customer(connection, merchant_id, payer_id, clear=clear)
        if customer is None:
            raise no_such_customer()
        orders = await customer_orders(connection, merchant_id, payer_id, before, SIZE + 1)
        ids = [row.order_id for row in orders[:SIZE]]
        attempts = await attempts_of(connection, merchant_id, ids)
        refunds = await refunds_of(connection, merchant_id, ids, clear=clear)
        transmissions = await transmissions_of(connection, merchant_id, payer_id, SIZE)
        sums = await customer_sums(connection, merchant_id, payer_id)
        lines = await person_log(connection, merchant_id, payer_id)
        _, opened = await count_orders_of(connection, merchant_id, alike)
        blocks = await standing_blocks(connection, merchant_id, [payer_id])
        panels = await customer_panels(connection, merchant_id, payer_id)
    actors = [row.actor for row in lines] + [row.actor for row in blocks]
    newest = dict.fromkeys(("first_name", "last_name", "email", "phone"), "") | (customer.newest or {})
    return dict(
        customer=customer,
        newest=newest,
        gone=is_gone(customer),
        label=label_of(customer, visit.language),
        payer_id=payer_id,
        orders=orders[:SIZE],
        more=ids[-1] if len(orders) > SIZE else None,
        paged=before != HIGHEST,
        attempts=attempts,
        refunds=refunds,
        transmissions=transmissions,
        sums=sums,
        lines=lines,
        blocks=blocks,
        **panels,
        external={row.order_id: row.external_id for row in orders},
        size=SIZE,
        alike=len(alike),
        email=email if clear else "",
        open_orders=opened,
        names=await named(visit, actors),
        reasons=REASONS,
        typed=None,
        may_erase=visit.session.may("erase"),
        masked=not clear,
        until=until,
        path=f"/customers/{payer_id}/reveal",
    )


async def find(visit: Visit) -> Customer:
    """The customer of the address. Raises: Problem(not_found) for an id that is none, and for another merchant's."""
    async with visit.world.db.read() as connection:
        until = await clear_until(visit, connection, _id(visit))
        clear = visit.pii_access == SHOWN or until is not None
        customer = await find_customer(connection, visit.merchant_id, _id(visit), clear=clear)
    if customer is None:
        raise no_such_customer()
    return customer


def _id(visit: Visit) -> UUID:
    """Of the address. Raises: Problem(not_found)."""
    found = parse_id(visit.request.path_params["payer_id"])
    if found is None:
        raise no_such_customer()
    return found
