"""Decision of any decider on an order. It turns into JSON without loss."""

from collections.abc import Mapping
from typing import Any, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.stored import plain
from recoup.kernel.time import BusinessTime
from recoup.policies.rules.policy import Group

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


@frozen
class Alternative:
    """Another way that was open, with its rough chance to be approved (0 … 1), or None where nobody
    knows."""

    name: str
    chance: float | None
    note: str


@frozen
class Priced(Alternative):
    """Option that the engine weighed. `at` is None for stopping; `price`: its worth net of sends or
    contacts, as a chance."""

    at: str | None
    price: float


@frozen
class Offered(Priced):
    """Offered alternative, of several that exclude each other. `probability`: with which it was
    taken."""

    probability: float


@frozen
class Decision:
    """Decision of any decider. `plan` holds the due times still to come (UTC; a schedule's are full
    minutes before expiry). `group` is the schedule that the next attempt belongs to: store it with
    the attempt, it becomes `Tried.group`. `versions` names decider, policy, knowledge and model.
    `reasons` are plain sentences for merchants; the first says what was decided, the last what
    would have changed it. `taken`: which of the `alternatives` was chosen, where a decision chose
    among them."""

    verdict: Verdict
    plan: tuple[BusinessTime, ...]
    group: Group | None
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    versions: Mapping[str, str | None]
    alternatives: tuple[Alternative, ...]
    taken: str | None = None

    @property
    def next_attempt_at(self) -> BusinessTime | None:
        return self.plan[0] if self.plan else None

    def to_dict(self) -> dict[str, Any]:
        return dict(plain(self))
