"""Changes by an order's deposits and sweeps, under its lock. Repeats change nothing: what is booked
already follows from the order's own rows.

| money | direct | custodial |
|---|---|---|
| pays the order | settles as the factory pays it | the merchant's balance |
| a little less, within tolerance | the same, and the merchant bears the rest | the same |
| the rest of it, later | the same | the same |
| more than asked for | settles with it; after the payment a case | owed back, a case |
| of an order that ended: too little, too late | owed back, a case | owed back, a case |
| another token | a case, and nothing is booked | the same |
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from recoup.chains.abi import to_hex
from recoup.chains.fold import Outcome
from recoup.chains.units import cent
from recoup.kernel.ids import new_id
from recoup.kernel.money import EXPONENTS
from recoup.orders.moves.change import Booked, Change
from recoup.orders.rules.ledger import PAYABLE, Recipe, late_approval
from recoup.orders.rules.lifecycle import ENDED, Stage
from recoup.orders.rules.snapshot import Attempt, Order, Settlement
from recoup.stablecoin.moves.late_payment import APPLIED, UNAPPLIED, apply, is_decided
from recoup.stablecoin.moves.payment import owe_settlement, parts_of, take_payment
from recoup.stablecoin.moves.sweep import SETTLEMENT_STUCK, close_settlement
from recoup.stablecoin.rules.channels import CHANNELS

UNEXPECTED: Final = "unexpected_money"
TAKEN_BACK: Final = "payment_taken_back"
# More than the order asked for, on a direct channel: it goes to the merchant's own wallet with the
# rest.
# Also what came of an accepted shortfall after all.
overpaid: Final = Recipe(
    "overpaid",
    "clearing",
    PAYABLE,
    "amount",
    wallet=True,
    files={"chain": "charge"},
    words="paid beyond the order",
)
UNEXPECTED_LADDER: Final = "unexpected"  # of the rows that stand for money which pays nothing
Units = Callable[[int], int]
"""Base units of the order's token as book units, rounded down."""


class Sweep(NamedTuple):
    """A confirmed payment of the factory, in the order of blocks. Base units of the order's
    token."""

    tx: bytes
    to_merchant: int
    to_treasury: int
    network: str


class Stray(NamedTuple):
    """A deposit of another token. `units` are book units of `asset`."""

    tx: bytes
    asset: str
    units: int


def follow(
    change: Change, attempt: Attempt, outcome: Outcome, units: Units, strays: Sequence[Stray]
) -> None:
    """What an order's deposits change."""
    order = change.order
    was_paid = attempt.state == "approved"
    if (
        outcome.paid_by
        and attempt.state not in ("approved", "declined")
        and (order.stage not in ENDED or order.stage is Stage.EXPIRED)
        and not any(is_decided(order, row) for row in _unexpected(order))
    ):
        apply(change, _unexpected(order))
        take_payment(
            change,
            attempt.attempt_id,
            approved=True,
            reference=to_hex(outcome.paid_by.tx),
            code=None,
            settles_to="",
            still_pays=True,
            short=max(order.units - units(outcome.received), 0),
        )
    elif order.stage not in ENDED:
        _show(change, attempt, outcome, units)
    _look_back(change, attempt, units(outcome.received))
    if attempt.state == "approved":
        _make_up(change, attempt, units(outcome.received), outcome.last_tx)
        _more(
            change,
            attempt,
            units(outcome.received) - order.units,
            outcome.last_tx,
            was_paid=was_paid,
        )
    elif order.stage in ENDED:
        why = "short" if outcome.received < outcome.due else "late"
        _owe_back(change, attempt, units(outcome.received), outcome.last_tx, why)
    for stray in strays:
        _note_stray(change, attempt, stray)


def _show(change: Change, attempt: Attempt, outcome: Outcome, units: Units) -> None:
    order, came = change.order, outcome.received + outcome.seen
    seen = units(came) >= min(_cent(order), order.units)
    if seen and order.stage is Stage.RECEIVED:
        change.step("started", channel=attempt.route)
    elif not seen and order.stage is Stage.PROCESSING and attempt.state == "planned":
        change.step("unseen", channel=attempt.route)


def _look_back(change: Change, attempt: Attempt, units: int) -> None:
    """Raises or clears attention. What is booked is never undone: a person hears of money that the
    chain took back, and of its coming again."""
    order, booked = change.order, _owed(change.order)
    if attempt.state == "approved":
        booked += attempt.units + _settles_more(order, attempt)
    if units < booked and order.attention != TAKEN_BACK:
        change.fact(
            "taken_back", attempt.attempt_id, units=booked - units, reference=attempt.reference
        )
        change.raise_attention(TAKEN_BACK)
    elif units >= booked and order.attention == TAKEN_BACK:
        change.fact("came_back", attempt.attempt_id, units=units, reference=attempt.reference)
        change.clear_attention(TAKEN_BACK)


def _resize(change: Change, settlement: Settlement, units: int, fee_units: int) -> None:
    """More came, or only a part went: what the chain pays is not always what was to be paid."""
    if (units, fee_units) != (settlement.units, settlement.fee_units):
        change.set_settlement(settlement, units=units, fee_units=fee_units)
        change.fact(
            "settlement_due", settlement.settlement_id, units=units, to=settlement.to_address
        )


def _under_way(order: Order) -> Settlement | None:
    """The settlement that is still to come: there is one at most, and the next sweep pays all of
    it."""
    return next(
        (
            settlement
            for settlement in order.settlements
            if settlement.state in ("pending", "broadcast", "stuck")
        ),
        None,
    )


def _settles_more(order: Order, attempt: Attempt) -> int:
    """The amount that settles, or has settled, beyond what paid the order."""
    charged = (
        attempt.units if int(order.facts["fee_units"]) < order.units else 0
    )  # nothing settles of an order that is all fee
    return max(
        sum(
            settlement.units + settlement.fee_units
            for settlement in order.settlements
            if settlement.state != "failed"
        )
        - charged,
        0,
    )


def _owed(order: Order) -> int:
    """The amount that came and paid nothing, whatever was decided about it."""
    return sum(row.units for row in _unexpected(order) if row.processor_code != APPLIED)


def _make_up(change: Change, attempt: Attempt, units: int, tx: bytes | None) -> None:
    """`units`: what came, in all. What was missing of the order when it was paid, and was
    accepted."""
    order, fee = change.order, int(change.order.facts["fee_units"])
    before, after = attempt.units, min(units, order.units)
    if after <= before:
        return
    change.set_attempt(attempt, units=after)
    _book(change, attempt, after - before, tx, short=order.short_units)
    if not _is_direct(attempt) or fee == order.units:
        return
    to_merchant, to_treasury = (
        now - then
        for now, then in zip(parts_of(order, after, fee), parts_of(order, before, fee), strict=True)
    )
    going = _under_way(order)
    if going:
        _resize(change, going, going.units + to_merchant, going.fee_units + to_treasury)
    elif to_merchant:
        owe_settlement(
            change, attempt.attempt_id, to_merchant, to_treasury, str(order.facts["settles_to"])
        )
    else:  # all of it is the treasury's: the merchant has had its part
        last = next(
            settlement for settlement in order.settlements if settlement.state == "confirmed"
        )
        change.set_settlement(last, fee_units=last.fee_units + to_treasury)


def _book(change: Change, attempt: Attempt, units: int, tx: bytes | None, **more: Any) -> None:
    source = new_id()
    change.fact(
        "overpaid",
        source,
        units=units,
        attempt=attempt.attempt_no,
        reference=tx and to_hex(tx),
        booked=Booked(source, [overpaid(units, attempt.route or "")]),
        **more,
    )


def _more(
    change: Change, attempt: Attempt, units: int, tx: bytes | None, *, was_paid: bool
) -> None:
    """`units`: what came beyond the order's amount, in all."""
    order = change.order
    if not _is_direct(attempt):
        _owe_back(change, attempt, units, tx, "more")
        return
    more = units - _settles_more(order, attempt)
    going = _under_way(order)
    least = 1 if going else _cent(order)  # less waits for more, or the next sweep
    if more < least or order.stage is not Stage.COMPLETED:
        return
    _book(change, attempt, more, tx)
    if going:
        _resize(change, going, going.units + more, going.fee_units)
    else:
        owe_settlement(change, attempt.attempt_id, more, 0, str(order.facts["settles_to"]))
    if was_paid and more >= _cent(order):
        change.raise_attention(UNEXPECTED)


def _owe_back(change: Change, attempt: Attempt, units: int, tx: bytes | None, why: str) -> None:
    """`units`: what came and pays nothing, in all. What of it is new stands in a row of its own
    from here on."""
    order = change.order
    owed = _owed(order)
    if units - owed < _cent(order):
        return
    row = _row(change, attempt, units - owed, order.asset, tx)
    change.fact(
        "paid_late",
        row.attempt_id,
        units=row.units,
        number=row.attempt_no,
        reference=row.reference,
        why=why,
        booked=Booked(row.attempt_id, [late_approval(row.units, row.route or "")]),
    )
    change.raise_attention(UNAPPLIED)


def _note_stray(change: Change, attempt: Attempt, stray: Stray) -> None:
    order, reference = change.order, to_hex(stray.tx)
    known = Counter(
        (row.reference, row.asset) for row in order.attempts if row.ladder == UNEXPECTED_LADDER
    )
    if known[reference, stray.asset]:
        return
    row = _row(change, attempt, stray.units, stray.asset, stray.tx)
    change.fact(
        "wrong_token", row.attempt_id, units=row.units, token=row.asset, reference=reference
    )
    change.raise_attention(UNEXPECTED)


def close_strays(change: Change, attempt: Attempt) -> None:
    """All that came of other tokens is swept: nobody has to look at it, unless money of the order's
    own came too."""
    order = change.order
    if (
        order.attention != UNEXPECTED
        or attempt.state == "approved"
        and _settles_more(order, attempt) >= _cent(order)
    ):
        return
    change.fact("wrong_token_swept", attempt.attempt_id)
    change.clear_attention(UNEXPECTED)


def _row(change: Change, attempt: Attempt, units: int, asset: str, tx: bytes | None) -> Attempt:
    order = change.order
    row = Attempt(
        attempt_id=new_id(),
        order_id=order.order_id,
        attempt_no=max(attempt.attempt_no for attempt in order.attempts) + 1,
        state="not_sent",
        ladder=UNEXPECTED_LADDER,
        due_at=change.now,
        units=units,
        asset=asset,
        initiator="payer",
        route=attempt.route,
        reference=to_hex(tx) if tx else "",
        closed_at=change.now,
    )
    change.set_attempt(row)
    return row


def _unexpected(order: Order) -> list[Attempt]:
    return [
        row
        for row in order.attempts
        if row.ladder == UNEXPECTED_LADDER and row.asset == order.asset
    ]


def _cent(order: Order) -> int:
    """Less makes no case by itself: anybody can send it."""
    return cent(EXPONENTS[order.asset])


def _is_direct(attempt: Attempt) -> bool:
    channel = CHANNELS.get(attempt.route or "")
    return channel is not None and channel.settlement == "direct"


def settled(change: Change, sweeps: Sequence[Sweep], units: Units) -> None:
    """Each sweep that paid the merchant is a settlement of its own, whoever called it; what is
    still to come is the one under way. A sweep of more than is booked waits for its deposits."""
    order = change.order
    known = Counter(
        settlement.tx_hash for settlement in order.settlements if settlement.state == "confirmed"
    )
    swept = 0
    for sweep in sweeps:
        paid = units(swept + sweep.to_merchant) - units(swept)
        swept += sweep.to_merchant
        tx = to_hex(sweep.tx)
        if not paid:
            continue
        if known[tx]:
            known[tx] -= 1
            continue
        going = _under_way(order)
        if going is None or going.units + going.fee_units < paid:
            return
        rest, fee = going.units - paid, min(units(sweep.to_treasury), going.fee_units)
        if rest > 0:
            rest_fee = going.fee_units - fee
            _resize(change, going, paid, fee)
            owe_settlement(change, going.attempt_id, rest, rest_fee, going.to_address)
        else:  # what the treasury has not got yet is its own affair
            _resize(change, going, paid, going.units + going.fee_units - paid)
        change.set_settlement(going, state="broadcast")
        close_settlement(
            change, going.settlement_id, "approved", tx_hash=tx, code=None, network=sweep.network
        )
        change.clear_attention(SETTLEMENT_STUCK)
