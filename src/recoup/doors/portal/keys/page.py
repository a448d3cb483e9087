"""/keys: what opens a merchant's APIs, what its webhooks are signed with. What is made is shown once, on the answer."""

from datetime import datetime, timedelta
from typing import Final

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.keys.question import OVERLAPS, WORDS, Ending, Question, endings_of, is_sure
from recoup.doors.portal.people import named
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.merchants.issue_key import KEY_KINDS
from recoup.flows.merchants.own_keys import NAME_MAX, end_key, list_keys, make_key, rename_key, working_keys
from recoup.flows.messages.delivery_log import sums_of
from recoup.flows.messages.endpoints import list_all
from recoup.flows.messages.rotate import rotate_shared, shared_key_after, shared_key_state
from recoup.kernel.problem import Problem

PLACE: Final = "/keys"
KEEP: Final = "keep"
# kind -> how the page calls it, what its parts are called, what it is for
KINDS: Final = {
    "api": (WORDS["api"], ("App key", "App secret"), "for the rescue API"),
    "stablecoin": (WORDS["stablecoin"], ("Key id", "Secret"), "signs calls to the stablecoin API"),
    "tokenization": (WORDS["tokenization"], ("Tokenization key",), "for tokenizing cards in your pages"),
}
# what signs webhooks -> how the page calls it, and the API whose deliveries it signs
SIGNING: Final = {"shared": ("Webhook key", "rescue"), "stablecoin": ("Stablecoin webhook secret", "stablecoin")}
Shown = tuple[tuple[str, str], ...]
assert set(KINDS) == set(KEY_KINDS)


async def keys_page(visit: Visit) -> Response:
    return await _show(visit)


async def post_key(visit: Visit) -> Response:
    """A new one. Sent again it makes another, and the first ends as the form says."""
    form = await _form(visit)
    kind, overlap, name = first(form, "kind"), first(form, "overlap"), first(form, "name")
    try:
        hours = None if overlap == KEEP else _hours(overlap)
        if hours == timedelta(0) and not is_sure(form) and kind in KINDS:
            ending = await working_keys(visit.portal.world, visit.scope, kind)
            if ending:
                fields = {"kind": kind, "overlap": overlap, "name": name}
                return await _show(visit, question=Question(PLACE, fields, endings_of(ending), PLACE))
        made = await make_key(visit.portal.world, visit.scope, kind, hours, name)
    except Problem as problem:
        return await _show(visit, problem)
    return await _show(visit, made=tuple(zip(KINDS[kind][1], (made.key, made.secret), strict=False)))


async def post_end(visit: Visit) -> Response:
    """Asked about first: nobody ends a key with one press."""
    form = await _form(visit)
    world, kind, print_ = visit.portal.world, first(form, "kind"), first(form, "print")
    try:
        ending = await working_keys(world, visit.scope, kind, print_)
        if ending and not is_sure(form):
            question = Question("/keys/end", {"kind": kind, "print": print_}, endings_of(ending), PLACE,
                                makes=False)  # fmt: skip
            return await _show(visit, question=question)
        await end_key(world, visit.scope, kind, print_)
    except Problem as problem:
        return await _show(visit, problem)
    return redirect(PLACE)


async def post_name(visit: Visit) -> Response:
    form = await _form(visit)
    try:
        await rename_key(visit.portal.world, visit.scope, first(form, "kind"), first(form, "print"),
                         first(form, "name"))  # fmt: skip
    except Problem as problem:
        return await _show(visit, problem)
    return redirect(PLACE)


async def post_signing(visit: Visit) -> Response:
    """`which`: shared or stablecoin; an endpoint's own key is replaced on the endpoint's page."""
    form = await _form(visit)
    which, overlap, of = first(form, "which"), first(form, "overlap"), first(form, "of")
    try:
        if which not in SIGNING:
            raise Problem("invalid", "This key is not listed on this page.", cure="Reload the page.")
        word, door = SIGNING[which]
        hours = _hours(overlap)
        if hours == timedelta(0) and not is_sure(form):
            fields = {"which": which, "overlap": overlap, "of": of}
            ending = [Ending(word, "", "", await _last_delivered(visit, door))]
            return await _show(visit, question=Question("/keys/signing", fields, ending, PLACE, signs=True))
        shown = ((word, await _new_shared(visit, hours, of, door)),)
    except Problem as problem:
        return await _show(visit, problem)
    return await _show(visit, made=shown)


async def _last_delivered(visit: Visit, door: str) -> datetime | None:
    """When something that this API's key had signed was last taken."""
    hooks = await list_all(visit.portal.world, visit.scope, every_door=True)
    signed = [hook for hook in hooks if hook.door == door and not hook.own_key]
    sums = await sums_of(visit.portal.world, signed) if signed else {}
    return max((one.last_delivered_at for one in sums.values() if one.last_delivered_at), default=None)


async def _new_shared(visit: Visit, overlap: timedelta, of: str, door: str) -> str:
    """The form names the key it replaces: sent twice it shows the same new one twice. Raises: as the flow."""
    try:
        return (await rotate_shared(visit.portal.world, visit.scope, overlap, door))[0]
    except Problem as problem:
        found = problem.code == "conflict" and await shared_key_after(visit.portal.world, visit.scope, of, door)
        if not found:
            raise
        return found


async def _form(visit: Visit) -> Form:
    """Raises: Problem(forbidden) for a role that may not."""
    form = await checked_form(visit)
    visit.only("keys", "create or end keys")
    return form


def _hours(text: str) -> timedelta:
    """How long old ones go on. Raises: Problem(invalid) for what the form does not offer: nothing ends by mistake."""
    if text not in OVERLAPS:
        raise Problem("invalid", "Choose when the old key ends.", field="overlap", cure="Reload the page.")
    return timedelta(hours=int(text))


async def _show(
    visit: Visit, problem: Problem | None = None, made: Shown = (), question: Question | None = None
) -> Response:
    world, may = visit.portal.world, visit.session.may("keys")
    rows, hooks = await list_keys(world, visit.scope), await list_all(world, visit.scope)
    names = await named(visit, [name for row in rows for name in (row.made_by, row.ended_by)])
    signing = [(which, word, *await shared_key_state(world, visit.scope, door))
               for which, (word, door) in SIGNING.items()]  # fmt: skip
    values = visit.values(
        signing=signing, rows=rows, names=names, kinds=KINDS, overlaps=OVERLAPS, keep=KEEP, made=made, problem=problem,
        own_hooks=[hook for hook in hooks if hook.own_key], may=may, question=question, name_max=NAME_MAX,
    )  # fmt: skip
    return render("keys/keys.html", values, status=STATUSES[problem.code] if problem else 200)
