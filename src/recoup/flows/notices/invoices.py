"""An invoice of a processor's own billing, rescued as a managed MIT and paid as that invoice.

Due work `processor_invoice` compares the invoice there with the order here, and does what is missing: whatever was left
undone by a process that died is found missing again. The billing is stopped for as long as the rescue lasts (*take
over*), or goes on and its tries count in the card's limits (*beside*). What the billing has to hear is written there as
soon as it can be reached, once.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.inquire import inquire
from recoup.flows.cards.taken import EvaluateRequest, Person
from recoup.flows.cards.tokenize import Vault
from recoup.flows.cards.transmit import Transmit, Transmitted
from recoup.flows.connections import connection_of
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.world import World
from recoup.gateways.cards.connector import BilledInvoice, Billing, connector_of, is_billing
from recoup.gateways.cards.credential import Stored
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import WallTime
from recoup.moves.order.ending import cancel
from recoup.moves.order.reported import invoice_closed
from recoup.rules.order.lifecycle import OPEN, Stage
from recoup.rules.order.snapshot import Order
from recoup.store.cards import processor_invoices as store
from recoup.store.cards.processor_invoices import NewInvoice, ProcessorInvoice, find_invoice
from recoup.store.orders.due_work import Due, make_due
from recoup.store.statement import Tx

RESCUE_LASTS: Final = timedelta(days=21)
LOOK_EVERY: Final = timedelta(hours=6)
AFTER_OWN_RETRY: Final = timedelta(minutes=10)
STILL_OUT: Final = timedelta(seconds=30)
OWN_TRIES_MAX: Final = 100
_REFUSED_FOR_NOW: Final = frozenset({"unavailable"})


def invoice_key_of(world: World, merchant_id: UUID, route: str, invoice: str) -> UUID:
    return world.keys.derived_id("processor-invoice", merchant_id.bytes, route, invoice)


async def notice_of_invoice(world: World, merchant_id: UUID, route: str, about: str, invoice: str | None) -> str:
    """A notice about an invoice, or about a subscription: `about`. What is rescued is looked at now; another one is
    taken if it is to be. Answers what became of the notice.

    Raises: Problem(unavailable).
    """
    if invoice is None:
        keys = await store.invoices_of_subscription(world.db, merchant_id, about, route)
    else:
        keys = [invoice_key_of(world, merchant_id, route, invoice)]
        known = await find_invoice(world.db, merchant_id, keys[0])
        if known is None or known.order_id is None:
            left_out = await _taken_on(world, merchant_id, route, invoice, keys[0])
            if left_out is not None:
                return left_out
    async with world.db.transaction() as tx:
        for key in keys:
            await make_due(tx, merchant_id, "processor_invoice", key, world.clocks.wall())
    return "looked_at" if keys else "not_ours"


async def _taken_on(world: World, merchant_id: UUID, route: str, invoice: str, key: UUID) -> str | None:
    """Why it is not to be rescued; None for one that is, which is kept with what it is now."""
    own = await connection_of(world, route)
    if own is None or own.merchant_id != merchant_id or own.state != "connected" or own.billing == "off":
        return "not_billed"
    billing = _billing_of(world, route)
    there = await billing.billed_invoice(invoice) if billing is not None else None
    if there is None or there.is_paid or there.ended or not there.charged_automatically or there.units <= 0:
        return "not_owed"
    if not there.own_tries:
        return "not_tried"
    if there.method is None:
        return "no_method"
    new = NewInvoice(
        merchant_id=merchant_id,
        invoice_key=key,
        route=route,
        invoice=invoice,
        subscription=there.subscription,
        billing="beside" if own.billing == "beside" else "take_over",
        method=there.method,
        customer=there.customer,
        units=there.units,
        asset=there.currency,
        came_at=world.clocks.wall(),
    )
    async with world.db.transaction() as tx:
        await store.add_invoice(tx, new)
    return None


def _billing_of(world: World, route: str) -> Billing | None:
    connector = connector_of(world.processors.get(route))
    return connector if is_billing(connector) else None


async def work_invoice(world: World, orders: Orders, due: Due) -> None:
    """Raises: Problem(unavailable), as long as the billing cannot be reached."""
    begun = world.clocks.wall()
    row = await find_invoice(world.db, due.merchant_id, due.subject_id)
    billing = _billing_of(world, row.route) if row is not None else None
    if row is None or billing is None:
        async with world.db.transaction() as tx:
            await store.looked_at(tx, due.merchant_id, due.subject_id, begun)
        return
    there = await billing.billed_invoice(row.invoice)
    rescue = _Rescue(world, orders, billing, row)
    again = await rescue.look(there)
    async with world.db.transaction() as tx:
        if again is None:
            await store.looked_at(tx, row.merchant_id, row.invoice_key, begun)
        else:
            await store.look_again_at(tx, row.merchant_id, row.invoice_key, again, begun)


class _Rescue:
    """One look at one invoice."""

    def __init__(self, world: World, orders: Orders, billing: Billing, row: ProcessorInvoice) -> None:
        self._world, self._orders, self._billing, self._row = world, orders, billing, row
        self._scope = Scope(row.merchant_id, Actor("processor", row.route), "notice")
        self._merchants = Merchants(world)

    async def look(self, there: BilledInvoice | None) -> WallTime | None:
        """When it is to be looked at again; None for never."""
        row = self._row
        if row.order_id is None:
            if there is None or there.is_paid or there.ended:
                await self._ended("not_owed")
                return None
            refused = await self._admit(there)
            if refused is not None:
                await self._ended(refused)
                return None
        order = await self._order()
        if there is None:
            await self._without_invoice(order)
            return None
        await self._count(there, order)
        if order.attempt_in_flight() is not None and (there.is_paid or there.ended):
            await inquire(self._world, self._orders, (order.merchant_id, order.order_id))
            order = await self._order()
            if order.attempt_in_flight() is not None:  # paid by us, or by somebody else: not known yet
                return WallTime(self._world.clocks.wall() + STILL_OUT)
        if order.stage in OPEN:
            await self._end_if_over(there, order)
            order = await self._order()
        if order.stage in OPEN:
            return await self._while_open(there)
        return await self._after(there, order)

    async def _order(self) -> Order:
        assert self._row.order_id is not None
        return await self._orders.run(lambda change: change.order, (self._row.merchant_id, self._row.order_id))

    async def _ended(self, why: str) -> None:
        await self._write(lambda tx: store.end_invoice(tx, self._row.merchant_id, self._row.invoice_key, why))

    async def _write(self, write: Callable[[Tx], Awaitable[None]]) -> None:
        async with self._world.db.transaction() as tx:
            await write(tx)
        row = await find_invoice(self._world.db, self._row.merchant_id, self._row.invoice_key)
        assert row is not None
        self._row = row

    async def _admit(self, there: BilledInvoice) -> str | None:
        """The same order, however often it is begun. Answers why it is refused."""
        world, row, request = self._world, self._row, await self._request(there)
        order_id = await store.admitted_before(world.db, row.merchant_id, request.key)
        if order_id is None:
            evaluate = Evaluate(world, self._orders, self._merchants, Vault(world))
            try:
                order_id = (await evaluate.evaluate(self._scope, request)).order_id
            except Problem as problem:
                if problem.code in _REFUSED_FOR_NOW:
                    raise
                return f"refused:{problem.code}"[:100]
        await self._write(lambda tx: store.admitted(tx, row.merchant_id, row.invoice_key, order_id))
        return None

    async def _request(self, there: BilledInvoice) -> EvaluateRequest:
        row, said = self._row, there.decline
        merchant = (await self._merchants.get(row.merchant_id)).merchant
        came_at = merchant.business(WallTime(row.came_at))
        retry_at = there.own_retry_at
        facts: dict[str, Any] = {
            "invoice": row.invoice,
            "invoice_key": str(row.invoice_key),
            "agreement": "recurring",
            "is_recurring": True,
        }
        if retry_at is not None:
            facts |= {"own_retry_at": retry_at.isoformat(), "own_tries_left": there.own_tries_left}
        decline = {"code": said.code, "source": said.source, "text": said.text, "advice": None}
        return EvaluateRequest(
            external_id=row.invoice,
            key=f"invoice:{row.invoice_key}",
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
            transaction_id=f"{row.invoice}#{there.own_tries}",  # the try that _count does not count again
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
        return UUID(int=first_id_of(self._row.came_at).int | (7 << 76) | (2 << 62) | drawn.int & ((1 << 62) - 1))

    async def _transmit(self, about: str, there: BilledInvoice, *, declined: bool) -> None:
        transmit, said = Transmit(self._world, self._orders, self._merchants), there.decline
        merchant = (await self._merchants.get(self._row.merchant_id)).merchant
        transmission = Transmitted(
            external_id=self._row.invoice,
            transaction_id=f"{self._row.invoice}#{about}",
            is_declined=declined,
            is_mit=True,
            units=self._row.units,
            currency=self._row.asset,
            code_source=said.source if declined else None,
            code=said.code if declined else None,
            bin=None,
            last4=None,
            payer={"external_id": "", "email": "", "phone": "", "name": ""},
            transacted_at=merchant.business(self._world.clocks.wall()),
            facts={"source": "billing"},
        )
        await transmit.transmit(self._scope, transmission, self._transmit_id(about))

    async def _count(self, there: BilledInvoice, order: Order) -> None:
        """Each try of the billing that failed is a send of the card."""
        failed = min(there.own_tries, OWN_TRIES_MAX) - there.is_paid
        row = self._row
        if order.stage in OPEN:
            for number in range(row.counted + 1, failed + 1):
                await self._transmit(str(number), there, declined=True)
        if failed > row.counted:
            await self._write(lambda tx: store.count_own_tries(tx, row.merchant_id, row.invoice_key, failed))

    async def _end_if_over(self, there: BilledInvoice, order: Order) -> None:
        """What was paid, closed or changed there is not charged here."""
        row = self._row
        if there.is_paid:
            await self._transmit("paid", there, declined=False)
        elif there.ended or (there.units, there.currency, there.customer) != (row.units, row.asset, row.customer):
            await self._cancel(order)

    async def _cancel(self, order: Order) -> None:
        """Where its state does not let it end now, the next look tries again."""
        try:
            await self._orders.run(cancel, (order.merchant_id, order.order_id), self._scope)
        except Problem as problem:
            if problem.code != "wrong_state":
                raise

    async def _without_invoice(self, order: Order) -> None:
        if order.stage in OPEN:
            await self._cancel(order)
        await self._ended("gone")

    async def _while_open(self, there: BilledInvoice) -> WallTime:
        world, row = self._world, self._row
        if row.billing == "take_over" and row.retries in ("on", "stopping") and there.retries_itself:
            await self._retries("stopping")
            await self._billing.set_own_retries(row.invoice, f"{row.invoice_key}.off", on=False)
        if row.billing == "take_over" and row.retries in ("on", "stopping"):
            stopped = self._row.retries == "stopping"
            if stopped:
                await self._retries("off")
            await self._own_retry(None)
            return WallTime(world.clocks.wall() + LOOK_EVERY)
        await self._own_retry(there)
        now = world.clocks.wall()
        at = there.own_retry_at if there.retries_itself else None
        next_look = min(now + LOOK_EVERY, at + AFTER_OWN_RETRY) if at is not None else now + LOOK_EVERY
        return WallTime(max(next_look, now + STILL_OUT))

    async def _retries(self, retries: store.Retries) -> None:
        await self._write(lambda tx: store.set_retries(tx, self._row.merchant_id, self._row.invoice_key, retries))

    async def _own_retry(self, there: BilledInvoice | None) -> None:
        """The order keeps clear of it."""
        row = self._row
        at = there.own_retry_at if there is not None else None
        assert row.order_id is not None
        order_id, text = row.order_id, at.isoformat() if at is not None else None
        left = there.own_tries_left if there is not None else 0

        async def both(tx: Tx) -> None:
            await store.set_own_retry(tx, row.merchant_id, row.invoice_key, at)
            await store.set_own_retry_of_order(tx, row.merchant_id, order_id, text, left)

        await self._write(both)

    async def _after(self, there: BilledInvoice, order: Order) -> WallTime | None:
        """The rescue is over: the billing hears of money that it does not know, or gets its invoice back."""
        if order.attempt_in_flight() is not None:
            return WallTime(self._world.clocks.wall() + STILL_OUT)
        row, is_open = self._row, not there.is_paid and there.ended is None
        if order.stage is Stage.COMPLETED:
            if is_open:
                await self._billing.mark_paid(row.invoice, f"{row.invoice_key}.paid")
            elif not there.is_paid:  # paid otherwise, and closed there meanwhile
                await self._orders.run(invoice_closed, (order.merchant_id, order.order_id), self._scope)
            await self._ended("paid" if is_open or there.is_paid else there.ended or "paid")
            return None
        if is_open and order.reason == "payer_refused":  # nor is the payer charged by the billing
            if there.retries_itself:
                key = f"{row.invoice_key}.refused"
                await self._billing.set_own_retries(row.invoice, key, on=False)
        elif is_open and row.retries in ("stopping", "off", "starting"):
            await self._retries("starting")
            await self._billing.set_own_retries(row.invoice, f"{row.invoice_key}.on", on=True)
            await self._retries("given_back")
        await self._ended("paid_elsewhere" if there.is_paid else there.ended or "not_rescued")
        return None
