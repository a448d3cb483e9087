"""A process dies between every two steps of every flow; another one takes over; nothing is lost,
nothing happens twice.

Each story is run again and again, killed before and after its first, second, third … statement or
call, until it gets through. The merchant then repeats its call, as merchants do. A worker over the
same database finishes what was begun. The sandbox issuer's own book says what really happened.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests import rings
from tests.dispute_terms import PLENTY, agree
from tests.left_processes import Killer, dying_process, kills, run_until_killed, survived
from tests.rings import deep, draw
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.disputes.flows.answer import answer_dispute, end_in_time, note_evidence, send_answer
from recoup.disputes.flows.receive import notice_key, receive
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER
from recoup.main.clock import work
from recoup.merchants.store.merchants import move_clock
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import DECLINE_CARD, FAULT_CARDS, script_card
from recoup.orders.moves.change import Change
from recoup.outside.inbound import signed
from recoup.processors.gateways.sandbox.disputes import DisputeRequest
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.refunds.flows.capture import Captured, CaptureRequest, capture
from recoup.refunds.flows.refund import RefundAnswer, RefundRequest, refund
from recoup.refunds.flows.send import send_modification
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.collect import collect, write_off
from recoup.rescue.flows.due import let_expire, start
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.taken import EvaluateResult, Person
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.moves.collection import bring_forward as bring_charge
from recoup.rescue.moves.collection import write_off as write_off_move
from recoup.rescue.moves.plan import plan_attempt
from recoup.risk.flows.treasurer import allot_due
from recoup.webhooks.flows.publish import publish

pytestmark = deep("kills")

POLICY = Policy(
    call_timeout=timedelta(seconds=0.3),
    settled_after=timedelta(seconds=0.2),
    cit_deadline=timedelta(seconds=0.8),
)
STEPS_MAX = 60
AT_ONCE = 24 if rings.proving else 4  # cases prepared side by side
PARTS = 6
YES = APPROVE_CARDS[2]
SOFT, HARD = script_card("visa", "51", 99), script_card("visa", "04", 99)
ONCE = script_card("visa", "51", 1)
FAULTY = FAULT_CARDS["visa"]
SILENT_YES, SILENT_NO, LOST, LATE, HIDDEN = 80_001, 80_002, 80_003, 80_007, 80_011


@dataclass
class Case:
    """One run of a story: its order, what was asked, and what the caller was told, before and after
    the kill."""

    order_id: UUID | None = None
    given: Any = None
    told: list[Any] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


Prepare = Callable[[Shop], Awaitable[Case]]
Act = Callable[[Shop, Case], Awaitable[Any]]


@dataclass(frozen=True)
class Story:
    """`act` is killed; `again`: the caller repeats it afterwards; else the worker alone goes on."""

    name: str
    prepare: Prepare
    act: Act
    again: bool = False
    settled: float = 0.0  # seconds after the preparation at which the story begins
    advances: bool = False  # the merchant's customers may be charged later
    after: timedelta = timedelta(
        0
    )  # the merchant's clock goes forward by this much before the story begins


# how stories begin
# -----------------------------------------------------------------------------------------------


async def bring_forward(shop: Shop, order_id: UUID) -> None:
    def soon(change: Change) -> None:
        plan_attempt(change, change.now, "soft", None)

    await shop.orders.change(Job(shop.key(order_id), soon, WORKER, "test"))


def ready(pan: str, units: int = 4590, **more: Any) -> Prepare:
    """An order whose next attempt is due now."""

    async def prepare(shop: Shop) -> Case:
        given = await shop.declined(pan=pan, units=units, **more)
        word = await shop.evaluate.evaluate(shop.scope, given)
        await start(shop.orders, shop.key(word.order_id))
        await bring_forward(shop, word.order_id)
        return Case(word.order_id, given)

    return prepare


def hasty(shop: Shop, pan: str) -> Shop:
    """What a fault card's issuer never answers is not waited for; everything else in a preparation
    is."""
    if pan != FAULTY:
        return shop
    world = replace(shop.world, policy=POLICY)
    return replace(
        shop, world=world, evaluate=Evaluate(world, shop.orders, shop.merchants, Vault(world))
    )


def sent(pan: str, units: int, then: Act | None = None, **more: Any) -> Prepare:
    """An order whose attempt was sent; with a fault card nobody knows what came of it."""

    async def prepare(shop: Shop) -> Case:
        case = await ready(pan, units, **more)(shop)
        assert case.order_id is not None
        await send_attempt(hasty(shop, pan).world, shop.orders, shop.key(case.order_id))
        if pan == YES:
            await settled_charge(shop, case)
        if then is not None:
            await then(shop, case)
        return case

    return prepare


def planned(**more: Any) -> Prepare:
    async def prepare(shop: Shop) -> Case:
        given = await shop.declined(**({"pan": SOFT} | more))
        word = await shop.evaluate.evaluate(shop.scope, given)
        await start(shop.orders, shop.key(word.order_id))
        return Case(word.order_id, given)

    return prepare


HOLD = {"transaction_type": "AUTHORIZATION"}


async def held(shop: Shop) -> Case:
    """Without a deadline: a customer who is answered too late is another story."""
    given = await shop.declined(is_mit=False, days=None, pan=YES, code="05", facts=HOLD)
    word = await shop.evaluate.evaluate(shop.scope, given)
    assert word.evaluate == "CAPTUREREQUIRED"
    return Case(word.order_id, given)


def new(**more: Any) -> Prepare:
    async def prepare(shop: Shop) -> Case:
        return Case(given=await shop.declined(**more))

    return prepare


async def admitted(shop: Shop) -> Case:
    given = await shop.declined(pan=SOFT)
    return Case((await shop.evaluate.evaluate(shop.scope, given)).order_id, given)


# what is done
# --------------------------------------------------------------------------------------------------


async def do_evaluate(shop: Shop, case: Case) -> Any:
    return await shop.evaluate.evaluate(shop.scope, case.given)


async def do_start(shop: Shop, case: Case) -> Any:
    assert case.order_id
    await start(shop.orders, shop.key(case.order_id))


async def do_send(shop: Shop, case: Case) -> Any:
    assert case.order_id
    await send_attempt(shop.world, shop.orders, shop.key(case.order_id))


async def do_inquire(shop: Shop, case: Case) -> Any:
    assert case.order_id
    for _ in range(3):
        await inquire(shop.world, shop.orders, shop.key(case.order_id))


async def do_cancel(shop: Shop, case: Case) -> Any:
    assert case.order_id
    try:
        await cancel(shop.world, shop.orders, shop.scope, case.order_id)
    except Problem as problem:
        return problem.code
    return "cancelled"


async def do_expire(shop: Shop, case: Case) -> Any:
    assert case.order_id
    await let_expire(shop.orders, shop.key(case.order_id))


async def do_refund(shop: Shop, case: Case) -> Any:
    assert case.order_id
    asked = RefundRequest(amount="12.34", key=f"refund {case.order_id}")
    return await refund(shop.world, shop.orders, shop.scope, case.order_id, asked)


async def do_capture(shop: Shop, case: Case) -> Any:
    assert case.order_id
    try:
        asked = CaptureRequest(case.order_id, 4590, "USD", f"capture {case.order_id}")
        return await capture(shop.world, shop.orders, shop.scope, asked)
    except Problem as problem:
        return problem.code


async def do_send_refund(shop: Shop, case: Case) -> Any:
    await send_modification(shop.world, shop.orders, shop.merchant_id, case.more["refund_id"])


async def do_transmit(shop: Shop, case: Case) -> Any:
    return await shop.transmitted(case.given.external_id, declined=False)


async def do_publish(shop: Shop, case: Case) -> Any:
    await publish(shop.world, shop.merchant_id)
    await shop.close_pages()


async def with_refund(shop: Shop, case: Case) -> None:
    await do_refund(shop, case)
    case.more["refund_id"] = await shop.value(
        "SELECT modification_id FROM modifications WHERE order_id = $1", case.order_id
    )


async def with_late_approval(shop: Shop, case: Case) -> None:
    """Cancelled while the call was out; then the approval is found, and has to go back."""
    case.told.append(await do_cancel(shop, case))
    assert case.order_id
    for _ in range(40):  # the call may still be on its way to the issuer
        await inquire(shop.world, shop.orders, shop.key(case.order_id))
        case.more["refund_id"] = await shop.value(
            "SELECT modification_id FROM modifications WHERE order_id = $1", case.order_id
        )
        if case.more["refund_id"] is not None:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the approval is not found")


def advanced(
    pan: str = SOFT, units: int = 4590, then: Act | None = None, *, out: bool = False
) -> Prepare:
    """An order that was approved before its customer was charged; unless `out`, its next charge is
    due now."""

    async def prepare(shop: Shop) -> Case:
        for _ in range(10):  # a loaded machine may not answer in time, which is a decline
            person = Person(
                first_name="Ana", last_name="Roe", email=f"ana-{uuid.uuid4().hex[:8]}@example.test"
            )
            given = await shop.declined(
                is_mit=False, days=None, pan=pan, units=units, code="05", payer=person
            )
            word = await hasty(shop, pan).evaluate.evaluate(shop.scope, given)
            if "advanced" in await shop.happenings(word.order_id):
                break
        assert word.evaluate == "APPROVED"
        case = Case(word.order_id, given, [word])
        if not out:
            await charge_soon(shop, word.order_id)
        if then is not None:
            await then(shop, case)
        return case

    return prepare


async def charge_soon(shop: Shop, order_id: UUID) -> None:
    """As soon as the customer's own try is answered."""
    job = Job(
        shop.key(order_id),
        lambda c: bring_charge(c, shop.world.policy, "now"),
        WORKER,
        "test",
        cards=True,
    )
    for _ in range(100):
        if await shop.orders.change(job):
            return
        await inquire(shop.world, shop.orders, shop.key(order_id))
        await asyncio.sleep(0.1)
    raise AssertionError("no charge is planned")


async def written_off(shop: Shop, case: Case) -> None:
    assert case.order_id
    await shop.orders.change(
        Job(shop.key(case.order_id), lambda c: write_off_move(c, "test"), WORKER, "test")
    )


async def do_collect(shop: Shop, case: Case) -> Any:
    assert case.order_id
    await collect(shop.world, shop.orders, shop.key(case.order_id))


async def do_write_off(shop: Shop, case: Case) -> Any:
    assert case.order_id
    await write_off(shop.orders, shop.key(case.order_id))


async def do_allot(shop: Shop, case: Case) -> Any:
    await agree(shop, chunk_units=PLENTY // 64)
    await allot_due(shop.world, shop.merchant_id)


CUSTOMER = {"is_mit": False, "days": None, "code": "05"}
ADVANCES = (
    Story(
        "advance what is out",
        new(pan=FAULTY, units=SILENT_YES, **CUSTOMER),
        do_evaluate,
        again=True,
        advances=True,
    ),
    Story(
        "advance a soft decline", new(pan=SOFT, **CUSTOMER), do_evaluate, again=True, advances=True
    ),
    Story("collect, approved", advanced(ONCE), do_collect, advances=True),
    Story("collect, declined", advanced(), do_collect, advances=True),
    Story("collect, no answer", advanced(FAULTY, SILENT_NO), do_collect, advances=True),
    Story("write off", advanced(), do_write_off, advances=True, after=timedelta(days=32)),
    Story("refund before the charge", advanced(), do_refund, again=True, advances=True),
    Story(
        "refund while a charge is out",
        advanced(FAULTY, SILENT_YES, out=True),
        do_refund,
        again=True,
        advances=True,
    ),
    Story(
        "ask about a charge, a refund waits",
        advanced(FAULTY, SILENT_YES, do_refund, out=True),
        do_inquire,
        advances=True,
    ),
    Story(
        "collect, a refund was netted", advanced(ONCE, 4590, do_refund), do_collect, advances=True
    ),
    Story(
        "refund of bad debt",
        advanced(SOFT, 4590, written_off),
        do_refund,
        again=True,
        advances=True,
    ),
    Story("advanced, paid elsewhere", advanced(), do_transmit, again=True, advances=True),
    Story(
        "advanced, paid elsewhere, a charge is out",
        advanced(FAULTY, SILENT_YES, out=True),
        do_transmit,
        again=True,
        advances=True,
    ),
    Story("allot", advanced(), do_allot, again=True, advances=True),
)


async def with_dispute(shop: Shop, case: Case) -> None:
    """The issuer has a case; its notice is still to come."""
    await dispute_in_the_book(shop, case)


async def settled_charge(shop: Shop, case: Case) -> None:
    """On a busy machine the answer may have been missed: then it is asked for."""
    assert case.order_id
    sql = "SELECT attempt_id FROM attempts WHERE order_id = $1 AND state = 'approved'"
    for _ in range(40):
        case.more["charge"] = await shop.value(sql, case.order_id)
        if case.more["charge"] is not None:
            return
        await inquire(shop.world, shop.orders, shop.key(case.order_id))
        await asyncio.sleep(0.1)
    raise AssertionError("the charge is not approved")


async def dispute_in_the_book(shop: Shop, case: Case) -> None:
    issuer: Any = shop.world.processors["sandbox"]
    case.more["notice"] = await issuer.dispute(
        DisputeRequest(case.more["charge"], "fraud", await shop.now())
    )


async def with_open_dispute(shop: Shop, case: Case) -> None:
    assert case.order_id
    await with_dispute(shop, case)
    await do_notice(shop, case)
    case.more["dispute"] = await shop.value(
        "SELECT dispute_id FROM disputes WHERE order_id = $1", case.order_id
    )
    await note_evidence(shop.world, shop.scope, case.more["dispute"], "It was delivered.")


async def with_won_dispute(shop: Shop, case: Case) -> None:
    await with_open_dispute(shop, case)
    issuer: Any = shop.world.processors["sandbox"]
    case.more["notice"] = await issuer.decide_dispute(case.more["charge"], True)


async def with_disputed_late_approval(shop: Shop, case: Case) -> None:
    await with_late_approval(shop, case)
    await settled_charge(shop, case)
    await dispute_in_the_book(shop, case)


async def do_notice(shop: Shop, case: Case) -> Any:
    body = msgspec.json.encode(case.more["notice"])
    signature = signed(notice_key(shop.world, "sandbox"), body, shop.world.clocks.wall())
    return await receive(shop.world, shop.orders, "sandbox", body, signature, "test")


async def do_answer(shop: Shop, case: Case) -> Any:
    await answer_dispute(shop.world, shop.orders, shop.scope, case.more["dispute"], "contest")
    await send_answer(shop.world, shop.orders, shop.merchant_id, case.more["dispute"])


async def do_deadline(shop: Shop, case: Case) -> Any:
    for _ in range(2):
        await end_in_time(shop.world, shop.orders, shop.merchant_id, case.more["dispute"])


FAULTY = FAULT_CARDS["visa"]
STORIES = (
    Story("evaluate, managed", new(pan=SOFT, days=21), do_evaluate, again=True),
    Story("evaluate, sync, approved", new(pan=YES, days=None), do_evaluate, again=True),
    Story(
        "evaluate, sync, declined",
        new(pan=DECLINE_CARD, days=None, code="05"),
        do_evaluate,
        again=True,
    ),
    Story("evaluate, sync, hard", new(pan=HARD, days=None, code="05"), do_evaluate, again=True),
    Story(
        "evaluate, customer, approved",
        new(is_mit=False, pan=YES, days=None, code="05"),
        do_evaluate,
        again=True,
    ),
    Story(
        "evaluate, customer, no answer",
        new(is_mit=False, pan=FAULTY, units=SILENT_YES, days=None, code="05"),
        do_evaluate,
        again=True,
    ),
    Story(
        "authorise",
        new(is_mit=False, pan=YES, days=None, code="05", facts=HOLD),
        do_evaluate,
        again=True,
    ),
    Story("capture", held, do_capture, again=True),
    Story("cancel a hold", held, do_cancel, again=True),
    Story("start", admitted, do_start),
    Story("send, approved", ready(YES), do_send),
    Story("send, declined", ready(SOFT), do_send),
    Story("send, hard decline", ready(HARD), do_send),
    Story("ask, approved", sent(FAULTY, SILENT_YES), do_inquire),
    Story("ask, declined", sent(FAULTY, SILENT_NO), do_inquire),
    Story("ask, hidden at first", sent(FAULTY, HIDDEN), do_inquire),
    Story("ask, never arrived", sent(FAULTY, LOST), do_inquire, settled=6.8),
    Story("cancel", planned(), do_cancel, again=True),
    Story("cancel, a call is out", sent(FAULTY, SILENT_YES), do_cancel, again=True),
    Story("cancel, the call is late", sent(FAULTY, LATE), do_cancel, again=True),
    Story("cancel, the call never arrived", sent(FAULTY, LOST), do_cancel, again=True),
    Story("expire", planned(days=2), do_expire, after=timedelta(days=4)),
    Story(
        "expire, a call is out",
        sent(FAULTY, SILENT_YES, days=2),
        do_expire,
        after=timedelta(days=4),
    ),
    Story("refund", sent(YES, 4590), do_refund, again=True),
    Story("send refund", sent(YES, 4590, with_refund), do_send_refund),
    Story("reverse", sent(FAULTY, SILENT_YES, with_late_approval), do_send_refund),
    Story("paid elsewhere", planned(), do_transmit, again=True),
    Story("paid elsewhere, a call is out", sent(FAULTY, SILENT_YES), do_transmit, again=True),
    Story("a dispute is told", sent(YES, 4590, with_dispute), do_notice, again=True),
    Story("a dispute is won", sent(YES, 4590, with_won_dispute), do_notice, again=True),
    Story("a dispute is answered", sent(YES, 4590, with_open_dispute), do_answer, again=True),
    Story(
        "a dispute's deadline",
        sent(YES, 4590, with_open_dispute),
        do_deadline,
        after=timedelta(days=20),
    ),
    Story(
        "a late approval is disputed",
        sent(FAULTY, SILENT_YES, with_disputed_late_approval),
        do_notice,
        again=True,
    ),
    Story("publish and seal", sent(YES, 4590), do_publish),
    *ADVANCES,
)


# the runs
# --------------------------------------------------------------------------------------------------


async def kill_everywhere(shop: Shop, story: Story) -> tuple[list[Case], int]:
    """Every run's case, and how many steps the story has. What can wait together does:
    preparations, repeats. Only what is killed has a deadline: a preparation waits for its answers,
    however busy the machine is."""
    cases: list[Case] = []
    ready: list[Case] = []
    repeats: list[Case] = []
    steps = 0
    for killer in kills(story.name, least=2, most=STEPS_MAX):
        if not ready:
            ready = list(
                await asyncio.gather(*(story.prepare(shop.patient()) for _ in range(AT_ONCE)))
            )
            cases += ready
            await asyncio.sleep(story.settled)
            if story.after:
                async with shop.world.db.connection() as connection:
                    await move_clock(
                        connection, shop.merchant_id, round(story.after / timedelta(microseconds=1))
                    )
        case = ready.pop()
        async with dying_process(shop, killer) as dying:
            told = await run_until_killed(killer, story.act(dying, case))
        if isinstance(told, BaseException):
            raise told
        if survived(killer):
            case.told.append(told)
            steps = max(steps, killer.steps)
        else:
            repeats.append(case)
    if story.again:
        for case, told in zip(
            repeats, await asyncio.gather(*(story.act(shop, c) for c in repeats)), strict=True
        ):
            case.told.append(told)
    return [case for case in cases if case.order_id is not None or case.told], steps


@asynccontextmanager
async def working(shop: Shop) -> AsyncIterator[None]:
    task = asyncio.create_task(work(shop.world, shop.orders, shop.deliveries))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# Whom to tell of an alert is asked of the people's database, which has not heard of these shops.
_LEFT = """
SELECT (SELECT count(*) FROM due_work d JOIN merchants m USING (merchant_id)
  WHERE d.kind IN ('inquire', 'modification', 'settle', 'payout', 'dispute_answer')
    OR (NOT d.wall AND d.due_at <= now() + m.offset_us * interval '1 microsecond')
    OR (d.wall AND d.due_at <= now() AND d.kind <> 'alert'))
  + (SELECT count(*) FROM outbox_queue) + (SELECT count(*) FROM postings_queue)
"""


async def until_nothing_is_due(shop: Shop, seconds: float = 300.0) -> None:
    give_up = asyncio.get_running_loop().time() + seconds
    async with working(shop), owner(shop.world) as connection:
        while await connection.fetchval(_LEFT):
            if asyncio.get_running_loop().time() > give_up:
                rows = await connection.fetch(
                    "SELECT kind, due_at, tries, lease_until, last_error FROM due_work"
                )
                raise AssertionError(f"work is left over: {[tuple(r) for r in rows][:5]}")
            await asyncio.sleep(0.05)


async def judge(shop: Shop, cases: list[Case]) -> None:
    """Against the issuer's book, with nothing of ours but what callers were told and the orders'
    rows."""
    async with owner(shop.world) as connection:
        twice = await connection.fetch(
            "SELECT id, count(*) FILTER (WHERE kind = 'charge') AS charges,"
            " count(*) FILTER (WHERE kind = 'inquiry') AS asked FROM issuer.calls GROUP BY id"
            " HAVING count(*) FILTER (WHERE kind = 'charge') > 1"
        )
        assert not twice, f"sent twice: {[tuple(r) for r in twice]}"
        kept = {
            r["order_id"]: (r["n"], r["units"])
            for r in await connection.fetch(
                "SELECT s.order_id, count(*) AS n, sum(s.units) AS units FROM issuer.sends s"
                " WHERE decision = 'approved' AND NOT EXISTS (SELECT FROM issuer.reversals r WHERE "
                "r.charge_id = s.id"
                "   AND r.decision = 'approved' AND r.units = s.units AND r.kind <> 'capture') "
                "GROUP BY s.order_id"
            )
        }
        taken = dict(
            await connection.fetch(
                "SELECT s.order_id, count(*) FROM issuer.disputes d JOIN issuer.sends s ON s.id = "
                "d.charge_id"
                " WHERE d.units = s.units AND d.status <> 'won' AND NOT EXISTS (SELECT FROM "
                "issuer.reversals r"
                "   WHERE r.charge_id = s.id AND r.decision = 'approved' AND r.units = s.units) "
                "GROUP BY s.order_id"
            )
        )
        refunded = dict(
            await connection.fetch(
                "SELECT s.order_id, sum(r.units)::bigint FROM issuer.reversals r"
                " JOIN issuer.sends s ON s.id = r.charge_id WHERE r.decision = 'approved' AND "
                "r.kind = 'refund'"
                " GROUP BY s.order_id"
            )
        )
    for case in cases:
        for told in case.told:
            if isinstance(told, EvaluateResult):
                case.order_id = case.order_id or told.order_id
                assert told.order_id == case.order_id, "one payment, two orders"
        assert case.order_id is not None, "an order was answered and is lost"
        row = await shop.order(case.order_id)
        count, units = kept.get(case.order_id, (0, 0))
        if await was_advanced(shop, case.order_id):
            pass
        elif row["stage"] == "completed":
            assert (count, units) == (1, row["units"]), (
                f"paid, but the issuer kept {count} approvals"
            )
            assert refunded.get(case.order_id, 0) == row["refunded_units"]
        elif row["stage"] == "authorised":
            assert (count, units) == (1, row["units"]), (
                f"held, but the issuer kept {count} approvals"
            )
        else:
            count -= taken.get(case.order_id, 0)
            assert count == 0, f"{row['stage']} ({row['reason']}), but the issuer kept an approval"
        for told in case.told:
            if told == "cancelled":
                assert (row["stage"], row["reason"]) == ("cancelled", "merchant_cancelled")
            elif (
                isinstance(told, EvaluateResult)
                and told.evaluate == "APPROVED"
                or isinstance(told, Captured)
                and told.done
            ):
                assert row["stage"] == "completed"
            elif isinstance(told, EvaluateResult) and told.evaluate == "CAPTUREREQUIRED":
                assert row["stage"] == "authorised"
            elif isinstance(told, EvaluateResult) and told.reason == "declined":
                assert row["stage"] == "declined", "declined for good was said, and it is not"
            elif isinstance(told, RefundAnswer):
                assert row["refunded_units"] == told.units == 1234


_OF_ADVANCE = """
SELECT x.state, x.due_units, x.units, r.*, s.*, g.* FROM advances x
CROSS JOIN LATERAL (SELECT coalesce(sum(units) FILTER (WHERE state = 'netted'),
  0)::bigint AS netted,
    coalesce(sum(units) FILTER (WHERE state = 'done'), 0)::bigint AS done,
    coalesce(sum(units), 0)::bigint AS refunded FROM modifications r
      WHERE r.order_id = x.order_id) r
CROSS JOIN LATERAL (SELECT count(*) AS charges, coalesce(sum(units), 0)::bigint AS charged
  FROM issuer.sends s
  WHERE s.order_id = x.order_id AND decision = 'approved') s
CROSS JOIN LATERAL (SELECT coalesce(sum(v.units), 0)::bigint AS given_back FROM issuer.reversals v
  JOIN issuer.sends s ON s.id = v.charge_id WHERE s.order_id = x.order_id
    AND v.decision = 'approved') g
WHERE x.order_id = $1
"""


async def was_advanced(shop: Shop, order_id: UUID) -> bool:
    """Then it is charged once at most, what is not refunded and no more;
    what is netted never left."""
    async with owner(shop.world) as connection:
        row = await connection.fetchrow(_OF_ADVANCE, order_id)
    if row is None:
        return False
    assert row["netted"] + row["done"] == row["refunded"], "a refund is neither netted nor sent"
    assert row["given_back"] == row["done"]
    if row["state"] == "charged":
        assert (row["charges"], row["charged"]) == (1, row["units"] - row["netted"])
    else:
        assert row["charges"] == 0, f"{row['state']}, but the issuer kept a charge"
    return True


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", draw("kills", range(PARTS), 1, label="two steps"))
def test_a_kill_between_any_two_steps(server: ServerAddress, part: int) -> None:
    async def tell() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            told: list[tuple[Shop, list[Case]]] = []
            for story in STORIES[part::PARTS]:
                shop = await make_shop(*made, fee_basis_points=290)
                if story.advances:
                    await agree(shop)
                cases, steps = await kill_everywhere(shop, story)
                print(f"{story.name}: {steps} steps, {2 * steps} kills")
                told.append((shop, cases))
            await until_nothing_is_due(told[0][0])
            for shop, cases in told:
                await judge(shop, cases)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


@pytest.mark.prove("kills")
@pytest.mark.timeout(1200)
def test_a_kill_while_many_stories_run_at_once(server: ServerAddress) -> None:
    """The same with several calls side by side that share statements, killed at steps all over the
    way."""

    async def tell() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await agree(shop)
            mixed = [
                s for s in STORIES if not s.settled and not s.after and s.name != "publish and seal"
            ]
            cases: list[Case] = []
            for round_ in draw("kills", range(18), 3, label="many at once"):
                batch = [(s, await s.prepare(shop)) for s in mixed[round_ % 3 :: 3]]
                killer = Killer(2 + 3 * round_, after=bool(round_ % 2))

                async def all_of_them(dying: Shop, batch: list[tuple[Story, Case]] = batch) -> None:
                    await asyncio.gather(*(s.act(dying, c) for s, c in batch))

                async with dying_process(shop, killer) as dying:
                    told = await run_until_killed(killer, all_of_them(dying))
                if isinstance(told, BaseException):
                    raise told
                for story, case in batch:
                    if story.again:
                        case.told.append(await story.act(shop, case))
                    cases.append(case)
            await until_nothing_is_due(shop)
            await judge(shop, cases)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


def test_the_interim_no_of_a_sync_payment_keeps_its_late_approval(server: ServerAddress) -> None:
    async def tell() -> None:
        async with sandbox_world(
            server, policy=replace(POLICY, cit_deadline=timedelta(seconds=0.4))
        ) as made:
            shop = await make_shop(*made)
            given = await shop.declined(pan=FAULTY, units=SILENT_YES, days=None, code="05")
            word = await shop.evaluate.evaluate(shop.scope, given)
            assert (word.evaluate, word.reason) == ("DECLINED", None)
            await until_nothing_is_due(shop)
            again = await shop.evaluate.evaluate(shop.scope, given)
            assert (again.order_id, again.evaluate) == (word.order_id, "APPROVED")
            await judge(shop, [Case(word.order_id, given, [word, again])])

    asyncio.run(tell())


def test_a_connector_that_breaks_leaves_an_unknown_outcome_and_no_error(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the merchant saw: error 500 from /evaluate, while the card was charged."""
    charge = SandboxProcessor.charge

    async def breaks(self: SandboxProcessor, given: Any) -> Any:
        await charge(self, given)
        raise ValueError("a line that nobody can parse")

    monkeypatch.setattr(SandboxProcessor, "charge", breaks)

    async def tell() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            given = await shop.declined(pan=YES, days=None, code="05")
            word = await shop.evaluate.evaluate(shop.scope, given)
            assert word.evaluate in ("DECLINED", "APPROVED")
            await until_nothing_is_due(shop)
            again = await shop.evaluate.evaluate(shop.scope, given)
            assert (again.order_id, again.evaluate) == (word.order_id, "APPROVED")
            await judge(shop, [Case(word.order_id, given, [word, again])])

    asyncio.run(tell())
