"""How routes were chosen before `route_by_answer`: the first that had not just failed to take the order's attempts.
Pure.

It decides nothing any more. It stays for the decisions that name it, which are read here as they were stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.verdict import Alternative

ROUTE_VERSION: Final = "route-1"


@dataclass(frozen=True, slots=True)
class Proof:
    """That a route sent nothing: its attempt was closed as not sent, by the processor's `code` or without one, for it
    was not reached."""

    route: str
    attempt_no: int
    at: datetime
    code: str | None = None


@dataclass(frozen=True, slots=True)
class RouteInput:
    """The inputs of one decision. `routes` by preference. `proofs`: of the attempts since something was last sent, the
    newest of each route, oldest first."""

    routes: tuple[str, ...]
    proofs: tuple[Proof, ...]
    now: datetime

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "RouteInput":
        """Of stored features."""
        proofs = (Proof(**one | {"at": datetime.fromisoformat(one["at"])}) for one in plain["proofs"])
        return cls(tuple(plain["routes"]), tuple(proofs), datetime.fromisoformat(plain["now"]))


def choose_route(asked: RouteInput) -> Decision:
    """Verdict `send`; `taken` names one of the alternatives. With a proof against every route the one that failed
    longest ago is tried again.

    Raises: IndexError without routes.
    """
    taken, rule = _choice(asked)
    last = asked.proofs[-1].route if asked.proofs else ""
    why = {
        "first_route": "It is the first route.",
        "proof_of_not_sent": f"Route {last} did not process the attempt before: nothing was sent.",
        "every_route_failed": "No route processed the attempts before; the one that failed longest ago is tried again.",
    }[rule]
    change = "With proof that it sent nothing, the next attempt takes another route."
    reasons = (f"Route {taken} takes the attempt.", why, change)
    versions = {"decider": ROUTE_VERSION, "policy": None, "knowledge": None, "model": None}
    return Decision("send", (), None, reasons, (rule,), versions, _candidates(asked), taken)


def _choice(asked: RouteInput) -> tuple[str, str]:
    """The route, and the rule that took it."""
    failed = [one.route for one in asked.proofs if one.route in asked.routes]
    if not failed:
        return asked.routes[0], "first_route"
    untried = [route for route in asked.routes if route not in failed]
    return (untried[0], "proof_of_not_sent") if untried else (failed[0], "every_route_failed")


def _candidates(asked: RouteInput) -> tuple[Alternative, ...]:
    failed = {one.route for one in asked.proofs}
    notes = {True: "It did not process the attempt before.", False: "Nothing is known against it."}
    return tuple(Alternative(route, None, notes[route in failed]) for route in asked.routes)
