"""Which processor an attempt goes to: the first of those that have not just failed with this order. Pure.

A route has failed when it proved to have sent nothing, or brought back a technical decline: those two mend elsewhere.
What an issuer says about card or money it would say on any route, so that it speaks against none. An attempt whose
outcome is unknown leaves no choice at all. A send counts within the network's limits whichever route it takes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from recoup.rules.order.snapshot import Attempt
from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.verdict import Alternative

ROUTE_BY_ANSWER_VERSION: Final = "route-2"
How = Literal["not_sent", "technical"]
_RULES: Final[Mapping[How, str]] = {"not_sent": "proof_of_not_sent", "technical": "technical_decline"}


@dataclass(frozen=True, slots=True)
class Failure:
    """Of one attempt. `code`: the processor's or the scheme's, where there was an answer."""

    route: str
    attempt_no: int
    at: datetime
    how: How
    code: str | None = None


@dataclass(frozen=True, slots=True)
class RouteInput:
    """The inputs of one decision. `routes` by preference. `failures`: of the attempts since another answer came, the
    newest of each route, oldest first."""

    routes: tuple[str, ...]
    failures: tuple[Failure, ...]
    now: datetime

    @property
    def open_choice(self) -> bool:
        """Whether there is anything to choose, or proof that nothing was sent: else the route is the only one."""
        return len(self.routes) > 1 or any(one.how == "not_sent" for one in self.failures)

    def features(self) -> dict[str, Any]:
        """JSON-able, without personal data; `from_dict` gives the same back."""
        failures = [asdict(one) | {"at": one.at.isoformat()} for one in self.failures]
        return {"routes": list(self.routes), "failures": failures, "now": self.now.isoformat()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "RouteInput":
        failures = (Failure(**one | {"at": datetime.fromisoformat(one["at"])}) for one in plain["failures"])
        return cls(tuple(plain["routes"]), tuple(failures), datetime.fromisoformat(plain["now"]))


def route_input(routes: Iterable[str], attempts: Iterable[Attempt], now: datetime) -> RouteInput:
    """`attempts` of the order, oldest first."""
    newest: dict[str, Failure] = {}
    for one in reversed([a for a in attempts if a.route]):
        how = _failed(one)
        if how is None or one.route is None:
            break
        at = one.closed_at or one.sent_at or one.due_at
        newest.setdefault(one.route, Failure(one.route, one.attempt_no, at, how, one.scheme_code or one.processor_code))
    return RouteInput(tuple(routes), tuple(reversed(newest.values())), now)


def chosen_route(asked: RouteInput) -> str:
    """Its name alone. Raises: IndexError without routes."""
    return _choice(asked)[0]


def choose_route(asked: RouteInput) -> Decision:
    """Verdict `send`; `taken` names one of the alternatives. Once every route has failed, the one that failed longest
    ago is tried again.

    Raises: IndexError without routes.
    """
    taken, rule = _choice(asked)
    last = asked.failures[-1].route if asked.failures else ""
    why = {
        "first_route": "It is the first route.",
        "proof_of_not_sent": f"Route {last} did not process the attempt before: nothing was sent.",
        "technical_decline": f"The attempt before was declined on route {last} for a technical reason.",
        "every_route_failed": "The attempts before failed on every route; the one that failed longest ago is tried"
        " again.",
    }[rule]
    change = "After a technical decline, or proof that nothing was sent, the next attempt takes another route."
    reasons = (f"Route {taken} takes the attempt.", why, change)
    versions = {"decider": ROUTE_BY_ANSWER_VERSION, "policy": None, "knowledge": None, "model": None}
    return Decision("send", (), None, reasons, (rule,), versions, _candidates(asked), taken)


def _failed(attempt: Attempt) -> How | None:
    if attempt.state == "not_sent":
        return "not_sent"
    return "technical" if attempt.state == "declined" and attempt.klass == "technical" else None


def _choice(asked: RouteInput) -> tuple[str, str]:
    """The route, and the rule that took it."""
    failed = [one for one in asked.failures if one.route in asked.routes]
    if not failed:
        return asked.routes[0], "first_route"
    against = {one.route for one in failed}
    untried = [route for route in asked.routes if route not in against]
    return (untried[0], _RULES[failed[-1].how]) if untried else (failed[0].route, "every_route_failed")


def _candidates(asked: RouteInput) -> tuple[Alternative, ...]:
    how = {one.route: one.how for one in asked.failures}
    notes: dict[str | None, str] = {
        "not_sent": "It did not process the attempt before.",
        "technical": "It brought back a technical decline.",
        None: "Nothing is known against it.",
    }
    return tuple(Alternative(route, None, notes[how.get(route)]) for route in asked.routes)
