"""/developers: base addresses, ids and keys; in the sandbox its inputs, its clock, and declines to
try."""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Annotated, Final, TypeAlias

from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.money import UNITS_MAX
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.keys.store.merchant_keys import open_tokenization_keys
from recoup.kit import typed_amounts
from recoup.merchants.store.clock_moves import last_moves
from recoup.networks.magic import inputs
from recoup.networks.simulation import SCHEMES, codes_of
from recoup.onboarding.page.shell import base_address
from recoup.orders.store.due_work import next_business_instant
from recoup.people.page.endpoint import redirect
from recoup.people.page.form_shape import FormKeyId, Text, read_again
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, member, shown
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.words import CHANNELS
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.simulate_decline import Simulated, simulate_decline
from recoup.sandbox.flows.clock_moves import ClockMoves
from recoup.webhooks.flows import endpoints

STEPS: Final = {
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "22d": timedelta(days=22),
}
STEP_WORDS: Final = {
    "1h": "1 hour",
    "1d": "1 day",
    "7d": "7 days",
    "22d": "22 days",
    "next": "to the next due time",
}
KINDS: Final = {
    "mit_managed": "MIT, retried for 21 days", "mit_sync": "MIT, answered at once",
    "cit_web": CHANNELS["cit_web"][0], "cit_callcenter": CHANNELS["cit_callcenter"][0],
}  # fmt: skip
ANSWERS: Final = {
    "approves": "Approve the first attempt", "declines_once": "Decline once more, then approve",
    "declines_thrice": "Decline three more times, then approve", "declines": "Always decline",
}  # fmt: skip
# Of the magic inputs: what an answer means to the reader; kinds in the order in which they help
# most.
INPUT_KINDS: Final = {
    "allow_list": "Always the same answer", "script": "Declines, then approves",
    "response": "Decline code by amount",
    "advice": "Advice code by amount", "fault": "The processor misbehaves",
    "dispute": "Disputed later",
    "updater": "What the account updater knows", "token": "How its network token behaves",
    "counting": "Counts towards the network’s limits",
}  # fmt: skip
EVALUATED: Final = {
    "APPROVED": "It was approved.", "DECLINED": "It was declined; check whether it is tried again.",
    "SUBMITTED": "It was accepted and is retried until it expires.",
    "CHALLENGE": "The customer must act.",
    "CAPTUREREQUIRED": "It is authorised and waits for capture.", "CANCELLED": "It was cancelled.",
}  # fmt: skip


def may_play(visit: Visit) -> bool:
    return visit.world.policy.test_mode and visit.may("sandbox", or_operator=True)


def acting(visit: Visit) -> Scope:
    """Raises: Problem(forbidden)."""
    if not visit.world.policy.test_mode:
        raise Problem(
            "forbidden",
            "This tool exists only in the sandbox; nothing was done.",
            cure="Switch to the sandbox.",
        )
    return visit.acting("sandbox", "use the sandbox tools")


PLACE: Final = "/developers"
MOVES: Final = 10
SITES: Final = 50
_Short: TypeAlias = Annotated[str, Text(16, strip=True)]


@dataclass(frozen=True, slots=True)
class Decline:
    """A decline to try: its network and code, of what kind of order, and what the next attempt is
    answered."""

    scheme: _Short
    code: _Short
    kind: _Short
    answer: _Short
    amount: _Short


USUAL: Final = Decline("visa", "51", "mit_managed", "approves", "45.90")
_NAMES: Final = {field.name for field in fields(Decline)}


@member.page(PLACE, "desk/developers.html", menu=Entry("Integration", 1, "Developers", "code"))
async def developers(visit: Visit) -> Values:
    """`word`: what became of a simulated decline."""
    world, query = visit.world, visit.request.query_params
    keys = await open_tokenization_keys(world.db.reader, visit.merchant_id, visit.wall)
    moves = await last_moves(world.db.reader, visit.merchant_id, MOVES)
    due = await next_business_instant(world.db.reader, visit.merchant_id)
    typed = replace(USUAL, scheme=query.get("scheme", USUAL.scheme))
    if not _NAMES.isdisjoint(visit.typed):
        typed = read_again(Decline, visit.typed)
    if typed.scheme not in SCHEMES:
        typed = replace(typed, scheme=USUAL.scheme)
    chosen = _chosen(visit)
    return dict(
        url=base_address(world, visit.request).rstrip("/"),
        mid=visit.merchant_id,
        keys=keys,
        hooks=await endpoints.list_all(world, visit.scope),
        open_sites=[site for site in visit.known.sites if site.retired_at is None][:SITES],
        moves=moves,
        due=due,
        who=await named(visit, [move.actor for move in moves]),
        moving=visit.portal.get(ClockMoves).is_moving(visit.merchant_id),
        key=new_id(),
        typed=typed,
        codes=codes_of(typed.scheme),
        word=None,
        may=may_play(visit),
        input_schemes=list(dict.fromkeys(test_input.scheme for test_input in inputs())),
        chosen=chosen,
        shown=[
            test_input
            for test_input in inputs()
            if all(not v or getattr(test_input, n) == v for n, v in chosen.items())
        ],
    )


def _chosen(visit: Visit) -> dict[str, str]:
    """The choice of magic inputs that are shown; without a word the shortest and most used list."""
    query = visit.request.query_params
    kind, network = query.get("inputs", "allow_list"), query.get("network", "")
    return {"kind": kind if kind in INPUT_KINDS else "", "scheme": network[:16]}


@dataclass(frozen=True, slots=True)
class DeclineForm(Decline):
    key: FormKeyId


@developers.post("/developers/decline", may=acting, shape=DeclineForm)
async def post_decline(visit: Visit, form: DeclineForm) -> Answer:
    """The same form again shows the same order."""
    simulation = filled(Simulated, form, units=_units(form.amount))
    portal = visit.portal
    result = await simulate_decline(
        portal.world, portal.get(Evaluate), acting(visit), visit.known, simulation
    )
    return shown(word=result)


def _units(text: str) -> int:
    """US cents. Raises: Problem(invalid)."""
    units = typed_amounts.units(text, "USD", "amount")
    if not 0 < units < UNITS_MAX:
        raise invalid(
            Sentence("{0} is not an amount in US dollars.", repr(text)),
            "amount",
            "Enter an amount like 45.90.",
        )
    return units


@developers.post("/developers/clock", may=acting)
async def post_clock(visit: Visit, *, by: str, key: FormKeyId) -> Answer:
    """The same form again moves nothing. `by`: of `STEPS`, or next, until something falls due."""
    await visit.portal.get(ClockMoves).move(acting(visit), await _step(visit, by), key)
    return redirect(f"{PLACE}#clock")


async def _step(visit: Visit, text: str) -> timedelta:
    """Raises: Problem(invalid) for a step that is none of the page's."""
    if text == "next":
        due = await next_business_instant(visit.world.db.reader, visit.merchant_id)
        if due is None:
            raise invalid("Nothing falls due.", "by", "Choose a time span instead.")
        return max(due - visit.now, timedelta(0))
    if text not in STEPS:
        raise invalid("There is no such step.", "by", "Choose one of the list.")
    return STEPS[text]
