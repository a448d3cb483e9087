"""Access to webhooks: who may look after them, on whose behalf, and which endpoint an address
names: a merchant's or a partner's."""

from collections.abc import Mapping
from copy import copy
from typing import Final
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.people.flows.owner import Owner
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.portal_visit import Visit
from recoup.people.page.words import State
from recoup.webhooks.flows import endpoints
from recoup.webhooks.flows.endpoints import Endpoint

PLACE: Final = "/webhooks"
OF_PARTNER: Final = "/partner/webhooks"
_GONE = Problem(
    "not_found", "There is no such webhook endpoint.", cure="Choose it from the list of webhooks."
)


def place(visit: AnyVisit) -> str:
    """Address of the pages."""
    return PLACE if isinstance(visit, Visit) else OF_PARTNER


def may(visit: AnyVisit) -> bool:
    if not isinstance(visit, Visit):
        return visit.seat.may("hooks") and not visit.paused
    return visit.may("hooks", or_operator=True)


def acting(visit: AnyVisit) -> Owner:
    """Raises: Problem(forbidden)."""
    if isinstance(visit, Visit):
        return at_merchant(visit)
    visit.only("hooks")
    return visit.scope


def at_merchant(visit: Visit) -> Scope:
    """Raises: Problem(forbidden)."""
    return visit.acting("hooks", "change webhooks")


async def find(visit: AnyVisit) -> Endpoint:
    """The endpoint of the address. Raises: Problem(not_found) for an id that is none, and for
    another's."""
    endpoint_id: UUID | None = parse_id(visit.request.path_params["endpoint_id"])
    if endpoint_id is None:
        raise copy(_GONE)
    try:
        return await endpoints.read(visit.world, visit.scope, endpoint_id, every_door=True)
    except Problem:
        raise copy(_GONE) from None


async def find_to_change(visit: AnyVisit) -> Endpoint:
    """The same, but one that the stablecoin API manages is left alone here. Raises: also
    Problem(wrong_state)."""
    endpoint = await find(visit)
    if endpoint.door != "rescue":
        raise Problem(
            "wrong_state",
            "The stablecoin API manages this endpoint; nothing was changed.",
            cure="Change it with PUT /api/v1/webhook.",
        )
    return endpoint


def in_portal(problem: Problem, cure: str) -> Problem:
    """A flow's refusal, whose cure speaks of the API, with what to do here."""
    return Problem(problem.code, problem.message, field=problem.field, cure=cure)


DIALECTS: Final = {"rescue": "Rescue events", "stablecoin": "Stablecoin events"}
FORMATS: Final = {
    "rescue": "Rescue: JSON, five x-fc headers, HMAC-SHA512",
    "rescue-text": "Rescue as text/plain, same signature",
    "standard": "Standard Webhooks: webhook-signature, HMAC-SHA256",
    "stablecoin": "Stablecoin API: x-fluxa headers, HMAC-SHA256",
}
RESULTS: Final = {
    "delivered": State("Delivered", "ok", "completed", "The receiver answered 2xx."),
    "failed": State("Failed", "hold", "retry", "The receiver did not accept it; it is retried."),
    "parked": State(
        "Given up", "prob", "problem", "The last attempt failed; send it again by hand."
    ),
    "disabled": State("Switched off", "off", "cancelled", "This answer switched the endpoint off."),
}
OVERLAPS: Final = {"24": "in 24 hours", "72": "in 3 days", "168": "in 7 days", "0": "at once"}
ERRORS: Final[Mapping[str, str]] = {
    "refused_address": "the address may not be called", "dns": "the host name is unknown",
    "connect": "no connection", "tls": "the certificate is not valid",
    "timeout": "no answer in time",
    "too_large": "the answer's head is too long, or it has too many parts",
    "protocol": "the answer is not HTTP, or not the only one",
    "not_rendered": "the event could not be written", "switched_off": "endpoint switched off",
}  # fmt: skip
_HEALTH: Final = {
    "new": State(
        "Not tried yet",
        "off",
        "draft",
        "Nothing was sent yet, so it is not known whether it works.",
    ),
    "ok": State("Healthy", "ok", "completed", "The last delivery succeeded."),
    "failing": State(
        "Failing", "hold", "onhold", "The last deliveries failed and are retried automatically."
    ),
    "open": State(
        "Down",
        "prob",
        "problem",
        "Ten deliveries in a row failed: only probes are sent; no events are lost.",
    ),
}
_OFF: Final = State("Switched off", "off", "cancelled", "Nothing is sent or queued for it.")


def state_of(endpoint: Endpoint) -> State:
    return _HEALTH[endpoint.health_state] if endpoint.state == "active" else _OFF


def error_words(error: str | None) -> str:
    """Words for an attempt's error: `no answer in time`, `HTTP 500`."""
    return ERRORS.get(error, error) if error else ""


def formats_of(form: str) -> dict[str, str]:
    """Formats of the same dialect."""
    stable = form == "stablecoin"
    return {name: words for name, words in FORMATS.items() if (name == "stablecoin") == stable}
