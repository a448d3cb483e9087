"""The customer of an advanced order is charged what is still due, by a plan of its own; what is
left is bad debt."""

from datetime import datetime, timedelta
from uuid import UUID

from recoup.kernel.policy import Policy
from recoup.kit.slots import offset_minutes
from recoup.networks import whys
from recoup.networks.codes import Reading
from recoup.networks.limits import Allowed, Refused
from recoup.orders.moves.change import Booked, Change
from recoup.orders.moves.pace import NO_ROUTE_PAUSE, pause_since
from recoup.orders.moves.sandbox_disputes import schedule_test_dispute
from recoup.orders.rules import ledger
from recoup.orders.rules.attention import CHARGE_CLAIMED, CHARGE_UNKNOWN, REQUEST_REFUSED
from recoup.orders.rules.snapshot import Advance, Attempt, Modification
from recoup.rescue.moves.plan import ask_by_hand, gate_answer, next_attempt, tell_plan
from recoup.rescue.moves.send import PickRoute, gate_input, send_intent
from recoup.rescue.rules.charge import ChargeInput
from recoup.rescue.rules.charge import plan_charge as decide_charge
from recoup.rescue.rules.gate import ask_gate, gate
from recoup.rescue.rules.order_evidence import last_reading
from recoup.rescue.rules.route_by_worth import choose_route
from recoup.terms.rules.collection import COLLECTION_POLICIES

PURPOSE = "collect"
KILLED_PAUSE = timedelta(days=1)
CLAIMED_WAIT = timedelta(
    days=7
)  # longer than this, no merchant's report keeps a charge back unseen
DOUBLINGS_MAX = 10  # of the pause between charges that cannot be sent, in minutes


def plan_charge(change: Change, reading: Reading) -> None:
    """The next charge as an intent that is shown before it happens; without one what is due is
    written off."""
    order, advance = change.order, change.order.collecting()
    if advance is None:
        return
    sent = [
        a.sent_at
        for a in order.attempts
        if a.ladder == PURPOSE and a.sent_at and a.state != "not_sent"
    ]
    inputs = ChargeInput(
        reading,
        advance.due_units,
        order.asset,
        len(sent),
        max([advance.started_at, *sent]),
        change.now,
        advance.until,
        order.facts.get("utc_offset", offset_minutes(None, None)),
    )
    decision = decide_charge(inputs, COLLECTION_POLICIES[advance.policy])
    decision_id = change.decide(decision, inputs.features())
    if decision.next_attempt_at is None:
        write_off(change, decision.reasons[1], decision_id=decision_id)
    else:
        _plan(change, decision.next_attempt_at, decision_id=decision_id, came_from=decision_id)


def _plan(
    change: Change,
    due: datetime,
    why: str | None = None,
    *,
    decision_id: UUID | None = None,
    came_from: UUID | None,
) -> None:
    """`decision_id`: why its time is what it is, where that was decided; `came_from`: why there is
    a charge at all."""
    order, advance = change.order, change.order.collecting()
    assert advance is not None
    attempt = order.planned() or next_attempt(order, PURPOSE, due, advance.due_units, "merchant")
    change.set_attempt(attempt, due_at=due, units=advance.due_units, decision_id=came_from)
    order.next_attempt_at = due
    change.fact(
        "charge_planned",
        attempt.attempt_id,
        decision_id=decision_id,
        number=attempt.attempt_no,
        units=attempt.units,
        next=due,
        until=advance.until,
        policy=advance.policy,
        why=why,
    )
    change.due("collect", due)
    tell_plan(change, due)


def bring_forward(change: Change, policy: Policy, why: str) -> bool:
    """The planned charge is due now. False where none is planned. Under the card's lock."""
    planned = change.order.planned()
    if change.order.collecting() is None or planned is None:
        return False
    _, decision_id = ask_by_hand(change, "charge_now", gate_answer(change, policy, planned))
    _plan(change, change.now, why, decision_id=decision_id, came_from=decision_id)
    return True


def open_charge(change: Change, policy: Policy, pick: PickRoute) -> Attempt | None:
    """Transaction A: the charge that may be sent now, or None: then the order says why, or has
    other work due."""
    order, advance, attempt = change.order, change.order.collecting(), change.order.planned()
    change.undue("collect")
    if advance is None or attempt is None or order.attempt_in_flight() is not None:
        return None
    if attempt.due_at > change.now:
        change.due("collect", attempt.due_at)
        return None
    if change.now >= advance.until:
        write_off(change, whys.COLLECTION_OVER)
        return None
    if order.merchant.killed:
        why = whys.KILL_SWITCH
        _wait(change, attempt, change.now + KILLED_PAUSE, why)
        return None
    if change.off_since is not None:
        _wait(
            change,
            attempt,
            change.now + pause_since(change.off_since, change.wall),
            whys.SENDING_OFF,
        )
        return None
    route = pick(change, attempt)
    if route.name is None:
        decision_id = change.decide(choose_route(route.inputs), route.inputs.features())
        _wait(change, attempt, change.now + NO_ROUTE_PAUSE, whys.NO_ROUTE, decision_id=decision_id)
        return None
    inputs = gate_input(
        order,
        change.now,
        policy.visa_limit,
        attempt.initiator,
        units=attempt.units,
        acceptor_id=route.acceptor_id,
        region=route.region,
    )
    answer = ask_gate(inputs)
    if isinstance(answer, Refused):
        decision_id = change.decide(gate(inputs), inputs.features())
        without_claims = gate_input(
            order,
            change.now,
            policy.visa_limit,
            attempt.initiator,
            units=attempt.units,
            claims=False,
            acceptor_id=route.acceptor_id,
            region=route.region,
        )
        _refused(change, attempt, answer, ask_gate(without_claims), decision_id)
        return None
    send_intent(change, attempt, policy, route, units=attempt.units)
    return attempt


def _refused(
    change: Change,
    attempt: Attempt,
    refused: Refused,
    without_claims: Allowed | Refused,
    decision_id: UUID,
) -> None:
    """Handles a charge that the gate refuses. `without_claims`: the answer without what the
    merchant reports. Where only its reports keep the charge back for long, the order needs
    attention; they alone write nothing off before the plan's end."""
    advance = change.order.collecting()
    assert advance is not None
    soon = min(change.now + CLAIMED_WAIT, advance.until)
    by_claims = not _free_by(refused, soon) and _free_by(without_claims, soon)
    if by_claims and change.order.attention != CHARGE_CLAIMED:
        change.raise_attention(CHARGE_CLAIMED)
        change.fact("warned", why=CHARGE_CLAIMED)
    until = advance.until if by_claims and refused.until is None else refused.until
    why = CHARGE_CLAIMED if by_claims else refused.why
    _wait(change, attempt, until, why, decision_id=decision_id)


def _free_by(answer: Allowed | Refused, moment: datetime) -> bool:
    return isinstance(answer, Allowed) or answer.until is not None and answer.until < moment


def _wait(
    change: Change,
    attempt: Attempt,
    until: datetime | None,
    why: str,
    *,
    decision_id: UUID | None = None,
) -> None:
    """Puts the charge off: it is not sent before; at the end of the plan's time what is due is
    written off all the same."""
    advance = change.order.collecting()
    assert advance is not None
    if until is None:
        write_off(change, why, decision_id=decision_id)
    else:
        _plan(
            change,
            min(until, advance.until),
            why,
            decision_id=decision_id,
            came_from=attempt.decision_id,
        )


def charged(change: Change, attempt: Attempt) -> None:
    """The customer has paid. Refunds that waited for the answer go back to them now."""
    advance = change.order.collecting()
    assert advance is not None
    assert advance.due_units == attempt.units
    change.clear_attention(CHARGE_UNKNOWN, CHARGE_CLAIMED)
    change.set_advance(advance, due_units=0, state="charged")
    change.undue("write_off")
    change.fact(
        "charged",
        attempt.attempt_id,
        units=attempt.units,
        route=attempt.route,
        attempt=attempt.attempt_no,
        booked=Booked(attempt.attempt_id, [ledger.charge(attempt.units, attempt.route or "")]),
    )
    schedule_test_dispute(change, attempt)
    for refund in _waiting(change):
        change.due("modification", change.wall, subject_id=refund.modification_id, wall=True)


def not_charged(
    change: Change,
    reading: Reading | None = None,
    *,
    elsewhere: bool = False,
    token_gone: bool = False,
    refused: str | None = None,
) -> None:
    """Declined, or proved not to be sent (then without a reading): refunds that waited lessen what
    is due, and the rest is planned again or written off. `elsewhere`: another route stands ready,
    or the card's number, so nothing waits. `token_gone`: the decline speaks of a token alone, so
    the card is charged at once. `refused`: why the request was wrong; without another route a
    person decides, or it is written off at the end of its plan."""
    change.clear_attention(CHARGE_UNKNOWN, CHARGE_CLAIMED)
    for refund in _waiting(change):
        net(change, refund)
    if change.order.collecting() is None:
        return
    if token_gone:
        gone = change.order.attempts[-1]
        _plan(change, change.now, whys.CARD_INSTEAD, came_from=gone.decision_id)
        return
    if reading is not None:
        plan_charge(change, reading)
        return
    tried = [a for a in change.order.attempts if a.ladder == PURPOSE and a.route]
    failed = next((n for n, a in enumerate(reversed(tried)) if a.state != "not_sent"), len(tried))
    last = tried[-1] if tried else None
    advance = change.order.advance
    assert advance is not None
    if not failed:
        plan_charge(change, last_reading(change.order))  # the customer's own try never left
        return
    pause = timedelta(0) if elsewhere else timedelta(minutes=2 ** min(failed, DOUBLINGS_MAX))
    due = change.now + pause
    if refused is not None and not elsewhere:
        change.raise_attention(REQUEST_REFUSED)
        _plan(change, advance.until, refused, came_from=last.decision_id if last else None)
    elif due >= advance.until:
        write_off(change, whys.COLLECTION_OVER)
    else:
        _plan(change, due, whys.CHARGE_NOT_SENT, came_from=last.decision_id if last else None)


def write_off(change: Change, why: str, *, decision_id: UUID | None = None) -> None:
    """Writes off what is still due: the operator's bad debt from here on. `decision_id`: of what
    was decided, not of time."""
    advance = change.order.collecting()
    if advance is None:
        return
    units = advance.due_units
    change.clear_attention(CHARGE_CLAIMED)
    _drop_plan(change)
    change.set_advance(advance, due_units=0, state="uncollected")
    order_id = change.order.order_id
    change.fact(
        "uncollected",
        order_id,
        decision_id=decision_id,
        units=units,
        why=why,
        booked=Booked(order_id, [ledger.uncollected(units)]),
    )


def end_collection(change: Change) -> None:
    """Due work `write_off`. A charge that is out is waited for; its answer ends it."""
    advance = change.order.collecting()
    if advance is None:
        change.undue("write_off")
    elif change.now < advance.until:
        change.due("write_off", advance.until)
    elif change.order.attempt_in_flight() is None:
        write_off(change, whys.COLLECTION_OVER)


def refund_uncharged(change: Change, refund: Modification, advance: Advance) -> None:
    """A refund of what its customer was not charged: they will not be; a charge that is out decides
    it; what they never paid lessens the bad debt."""
    if advance.state == "uncollected":
        change.set_modification(refund, state="netted")
        change.fact(
            "refund_of_bad_debt",
            refund.modification_id,
            units=refund.units,
            number=refund.modification_no,
            booked=Booked(refund.modification_id, [ledger.refund_of_bad_debt(refund.units)]),
        )
        change.paid_once()
    elif change.order.attempt_in_flight() is None:
        net(change, refund)


def net(change: Change, refund: Modification) -> None:
    """The due charge is reduced, or cancelled when nothing is due any more."""
    advance = change.order.collecting()
    assert advance is not None
    due = advance.due_units - refund.units
    change.set_modification(refund, state="netted")
    change.set_advance(advance, due_units=due, state="due" if due else "netted")
    if not due:
        change.clear_attention(CHARGE_CLAIMED)
        _drop_plan(change)
    elif (planned := change.order.planned()) is not None:
        change.set_attempt(planned, units=due)
    change.fact(
        "refund_netted",
        refund.modification_id,
        units=refund.units,
        number=refund.modification_no,
        due=due,
        booked=Booked(refund.modification_id, [ledger.refund_netted(refund.units)]),
    )


def raise_uncollected(change: Change) -> None:
    """A charge is out for too long: the order needs attention, once."""
    if change.order.collecting() is not None and change.order.attention != CHARGE_UNKNOWN:
        change.raise_attention(CHARGE_UNKNOWN)
        change.fact("warned", why=CHARGE_UNKNOWN)


def _waiting(change: Change) -> list[Modification]:
    return [r for r in change.order.modifications if r.kind == "refund" and r.state == "owed"]


def _drop_plan(change: Change) -> None:
    attempt = change.order.planned()
    if attempt is not None:
        change.set_attempt(attempt, state="not_sent")
    change.order.next_attempt_at = None
    change.undue("collect")
    change.undue("write_off")
