"""The operations of `/v1`, and their routes."""

from typing import Final

from starlette.routing import Route

from recoup.doors.edge.described import Operation
from recoup.doors.rescue import (
    capture,
    check,
    evaluate,
    events,
    hooks,
    order,
    orders,
    outcome,
    partner,
    partner_merchant,
    partner_report,
    partner_webhooks,
    reconciliation,
    refund,
    settlements,
    sites,
    token,
    tokenize,
    transmit,
    webhooks,
)
from recoup.doors.rescue.resource import Method, Resource
from recoup.doors.rescue.services import Services

METHODS: Final = (
    *token.METHODS, *transmit.METHODS, *tokenize.METHODS, *evaluate.METHODS, *check.METHODS, *capture.METHODS,
    *outcome.METHODS, *orders.METHODS, *order.METHODS, *refund.METHODS, *hooks.METHODS, *webhooks.METHODS,
    *sites.METHODS, *settlements.METHODS, *events.METHODS, *reconciliation.METHODS,
    *partner.METHODS, *partner_merchant.METHODS, *partner_report.METHODS, *partner_webhooks.METHODS,
)  # fmt: skip
OPERATIONS: Final[tuple[Operation, ...]] = tuple(method.operation for method in METHODS)


def routes(services: Services) -> list[Route]:
    """Each path answers every method itself: a wrong one is refused after the credential, in the dialect's shape."""
    paths: dict[str, dict[str, Method]] = {}
    for method in METHODS:
        paths.setdefault(method.operation.path, {})[method.operation.method] = method
    special = {tokenize.TOKENIZE.path: tokenize.Tokenize(services)}
    return [Route(path, special.get(path) or Resource(services, methods)) for path, methods in paths.items()]
