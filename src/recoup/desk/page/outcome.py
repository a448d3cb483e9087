"""/outcome: one field for whatever id somebody has in hand, and what became of that order, as
`/outcome` answers it."""

from typing import Annotated, Any
from urllib.parse import urlencode

from recoup.kernel.problem import Problem
from recoup.orders.flows.find_order import merchants_with
from recoup.people.page.form_shape import Text
from recoup.people.page.pages import Answer, member, shown
from recoup.people.page.portal_visit import Visit
from recoup.rescue.flows.outcome import outcome_of

KEY_MAX = 256


@member.page("/outcome", "desk/outcome.html")
async def outcome(visit: Visit, *, key: Annotated[str, Text(KEY_MAX, strip=True)]) -> Answer:
    """An unknown id has its message beside the field: it is no error of the page."""
    known: dict[str, Any] | None = None
    missing: Problem | None = None
    if key:
        try:
            known = await outcome_of(visit.world, key, visit.merchant_id)
        except Problem as problem:
            missing = problem
    elsewhere = await _elsewhere(visit, key) if missing is not None else []
    return shown(
        status=404 if missing else 200,
        key=key,
        found=known,
        missing=missing,
        elsewhere=elsewhere,
        again=urlencode({"key": key}),
    )


async def _elsewhere(visit: Visit, key: str) -> list[Any]:
    """The other merchants that this person may see and that have an order of this id."""
    others = {
        merchant.merchant_id: merchant
        for merchant in visit.session.merchants
        if merchant.merchant_id != visit.merchant_id
    }
    return [others[mid] for mid in await merchants_with(visit.world, key, list(others))]
