"""The faces an order shows: one function of stage and facts, stored, indexed and proved again by
`recoup verify`."""

from typing import Final, NamedTuple

from recoup.orders.rules.lifecycle import Stage

STATUS_NAMES: Final = {
    0: "Draft", 1: "Onhold", 2: "Cancelled", 3: "Problem", 4: "Processing", 5: "Capturerequired",
    6: "Returned", 7: "Completed", 8: "Chargeback",
}  # fmt: skip
MEANINGS: Final = {
    0: "Ingested, not picked up for processing yet (typically MIT).",
    1: "Processing is suspended for a while.",
    2: "Ended without a payment: declined, cancelled or expired.",
    3: "Somebody has to check it; the order page shows why.",
    4: "Retries are planned or under way.",
    5: "Authorised, waits for the capture.",
    6: "Approved, then refunded in full.",
    7: "Approved.",
    8: "Disputed by the customer.",
}


class Face(NamedTuple):
    """`status`: seed 000's code; the other three are the words of evaluate, outcome and the
    stablecoin API."""

    status: int
    evaluate: str
    outcome: str
    stable: str


_BY_STAGE: Final = {
    Stage.RECEIVED: Face(0, "SUBMITTED", "SUBMITTED", "created"),
    Stage.PROCESSING: Face(4, "SUBMITTED", "PROCESSING", "pending"),
    Stage.HELD: Face(1, "SUBMITTED", "PROCESSING", "pending"),
    Stage.CHALLENGED: Face(4, "CHALLENGE", "PROCESSING", "pending"),
    Stage.AUTHORISED: Face(5, "CAPTUREREQUIRED", "PROCESSING", "pending"),
    Stage.PROBLEM: Face(3, "SUBMITTED", "PROCESSING", "pending"),
    Stage.COMPLETED: Face(7, "APPROVED", "APPROVED", "paid"),
    Stage.DECLINED: Face(2, "DECLINED", "DECLINED", "failed"),
    Stage.CANCELLED: Face(2, "CANCELLED", "CANCELLED", "canceled"),
    Stage.EXPIRED: Face(2, "SUBMITTED", "EXPIRED", "expired"),
}


def face(stage: Stage, kind: str, units: int, refunded_units: int, disputed: bool) -> Face:
    """The face that the order shows. `kind` is the order's kind; a synchronous MIT answers DECLINED
    while it works on; a CIT is in work after its answer only while the customer's challenge is
    attempted.

    Precedence: disputed, then returned, then the rest (design §3).
    """
    shown = _BY_STAGE[stage]
    if stage is Stage.COMPLETED:
        refunded = (
            "refunded"
            if refunded_units >= units
            else "partially_refunded"
            if refunded_units
            else "paid"
        )
        status = 8 if disputed else 6 if refunded_units >= units else 7
        evaluate = shown.evaluate if status == 7 else "CANCELLED"
        return Face(status, evaluate, shown.outcome, "paid" if disputed else refunded)
    if kind == "mit_sync" and shown.evaluate == "SUBMITTED":
        return shown._replace(evaluate="DECLINED")
    if kind.startswith("cit") and shown.evaluate == "SUBMITTED":
        return shown._replace(evaluate="CHALLENGE")
    return shown
