"""Attempt of a modification at the processor: what is committed before it leaves, and what follows
from the answer."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.disputes.moves.disputed import cancel_for_dispute
from recoup.kernel.ids import new_id
from recoup.networks.card_text import without_card
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.pace import (
    ATTENTION_AFTER_TRIES,
    NO_ROUTE_PAUSE,
    RESULT_WITHIN,
    SEND_WITHIN,
    pause_after,
    pause_since,
)
from recoup.orders.moves.request import renew
from recoup.orders.rules import ledger
from recoup.orders.rules.attention import ANSWER_DIFFERS, delayed, stuck
from recoup.orders.rules.snapshot import Modification
from recoup.rescue.moves import capture as captures

REFUND_FAILED: Final = "refund_failed"


def open_modification(
    change: Change,
    modification_id: UUID,
    timeout: timedelta,
    settled_after: timedelta,
    *,
    forgotten: bool,
) -> Modification | None:
    """Transaction A: the refund may be sent now, under its own id, or under another, which tells
    when it was first sent, where that one is too old for it (`forgotten`) and the processor cannot
    know it. None when nothing is left to send, or all sending is off."""
    modification = change.order.modification(modification_id)
    if modification.state not in ("owed", "sent"):
        change.undue("modification", subject_id=modification_id)
        return None
    if change.off_since is not None:
        pause = pause_since(change.off_since, change.wall)
        change.due("modification", change.wall + pause, subject_id=modification_id, wall=True)
        return None
    send_before = change.wall + SEND_WITHIN
    first = modification.state == "owed"
    if (
        forgotten and modification.never_left
    ):  # the key stays: a database that forgot has to come to it, too
        change.set_modification(modification, send_id=new_id(), send_key=modification.wire_key)
    change.set_modification(
        modification, state="sent", tries=modification.tries + 1, send_before=send_before
    )
    if first and modification.kind == "refund":
        change.fact("refund_sent", modification_id, units=modification.units)
    change.due(
        "modification", send_before + timeout + settled_after, subject_id=modification_id, wall=True
    )
    return modification


def close_modification(
    change: Change,
    modification_id: UUID,
    wire_id: UUID,
    state: str,
    *,
    reference: str | None,
    code: str | None,
    contradicts: bool = False,
    keeps_rest: bool = False,
    waits: bool = False,
) -> str:
    """Transaction B. `state` as the processor said of `wire_id`: approved, declined, unknown,
    not_sent, unprocessed, or received, whose result follows.

    Unprocessed is final for that id, of which a processor repeats its first response: the next try
    has another. `contradicts`: it spoke of another message, amount or currency. `keeps_rest`:
    behind a final part the processor holds what is left of it still. `waits`: it refuses our
    account, which does not mend by itself.
    """
    modification = change.order.modification(modification_id)
    if modification.state != "sent" or modification.wire_id != wire_id:
        return modification.state
    reference, code = (without_card(text, change.order.card) for text in (reference, code))
    if contradicts:
        raise_differing(change, modification)
    if state == "approved":
        done(change, modification, reference, code, keeps_rest=keeps_rest)
    elif state == "declined":
        _not_done(change, modification, state, code)
    else:
        if state == "unprocessed":
            renew(change, modification, unsent=modification.tries)
        elif state == "not_sent" and modification.unsent == modification.tries - 1:
            change.set_modification(modification, unsent=modification.tries)
        pause = NO_ROUTE_PAUSE if waits else pause_after(modification.tries)
        if state == "received":
            pause = RESULT_WITHIN
            change.set_modification(modification, reference=reference or modification.reference)
        change.due("modification", change.wall + pause, subject_id=modification_id, wall=True)
        if modification.tries == ATTENTION_AFTER_TRIES or waits and modification.tries == 1:
            change.raise_attention(delayed(modification.kind))
            change.fact(f"{modification.kind}_delayed", modification_id, units=modification.units)
    return modification.state


def raise_differing(change: Change, modification: Modification) -> None:
    """People shall look at it, once: the processor's words contradict each other, or what was asked
    for."""
    if change.raise_attention(ANSWER_DIFFERS):
        kind, units = f"{modification.kind}_delayed", modification.units
        change.fact(kind, modification.modification_id, units=units, why=ANSWER_DIFFERS)


def done(
    change: Change,
    modification: Modification,
    reference: str | None,
    code: str | None,
    *,
    keeps_rest: bool,
) -> None:
    """The processor has done it. `keeps_rest`: as `close_modification`."""
    change.undue("modification", subject_id=modification.modification_id)
    change.set_modification(modification, state="done", reference=reference, processor_code=code)
    clear_delay(change, modification)
    route = _route(change, modification)
    details: dict[str, Any] = {"units": modification.units, "reference": reference, "code": code}
    match modification.kind:
        case "refund":
            booked = Booked(
                modification.modification_id, [ledger.refund_done(modification.units, route)]
            )
            change.fact("refund_done", modification.modification_id, booked=booked, **details)
            change.paid_once()
        case "reversal":
            booked = Booked(
                modification.modification_id, [ledger.reversed_(modification.units, route)]
            )
            change.fact("reversed", modification.modification_id, booked=booked, **details)
        case "void":
            change.fact("voided", modification.modification_id, **details)
        case "capture":
            captures.captured(change, modification, keeps_rest=keeps_rest)


def _not_done(change: Change, modification: Modification, state: str, code: str | None) -> None:
    """A refusal of the processor. A capture may be requested again; all else waits for a person:
    the money stays owed."""
    change.undue("modification", subject_id=modification.modification_id)
    if modification.kind == "capture":
        change.set_modification(modification, state="refused", processor_code=code)
        clear_delay(change, modification)
        captures.refused(change, modification, code)
        return
    if cancel_for_dispute(change, modification):
        return
    change.set_modification(modification, state="stuck", processor_code=code)
    change.raise_attention(stuck(modification.kind))
    change.fact(
        f"{modification.kind}_stuck",
        modification.modification_id,
        units=modification.units,
        code=code,
        why=state,
    )


def _route(change: Change, modification: Modification) -> str:
    payment = next(
        (a for a in change.order.attempts if a.attempt_id == modification.attempt_id), None
    )
    return (payment.route if payment else None) or ""


def clear_delay(change: Change, modification: Modification) -> None:
    change.clear_attention(
        stuck(modification.kind), delayed(modification.kind), ANSWER_DIFFERS, REFUND_FAILED
    )
