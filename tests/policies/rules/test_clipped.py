"""What wider policies leave of a saved one."""

from recoup.policies.rules.check import contradictions
from recoup.policies.rules.clipped import clipped
from recoup.policies.rules.in_force import InForce, Part
from recoup.policies.rules.read import read_policy
from recoup.policies.rules.terms import PolicyTerms


def terms(**tables: object) -> PolicyTerms:
    read, complaints = read_policy(tables)
    assert not complaints
    return read


OWN = terms(
    tries={"all": 8, "soft": 5},
    when={"hours": ["06:00-12:00"], "days": ["mon", "sat"], "gap": "2h"},
    amounts={"max": {"USD": 900, "EUR": 900}},
    link="beside",
)


def test_nothing_is_cut_of_what_stays_under_its_bounds() -> None:
    assert clipped(OWN, None) == (OWN, {})
    bound = terms(
        tries={"all": 8}, when={"gap": "1h"}, codes={"never": ["14"]}, budget={"sends": 5}
    )
    assert clipped(OWN, InForce((Part("operator", "", 1, bound),))) == (OWN, {})


def test_each_line_is_cut_to_the_narrowest_bound_and_names_all_that_are_narrower() -> None:
    operator = terms(tries={"all": 5}, amounts={"max": {"USD": 700, "EUR": 800}}, link="last")
    partner = terms(
        tries={"all": 6, "soft": 4}, when={"hours": ["08:00-10:00"], "gap": "3h"}, off=True
    )
    wider = InForce((Part("operator", "", 1, operator), Part("partner", "p", 2, partner)))
    left, by = clipped(OWN, wider)
    assert left.to_plain() == {
        "off": True,
        "link": "last",
        "tries": {"all": 5, "soft": 4},
        "when": {"hours": ["08:00-10:00"], "days": ["mon", "sat"], "gap": "3h"},
        "amounts": {"max": {"EUR": 800, "USD": 700}},
    }
    assert by == {
        "tries.all": ("operator", "partner"),
        "tries.soft": ("partner",),
        "when.hours": ("partner",),
        "when.gap": ("partner",),
        "amounts.max": ("operator",),
        "link": ("operator",),
        "off": ("partner",),
    }
    assert not any(list(contradictions(left, part.terms)) for part in wider.parts)


def test_of_hours_and_days_outside_the_bound_nothing_is_left() -> None:
    bound = terms(when={"hours": ["20:00-22:00"], "days": ["sun"]})
    left, by = clipped(OWN, InForce((Part("partner", "p", 1, bound),)))
    assert (left.hours, left.days, by) == (
        (),
        (),
        {"when.hours": ("partner",), "when.days": ("partner",)},
    )
