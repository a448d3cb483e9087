"""/webhooks/{id}/deliveries/{try}: one try, the request and the answer; the event once more."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.done import done_of, with_done
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import FormKey, fresh_key, request_key
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.pages import Answer, Values, both, member
from recoup.doors.portal.visit import Visit
from recoup.doors.portal.webhooks.who import PLACE, acting, at_merchant, find, may, place
from recoup.doors.portal.webhooks.words import ERRORS, RESULTS
from recoup.flows.messages.delivery_log import delivery_of
from recoup.flows.messages.endpoints import Endpoint
from recoup.flows.messages.redeliver import redeliver
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.merchants.personal import SHOWN

_GONE: Final = Problem("not_found", "There is no such delivery.", cure="Check the endpoint's log.")


@dataclass(frozen=True, slots=True)
class Redelivery:
    """`back`: order, for the page of `order`; else the delivery's own. The same `key` again changes nothing."""

    key: FormKey
    back: str
    order: UUID | None


@both.page("/webhooks/{endpoint_id}/deliveries/{try_id}", "webhooks/delivery.html")
async def delivery_page(visit: AnyVisit) -> Values:
    endpoint = await find(visit)
    mine = visit.merchant_id if isinstance(visit, Visit) else None
    clear = isinstance(visit, Visit) and visit.pii_access == SHOWN  # a partner's role is of many merchants
    delivery = await delivery_of(visit.world, mine, endpoint, _try_id(visit), clear=clear)
    row = delivery.row
    return dict(
        endpoint=endpoint,
        one=delivery,
        row=row,
        result=RESULTS[row.result],
        errors=ERRORS,
        may=mine is not None and may(visit) and row.sample is None,
        key=fresh_key(),
        place=place(visit),
        done=done_of(visit.session, visit.request),
        of_partner=mine is None,
        about_order=row.subject_kind in ("order", "stable_order"),
    )


@delivery_page.post(
    "/webhooks/{endpoint_id}/deliveries/{try_id}/redeliver", may=acting, shape=Redelivery, find=find, sessions=member
)
async def post_redeliver(visit: AnyVisit, form: Redelivery, found: Endpoint) -> Answer:
    assert isinstance(visit, Visit)
    done = await redeliver(visit.world, at_merchant(visit), found, _try_id(visit), request_key(form.key))
    if form.back == "order" and form.order is not None:
        return redirect(back_to(visit, form.order, "timeline", show="webhooks"))
    return redirect(with_done(visit.session, f"{PLACE}/{found.endpoint_id}/deliveries/{_try_id(visit)}", done))


def _try_id(visit: AnyVisit) -> UUID:
    """Raises: Problem(not_found)."""
    found = parse_id(visit.request.path_params["try_id"])
    if found is None:
        raise _GONE
    return found
