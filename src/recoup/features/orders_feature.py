"""What orders add to rooms below."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.rules.order.lifecycle import FACT, check_sql
from recoup.store.migrate import SCHEMA_MARK, SchemaMark


def _facts_of(feature: Feature) -> list[str]:
    return [one.happening for one in feature.added(FACT)]


ORDERS: Final = Feature(
    name="orders",
    adds=(SCHEMA_MARK(SchemaMark("{{lifecycle}}", check_sql, _facts_of)),),
)
