"""/archives: which of the merchant's orders left for which file."""

from recoup.archive.flows import archives_of, months_to_leave
from recoup.archive.rules import KEPT_MONTHS
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit


@member.page("/archives", "archive/archive.html")
async def archives_page(visit: Visit) -> Values:
    return dict(
        kept=KEPT_MONTHS,
        rows=await archives_of(visit.world, visit.merchant_id),
        months=await months_to_leave(visit.world, visit.merchant_id),
    )
