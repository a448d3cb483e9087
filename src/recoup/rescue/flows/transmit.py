"""/transmit: a copy of a payment that the merchant processed itself. It never starts a rescue; a
success ends one.

The merchant's own further declines count in the card's network limits; a success of the same payer,
card and amount under another order id is only flagged.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from recoup.db.coalesce import Coalescer
from recoup.db.pool import retrying
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.codes import code_of
from recoup.networks.stops import ends_card
from recoup.orders.moves.change import Change
from recoup.orders.store.due_work import end_look_at_transmission, look_at_transmission
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.places import AFTER_TRANSMISSION
from recoup.rescue.moves.by_merchant import (
    count_decline,
    merchant_attempt,
    not_paid_elsewhere,
    paid_elsewhere,
)
from recoup.rescue.moves.payer_looks import look_again_at
from recoup.rescue.rules.intake_warnings import COUNTS_AS_NOW, of_time
from recoup.rescue.store.transmissions import (
    ReportedTransmission,
    TransmittedPayment,
    add_transmissions,
    orders_with_card,
    read_transmission,
    touched_orders,
    update_transmission,
)


class Transmitted(TransmittedPayment):
    """A transmission, checked. `payer`: external_id, email, phone, name."""

    transaction_id: str
    currency: str
    payer: dict[str, str]
    facts: dict[str, Any]
    notes: tuple[str, ...] = ()  # codes of `intake_warnings`


class Transmit:
    """The /transmit flow, one a world and process."""

    def __init__(self, world: World, orders: Orders, merchants: Merchants) -> None:
        self._world, self._orders, self._merchants = world, orders, merchants
        self._adds: Coalescer[ReportedTransmission, bool] = Coalescer(self._add)

    async def transmit(
        self, scope: Scope, transmission: Transmitted, transmit_id: UUID | None = None
    ) -> tuple[UUID, tuple[str, ...]]:
        """The id by which it can be updated, and codes of `intake_warnings`. Answers when an open
        rescue that it touches knows of it.

        `transmit_id`: one that was made before; the same again stores nothing new.
        """
        known = self._merchants.known(scope.merchant_id) or await self._merchants.get(
            scope.merchant_id
        )
        merchant, wall = known.merchant, self._world.clocks.wall()
        payer, now = transmission.payer, merchant.business(wall)
        code = code_of(transmission.code_source, transmission.code)
        warnings = (*transmission.notes, *of_time(transmission.transacted_at, now))
        who = payer["external_id"] or payer["email"].lower()
        transmit_id = transmit_id or new_id()
        row = filled(
            ReportedTransmission,
            transmission,
            merchant_id=scope.merchant_id,
            transmit_id=transmit_id,
            asset=transmission.currency,
            transacted_at=now
            if COUNTS_AS_NOW.intersection(warnings)
            else transmission.transacted_at,
            payer_id=self._world.keys.derived_id("payer", scope.merchant_id.bytes, who)
            if who
            else None,
            received_at=wall,
            revokes=transmission.is_declined and ends_card(code, transmission.facts),
            email=payer["email"],
            phone=payer["phone"],
            name=payer["name"],
            payer_external_id=payer["external_id"],
            business_at=now,
        )
        if await self._adds.submit(row):
            await transmitted(self._world, self._orders, scope.merchant_id, transmit_id, scope)
        return transmit_id, warnings

    async def update(self, scope: Scope, transmit_id: UUID, outcome: dict[str, Any]) -> None:
        """Raises: Problem(not_found) for an unknown key."""
        merchant = (await self._merchants.get(scope.merchant_id)).merchant
        wall = self._world.clocks.wall()

        async def once() -> bool:
            async with self._world.db.transaction() as tx:
                turned = await update_transmission(
                    tx, scope.merchant_id, transmit_id, outcome, wall
                )
                if turned is None:
                    raise Problem(
                        "not_found",
                        "There is no such transmission.",
                        field="TransmitId",
                        cure="Use the transmitId that /transmit answered.",
                    )
                if turned:
                    row = await read_transmission(tx, scope.merchant_id, transmit_id)
                    if row is not None and row.payer_id is not None:
                        await look_again_at(tx, scope.merchant_id, row.payer_id, wall)
                    await look_at_transmission(
                        tx, scope.merchant_id, transmit_id, merchant.business(wall)
                    )
            return turned

        turned = await retrying(once)
        if turned:
            await transmitted(self._world, self._orders, scope.merchant_id, transmit_id, scope)

    async def _add(self, rows: Sequence[ReportedTransmission]) -> list[bool]:
        async def once() -> dict[UUID, bool]:
            return await add_transmissions(self._world.db.alone, rows)

        linked = await retrying(once)
        return [linked[row.transmit_id] for row in rows]


async def transmitted(
    world: World, orders: Orders, merchant_id: UUID, transmit_id: UUID, scope: Scope
) -> None:
    """Due work `transmission`: what it means for rescues. Safe to run again."""
    row = await read_transmission(world.db, merchant_id, transmit_id)
    assert row is not None
    declined = row.outcome.get("is_declined", row.is_declined)
    touched = await touched_orders(world.db, row, declined=declined)
    for order_id, same_order, already in touched:
        if already == ("declined" if declined else "paid"):
            continue

        def work(
            change: Change, same_order: bool = same_order, already: str | None = already
        ) -> None:
            if not declined and same_order:
                paid_elsewhere(change, row)
            elif already == "paid":
                not_paid_elsewhere(change, str(transmit_id), same_order=same_order)
            else:
                merchant_attempt(change, row, declined=declined, same_order=same_order)

        await orders.run(work, (merchant_id, order_id), scope, cards=True)
    if declined and ends_card(row.decline_code, row.facts):
        for order_id in await orders_with_card(
            world.db, row, [order.order_id for order in touched if order.same_order]
        ):
            await orders.run(
                lambda change: count_decline(change, row),
                (merchant_id, order_id),
                scope,
                cards=True,
            )
    for hears in AFTER_TRANSMISSION:
        await hears(world, orders, row, touched, scope, declined)
    await end_look_at_transmission(world.db.alone, merchant_id, transmit_id, row.updated_at)
