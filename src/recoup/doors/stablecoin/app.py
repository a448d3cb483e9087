"""The operations of `/api/v1`, and their routes."""

from typing import Final

from starlette.routing import Route

from recoup.doors.edge.described import Operation
from recoup.doors.edge.resource import routes_of
from recoup.doors.stablecoin import channels, charges, me, orders, payouts, subscriptions, wallets
from recoup.doors.stablecoin.resource import Dialect, Method, Services

PREFIX: Final = "/api/v1"
_RESOURCES: Final = (charges, orders, channels, me, wallets, payouts, subscriptions)
METHODS: Final[tuple[Method, ...]] = tuple(method for resource in _RESOURCES for method in resource.api.methods)
OPERATIONS: Final[tuple[Operation, ...]] = tuple(method.operation for method in METHODS)


def routes(services: Services) -> list[Route]:
    return routes_of(Dialect(services), METHODS)
