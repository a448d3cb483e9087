"""/developers: base addresses, ids and keys; in the sandbox its inputs, its clock, and declines to try."""

import asyncio
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import structlog

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import FormKeyId, Text, read_again
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.pages import Answer, Values, member, shown
from recoup.doors.portal.partner.shell import base_address
from recoup.doors.portal.visit import Visit, named
from recoup.doors.portal.words import CHANNELS
from recoup.flows.advance_clock import advance_clock
from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.simulate_decline import Simulated, simulate_decline
from recoup.flows.locked import Orders
from recoup.flows.messages import endpoints
from recoup.flows.messages.deliver import Deliveries
from recoup.flows.messages.publish_now import publish_now
from recoup.kernel.ids import new_id
from recoup.kernel.money import UNITS_MAX
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.rules.money import typed_amounts
from recoup.rules.network.magic import inputs
from recoup.rules.network.simulation import SCHEMES, codes_of
from recoup.store.merchants.clock_moves import last_moves
from recoup.store.merchants.merchant_keys import open_tokenization_keys
from recoup.store.orders.due_work import next_business_instant

STEPS: Final = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "22d": timedelta(days=22)}
STEP_WORDS: Final = {"1h": "1 hour", "1d": "1 day", "7d": "7 days", "22d": "22 days", "next": "to the next due time"}
KINDS: Final = {
    "mit_managed": "MIT, retried for 21 days", "mit_sync": "MIT, answered at once",
    "cit_web": CHANNELS["cit_web"][0], "cit_callcenter": CHANNELS["cit_callcenter"][0],
}  # fmt: skip
ANSWERS: Final = {
    "approves": "Approve the first attempt", "declines_once": "Decline once more, then approve",
    "declines_thrice": "Decline three more times, then approve", "declines": "Always decline",
}  # fmt: skip
# Of the magic inputs: what an answer means to the reader; kinds in the order in which they help most.
INPUT_KINDS: Final = {
    "allow_list": "Always the same answer", "script": "Declines, then approves", "response": "Decline code by amount",
    "advice": "Advice code by amount", "fault": "The processor misbehaves", "dispute": "Disputed later",
    "updater": "What the account updater knows", "token": "How its network token behaves",
    "counting": "Counts towards the network’s limits",
}  # fmt: skip
EVALUATED: Final = {
    "APPROVED": "It was approved.", "DECLINED": "It was declined; check whether it is tried again.",
    "SUBMITTED": "It was accepted and is retried until it expires.", "CHALLENGE": "The customer must act.",
    "CAPTUREREQUIRED": "It is authorised and waits for capture.", "CANCELLED": "It was cancelled.",
}  # fmt: skip


def may_play(visit: Visit) -> bool:
    return visit.world.policy.test_mode and visit.may("sandbox", or_operator=True)


def acting(visit: Visit) -> Scope:
    """Raises: Problem(forbidden)."""
    if not visit.world.policy.test_mode:
        raise Problem(
            "forbidden", "This tool exists only in the sandbox; nothing was done.", cure="Switch to the sandbox."
        )
    return visit.acting("sandbox", "use the sandbox tools")


class Moving:
    """Of one running portal."""

    def __init__(self) -> None:
        self.tasks: dict[UUID, asyncio.Task[None]] = {}  # by merchant
        self.one_clock = asyncio.Lock()  # held by the move that is being made


PLACE: Final = "/developers"
MOVES: Final = 10
SITES: Final = 50
_Short: TypeAlias = Annotated[str, Text(16, strip=True)]


@dataclass(frozen=True, slots=True)
class Decline:
    """A decline to try: its network and code, of what kind of order, and what the next attempt is answered."""

    scheme: _Short
    code: _Short
    kind: _Short
    answer: _Short
    amount: _Short


USUAL: Final = Decline("visa", "51", "mit_managed", "approves", "45.90")
_NAMES: Final = {field.name for field in fields(Decline)}


@member.page(PLACE, "developers/developers.html", menu=Entry("Integration", 1, "Developers", "code"))
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
        moving=visit.merchant_id in visit.portal.get(Moving).tasks,
        key=new_id(),
        typed=typed,
        codes=codes_of(typed.scheme),
        word=None,
        may=may_play(visit),
        input_schemes=list(dict.fromkeys(one.scheme for one in inputs())),
        chosen=chosen,
        shown=[one for one in inputs() if all(not v or getattr(one, n) == v for n, v in chosen.items())],
    )


def _chosen(visit: Visit) -> dict[str, str]:
    """Which of the magic inputs are shown; without a word the shortest and most used list."""
    query = visit.request.query_params
    kind, network = query.get("inputs", "allow_list"), query.get("network", "")
    return {"kind": kind if kind in INPUT_KINDS else "", "scheme": network[:16]}


@dataclass(frozen=True, slots=True)
class DeclineForm(Decline):
    key: FormKeyId


@developers.post("/developers/decline", may=acting, shape=DeclineForm)
async def post_decline(visit: Visit, form: DeclineForm) -> Answer:
    """The same form again shows the same order."""
    simulation = Simulated(form.scheme, form.code, form.kind, form.answer, _units(form.amount), form.key)
    portal = visit.portal
    result = await simulate_decline(portal.world, portal.get(Evaluate), acting(visit), visit.known, simulation)
    return shown(word=result)


def _units(text: str) -> int:
    """US cents. Raises: Problem(invalid)."""
    units = typed_amounts.units(text, "USD", "amount")
    if not 0 < units < UNITS_MAX:
        raise invalid(
            Sentence("{0} is not an amount in US dollars.", repr(text)), "amount", "Enter an amount like 45.90."
        )
    return units


log = structlog.get_logger()
WAIT_SECONDS: Final = 8.0  # then the page answers, and the move goes on
SIDE_BY_SIDE: Final = 3  # of a move's work, so that callers find the other connections free


@developers.post("/developers/clock", may=acting)
async def post_clock(visit: Visit, *, by: str, key: FormKeyId) -> Answer:
    """The same form again moves nothing. `by`: of `STEPS`, or next, until something falls due."""
    moving = visit.portal.get(Moving).tasks
    step, task = await _step(visit, by), moving.get(visit.merchant_id)
    if task is not None and task.get_name() != str(key):
        raise Problem("conflict", "The clock is already moving.", cure="Wait until the move has finished.")
    if task is None:
        task = asyncio.create_task(_move(visit, acting(visit), step, key), name=str(key))
        moving[visit.merchant_id] = task
        task.add_done_callback(lambda done: _ended(visit, done))
    await asyncio.wait({task}, timeout=WAIT_SECONDS)
    if task.done():
        task.result()
    return redirect(f"{PLACE}#clock")


async def _move(visit: Visit, scope: Scope, by: timedelta, move_id: UUID) -> None:
    """One after the other, of all merchants: many at once left no room for other calls."""
    portal = visit.portal

    def publish(merchant_id: UUID) -> Any:
        return publish_now(portal.world, portal.get(Deliveries), merchant_id)

    whose = (portal.world, portal.get(Orders), visit.merchant_id)
    async with portal.get(Moving).one_clock:
        await advance_clock(*whose, by, publish, requested_by=(scope, move_id), side_by_side=SIDE_BY_SIDE)


def _ended(visit: Visit, task: asyncio.Task[None]) -> None:
    visit.portal.get(Moving).tasks.pop(visit.merchant_id, None)
    visit.portal.merchants.forget(visit.merchant_id)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("clock not moved", merchant=str(visit.merchant_id), error=type(error).__name__)


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
