"""Limits on what a person may refund, by role in one currency, and when a second person has to
agree. Pure.

Source: decision 0037. API keys are no persons and have no such limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.kernel.money import Money
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Actor

WAITS: Final = timedelta(days=7)
MOST: Final = 10**15  # units that a limit may have
# What a person does by which money leaves: a refund; giving a dispute's money up; of money that
# pays no order, its channel sends it back, or the merchant has it, and keeps it or gave it back.
REFUND: Final = "refund"
ACCEPT: Final = "accept"
GIVE_BACK: Final = "give_back"
KEEP: Final = "keep"
BY_HAND: Final = "by_hand"  # also in the place of a processor's code


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a role in one currency; None: no limit. Units: the asset's smallest."""

    refund_max_units: int | None = None
    day_max_units: int | None = None
    second_from_units: int | None = None


NONE: Final = Limits()


@dataclass(slots=True)
class RefundApproval:
    """Row of refund_requests. `request_id` is the refund's id once a second person has agreed.
    `items`: pieces of the order, or what else is to be done, as `act`."""

    request_id: UUID
    order_id: UUID
    state: str
    units: int
    asset: str
    message: str
    items: list[Any]
    input_mac: str
    requested_by: str
    requested_role: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str = ""

    @property
    def act(self) -> str:
        """A refund, or what else sends money or gives it up."""
        return str(self.items[0].get("act", REFUND)) if self.items else REFUND


@dataclass(slots=True)
class Day:
    """Refunds of one person since midnight UTC, in one currency: grows as a transaction adds to
    it."""

    units: int


@dataclass(frozen=True, slots=True)
class RefundApprovalContext:
    """Context of a refund by people, read under the order's lock and the person's. `limits` by
    role; `day` of the person whose refund it is; `requests` of this order, oldest first."""

    limits: Mapping[str, Limits] = field(default_factory=dict)
    day: Day = field(default_factory=lambda: Day(0))
    requests: list[RefundApproval] = field(default_factory=list)

    def of(self, role: str) -> Limits:
        return self.limits.get(role, NONE)

    def waiting(self) -> RefundApproval | None:
        return next((request for request in self.requests if request.state == "waiting"), None)


def check_limits(limits: Limits) -> None:
    """Checks the limits that an owner may set. Raises: Problem(invalid)."""
    for name, word in (
        ("refund_max", "one refund"),
        ("day_max", "a day"),
        ("second_from", "the second person"),
    ):
        units = getattr(limits, f"{name}_units")
        if (
            units is not None
            and not (units > 0 if name == "second_from" else units >= 0)
            or (units or 0) > MOST
        ):
            raise invalid(
                Sentence("The amount for {0} is not one that a limit may have.", word),
                name,
                "Write it like 100.00, or leave it empty for no limit.",
            )
    most, day, second = limits.refund_max_units, limits.day_max_units, limits.second_from_units
    if most is not None and day is not None and most > day:
        raise invalid(
            "One refund may be more than the whole day then.",
            "refund_max",
            "Make it at most what a person may refund a day.",
        )
    ceiling = min((limit for limit in (most, day) if limit is not None), default=None)
    if second is not None and ceiling is not None and second > ceiling:
        raise invalid(
            "No refund would ever need a second person: the limits are lower.",
            "second_from",
            "Make it at most what one refund may be, or leave it empty.",
        )


def needs_second(limits: Limits, units: int, alone_units: int) -> bool:
    """`alone_units`: what the same person has refunded of the same order without anybody's
    agreement: parts of one refund count together."""
    return limits.second_from_units is not None and units + alone_units >= limits.second_from_units


def check_one(limits: Limits, units: int, asset: str, whose: str = "Your role") -> None:
    """Raises: Problem(forbidden) for more than one refund of theirs may ever be."""
    ceilings = [
        limit for limit in (limits.refund_max_units, limits.day_max_units) if limit is not None
    ]
    if ceilings and units > min(ceilings):
        message = Sentence(
            "{0} may refund at most {1} at once; this is {2}.",
            whose,
            _text(min(ceilings), asset),
            _text(units, asset),
        )
        raise Problem(
            "forbidden",
            message,
            field="amount",
            cure="Ask somebody whose role allows it, or the owner.",
        )


def check_day(limits: Limits, units: int, spent_units: int, asset: str, whose: str = "You") -> None:
    """Raises: Problem(forbidden) when the day's limit would be passed."""
    most = limits.day_max_units
    if most is not None and spent_units + units > most:
        left = max(0, most - spent_units)
        have = "have" if whose == "You" else "has"
        message = Sentence(
            "{0} {1} refunded {2} of {3} today; {4} are left.",
            whose,
            have,
            _text(spent_units, asset),
            _text(most, asset),
            _text(left, asset),
        )
        raise Problem(
            "forbidden",
            message,
            field="amount",
            cure="The day ends at midnight UTC; or ask somebody else whose role may.",
        )


def goes_alone(
    limits: Limits, units: int, asset: str, *, spent_units: int, alone_units: int
) -> bool:
    """True when it may go without a second person. Raises: Problem(forbidden) when it may not go at
    all."""
    check_one(limits, units, asset)
    if needs_second(limits, units, alone_units):
        return False
    check_day(limits, units, spent_units, asset)
    return True


def check_waiting(request: RefundApproval, now: datetime) -> None:
    """Raises: Problem(wrong_state) in words of what became of it."""
    words = {
        "approved": "It was approved already, and refunded once.",
        "refused": "It was refused already.",
        "withdrawn": "Who asked for it has taken it back.",
        "expired": "Nobody agreed within seven days.",
    }
    state = "expired" if request.state == "waiting" and now >= request.expires_at else request.state
    if state != "waiting":
        cure = (
            "Nothing needs to be done."
            if state == "approved"
            else "Request it again if it is still needed."
        )
        raise Problem("wrong_state", words[state], cure=cure)


def is_theirs(requested_by: str, actor: str) -> bool:
    """True when the actor or the real user behind them requested it."""
    return bool(Actor.of(requested_by).people & Actor.of(actor).people)


def check_other(request: RefundApproval, approver: str) -> None:
    """Raises: Problem(forbidden) for the requester, and for whoever impersonates somebody."""
    if Actor.of(approver).behind or is_theirs(request.requested_by, approver):
        raise Problem(
            "forbidden",
            "A refund that you requested needs somebody else; you can withdraw it.",
            cure="Ask an owner, or somebody with the role operations.",
        )


def _text(units: int, asset: str) -> str:
    return f"{Money(units, asset).text()} {asset}"
