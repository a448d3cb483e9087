"""Orders: what they add to places below them."""

from typing import Final

from recoup.db.migrate import SCHEMA_MARK, SchemaMark
from recoup.db.upkeep import RETAIN, Retention
from recoup.kernel.feature import Feature
from recoup.orders.rules.lifecycle import FACT, check_sql
from recoup.orders.store.requests import REQUESTS_KEPT, forget_requests


def _facts_of(feature: Feature) -> list[str]:
    return [fact.happening for fact in feature.added(FACT)]


ORDERS: Final = Feature(
    name="orders",
    adds=(
        SCHEMA_MARK(SchemaMark("{{lifecycle}}", check_sql, _facts_of)),
        RETAIN(Retention(forget_requests, REQUESTS_KEPT)),
    ),
)
