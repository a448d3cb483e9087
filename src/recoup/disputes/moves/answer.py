"""Our word in a dispute: owed, sent to the processor, answered by it. Intent, call, outcome."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from recoup.disputes.moves.case import ANSWER_DELAYED, ANSWER_REFUSED, answered, lose
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence
from recoup.networks import whys
from recoup.networks.card_text import without_card
from recoup.orders.moves.change import Change
from recoup.orders.moves.outgoing import leave, may_go
from recoup.orders.moves.pace import ATTENTION_AFTER_TRIES, NO_ROUTE_PAUSE, SEND_WITHIN, pause_after
from recoup.orders.moves.request import ask_second
from recoup.orders.rules.attention import of_dispute
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.refund_limits import ACCEPT


def ask_answer(
    change: Change, dispute_id: UUID, answer: str, requested_by: str | None = None
) -> Dispute:
    """`contest` with the evidence that is noted, or `accept`, which gives its money up: it may have
    to wait for a second person, who has agreed where it was `requested_by` somebody else. The same
    again while it is out is the same answer.

    Raises: Problem(not_found); Problem(wrong_state) when there is nothing to answer any more; as
    `leave`.
    """
    dispute = next((d for d in change.order.disputes if d.dispute_id == dispute_id), None)
    if dispute is None:
        raise Problem(
            "not_found", "There is no such dispute.", cure="Choose it from the list of disputes."
        )
    if dispute.answering and dispute.answer == answer or dispute.state == _AFTER[answer]:
        return dispute
    if dispute.answering:
        raise Problem(
            "wrong_state",
            "Another answer is on its way.",
            cure="Wait for what the processor says to it.",
        )
    if dispute.state != "open":
        message = Sentence("A dispute that is {0} cannot be answered.", dispute.state)
        raise Problem("wrong_state", message, cure="Only an open dispute can.")
    if answer == ACCEPT and dispute.stage == "inquiry":
        cure = "Refund the order instead, or answer with evidence."
        raise Problem(
            "wrong_state",
            "An inquiry only asks: nothing was taken that could be given up.",
            cure=cure,
        )
    if dispute.respond_by is not None and change.now >= dispute.respond_by:
        raise Problem("wrong_state", "The time to answer is over.", cure="It is lost by default.")
    if answer == ACCEPT and requested_by is None:
        if not may_go(change, dispute.units):
            items = [{"act": ACCEPT, "dispute_id": str(dispute_id)}]
            ask_second(change, dispute.units, message="", items=items)
            return dispute
        leave(change, dispute.units)
    change.set_dispute(
        dispute,
        answer=answer,
        answer_id=new_id(),
        answer_no=dispute.answer_no + 1,
        answer_state="owed",
        answer_tries=0,
        answer_before=None,
        answer_code=None,
    )
    change.clear_attention(of_dispute(ANSWER_REFUSED, dispute.dispute_no))
    body: dict[str, Any] = dict(dispute_id=dispute_id, number=dispute.dispute_no, answer=answer)
    body |= {"asked_by": requested_by} if requested_by else {}
    change.fact("dispute_answer_owed", dispute_id, **body)
    change.due("dispute_answer", change.wall, subject_id=dispute_id, wall=True)
    return dispute


_AFTER = {"contest": "answered", ACCEPT: "accepted"}


def open_answer(change: Change, dispute_id: UUID, timeout: timedelta) -> Dispute | None:
    """Transaction A: it may be sent now, under its own id. None when nothing is left to send."""
    dispute = change.order.dispute(dispute_id)
    if not dispute.answering:
        change.undue("dispute_answer", subject_id=dispute_id)
        return None
    before = change.wall + SEND_WITHIN
    change.set_dispute(
        dispute, answer_state="sent", answer_tries=dispute.answer_tries + 1, answer_before=before
    )
    change.due("dispute_answer", before + timeout, subject_id=dispute_id, wall=True)
    return dispute


def close_answer(
    change: Change,
    dispute_id: UUID,
    answer_id: UUID,
    state: str,
    code: str | None,
    *,
    waits: bool = False,
) -> str:
    """Transaction B. `state` as the processor said: approved, declined, unknown, not_sent,
    unprocessed. The last is final for that id: the next try has another. `waits`: it refuses our
    account, which does not mend by itself."""
    dispute = change.order.dispute(dispute_id)
    if dispute.answer_id != answer_id or dispute.answer_state != "sent":
        return dispute.state
    code = without_card(code, change.order.card)
    if state == "approved":
        change.undue("dispute_answer", subject_id=dispute_id)
        change.set_dispute(dispute, answer_state="done", answer_code=code)
        if dispute.answer == ACCEPT:
            lose(change, dispute, state="accepted", why=whys.ACCEPTED)
        else:
            answered(change, dispute)
    elif state == "declined":
        change.undue("dispute_answer", subject_id=dispute_id)
        change.set_dispute(dispute, answer_state="refused", answer_code=code)
        change.raise_attention(of_dispute(ANSWER_REFUSED, dispute.dispute_no))
        change.fact(
            "dispute_answer_refused",
            dispute_id,
            number=dispute.dispute_no,
            code=code,
            answer=dispute.answer,
        )
    else:
        if state == "unprocessed":
            change.set_dispute(dispute, answer_id=new_id(), answer_no=dispute.answer_no + 1)
        pause = NO_ROUTE_PAUSE if waits else pause_after(dispute.answer_tries)
        change.due("dispute_answer", change.wall + pause, subject_id=dispute_id, wall=True)
        if dispute.answer_tries == ATTENTION_AFTER_TRIES or waits and dispute.answer_tries == 1:
            change.raise_attention(of_dispute(ANSWER_DELAYED, dispute.dispute_no))
            change.fact(
                "dispute_answer_delayed",
                dispute_id,
                number=dispute.dispute_no,
                answer=dispute.answer,
            )
    return dispute.state
