"""An order that several attempts charge in parts: what each changes, and what becomes of them
without the rest."""

from collections.abc import Mapping
from typing import Any

from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.request import request_modification
from recoup.orders.moves.sandbox_disputes import schedule_test_dispute
from recoup.orders.rules import ledger
from recoup.orders.rules.snapshot import Attempt
from recoup.rescue.rules.amount import AMOUNT
from recoup.terms.rules.fees import fee_units


def collect_part(change: Change, attempt: Attempt) -> None:
    """A part was approved, the order goes on for the rest. The fee is taken once, with the end, of
    the sum."""
    order, route = change.order, attempt.route or ""
    change.fact(
        "part_collected",
        attempt.attempt_id,
        units=attempt.units,
        route=route,
        attempt=attempt.attempt_no,
        collected=order.collected_units,
        left=order.owed_units,
        booked=Booked(attempt.attempt_id, ledger.collected(attempt.units, route, 0)),
        **attempt.credential(),
    )


def end_without_rest(change: Change, happening: str, *, may_keep: bool = True, **body: Any) -> None:
    """The order's end by `happening`. What was collected in parts is owed back; or, where
    `may_keep` and its merchant wants that, the order is completed with it instead. Not while an
    attempt is out: what is approved of an order that was completed would be nobody's, so all of it
    goes back."""
    order = change.order
    parts = order.charges() if order.collected_units else []
    keeps = (
        may_keep
        and order.attempt_in_flight() is None
        and any(feature.keeps(order) for feature in AMOUNT)
    )
    if parts and keeps:
        keep_parts(change)
        return
    order.refunded_units += sum(part.units for part in parts)  # what the end's event says, too
    change.step(happening, **body)
    for part in parts:
        _owe_back(change, part)


def keep_parts(change: Change, **body: Any) -> None:
    """The order is worth what was collected in parts; no attempt is out. `body`: who brought the
    rest, for the log."""
    order, left = change.order, change.order.owed_units
    last = order.charges()[-1]
    order.units = order.collected_units
    taken = fee_units(order.units, order.tariff)
    change.step(
        "parts_kept",
        units=order.units,
        route=last.route,
        attempt=last.attempt_no,
        fee=taken,
        unpaid=left,
        by="part",
        booked=Booked(last.attempt_id, [ledger.fee(taken)] if taken else []),
        **order.tariff.log_details(),
        **body,
    )
    schedule_test_dispute(change, last)


def _owe_back(change: Change, part: Attempt) -> None:
    """The intent; its call and outcome follow as with any reversal."""
    reversal = request_modification(
        change, "reversal", part.attempt_id, part.units, text="the rest of the order never came"
    )
    change.fact(
        "part_owed_back",
        reversal.modification_id,
        units=part.units,
        attempt_id=part.attempt_id,
        booked=Booked(reversal.modification_id, [ledger.part_owed_back(part.units)]),
    )
    change.due("modification", change.wall, subject_id=reversal.modification_id, wall=True)


def reverse_late_approval(change: Change, attempt: Attempt, less: Mapping[str, Any]) -> None:
    """The order ended, then the processor approved its attempt: the money goes back.
    `less`: what was asked for, where less was approved."""
    reversal = request_modification(
        change,
        "reversal",
        attempt.attempt_id,
        attempt.units,
        text="approved after the order had ended",
    )
    change.fact(
        "approved_late",
        attempt.attempt_id,
        number=attempt.attempt_no,
        **{"units": attempt.units, **less},
        booked=Booked(
            attempt.attempt_id, [ledger.late_approval(attempt.units, attempt.route or "")]
        ),
    )
    change.due("modification", change.wall, subject_id=reversal.modification_id, wall=True)
