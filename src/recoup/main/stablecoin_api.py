"""The operations of `/api/v1`, and their routes."""

from typing import Final

from starlette.routing import Route

from recoup.desk.api import stablecoin_orders as orders
from recoup.keys.api.resource import routes_of
from recoup.kit.edge.described import Operation
from recoup.stablecoin.api import channels, charges, payouts, subscriptions, wallets
from recoup.stablecoin.api.resource import Dialect, Method, Services
from recoup.webhooks.api import stablecoin_me as me

_RESOURCES: Final = (charges, orders, channels, me, wallets, payouts, subscriptions)
METHODS: Final[tuple[Method, ...]] = tuple(
    method for resource in _RESOURCES for method in resource.api.methods
)
OPERATIONS: Final[tuple[Operation, ...]] = tuple(method.operation for method in METHODS)


def routes(services: Services) -> list[Route]:
    return routes_of(Dialect(services), METHODS)
