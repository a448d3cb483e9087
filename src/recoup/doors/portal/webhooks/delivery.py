"""/webhooks/{id}/deliveries/{try}: one try, the request and the answer; the event once more."""

from typing import Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.done import done_of, with_done
from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.form_key import fresh_key, key_of, request_key
from recoup.doors.portal.forms import first
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.doors.portal.webhooks.who import PLACE, at_merchant, find, may, place
from recoup.doors.portal.webhooks.words import ERRORS, RESULTS
from recoup.flows.messages.delivery_log import delivery_of
from recoup.flows.messages.endpoints import Endpoint
from recoup.flows.messages.redeliver import redeliver
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.merchants.personal import SHOWN

_GONE: Final = Problem("not_found", "There is no such delivery.", cure="Check the endpoint's log.")


async def delivery_page(visit: AnyVisit) -> Response:
    return await _show(visit, await find(visit))


async def post_redeliver(visit: Visit) -> Response:
    """Back to where it was asked for: the order with `back=order`, else the delivery. The same `key` again changes
    nothing."""
    form = await checked_form(visit)
    scope, found = at_merchant(visit), await find(visit)
    try:
        done = await redeliver(visit.world, scope, found, _try_id(visit), request_key(key_of(form)))
    except Problem as problem:
        return await _show(visit, found, problem)
    order_id = parse_id(first(form, "order")) if first(form, "back") == "order" else None
    if order_id is not None:
        return redirect(back_to(visit, order_id, "timeline", show="webhooks"))
    return redirect(with_done(visit.session, f"{PLACE}/{found.endpoint_id}/deliveries/{_try_id(visit)}", done))


def _try_id(visit: AnyVisit) -> UUID:
    """Raises: Problem(not_found)."""
    found = parse_id(visit.request.path_params["try_id"])
    if found is None:
        raise _GONE
    return found


async def _show(visit: AnyVisit, endpoint: Endpoint, problem: Problem | None = None) -> Response:
    mine = visit.merchant_id if isinstance(visit, Visit) else None
    clear = isinstance(visit, Visit) and visit.pii_access == SHOWN  # a partner's role is of many merchants
    delivery = await delivery_of(visit.world, mine, endpoint, _try_id(visit), clear=clear)
    row = delivery.row
    values = visit.values(
        endpoint=endpoint, one=delivery, row=row, result=RESULTS[row.result], errors=ERRORS, problem=problem,
        may=mine is not None and may(visit) and row.sample is None, key=fresh_key(), place=place(visit),
        done=done_of(visit.session, visit.request), of_partner=mine is None,
        about_order=row.subject_kind in ("order", "stable_order"),
    )  # fmt: skip
    return render("webhooks/delivery.html", values, status=STATUSES[problem.code] if problem else 200)
