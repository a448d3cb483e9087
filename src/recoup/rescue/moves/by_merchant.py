"""The merchant's own handling of the same payment beside a rescue: its attempts are counted, its
success ends it."""

from collections.abc import Callable
from typing import Final

from recoup.kernel.feature import Place
from recoup.networks.stops import read_copy
from recoup.orders.moves.change import Change, has_room
from recoup.orders.rules.attention import FOR_PEOPLE, PAID_TOO, PAID_TWICE, RETRYING
from recoup.orders.rules.lifecycle import OPEN, Stage, can
from recoup.orders.rules.snapshot import Order
from recoup.rescue.moves.capture import end_capturing, void_authorisation
from recoup.rescue.moves.charges import end_without_rest, keep_parts
from recoup.rescue.moves.send import claim_decline
from recoup.rescue.store.transmissions import Transmission


def merchant_attempt(
    change: Change, row: Transmission, *, declined: bool, same_order: bool
) -> None:
    """A decline of the same order counts as a send of its card; the copy of the one that started
    the rescue does not.

    A success under another order id is only flagged. Recorded once a transmission.
    """
    order = change.order
    if _is_counted(order, row) or order.stage not in OPEN:
        return
    if declined and same_order:
        count_decline(change, row)
        change.raise_attention(RETRYING)
        if has_room(change):
            change.fact(
                "merchant_attempt", transmit_id=row.transmit_id, code=row.code, declined=True
            )
    elif not declined and order.attention not in FOR_PEOPLE:
        change.raise_attention(PAID_TOO)
        if has_room(change):
            change.fact(
                "merchant_attempt",
                transmit_id=row.transmit_id,
                external_id=row.external_id,
                declined=False,
            )


def count_decline(change: Change, row: Transmission) -> None:
    """Counts the merchant's decline as a send of the order's card, once."""
    order = change.order
    if _is_counted(order, row):
        return
    at = min(row.transacted_at or change.now, change.now)
    scheme, region = order.card.scheme if order.card else "generic", order.region()
    reading = read_copy(row.decline_code, row.facts, scheme=scheme, on=at.date(), region=region)
    claim_decline(change, row.transmit_id, reading, at, units=row.units, currency=row.asset)


def _is_counted(order: Order, row: Transmission) -> bool:
    first_copy = row.transaction_id and row.transaction_id == order.transaction_id
    return bool(first_copy) or any(send.send_id == row.transmit_id for send in order.sends)


PAID_TO_MERCHANT = "paid to the merchant directly"
# A refund of all that is left of an order: why, and for whom.
GIVE_BACK: Final = Place[Callable[[Change, str, str], None]]("give_back")


def paid_elsewhere(change: Change, row: Transmission) -> None:
    """The merchant's own success ends the rescue; an order that is approved already is flagged
    instead. One that was advanced and not charged is taken back: its customer, who has paid the
    merchant, is not charged as well, and what nobody could collect is no loss of the operator's. Of
    an order that is collected in parts it may be the rest."""
    order, transmit_id = change.order, str(row.transmit_id)
    if order.advance is not None and order.advance.state != "charged":
        if order.refundable_units:
            change.fact("paid_twice", transmit_id=transmit_id, taken_back=True)
            for give_back in GIVE_BACK:
                give_back(change, PAID_TO_MERCHANT, "worker:transmit")
        return
    if order.stage is Stage.AUTHORISED and order.captured_units and order.capturing() is None:
        end_capturing(change)  # what was captured is paid twice, and no more is taken
    if _is_the_rest(order, row):
        keep_parts(change, transmit_id=transmit_id)
    elif can(order.stage, "paid_elsewhere") and order.capturing() is None:
        end_without_rest(change, "paid_elsewhere", may_keep=False, transmit_id=transmit_id)
        void_authorisation(change)
    elif (
        order.stage in (Stage.COMPLETED, Stage.AUTHORISED)
        and order.attention != PAID_TWICE
        and order.left_units
    ):
        change.raise_attention(PAID_TWICE)
        if has_room(change):
            change.fact("paid_twice", transmit_id=transmit_id)


def _is_the_rest(order: Order, row: Transmission) -> bool:
    """True when with this payment and what was collected in parts the customer has paid the order
    at most once. While an attempt is out that is not known: it may be for the same rest."""
    return (
        order.collected_units > 0
        and (row.asset, row.units <= order.owed_units) == (order.asset, True)
        and order.attempt_in_flight() is None
        and can(order.stage, "parts_kept")
    )


def not_paid_elsewhere(change: Change, transmit_id: str, *, same_order: bool) -> None:
    """The merchant's success was none after all. A rescue that it ended does not begin again."""
    why = PAID_TWICE if same_order else PAID_TOO
    if change.order.attention == why:
        change.clear_attention(why)
        if has_room(change):
            change.fact("merchant_attempt", transmit_id=transmit_id, declined=True, corrected=True)
