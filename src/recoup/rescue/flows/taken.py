"""A declined payment as the door understood it, and the result for the caller."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.orders.rules.causes import WENT_BACK, Cause, Try, cause_of
from recoup.orders.rules.faces import Face, face
from recoup.orders.rules.snapshot import Order
from recoup.orders.store.order_page_rows import PersonalData
from recoup.processors.gateways.credential import Stored as Stored
from recoup.processors.rules.browser import Browser
from recoup.rescue.store.evaluate import OrderNow, OrderOutcome


class Person(PersonalData):
    """The payer, all of it personal data."""

    external_id: str = ""


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """A call of /evaluate, checked field by field. `units` minor units; `facts` what else is kept,
    free of personal data."""

    external_id: str
    key: str
    is_mit: bool
    order_source: str
    expires_at: datetime | None
    units: int
    currency: str
    token_id: UUID | None
    pan: str | None = field(repr=False)
    cvv: str = field(repr=False)
    exp_month: int
    exp_year: int
    transaction_id: str
    decline: dict[str, Any]
    site_id: UUID | None
    site_url: str | None
    descriptor: str | None
    payer: Person
    facts: dict[str, Any]
    sense_key: str | None = None
    campaign: str | None = None
    method: Stored | None = None  # in place of token and number
    managed: bool = False  # an MIT whatever the merchant's mode is
    notes: tuple[str, ...] = ()  # what the caller is warned of, by its code
    avs: str = ""  # what came back with the decline, as it was sent
    cvv_result: str = ""


@dataclass(frozen=True, slots=True)
class CardholderInput:
    """Input that only the waiting customer's call has; it goes out with the send and is kept
    nowhere."""

    phone: str = field(default="", repr=False)
    cvv: str = field(default="", repr=False)
    three_d_secure: dict[str, str] | None = field(default=None, repr=False)
    browser: Browser = Browser()


@dataclass(frozen=True, slots=True)
class EvaluateResult:
    """Answer of /evaluate: the order, its present word, and what the caller should know besides."""

    order_id: UUID
    external_id: str
    evaluate: str
    outcome: str
    reason: str | None
    warnings: tuple[str, ...] = ()
    next_attempt_at: datetime | None = None
    cause: Cause | None = None  # why it is not approved; None of an approved one


def result_of(row: OrderNow, warnings: tuple[str, ...] = ()) -> EvaluateResult:
    """The cause is that of an `OrderOutcome`; any other row says no more than its stage."""
    shown, last, logged = (
        face(row.stage, row.kind, row.units, row.refunded_units, row.disputed),
        None,
        None,
    )
    if isinstance(row, OrderOutcome):
        last = Try(row.last_state, row.last_klass, row.last_reason) if row.last_state else None
        logged = Cause(row.cause, row.decline) if row.cause else None
    due = _next(shown, row.next_attempt_at)
    cause = cause_of(row.stage, row.reason, last, planned=due is not None, logged=logged)
    cause = WENT_BACK.get(shown.status, cause)
    return EvaluateResult(
        row.order_id,
        row.external_id,
        shown.evaluate,
        shown.outcome,
        row.reason,
        warnings,
        due,
        cause,
    )


def result_of_order(order: Order, warnings: tuple[str, ...] = ()) -> EvaluateResult:
    """The result for an order as a change left it."""
    shown = order.face()
    tried = [a for a in order.attempts if a.state != "planned"]
    last = Try(tried[-1].state, tried[-1].klass, tried[-1].code_reason) if tried else None
    due = _next(shown, order.next_attempt_at)
    cause = cause_of(order.stage, order.reason, last, planned=due is not None)
    cause = WENT_BACK.get(shown.status, cause)
    return EvaluateResult(
        order.order_id,
        order.external_id,
        shown.evaluate,
        shown.outcome,
        order.reason,
        warnings,
        due,
        cause,
    )


def _next(shown: Face, at: datetime | None) -> datetime | None:
    """The next attempt's time; None for an approved order: when its customer is charged for what
    was advanced is the operator's affair."""
    return None if shown.outcome == "APPROVED" else at
