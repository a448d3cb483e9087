"""What orders add to rooms below."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.rules.order.lifecycle import check_sql, refuse_unnamed
from recoup.store.migrate import SCHEMA_MARK, SchemaMark

ORDERS: Final = Feature(
    name="orders",
    adds=(SCHEMA_MARK(SchemaMark("{{lifecycle}}", check_sql, refuse_unnamed)),),
)
