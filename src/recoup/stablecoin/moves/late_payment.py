"""Money that pays no order: too late, too little or too much. Its channel gives it back, the
merchant keeps it, or settles it by hand."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.request import request_modification
from recoup.orders.rules.attention import delayed, stuck
from recoup.orders.rules.ledger import PAYABLE, Recipe
from recoup.orders.rules.refund_limits import BY_HAND, GIVE_BACK, KEEP, RefundApproval
from recoup.orders.rules.snapshot import Attempt, Modification, Order
from recoup.stablecoin.moves.payment import PAID_LATE
from recoup.stablecoin.rules.channels import CHANNELS

GIVEN_BACK = "Paid after the order's end: given back."
APPLIED: Final = "applied"  # the same of money that paid its order after all
PAID_AFTER_ALL: Final = "The rest came: it paid the order."
UNAPPLIED: Final = "unapplied_money"
# A late payment of a direct channel, which the merchant settled with its payer outside.
by_hand: Final = Recipe(
    "by_hand", "reversal_due", "clearing", words="settled with the customer by hand"
)
# Money that paid no order and was owed back: the merchant keeps it.
kept: Final = Recipe("kept", "reversal_due", PAYABLE, "amount", wallet=True, words="kept by you")
_AGAIN: Final = (stuck("reversal"), delayed("reversal"))


def pending(order: Order, act: str) -> list[Attempt]:
    """Late payments that `act` (give_back, keep or by_hand) would be done to. Empty when all of it
    is decided.

    Raises: Problem(wrong_state) when nothing came late, or its channel does not allow this.
    """
    late = _late(order)
    if act == GIVE_BACK:
        reversals = [(attempt, _reversal(order, attempt)) for attempt in late]
        rows = [
            attempt
            for attempt, reversal in reversals
            if reversal is None or reversal.state == "stuck"
        ]
    else:
        rows = [attempt for attempt in late if not is_decided(order, attempt)]
    returning = {code for code, channel in CHANNELS.items() if channel.supports_refund}
    here = [attempt.route in returning for attempt in rows]
    if act == BY_HAND and any(here):
        cure = "Give it back here; its channel sends it."
        raise Problem("wrong_state", "The money is here, with its channel.", cure)
    if act != BY_HAND and not all(here):
        cure = "Mark it as settled by hand."
        if act == GIVE_BACK:
            cure = "Send it back from your own wallet, then mark it as settled by hand."
        raise Problem("wrong_state", "This channel pays straight to your own wallet.", cure)
    return rows


def decide(
    change: Change, act: str, note: str, request: RefundApproval | None = None
) -> list[Modification]:
    """Does it to all that is pending. What is given back is owed to its payer from here on, and
    sent under the new row's id; what a channel refused for good is tried again. `request`: with a
    second person's agreement, under its id. Raises: as `pending`; Problem(forbidden) for what a
    person may not decide alone."""
    return _reverse(change, act, pending(change.order, act), note, request)


def _reverse(
    change: Change,
    act: str,
    rows: Iterable[Attempt],
    note: str,
    request: RefundApproval | None = None,
) -> list[Modification]:
    made: list[Modification] = []
    first: UUID | None = None
    for attempt in rows:
        before = _reversal(change.order, attempt)
        if before:
            change.set_modification(before, state="refused")
            change.fact("reversal_refused", before.modification_id, units=before.units)
        agreed: dict[str, Any] = {}
        if request:
            agreed = dict(actor=request.requested_by, approved_by=change.actor)
            agreed["modification_id"] = request.request_id if first is None else None
        reversal = request_modification(
            change,
            "reversal",
            attempt.attempt_id,
            attempt.units,
            text=note,
            piece_of=first,
            **agreed,
        )
        made.append(reversal)
        reversal_id, units = reversal.modification_id, reversal.units
        body: dict[str, Any] = dict(attempt_id=attempt.attempt_id, units=units)
        body |= {"with": first} if first else {}
        first = first or reversal_id
        if act == GIVE_BACK:
            change.fact("reversal_owed", reversal_id, **body)
            change.due("modification", change.wall, subject_id=reversal_id, wall=True)
            continue
        change.set_modification(reversal, state="done", processor_code=BY_HAND)
        posting = kept(units) if act == KEEP else by_hand(units, attempt.route or "")
        booked = Booked(reversal_id, [posting])
        change.fact("settled_by_hand", reversal_id, booked=booked, by_hand=act != KEEP, **body)
    if made:
        change.clear_attention(PAID_LATE, UNAPPLIED, *(_AGAIN if act == GIVE_BACK else ()))
    return made


def apply(change: Change, rows: Iterable[Attempt]) -> None:
    """Pays the order after all from what was to be given back, as the rest came in time."""
    _reverse(change, BY_HAND, rows, PAID_AFTER_ALL)
    for attempt in rows:
        change.set_attempt(attempt, processor_code=APPLIED)


def is_decided(order: Order, attempt: Attempt) -> bool:
    """True when somebody has decided what becomes of it."""
    return _reversal(order, attempt) is not None


def _late(order: Order) -> list[Attempt]:
    """Payments of a payer that came, but paid nothing. Raises: Problem(wrong_state) when there is
    none."""
    late = [
        a
        for a in order.attempts
        if a.initiator == "payer"
        and a.reference is not None
        and a.state not in ("approved", "declined")
        and a.asset == order.asset
    ]
    if not late:
        raise Problem(
            "wrong_state", "No payment came after this order's end.", "Nothing is to be given back."
        )
    return late


def _reversal(order: Order, attempt: Attempt) -> Modification | None:
    rows = (
        r
        for r in order.modifications
        if r.kind == "reversal" and r.attempt_id == attempt.attempt_id
    )
    return next((r for r in rows if r.state != "refused"), None)
