"""Policies as data: one reader, one resolution, and none that is saved passes a limit, its bounds
or its end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.ground import DECLINED, evidence, model
from tests.policies_drawn import GROUND, in_force, plain, terms
from tests.rescue.rules.test_decide import NOW
from tests.rescue.rules.test_decide import evidence as asked
from tests.rings import each

from recoup.engine.decide import decide as decide_by_model
from recoup.kernel.problem import Problem
from recoup.networks.limits import windows_of
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.budget import COUNTED, MonthSends
from recoup.policies.rules.check import check, check_plain, nearest
from recoup.policies.rules.diff import diff
from recoup.policies.rules.file import line_number, parsed, written
from recoup.policies.rules.in_force import InForce, Part, closed, mask_of, spans_of
from recoup.policies.rules.policy import CURRENT, ENGINE_2
from recoup.policies.rules.read import read_policy
from recoup.policies.rules.stored import Version, holding, named_in
from recoup.policies.rules.terms import LINKS, NOTHING_SET, OWN, Hours, PolicyTerms, ScopeKind
from recoup.rescue.rules.decide import decide
from recoup.rescue.rules.evidence import Evidence, Tried
from recoup.webhooks.rules.replay import UnknownVersion, decide_again

MODEL = model()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SIX = {"gap": "6h"}


def own(lines: dict[str, Any]) -> InForce:
    found, complaints = read_policy(lines)
    assert not complaints
    return InForce((Part("merchant", "", 14, found),))


def plan_of(lines: dict[str, Any], code: str = "05", **more: Any) -> list[str]:
    return [f"{one:%m-%d %H:%M}" for one in decide(asked(code, **more), CURRENT, own(lines)).plan]


@given(plain())
def test_a_policy_reads_back_from_its_file_and_from_its_plain_form(lines: dict[str, Any]) -> None:
    found, complaints = read_policy(lines)
    assert not complaints
    assert read_policy(found.to_plain())[0] == found
    assert read_policy(parsed(written(found, "a title")))[0] == found
    assert diff(found, found) == []


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 30_000, "a = " + "{a=" * 20_000, "a = " + "9" * 60_000, "[[["]
)
def test_a_file_that_no_reader_gets_through_is_no_policy(text: str) -> None:
    with pytest.raises(Problem, match="no TOML") as refused:
        parsed(text)
    assert refused.value.code == "invalid"


_WORDS = [
    "tries",
    "when",
    "all",
    "soft",
    "hours",
    "gap",
    "off",
    "min",
    "amounts",
    "cost",
    "harm",
    "?",
]
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_WORDS), inner),
)


@given(_ANYTHING)
def test_the_reader_takes_anything(value: Any) -> None:
    found, complaints = read_policy(value)
    assert read_policy(found.to_plain()) == (found, [])
    assert all(one.line and one.why for one in complaints)


@given(terms(), st.none() | in_force())
def test_the_nearest_policy_can_be_saved(drawn: PolicyTerms, wider: InForce | None) -> None:
    ground = replace(GROUND, wider=wider)
    could = nearest(drawn, ground)
    assert check(could, ground) == []
    if not check(drawn, ground):
        assert could == drawn


@given(terms())
def test_what_may_be_saved_cannot_fill_a_window_of_a_network(drawn: PolicyTerms) -> None:
    """Sends as dense as the gap lets them be, the payment first; declined for one reason after the
    other."""
    saved = nearest(drawn, GROUND)
    tries = sum(saved.group_tries.values()) if saved.tries is None else saved.tries
    gap = timedelta(minutes=max(saved.gap or 0, 15))
    sends = [number * gap for number in range(tries + 1)]
    for window in windows_of(GROUND.on, GROUND.region, GROUND.visa_limit):
        span = timedelta(hours=window.hours)
        most = max(sum(start <= one < start + span for one in sends) for start in sends)
        assert most <= window.maximum, window


@given(in_force(), st.integers(0, 20))
def test_what_holds_is_inside_every_bound(found: InForce, default: int) -> None:
    for part in found.parts:
        said = part.terms
        assert said.tries is None or found.tries(default) <= said.tries
        for group, most in said.group_tries.items():
            assert (found.group_tries(group) or 0) <= most
        assert found.gap >= timedelta(minutes=said.gap or 0)
        assert found.hours & ~mask_of(said.hours) == 0
        assert not said.days or all(day in said.days for day in range(7) if found.days >> day & 1)
        assert said.link is None or LINKS.index(found.link) <= LINKS.index(said.link)
        assert not said.routes or found.routes is not None and found.routes <= set(said.routes)
        assert said.explore is None or found.explore is not None and found.explore <= said.explore
        assert said.budget is None or found.budgets[COUNTED[part.scope]] <= said.budget
        assert found.priced(ENGINE_2).send_units >= (said.send_cost or 0)
    if not any(part.scope in OWN and part.terms.tries is not None for part in found.parts):
        assert found.tries(default) <= default, "a bound is no setting"


def check_plan(decision: Decision, given: Evidence, found: InForce) -> None:
    end = found.end(given.first_declined_at, given.expires_at)
    last = max([given.first_declined_at, *(one.at for one in given.attempts)])
    leaving = (
        [given.now, *decision.plan] if decision.verdict == "attempt_now" else list(decision.plan)
    )
    for at in leaving:
        assert found.is_open(at, given.utc_offset)
        assert at < end
        assert at - last >= found.gap
        last = at
    if leaving:
        assert len(given.attempts) + len(leaving) <= found.tries(20)
        assert found.forbids(given.units, given.currency, given.reading.code) is None
        group = decision.group
        if group is not None and (most := found.group_tries(group)) is not None:
            assert sum(one.group == group for one in given.attempts) + len(leaving) <= most
    assert decision.versions["policies"] == found.name


@given(
    in_force(),
    st.sampled_from(["05", "51", "91", "61"]),
    st.integers(0, 20 * 24 * 60),
    st.integers(-14 * 60, 14 * 60),
    st.lists(st.integers(1, 15 * 24 * 60), max_size=4),
    st.booleans(),
    st.sampled_from(["managed_mit", "sync_mit"]),
)
def test_no_plan_passes_hours_days_gap_tries_or_end(
    found: InForce, code: str, passed: int, offset: int, sent: list[int], due: bool, kind: str
) -> None:
    """Of both deciders; each repeats from what is stored of it."""
    now = DECLINED + timedelta(minutes=passed, seconds=17)
    attempts = tuple(
        Tried("soft", DECLINED + timedelta(minutes=one))
        for one in sorted(set(sent))
        if one <= passed
    )
    more: dict[str, Any] = {"now": now, "attempts": attempts, "utc_offset": offset, "kind": kind}
    more["due_at"] = now - timedelta(seconds=17) if due else None
    given_ = evidence(code, **more)
    stored, policies = given_.features(), {found.name: found}
    for decision in (
        decide(given_, CURRENT, found),
        decide_by_model(given_, ENGINE_2, MODEL, found),
    ):
        check_plan(decision, given_, found)
        again = decide_again(stored, decision.versions, {MODEL.name: MODEL}, policies)
        assert again.to_dict() == decision.to_dict()
        with pytest.raises(UnknownVersion, match="within"):
            decide_again(stored, decision.versions, {MODEL.name: MODEL})


def test_without_a_policy_nothing_is_said_of_one() -> None:
    assert "policies" not in decide(asked(), CURRENT).versions
    assert "month_sends" not in asked().features()
    assert (
        decide(asked(), CURRENT, InForce((Part("merchant", "", 1, NOTHING_SET),))).plan
        == decide(asked(), CURRENT).plan
    )


def test_hours_days_gap_and_the_last_day_move_a_schedule() -> None:
    assert plan_of({}) == ["11-21 15:01", "11-24 15:01", "12-01 15:01"]
    assert plan_of({"when": {"hours": ["12:00-13:00"]}}) == [
        "11-21 17:00",
        "11-24 17:00",
        "12-01 17:00",
    ]
    assert plan_of({"when": {"days": ["sun"]}}) == ["11-22 05:00", "11-29 05:00", "12-06 05:00"]
    assert plan_of({"when": {"gap": "5d"}}) == ["11-25 15:01", "11-30 15:01", "12-07 15:01"]
    assert plan_of({"when": {"last": 5}}) == ["11-21 15:01", "11-24 15:01"]
    assert plan_of({"tries": {"soft": 1}}) == ["11-21 15:01"]
    assert len(plan_of({"tries": {"soft": 4}})) == 4, "more than the schedule's own"
    assert len(plan_of({"tries": {"all": 2}})) == 2


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ({"off": True}, "policy_off"),
        ({"amounts": {"max": {"USD": 4589}}}, "policy_amount"),
        ({"amounts": {"min": {"USD": 4591}}}, "policy_amount"),
        ({"codes": {"never": ["05"]}}, "policy_code"),
    ],
)
def test_what_is_never_tried_waits_and_says_why(lines: dict[str, Any], rule: str) -> None:
    for decision in (
        decide(asked("05"), CURRENT, own(lines)),
        decide_by_model(evidence("05", units=4590), ENGINE_2, MODEL, own(lines)),
    ):
        assert (decision.verdict, decision.rules, decision.plan) == ("wait", (rule,), ())
        assert any("retry policy" in one for one in decision.reasons)


def test_a_spent_month_waits_for_the_next() -> None:
    lines = {"budget": {"sends": 3}}
    assert plan_of(lines, month_sends=MonthSends(merchant=2)) == plan_of({})
    assert plan_of(lines, month_sends=MonthSends(merchant=2, campaign=3)) == plan_of({}), (
        "nobody bounds the campaign"
    )
    first, *_ = plan_of(lines, month_sends=MonthSends(merchant=3))
    assert first == "12-01 00:00"


def test_a_send_passes_every_budget_and_each_counts_its_own_scope() -> None:
    def budget(scope: ScopeKind, sends: int) -> Part:
        return Part(
            scope, "" if scope in ("operator", "merchant") else "x", 1, PolicyTerms(budget=sends)
        )

    found = InForce(
        (budget("operator", 9), budget("partner", 7), budget("merchant", 8), budget("campaign", 2))
    )
    assert found.budgets == {"merchant": 7, "campaign": 2}
    assert found.fresh(NOW, MonthSends(6, None, 1)) == NOW
    next_month = datetime(2026, 12, 1, tzinfo=UTC)
    assert (
        found.fresh(NOW, MonthSends(7, None, 1))
        == found.fresh(NOW, MonthSends(6, None, 2))
        == next_month
    )


def test_a_decision_stores_the_counts_that_budgets_read() -> None:
    now = asked(month_sends=MonthSends(campaign=2))
    assert now.features()["month_sends"] == {"campaign": 2}
    assert Evidence.from_dict(now.features()) == now


def test_a_waiting_customer_is_asked_whatever_the_policy_says() -> None:
    waiting = asked("05", kind="cit")
    decision = decide(waiting, CURRENT, own({"off": True, "when": {"hours": ["03:00-03:01"]}}))
    assert decision.verdict == "attempt_now"
    assert "policies" not in decision.versions


def test_a_card_that_waits_for_the_morning_is_looked_for_again() -> None:
    night = own({"when": {"hours": ["12:00-13:00"]}})
    decision = decide(asked("14", other_card=True), CURRENT, night)
    assert (decision.verdict, decision.rules) == ("plan", ("other_card_waits",))
    assert decision.plan[0] == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    assert decide(asked("14", other_card=True, now=NOW + 2 * HOUR), CURRENT, night).rules == (
        "other_card",
    )


def test_hours_over_midnight_are_one_span() -> None:
    night = mask_of((Hours(22 * 60, 7 * 60),))
    assert spans_of(night) == (Hours(22 * 60, 7 * 60),)
    assert closed(night) == (Hours(7 * 60, 22 * 60),)
    assert spans_of(mask_of(())) == closed(mask_of(())) == ()


@each(
    ("lines", "line", "why", "instead"),
    [
        (
            {"tries": {"all": 99}},
            "tries.all",
            "never ends",
            {"tries": {"all": 14}, "when": {"gap": "145m"}},
        ),
        (
            {"tries": {"all": 18}, "when": SIX},
            "tries.all",
            "Elo allows 15",
            {"tries": {"all": 14}, "when": SIX},
        ),
        (
            {"tries": {"all": 12}},
            "tries.all",
            "Mastercard allows 10",
            {"tries": {"all": 12}, "when": {"gap": "145m"}},
        ),
        (
            {"tries": {"all": 3, "soft": 5}},
            "tries.soft",
            "3 attempts in all",
            {"tries": {"all": 3, "soft": 3}},
        ),
        ({"when": {"last": 45}}, "when.last", "pass its expiry", {"when": {"last": 30}}),
        ({"when": {"gap": "40d"}}, "when.gap", "expiry", {"when": {"gap": "29d"}}),
        (
            {"routes": {"only": ["mian"]}},
            "routes.only",
            "the nearest is main",
            {"routes": {"only": ["main"]}},
        ),
        (
            {"codes": {"never": ["05", "ZZ9"]}},
            "codes.never",
            "no response code",
            {"codes": {"never": ["05"]}},
        ),
        ({"amounts": {"max": {"XXQ": 5}}}, "amounts.max", "ISO 4217", {}),
        ({"tries": {"sotf": 5}}, "tries.sotf", "the nearest is tries.soft", {}),
        ({"when": {"hours": ["25:00-26:00"]}}, "when.hours", "no span of hours", {}),
        (
            {"when": {"days": ["mon", "someday"]}},
            "when.days",
            "no day",
            {"when": {"days": ["mon"]}},
        ),
        ({"off": "yes"}, "off", "true or false", {}),
        ("tries", "policy", "There is no line", {}),
    ],
)
def test_what_cannot_be_saved_says_which_line_why_and_what_could(
    lines: Any, line: str, why: str, instead: dict[str, Any]
) -> None:
    found, complaints = check_plain(lines, GROUND)
    assert line in [one.line for one in complaints]
    assert any(why in one.why for one in complaints if one.line == line)
    assert nearest(found, GROUND).to_plain() == instead


def test_groups_count_together_and_each_limit_is_named() -> None:
    """An order may be declined for one reason after the other; a gap alone is no way out where days
    are full, too."""
    found, complaints = check_plain({"tries": {"soft": 9, "funds": 9}}, GROUND)
    assert [(one.line, str(one.why)) for one in complaints] == [
        (
            "tries.soft",
            "18 attempts after a payment could be 19 on the card in 24 hours; Mastercard allows "
            "10; "
            "a gap of 145m leaves room.",
        ),
        (
            "tries.soft",
            "18 attempts after a payment could be 19 on the card in 30 days; Elo allows 15.",
        ),
    ]
    assert nearest(found, GROUND).to_plain() == {
        "tries": {"soft": 5, "funds": 9},
        "when": {"gap": "145m"},
    }
    bound = InForce((Part("operator", "", 1, read_policy({"tries": {"all": 9}})[0]),))
    assert check(found, replace(GROUND, wider=bound)) == []


def test_a_gap_that_a_narrower_policy_relies_on_stays() -> None:
    inside = (Part("site", "s", 2, read_policy({"tries": {"all": 12}})[0]),)
    ground = replace(GROUND, inside=(inside,))
    wide, roomy, few = (
        read_policy(one)[0] for one in ({}, {"when": {"gap": "145m"}}, {"tries": {"all": 3}})
    )
    (complaint,) = check(wide, ground)
    assert complaint.line == "when.gap"
    assert str(complaint.why).startswith(
        "site:s/2 relies on it: 12 attempts after a payment could be 13 on the card"
    )
    assert nearest(wide, ground) == roomy
    assert check(roomy, ground) == check(few, ground) == []


def test_days_are_named_whole_or_by_three_letters() -> None:
    assert read_policy({"when": {"days": ["Monday", "tue"]}})[0].days == (0, 1)
    found, (complaint,) = read_policy({"when": {"days": ["mon", "Monkey"]}})
    assert "'Monkey' is no day" in complaint.why
    assert found.days == (0,)


def test_a_bound_is_named_with_its_version() -> None:
    wider = InForce(
        (
            Part(
                "operator",
                "",
                3,
                read_policy({"tries": {"all": 6}, "when": {"hours": ["08:00-20:00"]}})[0],
            ),
        )
    )
    ground = replace(GROUND, wider=wider)
    found, complaints = check_plain(
        {"tries": {"all": 8}, "when": {"hours": ["07:00-12:00"]}}, ground
    )
    assert [(one.line, str(one.why)) for one in complaints] == [
        ("tries.all", "The bound is 6 at most (operator/3)."),
        ("when.hours", "The bound is 08:00-20:00 (operator/3)."),
    ]
    assert nearest(found, ground).to_plain() == {
        "tries": {"all": 6},
        "when": {"hours": ["08:00-12:00"]},
    }


def test_the_highest_number_whose_time_has_come_holds() -> None:
    versions = [
        Version(Part("merchant", "", number, NOTHING_SET), NOW + days * DAY)
        for number, days in ((1, -9), (2, 3), (3, 0), (4, 5))
    ]
    assert [one.number for one in holding(versions, NOW)] == [3]
    assert [one.number for one in holding(versions, NOW + 6 * DAY)] == [4]
    assert holding(versions, NOW - 10 * DAY) == ()


def test_a_version_is_found_by_the_name_that_a_decision_has_of_it() -> None:
    site = "018f3a7e-0000-7000-8000-000000000001"
    merchant = InForce(
        (
            Part("operator", "", 3, NOTHING_SET),
            Part("merchant", "", 14, NOTHING_SET),
            Part("site", site, 2, NOTHING_SET),
        )
    )
    assert merchant.name == f"operator/3 merchant/14 site:{site}/2"
    me = UUID(int=7)
    found = named_in(merchant.name, me)
    assert found is not None
    assert [(one.scope, one.subject_id, one.number) for one in found] == [
        ("operator", UUID(int=0), 3),
        ("merchant", me, 14),
        ("site", UUID(site), 2),
    ]
    assert named_in("nothing", me) is None


def test_the_line_of_a_file_is_found() -> None:
    text = '# mine\nlink = "last"\n\n[tries]\nall = 3\nsoft = 5\n'
    assert [line_number(text, key) for key in ("link", "tries.soft", "when.gap")] == [2, 6, None]


def test_a_line_that_nobody_set_is_all_that_is_missing() -> None:
    lines = {"tries": {"all": 3, "soft": 2}, "when": SIX}
    found = own(lines)
    assert found.lines() == ["tries.all", "tries.soft", "when.gap"]
    for line in found.lines():
        assert found.without(line).lines() == [one for one in found.lines() if one != line]
    assert found.without("tries.soft").parts[0].terms.to_plain() == {
        "tries": {"all": 3},
        "when": SIX,
    }


def test_the_engines_lines_are_read_checked_and_bounded() -> None:
    read, complaints = check_plain({"engine": {"arm": "shdow", "share": 120}}, GROUND)
    assert [(one.line, str(one.why)) for one in complaints] == [
        ("engine.arm", "It must be one of off, shadow, share."),
        ("engine.share", "It must be from 0 to 100."),
    ]
    assert (read.arm, read.share) == ("shadow", 100), "the nearest of each"
    bound = Part("operator", "", 1, read_policy({"engine": {"arm": "shadow", "share": 20}})[0])
    inside = replace(GROUND, wider=InForce((bound,)))
    read, complaints = check_plain({"engine": {"arm": "share", "share": 50}}, inside)
    assert {one.line for one in complaints} == {"engine.arm", "engine.share"}
    assert nearest(read, inside) == bound.terms
