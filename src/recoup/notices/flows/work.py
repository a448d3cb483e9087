"""Due work `processor_notice`: what a notice is about is asked of its processor, and goes the way
that the same answer goes unasked: an attempt is inquired, a dispute is read as the case that it is.
No notice moves anything by itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import msgspec
import structlog

from recoup.cards.store.stored_methods import close_method
from recoup.cards.store.vault import expiry_of_card, renew_card
from recoup.disputes.flows.receive import apply
from recoup.kernel.filled import filled
from recoup.kernel.problem import Problem, in_words
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.notices.flows.invoices import notice_of_invoice
from recoup.notices.moves import fraud_reported, hold_expired
from recoup.orders.flows.external_call import call_with_timeout
from recoup.orders.moves.change import Change
from recoup.orders.rules.attention import ANSWER_DIFFERS
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.orders.store.due_work import Due, hand_back, notice_worked
from recoup.outside.inbound import Notice
from recoup.processors.gateways.connector import (
    Connector,
    DisputeCase,
    NewsGiving,
    connector_of,
    is_booked,
    is_disputing,
    is_news_giving,
)
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.port import Inquiry, Outcome, as_requested
from recoup.processors.rules.answers import Movement
from recoup.refunds.flows.send import message_of, send_modification
from recoup.refunds.moves.elsewhere import Adopted, adopt, failed_since, warn
from recoup.rescue.flows.charge import inquiry_of, requested_of
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.card_update import method_renewed
from recoup.rescue.moves.taken_after_all import taken_after_all
from recoup.rescue.store.card_updates import orders_of_cards
from recoup.risk.store.risk_weights import is_fraud_warned, note_fraud_warning
from recoup.routes.store.processor_notices import (
    Charged,
    KnownMethod,
    Modified,
    ProcessorNotice,
    attempt_of,
    charge_referenced,
    find_processor_notice,
    found_out,
    methods_of,
    modification_of,
)


def case_notice(world: World, case: DisputeCase, charged: Charged) -> Notice:
    """The same standing of a case is the same notice."""
    stands = world.keys.derived_id("dispute-standing", *(str(part) for part in case))
    return filled(
        Notice,
        case,
        notice_id=f"read-{stands}",
        case_id=case.id[:100],
        merchant_id=charged.merchant_id,
        charge_id=charged.attempt_id,
        amount=case.units,
        reason_code=case.reason_code.strip()[:20],
    )


log = structlog.get_logger()
ASK_SECONDS_MAX: Final = 15.0
SETTLE: Final = timedelta(seconds=1)  # after a call of ours that is under way
EARLY: Final = timedelta(minutes=10)
PAUSE: Final = timedelta(seconds=20)
NEWS_OF, CAUGHT_UP = timedelta(hours=3), timedelta(days=7)
WAITED_FOR: Final = timedelta(days=1)  # a charge that a notice of something else is about
INQUIRED_FOR: Final = timedelta(
    days=3
)  # what a processor that does not answer would have to say of money
_OPEN: Final = frozenset({"open", "unknown"})


class NoticeResult(NamedTuple):
    """`became`: what it was; None for nothing yet, then it is asked again, not before `until`."""

    became: str | None
    until: WallTime | None = None


Ask = Callable[[World, Orders, Connector, ProcessorNotice], Awaitable[NoticeResult]]


async def work_notice(world: World, orders: Orders, due: Due) -> None:
    row = await find_processor_notice(world.db, due.merchant_id, due.subject_id)
    result = NoticeResult("forgotten")
    if row:
        connector = connector_of(world.processors.get(row.route))
        result = (
            NoticeResult("no_route")
            if connector is None
            else await _ASK[row.subject](world, orders, connector, row)
        )
    async with world.db.transaction() as tx:
        if result.became is None:
            await hand_back(tx, due, result.until or world.clocks.wall() + PAUSE)
            return
        if row:
            await found_out(tx, row.merchant_id, row.object_key, row.times, result.became)
        await notice_worked(tx, due.merchant_id, due.subject_id, row.times if row else 0)


async def _charged(world: World, row: ProcessorNotice) -> Charged | None:
    charged = None
    if row.message_id:
        charged = await attempt_of(world.db, row.message_id, row.route, row.merchant_id)
    if charged is None and row.charge is not None:
        charged = await charge_referenced(world.db, row.charge, row.route, row.merchant_id)
    return charged


async def _charge(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice
) -> NoticeResult:
    charged = await _charged(world, row)
    if charged is None:
        return NoticeResult("not_ours")
    key = (charged.merchant_id, charged.order_id)

    def look(change: Change) -> tuple[Order, Attempt]:
        return change.order, change.order.attempt(charged.attempt_id)

    order, attempt = await orders.run(look, key)
    if attempt.state in _OPEN:
        until = _our_call_ends(attempt)
        if until and until > world.clocks.wall():
            return NoticeResult(None, until)
        await inquire(world, orders, key)
        return NoticeResult("asked")
    if attempt.state in ("declined", "not_sent") and row.approves and connector.asks != "by_replay":
        return await _after_all(world, orders, connector, row, order, attempt)
    if attempt.state == "approved" and order.stage is Stage.AUTHORISED and is_booked(connector):
        return await _made_there(world, orders, connector, row)
    return NoticeResult("known")


async def _hold(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice
) -> NoticeResult:
    """Handles the end of a hold: if the order counts on it, people decide; otherwise it is a charge
    like any other."""
    charged = await _charged(world, row)
    if charged is None or charged.state != "approved":
        return await _charge(world, orders, connector, row)
    if is_booked(connector):  # somebody may have released it
        result = await _made_there(world, orders, connector, row)
        if result.became != "known":
            return result
    key = (charged.merchant_id, charged.order_id)
    raised = await orders.run(lambda change: hold_expired(change, charged.attempt_id), key)
    return NoticeResult("kept" if raised else "known")


def _our_call_ends(attempt: Attempt) -> WallTime | None:
    """The time until which the call's own answer may come, which says the same."""
    if attempt.state != "open" or attempt.send_before is None:
        return None
    return WallTime(
        attempt.send_before + timedelta(milliseconds=attempt.call_timeout_ms or 0) + SETTLE
    )


async def _after_all(
    world: World,
    orders: Orders,
    connector: Connector,
    row: ProcessorNotice,
    order: Order,
    attempt: Attempt,
) -> NoticeResult:
    """Money was taken by a charge that counts as not made: people look at it."""
    if attempt.send_before is None:
        return NoticeResult("known")
    answer = await call_with_timeout(
        connector.inquire(inquiry_of(world, order, attempt)), ASK_SECONDS_MAX
    )
    answer = as_requested(answer, *requested_of(attempt))
    if answer.state != "approved":
        return _not_said(world, row, answer)

    await orders.run(
        lambda change: taken_after_all(change, change.order.attempt(attempt.attempt_id)),
        (order.merchant_id, order.order_id),
    )
    return NoticeResult("differs")


def _not_said(world: World, row: ProcessorNotice, answer: Outcome) -> NoticeResult:
    """Inquires again, at growing pauses, about what the processor did not answer."""
    age: timedelta = world.clocks.wall() - WallTime(row.received_at)
    if answer.state != "unknown" or answer.contradicts or age > INQUIRED_FOR:
        return NoticeResult("known")
    return _later(world, row)


def _later(world: World, row: ProcessorNotice) -> NoticeResult:
    now = world.clocks.wall()
    age: timedelta = now - WallTime(row.received_at)
    return NoticeResult(None, WallTime(now + max(PAUSE, age / 2)))


async def adopt_all(
    orders: Orders, route: str, charged: Charged, movements: Sequence[Movement]
) -> Adopted:
    """Adopts what was done with an approved charge at its processor, by whomever."""
    scope = Scope(charged.merchant_id, Actor("processor", route), "notice")
    key = (charged.merchant_id, charged.order_id)
    became = await orders.run(
        lambda change: [adopt(change, charged.attempt_id, movement) for movement in movements],
        key,
        scope,
    )
    return min(became, default="known")


async def read_news(world: World, orders: Orders, until: dict[str, WallTime]) -> int:
    """Reads what was done beside us from the books of vendors that do not notify of it. `until`: up
    to when each route's was, kept by the caller; what could not be read is read again."""
    await world.routes.ready()
    for route, processor in [*world.processors.items()]:
        connector = connector_of(processor)
        if connector is None or not is_news_giving(connector):
            continue
        now = world.clocks.wall()
        since = max(now - CAUGHT_UP, until.get(route, now - CAUGHT_UP) - NEWS_OF)
        try:
            if await _adopt_news(world, orders, route, connector, since):
                until[route] = now
        except Exception as error:  # noqa: BLE001 - one route's book holds up no other's
            log.warning("book not read", route=route, error=in_words(error))
    return 0


async def _adopt_news(
    world: World, orders: Orders, route: str, connector: NewsGiving, since: WallTime
) -> bool:
    """Answers whether all of it could be read."""
    whole = True
    for reference in await connector.news(since):
        charged = await charge_referenced(world.db, reference, route, None)
        if charged is None:
            continue
        try:
            await adopt_all(orders, route, charged, await connector.movements_of(reference, ""))
        except Problem:  # the others come all the same
            whole = False
    return whole


async def _made_there(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice
) -> NoticeResult:
    """Handles a notice that names a charge of ours, and no message: made at the processor without
    us. What comes before the charge's own answer waits for it."""
    charged = await _charged(world, row)
    became, age = "not_ours", world.clocks.wall() - WallTime(row.received_at)
    if charged and charged.state in _OPEN:
        await _charge(world, orders, connector, row)
    elif charged:
        movements = [msgspec.convert(row.movement, Movement)] if row.movement is not None else []
        if is_booked(connector) and charged.reference is not None:
            movements = await connector.movements_of(charged.reference, row.about)
        approved = charged.state == "approved"
        became = await adopt_all(orders, row.route, charged, movements) if approved else "known"
        if became != "awaited":
            return NoticeResult(became)
    if age <= WAITED_FOR:
        return _later(world, row)
    if became == "awaited" and charged:
        key = (charged.merchant_id, charged.order_id)
        attempt_id = charged.attempt_id
        await orders.run(lambda change: warn(change, attempt_id, ANSWER_DIFFERS), key)
    return NoticeResult(became)


async def _modification(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice
) -> NoticeResult:
    modified = None
    if row.message_id:
        modified = await modification_of(world.db, row.message_id, row.route, row.merchant_id)
    if modified is None:
        return await _made_there(world, orders, connector, row)
    if (
        modified.state == "done" and connector.asks != "by_replay"
    ):  # whatever it says: another may hide what one has said
        return await _failed_after_all(world, orders, connector, row, modified)
    if modified.state != "sent":
        return NoticeResult("known")

    def look(change: Change) -> WallTime | None:
        before = change.order.modification(modified.modification_id).send_before
        return WallTime(before + world.policy.call_timeout + SETTLE) if before else None

    until = await orders.run(look, (modified.merchant_id, modified.order_id))
    if until and until > world.clocks.wall():
        return NoticeResult(None, until)
    await send_modification(world, orders, modified.merchant_id, modified.modification_id)
    return NoticeResult("asked")


async def _failed_after_all(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice, modified: Modified
) -> NoticeResult:
    """A refund can fail weeks after it was done. No stage goes back: people look at it."""
    key = (modified.merchant_id, modified.order_id)
    order = await orders.run(lambda change: change.order, key)
    modification = order.modification(modified.modification_id)
    if modification.kind not in ("refund", "reversal") or modification.send_before is None:
        return NoticeResult("known")
    message = message_of(world, order, modification)
    inquiry = Inquiry(message.id, "modification", message, modification.reference, message.sent_at)
    answer = await call_with_timeout(connector.inquire(inquiry), ASK_SECONDS_MAX)
    answer = as_requested(answer, modification.units, modification.asset)
    if answer.state != "declined":
        return _not_said(world, row, answer)

    def fail(change: Change) -> bool:
        return failed_since(change, change.order.modification(modified.modification_id))

    return NoticeResult("failed" if await orders.run(fail, key) else "known")


async def _dispute(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice
) -> NoticeResult:
    if not is_disputing(connector):  # its notices are read at the door
        return NoticeResult("known")
    case = await connector.dispute_case(row.about)
    if case is None:
        return NoticeResult("unreadable")
    charged = await charge_referenced(world.db, case.charge, row.route, row.merchant_id)
    if (
        charged is None
    ):  # of the account's other business, or of a charge whose answer is on its way
        return NoticeResult(None if row.received_at > world.clocks.wall() - EARLY else "not_ours")
    received = await apply(world, orders, row.route, case_notice(world, case, charged), "worker")
    return NoticeResult(received.state)


async def _method(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice
) -> NoticeResult:
    """Its facts are the processor's; how it is counted stays: a renewed card is the same. One that
    has ended is there still: its bank has closed it, or wants to hear from its holder."""
    methods = await methods_of(world.db, row.route, row.about, row.merchant_id)
    became = "not_ours"
    for method in methods:
        there = Stored(row.route, row.about, method.customer)
        stored = await connector.describe(there) if row.subject != "ended" else None
        became = "closed" if stored is None else "renewed"
        if stored:
            await _try_renewed(world, orders, method, stored)
        async with world.db.transaction() as tx:
            if stored is None:
                await close_method(tx, method.merchant_id, method.method_id, world.clocks.wall())
            elif stored.exp_month and stored.exp_year:
                month, year = stored.exp_month, stored.exp_year
                await renew_card(
                    tx, method.merchant_id, method.method_id, month, year, stored.last4 or ""
                )
    return NoticeResult(became)


async def _invoice(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice
) -> NoticeResult:
    became = await notice_of_invoice(world, row.merchant_id, row.route, row.about, row.invoice)
    if became is None and world.clocks.wall() - WallTime(row.received_at) <= INQUIRED_FOR:
        return _later(world, row)
    return NoticeResult(became or "not_billed")


async def _try_renewed(world: World, orders: Orders, method: KnownMethod, stored: Stored) -> None:
    """Its orders that wait for other card data. Before the new expiry is stored: a process that
    dies in between finds the difference again, and an order's attempt planned."""
    known = await expiry_of_card(world.db, method.merchant_id, method.method_id)
    if (
        known is None
        or not stored.exp_year
        or (known.exp_month, known.exp_year) == (stored.exp_month, stored.exp_year)
    ):
        return
    sent = await orders_of_cards(world.db, [known.pan_id])
    for order in sent:
        if order.merchant_id == method.merchant_id:
            key = (order.merchant_id, order.order_id)
            await orders.run(
                lambda change: method_renewed(change, method.method_id), key, cards=True
            )


async def _fraud(
    world: World, orders: Orders, connector: Connector, row: ProcessorNotice
) -> NoticeResult:
    """The card is charged no more, people look at what was charged, and the risk check learns from
    it."""
    charged = await _charged(world, row)
    if charged is None:
        return NoticeResult(None if row.received_at > world.clocks.wall() - EARLY else "not_ours")
    if charged.state != "approved":
        return NoticeResult("known")
    key = (charged.merchant_id, charged.order_id)
    known = await is_fraud_warned(world.db, *key, row.object_key)
    if known:
        return NoticeResult("known")
    await orders.run(
        lambda change: fraud_reported(change, row.object_key, charged.attempt_id), key, cards=True
    )
    async with world.db.transaction() as tx:
        await note_fraud_warning(tx, *key, row.object_key, row.happened_at)
    return NoticeResult("kept")


_ASK: Final[Mapping[str, Ask]] = {
    "charge": _charge,
    "modification": _modification,
    "dispute": _dispute,
    "method": _method,
    "ended": _method,
    "invoice": _invoice,
    "fraud": _fraud,
    "hold": _hold,
}
