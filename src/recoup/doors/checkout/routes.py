"""All addresses of the checkout, one file a page. `main` puts them beside the other doors."""

from starlette.routing import BaseRoute, Route

from recoup.doors.checkout.pay import pay_page
from recoup.doors.checkout.simulate import simulate_payment
from recoup.doors.checkout.visit import Checkout, page
from recoup.flows.known import Merchants
from recoup.flows.locked import Orders
from recoup.kernel.world import World


def routes(world: World, orders: Orders, merchants: Merchants) -> list[BaseRoute]:
    checkout = Checkout(world, orders, merchants)
    return [
        Route("/checkout/{token}", page(checkout, pay_page), methods=["GET"]),
        Route("/checkout/{token}/pay", page(checkout, simulate_payment(approve=True)), methods=["POST"]),
        Route("/checkout/{token}/fail", page(checkout, simulate_payment(approve=False)), methods=["POST"]),
    ]
