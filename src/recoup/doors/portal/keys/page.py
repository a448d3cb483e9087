"""/keys: what opens a merchant's APIs, what its webhooks are signed with. What is made is shown once, on the answer."""

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, see
from recoup.doors.portal.forms import Form, one
from recoup.doors.portal.people import named
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.merchants.issue_key import KEY_KINDS
from recoup.flows.merchants.own_keys import end_key, list_keys, make_key
from recoup.flows.messages.endpoints import list_all
from recoup.flows.messages.rotate import replace_stablecoin_secret, rotate_shared, shared_key_after, shared_key_mark
from recoup.kernel.problem import Problem

PLACE: Final = "/keys"
OVERLAPS: Final = {"0": "at once", "24": "after a day", "168": "after a week"}
KEEP: Final = "keep"
# kind -> how the page calls it, what its parts are called, what it is for
KINDS: Final = {
    "api": ("API key", ("App key", "App secret"), "opens the rescue API"),
    "stablecoin": ("Stablecoin key", ("Key id", "Secret"), "signs calls of the stablecoin API"),
    "tokenization": ("Tokenization key", ("Tokenization key",), "lets a page of yours tokenize cards"),
}
Shown = tuple[tuple[str, str], ...]
assert set(KINDS) == set(KEY_KINDS)


async def keys_page(visit: Visit) -> Response:
    return await _show(visit)


async def post_key(visit: Visit) -> Response:
    """A new one. Sent again it makes another, and the first ends as the form says."""
    form = await _form(visit)
    kind, overlap = one(form, "kind"), one(form, "overlap")
    try:
        made = await make_key(visit.portal.world, visit.scope, kind, None if overlap == KEEP else _hours(overlap))
    except Problem as problem:
        return await _show(visit, problem)
    return await _show(visit, made=tuple(zip(KINDS[kind][1], (made.key, made.secret), strict=False)))


async def post_end(visit: Visit) -> Response:
    form = await _form(visit)
    try:
        await end_key(visit.portal.world, visit.scope, one(form, "kind"), one(form, "print"))
    except Problem as problem:
        return await _show(visit, problem)
    return see(PLACE)


async def post_signing(visit: Visit) -> Response:
    """`which`: shared or stablecoin; an endpoint's own key is replaced on the endpoint's page."""
    form = await _form(visit)
    world, which, overlap = visit.portal.world, one(form, "which"), one(form, "overlap")
    try:
        if which == "shared":
            shown = (("Webhook key", await _new_shared(visit, _hours(overlap), one(form, "of"))),)
        elif which == "stablecoin":
            shown = (("Stablecoin webhook secret", await replace_stablecoin_secret(world, visit.scope)),)
        else:
            raise Problem("invalid", "This is no key of this page.", cure="Reload the page.")
    except Problem as problem:
        return await _show(visit, problem)
    return await _show(visit, made=shown)


async def _new_shared(visit: Visit, overlap: timedelta, of: str) -> str:
    """The form names the key it replaces: sent twice it shows the same new one twice. Raises: as the flow."""
    try:
        return (await rotate_shared(visit.portal.world, visit.scope, overlap))[0]
    except Problem as problem:
        found = problem.code == "conflict" and await shared_key_after(visit.portal.world, visit.scope, of)
        if not found:
            raise
        return found


async def _form(visit: Visit) -> Form:
    """Raises: Problem(forbidden) for a role that may not."""
    form = await checked_form(visit)
    visit.only("keys", "make or end keys")
    return form


def _hours(text: str) -> timedelta:
    """How long old ones go on. Raises: Problem(invalid) for what the form does not offer: nothing ends by mistake."""
    if text not in OVERLAPS:
        raise Problem("invalid", "Choose when the old key ends.", field="overlap", cure="Reload the page.")
    return timedelta(hours=int(text))


async def _show(visit: Visit, problem: Problem | None = None, made: Shown = ()) -> Response:
    world = visit.portal.world
    rows, hooks = await list_keys(world, visit.scope), await list_all(world, visit.scope)
    names = await named(visit, [name for row in rows for name in (row["made_by"], row["ended_by"])])
    values = visit.values(
        shared_mark=await shared_key_mark(world, visit.scope) if visit.session.may("keys") else "",
        rows=rows, names=names, kinds=KINDS, overlaps=OVERLAPS, keep=KEEP, made=made, problem=problem,
        own_hooks=[hook for hook in hooks if hook.own_key], may=visit.session.may("keys"),
        shared_until=next((hook.previous_until for hook in hooks if not hook.own_key), None),
    )  # fmt: skip
    return render("keys/keys.html", values, status=STATUSES[problem.code] if problem else 200)
