"""Every state that the charge of an order can be in when somebody asks for money back: how to get
there, in words."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.dispute_terms import agree
from tests.worlds import FUNDS_CARD, HARD_CARD, Shop, owner

from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import FAULT_CARDS, script_card
from recoup.orders.moves.change import Change
from recoup.outside.inbound import Notice
from recoup.refunds.flows.capture import CaptureRequest, capture
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.moves.elsewhere import failed_since
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.due import start
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.taken import Person
from recoup.rescue.moves.plan import plan_attempt

YES, FAULTY, SILENT_YES = APPROVE_CARDS[2], FAULT_CARDS["visa"], 80_001
ITEMS = [
    {"sku": "TEA", "name": "Tea", "amount": 3000, "quantity": 3},
    {"sku": "MUG", "name": "Mug", "amount": 1590},
]
SILENT_ITEMS = [{"sku": "TEA", "name": "Tea", "amount": 80_000, "quantity": 4, "tax": 1}]
CUSTOMER: dict[str, Any] = {"is_mit": False, "days": None, "code": "05", "pan": YES}
Prepare = Callable[[Shop], Awaitable[UUID]]
Against = Callable[[Shop, UUID], Awaitable[str]]


@dataclass(frozen=True)
class State:
    """`name` as the table says it. `after`: the merchant's clock goes on by this once its orders
    stand. `against`: what else may be asked at the same moment: its word and the call; `ends`:
    every end that may then be seen."""

    name: str
    prepare: Prepare
    after: timedelta = timedelta(0)
    against: tuple[str, Against] | None = None
    ends: tuple[str, ...] = ()
    most: str = "30.00"  # more than half: two of them never fit


def first_dispute(merchant_id: UUID, charge_id: UUID, units: int, currency: str = "USD") -> Notice:
    """As a processor tells it, whatever the charge has left."""
    return Notice(
        notice_id="notice",
        case_id="case",
        merchant_id=merchant_id,
        charge_id=charge_id,
        stage="first",
        status="open",
        amount=units,
        currency=currency,
        reason_code="13.1",
    )


# how an order gets there
# ---------------------------------------------------------------------------------------------


async def _admitted(shop: Shop, **more: Any) -> UUID:
    """However slow the machine, what the processor answers is waited for."""
    facts = {"items": ITEMS} | more.pop("facts", {})
    asking = shop if more.get("pan") == FAULTY else shop.patient()
    return await asking.admit(facts=facts, **more)


async def draft(shop: Shop) -> UUID:
    return await _admitted(shop, pan=FUNDS_CARD)


async def waiting(shop: Shop) -> UUID:
    order_id = await _admitted(shop, pan=FUNDS_CARD)
    await start(shop.orders, shop.key(order_id))
    return order_id


async def in_flight(shop: Shop) -> UUID:
    """Sent, and nobody knows yet what came of it."""
    order_id = await _admitted(shop, pan=FAULTY, units=SILENT_YES, facts={"items": SILENT_ITEMS})
    await start(shop.orders, shop.key(order_id))

    def soon(change: Change) -> None:
        plan_attempt(change, change.now, "soft", None)

    await shop.orders.change(Job(shop.key(order_id), soon, WORKER, "test"))
    await send_attempt(shop.world, shop.orders, shop.key(order_id))
    return order_id


async def collected(shop: Shop) -> UUID:
    return await _admitted(shop, **CUSTOMER)


async def retried(shop: Shop) -> UUID:
    """Pay days put its second try off for up to 15 days."""
    return await _admitted(shop, pan=script_card("visa", "51", 1))


async def authorised(shop: Shop) -> UUID:
    return await _admitted(shop, **(CUSTOMER | {"facts": {"transaction_type": "AUTHORIZATION"}}))


async def captured(shop: Shop) -> UUID:
    order_id = await authorised(shop)
    assert await do_capture(shop, order_id) == "captured"
    return order_id


async def part_refunded(shop: Shop) -> UUID:
    order_id = await collected(shop)
    await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="20.00"))
    return order_id


async def came_back(shop: Shop) -> UUID:
    """The issuer made the refund, and took it back:
    it waits on the desk for a person, and counts."""
    order_id = await part_refunded(shop)
    for _ in range(100):
        done = await shop.value(
            "SELECT modification_id FROM modifications WHERE order_id = $1 AND state = 'done'",
            order_id,
        )
        if done is not None:
            break
        await shop.settle()
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE issuer.reversals SET failed_at = decided_at WHERE id = (SELECT "
            "coalesce(send_id, modification_id)"
            " FROM modifications WHERE modification_id = $1)",
            done,
        )
    failed = await shop.orders.run(
        lambda change: failed_since(change, change.order.modification(done)), shop.key(order_id)
    )
    assert failed
    return order_id


async def refunded(shop: Shop) -> UUID:
    order_id = await collected(shop)
    await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
    return order_id


async def declined(shop: Shop) -> UUID:
    return await _admitted(shop, pan=HARD_CARD, days=None, code="05")


async def expired(shop: Shop) -> UUID:
    return await _admitted(shop, pan=FUNDS_CARD, days=3)


async def cancelled(shop: Shop) -> UUID:
    order_id = await waiting(shop)
    assert await do_cancel(shop, order_id) == "cancelled"
    return order_id


async def approved_late(shop: Shop) -> UUID:
    """Cancelled while the call was out; the approval that is found goes back by itself."""
    order_id = await in_flight(shop)
    await do_cancel(shop, order_id)
    for _ in range(60):
        await inquire(shop.world, shop.orders, shop.key(order_id))
        if await shop.value("SELECT count(*) FROM modifications WHERE order_id = $1", order_id):
            return order_id
        await asyncio.sleep(0.1)
    raise AssertionError("the approval is not found")


def _advanced(**more: Any) -> Prepare:
    """A customer's payment that was declined softly, or not answered,
    and is advanced all the same."""

    async def prepare(shop: Shop) -> UUID:
        await agree(shop)
        payer = Person(
            first_name="Ana", last_name="Roe", email=f"ana-{uuid.uuid4().hex[:8]}@payer.example"
        )
        usual = CUSTOMER | {"pan": script_card("visa", "51", 1), "payer": payer}
        order_id = await _admitted(shop, **(usual | more))
        assert "advanced" in await shop.happenings(order_id)
        return order_id

    return prepare


def disputed(**more: Any) -> Prepare:
    async def prepare(shop: Shop) -> UUID:
        order_id = await collected(shop)
        then = more.get("then")
        told = {name: value for name, value in more.items() if name != "then"}
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), **told)
        if then:
            await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), decided=then)
        return order_id

    return prepare


advanced = _advanced()
advanced_in_flight = _advanced(pan=FAULTY, units=SILENT_YES, facts={"items": SILENT_ITEMS})
uncollected = _advanced(pan=script_card("visa", "51", 99))


# what else happens at the same moment
# --------------------------------------------------------------------------------


async def do_cancel(shop: Shop, order_id: UUID) -> str:
    try:
        await cancel(shop.world, shop.orders, shop.scope, order_id)
    except Problem as problem:
        return problem.code
    return "cancelled"


async def do_capture(shop: Shop, order_id: UUID) -> str:
    try:
        done = await capture(
            shop.world,
            shop.orders,
            shop.scope,
            CaptureRequest(order_id, 4590, "USD", str(order_id)),
        )
    except Problem as problem:
        return problem.code
    return "captured" if done.done else "refused"


async def do_dispute(shop: Shop, order_id: UUID) -> str:
    try:
        return await dispute_on_demand(shop.world, shop.orders, shop.key(order_id))
    except Problem as problem:
        return problem.code


_DISPUTE = ("a dispute of all of it", do_dispute)
_CANCEL = ("a cancellation", do_cancel)
STATES: tuple[State, ...] = (
    State("before: draft", draft, against=_CANCEL, ends=("cancelled",)),
    State("before: a retry is planned", waiting, against=_CANCEL, ends=("cancelled",)),
    State(
        "in flight: no answer yet",
        in_flight,
        against=_CANCEL,
        ends=("cancelled, returned to the customer",),
    ),
    State(
        "after: collected",
        collected,
        against=_DISPUTE,
        ends=("charged back", "charged back, refunded 20.00"),
    ),
    State(
        "after: collected by a retried MIT",
        retried,
        timedelta(days=16),
        _CANCEL,
        ("refunded 20.00",),
    ),
    State(
        "advanced, not charged yet",
        advanced,
        against=_CANCEL,
        ends=("charged 25.90, netted 20.00",),
    ),
    State(
        "advanced, its charge in flight",
        advanced_in_flight,
        against=_CANCEL,
        ends=("refunded 20.00",),
        most="500.00",
    ),
    State("advanced, then charged", advanced, timedelta(days=31), _CANCEL, ("refunded 20.00",)),
    State("advanced, never collected", uncollected, timedelta(days=31), _CANCEL, ("netted 20.00",)),
    State(
        "authorised only",
        authorised,
        against=("a capture", do_capture),
        ends=("captured", "refunded 20.00"),
    ),
    State("after: captured", captured, against=_CANCEL, ends=("refunded 20.00",)),
    State(
        "already refunded in part (20.00)", part_refunded, against=_CANCEL, ends=("refunded 40.00",)
    ),
    State(
        "refunded 20.00, which came back",
        came_back,
        against=_CANCEL,
        ends=("refunded 20.00, owed 20.00",),
    ),
    State("already refunded in full", refunded, against=_CANCEL, ends=("refunded 45.90",)),
    State("disputed: open, all of it", disputed(), against=_CANCEL, ends=("charged back",)),
    State(
        "disputed: open, 10.00 of it",
        disputed(units=1000),
        against=_CANCEL,
        ends=("charged back, refunded 20.00",),
    ),
    State("disputed: lost", disputed(then="lost"), against=_CANCEL, ends=("charged back",)),
    State("disputed: won", disputed(then="won"), against=_CANCEL, ends=("refunded 20.00",)),
    State("declined", declined, against=_CANCEL, ends=("declined",)),
    State("expired", expired, timedelta(days=5), _CANCEL, ("expired",)),
    State("cancelled", cancelled, against=_CANCEL, ends=("cancelled",)),
    State(
        "approved after the end",
        approved_late,
        against=_CANCEL,
        ends=("cancelled, returned to the customer",),
    ),
)
