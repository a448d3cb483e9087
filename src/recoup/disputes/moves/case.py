"""Changes that a dispute makes to its order: the case, the money, the card, the deadline. The
caller holds order and card.

Money is booked by rounds: taken, and given back when won; a case that goes on after it was won is a
new round.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from recoup.disputes.moves.disputed import (
    REFUND_NOT_SENT,
    beyond,
    cancel_refunds_for_dispute,
    owe_reversal_again,
)
from recoup.kernel.ids import new_id
from recoup.kit.local_time import next_reminder, reminder_due
from recoup.networks import whys
from recoup.networks.dispute_reasons import reason_of
from recoup.networks.disputes import (
    AT_ITS_STAGE,
    WARN_BEFORE,
    Case,
    DisputeNotice,
    Refused,
    Terms,
    fee_for_merchant,
    follow,
    left_of,
    liable,
    terms_at,
)
from recoup.notifications.moves import alert
from recoup.orders.moves.change import Booked, Change
from recoup.orders.rules.attention import LATE, of_dispute
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.ledger import PAYABLE, Posting, Recipe
from recoup.orders.rules.lifecycle import Stage, can
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.outside.inbound import Notice
from recoup.rescue.moves.capture import end_capturing
from recoup.rescue.moves.charges import keep_parts

REFUNDED_BEFORE: Final = "refunded_before_dispute"
REASON_UNKNOWN: Final = "dispute_reason_unknown"
ANSWER_DELAYED: Final = "dispute_answer_delayed"
ANSWER_REFUSED: Final = "dispute_answer_refused"
ACCOUNTS: Final = {"dispute_loss": "Losses by disputes", "dispute_cost": "Costs of disputes"}
DISPUTED: Final = Recipe(
    "disputed",
    PAYABLE,
    "clearing",
    "dispute",
    files={"processor": "dispute"},
    words="taken back by the cardholder's bank",
)
DISPUTE_WON: Final = Recipe(
    "dispute_won",
    "clearing",
    PAYABLE,
    "dispute",
    files={"processor": "dispute_won"},
    words="came back: the dispute was won",
)
# The acquirer takes it for a case, and does not give it back; the merchant pays its own by
# contract.
dispute_fee: Final = Recipe(
    "dispute_fee",
    "dispute_cost",
    "clearing",
    files={"processor": "dispute_fee"},
    words="taken by the acquirer for the dispute",
)
dispute_fee_charged: Final = Recipe(
    "dispute_fee_charged", PAYABLE, "fees", "dispute_fee", words="for the dispute, by contract"
)
dispute_fee_returned: Final = Recipe(
    "dispute_fee_returned", "fees", PAYABLE, "dispute_fee", words="for the dispute, given back"
)
ANSWER_AGAIN = timedelta(minutes=1)


def disputed(units: int, route: str, liable: str, payable: str = "") -> Posting:
    """The issuer has taken the money back. `liable`: operator or merchant."""
    recipe = DISPUTED if liable == "merchant" else DISPUTED._replace(debit="dispute_loss")
    return recipe(units, route, payable)


def dispute_won(units: int, route: str, liable: str, payable: str = "") -> Posting:
    """The opposite of `disputed`, to the unit."""
    taken = disputed(units, route, liable, payable)
    return Posting(DISPUTE_WON.name, tuple(e._replace(units=-e.units) for e in taken.entries))


def apply_notice(change: Change, route: str, notice: Notice) -> str | Refused:
    """`applied`, `stale` when it says nothing new, or why it is kept for somebody to look at."""
    order = change.order
    named = [a for a in order.attempts if notice.charge_id in (a.attempt_id, a.key)]
    charge = next(iter(sorted(named, key=lambda charge: charge.state != "approved")), None)
    if charge is None or charge.route != route:
        return Refused("unknown_charge")
    if not _charged(order, charge):
        return Refused("not_charged")
    dispute = next(
        (d for d in order.disputes if d.route == route and d.case_ref == notice.case_id), None
    )
    if dispute is not None and dispute.attempt_id != charge.attempt_id:
        return Refused("other_charge")
    others = [
        (d.stage, d.state, d.units)
        for d in order.disputes
        if d is not dispute and d.attempt_id == charge.attempt_id
    ]
    deeds = follow(
        Case(dispute.stage, dispute.state, dispute.units)  # type: ignore[arg-type]
        if dispute
        else None,
        DisputeNotice(notice.stage, notice.status, notice.amount, notice.currency),
        charge_asset=charge.asset,
        charge_left=left_of(order.charged_units(charge.attempt_id), others),
    )
    if isinstance(deeds, Refused):
        return deeds
    if deeds and order.stage is Stage.AUTHORISED:  # whoever disputes a part is not charged another
        end_capturing(change)
    elif deeds and order.collected_units:  # nor, of what is collected in parts, the rest
        keep_parts(change)
    if notice.stage == AT_ITS_STAGE:
        notice = replace(notice, stage=dispute.stage if dispute is not None else "first")
    for deed in deeds:
        if dispute is None:
            dispute = _new(change, route, notice, charge)
        _DEEDS[deed](change, dispute, notice)
    return "applied" if deeds else "stale"


def _charged(order: Order, charge: Attempt) -> bool:
    """True when the processor has money of the charge: approved, and taken, not only held."""
    if charge.state != "approved":
        return False
    if order.stage is Stage.COMPLETED:
        return True
    if order.stage is Stage.AUTHORISED:
        return bool(order.captured_units) and order.capturing() is None
    if order.collected_units:
        return order.attempt_in_flight() is None and can(order.stage, "parts_kept")
    return any(
        r.kind == "reversal" and r.attempt_id == charge.attempt_id for r in order.modifications
    )


def _new(change: Change, route: str, notice: Notice, charge: Attempt) -> Dispute:
    order, dispute_id = change.order, new_id()
    reason = reason_of(order.card.scheme if order.card else "generic", notice.reason_code)
    kind = reason.kind
    # What came in after the end was never the merchant's: none of its terms apply.
    late = order.stage is not Stage.COMPLETED
    terms = _terms(change, charge)
    dispute = Dispute(
        dispute_id=dispute_id,
        order_id=order.order_id,
        dispute_no=len(order.disputes) + 1,
        attempt_id=charge.attempt_id,
        route=route,
        case_ref=notice.case_id,
        round_id=dispute_id,
        kind=kind,
        reason_code=notice.reason_code,
        stage=notice.stage,
        state="open",
        units=notice.amount,
        asset=charge.asset,
        liable="operator" if late else liable(kind, terms),
        fee_units=0 if late else fee_for_merchant(terms, charge.asset),
        opened_at=change.now,
    )
    change.set_dispute(dispute)
    if not reason.known:
        change.raise_attention(REASON_UNKNOWN)
    return dispute


def _terms(change: Change, charge: Attempt) -> Terms:
    """The contract of the day on which the merchant heard that it was approved."""
    order = change.order
    approved_at = order.advance.started_at if order.advance is not None else charge.closed_at
    return terms_at(order.dispute_terms, approved_at or change.now, charge.asset)


def _stand(change: Change, dispute: Dispute, notice: Notice) -> None:
    """Open at the notice's stage: its deadline runs, and whatever was answered before was another
    question."""
    change.set_dispute(
        dispute,
        stage=notice.stage,
        state="open",
        respond_by=notice.respond_by,
        warned=False,
        closed_at=None,
        answer=None,
        answer_id=None,
        answer_state=None,
        answer_tries=0,
        answer_before=None,
        answer_code=None,
    )
    _watch(change, dispute)


def _watch(change: Change, dispute: Dispute) -> None:
    watch_reminders(change, dispute)
    if dispute.respond_by is None:
        change.undue("dispute_deadline", subject_id=dispute.dispute_id)
        return
    at = dispute.respond_by if dispute.warned else dispute.respond_by - WARN_BEFORE
    change.due("dispute_deadline", at, subject_id=dispute.dispute_id)


def _inquire(change: Change, dispute: Dispute, notice: Notice) -> None:
    _stand(change, dispute, notice)
    change.fact("dispute_inquiry", dispute.dispute_id, **_body(dispute))


def _open(change: Change, dispute: Dispute, notice: Notice) -> None:
    """The money is gone from the processor's balance."""
    change.set_dispute(
        dispute, units=notice.amount, reason_code=notice.reason_code or dispute.reason_code
    )
    _stand(change, dispute, notice)
    order = change.order
    order.disputed = order.disputed_units > 0
    postings = [disputed(dispute.units, dispute.route, dispute.liable, order.payable_place)]
    if notice.fee:
        postings.append(dispute_fee(notice.fee, dispute.route))
    if dispute.fee_units:
        postings.append(dispute_fee_charged(dispute.fee_units, order.payable_place))
    change.fact(
        "dispute_opened",
        dispute.dispute_id,
        booked=Booked(dispute.round_id, postings),
        **_body(dispute),
        fee=notice.fee,
    )
    cancel_refunds_for_dispute(change, dispute.attempt_id)
    charge = order.attempt(dispute.attempt_id)
    if beyond(order, charge.attempt_id) > 0:
        change.raise_attention(REFUNDED_BEFORE)
    if dispute.kind == "fraud" and _terms(change, charge).block_cards:
        change.block_card(dispute.dispute_id, "fraud_dispute", None)


def _again(change: Change, dispute: Dispute, notice: Notice) -> None:
    change.set_dispute(dispute, round_id=new_id())
    _open(change, dispute, notice)


def _go_on(change: Change, dispute: Dispute, notice: Notice) -> None:
    """A further stage, while the money is gone anyway."""
    _stand(change, dispute, notice)
    change.fact("dispute_continued", dispute.dispute_id, **_body(dispute))


def _answer(change: Change, dispute: Dispute, notice: Notice) -> None:
    """Takes the dispute as answered at the processor's own desk; of an answer of ours that is out,
    its own outcome decides."""
    if not dispute.answering:
        answered(change, dispute)


def _close_inquiry(change: Change, dispute: Dispute, notice: Notice) -> None:
    _end(change, dispute, "won")
    change.fact("inquiry_closed", dispute.dispute_id, **_body(dispute))


def _win(change: Change, dispute: Dispute, notice: Notice) -> None:
    _end(change, dispute, "won")
    order = change.order
    order.disputed = order.disputed_units > 0
    postings = [dispute_won(dispute.units, dispute.route, dispute.liable, order.payable_place)]
    if dispute.fee_units:
        postings.append(dispute_fee_returned(dispute.fee_units, order.payable_place))
    change.fact(
        "dispute_won",
        dispute.dispute_id,
        booked=Booked(dispute.round_id, postings),
        **_body(dispute),
    )
    change.fact("dispute_reversed", dispute.dispute_id, **_body(dispute))
    owe_reversal_again(change, dispute.attempt_id, dispute.units)
    if dispute.kind == "fraud" and not any(
        d.kind == "fraud" and d.takes_money for d in order.disputes
    ):
        change.block_card(dispute.dispute_id, "fraud_dispute", change.now)


def lose(
    change: Change,
    dispute: Dispute,
    notice: Notice | None = None,
    *,
    state: str = "lost",
    why: str = whys.DECIDED,
) -> None:
    """`state`: lost, accepted or expired."""
    _end(change, dispute, state)
    if dispute.stage == "inquiry":
        change.fact("inquiry_closed", dispute.dispute_id, **_body(dispute), why=why)
        return
    change.fact("dispute_lost", dispute.dispute_id, **_body(dispute), how=state, why=why)
    change.paid_once()


def _end(change: Change, dispute: Dispute, state: str) -> None:
    change.set_dispute(dispute, state=state, closed_at=change.now)
    change.undue("dispute_deadline", subject_id=dispute.dispute_id)
    watch_reminders(change, dispute)
    if dispute.answering:
        change.set_dispute(dispute, answer_state="refused")
        change.undue("dispute_answer", subject_id=dispute.dispute_id)
    _clear_attention(change, dispute, REFUND_NOT_SENT)


def _body(dispute: Dispute) -> dict[str, Any]:
    return {
        "dispute_id": dispute.dispute_id,
        "round_id": dispute.round_id,
        "number": dispute.dispute_no,
        "case": dispute.case_ref,
        "stage": dispute.stage,
        "kind": dispute.kind,
        "reason_code": dispute.reason_code,
        "units": dispute.units,
        "liable": dispute.liable,
        "fee_charged": dispute.fee_units,
        "respond_by": dispute.respond_by,
    }


_DEEDS = {
    "inquire": _inquire, "open": _open, "again": _again, "go_on": _go_on, "answer": _answer,
    "win": _win, "lose": lose, "close_inquiry": _close_inquiry,
}  # fmt: skip


def meet_deadline(change: Change, dispute_id: UUID) -> None:
    """Due work `dispute_deadline`: three days before, an alert is raised; at its end the case is
    lost by default."""
    dispute = change.order.dispute(dispute_id)
    if dispute.state != "open" or dispute.respond_by is None:
        change.undue("dispute_deadline", subject_id=dispute_id)
    elif change.now >= dispute.respond_by:
        if dispute.answering:  # what is on its way may have arrived in time
            change.due(
                "dispute_deadline", change.wall + ANSWER_AGAIN, subject_id=dispute_id, wall=True
            )
        else:
            lose(change, dispute, state="expired", why=whys.DEADLINE_PASSED)
    elif not dispute.warned and change.now >= dispute.respond_by - WARN_BEFORE:
        change.set_dispute(dispute, warned=True)
        change.raise_attention(of_dispute(LATE, dispute.dispute_no))
        change.fact("dispute_warned", dispute_id, **_body(dispute))
        _watch(change, dispute)
    else:
        _watch(change, dispute)


def _clear_attention(change: Change, dispute: Dispute, *more: str) -> None:
    its_own = (
        of_dispute(code, dispute.dispute_no) for code in (LATE, ANSWER_DELAYED, ANSWER_REFUSED)
    )
    change.clear_attention(*its_own, REFUNDED_BEFORE, *more)


def answered(change: Change, dispute: Dispute) -> None:
    """The processor has taken our evidence; it decides now, and no deadline of ours runs."""
    change.set_dispute(dispute, state="answered")
    change.undue("dispute_deadline", subject_id=dispute.dispute_id)
    watch_reminders(change, dispute)
    _clear_attention(change, dispute)
    change.fact("dispute_answered", dispute.dispute_id, **_body(dispute))


def watch_reminders(change: Change, dispute: Dispute) -> None:
    """Schedules the next reminder, if time is left for one."""
    at = (
        next_reminder(dispute.respond_by, change.now)
        if dispute.respond_by and dispute.state == "open"
        else None
    )
    if at is None:
        change.undue("dispute_reminder", subject_id=dispute.dispute_id)
    else:
        change.due("dispute_reminder", at, subject_id=dispute.dispute_id)


def remind(change: Change, dispute_id: UUID) -> None:
    """Due work `dispute_reminder`. Of several that have passed only the most pressing raises an
    alert."""
    dispute = change.order.dispute(dispute_id)
    watch_reminders(change, dispute)
    if dispute.state != "open" or dispute.respond_by is None or dispute.answer is not None:
        return
    days = reminder_due(dispute.respond_by, change.now)
    if days is None:
        return
    facts = {
        "dispute_id": dispute_id,
        "order_id": dispute.order_id,
        "external_id": change.order.external_id,
        "units": dispute.units,
        "asset": dispute.asset,
        "respond_by": dispute.respond_by,
        "days": days,
    }
    step = int(dispute.respond_by.timestamp()) * 10 + days
    alert(change.rows, change.order.merchant_id, "deadline", dispute_id, step, facts, change.wall)
