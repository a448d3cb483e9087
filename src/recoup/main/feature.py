"""Due work: each kind has one flow. This is the core's table."""

from collections.abc import Mapping
from typing import Final

from recoup.backtest.flows.make import work_backtest
from recoup.bank.flows import go_on
from recoup.desk.flows.exports import make_export
from recoup.desk.flows.on_many import work_bulk
from recoup.disputes.flows.answer import end_in_time, remind_of, send_answer
from recoup.disputes.flows.receive import try_again
from recoup.disputes.flows.sandbox import cardholder_disputes
from recoup.imports.flows import work_import
from recoup.insight.flows.certify import certify_due
from recoup.kernel.feature import Feature
from recoup.kernel.scope import WORKER, Scope
from recoup.kit.damage import forget_mended
from recoup.kit.upkeep import TIDY
from recoup.kit.world import World
from recoup.notices.flows.invoices import work_invoice
from recoup.notices.flows.receive import work_missed
from recoup.notices.flows.work import work_notice
from recoup.notifications.flows.tell_alert import alert_of_orders, tell_alert
from recoup.onboarding.flows.register import register
from recoup.orders.store.due_work import Due
from recoup.refunds.flows.requests import let_request_expire
from recoup.refunds.flows.send import send_modification
from recoup.rescue.flows.card_update import update_card
from recoup.rescue.flows.collect import collect, write_off
from recoup.rescue.flows.due import (
    end_capture_window,
    end_challenge,
    give_up,
    let_expire,
    release_hold,
    start,
)
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.places import DUE, Flow
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.transmit import transmitted
from recoup.risk.flows.advance_bounds import bound_advances
from recoup.risk.flows.treasurer import allot_due
from recoup.settlement.flows.report import report_ready
from recoup.settlement.flows.settle import release, settle_merchant
from recoup.stablecoin.flows.cycle import charge_cycle, cycle_ended
from recoup.stablecoin.flows.expire import final_inquiry, last_look
from recoup.stablecoin.flows.payouts import pay_out
from recoup.stablecoin.flows.settle import settle
from recoup.uploads.flows.work import work_upload
from recoup.webhooks.flows import replay
from recoup.webhooks.flows.mail import send_mail


async def _transmission(world: World, orders: Orders, due: Due) -> None:
    await transmitted(
        world, orders, due.merchant_id, due.subject_id, Scope(due.merchant_id, WORKER, "worker")
    )


async def _expire(world: World, orders: Orders, due: Due) -> None:
    await last_look(world, orders, (due.merchant_id, due.subject_id))
    await let_expire(orders, (due.merchant_id, due.subject_id))


_FLOWS: Final[Mapping[str, Flow]] = {
    "admit": lambda world, orders, due: start(orders, (due.merchant_id, due.subject_id)),
    "retry": lambda world, orders, due: send_attempt(
        world, orders, (due.merchant_id, due.subject_id)
    ),
    "inquire": lambda world, orders, due: inquire(world, orders, (due.merchant_id, due.subject_id)),
    "expire": _expire,
    "last_word": lambda world, orders, due: final_inquiry(
        world, orders, (due.merchant_id, due.subject_id)
    ),
    "unresolved": lambda world, orders, due: give_up(orders, (due.merchant_id, due.subject_id)),
    "challenge": lambda world, orders, due: end_challenge(
        orders, (due.merchant_id, due.subject_id)
    ),
    "capture_window": lambda world, orders, due: end_capture_window(
        orders, (due.merchant_id, due.subject_id)
    ),
    "release": lambda world, orders, due: release_hold(orders, (due.merchant_id, due.subject_id)),
    "collect": lambda world, orders, due: collect(world, orders, (due.merchant_id, due.subject_id)),
    "write_off": lambda world, orders, due: write_off(orders, (due.merchant_id, due.subject_id)),
    "allot": lambda world, orders, due: allot_due(world, due.merchant_id),
    "modification": lambda world, orders, due: send_modification(
        world, orders, due.merchant_id, due.subject_id
    ),
    "refund_request": lambda world, orders, due: let_request_expire(
        world, orders, due.merchant_id, due.subject_id
    ),
    "transmission": _transmission,
    "settle": lambda world, orders, due: settle(world, orders, due.merchant_id, due.subject_id),
    "cycle": lambda world, orders, due: charge_cycle(
        world, orders, due.merchant_id, due.subject_id
    ),
    "cycle_ended": lambda world, orders, due: cycle_ended(world, due.merchant_id, due.subject_id),
    "mail": lambda world, orders, due: send_mail(world, due.merchant_id, due.subject_id),
    "dispute_deadline": lambda world, orders, due: end_in_time(
        world, orders, due.merchant_id, due.subject_id
    ),
    "dispute_reminder": lambda world, orders, due: remind_of(
        world, orders, due.merchant_id, due.subject_id
    ),
    "dispute_answer": lambda world, orders, due: send_answer(
        world, orders, due.merchant_id, due.subject_id
    ),
    "dispute_notices": lambda world, orders, due: try_again(world, orders, due.merchant_id),
    "processor_notice": work_notice,
    "processor_invoice": work_invoice,
    "missed_notices": work_missed,
    "card_update": update_card,
    "cardholder": lambda world, orders, due: cardholder_disputes(
        world, orders, due.merchant_id, due.subject_id
    ),
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
MAIN: Final = Feature(name="main", adds=(DUE(_FLOWS), TIDY(forget_mended)))
