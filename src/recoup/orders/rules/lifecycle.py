"""The lifecycle of an order, as data. `step` is the only way to move one.

A *step* moves the stage; a *fact* is recorded at a stage and leaves it (refunds, attempts,
disputes). Both are lines of one order log. The CHECK of that table, the docs and the diagram are
generated from these rows. Source: design §3; contract rescue-api §16.1.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from recoup.kernel.extended import Extended
from recoup.kernel.feature import Place
from recoup.kernel.problem import STAGE, Problem, Sentence


class Stage(StrEnum):
    NEW = "new"
    RECEIVED = "received"
    PROCESSING = "processing"
    HELD = "held"
    CHALLENGED = "challenged"
    AUTHORISED = "authorised"
    PROBLEM = "problem"
    COMPLETED = "completed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ENDED: Final = frozenset({Stage.COMPLETED, Stage.DECLINED, Stage.CANCELLED, Stage.EXPIRED})
OPEN: Final = frozenset(Stage) - ENDED - {Stage.NEW}


class Books(NamedTuple):
    """Books of a log line: a recipe of rules.money.ledger, once for a source of that kind."""

    recipe: str
    source: str


class Step(NamedTuple):
    happening: str
    src: Stage
    dst: Stage
    books: Books | None
    event: str | None
    reason: str | None = None


S = Stage
# Why the rescue of an invoice that a processor bills ends without money: each a step of that name.
REASONS: Final = {
    "invoice_credited": "A credit note at the processor leaves nothing of its invoice to be paid.",
    "invoice_voided": "Its invoice was voided at the processor.",
    "invoice_uncollectible": "Its invoice was marked as uncollectible at the processor.",
    "invoice_gone": "Its invoice is not at the processor any more.",
    "subscription_cancelled": "Its subscription has ended at the processor.",
    "subscription_paused": "Its subscription is paused at the processor.",
    "billing_stopped": (
        "The processor's billing no longer charges a card for its invoice by itself."
    ),
}
_WORKED: Final = (S.PROCESSING, S.HELD, S.PROBLEM)
_COLLECTED: Final = Books("collected", "attempt")


def _end(happening: str, reason: str, *stages: Stage) -> tuple[Step, ...]:
    return tuple(
        Step(happening, stage, S.CANCELLED, None, "order.cancelled", reason) for stage in stages
    )


def _called_off(happening: str, reason: str | None = None) -> tuple[Step, ...]:
    return _end(happening, reason or happening, S.RECEIVED, *_WORKED, S.CHALLENGED, S.AUTHORISED)


STEPS: Final = (
    Step("received", S.NEW, S.RECEIVED, None, "order.submitted"),
    Step("began", S.NEW, S.PROCESSING, None, "order.submitted"),
    Step("started", S.RECEIVED, S.PROCESSING, None, "order.processing"),
    Step(
        "unseen", S.PROCESSING, S.RECEIVED, None, None
    ),  # a chain's reorganisation took the transfer back
    Step("held", S.RECEIVED, S.HELD, None, "order.onhold"),
    Step("held", S.PROCESSING, S.HELD, None, "order.onhold"),
    Step("released", S.HELD, S.PROCESSING, None, "order.processing"),
    Step("challenged", S.PROCESSING, S.CHALLENGED, None, "challenge.presented"),
    Step("challenge_answered", S.CHALLENGED, S.PROCESSING, None, "challenge.attempted"),
    *_end("challenge_failed", "challenge_failed", S.CHALLENGED, S.PROCESSING),
    *_end("challenge_timed_out", "challenge_timeout", S.CHALLENGED, S.PROCESSING),
    *(Step("authorised", stage, S.AUTHORISED, None, "order.capturerequired") for stage in _WORKED),
    Step("captured", S.AUTHORISED, S.COMPLETED, _COLLECTED, "order.completed"),
    Step("capture_ended", S.AUTHORISED, S.COMPLETED, Books("fee", "attempt"), "order.completed"),
    *_end("capture_window_ended", "capture_window", S.AUTHORISED),
    # On a chain an expired one too: in full, and late by no more than an hour.
    *(
        Step("collected", stage, S.COMPLETED, _COLLECTED, "order.completed")
        for stage in (*_WORKED, S.EXPIRED)
    ),
    *(
        Step("parts_kept", stage, S.COMPLETED, Books("fee", "attempt"), "order.completed")
        for stage in _WORKED
    ),
    Step("advanced", S.PROCESSING, S.COMPLETED, Books("advanced", "order"), "order.completed"),
    Step("broke", S.PROCESSING, S.PROBLEM, None, "order.problem"),
    Step("broke", S.HELD, S.PROBLEM, None, "order.problem"),
    Step("mended", S.PROBLEM, S.PROCESSING, None, "order.processing"),
    *(
        Step("declined", stage, S.DECLINED, None, "order.cancelled", "declined")
        for stage in (S.RECEIVED, *_WORKED)
    ),
    *_called_off("cancelled", "merchant_cancelled"),
    *_end("payer_refused", "payer_refused", *_WORKED),
    *_called_off("paid_elsewhere"),
    *(step for end in REASONS for step in _called_off(end)),
    *(
        Step("expired", stage, S.EXPIRED, None, "order.expired", "expired")
        for stage in (S.RECEIVED, *_WORKED)
    ),
)


APPROVALS: Final = frozenset({"collected", "captured", "capture_ended", "parts_kept", "advanced"})


class Fact(NamedTuple):
    happening: str
    kind: str
    stages: frozenset[Stage]
    books: Books | None
    event: str | None


def _noted(kind: str, stages: frozenset[Stage], happenings: str) -> tuple[Fact, ...]:
    return tuple(Fact(part, kind, stages, None, None) for part in happenings.split())


_PAID: Final = frozenset({S.COMPLETED})
_LIVE: Final = frozenset({S.PROCESSING, S.HELD, S.PROBLEM, S.CHALLENGED, S.AUTHORISED})
_TRIED: Final = frozenset({S.PROCESSING, S.HELD})
ANY: Final = frozenset(Stage) - {S.NEW}
_GONE: Final = frozenset({S.DECLINED, S.CANCELLED, S.EXPIRED})
_CHARGED: Final = (
    _PAID | _GONE
)  # an approval that came after the end is a charge too, until it went back
_WAITING: Final = frozenset({S.PROCESSING, S.CHALLENGED})
_HELD_MONEY: Final = frozenset({S.AUTHORISED})
_FACTS: Final = (
    Fact("planned", "plan", _LIVE, None, None),
    Fact("warned", "note", ANY, None, None),
    Fact("early_warning", "note", ANY, None, "payment.early_warning.received"),
    Fact("attempt_sent", "attempt", _LIVE | _PAID, None, None),
    Fact("attempt_withheld", "attempt", _LIVE, None, None),
    *_noted("attempt", ANY, "attempt_not_sent attempt_unknown attempt_approved"),
    Fact("attempt_declined", "attempt", ANY, None, "attempt.declined"),
    Fact("payer_redirected", "attempt", _LIVE, None, None),
    Fact("charge_planned", "charge", _PAID, None, None),
    Fact("charged", "charge", _PAID, Books("charge", "attempt"), None),
    Fact("uncollected", "charge", _PAID, Books("uncollected", "order"), None),
    Fact("approved_late", "attempt", _GONE, Books("late_approval", "attempt"), None),
    *_noted(
        "reversal",
        ENDED,
        "reversal_owed reversal_delayed reversal_stuck reversal_refused reversal_retried",
    ),
    *_noted("reversal", ENDED, "reversal_due_again reversal_by_hand_proposed"),
    Fact("reversed", "reversal", ENDED, Books("reversed", "refund"), None),
    Fact("settled_by_hand", "reversal", ENDED, Books("by_hand", "refund"), None),
    *_noted("void", ENDED, "void_owed voided void_delayed void_stuck void_retried"),
    *_noted("capture", _HELD_MONEY, "capture_asked capture_delayed capture_refused"),
    Fact("capture_failed", "capture", _PAID, None, None),
    Fact("part_captured", "capture", _HELD_MONEY, Books("collected", "refund"), None),
    Fact(
        "part_collected", "part", _TRIED, Books("collected", "attempt"), "order.partially_collected"
    ),
    Fact("part_owed_back", "reversal", _GONE, Books("part_owed_back", "refund"), None),
    Fact("challenge_offered", "challenge", _WAITING, None, "challenge.presented"),
    Fact("challenge_tried", "challenge", _WAITING, None, "challenge.attempted"),
    Fact("challenge_passed", "challenge", _WAITING, None, "challenge.passed"),
    Fact("challenge_refused", "challenge", _WAITING, None, "challenge.failed"),
    *_noted(
        "refund_request", _CHARGED, "refund_asked refund_request_refused refund_request_withdrawn"
    ),
    *_noted("refund_request", _CHARGED, "refund_request_expired"),
    Fact("refund_owed", "refund", _PAID, Books("refund_owed", "refund"), "order.refunded"),
    *_noted(
        "refund", _PAID, "refund_sent refund_delayed refund_stuck refund_retried refund_due_again"
    ),
    *_noted("refund", _PAID, "refund_by_hand_proposed"),
    Fact("refund_netted", "refund", _PAID, Books("refund_netted", "refund"), None),
    Fact("refund_of_bad_debt", "refund", _PAID, Books("refund_of_bad_debt", "refund"), None),
    Fact("refund_done", "refund", _PAID, Books("refund_done", "refund"), None),
    Fact(
        "refund_refused", "refund", _PAID, Books("refund_refused", "refund"), "order.refundrefused"
    ),
    Fact("refund_failed", "refund", _PAID, Books("refund_failed", "refund"), "order.refundfailed"),
    Fact("reversal_failed", "reversal", ENDED, Books("reversal_failed", "refund"), None),
    *_noted(
        "dispute",
        _CHARGED,
        "dispute_inquiry inquiry_closed dispute_warned dispute_answer_owed dispute_answered",
    ),
    *_noted("dispute", _CHARGED, "dispute_answer_delayed dispute_answer_refused"),
    Fact(
        "dispute_opened",
        "dispute",
        _CHARGED,
        Books("disputed", "dispute"),
        "payment.chargeback.received",
    ),
    Fact("dispute_continued", "dispute", _CHARGED, None, "payment.chargeback.received"),
    Fact(
        "dispute_won",
        "dispute",
        _CHARGED,
        Books("dispute_won", "dispute"),
        "payment.chargeback.closed",
    ),
    Fact("dispute_reversed", "dispute", _CHARGED, None, "payment.chargeback.reversed"),
    Fact("dispute_lost", "dispute", _CHARGED, None, "payment.chargeback.closed"),
    Fact("reversal_netted", "reversal", _GONE, Books("reversal_netted", "refund"), None),
    Fact("reversal_owed_again", "reversal", _GONE, Books("reversal_owed_again", "refund"), None),
    Fact("paid_late", "payment", ENDED, Books("late_approval", "attempt"), None),
    Fact("overpaid", "payment", _PAID, Books("overpaid", "payment"), None),
    *_noted(
        "settlement",
        _PAID,
        "settlement_due settlement_delayed settlement_stuck settlement_replaced",
    ),
    Fact("settled", "settlement", _PAID, Books("settled", "settlement"), "settlement.completed"),
    Fact("card_replaced", "amend", _TRIED | {S.CHALLENGED}, None, "order.amended"),
    Fact(
        "amount_changed",
        "amend",
        _TRIED | {S.RECEIVED, S.PROBLEM, S.CHALLENGED},
        None,
        "order.amended",
    ),
    Fact("expiry_moved", "amend", _TRIED | {S.RECEIVED, S.PROBLEM}, None, "order.amended"),
    Fact("retries_stopped", "amend", OPEN, None, "order.amended"),
    Fact("retries_resumed", "amend", OPEN, None, "order.amended"),
    Fact("notes_changed", "amend", OPEN, None, "order.amended"),
    Fact("merchant_attempt", "note", ANY, None, None),
    Fact("paid_twice", "note", ANY, None, None),
    Fact("dealt_with", "note", ANY, None, None),
)

_STEPS: Final = {(s.happening, s.src): s for s in STEPS}
FACT: Final = Place[Fact]("fact")
FACTS: Final = Extended(
    {f.happening: f for f in _FACTS}, FACT, lambda f: {f.happening: f}, "merchant_attempt"
)


def possible(stage: Stage) -> tuple[str, ...]:
    """The happenings that have a row at this stage, steps first."""
    steps = tuple(s.happening for s in STEPS if s.src is stage)
    return steps + tuple(f.happening for f in FACTS.values() if stage in f.stages)


def step(stage: Stage, happening: str) -> Step:
    """The row that moves an order.

    Raises: Problem(wrong_state), naming what is possible instead.
    """
    row = _STEPS.get((happening, stage))
    if row is None:
        allowed = ", ".join(
            sorted({s.happening for s in STEPS if s.src is stage and stage not in ENDED})
        )
        cure = Sentence("Possible now: {0}.", allowed) if allowed else "It has ended."
        if stage is S.COMPLETED:
            cure = "It is paid: refund it instead."
        message = Sentence(
            "An order that is {0} cannot be {1}.", STAGE, happening.replace("_", " ")
        )
        raise Problem("wrong_state", message, cure=cure, stage=stage.value)
    return row


def can(stage: Stage, happening: str) -> bool:
    return (happening, stage) in _STEPS


def fact(stage: Stage, happening: str) -> Fact:
    """The row of a fact that is recorded at this stage.

    Raises: Problem(wrong_state) when such a fact cannot happen there.
    """
    row = FACTS[happening]
    if stage not in row.stages:
        what = happening.replace("_", " ").capitalize()
        message = Sentence("{0} is not possible for an order that is {1}.", what, stage.value)
        cure = "Read the order: its state shows what is possible."
        raise Problem("wrong_state", message, cure=cure, stage=stage.value)
    return row


def check_sql() -> str:
    """The CHECK of the domain that each line of the order log falls into: every line is one of
    these rows, or a fact of a package's feature, whose name has a dot."""
    lines = {f"'{s.src.value}/{s.happening}/{s.dst.value}'" for s in STEPS}
    lines |= {
        f"'{stage.value}/{f.happening}/{stage.value}'" for f in FACTS.values() for stage in f.stages
    }
    lines = {line for line in lines if "." not in line}
    body = ",\n  ".join(sorted(lines))
    return f"CHECK (VALUE IN (\n  {body}\n) OR VALUE ~ '^([a-z_]+)/[a-z_]+[.][a-z_]+/\\1$')"
