"""An invoice of a processor's own billing, rescued as a managed MIT and paid as that invoice.

Due work `processor_invoice` compares the invoice there with the order here, and does what is
missing: whatever was left undone by a process that died is found missing again. The billing is
stopped for as long as the rescue lasts (*take over*), or goes on and its tries count in the card's
limits (*beside*). What the billing has to hear is written there as soon as it can be reached, once.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec

from recoup.cards.flows.method_names import method_id_of
from recoup.cards.flows.stored_methods import keep_method
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.codes import answered_code
from recoup.networks.magic import identity_of
from recoup.notices.moves import INVOICE_LEFT, follow_invoice, invoice_closed
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import OPEN, Stage
from recoup.orders.rules.snapshot import Order
from recoup.orders.rules.typed_card import CardIds
from recoup.orders.store.due_work import Due, end_work_begun, look_at_invoice_again, make_due
from recoup.orders.store.own_tries import set_own_retry_of_order
from recoup.processors.gateways.connector import BilledInvoice, Billing, billing_of
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.rules.billing import end_of, may_return, unfit
from recoup.processors.rules.checks import NONE
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.taken import EvaluateRequest, Person
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.flows.transmit import Transmit, Transmitted
from recoup.rescue.moves.ending import cancel
from recoup.rescue.store import processor_invoices as store
from recoup.rescue.store.evaluate import find_token
from recoup.rescue.store.processor_invoices import (
    InvoiceNow,
    NewInvoice,
    ProcessorInvoice,
    find_invoice,
)
from recoup.routes.flows.connections import connection_of
from recoup.routes.store.connections import ProcessorConnection

RESCUE_LASTS: Final = timedelta(days=21)
LOOK_EVERY: Final = timedelta(hours=6)
AFTER_OWN_RETRY: Final = timedelta(minutes=10)
STILL_OUT: Final = timedelta(seconds=30)
OWN_TRIES_MAX: Final = 100
_REFUSED_FOR_NOW: Final = frozenset({"unavailable"})


async def notice_of_invoice(
    world: World, merchant_id: UUID, route: str, about: str, invoice: str | None
) -> str | None:
    """A notice about an invoice, or about a subscription or customer: `about`. What is rescued is
    looked at now; another one is taken if it is to be. Answers what became of the notice; None
    while its connection is not ready.

    Raises: Problem(unavailable).
    """
    if invoice is None:
        keys = await store.invoices_of(world.db, merchant_id, about, route)
    else:
        keys = [world.keys.derived_id("processor-invoice", merchant_id.bytes, route, invoice)]
        known = await find_invoice(world.db, merchant_id, keys[0])
        if known is None or known.order_id is None:
            own = await connection_of(world, route)
            if own and own.state == "waiting" and own.billing != "off":
                return None
            left_out = await _taken_on(world, own, merchant_id, invoice, keys[0])
            if left_out is not None:
                return left_out
    async with world.db.transaction() as tx:
        for key in keys:
            await make_due(tx, merchant_id, "processor_invoice", key, world.clocks.wall())
    return "looked_at" if keys else "not_ours"


async def _taken_on(
    world: World, own: ProcessorConnection | None, merchant_id: UUID, invoice: str, key: UUID
) -> str | None:
    """The reason why an invoice is not to be rescued; None for one that is, which is kept with what
    it is now."""
    if (
        own is None
        or own.merchant_id != merchant_id
        or own.state != "connected"
        or own.billing == "off"
    ):
        return "not_billed"
    billing = billing_of(world.processors.get(own.route))
    if billing is None:
        return "not_billed"
    there = await billing.billed_invoice(invoice)
    why = unfit(there.state if there else None)
    if there is None or there.state.method is None or why is not None:
        return why
    new = NewInvoice(
        merchant_id=merchant_id,
        invoice_key=key,
        route=own.route,
        invoice=invoice,
        subscription=there.subscription,
        billing="beside" if own.billing == "beside" else "take_over",
        method=there.state.method,
        customer=there.customer,
        units=there.state.units,
        asset=there.currency,
        came_at=world.clocks.wall(),
    )
    async with world.db.transaction() as tx:
        await store.add_invoice(tx, new)
    return None


async def work_invoice(world: World, orders: Orders, due: Due) -> None:
    """Raises: Problem(unavailable), as long as the billing cannot be reached."""
    begun = world.clocks.wall()
    row = await find_invoice(world.db, due.merchant_id, due.subject_id)
    billing = billing_of(world.processors.get(row.route)) if row else None
    if row is None or billing is None:
        async with world.db.transaction() as tx:
            await end_work_begun(tx, due.merchant_id, due.kind, due.subject_id, begun)
        return
    there = await billing.billed_invoice(row.invoice)
    again = await _Rescue(world, orders, billing, row).look(there)
    async with world.db.transaction() as tx:
        if again is None:
            await end_work_begun(tx, row.merchant_id, due.kind, row.invoice_key, begun)
        else:
            await look_at_invoice_again(tx, row.merchant_id, row.invoice_key, again, begun)


def _beside(said: Outcome) -> dict[str, Any]:
    """The facts given beside a decline's code, as they are kept with it."""
    checks = said.checks or NONE
    return {
        "advice": said.advice_code,
        "beside": [check for check in (checks.advice, *checks.further) if check],
    }


class _Rescue:
    """Single look at an invoice."""

    def __init__(
        self, world: World, orders: Orders, billing: Billing, row: ProcessorInvoice
    ) -> None:
        self._world, self._orders, self._billing, self._row = world, orders, billing, row
        self._scope = Scope(row.merchant_id, Actor("processor", row.route), "notice")
        self._merchants = Merchants(world)

    async def look(self, there: BilledInvoice | None) -> WallTime | None:
        """Looks at the invoice and returns when to look again; None for never."""
        row = self._row
        if row.order_id is None:
            refused = await self._admit(there)
            if refused is not None:
                await self._set(ended=refused)
                return None
        order = await self._order()
        end = end_of(there.state if there else None, we_stopped=row.retries != "on")
        if there:
            await self._count(there, order)
        if order.attempt_in_flight() and end is not None:
            await inquire(self._world, self._orders, (order.merchant_id, order.order_id))
            order = await self._order()
            if order.attempt_in_flight():  # paid by us, or by somebody else: not known yet
                return WallTime(self._world.clocks.wall() + STILL_OUT)
        if order.stage in OPEN and there and end is None:
            end = await self._follow(there, order)
        if order.stage in OPEN and end is not None:
            await self._end(end, there)
        order = await self._order()
        if order.stage not in OPEN:
            return await self._after(there, order, end)
        if there is None:
            return WallTime(self._world.clocks.wall() + LOOK_EVERY)
        return await self._while_open(there)

    async def _order(self) -> Order:
        assert self._row.order_id
        return await self._orders.run(
            lambda change: change.order, (self._row.merchant_id, self._row.order_id)
        )

    async def _set(self, **values: Any) -> None:
        row = self._row
        async with self._world.db.transaction() as tx:
            await store.set_invoice(tx, row.merchant_id, row.invoice_key, values)
        self._row = msgspec.structs.replace(row, **values)

    async def _admit(self, there: BilledInvoice | None) -> str | None:
        """The same order, however often it is begun. Answers why it is refused."""
        world, row, key = self._world, self._row, f"invoice:{self._row.invoice_key}"
        order_id = await store.admitted_before(world.db, row.merchant_id, key)
        if order_id is None:
            why = unfit(there.state if there else None)
            if there is None or why is not None:
                return why
            evaluate = Evaluate(world, self._orders, self._merchants, Vault(world))
            try:
                order_id = (
                    await evaluate.evaluate(self._scope, await self._request(there, key))
                ).order_id
            except Problem as problem:
                if problem.code in _REFUSED_FOR_NOW:
                    raise
                return f"refused:{problem.code}"[:100]
        await self._set(order_id=order_id, ended=None)
        return None

    async def _request(self, there: BilledInvoice, key: str) -> EvaluateRequest:
        row, said = self._row, there.decline
        merchant = (await self._merchants.get(row.merchant_id)).merchant
        came_at = merchant.business(WallTime(row.came_at))
        retry_at = there.own_retry_at
        facts: dict[str, Any] = {"invoice": row.invoice, "invoice_key": str(row.invoice_key)}
        if there.subscription is not None:
            facts |= {"agreement": "recurring", "is_recurring": True}
        if retry_at:
            facts |= {"own_retry_at": retry_at.isoformat(), "own_tries_left": there.own_tries_left}
        code = answered_code(said.scheme_code, said.own_code)
        decline = _beside(said) | {
            "code": code.code if code else None,
            "source": code.owner if code else None,
            "text": said.text,
        }
        return EvaluateRequest(
            external_id=row.invoice,
            key=key,
            is_mit=True,
            order_source="ecommerce",
            expires_at=came_at + RESCUE_LASTS,
            units=row.units,
            currency=row.asset,
            token_id=None,
            pan=None,
            cvv="",
            exp_month=0,
            exp_year=0,
            # the try that _count does not count again
            transaction_id=f"{row.invoice}#{there.state.attempts}",
            decline=decline | {"at": came_at.isoformat()},
            site_id=None,
            site_url=None,
            descriptor=None,
            payer=Person(external_id=there.customer, email=there.email),
            facts=facts,
            method=Stored(row.route, row.method, row.customer),
            managed=True,
        )

    def _transmit_id(self, about: str) -> UUID:
        """The same for the same event of this invoice."""
        drawn = self._world.keys.derived_id("invoice-event", self._row.invoice_key.bytes, about)
        return UUID(
            int=first_id_of(self._row.came_at).int
            | (7 << 76)
            | (2 << 62)
            | drawn.int & ((1 << 62) - 1)
        )

    async def _transmit(self, about: str, there: BilledInvoice, *, declined: bool) -> None:
        transmit, said = Transmit(self._world, self._orders, self._merchants), there.decline
        merchant = (await self._merchants.get(self._row.merchant_id)).merchant
        code = answered_code(said.scheme_code, said.own_code) if declined else None
        transmission = Transmitted(
            external_id=self._row.invoice,
            transaction_id=f"{self._row.invoice}#{about}",
            is_declined=declined,
            is_mit=True,
            units=self._row.units,
            currency=self._row.asset,
            code_source=code.owner if code else None,
            code=code.code if code else None,
            bin=None,
            last4=None,
            payer={"external_id": "", "email": "", "phone": "", "name": ""},
            transacted_at=merchant.business(self._world.clocks.wall()),
            facts={"source": "billing"} | _beside(said),
        )
        await transmit.transmit(self._scope, transmission, self._transmit_id(about))

    async def _count(self, there: BilledInvoice, order: Order) -> None:
        """Each try of the billing that failed is a send of the card."""
        failed = min(there.state.attempts, OWN_TRIES_MAX) - (there.state.status == "paid")
        row = self._row
        if order.stage in OPEN:
            for number in range(row.counted + 1, failed + 1):
                await self._transmit(str(number), there, declined=True)
        if failed > row.counted:
            await self._set(counted=failed)

    async def _follow(self, there: BilledInvoice, order: Order) -> str | None:
        """The order goes on with what would be charged now. Answers why it ends: that is no
        card."""
        row, state, world = self._row, there.state, self._world
        method, card, last4 = state.method or row.method, None, ""
        if (method, state.units) == (row.method, row.units):
            return None
        if method != row.method:
            stored = Stored(row.route, method, row.customer)
            try:
                await keep_method(world, row.merchant_id, stored)
            except Problem as problem:
                if problem.code != "invalid":
                    raise
                return "billing_stopped"
            token_id = method_id_of(world, row.merchant_id, stored)
            token = await find_token(world.db, row.merchant_id, token_id)
            assert token
            card = CardIds(
                token_id, identity_of(order.order_id, token.pan_id, token.magic), token.pan_id
            )
            last4 = token.last4
        now = InvoiceNow(row.merchant_id, row.invoice_key, method, state.units)
        await self._try(lambda change: follow_invoice(change, now, card, last4), order)
        return None

    async def _end(self, end: str, there: BilledInvoice | None) -> None:
        """Ends the rescue: what was paid, closed or stopped there is not charged here."""
        if there and end == "paid_elsewhere":
            await self._transmit(there.state.paid_by or "paid", there, declined=False)
        else:
            await self._try(lambda change: cancel(change, end), await self._order())

    async def _try(self, move: Callable[[Change], object], order: Order) -> None:
        """Makes a move; where the order's state does not let it be done now, the next look tries
        again."""
        try:
            await self._orders.run(move, (order.merchant_id, order.order_id), self._scope)
        except Problem as problem:
            if problem.code not in ("wrong_state", "conflict"):
                raise

    async def _while_open(self, there: BilledInvoice) -> WallTime:
        world, row, now = self._world, self._row, self._world.clocks.wall()
        if row.billing == "take_over" and row.retries in ("on", "stopping"):
            if there.state.auto_advance:
                await self._set(retries="stopping")
                await self._billing.set_own_retries(row.invoice, f"{row.invoice_key}.off", on=False)
            if self._row.retries == "stopping":
                await self._set(retries="off")
            await self._own_retry(None)
            return WallTime(now + LOOK_EVERY)
        await self._own_retry(there)
        at, now = there.own_retry_at, world.clocks.wall()
        next_look = min(now + LOOK_EVERY, at + AFTER_OWN_RETRY) if at else now + LOOK_EVERY
        return WallTime(max(next_look, now + STILL_OUT))

    async def _own_retry(self, there: BilledInvoice | None) -> None:
        """The order keeps clear of it."""
        at = there.own_retry_at if there else None
        row, left = self._row, there.own_tries_left if there else 0
        assert row.order_id
        await self._set(own_retry_at=at)
        async with self._world.db.transaction() as tx:
            text = at.isoformat() if at else None
            await set_own_retry_of_order(tx, row.merchant_id, row.order_id, text, left)

    async def _after(
        self, there: BilledInvoice | None, order: Order, end: str | None
    ) -> WallTime | None:
        """The rescue is over: the billing hears of money that it does not know, or gets its invoice
        back."""
        if order.attempt_in_flight():
            return WallTime(self._world.clocks.wall() + STILL_OUT)
        row, key = self._row, (order.merchant_id, order.order_id)
        state = there.state if there else None
        is_open = state is not None and state.status == "open"
        if order.stage is Stage.COMPLETED:
            if is_open:
                await self._billing.mark_paid(row.invoice, f"{row.invoice_key}.paid")
            elif end != "paid_elsewhere":  # paid otherwise, and closed there meanwhile
                await self._orders.run(invoice_closed, key, self._scope)
            await self._set(ended="paid" if is_open or end == "paid_elsewhere" else end)
            return None
        if is_open and order.reason == "payer_refused":  # nor is the payer charged by the billing
            if state and state.auto_advance:
                await self._billing.set_own_retries(
                    row.invoice, f"{row.invoice_key}.refused", on=False
                )
        elif is_open and may_return(end) and row.retries in ("stopping", "off", "starting"):
            await self._set(retries="starting")
            await self._billing.set_own_retries(row.invoice, f"{row.invoice_key}.on", on=True)
            await self._set(retries="given_back")
        elif is_open and state and state.paid_by and row.ended is None:
            await self._orders.run(partial(invoice_closed, why=INVOICE_LEFT), key, self._scope)
        await self._set(ended=end or row.ended or "not_rescued")
        return None
