"""/webhooks/{id}/deliveries/{try}: one try, the request and the answer; the event once more."""

from datetime import datetime
from typing import Annotated, Final, TypeAlias
from uuid import UUID

from recoup.desk.page.order.within import back_to
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.texts import parse_whole
from recoup.kit.files.moments import typed_moment
from recoup.kit.personal import SHOWN
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.endpoint import done_of, id_in_path, redirect, with_done
from recoup.people.page.form_shape import AtMost, FormKey, Text, fresh_key, read_shape, request_key
from recoup.people.page.pages import Answer, Values, both, member, shown
from recoup.people.page.portal_visit import Visit
from recoup.webhooks.flows.delivery_log import delivery_of
from recoup.webhooks.flows.endpoints import Endpoint
from recoup.webhooks.flows.replay import Found, ReplayRequest, ask, count, redeliver
from recoup.webhooks.page import who

_GONE: Final = Problem("not_found", "There is no such delivery.", cure="Check the endpoint's log.")


@both.page("/webhooks/{endpoint_id}/deliveries/{try_id}", "desk/webhooks_delivery.html")
async def delivery_page(visit: AnyVisit) -> Values:
    endpoint = await who.find(visit)
    mine = visit.merchant_id if isinstance(visit, Visit) else None
    clear = (
        isinstance(visit, Visit) and visit.pii_access == SHOWN
    )  # a partner's role is of many merchants
    delivery = await delivery_of(visit.world, mine, endpoint, _try_id(visit), clear=clear)
    row = delivery.row
    return dict(
        endpoint=endpoint,
        one=delivery,
        row=row,
        result=who.RESULTS[row.result],
        errors=who.ERRORS,
        may=mine is not None and who.may(visit) and row.sample is None,
        key=fresh_key(),
        place=who.place(visit),
        done=done_of(visit.session, visit.request),
        of_partner=mine is None,
        about_order=row.subject_kind in ("order", "stable_order"),
    )


@delivery_page.post(
    "/webhooks/{endpoint_id}/deliveries/{try_id}/redeliver",
    may=who.acting,
    find=who.find,
    sessions=member,
)
async def post_redeliver(
    visit: AnyVisit, endpoint: Endpoint, *, key: FormKey, back: str, order: UUID | None
) -> Answer:
    """`back`: order, for the page of `order`; else the delivery's own. The same `key` again changes
    nothing."""
    assert isinstance(visit, Visit)
    done = await redeliver(
        visit.world, who.at_merchant(visit), endpoint, _try_id(visit), request_key(key)
    )
    if back == "order" and order is not None:
        return redirect(back_to(visit, order, "timeline", show="webhooks"))
    return redirect(
        with_done(
            visit.session, f"{who.PLACE}/{endpoint.endpoint_id}/deliveries/{_try_id(visit)}", done
        )
    )


_try_id: Final = id_in_path("try_id", _GONE)


NUMBER_MAX: Final = 10**13 - 1
_Bound: TypeAlias = Annotated[str, Text(40, strip=True)]
_CURES: Final = {"conflict": "Wait until it is done; the endpoint's page shows its progress.",
                 "wrong_state": "Switch the endpoint on, then replay."}  # fmt: skip


@frozen
class Range:
    """Range of events: the numbers `from_` and `to`, the moments `since` and `until`, as they were
    typed, each may be empty; `event`: of these kinds, of all where none is named."""

    from_: _Bound
    to: _Bound
    since: _Bound
    until: _Bound
    event: Annotated[tuple[str, ...], AtMost(100)]


@frozen
class ReplayForm(Range):
    key: FormKey


@member.page("/webhooks/{endpoint_id}/replay", "desk/webhooks_replay.html")
async def replay(visit: Visit) -> Values | Answer:
    """Replays events; without any bound it only shows the form."""
    endpoint, query = await who.find_to_change(visit), visit.request.query_params
    if visit.typed:
        return await _review(visit, endpoint, read_shape(Range, visit.typed))
    typed = read_shape(Range, {name: query.getlist(name) for name in query})
    if "count" not in query:
        return _values(visit, endpoint, typed)
    return await _review(visit, endpoint, typed)


@replay.post(may=who.at_merchant, shape=ReplayForm, find=who.find_to_change)
async def post_replay(visit: Visit, form: ReplayForm, endpoint: Endpoint) -> Answer:
    try:
        request = _request(form, endpoint)
        await ask(
            visit.world,
            who.at_merchant(visit),
            endpoint.endpoint_id,
            request,
            request_key(form.key),
        )
    except Problem as problem:
        raise who.in_portal(problem, _CURES.get(problem.code, problem.cure or "")) from None
    return redirect(f"{who.PLACE}/{endpoint.endpoint_id}#replays")


async def _review(visit: Visit, endpoint: Endpoint, typed: Range) -> Answer:
    problem: Problem | None = None
    would: Found | None = None
    try:
        would = await count(
            visit.world, visit.scope, endpoint.endpoint_id, _request(typed, endpoint)
        )
    except Problem as refused:
        problem = refused
    return shown(problem, **_values(visit, endpoint, typed, would))


def _request(typed: Range, endpoint: Endpoint) -> ReplayRequest:
    """Raises: Problem(invalid) naming the field that cannot be read."""
    since, until = _moment(typed.since, "since"), _moment(typed.until, "until")
    if since and until and until <= since:
        raise invalid("The end is before the start.", "until", "Enter a later end.")
    events = tuple(dict.fromkeys(typed.event))
    every = not events or set(events) == set(endpoint.events)
    return ReplayRequest(
        _number(typed.from_, "from"),
        _number(typed.to, "to"),
        since,
        until,
        None if every else events,
    )


def _number(typed: str, name: str) -> int | None:
    text = typed.replace(",", "")
    if not text:
        return None
    number = parse_whole(text, 20)
    if number is None or not 1 <= number <= NUMBER_MAX:
        raise invalid(
            Sentence("{0} is no number of an event.", repr(text)),
            name,
            "Enter a whole number from 1.",
        )
    return number


def _moment(text: str, name: str) -> datetime | None:
    if not text:
        return None
    moment = typed_moment(text)
    if moment is None:
        message = Sentence("{0} is no date and time.", repr(text))
        raise invalid(message, name, "Write it as 2026-01-31 08:30, in GMT.")
    return moment


def _values(visit: Visit, endpoint: Endpoint, typed: Range, would: Found | None = None) -> Values:
    return {
        "endpoint": endpoint,
        "place": who.PLACE,
        "typed": typed,
        "would": would,
        "key": fresh_key(),
        "may": who.may(visit),
        "numbered": endpoint.format != "stablecoin",
    }
