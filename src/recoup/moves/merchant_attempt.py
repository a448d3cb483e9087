"""What the merchant does with the same payment beside a rescue: noted, flagged, and counted where networks count it."""

from recoup.moves.change import Change
from recoup.moves.order_room import has_room
from recoup.moves.sends import lasting
from recoup.rules.network.codes import read_decline
from recoup.rules.order.attention import FOR_PEOPLE, PAID_TOO, RETRYING
from recoup.rules.order.lifecycle import OPEN
from recoup.store.read.transmissions import Transmission


def merchant_attempt(change: Change, row: Transmission, *, declined: bool, same_order: bool) -> None:
    """A decline of the same order counts as a send of its card; the copy of the one that started the rescue does not.

    A success under another order id is only flagged. Recorded once a transmission.
    """
    order = change.order
    first_copy = row.transaction_id and row.transaction_id == order.transaction_id
    seen = any(str(s["send_id"]) == str(row.transmit_id) for s in order.sends)
    if first_copy or seen or order.stage not in OPEN:
        return
    if declined and same_order:
        at = min(row.transacted_at or change.now, change.now)
        reading = read_decline(
            scheme=order.card.scheme if order.card else "generic",
            source=row.code_source,
            code=row.code,
            text=None,
            advice=None,
            on=at.date(),
            region=order.merchant.region,
        )
        change.send(
            row.transmit_id,
            units=row.units,
            currency=row.asset,
            at=at,
            state="sent",
            declined=True,
            scheme_code=reading.code,
            advice_code=reading.advice,
            visa_category=reading.visa_category,
            klass=reading.klass,
            lasting=lasting(order, reading, at),
            claimed=True,
        )
        change.raise_attention(RETRYING)
        if has_room(change):
            change.fact("merchant_attempt", transmit_id=row.transmit_id, code=row.code, declined=True)
    elif not declined and order.attention not in FOR_PEOPLE:
        change.raise_attention(PAID_TOO)
        if has_room(change):
            change.fact("merchant_attempt", transmit_id=row.transmit_id, external_id=row.external_id, declined=False)
