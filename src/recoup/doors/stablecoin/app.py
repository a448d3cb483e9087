"""The routes of `/api/v1`, and what they are told to do."""

from collections.abc import Mapping
from typing import Final

from starlette.routing import Route

from recoup.doors.edge.described import Operation
from recoup.doors.stablecoin import channels, charges, me, orders, payouts, subscriptions, wallets
from recoup.doors.stablecoin.resource import Method, Resource
from recoup.doors.stablecoin.services import Services

PREFIX: Final = "/api/v1"
_RESOURCES: Final = (charges, orders, channels, me, wallets, payouts, subscriptions)
OPERATIONS: Final[tuple[Operation, ...]] = tuple(one for resource in _RESOURCES for one in resource.OPERATIONS)


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
        at("/me", me.ME),
        at("/webhook", me.WEBHOOK),
        at("/wallets", wallets.WALLETS),
        at("/ledger", wallets.LEDGER),
        at("/payouts", payouts.PAYOUTS),
        at("/subscriptions", subscriptions.ALL),
        at("/subscriptions/{id}", subscriptions.ONE),
        at("/subscriptions/{id}/pause", subscriptions.PAUSE),
        at("/subscriptions/{id}/resume", subscriptions.RESUME),
        at("/subscriptions/{id}/cancel", subscriptions.CANCEL),
    ]
