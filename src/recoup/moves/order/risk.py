"""The risk check of an order whose customer waits, before anything is sent for it."""

from dataclasses import replace
from uuid import UUID

from recoup.moves.challenge import lifecycle as challenges
from recoup.moves.change import Change
from recoup.rules.network.codes import Reading
from recoup.rules.risk.decide import decide_risk, exemption_of


def check_risk(change: Change, reading: Reading) -> tuple[UUID | None, bool]:
    """The decision's id, None where nothing is looked at; and whether the order is dealt with by it: the customer is
    asked to confirm, or it is declined. Where the check only watches, nothing is."""
    if change.risk is None or not change.order.by_customer:
        return None, False
    try:
        known = change.risk
        if known.may_challenge and not change.order.may_confirm():  # no route that carries this very payment
            known = replace(known, may_challenge=False)
        given = known.after(reading.reason, change.order.merchant.region, change.now.date())
        decision = decide_risk(given)
    except (ArithmeticError, LookupError, ValueError):  # numbers that somebody learned: the payment goes on
        return None, False
    decision_id = change.decide(decision, given.features())
    change.order.exemption = exemption_of(given)
    if not given.is_followed or decision.verdict == "attempt_now":
        return decision_id, False
    reasons = list(decision.reasons)
    if decision.verdict == "challenge":
        challenges.present(change, reading, decision_id, reasons, asks="confirm")
    else:
        change.step("declined", decision_id=decision_id, why=reasons[0], reasons=reasons, cause="risk")
    return decision_id, True
