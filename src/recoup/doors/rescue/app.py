"""The operations of `/v1`, and their routes."""

from typing import Final

from starlette.routing import Route

from recoup.doors.edge.described import Operation
from recoup.doors.edge.resource import routes_of
from recoup.doors.rescue import (
    backtests,
    balances,
    campaigns,
    capture,
    card_settings,
    certificates,
    check,
    clock,
    connection_test,
    country,
    decisions,
    engine,
    evaluate,
    events,
    evidence_files,
    hooks,
    imports,
    listen,
    monitoring,
    onboarding,
    order,
    orders,
    outcome,
    partner,
    partner_merchant,
    partner_policy,
    partner_report,
    partner_webhooks,
    policy,
    reconciliation,
    refund,
    reports,
    risk,
    settlements,
    sites,
    switches,
    token,
    tokenize,
    transmit,
    uplift,
    uploads,
    webhooks,
)
from recoup.doors.rescue.resource import Dialect, Method, Services

# In the order in which the documentation shows them.
_RESOURCES: Final = (
    token, transmit, tokenize, evaluate, check, capture, outcome, orders, order, decisions, refund, evidence_files,
    uploads, imports, hooks, webhooks,
    events, listen, sites, campaigns, switches, engine, policy, risk, card_settings, country, connection_test, balances,
    clock, settlements, reconciliation, reports, monitoring, certificates, uplift, backtests,
    partner,
    partner_merchant, partner_policy, partner_report, partner_webhooks, onboarding,
)  # fmt: skip
METHODS: Final[tuple[Method, ...]] = tuple(method for resource in _RESOURCES for method in resource.api.methods)
OPERATIONS: Final[tuple[Operation, ...]] = tuple(method.operation for method in METHODS)


def routes(services: Services) -> list[Route]:
    dialect = Dialect(services)
    made = [route for route in routes_of(dialect, METHODS) if route.path != tokenize.PATH]
    return [*made, Route(tokenize.PATH, tokenize.Tokenize(dialect))]
