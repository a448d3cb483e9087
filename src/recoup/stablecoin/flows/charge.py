"""POST /charges: an order and its payment are admitted, together with whatever else came in at that
moment.

The merchant's order id is the key: the same charge again is read, another one under the same id is
a conflict.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.db.table import hex_of
from recoup.kernel.encode import encode_sorted
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.money import Money
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.lists.folding import search_text
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.merchants.rules.blocks import check_not_blocked
from recoup.merchants.store.merchants import MerchantSettings
from recoup.orders.rules.amounts import amount_of, check_currency
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.store.intake import NewOrder
from recoup.orders.store.requests import find_request
from recoup.rescue.flows.admit import Admissions
from recoup.rescue.flows.places import INTAKE
from recoup.rescue.rules.pause import check_taking
from recoup.stablecoin.rules.channels import choose
from recoup.stablecoin.store.stable_orders import DOOR, StableOrder, stable_order

EXPIRES_IN: Final = timedelta(seconds=1800)
EXPIRES_IN_MIN: Final = timedelta(seconds=60)
EXPIRES_IN_MAX: Final = timedelta(seconds=86400)
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class StablecoinChargeRequest:
    """`amount` decimal text in `currency`; `channel` or `network`, or neither: the payer picks.
    `customer` is personal. `facts`: what is shown and given back (subject, description, metadata,
    return_url, cancel_url)."""

    merchant_order_id: str
    amount: str
    currency: str
    channel: str | None = None
    network: str | None = None
    customer: str | None = None
    expires_in: timedelta = EXPIRES_IN
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Charged:
    """`idempotent`: the order was there before."""

    order: StableOrder
    idempotent: bool


class Charges:
    """The charge flow, one a world and process: concurrent calls share the admission statement."""

    def __init__(self, world: World, merchants: Merchants) -> None:
        self._world, self._merchants = world, merchants
        self._admissions = Admissions(world)

    async def charge(self, scope: Scope, request: StablecoinChargeRequest) -> Charged:
        """Raises: Problem invalid, conflict, forbidden, blocked, unavailable."""
        amount = amount_of(request.amount, check_currency(request.currency))
        channel = choose(
            request.channel, request.network, request.currency, test=self._world.policy.test_mode
        )
        input_mac = self._mac(request, amount)
        for turn in range(_TRIES):
            settings = await self._merchants.get(scope.merchant_id)
            row = self._row(
                scope, settings, request, amount, channel.code if channel else "", input_mac
            )
            for complete in INTAKE:
                row = await complete(self._world, settings, row)
            # A subscription's next charge asks its customer to pay; a blocked customer's goes on
            # until it is canceled.
            blocked = {} if "subscription_id" in request.facts else settings.blocked
            shut = (
                settings.merchant.killed
                or settings.merchant.state == "paused"
                or row.payer_id in blocked
            )
            admitted = not shut and await self._admissions.admit(row, last=turn == _TRIES - 1)
            if admitted is None:
                continue
            if admitted:
                return Charged(_order_of(row, request), idempotent=False)
            seen = await self._seen(scope, request, input_mac)
            if seen:
                return Charged(seen, idempotent=True)
            check_taking(settings.merchant)
            check_not_blocked(blocked, row.payer_id)
            if shut:
                raise Problem(
                    "forbidden",
                    "This merchant takes no payments now.",
                    "Ask the operator; orders that exist can still be read.",
                    detail="merchant_suspended",
                )
            self._merchants.forget(scope.merchant_id)
        raise Problem(
            "unavailable",
            "Other calls are changing the order at the moment.",
            "Send it again in a second.",
            retry_after_seconds=1,
        )

    def _row(
        self,
        scope: Scope,
        settings: MerchantSettings,
        request: StablecoinChargeRequest,
        amount: Money,
        channel: str,
        input_mac: bytes,
    ) -> NewOrder:
        merchant, world, wall = settings.merchant, self._world, self._world.clocks.wall()
        now = merchant.business(wall)
        site = next((s for s in settings.sites if s.is_default), settings.sites[0])
        order_id, customer = new_id(), request.customer
        words = (request.merchant_order_id, customer, request.facts.get("subject"))
        event_body = {
            "merchant_order_id": request.merchant_order_id,
            "amount": request.amount,
            "currency": request.currency,
            "status": "created",
            "channel": channel,
        }
        return NewOrder(
            merchant_id=merchant.merchant_id,
            merchant_version=merchant.version,
            order_id=order_id,
            operation="charge",
            key=request.merchant_order_id,
            input_mac=hex_of(input_mac),
            answer={"order_id": order_id},
            door=DOOR,
            kind="stable",
            order_type="STABLE",
            source=channel,
            external_id=request.merchant_order_id,
            generation=1,
            site_id=site.site_id,
            descriptor=site.descriptor,
            asset=amount.asset,
            units=amount.units,
            amount_text=request.amount,
            placed_at=now,
            expires_at=now + request.expires_in,
            facts=request.facts,
            actor=scope.actor.text(),
            request_id=scope.request_id,
            recorded_at=wall,
            event_id=new_id(),
            event=event_body,
            subject_kind="stable_order",
            due_kind="expire",
            due_at=now + request.expires_in,
            attempt_id=new_id(),
            channel=channel or None,
            payer_id=customer_id(world, merchant.merchant_id, customer) if customer else None,
            payer_external_id=customer,
            search=search_text("", "", words),
            stage="received",
            happening="received",
            status=0,
        )

    async def _seen(
        self, scope: Scope, request: StablecoinChargeRequest, input_mac: bytes
    ) -> StableOrder | None:
        """The order as it stands now. Raises: Problem(conflict)."""
        stored = await find_request(
            self._world.db, scope.merchant_id, "charge", request.merchant_order_id
        )
        if stored is None:
            return None
        if stored.input_mac != input_mac:
            raise Problem(
                "conflict",
                "This merchant_order_id came before with another amount, currency or channel.",
                "Use a new merchant_order_id for a new charge.",
                field="merchant_order_id",
            )
        assert stored.subject_id
        return await stable_order(self._world.db, scope.merchant_id, stored.subject_id)

    def _mac(self, request: StablecoinChargeRequest, amount: Money) -> bytes:
        """MAC over what makes it another payment: amounts compare as numbers, texts and addresses
        do not count."""
        meant = [
            request.merchant_order_id,
            amount.units,
            amount.asset,
            request.channel,
            request.network,
        ]
        return self._world.keys.mac("charge", encode_sorted(meant))


def customer_id(world: World, merchant_id: UUID, customer: str) -> UUID:
    return world.keys.derived_id("payer", merchant_id.bytes, customer)


def _order_of(row: NewOrder, request: StablecoinChargeRequest) -> StableOrder:
    """The order that was just admitted, as a read would bring it."""
    assert row.attempt_id
    return filled(
        StableOrder,
        row,
        stage=Stage.RECEIVED,
        refunded_units=0,
        disputed=False,
        customer=request.customer,
        channel=row.source,
        attempt_state="planned",
        reference=None,
        paid_at=None,
    )
