"""Changes that the sweep of a direct payment makes: intent, then outcome, under the settlement's
own id."""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.kernel.ids import new_id, wire_id
from recoup.kernel.problem import Problem
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.pace import ATTENTION_AFTER_TRIES, SEND_WITHIN, pause_after, pause_since
from recoup.orders.rules.amounts import text_like
from recoup.orders.rules.ledger import PAYABLE, Recipe
from recoup.orders.rules.snapshot import Settlement
from recoup.stablecoin.rules.channels import network_of

SETTLEMENT_STUCK: Final = "settlement_stuck"
SETTLEMENT_DELAYED: Final = "settlement_delayed"

# Direct money has reached the merchant's own wallet; the fee stays where the payment came in.
settled: Final = Recipe(
    "settled",
    PAYABLE,
    "clearing",
    "payout",
    wallet=True,
    files={"chain": "settlement"},
    words="sent to your own wallet",
)


def open_settlement(
    change: Change, settlement_id: UUID, again_after: timedelta
) -> Settlement | None:
    """Transaction A: it may be sent now. None when it is done with, or all sending is off. The same
    id may be sent again safely."""
    settlement = change.order.settlement(settlement_id)
    if settlement.state not in ("pending", "broadcast"):
        change.undue("settle", subject_id=settlement_id)
        return None
    if change.off_since:
        pause = pause_since(change.off_since, change.wall)
        change.due("settle", change.wall + pause, subject_id=settlement_id, wall=True)
        return None
    send_before = change.wall + SEND_WITHIN
    change.set_settlement(
        settlement, state="broadcast", tries=settlement.tries + 1, send_before=send_before
    )
    change.due("settle", send_before + again_after, subject_id=settlement_id, wall=True)
    return settlement


def replace_settlement(change: Change) -> Settlement | None:
    """Replaces a settlement that the channel refused for good, under an id that the channel has not
    decided about. None when there is none, or it is under way already.

    Raises: Problem(wrong_state) for an order that was never to be settled.
    """
    order = change.order
    if not order.settlements:
        raise Problem(
            "wrong_state", "Nothing of this order is to be settled.", "Look at its page again."
        )
    stuck = next((s for s in order.settlements if s.state == "stuck"), None)
    if stuck is None:
        return None
    settlement = replace(
        stuck,
        settlement_id=new_id(),
        state="pending",
        tries=0,
        send_before=None,
        business_at=change.now,
    )
    change.set_settlement(stuck, state="failed")
    change.fact("settlement_replaced", stuck.settlement_id, units=stuck.units)
    change.set_settlement(settlement)
    change.fact(
        "settlement_due", settlement.settlement_id, units=settlement.units, to=settlement.to_address
    )
    change.due("settle", change.wall, subject_id=settlement.settlement_id, wall=True)
    change.clear_attention(SETTLEMENT_STUCK)
    return settlement


def close_settlement(
    change: Change,
    settlement_id: UUID,
    state: str,
    *,
    tx_hash: str | None,
    code: str | None,
    network: str | None = None,
) -> str:
    """Transaction B. `state` as the channel said: approved; declined, which is for good and goes to
    the desk; whatever else is sent again, more and more seldom, until it is one of them. `network`:
    the one that the money moved on; by default the channel's."""
    settlement = change.order.settlement(settlement_id)
    if settlement.state != "broadcast":
        return settlement.state
    if state == "approved":
        _confirmed(change, settlement, tx_hash, network)
        return settlement.state
    if state == "declined":
        change.undue("settle", subject_id=settlement_id)
        change.set_settlement(settlement, state="stuck")
        change.raise_attention(SETTLEMENT_STUCK)
        change.fact("settlement_stuck", settlement_id, units=settlement.units, code=code)
        return settlement.state
    change.due(
        "settle", change.wall + pause_after(settlement.tries), subject_id=settlement_id, wall=True
    )
    if settlement.tries == ATTENTION_AFTER_TRIES:
        change.raise_attention(SETTLEMENT_DELAYED)
        change.fact("settlement_delayed", settlement_id, units=settlement.units)
    return settlement.state


def _confirmed(
    change: Change, settlement: Settlement, tx_hash: str | None, network: str | None
) -> None:
    order = change.order
    change.undue("settle", subject_id=settlement.settlement_id)
    change.set_settlement(settlement, state="confirmed", tx_hash=tx_hash)
    change.clear_attention(SETTLEMENT_DELAYED)
    channel = order.attempt(settlement.attempt_id).route or ""
    network = network or network_of(channel)
    settlement_body = {
        "settlement_id": wire_id("stl", settlement.settlement_id),
        "amount": text_like(settlement.units, settlement.asset, order.amount_text),
        "fee": text_like(settlement.fee_units, settlement.asset, order.amount_text),
        "to_address": settlement.to_address,
        "tx_hash": tx_hash,
        "network": network,
    }
    change.fact(
        "settled",
        settlement.settlement_id,
        event={"settlement": settlement_body},
        units=settlement.units,
        tx_hash=tx_hash,
        network=network,
        booked=Booked(settlement.settlement_id, [settled(settlement.units, channel)]),
    )
