"""/unknown-outcomes, the desk: attempts that were sent and not answered, and what is done about
them."""

from typing import Final

from recoup.orders.store.unknown_outcomes import unknown_outcomes
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit

PLACE: Final = "/unknown-outcomes"


@member.page(
    PLACE,
    "desk/unknown.html",
    menu=Entry("Queues", 2, "Unknown outcomes", "unknown", counts="unknown"),
)
async def unknown_page(visit: Visit) -> Values:
    async with visit.world.db.read() as connection:
        rows = await unknown_outcomes(connection, visit.merchant_id, visit.wall)
    return dict(
        rows=rows,
        total=rows[0].total if rows else 0,
        worry_after=visit.world.policy.review_after,
        may_cancel=visit.session.may("cancel"),
    )
