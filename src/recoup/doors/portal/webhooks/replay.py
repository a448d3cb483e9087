"""/webhooks/{id}/replay: says how many events of a range would be sent again, then sends them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_key import fresh_key, key_of, request_key
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.pages import Answer, Values, member, shown
from recoup.doors.portal.visit import Visit
from recoup.doors.portal.webhooks.who import PLACE, at_merchant, find_to_change, in_portal, may
from recoup.flows.messages.endpoints import Endpoint
from recoup.flows.messages.replay import Found, ReplayRequest, ask, count
from recoup.kernel.problem import Problem

NUMBER_MAX: Final = 10**13 - 1
_FIELDS: Final = ("from", "to", "since", "until")
_CURES: Final = {"conflict": "Wait until it is done; the endpoint's page shows its progress.",
                 "wrong_state": "Switch the endpoint on, then replay."}  # fmt: skip


@member.page("/webhooks/{endpoint_id}/replay", "webhooks/replay.html")
async def replay(visit: Visit) -> Values | Answer:
    """Without any bound it only shows the form."""
    found, query = await find_to_change(visit), visit.request.query_params
    if visit.typed:
        return await _review(visit, found, _typed(visit.typed))
    typed = {name: query.get(name, "").strip()[:40] for name in _FIELDS} | {"events": query.getlist("event")[:100]}
    if "count" not in query:
        return _values(visit, found, typed)
    return await _review(visit, found, typed)


def _typed(form: Form) -> dict[str, Any]:
    return {name: first(form, name).strip()[:40] for name in _FIELDS} | {"events": form.get("event", [])[:100]}


@replay.post(may=at_merchant, find=find_to_change)
async def post_replay(visit: Visit, form: Form, found: Endpoint) -> Answer:
    try:
        request = _request(_typed(form), found)
        await ask(visit.world, at_merchant(visit), found.endpoint_id, request, request_key(key_of(form)))
    except Problem as problem:
        raise in_portal(problem, _CURES.get(problem.code, problem.cure or "")) from None
    return redirect(f"{PLACE}/{found.endpoint_id}#replays")


async def _review(visit: Visit, found: Endpoint, typed: Mapping[str, Any]) -> Answer:
    problem: Problem | None = None
    would: Found | None = None
    try:
        would = await count(visit.world, visit.scope, found.endpoint_id, _request(typed, found))
    except Problem as refused:
        problem = refused
    return shown(problem, **_values(visit, found, typed, would))


def _request(typed: Mapping[str, Any], endpoint: Endpoint) -> ReplayRequest:
    """Raises: Problem(invalid) naming the field that cannot be read."""
    since, until = _moment(typed, "since"), _moment(typed, "until")
    if since and until and until <= since:
        raise Problem("invalid", "The end is before the start.", field="until", cure="Enter a later end.")
    events = tuple(dict.fromkeys(typed["events"]))
    every = not events or set(events) == set(endpoint.events)
    return ReplayRequest(_number(typed, "from"), _number(typed, "to"), since, until, None if every else events)


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
        raise Problem(
            "invalid", f"{text!r} is no date and time.", field=name, cure="Write it like 2026-01-31T08:30, in GMT."
        ) from None


def _values(visit: Visit, found: Endpoint, typed: Mapping[str, Any], would: Found | None = None) -> Values:
    return {
        "endpoint": found,
        "place": PLACE,
        "typed": typed,
        "would": would,
        "key": fresh_key(),
        "may": may(visit),
        "numbered": found.format != "stablecoin",
    }
