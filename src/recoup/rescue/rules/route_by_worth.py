"""Choice of an attempt's card route: of those that can carry it the one that is worth most. Pure.

Worth is chance × what is left of the amount − the cost of a send. The chance is the engine's,
corrected by how a route's approvals compare with what the engine expected of the same sends; a
prior stands for `PRIOR` approvals as expected. A route that has just failed with this order stands
back: it proved to have sent nothing, or brought a technical decline. One that refused the request
as invalid is not asked again, unless a person says so, and one whose processor refuses our account
takes nothing. What an issuer says about card or money it would say on any route. An attempt whose
outcome is unknown leaves no choice at all. Whole numbers only, so that a stored decision is decided
the same again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.stored import Stored, plain
from recoup.orders.rules.decision import Alternative, Decision
from recoup.orders.rules.snapshot import Attempt
from recoup.processors.rules.answers import WRONG
from recoup.processors.rules.route_terms import MILLION, Breaker, Candidate, Carried

ROUTE_BY_WORTH_VERSION: Final = "route-4"
PRIOR: Final = 30 * MILLION  # expected approvals
USUAL_CHANCE: Final = 300_000  # millionths, where nobody has estimated one
TRICKLE: Final = 10  # of so many orders one tries a route that comes back
How = Literal["not_sent", "technical", "refused"]
_BY_FAILURE: Final[Mapping[How, str]] = {
    "not_sent": "proof_of_not_sent", "technical": "technical_decline", "refused": "request_refused",
}  # fmt: skip
_CANNOT: Final = {
    "credential": "It does not take this kind of card.",
    "authentication": "Its processor cannot ask the customer to confirm.",
    "currency": "It does not take this currency.",
    "scheme": "It does not take this card scheme.",
    "country": "It does not take payments from this country.",
    "too_small": "It does not take such a small amount.",
    "too_large": "It does not take such a large amount.",
    "inexact": "It would have to round the amount.",
}


@frozen
class Failure:
    """A failed attempt. `code`: the processor's or the scheme's, where there was an answer. `how`
    refused: the request was wrong, so that the same is not repeated there."""

    route: str
    attempt_no: int
    at: datetime
    how: How
    code: str | None = None


@frozen
class WorthInput(Stored):
    """The inputs of one decision. `routes` in the settings' order. `failures`: of the attempts
    since another answer came, the newest of each route, oldest first. `chance`: the engine's, in
    millionths. `draw`: 0 … TRICKLE - 1, the order's own."""

    routes: tuple[Candidate, ...]
    charge: Carried
    failures: tuple[Failure, ...]
    chance: int
    draw: int
    now: datetime

    @property
    def open_choice(self) -> bool:
        """True when there is anything to choose, or proof that nothing was sent: else the route is
        the only one."""
        return len(self.routes) > 1 or any(failure.how != "technical" for failure in self.failures)

    def features(self) -> dict[str, Any]:
        return dict(plain(self)) | {"routes": [route.to_dict() for route in self.routes]}


def failures_of(attempts: Iterable[Attempt]) -> tuple[Failure, ...]:
    """`attempts` of the order, oldest first. What refused a request stays behind any later answer
    of another route."""
    given = list(attempts)
    newest: dict[str, Failure] = {}
    answered, asked_again = False, _asked_again(given)
    for attempt in reversed([a for a in given if a.route]):
        how = _failed(attempt)
        answered = answered or how is None
        if (
            attempt.route is None
            or how == "refused"
            and attempt.attempt_no < asked_again
            or answered
            and how != "refused"
        ):
            continue
        if how is not None:
            at = attempt.closed_at or attempt.sent_at or attempt.due_at
            code = attempt.scheme_code or attempt.processor_code
            newest.setdefault(
                attempt.route, Failure(attempt.route, attempt.attempt_no, at, how, code)
            )
    return tuple(sorted(newest.values(), key=lambda failure: failure.attempt_no))


def _asked_again(attempts: Iterable[Attempt]) -> int:
    """The first attempt since a person asked for one, or gave another card: nothing before it
    speaks against a route's taking the request."""
    asked, before = 0, None
    for attempt in attempts:
        if (
            attempt.when_due in ("merchant", "new_card", "other_card")
            and before != attempt.decision_id
        ):
            asked = attempt.attempt_no
        before = attempt.decision_id
    return asked


def chosen_route(given: WorthInput) -> str | None:
    """Its name alone; None where no route may take the attempt now."""
    return _choice(given)[0]


def another_stands_ready(given: WorthInput) -> bool:
    """True when a route can take it at once that has not failed with this order, and is not known
    to be unreachable."""
    name = chosen_route(given)
    able = _able(given)
    return (
        name is not None
        and name not in {failure.route for failure in given.failures}
        and _breaker(able, name) != "open"
    )


def chance_at(candidate: Candidate, chance: int) -> int:
    """The engine's chance as that route bears it out, in millionths."""
    seen = candidate.approved * MILLION + PRIOR
    return min(MILLION, chance * seen // (candidate.expected + PRIOR))


def worth_at(candidate: Candidate, charge: Carried, chance: int) -> int:
    """Millionths of the charge's currency."""
    left = charge.millionths * (MILLION - candidate.terms.cost_share) // MILLION
    return chance_at(candidate, chance) * left // MILLION - candidate.terms.cost_fixed


def choose_route(given: WorthInput) -> Decision:
    """Verdict `send`, `taken` names one of the alternatives; or `wait`, where no route may take the
    attempt now. Once every route has failed, the one that failed longest ago is tried again."""
    taken, rule = _choice(given)
    last = given.failures[-1].route if given.failures else ""
    refused = _last_refused(given)
    why = {
        "only_route": "It is the only route that can take it.",
        "most_worth": "Of the routes that can take it, chance and cost speak for this one.",
        "first_of_equals": "Chance and cost speak for several routes alike; it is the first of "
        "them.",
        "proof_of_not_sent": f"Route {last} did not process the attempt before: nothing was sent.",
        "request_refused": f"Route {refused.route if refused else ''} refused the request as "
        f"invalid, so it is not"
        " repeated there.",
        "technical_decline": f"The attempt before was declined on route {last} for a technical "
        f"reason.",
        "every_route_failed": "The attempts before failed on every route; the one that failed "
        "longest ago is tried"
        " again.",
        "trickle": "It was not reachable for a time and comes back: some payments try it.",
        "every_breaker_open": "No route is reachable at the moment, so that the best one is tried.",
        "no_route": "Each route is switched off or does not take this payment.",
    }[rule]
    if taken is None:
        change = "Once a route takes it or is switched on again, it is sent."
        reasons: tuple[str, ...] = ("No route takes the attempt now.", why, change)
    else:
        change = (
            "After a technical decline, or proof that nothing was sent, the next attempt "
            "takes another route."
        )
        reasons = (f"Route {taken} takes the attempt.", why, change)
    versions = {"decider": ROUTE_BY_WORTH_VERSION, "policy": None, "knowledge": None, "model": None}
    verdict: Literal["send", "wait"] = "send" if taken is not None else "wait"
    return Decision(verdict, (), None, reasons, (rule,), versions, _alternatives(given), taken)


def _last_refused(given: WorthInput) -> Failure | None:
    return next((failure for failure in reversed(given.failures) if failure.how == "refused"), None)


def _failed(attempt: Attempt) -> How | None:
    if attempt.state == "not_sent":
        return "refused" if _is_refused(attempt) else "not_sent"
    return "technical" if attempt.state == "declined" and attempt.klass == "technical" else None


def _is_refused(attempt: Attempt) -> bool:
    """A token that is not taken says nothing of the request: the card's number goes in its
    place."""
    fault = attempt.checks.fault if attempt.checks is not None else None
    return fault in WRONG and not (fault == "credential" and attempt.by_token is not None)


def _able(given: WorthInput) -> list[Candidate]:
    refused = {failure.route for failure in given.failures if failure.how == "refused"}
    return [
        route
        for route in given.routes
        if not route.off
        and route.breaker != "refused"
        and route.terms.name not in refused
        and route.why_not(given.charge) is None
    ]


def _choice(given: WorthInput) -> tuple[str | None, str]:
    """The route, and the rule that took it."""
    able = _able(given)
    if not able:
        return None, "no_route"
    failed = [
        failure for failure in given.failures if failure.route in {each.terms.name for each in able}
    ]
    last = failed[-1] if failed else _last_refused(given)
    against = {failure.route for failure in failed}
    fresh = [candidate for candidate in able if candidate.terms.name not in against]
    coming = [
        candidate for candidate in fresh if candidate.breaker == "trickle" and given.draw == 0
    ]
    if coming:
        return coming[0].terms.name, "trickle"
    steady = [candidate for candidate in fresh if candidate.breaker == "closed"]
    if steady:
        name, rule = _best(given, steady)
        return name, _BY_FAILURE[last.how] if last is not None else rule if len(
            able
        ) > 1 else "only_route"
    again = next((failure for failure in failed if _breaker(able, failure.route) == "closed"), None)
    if again is not None:
        return again.route, "every_route_failed"
    if fresh:
        return _best(given, fresh)[0], "every_breaker_open"
    return failed[0].route, "every_route_failed"


def _best(given: WorthInput, among: list[Candidate]) -> tuple[str, str]:
    worth = [worth_at(candidate, given.charge, given.chance) for candidate in among]
    best = max(worth)
    rule = "first_of_equals" if len(among) > 1 and worth.count(best) > 1 else "most_worth"
    return among[worth.index(best)].terms.name, rule


def _breaker(able: Iterable[Candidate], name: str) -> Breaker:
    return next(candidate.breaker for candidate in able if candidate.terms.name == name)


def _alternatives(given: WorthInput) -> tuple[Alternative, ...]:
    how = {failure.route: failure.how for failure in given.failures}
    return tuple(
        Alternative(
            route.terms.name,
            chance_at(route, given.chance) / MILLION,
            _note(route, given.charge, how.get(route.terms.name)),
        )
        for route in given.routes
    )


def _note(candidate: Candidate, charge: Carried, how: How | None) -> str:
    why = candidate.why_not(charge)
    if why is not None:
        return _CANNOT[why]
    if candidate.off:
        return "It is switched off."
    if how == "refused":
        return "It refused the request as invalid."
    if candidate.breaker == "refused":
        return "Its processor refuses the account or its key."
    if how == "not_sent":
        return "It did not process the attempt before."
    if how == "technical":
        return "It brought back a technical decline."
    if candidate.breaker != "closed":
        return "It was not reachable a short time ago."
    return "Nothing is known against it."
