"""Policies drawn at random: as plain lines, good and bad, and as versions of several scopes."""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from recoup.policies.rules.check import CheckGround
from recoup.policies.rules.in_force import InForce, Part
from recoup.policies.rules.read import read_policy
from recoup.policies.rules.terms import DAYS, GROUPS, SCOPES, PolicyTerms

GROUND = CheckGround(
    None, "world", date(2026, 11, 20), timedelta(days=30), frozenset({"main", "second"})
)


def _clock() -> st.SearchStrategy[str]:
    return st.builds(
        lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59)
    )


def _span() -> st.SearchStrategy[str]:
    return st.tuples(_clock(), _clock()).filter(lambda both: both[0] != both[1]).map("-".join)


def plain() -> st.SearchStrategy[dict[str, Any]]:
    """Lines that can be read; whether they may be saved is another matter."""
    amounts = st.dictionaries(
        st.sampled_from(["USD", "EUR", "JPY", "XXQ"]), st.integers(0, 100_000), max_size=3
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "off": st.booleans(),
            "link": st.sampled_from(["off", "last", "beside"]),
            "tries.all": st.integers(1, 20),
            **{f"tries.{one}": st.integers(0, 20) for one in GROUPS},
            "when.hours": st.lists(_span(), min_size=1, max_size=3),
            "when.days": st.lists(st.sampled_from(DAYS), min_size=1, max_size=7),
            "when.gap": st.builds(
                lambda n, unit: f"{n}{unit}", st.integers(0, 40), st.sampled_from("mhd")
            ),
            "when.last": st.integers(1, 60),
            "amounts.min": amounts,
            "amounts.max": amounts,
            "codes.never": st.lists(
                st.sampled_from(["05", "51", "91", "ZZZ"]), min_size=1, max_size=3
            ),
            "routes.only": st.lists(
                st.sampled_from(["main", "second", "mian"]), min_size=1, max_size=2
            ),
            "budget.sends": st.integers(0, 1000),
            "cost.send": st.integers(0, 500),
            "cost.harm": st.integers(0, 100),
            "engine.arm": st.sampled_from(["off", "shadow", "share"]),
            "engine.share": st.integers(0, 100),
            "engine.explore": st.integers(0, 20),
        },
    ).map(_nested)


def terms() -> st.SearchStrategy[PolicyTerms]:
    return plain().map(lambda lines: read_policy(lines)[0])


def in_force() -> st.SearchStrategy[InForce]:
    """Of one to five scopes."""
    scopes = st.sets(st.sampled_from(SCOPES), min_size=1).map(
        lambda found: sorted(found, key=SCOPES.index)
    )
    return scopes.flatmap(
        lambda found: st.tuples(*(terms() for _ in found)).map(
            lambda all_of: InForce(
                tuple(
                    Part(scope, "", number, one)
                    for number, (scope, one) in enumerate(zip(found, all_of, strict=True), 1)
                )
            )
        )
    )


def _nested(lines: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in lines.items():
        table, _, name = key.rpartition(".")
        if table:
            found.setdefault(table, {})[name] = value
        else:
            found[name] = value
    return found
