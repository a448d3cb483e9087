"""/webhooks and /partner/webhooks: whose endpoints there are, how they are, and a form for the
next."""

from datetime import timedelta
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from starlette.responses import Response

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, invalid
from recoup.keys.page import Ending, Question, hours
from recoup.keys.rules.site_address import host_of
from recoup.orders.rules.events import CATALOGUE
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.endpoint import redirect
from recoup.people.page.form_shape import As, AtMost, Text, read_again
from recoup.people.page.menu import Entry, at_merchant, at_partner
from recoup.people.page.pages import Answer, Values, both, nothing, shown
from recoup.people.page.portal_visit import Visit
from recoup.people.page.templates import render
from recoup.webhooks.flows import endpoints, replay
from recoup.webhooks.flows.delivery_log import LogQuery, log_of
from recoup.webhooks.flows.endpoints import Endpoint, default_events, names_in, sums_of
from recoup.webhooks.flows.rotate import key_mark, rotate_endpoint
from recoup.webhooks.flows.send_sample import send_sample
from recoup.webhooks.page import who
from recoup.webhooks.rules.endpoint_whys import sentence_of
from recoup.webhooks.store.endpoints import WAITING_MAX

SAME_FORM: Final = timedelta(minutes=10)  # within which a form that comes twice is a double click
_Event: TypeAlias = Annotated[str, Text(64)]
_CURES: Final = {"conflict": "Edit or delete the endpoint that has it, or enter another address."}


@frozen
class EndpointForm:
    """An endpoint as it was typed, no field longer than what is shown again. `key`: its own, or the
    shop's."""

    url: Annotated[str, Text(2_048, strip=True)]
    events: Annotated[tuple[_Event, ...], AtMost(100)]
    encrypt: bool
    format: Annotated[str, Text(32)] = "rescue"
    key: Literal["own", "shared"] = "own"


@both.page(
    who.PLACE,
    "webhooks/webhooks.html",
    menu=(
        Entry("Partner", 3, "Webhooks", "webhook", "/partner/webhooks", sees=at_partner),
        Entry("Integration", 3, "Webhooks", "webhook", sees=at_merchant),
    ),
)
async def webhooks(visit: AnyVisit) -> Values:
    ours = await endpoints.list_all(visit.world, visit.scope, every_door=True)
    theirs: list[Endpoint] = []
    if isinstance(visit, Visit):
        _, theirs = await endpoints.of_partner(visit.world, visit.scope)
    return dict(
        endpoints=ours,
        sums=await sums_of(visit.world, ours),
        state_of=who.state_of,
        error_words=who.error_words,
        formats=who.FORMATS,
        theirs=theirs,
        host_of=host_of,
        why_off=sentence_of,
        waiting_max=WAITING_MAX,
        **owner_values(visit),
        may=who.may(visit),
    )


def owner_values(visit: AnyVisit) -> dict[str, str]:
    """Values of the pages' place, and the merchant's name or the partner's."""
    name = visit.known.merchant.name if isinstance(visit, Visit) else visit.partner.name
    return {"place": who.place(visit), "whose": name}


@both.page("/webhooks/new", "webhooks/new.html")
async def new_webhook(visit: AnyVisit, *, dialect: str = "rescue") -> Values:
    return _form(visit, dialect if dialect in dialects(visit) else "rescue")


def dialects(visit: AnyVisit) -> dict[str, str]:
    """A partner hears of its merchants' rescue orders only."""
    return who.DIALECTS if isinstance(visit, Visit) else {}


@new_webhook.post(who.PLACE, may=who.acting, shape=EndpointForm)
async def post_new(visit: AnyVisit, form: EndpointForm) -> Answer:
    """The key is shown with this answer and not again."""
    own_key = form.key == "own" or not isinstance(visit, Visit)
    try:
        made = await endpoints.create(
            visit.world,
            who.acting(visit),
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
        raise (
            problem if problem.code != "conflict" else who.in_portal(problem, _CURES["conflict"])
        ) from None
    return secret_page(visit, made, "made", shown=own_key)


def secret_page(visit: AnyVisit, endpoint: Endpoint, done: str, *, shown: bool) -> Response:
    """`done`: made or rotated. Only here a key is seen; without `shown` it is the shop's, which
    others have."""
    return render(
        "webhooks/secret.html",
        visit.values(endpoint=endpoint, done=done, shown=shown, **owner_values(visit)),
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
    for endpoint in await endpoints.list_all(visit.world, visit.scope):
        same = (
            endpoint.url,
            endpoint.format,
            set(endpoint.events),
            endpoint.encrypt,
            endpoint.own_key,
        ) == wanted
        if same and endpoint.created_at >= since and endpoint.rotated_at is None:
            return endpoint
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
        formats=who.formats_of(dialect),
        choices=choices(dialect),
        may=who.may(visit),
        loopback=visit.world.policy.loopback_webhooks,
        **owner_values(visit),
    )


SIZE: Final = 50
REPLAYS: Final = 5
_UNREACHED: Final = frozenset(
    {"bad_gateway", "gateway_timeout"}
)  # a problem of the receiver, not of this page
_TAKEN: Final = "Edit or delete the endpoint that has it, or enter another address."
_ANEW: Final = "Create another endpoint with it and delete this one."
_TWO_KEYS: Final = "Wait until then, or end the old key now."


@both.page("/webhooks/{endpoint_id}", "webhooks/endpoint.html")
async def webhook(visit: AnyVisit, *, result: str, event: str, before: UUID | None) -> Values:
    """`changing`: its form is open, with what was typed."""
    endpoint, world = await who.find(visit), visit.world
    wrong: Problem | None = None
    try:
        rows, older = await log_of(
            world, endpoint, LogQuery(result or None, event or None, before), SIZE
        )
    except Problem as refused:
        rows, older, wrong = [], None, refused
    now = EndpointForm(
        endpoint.url, tuple(endpoint.events), encrypt=endpoint.encrypt, format=endpoint.format
    )
    replays = (
        []
        if endpoint.door != "rescue"
        else await replay.list_all(world, visit.scope, endpoint.endpoint_id)
    )
    return dict(
        endpoint=endpoint,
        state=who.state_of(endpoint),
        sums=(await sums_of(world, [endpoint]))[endpoint.endpoint_id],
        rows=rows,
        question=None,
        sent=None,
        changing=False,
        typed=now,
        older=older,
        wrong=wrong,
        chosen={"result": result, "event": event[:64]},
        first=before is None,
        results=who.RESULTS,
        errors=who.ERRORS,
        error_words=who.error_words,
        why_off=sentence_of,
        waiting_max=WAITING_MAX,
        events=list(names_in(endpoint.format)),
        formats=who.formats_of(endpoint.format),
        format_words=who.FORMATS,
        choices=choices(endpoint.format),
        overlaps=who.OVERLAPS,
        mark=key_mark(endpoint.signing_key),
        replays=replays[:REPLAYS],
        may=who.may(visit) and endpoint.door == "rescue",
        place=who.place(visit),
        of_partner=not isinstance(visit, Visit),
    )


@webhook.post(may=who.acting, shape=EndpointForm, find=who.find_to_change)
async def post_change(visit: AnyVisit, form: EndpointForm, endpoint: Endpoint) -> Answer:
    try:
        if not form.url:
            raise invalid("Enter the receiver's address.", "Url", "Like https://hooks.example/in.")
        await endpoints.update(
            visit.world,
            who.acting(visit),
            endpoint.endpoint_id,
            url=form.url,
            events=list(form.events),
            form=form.format,
            encrypt=form.encrypt,
        )
    except Problem as problem:
        anew = _ANEW if problem.facts.get("reason") == "other_dialect" else problem.cure or ""
        cure = {"conflict": _TAKEN}.get(problem.code, anew)
        return shown(who.in_portal(problem, cure), typed=form, changing=True)
    return redirect(f"{who.place(visit)}/{endpoint.endpoint_id}")


@webhook.post(
    "/webhooks/{endpoint_id}/state", may=who.acting, find=who.find_to_change, shows=nothing
)
async def post_state(
    visit: AnyVisit,
    endpoint: Endpoint,
    *,
    switch: Annotated[str | None, As({"on": "active", "off": "disabled"}.get)],
) -> Answer:
    """`switch`: on or off, as the states of endpoints."""
    if switch is None:
        return shown(Problem("invalid", "This switch does not exist.", cure="Reload the page."))
    if switch != endpoint.state:
        await endpoints.update(visit.world, who.acting(visit), endpoint.endpoint_id, state=switch)
    return redirect(f"{who.place(visit)}/{endpoint.endpoint_id}")


@webhook.post(
    "/webhooks/{endpoint_id}/delete", may=who.acting, find=who.find_to_change, shows=nothing
)
async def post_delete(visit: AnyVisit, endpoint: Endpoint) -> Answer:
    await endpoints.delete(visit.world, who.acting(visit), endpoint.endpoint_id)
    return redirect(who.place(visit))


@webhook.post("/webhooks/{endpoint_id}/test", may=who.acting, find=who.find_to_change)
async def post_test(
    visit: AnyVisit, endpoint: Endpoint, *, event: Annotated[str, Text(64)]
) -> Answer:
    """Sends a test event; the receiver's answer is shown at once; the log has it, too."""
    try:
        sent = await send_sample(
            visit.world, who.acting(visit), endpoint.endpoint_id, event or None
        )
    except Problem as problem:
        return shown(problem, status=200 if problem.code in _UNREACHED else None)
    return shown(sent=sent)


@webhook.post("/webhooks/{endpoint_id}/rotate", may=who.acting, find=who.find_to_change)
async def post_rotate(
    visit: AnyVisit,
    endpoint: Endpoint,
    *,
    overlap: Annotated[
        timedelta,
        hours(who.OVERLAPS),
        invalid("Choose when the old key ends.", "overlap"),
    ],
    of: str,
    sure: bool,
) -> Answer:
    """The new key is shown with this answer and not again: a form that comes twice replaces nothing
    twice. `overlap`: how long the old key goes on; `of`: which it is, as `key_mark` shows it;
    `sure`: confirmed, as it ends at once."""
    if not overlap and not sure:
        return shown(question=await _question(visit, endpoint))
    try:
        if of == key_mark(endpoint.signing_key):
            endpoint = await rotate_endpoint(
                visit.world, who.acting(visit), endpoint.endpoint_id, overlap
            )
        elif endpoint.rotated_at is None or endpoint.rotated_at < visit.wall - SAME_FORM:
            raise Problem(
                "conflict",
                "The key was replaced since this page was loaded; nothing was done.",
                cure="Check the page, then try again.",
            )
    except Problem as problem:
        again = problem.facts.get("reason") == "two_keys"
        return shown(who.in_portal(problem, _TWO_KEYS) if again else problem)
    return secret_page(visit, endpoint, "rotated", shown=True)


async def _question(visit: AnyVisit, endpoint: Endpoint) -> Question:
    """The confirmation that the key shall end at once."""
    sums = (await sums_of(visit.world, [endpoint]))[endpoint.endpoint_id]
    at, fields = (
        f"{who.place(visit)}/{endpoint.endpoint_id}",
        {"overlap": "0", "of": key_mark(endpoint.signing_key)},
    )
    return Question(
        f"{at}/rotate",
        fields,
        [Ending("Webhook key", "", "", sums.last_delivered_at)],
        at,
        signs=True,
    )
