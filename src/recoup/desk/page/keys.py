"""/keys: what opens a merchant's APIs, what its webhooks are signed with. What is made is shown
once, on the answer."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from recoup.kernel.problem import Problem, invalid
from recoup.keys.flows.issue_key import KEY_KINDS
from recoup.keys.flows.merchant_keys import (
    NAME_MAX,
    decide_key,
    end_key,
    list_keys,
    make_key,
    rename_key,
    working_keys,
)
from recoup.keys.page import OVERLAPS, WORDS, Ending, Question, endings_of, hours
from recoup.keys.rules.key_scopes import every
from recoup.people.page.endpoint import redirect
from recoup.people.page.form_shape import among
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, member, shown
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import role
from recoup.webhooks.flows.endpoints import list_all, sums_of
from recoup.webhooks.flows.rotate import rotate_shared, shared_key_after, shared_key_state

PLACE: Final = "/keys"
CHANGE: Final = role("keys", "create or end keys")
KEEP: Final = "keep"
SCOPES: Final = sorted(every("merchant"))
# kind -> how the page calls it, what its parts are called, what it is for
KINDS: Final = {
    "api": (WORDS["api"], ("App key", "App secret"), "for the rescue API"),
    "stablecoin": (WORDS["stablecoin"], ("Key id", "Secret"), "signs calls to the stablecoin API"),
    "tokenization": (
        WORDS["tokenization"],
        ("Tokenization key",),
        "for tokenizing cards in your pages",
    ),
}
# what signs webhooks -> how the page calls it, and the API whose deliveries it signs
SIGNING: Final = {
    "shared": ("Webhook key", "rescue"),
    "stablecoin": ("Stablecoin webhook secret", "stablecoin"),
}
assert set(KINDS) == set(KEY_KINDS)
_NOT_LISTED: Final = Problem(
    "invalid", "This key is not listed on this page.", cure="Reload the page."
)
# Nothing ends by mistake.
_NO_END: Final = invalid("Choose when the old key ends.", "overlap", "Reload the page.")


@member.page("/keys", "desk/keys.html", menu=Entry("Integration", 2, "Keys", "key"))
async def keys(visit: Visit) -> Values:
    rows, hooks = (
        await list_keys(visit.world, visit.scope),
        await list_all(visit.world, visit.scope),
    )
    signing = [
        (which, word, *await shared_key_state(visit.world, visit.scope, door))
        for which, (word, door) in SIGNING.items()
    ]
    return {
        "rows": rows,
        "names": await named(visit, [name for row in rows for name in (row.made_by, row.ended_by)]),
        "signing": signing,
        "own_hooks": [hook for hook in hooks if hook.own_key],
        "may": visit.may("keys"),
        "keep": KEEP,
        "name_max": NAME_MAX,
        "owner": visit.scope.role == "owner",
        "mine": visit.scope.actor.text(),
        "made": (),
        "question": None,
    }


@keys.post(may=CHANGE)
async def make(
    visit: Visit,
    *,
    kind: str,
    overlap: Annotated[str, among((*OVERLAPS, KEEP)), _NO_END],
    name: str,
    scope: tuple[str, ...],
    sure: bool,
) -> Answer:
    """A new one. Sent again it makes another, and the first ends as the form says. `overlap`: hours
    that keys of this kind go on, or `keep`. `scope`: none: as the one before. `sure`, here and
    below: confirmed."""
    ends_after = None if overlap == KEEP else timedelta(hours=int(overlap))
    if ends_after == timedelta(0) and not sure and kind in KINDS:
        ending = await working_keys(visit.world, visit.scope, kind)
        if ending:
            fields = {"kind": kind, "overlap": overlap, "name": name, "scope": scope}
            return shown(question=Question(PLACE, fields, endings_of(ending), PLACE))
    made = await make_key(visit.world, visit.scope, kind, ends_after, name, scope)
    return shown(made=tuple(zip(KINDS[kind][1], (made.key, made.secret), strict=False)))


@keys.post("/keys/end", may=CHANGE)
async def end(visit: Visit, *, kind: str, print: str, sure: bool) -> Answer:
    """Ends a key, with a confirmation first: nobody ends a key with one press. `print`: the
    fingerprint of the key."""
    ending = await working_keys(visit.world, visit.scope, kind, print)
    if ending and not sure:
        fields = {"kind": kind, "print": print}
        return shown(question=Question("/keys/end", fields, endings_of(ending), PLACE, makes=False))
    await end_key(visit.world, visit.scope, kind, print)
    return redirect(PLACE)


@keys.post("/keys/decide", may=CHANGE)
async def decide(visit: Visit, *, print: str, decision: str) -> None:
    """An owner approves what a key is to allow; any other decision refuses it."""
    await decide_key(visit.world, visit.scope, print, approve=decision == "approve")


@keys.post("/keys/name", may=CHANGE)
async def rename(visit: Visit, *, kind: str, print: str, name: str) -> None:
    await rename_key(visit.world, visit.scope, kind, print, name)


@keys.post("/keys/signing", may=CHANGE)
async def replace_signing_key(
    visit: Visit,
    *,
    which: Annotated[str, among(SIGNING), _NOT_LISTED],
    overlap: Annotated[timedelta, hours(OVERLAPS), _NO_END],
    of: str,
    sure: bool,
) -> Answer:
    """Replaces a signing key. `which`: shared or stablecoin; an endpoint's own key is replaced on
    the endpoint's page. `of`: the key before."""
    title, door = SIGNING[which]
    if not overlap and not sure:
        fields = {"which": which, "overlap": "0", "of": of}
        ending = [Ending(title, "", "", await _last_delivered(visit, door))]
        return shown(question=Question("/keys/signing", fields, ending, PLACE, signs=True))
    return shown(made=((title, await _new_shared(visit, overlap, of, door)),))


async def _last_delivered(visit: Visit, door: str) -> datetime | None:
    """The time when something that this API's key had signed was last taken."""
    hooks = await list_all(visit.world, visit.scope, every_door=True)
    signed = [hook for hook in hooks if hook.door == door and not hook.own_key]
    sums = await sums_of(visit.world, signed) if signed else {}
    return max(
        (total.last_delivered_at for total in sums.values() if total.last_delivered_at),
        default=None,
    )


async def _new_shared(visit: Visit, overlap: timedelta, of: str, door: str) -> str:
    """The form names the key it replaces: sent twice it shows the same new one twice. Raises: as
    the flow."""
    try:
        return (await rotate_shared(visit.world, visit.scope, overlap, door))[0]
    except Problem as problem:
        standing_key = problem.code == "conflict" and await shared_key_after(
            visit.world, visit.scope, of, door
        )
        if not standing_key:
            raise
        return standing_key
