"""A mandate that its customer has revoked: kept with what said so, told to the merchant, and held against every order
that belongs to it. A new mandate opens it again."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.moves.attempt.plan import follow
from recoup.moves.change import Change
from recoup.moves.message.alert import alert
from recoup.moves.order.amendment import has_room
from recoup.rules.network.codes import Reading, read_decline
from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.mandates import (
    Agreement,
    MandateChange,
    Scope,
    agreement_of,
    code_of,
    scope_of,
    stopped_by,
)
from recoup.rules.order.snapshot import Attempt, Order
from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.mandate import MandateInput, decide_by_mandate
from recoup.rules.rescue.order_evidence import last_reading
from recoup.store.orders.changes import Rows, write
from recoup.store.orders.rows import DueKey, MandateRow
from recoup.store.orders.transmissions import Transmission
from recoup.store.statement import Tx

SAME_MAX: Final = 100  # of one card: who says once more what so many say already adds nothing that decides
_STOPPED = frozenset({Stage.PROCESSING, Stage.HELD, Stage.PROBLEM})


def note_revocation(
    change: Change, reading: Reading, source_id: UUID, at: datetime, agreement: Agreement | None = None
) -> None:
    """What a decline revokes, if it revokes anything: once for each source. `agreement`: what the source names, where
    it is not the order itself. Under the card's lock."""
    order, scope = change.order, scope_of(reading)
    known = any(one.change_id == source_id for one in order.mandates)
    if scope is None or known or order.pan_id is None or order.kind == "stable":
        return
    named, code = agreement or agreement_of(order.facts), code_of(reading)
    if _said_enough(order, named, scope):
        return
    change.rows.mandate_changes.append(_row(change, source_id, named, at, kind="revoked", scope=scope, code=code))
    change.due("mandate", change.wall, subject_id=source_id, wall=True)
    if not has_room(change):
        return
    change.fact("mandate_revoked", source_id, scope=scope, code=code, subscription=named.subscription, at=at)
    facts: dict[str, Any] = {
        "order_id": str(order.order_id),
        "external_id": order.external_id,
        "scope": scope,
        "code": code,
        "subscription": named.subscription,
    }
    alert(change.rows, order.merchant_id, "mandate", order.order_id, order.version, facts, change.wall)


def note_consent(change: Change, attempt: Attempt) -> None:
    """An approved payment that its customer made is a new mandate, where one was revoked before. Under the card's
    lock."""
    if attempt.initiator == "customer" and attempt.sent_at is not None:
        named = Agreement(agreement_of(change.order.facts).subscription, attempt.network_transaction_id)
        _renew(change, attempt.attempt_id, named, attempt.sent_at)


def _renew(change: Change, source_id: UUID, named: Agreement, at: datetime) -> None:
    order = change.order
    if order.pan_id is None or order.kind == "stable":
        return
    revoked = [one.at for one in order.mandates if one.kind == "revoked" and one.holds]
    if not any(one < at for one in revoked):
        return
    if len([one for one in _renewals(order) if one.at > max(revoked)]) >= SAME_MAX:
        return
    change.rows.mandate_changes.append(_row(change, source_id, named, at, kind="renewed"))
    if has_room(change):
        change.fact("mandate_renewed", source_id, subscription=named.subscription, at=at)


def note_transmitted(change: Change, row: Transmission, *, declined: bool) -> None:
    """What a payment that the merchant made itself with the order's card says of a mandate, once. `declined`: as it is
    known now. Under the card's lock."""
    order = change.order
    at = min(row.transacted_at or change.now, change.now)
    same_order = row.external_id == order.external_id
    subscription = row.facts.get("subscription")
    named = Agreement(str(subscription)) if subscription else agreement_of(order.facts) if same_order else Agreement()
    if declined and same_order and row.transaction_id and row.transaction_id == order.transaction_id:
        return  # a copy of what started the rescue
    if declined:
        scheme, region = order.card.scheme if order.card else "generic", order.merchant.region
        reading = read_decline(
            scheme=scheme, source=row.code_source, code=row.code, text=None, advice=None, on=at.date(), region=region
        )
        note_revocation(change, reading, row.transmit_id, at, named)
    elif not any(one.change_id == row.transmit_id for one in order.mandates):
        _renew(change, row.transmit_id, named, at)


async def close_revocation(tx: Tx, merchant_id: UUID, change_id: UUID) -> None:
    """What it stops has ended."""
    rows = Rows()
    rows.due_done.append(DueKey(merchant_id, "mandate", change_id))
    await write(tx, rows)


def decide_stop(change: Change) -> tuple[Decision, UUID] | None:
    """The decision to end an order whose mandate is revoked, and the id it is stored under; None where it stands, or
    the customer is there. Only under the card's lock."""
    order = change.order
    if order.initiator != "merchant":
        return None
    agreement = agreement_of(order.facts)
    revoked = stopped_by(agreement, order.mandates)
    if revoked is None:
        return None
    inputs = MandateInput.of(revoked, change.now, same_named=_is_named(agreement, revoked.agreement))
    decision = decide_by_mandate(inputs)
    return decision, change.decide(decision, inputs.features())


def stop_by_mandate(change: Change) -> bool:
    """Whether the order ends, or has ended, for a revoked mandate. What is out and turns out approved is reversed. One
    that nobody has looked at yet ends when it is picked up."""
    order = change.order
    if order.stage not in _STOPPED or not is_counted(order):
        return False
    stop = decide_stop(change)
    if stop is None:
        return False
    follow(change, *stop, last_reading(order))
    return True


def is_counted(order: Order) -> bool:
    """Whether the decline that came in stands among the card's sends: then the order was started before. Only then may
    another card have taken its place."""
    return bool(order.cards_before) or any(one.send_id == order.order_id for one in order.sends)


def _renewals(order: Order) -> list[MandateChange]:
    return [one for one in order.mandates if one.kind == "renewed" and one.holds]


def _said_enough(order: Order, named: Agreement, scope: Scope) -> bool:
    """Whether so many say the same since the card's newest mandate."""
    renewed = max((one.at for one in _renewals(order)), default=None)
    same = [one.at for one in order.mandates if one.holds and (one.scope, one.agreement) == (scope, named)]
    return sum(renewed is None or at > renewed for at in same) >= SAME_MAX


def _row(change: Change, source_id: UUID, named: Agreement, at: datetime, **more: Any) -> MandateRow:
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


def _is_named(one: Agreement, other: Agreement) -> bool:
    if one.subscription is not None and other.subscription is not None:
        return True
    return one.network_id is not None and one.network_id == other.network_id
