"""Rest of a saved policy inside wider ones, as when a bound was set after it. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from recoup.policies.rules.check import contradictions
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.terms import PolicyTerms, ScopeKind


class Clipped(NamedTuple):
    """`terms`: the saved ones with each line that is wider than a bound cut to it; a line of which
    nothing is left is not set. `by`: of each such line the scopes that say less, the widest first.
    """

    terms: PolicyTerms
    by: Mapping[str, tuple[ScopeKind, ...]]


def clipped(terms: PolicyTerms, wider: InForce | None) -> Clipped:
    left, by = terms, defaultdict[str, list[ScopeKind]](list)
    for part in wider.parts if wider is not None else ():
        lines = dict.fromkeys(line for line, _, _ in contradictions(terms, part.terms))
        for line in (*lines, *(("off",) if part.terms.off and not terms.off else ())):
            by[line].append(part.scope)
        left = _inside(left, part.terms)
    return Clipped(left, {line: tuple(scopes) for line, scopes in by.items()})


def _inside(terms: PolicyTerms, bound: PolicyTerms) -> PolicyTerms:
    while (contradiction := next(contradictions(terms, bound), None)) is not None:
        terms = contradiction[2](terms)
    return replace(terms, off=terms.off or bound.off)
