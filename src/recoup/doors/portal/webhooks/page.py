"""/webhooks and /partner/webhooks: whose endpoints there are, how they are, and a form for the next."""

from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.menu import Entry, at_merchant, at_partner
from recoup.doors.portal.pages import Answer, Values, both
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit
from recoup.doors.portal.webhooks.who import PLACE, acting, in_portal, may, place
from recoup.doors.portal.webhooks.words import DIALECTS, FORMATS, error_words, formats_of, state_of
from recoup.flows.messages import endpoints
from recoup.flows.messages.delivery_log import sums_of
from recoup.flows.messages.endpoints import Endpoint, default_events, names_in
from recoup.kernel.problem import Problem
from recoup.rules.messages.endpoint_whys import sentence_of
from recoup.rules.messages.events import CATALOGUE
from recoup.rules.rescue.site_address import host_of
from recoup.store.read.endpoints import WAITING_MAX

SAME_FORM: Final = timedelta(minutes=10)  # within which a form that comes twice is a double click
_CURES: Final = {"conflict": "Edit or delete the endpoint that has it, or enter another address."}


@both.page(
    PLACE,
    "webhooks/webhooks.html",
    menu=(
        Entry("Partner", 3, "Webhooks", "webhook", "/partner/webhooks", sees=at_partner),
        Entry("Integration", 3, "Webhooks", "webhook", sees=at_merchant),
    ),
)
async def webhooks(visit: AnyVisit) -> Values:
    found = await endpoints.list_all(visit.world, visit.scope, every_door=True)
    theirs: list[Endpoint] = []
    if isinstance(visit, Visit):
        _, theirs = await endpoints.of_partner(visit.world, visit.scope)
    return dict(
        endpoints=found,
        sums=await sums_of(visit.world, found),
        state_of=state_of,
        error_words=error_words,
        why_off=sentence_of,
        formats=FORMATS,
        theirs=theirs,
        host_of=host_of,
        **owner_values(visit),
        waiting_max=WAITING_MAX,
        names_in=names_in,
        may=may(visit),
    )


def owner_values(visit: AnyVisit) -> dict[str, str]:
    """Where the pages are, and the merchant's name or the partner's."""
    name = visit.known.merchant.name if isinstance(visit, Visit) else visit.partner.name
    return {"place": place(visit), "whose": name}


@both.page("/webhooks/new", "webhooks/new.html")
async def new_webhook(visit: AnyVisit) -> Values:
    dialect = visit.request.query_params.get("dialect", "rescue")
    return _form(visit, dialect if dialect in dialects(visit) else "rescue")


def dialects(visit: AnyVisit) -> dict[str, str]:
    """A partner hears of its merchants' rescue orders only."""
    return DIALECTS if isinstance(visit, Visit) else {}


@new_webhook.post(PLACE, may=acting)
async def post_new(visit: AnyVisit, form: Form) -> Answer:
    """The key is shown with this answer and not again."""
    typed = typed_of(form)
    own_key = typed["key"] == "own" or not isinstance(visit, Visit)
    try:
        made = await endpoints.create(
            visit.world,
            acting(visit),
            typed["url"],
            typed["events"],
            typed["format"],
            own_key=own_key,
            encrypt=typed["encrypt"],
        )
    except Problem as problem:
        same = await _made_already(visit, typed) if problem.code == "conflict" else None
        if same is not None:
            return secret_page(visit, same, "made", shown=own_key)
        raise problem if problem.code != "conflict" else in_portal(problem, _CURES["conflict"]) from None
    return secret_page(visit, made, "made", shown=own_key)


def secret_page(visit: AnyVisit, endpoint: Endpoint, done: str, *, shown: bool) -> Response:
    """`done`: made or rotated. Only here a key is seen; without `shown` it is the shop's, which others have."""
    return render(
        "webhooks/secret.html", visit.values(endpoint=endpoint, done=done, shown=shown, **owner_values(visit))
    )


def typed_of(form: Form) -> dict[str, Any]:
    """The fields of an endpoint as they were typed, none longer than what is shown again."""
    return {
        "url": first(form, "url").strip()[:2_048],
        "format": first(form, "format")[:32] or "rescue",
        "events": [name[:64] for name in form.get("events", [])[:100]],
        "encrypt": bool(first(form, "encrypt")),
        "key": "shared" if first(form, "key") == "shared" else "own",
    }


def choices(form: str) -> list[tuple[str, str, bool]]:
    """(event, what it means, sent by default) of the format's dialect."""
    usual = default_events(form)
    return [
        (name, CATALOGUE[own].meaning if own in CATALOGUE else "", name in usual)
        for name, own in names_in(form).items()
    ]


async def _made_already(visit: AnyVisit, typed: dict[str, Any]) -> Endpoint | None:
    """The endpoint that this very form made a moment ago."""
    since, own_key = visit.wall - SAME_FORM, typed["key"] == "own" or not isinstance(visit, Visit)
    wanted = (typed["url"], typed["format"], set(typed["events"]), typed["encrypt"], own_key)
    for found in await endpoints.list_all(visit.world, visit.scope):
        same = (found.url, found.format, set(found.events), found.encrypt, found.own_key) == wanted
        if same and found.created_at >= since and found.rotated_at is None:
            return found
    return None


def _form(visit: AnyVisit, dialect: str) -> Values:
    if visit.typed:
        dialect = "stablecoin" if first(visit.typed, "format") == "stablecoin" else "rescue"
    usual = {"url": "", "format": dialect, "events": list(default_events(dialect)), "encrypt": False, "key": "own"}
    return dict(
        typed=typed_of(visit.typed) if visit.typed else usual,
        dialect=dialect,
        dialects=dialects(visit),
        formats=formats_of(dialect),
        choices=choices(dialect),
        may=may(visit),
        loopback=visit.world.policy.loopback_webhooks,
        **owner_values(visit),
    )
