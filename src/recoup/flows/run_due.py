"""The table kind -> flow: each kind of due work has one flow."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog

from recoup.core.kit.extended import Extended
from recoup.flows.backtests.make import work_backtest
from recoup.flows.cards.card_update import update_card
from recoup.flows.cards.collect import collect, write_off
from recoup.flows.cards.due import end_capture_window, end_challenge, give_up, let_expire, release_hold, start
from recoup.flows.cards.inquire import inquire
from recoup.flows.cards.send import send_attempt
from recoup.flows.cards.transmit import transmitted
from recoup.flows.cards.uploads.work import work_upload
from recoup.flows.disputes.answer import end_in_time, remind_of, send_answer
from recoup.flows.disputes.receive import try_again
from recoup.flows.disputes.sandbox import cardholder_disputes
from recoup.flows.insight.certify import certify_due
from recoup.flows.insight.imports.work import work_import
from recoup.flows.lists.make import make_export
from recoup.flows.locked import Orders
from recoup.flows.messages import replay
from recoup.flows.messages.mail import send_mail
from recoup.flows.modifications.send import send_modification
from recoup.flows.money.advance_bounds import bound_advances
from recoup.flows.money.bank_payouts import go_on
from recoup.flows.money.report import report_ready
from recoup.flows.money.settle import release, settle_merchant
from recoup.flows.money.treasurer import allot_due
from recoup.flows.notices.invoices import work_invoice
from recoup.flows.notices.receive import work_missed
from recoup.flows.notices.work import work_notice
from recoup.flows.on_many import work_bulk
from recoup.flows.people.register import register
from recoup.flows.people.tell_alert import alert_of_orders, tell_alert
from recoup.flows.places import DUE, Flow
from recoup.flows.refunds.requests import let_request_expire
from recoup.flows.stable.cycle import charge_cycle, cycle_ended
from recoup.flows.stable.expire import final_inquiry, last_look
from recoup.flows.stable.payouts import pay_out
from recoup.flows.stable.settle import settle
from recoup.flows.world import World
from recoup.kernel.cause import begin_later
from recoup.kernel.problem import Problem, in_words
from recoup.kernel.scope import WORKER, Scope
from recoup.store.orders.due_work import Due, claim, claim_of_each, merchants_in_turn, postpone
from recoup.store.orders.rows import DueKind

log = structlog.get_logger()
BATCH = 128
IN_FLIGHT_MAX = 512
ROOM_SECONDS = 0.01
# While the oldest work fills the room: a few pieces of each merchant in turn, in places of their own.
IN_TURN_MAX = 128
EACH_IN_TURN = 4
MERCHANTS_IN_TURN = 256
TURN_SECONDS = 0.1
# The next worker begins them anew: one that shall end does not wait for them.
BEGUN_ANEW = frozenset({"backtest", "export"})
WAITS = 6  # tries that may fail unremarked where something else is awaited


async def _transmission(world: World, orders: Orders, due: Due) -> None:
    await transmitted(world, orders, due.merchant_id, due.subject_id, Scope(due.merchant_id, WORKER, "worker"))


async def _expire(world: World, orders: Orders, due: Due) -> None:
    await last_look(world, orders, (due.merchant_id, due.subject_id))
    await let_expire(orders, (due.merchant_id, due.subject_id))


_FLOWS: Mapping[DueKind, Flow] = {
    "admit": lambda world, orders, due: start(orders, (due.merchant_id, due.subject_id)),
    "retry": lambda world, orders, due: send_attempt(world, orders, (due.merchant_id, due.subject_id)),
    "inquire": lambda world, orders, due: inquire(world, orders, (due.merchant_id, due.subject_id)),
    "expire": _expire,
    "last_word": lambda world, orders, due: final_inquiry(world, orders, (due.merchant_id, due.subject_id)),
    "unresolved": lambda world, orders, due: give_up(orders, (due.merchant_id, due.subject_id)),
    "challenge": lambda world, orders, due: end_challenge(orders, (due.merchant_id, due.subject_id)),
    "capture_window": lambda world, orders, due: end_capture_window(orders, (due.merchant_id, due.subject_id)),
    "release": lambda world, orders, due: release_hold(orders, (due.merchant_id, due.subject_id)),
    "collect": lambda world, orders, due: collect(world, orders, (due.merchant_id, due.subject_id)),
    "write_off": lambda world, orders, due: write_off(orders, (due.merchant_id, due.subject_id)),
    "allot": lambda world, orders, due: allot_due(world, due.merchant_id),
    "modification": lambda world, orders, due: send_modification(world, orders, due.merchant_id, due.subject_id),
    "refund_request": lambda world, orders, due: let_request_expire(world, orders, due.merchant_id, due.subject_id),
    "transmission": _transmission,
    "settle": lambda world, orders, due: settle(world, orders, due.merchant_id, due.subject_id),
    "cycle": lambda world, orders, due: charge_cycle(world, orders, due.merchant_id, due.subject_id),
    "cycle_ended": lambda world, orders, due: cycle_ended(world, due.merchant_id, due.subject_id),
    "mail": lambda world, orders, due: send_mail(world, due.merchant_id, due.subject_id),
    "dispute_deadline": lambda world, orders, due: end_in_time(world, orders, due.merchant_id, due.subject_id),
    "dispute_reminder": lambda world, orders, due: remind_of(world, orders, due.merchant_id, due.subject_id),
    "dispute_answer": lambda world, orders, due: send_answer(world, orders, due.merchant_id, due.subject_id),
    "dispute_notices": lambda world, orders, due: try_again(world, orders, due.merchant_id),
    "processor_notice": work_notice,
    "processor_invoice": work_invoice,
    "missed_notices": work_missed,
    "card_update": update_card,
    "cardholder": lambda world, orders, due: cardholder_disputes(world, orders, due.merchant_id, due.subject_id),
    "payout": lambda world, orders, due: pay_out(world, due.merchant_id, due.subject_id),
    "reconciliation": lambda world, orders, due: report_ready(world, due.merchant_id),
    "settlement": lambda world, orders, due: settle_merchant(world, due.merchant_id),
    "reserve": lambda world, orders, due: release(world, due.merchant_id, due.subject_id),
    "register_merchant": lambda world, orders, due: register(world, due.merchant_id),
    "alert": lambda world, orders, due: tell_alert(world, due.merchant_id, due.subject_id),
    "orders_alert": lambda world, orders, due: alert_of_orders(world, due.merchant_id),
    "replay": lambda world, orders, due: replay.go_on(world, due.merchant_id, due.subject_id),
    "upload": lambda world, orders, due: work_upload(world, orders, due),
    "import": lambda world, orders, due: work_import(world, due),
    "export": lambda world, orders, due: make_export(world, due),
    "backtest": lambda world, orders, due: work_backtest(world, due),
    "bulk": lambda world, orders, due: work_bulk(world, orders, due),
    "advance_bounds": lambda world, orders, due: bound_advances(world, due.merchant_id),
    "certificate": lambda world, orders, due: certify_due(world, due.merchant_id),
    "bank_payout": lambda world, orders, due: go_on(world, due.merchant_id, due.subject_id),
}
FLOWS: Mapping[str, Flow] = Extended(_FLOWS, DUE, dict)


async def run_due(world: World, orders: Orders, *, merchant_id: UUID | None = None, limit: int = BATCH) -> int:
    """Claims what is due now, runs it side by side, and answers how much it was."""
    async with world.db.connection() as connection:
        batch = await claim(connection, world.clocks.wall(), limit, merchant_id=merchant_id)
    await asyncio.gather(*(run_one(world, orders, due) for due in batch))
    return len(batch)


class DueWork:
    """The worker's way: side by side up to a bound, so that one slow call holds up nothing else; and in turn, so that
    the very many of one merchant do not either. One a process."""

    def __init__(self, world: World, orders: Orders) -> None:
        self._world, self.orders = world, orders
        self._out: dict[asyncio.Task[None], str] = {}
        self._had_turn, self._turn_at = UUID(int=0), 0.0

    async def claim(self, *, merchant_id: UUID | None = None) -> int:
        """Starts what is due and has room; answers how much. Waits, but not long, until a claim is worth it."""
        if len(self._out) > IN_FLIGHT_MAX - BATCH:
            await asyncio.wait(self._out, timeout=ROOM_SECONDS)
        room = min(BATCH, IN_FLIGHT_MAX - len(self._out))
        batch: list[Due] = []
        if room > 0:
            async with self._world.db.connection() as connection:
                batch = await claim(connection, self._world.clocks.wall(), room, merchant_id=merchant_id)
            self._begin(batch)
        is_full = len(batch) >= room
        if is_full and merchant_id is None:
            await self._take_turn()
        return len(batch) if room > 0 else 1

    async def _take_turn(self) -> None:
        """More waits than there is room for: of the next merchants some is begun, however much of others is older."""
        now, world = self._world.clocks.monotonic(), self._world
        room = min(BATCH, IN_FLIGHT_MAX + IN_TURN_MAX - len(self._out))
        if room <= 0 or now - self._turn_at < TURN_SECONDS:
            return
        self._turn_at = now
        merchants = await merchants_in_turn(world.db, self._had_turn, MERCHANTS_IN_TURN)
        batch = await claim_of_each(world.db.alone, world.clocks.wall(), room, merchants, EACH_IN_TURN)
        self._begin(batch)
        if len(batch) == room:
            self._had_turn = max(due.merchant_id for due in batch)  # those behind had none yet
        else:
            self._had_turn = merchants[-1] if len(merchants) == MERCHANTS_IN_TURN else UUID(int=0)

    def _begin(self, batch: list[Due]) -> None:
        for due in batch:
            task = asyncio.create_task(run_one(self._world, self.orders, due))
            self._out[task] = due.kind
            task.add_done_callback(self._out.pop)

    async def drain(self) -> None:
        """Waits for what is out, but for what is begun anew."""
        for task, kind in self._out.items():
            if kind in BEGUN_ANEW:
                task.cancel()
        while self._out:
            await asyncio.wait(self._out)


async def run_one(world: World, orders: Orders, due: Due) -> None:
    """One piece; a failure is logged, kept with the work, and tried again later, more and more seldom."""
    begin_later("worker", due.subject_id)
    try:
        world.standing.check()
        await FLOWS[due.kind](world, orders, due)
    except Exception as error:  # noqa: BLE001 - whatever it was, the others go on
        message = in_words(error)
        waits = isinstance(error, Problem) and error.code == "unavailable" and due.tries < WAITS
        say = log.debug if waits else log.warning
        say("due work failed", kind=due.kind, subject=str(due.subject_id), tries=due.tries, error=message[:200])
        until = world.clocks.wall() + min(timedelta(minutes=10), timedelta(seconds=0.5) * 2 ** min(due.tries, 12))
        try:
            await postpone(world.db.alone, due, until, message)
        except Problem:
            pass  # the database is away; the lease runs out by itself
