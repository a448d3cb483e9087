"""/webhooks/{id}/replay: says how many events of a range would be sent again, then sends them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.form_key import fresh_key, key_of, request_key
from recoup.doors.portal.forms import first
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.doors.portal.webhooks.who import PLACE, at_merchant, find, in_portal, may
from recoup.flows.messages.endpoints import Endpoint
from recoup.flows.messages.replay import Found, ReplayAsked, ask, count
from recoup.kernel.problem import Problem

NUMBER_MAX: Final = 10**13 - 1
_FIELDS: Final = ("from", "to", "since", "until")
_CURES: Final = {"conflict": "Wait until it is done; the endpoint's page shows its progress.",
                 "wrong_state": "Switch the endpoint on, then replay."}  # fmt: skip


async def replay_page(visit: Visit) -> Response:
    """Without any bound it only shows the form."""
    query = visit.request.query_params
    typed = {name: query.get(name, "").strip()[:40] for name in _FIELDS} | {"events": query.getlist("event")[:100]}
    found = await find(visit, changing=True)
    if "count" not in query:
        return _show(visit, found, typed)
    return await _review(visit, found, typed)


async def post_replay(visit: Visit) -> Response:
    form = await checked_form(visit)
    scope, found = at_merchant(visit), await find(visit, changing=True)
    typed: dict[str, Any] = {name: first(form, name).strip()[:40] for name in _FIELDS}
    typed["events"] = form.get("event", [])[:100]
    try:
        await ask(visit.world, scope, found.endpoint_id, _asked(typed, found), request_key(key_of(form)))
    except Problem as problem:
        return await _review(visit, found, typed, in_portal(problem, _CURES.get(problem.code, problem.cure or "")))
    return redirect(f"{PLACE}/{found.endpoint_id}#replays")


async def _review(
    visit: Visit, found: Endpoint, typed: Mapping[str, Any], problem: Problem | None = None
) -> Response:
    would: Found | None = None
    try:
        would = await count(visit.world, visit.scope, found.endpoint_id, _asked(typed, found))
    except Problem as refused:
        problem = problem or refused
    return _show(visit, found, typed, problem, would)


def _asked(typed: Mapping[str, Any], endpoint: Endpoint) -> ReplayAsked:
    """Raises: Problem(invalid) naming the field that cannot be read."""
    since, until = _moment(typed, "since"), _moment(typed, "until")
    if since and until and until <= since:
        raise Problem("invalid", "The end is before the start.", field="until", cure="Enter a later end.")
    events = tuple(dict.fromkeys(typed["events"]))
    every = not events or set(events) == set(endpoint.events)
    return ReplayAsked(_number(typed, "from"), _number(typed, "to"), since, until, None if every else events)


def _number(typed: Mapping[str, Any], name: str) -> int | None:
    text: str = typed[name].replace(",", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= NUMBER_MAX):
        raise Problem("invalid", f"{text!r} is no number of an event.", field=name, cure="Enter a whole number from 1.")
    return int(text)


def _moment(typed: Mapping[str, Any], name: str) -> datetime | None:
    text: str = typed[name]
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Problem("invalid", f"{text!r} is no date and time.", field=name,
                      cure="Write it like 2026-01-31T08:30, in GMT.") from None  # fmt: skip


def _show(
    visit: Visit, found: Endpoint, typed: Mapping[str, Any], problem: Problem | None = None, would: Found | None = None
) -> Response:
    values = visit.values(
        endpoint=found, place=PLACE, typed=typed, problem=problem, would=would, key=fresh_key(), may=may(visit),
        numbered=found.format != "stablecoin",
    )  # fmt: skip
    return render("webhooks/replay.html", values, status=STATUSES[problem.code] if problem else 200)
