"""Routes: what they add to places below them."""

from typing import Final

from recoup.db.upkeep import RETAIN, Retention
from recoup.kernel.feature import Feature
from recoup.kit.upkeep import TIDY
from recoup.routes.flows.connect import erase_ended
from recoup.routes.store.card_routes import ROUTE_HOURS_KEPT, forget_route_hours
from recoup.routes.store.processor_notices import (
    NOTICE_DAYS_KEPT,
    forget_notice_counts,
    forget_notices,
    forget_unread_kinds,
)

ROUTES: Final = Feature(
    name="routes",
    adds=(
        TIDY(erase_ended),
        RETAIN(Retention(forget_notices, NOTICE_DAYS_KEPT)),
        RETAIN(Retention(forget_notice_counts, NOTICE_DAYS_KEPT)),
        RETAIN(Retention(forget_unread_kinds, NOTICE_DAYS_KEPT)),
        RETAIN(Retention(forget_route_hours, ROUTE_HOURS_KEPT)),
    ),
)
