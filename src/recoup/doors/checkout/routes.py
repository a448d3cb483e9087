"""All addresses of the checkout, one file a page. `main` puts them beside the other doors."""

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from recoup.doors.checkout.card import answer_card, bank_page, card_page, refuse_card
from recoup.doors.checkout.charge import ChargePage
from recoup.doors.checkout.pay import pay_page
from recoup.doors.checkout.returned import returned_page
from recoup.doors.checkout.simulate import simulate_payment
from recoup.doors.checkout.unsubscribe import take_unsubscribe, unsubscribe_page
from recoup.doors.checkout.visit import Checkout, Visit, page
from recoup.flows.cards.tokenize import Vault
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.world import World
from recoup.store.cards.challenges import kind_of_order


def routes(world: World, orders: Orders, merchants: Merchants) -> list[BaseRoute]:
    checkout = Checkout(world, orders, merchants, Vault(world))
    charge = ChargePage(world)
    return [
        Route("/charge", charge.form, methods=["GET"]),
        Route("/charge", charge.look_up, methods=["POST"]),
        Route("/checkout/return/{token}", returned_page(checkout), methods=["GET"]),
        Route("/checkout/{token}", page(checkout, hosted_page), methods=["GET"]),
        Route("/checkout/{token}/bank", page(checkout, bank_page), methods=["GET"]),
        Route("/checkout/{token}/pay", page(checkout, simulate_payment(approve=True)), methods=["POST"]),
        Route("/checkout/{token}/fail", page(checkout, simulate_payment(approve=False)), methods=["POST"]),
        Route("/checkout/{token}/answer", page(checkout, answer_card), methods=["POST"]),
        Route("/checkout/{token}/unsubscribe", page(checkout, unsubscribe_page), methods=["GET"]),
        Route("/checkout/{token}/unsubscribe", page(checkout, take_unsubscribe), methods=["POST"]),
        Route("/checkout/{token}/refuse", page(checkout, refuse_card), methods=["POST"]),
    ]


async def hosted_page(visit: Visit) -> Response:
    """One link for both: money on a channel, or a challenge of the payer's bank."""
    async with visit.checkout.world.db.read() as connection:
        kind = await kind_of_order(connection, *visit.key)
    return await (pay_page if kind == "stable" else card_page)(visit)
