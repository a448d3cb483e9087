"""The next step after each answer of a counterpart: one table of message, state and fault. Pure.

Every flow that reads an answer takes its next step from here, so that a distinction that a
connector makes is never lost on the way.
"""

from typing import Final, Literal, NamedTuple, get_args
from uuid import UUID

State = Literal["approved", "declined", "unknown", "not_sent", "not_found", "awaits_payer"]
# Whose a refusal is: a wrong request, a card that is not there, our account, too many requests; or
# it is down.
Fault = Literal["request", "credential", "account", "rate", "outage"]
# A charge by the card's number, by a method that its processor stores, by a network token; a
# refund, void or capture; an answer to a dispute.
Message = Literal["card", "method", "token", "modification", "dispute_answer"]
Step = Literal[
    "book",  # it succeeded
    "decide",  # it was declined: the order's policy says what follows
    "refused",  # it is not repeated: the merchant's people decide
    "inquire",  # it may have happened: the same id is asked about, and never sent blind
    "wait_for_payer",
    "try_later",  # by another route at once, else again after growing pauses
    # by a route that has not refused it, else a person decides: the same request is not repeated
    "other_route",
    "route_waits",  # by another route, else the order waits until the route is used again
    "card_instead",  # at once by the card's number
]
Audience = Literal["nobody", "merchant", "operator"]

STATES: Final[tuple[State, ...]] = get_args(State)
FAULTS: Final[tuple[Fault | None, ...]] = (None, *get_args(Fault))
MESSAGES: Final[tuple[Message, ...]] = get_args(Message)
CHARGES: Final[frozenset[Message]] = frozenset({"card", "method", "token"})


MovementKind = Literal["refund", "refund_failed", "void", "capture", "capture_failed"]


class Movement(NamedTuple):
    """Movement on a charge at its processor, made by whomever. `reference`: the processor's, of the
    movement; `key`: ours, of the message that caused it, `ids`: what else the processor calls it. A
    void has no amount of its own. `final`: of a capture, after which nothing is held any more."""

    kind: MovementKind
    reference: str
    units: int
    currency: str
    key: UUID | None = None
    ids: tuple[str, ...] = ()
    final: bool = True


class Follows(NamedTuple):
    """`state`: what the message is from then on. `notifies`: whom, where nothing else can be done
    at once."""

    state: State
    step: Step
    notifies: Audience = "nobody"


_LATER: Final = Follows("not_sent", "try_later")
_BY_PERSON: Final = Follows("not_sent", "other_route", "merchant")
_BY_OPERATOR: Final = Follows("not_sent", "route_waits", "operator")
_REFUSED: Final = Follows("declined", "refused", "merchant")
_INQUIRED: Final = Follows("unknown", "inquire")
_NOT_FOUND: Final = Follows("not_found", "inquire")
_BOOKED: Final = Follows("approved", "book")
_DECIDED: Final = Follows("declined", "decide")

# What never left, by whose fault that is. Where a state has no faults of its own, see `_ANY`.
_NOT_SENT: Final[dict[Message, dict[Fault | None, Follows]]] = {
    "card": {None: _LATER, "request": _BY_PERSON, "credential": _BY_PERSON, "account": _BY_OPERATOR,
             "rate": _LATER, "outage": _LATER},
    "method": {None: _LATER, "request": _BY_PERSON, "credential": _DECIDED, "account": _BY_OPERATOR,
               "rate": _LATER, "outage": _LATER},
    "token": {None: _LATER, "request": _BY_PERSON,
    "credential": Follows("not_sent", "card_instead"),
              "account": _BY_OPERATOR, "rate": _LATER, "outage": _LATER},
    "modification": {None: _LATER, "request": _REFUSED, "credential": _REFUSED,
    "account": _BY_OPERATOR,
                     "rate": _LATER, "outage": _LATER},
    "dispute_answer": {None: _LATER, "request": _REFUSED, "credential": _REFUSED,
    "account": _BY_OPERATOR,
                       "rate": _LATER, "outage": _LATER},
}  # fmt: skip
_ANY: Final[dict[Message, dict[State, Follows]]] = {
    **{
        charge: {"approved": _BOOKED, "declined": _DECIDED, "unknown": _INQUIRED,
        "not_found": _NOT_FOUND,
                 "awaits_payer": Follows("awaits_payer", "wait_for_payer")}
        for charge in CHARGES
    },
    "modification": {"approved": _BOOKED, "declined": _REFUSED, "unknown": _INQUIRED,
    "not_found": _NOT_FOUND,
                     "awaits_payer": _INQUIRED},
    "dispute_answer": {"approved": _BOOKED, "declined": _REFUSED, "unknown": _INQUIRED,
    "not_found": _NOT_FOUND,
                       "awaits_payer": _INQUIRED},
}  # fmt: skip
TABLE: Final[dict[tuple[Message, State, Fault | None], Follows]] = {
    (message, state, fault): _NOT_SENT[message][fault]
    if state == "not_sent"
    else _ANY[message][state]
    for message in MESSAGES
    for state in STATES
    for fault in FAULTS
}
WRONG: Final[frozenset[Fault]] = frozenset(
    {"request", "credential"}
)  # the same request is refused again


def follows(message: Message, state: State, fault: Fault | None) -> Follows:
    return TABLE[message, state, fault]
