"""Check that a policy may be saved: it cannot pass a network limit, it ends, before the orders do,
it stays in its bounds, and names what there is. Pure.

The gate stands before every send whatever a policy says; a policy that relied on it would plan what
is never sent.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS, shown
from recoup.kernel.nearest import nearest as nearest_name
from recoup.kernel.problem import Sentence
from recoup.networks.limits import LimitWindow, windows_of
from recoup.networks.tables import CODES
from recoup.policies.rules.in_force import InForce, Part, mask_of, spans_of
from recoup.policies.rules.read import TRIES_MAX, put, read_policy
from recoup.policies.rules.terms import (
    ARMS,
    ATTRIBUTES,
    DAY_MINUTES,
    DAYS,
    GROUPS,
    LINKS,
    NOTHING_SET,
    OWN,
    Complaint,
    PolicyTerms,
    duration,
)

ROUNDS_MAX: Final = 12
_STEP: Final = 5  # minutes: what a gap is rounded up to
_SOONEST: Final = 15  # minutes: nothing is ever planned sooner after a decline
_KNOWN_CODES: Final = frozenset(row.code.upper() for row in CODES if row.kind == "response")
_Mend = Callable[[PolicyTerms], PolicyTerms]
SCHEME_NAMES: Final[Mapping[str, str]] = {
    "visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover",
    "elo": "Elo",
}  # fmt: skip


@frozen
class CheckGround:
    """Ground that a policy is checked against. `wider`: the policies that it lies in, None where
    there are none. `region`, `visa_limit`, `on`: of the networks' limits. `longest`: that an order
    stays open. `routes`: that there are. `inside`: of each policy that lies in it, the parts from
    its own scope on."""

    wider: InForce | None
    region: str
    on: date
    longest: timedelta
    routes: frozenset[str]
    visa_limit: int = 20
    inside: Sequence[Sequence[Part]] = ()


def check(terms: PolicyTerms, ground: CheckGround) -> list[Complaint]:
    """The complaints that keep it from being saved, line by line; none: it may be."""
    complaints = [*_names(terms, ground), *_itself(terms), *_expiry(terms, ground)]
    complaints += [
        *_limits(terms, ground),
        *(_bounds(terms, ground.wider) if ground.wider is not None else ()),
    ]
    return complaints


def check_plain(plain: object, ground: CheckGround) -> tuple[PolicyTerms, list[Complaint]]:
    """Checks lines as they come: what could not be read is said beside what could."""
    terms, unread = read_policy(plain)
    return terms, [*unread, *check(terms, ground)]


def nearest(terms: PolicyTerms, ground: CheckGround) -> PolicyTerms:
    """The one that may be saved and says the most of it."""
    for _ in range(ROUNDS_MAX):
        complaints = check(terms, ground)
        if not complaints:
            return terms
        for complaint in complaints:
            terms = complaint.mend(terms)
    for remaining in check(terms, ground):
        terms = _without(remaining.line)(terms)
    return terms if not check(terms, ground) else NOTHING_SET


def _names(terms: PolicyTerms, ground: CheckGround) -> Iterator[Complaint]:
    unknown = next((name for name in terms.routes if name not in ground.routes), None)
    if unknown is not None:
        close = nearest_name(unknown, sorted(ground.routes))
        why = (
            Sentence("There is no route {0}; the nearest is {1}.", repr(unknown), close)
            if close
            else Sentence("There is no route {0}.", repr(unknown))
        )
        known = tuple(
            dict.fromkeys(route for route in (*terms.routes, close) if route in ground.routes)
        )
        yield Complaint("routes.only", why, _set("routes", known))
    code = next((code for code in terms.codes if code not in _KNOWN_CODES), None)
    if code is not None:
        why = Sentence("{0} is no response code of a card network.", repr(code))
        yield Complaint(
            "codes.never",
            why,
            _set("codes", tuple(code for code in terms.codes if code in _KNOWN_CODES)),
        )
    for line, attribute in (("amounts.min", "amount_min"), ("amounts.max", "amount_max")):
        amounts: Mapping[str, int] = getattr(terms, attribute)
        currency = next((amount for amount in amounts if amount not in EXPONENTS), None)
        if currency is not None:
            why = Sentence("The currency {0} is not an ISO 4217 code like USD.", repr(currency[:8]))
            known_ones = {name: units for name, units in amounts.items() if name in EXPONENTS}
            yield Complaint(line, why, _set(attribute, known_ones))


def _itself(terms: PolicyTerms) -> Iterator[Complaint]:
    for group in GROUPS:
        tries = terms.group_tries.get(group)
        if tries is not None and terms.tries is not None and tries > terms.tries:
            why = Sentence("It is more than the {0} attempts in all.", terms.tries)
            yield Complaint(f"tries.{group}", why, _set(f"group_tries.{group}", terms.tries))
    for currency, least in terms.amount_min.items():
        if least > terms.amount_max.get(currency, least):
            why = Sentence("The least amount in {0} is above the largest.", currency)
            lower = dict(terms.amount_min) | {currency: terms.amount_max[currency]}
            yield Complaint("amounts.min", why, _set("amount_min", lower))


def _expiry(terms: PolicyTerms, ground: CheckGround) -> Iterator[Complaint]:
    longest = ground.longest.days
    if terms.last_day is not None and terms.last_day > longest:
        why = Sentence(
            "No order stays open for more than {0} days: the plan would pass its expiry.", longest
        )
        yield Complaint("when.last", why, _set("last_day", longest))
    room = min(longest, terms.last_day or longest) * DAY_MINUTES
    if terms.gap is not None and terms.gap >= room:
        why = Sentence(
            "The first attempt would come after the last day, or after the order's expiry."
        )
        yield Complaint(
            "when.gap", why, _set("gap", room - DAY_MINUTES if room > DAY_MINUTES else 0)
        )


def _limits(terms: PolicyTerms, ground: CheckGround) -> Iterator[Complaint]:
    """Each window of each network, as many sends as this policy could bring into it, the payment
    itself among them: the first that a longer gap mends, and the first that only fewer tries do.
    Also of narrower policies, whose tries may rely on this one's gap."""
    rows = windows_of(ground.on, ground.region, ground.visa_limit)
    parts = (
        *(ground.wider.parts if ground.wider is not None else ()),
        Part("merchant", "", 0, terms),
    )
    line = _line_of_tries(terms)
    if line is not None:
        passed = [row for row in rows if _sends(row, *_densest(parts)) > row.maximum]
        for short in (True, False):
            row = next((row for row in passed if (_gap_for(row) is not None) is short), None)
            if row is not None:
                yield _passed(line, row, parts)
    for inner in ground.inside:
        tries, gap = _densest((*parts, *inner))
        row = next(
            (
                row
                for row in rows
                if _sends(row, tries, gap) > row.maximum and _gap_for(row) is not None
            ),
            None,
        )
        if row is not None:
            yield _passed("when.gap", row, (*parts, *inner))


def _line_of_tries(terms: PolicyTerms) -> str | None:
    """The line that says how many attempts: `tries.all`, else that of the largest group; None where
    none does."""
    if terms.tries is not None or not terms.group_tries:
        return "tries.all" if terms.tries is not None else None
    return "tries." + max(terms.group_tries, key=lambda group: terms.group_tries[group])


def _densest(parts: Sequence[Part]) -> tuple[int, int]:
    """(tries of an order, minutes between two of them). Where only groups say how many, of all of
    them together: an order is declined for one reason after the other."""
    chain = InForce(tuple(parts))
    groups = {group for part in parts if part.scope in OWN for group in part.terms.group_tries}
    tries = chain.tries(min(sum(chain.group_tries(group) or 0 for group in groups), TRIES_MAX))
    return tries, max(round(chain.gap / timedelta(minutes=1)), _SOONEST)


def _sends(row: LimitWindow, tries: int, gap: int) -> int:
    return min(tries + 1, -(-round(row.hours * 60) // gap))


def _gap_for(row: LimitWindow) -> int | None:
    """The gap in minutes that leaves room in the window; None in a long window, where only fewer
    attempts do."""
    wanted = -(-round(row.hours * 60) // row.maximum)
    wanted = -(-wanted // _STEP) * _STEP
    return wanted if wanted <= DAY_MINUTES // 2 else None


def _passed(line: str, row: LimitWindow, parts: Sequence[Part]) -> Complaint:
    scheme, gap = SCHEME_NAMES.get(row.scheme, row.scheme), _gap_for(row)
    tries, dense = _densest(parts)
    sends = _sends(row, tries, dense)
    if gap is None:
        message = (
            "{0} attempts after a payment could be {1} on the card in {2} days; {3} allows {4}."
        )
        why = Sentence(message, tries, sends, f"{row.hours / 24:g}", scheme, row.maximum)
        return Complaint(line, why, lambda terms: _fewer(terms, line, row.maximum - 1))
    message = (
        "{0} attempts after a payment could be {1} on the card in {2} hours; {3} "
        "allows {4}; a gap of {5} leaves room."
    )
    why = Sentence(message, tries, sends, f"{row.hours:g}", scheme, row.maximum, duration(gap))
    if line == "when.gap":
        why = Sentence("{0} relies on it: {1}", parts[-1].name, why)
    return Complaint(line, why, lambda terms: replace(terms, gap=max(gap, terms.gap or 0)))


def _fewer(terms: PolicyTerms, line: str, most: int) -> PolicyTerms:
    """The terms with so many attempts in all; where groups say how many, the largest leaves room
    for the others."""
    if line == "tries.all":
        return replace(terms, tries=max(1, most))
    others = sum(tries for group, tries in terms.group_tries.items() if line != f"tries.{group}")
    return put(terms, ATTRIBUTES[line], max(0, most - others))


def _bounds(terms: PolicyTerms, wider: InForce) -> Iterator[Complaint]:
    for part in wider.parts:
        for line, why, mend in contradictions(terms, part.terms):
            yield Complaint(line, Sentence("{0} ({1}).", why, part.name), mend)


_Contradiction = tuple[str, Sentence, _Mend]


def contradictions(terms: PolicyTerms, bound: PolicyTerms) -> Iterator[_Contradiction]:
    """The lines that are wider than the bound, why, and what cuts them to it."""
    yield from _most(terms, bound)
    yield from _least(terms, bound)
    yield from _sets(terms, bound)


def _most(terms: PolicyTerms, bound: PolicyTerms) -> Iterator[_Contradiction]:
    pairs = [
        ("tries.all", terms.tries, bound.tries),
        *(
            (f"tries.{group}", terms.group_tries.get(group), bound.group_tries.get(group))
            for group in GROUPS
        ),
        ("when.last", terms.last_day, bound.last_day),
        ("budget.sends", terms.budget, bound.budget),
        ("engine.share", terms.share, bound.share),
        ("engine.explore", terms.explore, bound.explore),
    ]
    for line, value, most in pairs:
        if value is not None and most is not None and value > most:
            yield line, Sentence("The bound is {0} at most", most), _set(ATTRIBUTES[line], most)
    for currency, units in terms.amount_max.items():
        if units > bound.amount_max.get(currency, units):
            most = bound.amount_max[currency]
            words = Sentence("The bound is {0} at most", f"{_shown(most, currency)} {currency}")
            yield (
                "amounts.max",
                words,
                _set("amount_max", dict(terms.amount_max) | {currency: most}),
            )
    named: tuple[tuple[str, str | None, str | None, Sequence[str]], ...] = (
        ("link", terms.link, bound.link, LINKS),
        ("engine.arm", terms.arm, bound.arm, ARMS),
    )
    for line, name, widest, names in named:
        if name is not None and widest is not None and names.index(name) > names.index(widest):
            yield line, Sentence("The bound is {0} at most", widest), _set(ATTRIBUTES[line], widest)


def _least(terms: PolicyTerms, bound: PolicyTerms) -> Iterator[_Contradiction]:
    if terms.gap is not None and bound.gap is not None and terms.gap < bound.gap:
        yield (
            "when.gap",
            Sentence("The bound is {0} at least", duration(bound.gap)),
            _set("gap", bound.gap),
        )
    for line, value, least in (
        ("cost.send", terms.send_cost, bound.send_cost),
        ("cost.harm", terms.harm, bound.harm),
    ):
        if value is not None and least is not None and value < least:
            shown_as = least if line == "cost.send" else f"{least / 100:g} %"
            yield (
                line,
                Sentence("The bound is {0} at least", shown_as),
                _set(ATTRIBUTES[line], least),
            )
    for currency, units in terms.amount_min.items():
        least = bound.amount_min.get(currency, 0)
        if units < least:
            words = Sentence("The bound is {0} at least", f"{_shown(least, currency)} {currency}")
            yield (
                "amounts.min",
                words,
                _set("amount_min", dict(terms.amount_min) | {currency: least}),
            )


def _sets(terms: PolicyTerms, bound: PolicyTerms) -> Iterator[_Contradiction]:
    both = mask_of(terms.hours) & mask_of(bound.hours)
    if terms.hours and both != mask_of(terms.hours):
        words = Sentence("The bound is {0}", ", ".join(hour.text() for hour in bound.hours))
        yield "when.hours", words, _set("hours", spans_of(both))
    if terms.days and bound.days and not set(terms.days) <= set(bound.days):
        words = Sentence("The bound is {0}", ", ".join(DAYS[day] for day in bound.days))
        yield (
            "when.days",
            words,
            _set("days", tuple(day for day in terms.days if day in bound.days)),
        )
    if terms.routes and bound.routes and not set(terms.routes) <= set(bound.routes):
        words = Sentence("The bound is {0}", ", ".join(bound.routes))
        yield (
            "routes.only",
            words,
            _set("routes", tuple(route for route in terms.routes if route in bound.routes)),
        )


def _set(attribute: str, value: object) -> _Mend:
    return lambda terms: put(terms, attribute, value)


def _without(line: str) -> _Mend:
    attribute = ATTRIBUTES[line]
    empty = getattr(NOTHING_SET, attribute, None)
    return _set(attribute, empty)


def _shown(units: int, currency: str) -> str:
    return shown(units, currency) if currency in EXPONENTS else str(units)


def by_line(complaints: Iterable[Complaint]) -> dict[str, list[str]]:
    """Groups the complaints by line, for a Problem."""
    messages: dict[str, list[str]] = {}
    for complaint in complaints:
        messages.setdefault(complaint.line, []).append(complaint.why)
    return messages
