"""Standing of a merchant in the card networks' monitoring programmes."""

from datetime import timedelta
from typing import Final

from recoup.disputes.store.monitoring import counted_at, kept_months
from recoup.networks.monitoring import standings
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit

MONTHS: Final = timedelta(days=190)
LOOKS: Final = {
    "below": ("ok", "check", "Below"),
    "half": ("hold", "clock", "Half reached"),
    "over": ("bad", "problem", "Exceeded"),
}


@member.page(
    "/monitoring",
    "desk/disputes_monitoring.html",
    menu=Entry("Insight", 5, "Monitoring", "gauge"),
)
async def monitoring(visit: Visit) -> Values:
    db, merchant = visit.world.db.reader, visit.known.merchant
    rows = await kept_months(db, merchant.merchant_id, (visit.now - MONTHS).date())
    return dict(
        rows=standings(rows, merchant.region),
        counted_at=await counted_at(db, merchant.merchant_id),
    )
