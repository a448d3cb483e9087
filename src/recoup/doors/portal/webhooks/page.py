"""/webhooks and /partner/webhooks: whose endpoints there are, how they are, and a form for the next."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal, TypeAlias

from starlette.responses import Response

from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.form_shape import AtMost, Text, read_again
from recoup.doors.portal.menu import Entry, at_merchant, at_partner
from recoup.doors.portal.pages import Answer, Values, both
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit
from recoup.doors.portal.webhooks.who import PLACE, acting, in_portal, may, place
from recoup.doors.portal.webhooks.words import DIALECTS, FORMATS, error_words, formats_of, state_of
from recoup.flows.messages import endpoints
from recoup.flows.messages.endpoints import Endpoint, default_events, names_in, sums_of
from recoup.kernel.problem import Problem
from recoup.rules.messages.endpoint_whys import sentence_of
from recoup.rules.messages.events import CATALOGUE
from recoup.rules.rescue.site_address import host_of
from recoup.store.messages.endpoints import WAITING_MAX

SAME_FORM: Final = timedelta(minutes=10)  # within which a form that comes twice is a double click
_Event: TypeAlias = Annotated[str, Text(64)]
_CURES: Final = {"conflict": "Edit or delete the endpoint that has it, or enter another address."}


@dataclass(frozen=True, slots=True)
class EndpointForm:
    """An endpoint as it was typed, no field longer than what is shown again. `key`: its own, or the shop's."""

    url: Annotated[str, Text(2_048, strip=True)]
    events: Annotated[tuple[_Event, ...], AtMost(100)]
    encrypt: bool
    format: Annotated[str, Text(32)] = "rescue"
    key: Literal["own", "shared"] = "own"


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


@new_webhook.post(PLACE, may=acting, shape=EndpointForm)
async def post_new(visit: AnyVisit, form: EndpointForm) -> Answer:
    """The key is shown with this answer and not again."""
    own_key = form.key == "own" or not isinstance(visit, Visit)
    try:
        made = await endpoints.create(
            visit.world,
            acting(visit),
            form.url,
            list(form.events),
            form.format,
            own_key=own_key,
            encrypt=form.encrypt,
        )
    except Problem as problem:
        same = await _made_already(visit, form) if problem.code == "conflict" else None
        if same is not None:
            return secret_page(visit, same, "made", shown=own_key)
        raise problem if problem.code != "conflict" else in_portal(problem, _CURES["conflict"]) from None
    return secret_page(visit, made, "made", shown=own_key)


def secret_page(visit: AnyVisit, endpoint: Endpoint, done: str, *, shown: bool) -> Response:
    """`done`: made or rotated. Only here a key is seen; without `shown` it is the shop's, which others have."""
    return render(
        "webhooks/secret.html", visit.values(endpoint=endpoint, done=done, shown=shown, **owner_values(visit))
    )


def choices(form: str) -> list[tuple[str, str, bool]]:
    """(event, what it means, sent by default) of the format's dialect."""
    usual = default_events(form)
    return [
        (name, CATALOGUE[own].meaning if own in CATALOGUE else "", name in usual)
        for name, own in names_in(form).items()
    ]


async def _made_already(visit: AnyVisit, form: EndpointForm) -> Endpoint | None:
    """The endpoint that this very form made a moment ago."""
    since, own_key = visit.wall - SAME_FORM, form.key == "own" or not isinstance(visit, Visit)
    wanted = (form.url, form.format, set(form.events), form.encrypt, own_key)
    for found in await endpoints.list_all(visit.world, visit.scope):
        same = (found.url, found.format, set(found.events), found.encrypt, found.own_key) == wanted
        if same and found.created_at >= since and found.rotated_at is None:
            return found
    return None


def _form(visit: AnyVisit, dialect: str) -> Values:
    typed = EndpointForm("", tuple(default_events(dialect)), encrypt=False, format=dialect)
    if visit.typed:
        typed = read_again(EndpointForm, visit.typed)
        dialect = "stablecoin" if typed.format == "stablecoin" else "rescue"
    return dict(
        typed=typed,
        dialect=dialect,
        dialects=dialects(visit),
        formats=formats_of(dialect),
        choices=choices(dialect),
        may=may(visit),
        loopback=visit.world.policy.loopback_webhooks,
        **owner_values(visit),
    )
