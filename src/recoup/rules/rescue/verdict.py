"""What a decider may decide, and the other ways that it names beside it. Pure."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal[
    "approve_now",
    "challenge",
    "attempt_now",
    "plan",
    "decline_at_once",
    "wait",  # of an order
    "allow",
    "postpone",
    "refuse",  # of the gate
    "send",  # of a route
    "write_off",  # of what was advanced
]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way that was open, with its rough chance to be approved (0 … 1), or None where nobody knows."""

    name: str
    chance: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Priced(Alternative):
    """One that the engine weighed. `at` is None for stopping; `price`: its worth net of sends or contacts, as a
    chance."""

    at: str | None
    price: float


@dataclass(frozen=True, slots=True)
class Offered(Priced):
    """One of those that exclude each other. `probability`: with which it was taken."""

    probability: float
