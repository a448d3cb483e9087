"""/orders/{id}/card: what is known of an order's card, at one look: what its answers forbid and
until when, how far each count of its network is, its newer numbers and its orders."""

from datetime import timedelta
from typing import Final, NamedTuple

from recoup.desk.page.order.page import find, joined_with
from recoup.kernel.problem import Problem
from recoup.kernel.time import BusinessTime
from recoup.networks.limits import rules_at
from recoup.people.page.feature_parts import panels
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit
from recoup.rescue.flows.known_card import KnownCard, known_card
from recoup.rescue.flows.locked import Orders
from recoup.rescue.store.card_sends import changes_of_card, orders_of_card

ORDERS_MAX: Final = 50
CHANGES_MAX: Final = 10
_FORBIDS: Final = {
    "visa-category-1": "Visa category 1: the issuer will never approve it for you.",
    "visa-stop-payment": "R0: the customer stopped one payment.",
    "visa-stop-agreement": "R1: the customer revoked one agreement.",
    "visa-stop-card": "R3: the customer revoked all payments without them, at every merchant.",
    "mc-advice-03": "Advice 03: do not try again.",
    "mc-advice-21": "Advice 21: the customer cancelled the payment.",
    "elo-irreversible": "An irreversible decline, in Brazil.",
    "final-answer": "The card was reported lost or stolen, or its account closed.",
}
_OF_OTHERS: Final = "The bank allows no further attempt with this card."
_WAITS: Final = "Its network named when to try again."


class Forbidden(NamedTuple):
    """Ban on a card. `until` None: for ever. `customer`: what the customer starts is forbidden,
    too: all, the same amount, nothing."""

    why: str
    until: BusinessTime | None
    customer: str


@member.page("/orders/{order_id}/card", "desk/order/card.html")
async def card(visit: Visit) -> Values:
    page = await find(visit)
    if page.order.kind == "stable" or page.card is None:
        raise Problem(
            "not_found", "This order has no card.", cure="Open an order that was paid by card."
        )
    db = visit.world.db.reader
    known = await known_card(
        visit.world, visit.portal.get(Orders), visit.merchant_id, page.order_id
    )
    orders = await orders_of_card(db, visit.merchant_id, page.order_id, ORDERS_MAX)
    return dict(
        page=page,
        order=page.order,
        card=page.card,
        country=page.order.facts.get("issuer_country") or "",
        funding=str(page.order.facts.get("funding") or ""),
        forbidden=forbidden(known),
        is_open=known.is_open,
        counts=[(timedelta(hours=count.window_hours or 0), count) for count in known.counts()],
        orders=orders,
        changes=await changes_of_card(
            db, visit.merchant_id, [order.order_id for order in orders], CHANGES_MAX
        ),
        joined=await joined_with(visit, page),
        is_cut=len(orders) == ORDERS_MAX,
        **await panels(lambda part: part.card, db, visit.merchant_id, page.order_id),
    )


def forbidden(known: KnownCard) -> list[Forbidden]:
    mit = known.mit
    rules = {row.rule_id: row for row in rules_at(mit.scheme, mit.now, mit.region)}
    whole = {
        tally.rule_id
        for tally in known.cit.tallies
        if tally.ban and "cit" in rules[tally.rule_id].kinds
    }

    def customer(rule_id: str) -> str:
        return "all" if rule_id in whole else "same" if "cit:amount" in rules[rule_id].kinds else ""

    return [
        Forbidden(
            _FORBIDS.get(ban.rule_id, _WAITS) if ban.rule_id in known.own else _OF_OTHERS,
            BusinessTime(ban.free_at) if ban.free_at is not None else None,
            customer(ban.rule_id),
        )
        for ban in known.bans()
    ]
