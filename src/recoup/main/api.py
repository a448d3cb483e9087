"""The operations of `/v1`, and their routes."""

from typing import Final

from starlette.routing import Route

from recoup.backtest.api import backtests
from recoup.certificates import api as certificates
from recoup.desk.api import order, orders, partner_policy, policy
from recoup.disputes.api import evidence_files, monitoring
from recoup.engine import api as engine
from recoup.imports import api as imports
from recoup.insight.api import decisions, reports
from recoup.keys.api import token
from recoup.keys.api.resource import routes_of
from recoup.keys.api.v1_resource import Dialect, Method, Services
from recoup.kit.edge.described import Operation
from recoup.onboarding.api import country, onboarding
from recoup.partners.api import partner, partner_merchant, partner_report
from recoup.reconciliation import api as reconciliation
from recoup.refunds.api import capture, refund
from recoup.rescue.api import check, evaluate, outcome, tokenize, transmit
from recoup.risk import api as risk
from recoup.sandbox import api as clock
from recoup.settlement.api import balances, settlements
from recoup.switches.api import campaigns, card_settings, connection_test, sites, switches
from recoup.uplift import api as uplift
from recoup.uploads import api as uploads
from recoup.webhooks.api import events, hooks, listen, partner_webhooks, webhooks

# In the order in which the documentation shows them.
_RESOURCES: Final = (
    token, transmit, tokenize, evaluate, check, capture, outcome, orders, order, decisions, refund,
    evidence_files, uploads, imports, hooks, webhooks, events, listen, sites, campaigns, switches,
    engine, policy, risk, card_settings, country, connection_test, balances, clock, settlements,
    reconciliation, reports, monitoring, certificates, uplift, backtests, partner, partner_merchant,
    partner_policy, partner_report, partner_webhooks, onboarding,
)  # fmt: skip
METHODS: Final[tuple[Method, ...]] = tuple(
    method for resource in _RESOURCES for method in resource.api.methods
)
OPERATIONS: Final[tuple[Operation, ...]] = tuple(method.operation for method in METHODS)


def routes(services: Services) -> list[Route]:
    dialect = Dialect(services)
    made = [route for route in routes_of(dialect, METHODS) if route.path != tokenize.PATH]
    return [*made, Route(tokenize.PATH, tokenize.Tokenize(dialect))]
