"""The routes of `/api/v1`, and what they are told to do."""

from collections.abc import Mapping
from typing import Final

from starlette.routing import Route

from recoup.doors.edge.described import Operation
from recoup.doors.stablecoin import channels, charges, orders
from recoup.doors.stablecoin.resource import Method, Resource
from recoup.doors.stablecoin.services import Services

PREFIX: Final = "/api/v1"
OPERATIONS: Final[tuple[Operation, ...]] = (*charges.OPERATIONS, *orders.OPERATIONS, *channels.OPERATIONS)


def routes(services: Services) -> list[Route]:
    """Each path answers every method itself: a wrong one is refused after the credential, in the dialect's shape."""

    def at(path: str, methods: Mapping[str, Method]) -> Route:
        return Route(f"{PREFIX}{path}", Resource(services, methods))

    return [
        at("/charges", charges.CHARGES),
        at("/orders", orders.LIST),
        at("/orders/{id}", orders.ONE),
        at("/orders/{id}/refund", orders.REFUND),
        at("/orders/{id}/cancel", orders.CANCEL),
        at("/orders/{id}/checkout", orders.CHECKOUT),
        at("/channels", channels.LIST),
    ]
