"""A mandate that its customer has revoked: kept with what said so, told to the merchant, and held
against every order that belongs to it. A new mandate opens it again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.certificates.rules.month_count import Excess
from recoup.db.pool import retrying
from recoup.db.statement import Read, Tx
from recoup.kernel.feature import FeatureDue
from recoup.kernel.scope import Scope as MerchantScope
from recoup.kit.world import World
from recoup.mandates.rules import (
    MandateChange,
    MandateInput,
    Scope,
    code_of,
    decide_by_mandate,
    scope_of,
    stopped_by,
)
from recoup.mandates.store import (
    OF_CARD,
    MandateRow,
    correct_mandates,
    note_mandates,
    open_orders_of,
    orders_of_card,
    revoked_card,
    stopped_orders,
)
from recoup.networks.codes import Reading
from recoup.networks.reasons import REVOKED
from recoup.networks.stops import ends_card, read_copy
from recoup.notifications.moves import alert
from recoup.orders.moves.change import Change, has_room
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey
from recoup.processors.rules.agreement import Agreement, agreement_of
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.feature_moves import Stop, end_if_stopped
from recoup.rescue.rules.order_evidence import last_reading
from recoup.rescue.store.transmissions import Touched, Transmission, orders_with_card

DUE: Final = FeatureDue("mandate")
SAME_MAX: Final = (
    100  # of one card: who says once more what so many say already adds nothing that decides
)
_STOPPED: Final[dict[str, Any]] = {"klass": "hard", "reason": REVOKED}


def note_revocation(
    change: Change,
    reading: Reading,
    source_id: UUID,
    at: datetime,
    agreement: Agreement | None = None,
) -> None:
    """Notes what a decline revokes, if it revokes anything: once for each source. `agreement`: what
    the source names, where it is not the order itself. Under the card's lock."""
    order, scope = change.order, scope_of(reading)
    known = any(change.change_id == source_id for change in order.facet(OF_CARD))
    if scope is None or known or order.pan_id is None or order.kind == "stable":
        return
    named, code = agreement or agreement_of(order.facts), code_of(reading)
    if _said_enough(order, named, scope):
        return
    change.rows.beside.append(
        (note_mandates, _row(change, source_id, named, at, kind="revoked", scope=scope, code=code))
    )
    change.due(DUE, change.wall, subject_id=source_id, wall=True)
    if not has_room(change):
        return
    change.fact(
        "mandate_revoked", source_id, scope=scope, code=code, subscription=named.subscription, at=at
    )
    facts: dict[str, Any] = {
        "order_id": str(order.order_id),
        "external_id": order.external_id,
        "scope": scope,
        "code": code,
        "subscription": named.subscription,
    }
    alert(
        change.rows, order.merchant_id, "mandate", order.order_id, order.version, facts, change.wall
    )


def note_consent(change: Change, attempt: Attempt) -> None:
    """An approved payment that its customer made is a new mandate, where one was revoked before.
    Under the card's lock."""
    if attempt.initiator == "customer" and attempt.sent_at is not None:
        named = Agreement(
            agreement_of(change.order.facts).subscription, attempt.network_transaction_id
        )
        _renew(change, attempt.attempt_id, named, attempt.sent_at)


def _renew(change: Change, source_id: UUID, named: Agreement, at: datetime) -> None:
    order = change.order
    if order.pan_id is None or order.kind == "stable":
        return
    revoked = [
        change.at for change in order.facet(OF_CARD) if change.kind == "revoked" and change.holds
    ]
    if not any(moment < at for moment in revoked):
        return
    if len([renewal for renewal in _renewals(order) if renewal.at > max(revoked)]) >= SAME_MAX:
        return
    change.rows.beside.append((note_mandates, _row(change, source_id, named, at, kind="renewed")))
    if has_room(change):
        change.fact("mandate_renewed", source_id, subscription=named.subscription, at=at)


def note_transmitted(change: Change, row: Transmission, *, declined: bool) -> None:
    """Notes what a payment that the merchant made itself with the order's card says of a mandate,
    once. `declined`: as it is known now. Under the card's lock."""
    order = change.order
    at = min(row.transacted_at or change.now, change.now)
    same_order = row.external_id == order.external_id
    subscription = row.facts.get("subscription")
    named = (
        Agreement(str(subscription))
        if subscription
        else agreement_of(order.facts)
        if same_order
        else Agreement()
    )
    if (
        declined
        and same_order
        and row.transaction_id
        and row.transaction_id == order.transaction_id
    ):
        return  # a copy of what started the rescue
    if declined:
        scheme, region = order.card.scheme if order.card else "generic", order.region()
        reading = read_copy(row.decline_code, row.facts, scheme=scheme, on=at.date(), region=region)
        if same_order or scope_of(reading) != "payment":
            note_revocation(change, reading, row.transmit_id, at, named)
    elif not any(change.change_id == row.transmit_id for change in order.facet(OF_CARD)):
        _renew(change, row.transmit_id, named, at)


async def close_revocation(tx: Tx, merchant_id: UUID, change_id: UUID) -> None:
    """Closes a revocation: what it stops has ended."""
    await write(tx, Rows(due_done=[DueKey(merchant_id, DUE, change_id)]))


def stop_of(change: Change) -> Stop | None:
    """The decision to end an order whose mandate is revoked; None where it stands, or the customer
    is there. Only under the card's lock."""
    order = change.order
    if order.initiator != "merchant":
        return None
    agreement, known = agreement_of(order.facts), order.facet(OF_CARD)
    revoked = stopped_by(agreement, known, order.order_id)
    if revoked is None:
        return None
    inputs = MandateInput.of(revoked, agreement, change.now)
    decision = decide_by_mandate(inputs)
    return Stop(
        decision,
        change.decide(decision, inputs.features()),
        replace(last_reading(order), **_STOPPED),
    )


def lifts(order: Order, stop_id: UUID) -> bool:
    """True when a customer's stop at the bank is about other agreements than the order's, or they
    have agreed anew. One from before mandates were kept stops whatever this merchant starts."""
    known = order.facet(OF_CARD)
    revoked = [change for change in known if change.change_id == stop_id]
    if not revoked:  # said again, it is what was kept before
        at = next((send.send.at for send in order.sends if send.send_id == stop_id), None)
        revoked = [
            change
            for change in known
            if change.kind == "revoked" and at is not None and change.at <= at
        ]
    renewals = [change for change in known if change.kind == "renewed"]
    return (
        bool(revoked)
        and stopped_by(agreement_of(order.facts), [*revoked, *renewals], order.order_id) is None
    )


async def stop_orders(world: World, orders: Orders, merchant_id: UUID, change_id: UUID) -> None:
    """Due work `mandate`: every order under way that belongs to what was revoked ends, one by one.
    Safe to run again; what is not found here is stopped when its attempt is due."""
    card = await revoked_card(world.db, merchant_id, change_id)
    order_ids: list[UUID] = []
    if card is not None:
        by_card = await orders_of_card(world.db, merchant_id, card.card_id) if card.card_id else []
        order_ids = await open_orders_of(world.db, merchant_id, by_card, card.payer_id, card.pan_id)
    for order_id in order_ids:
        await orders.run(end_if_stopped, (merchant_id, order_id), cards=True)
    async with world.db.transaction() as tx:
        await close_revocation(tx, merchant_id, change_id)


async def note_transmission(
    world: World,
    orders: Orders,
    row: Transmission,
    touched: list[Touched],
    scope: MerchantScope,
    declined: bool,
) -> None:
    """A payment that the merchant processed itself may say that a mandate was revoked, or be a new
    one; it is kept with the newest order of each card that it may be. Safe to run again, and with
    what it says now."""

    async def correct() -> None:
        async with world.db.transaction() as tx:
            await correct_mandates(
                tx, row.merchant_id, row.transmit_id, "revoked" if declined else "renewed"
            )

    await retrying(correct)
    if not (
        ends_card(row.decline_code, row.facts) if declined else not row.is_mit and row.units > 0
    ):
        return
    own = [order.order_id for order in touched if order.same_order and declined]
    for order_id in await orders_with_card(world.db, row, own):
        work = lambda change: note_transmitted(change, row, declined=declined)  # noqa: E731
        await orders.run(work, (row.merchant_id, order_id), scope, cards=True)


async def lifted_stops(
    db: Read, merchant_id: UUID, stopped: Sequence[tuple[Excess, str]]
) -> set[tuple[str, str]]:
    """Stops that were of another agreement, or after which the customer had agreed anew, when the
    send left."""
    orders = [UUID(send.order_id) for send, _ in stopped]
    rows = await stopped_orders(db, merchant_id, orders, [UUID(stop) for _, stop in stopped])
    known = {(str(row.order_id), str(row.stop_id)): row for row in rows}
    lifted = set()
    for send, stop in stopped:
        row = known.get((send.order_id, stop))
        if row is not None:
            revoked = [change for change in row.mandates if str(change.change_id) == stop]
            renewed = [
                change
                for change in row.mandates
                if change.kind == "renewed" and change.at <= send.at
            ]
            if stopped_by(agreement_of(row.facts), [*revoked, *renewed], row.order_id) is None:
                lifted.add((send.send_id, stop))
    return lifted


def _renewals(order: Order) -> list[MandateChange]:
    return [change for change in order.facet(OF_CARD) if change.kind == "renewed" and change.holds]


def _said_enough(order: Order, named: Agreement, scope: Scope) -> bool:
    """True when so many say the same since the card's newest mandate."""
    renewed = max((renewal.at for renewal in _renewals(order)), default=None)
    same = [
        change.at
        for change in order.facet(OF_CARD)
        if change.holds and (change.scope, change.agreement) == (scope, named)
    ]
    return sum(renewed is None or at > renewed for at in same) >= SAME_MAX


def _row(
    change: Change, source_id: UUID, named: Agreement, at: datetime, **more: Any
) -> MandateRow:
    order = change.order
    assert order.pan_id is not None
    return MandateRow(
        merchant_id=order.merchant_id,
        change_id=source_id,
        pan_id=order.pan_id,
        order_id=order.order_id,
        subscription=named.subscription,
        network_id=named.network_id,
        at=at,
        recorded_at=change.wall,
        **more,
    )
