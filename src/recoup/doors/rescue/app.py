"""The routes of `/v1`."""

from collections.abc import Mapping

from starlette.routing import Route

from recoup.doors.rescue import capture, evaluate, orders, token, transmit, webhooks
from recoup.doors.rescue.resource import Method, Resource
from recoup.doors.rescue.services import Services
from recoup.doors.rescue.tokenize import Tokenize


def routes(services: Services) -> list[Route]:
    """Each path answers every method itself: a wrong one is refused after the credential, in the dialect's shape."""

    def at(path: str, methods: Mapping[str, Method]) -> Route:
        return Route(f"/v1{path}", Resource(services, methods))

    return [
        at("/oauth2/token", token.TOKEN),
        at("/oauth2/refresh", token.REFRESH),
        at("/transmit", transmit.TRANSMIT),
        at("/transmit/{id}", transmit.UPDATE),
        Route("/v1/tokenize", Tokenize(services)),
        at("/evaluate", evaluate.EVALUATE),
        at("/capture", capture.CAPTURE),
        at("/outcome", orders.OUTCOME),
        at("/orders", orders.LIST),
        at("/orders/{id}", orders.ONE),
        at("/orders/{id}/refund", orders.REFUND),
        at("/orders/{id}/cancel", orders.CANCEL),
        at("/webhooks", webhooks.ALL),
        at("/webhooks/{id}", webhooks.ONE),
    ]
