"""What is done about a decline: the policy by class, its budgets, and that a decision can be made
again."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rescue.rules.goldens import ALL, check_golden
from tests.rings import each

from recoup.kernel.problem import Sentence
from recoup.networks.codes import Reading, code_of, read_decline
from recoup.networks.tables import CODES
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.policy import CURRENT, POLICIES, RetryPolicy, group_of
from recoup.rescue.rules.decide import decide as decide_by
from recoup.rescue.rules.evidence import Evidence, Tried, tried

NOW = datetime(2026, 11, 20, 15, 0, 20, tzinfo=UTC)  # a Friday, 10:00 in New York
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def read(
    code: str, scheme: str = "visa", advice: str | None = None, region: str = "world"
) -> Reading:
    return read_decline(
        scheme=scheme,
        code=code_of(None, code),
        text=None,
        advice=advice,
        on=date(2026, 11, 20),
        region=region,
    )


def evidence(
    code: str = "05", scheme: str = "visa", advice: str | None = None, **more: Any
) -> Evidence:
    usual: dict[str, Any] = {
        "kind": "managed_mit",
        "reading": read(code, scheme, advice),
        "first_declined_at": NOW,
        "started_at": NOW,
        "now": NOW,
        "expires_at": NOW + 21 * DAY,
        "units": 4590,
        "currency": "USD",
        "utc_offset": -300,
    }
    return Evidence(**(usual | more))


def decide(asked: Evidence, policy: RetryPolicy = CURRENT) -> Decision:
    return decide_by(asked, policy)


def plan(code: str, scheme: str = "visa", advice: str | None = None, **more: Any) -> list[str]:
    return [f"{one:%m-%d %H:%M}" for one in decide(evidence(code, scheme, advice, **more)).plan]


def test_soft_declines_wait_longer_each_time() -> None:
    assert plan("05") == ["11-21 15:01", "11-24 15:01", "12-01 15:01"]


def test_technical_failures_are_tried_soon() -> None:
    assert plan("91") == ["11-20 15:16", "11-20 16:16", "11-20 22:16", "11-21 22:16"]


def test_funds_wait_for_pay_days() -> None:
    assert plan("51") == ["11-27 14:30", "11-30 14:30", "12-01 14:30", "12-04 14:30", "12-11 14:30"]
    assert plan("51", funding="debit") == [
        "11-27 05:05",
        "11-30 05:05",
        "12-01 05:05",
        "12-04 05:05",
        "12-11 05:05",
    ]


def test_funds_stop_after_21_days_whatever_the_expiry() -> None:
    assert plan("51", expires_at=NOW + 30 * DAY) == plan("51")
    assert max(decide(evidence("51", expires_at=NOW + 30 * DAY)).plan) < NOW + 21 * DAY


def test_a_send_that_left_late_does_not_lose_the_next_pay_day() -> None:
    """By the milliseconds of its own call a try on the last business day had lost the 1st:
    promised, never made."""
    first, *rest = decide(evidence("51")).plan[1:]
    for late in (timedelta(milliseconds=12), 20 * MINUTE):
        sent = (Tried("funds", decide(evidence("51")).plan[0]), Tried("funds", first + late))
        assert list(decide(evidence("51", attempts=sent, now=first + late)).plan) == rest
    asked = evidence(
        "51", "mastercard", "25", attempts=(Tried("funds", first + MINUTE),), now=first + MINUTE
    )
    assert asked.reading.wait_by_rule
    assert decide(asked).plan[0] == first + MINUTE + DAY, (
        "what a network asks for is waited in full, and no longer"
    )
    assert decide(asked, POLICIES["retry-2"]).plan[0] == rest[1], "as it was decided before"


def test_the_policy_of_before_decides_as_it_did() -> None:
    first, *rest = decide(evidence("51")).plan[1:]
    late = first + timedelta(milliseconds=12)
    sent = evidence(
        "51",
        attempts=(Tried("funds", decide(evidence("51")).plan[0]), Tried("funds", late)),
        now=late,
    )
    before = decide(sent, POLICIES["retry-1"])
    assert (list(before.plan), before.versions["policy"]) == (rest[1:], "retry-1")
    assert list(decide(sent).plan) == rest


def test_a_plan_that_is_used_up_promises_no_further_try() -> None:
    six = tuple(
        Tried("funds", NOW - (6 - number) * DAY)
        for number in range(CURRENT.schedules["funds"].tries_max)
    )
    for more in ({"attempts": six}, {"expires_at": NOW}):
        decision = decide(evidence("51", **more))
        assert decision.verdict == "wait"
        assert not [reason for reason in decision.reasons if "tries again" in reason], (
            decision.reasons
        )


@pytest.mark.parametrize(
    ("advice", "hours"),
    [("24", 1), ("25", 24), ("26", 48), ("27", 96), ("28", 144), ("29", 192), ("30", 240)],
)
def test_the_time_that_mastercard_names_is_the_time(advice: str, hours: int) -> None:
    """In the first minute after it; an order that ends before is tried once at its end."""
    named = NOW + timedelta(hours=hours)
    done = decide(evidence("51", "mastercard", advice))
    assert named <= done.plan[0] <= named + MINUTE
    assert "network_wait" in done.rules
    assert (
        f"The network names the time of the next attempt: {hours} hours after the one before."
        in done.reasons
    )
    long = decide(evidence("51", "mastercard", advice, expires_at=NOW + 30 * DAY))
    assert long.plan[0] == done.plan[0]
    ends = named - HOUR / 2
    short = decide(evidence("51", "mastercard", advice, expires_at=ends))
    if hours == 1:
        assert short.plan == ()
        return
    assert (len(short.plan), short.rules[0]) == (1, "last_try_at_end")
    assert ends - HOUR <= short.plan[0] < ends
    assert "The order ends before that time, so it is tried once at its end." in short.reasons
    again = (Tried("funds", short.plan[0]),)
    after = decide(
        evidence(
            "51", "mastercard", advice, expires_at=ends, attempts=again, now=short.plan[0] + MINUTE
        )
    )
    assert (after.verdict, after.plan) == ("wait", ())


def test_a_processors_wait_goes_before_the_policys() -> None:
    assert plan("05", "mastercard", "02")[0] == "11-23 15:01"


def test_limits_wait_for_the_next_day_and_then_the_month() -> None:
    assert plan("61") == ["11-21 15:01", "12-01 14:30"]
    assert plan("65", first_declined_at=NOW - DAY, now=NOW)[0] == "11-20 15:01"
    assert plan("121", "amex", expires_at=NOW + 30 * DAY) == ["11-21 15:01", "12-01 14:30"]


@each("code", ["59", "63", "83", "1A", "54", "N7", "03", "58", "07", "94"])
def test_what_waiting_does_not_cure_gets_no_try_and_stays_open(code: str) -> None:
    decision = decide(evidence(code))
    assert (decision.verdict, decision.plan) == ("wait", ())
    assert decision.reasons[-1] == read(code).cure


def test_only_hard_declines_end_the_rescue_at_once() -> None:
    for row in CODES:
        if row.klass == "approved" or row.kind == "advice" or row.region != "world":
            continue
        reading = read(row.code, row.scheme)
        decision = decide(evidence(reading=reading))
        assert (decision.verdict == "decline_at_once") == (reading.klass == "hard"), row
    assert decide(evidence("05", "mastercard", "21")).verdict == "decline_at_once"


def test_an_old_decline_is_tried_soon_but_never_in_the_past() -> None:
    assert plan("05", first_declined_at=NOW - 3 * DAY) == [
        "11-20 15:01",
        "11-23 15:01",
        "11-30 15:01",
    ]


def test_nothing_is_planned_at_or_after_expiry() -> None:
    assert plan("05", expires_at=NOW + DAY) == []
    assert plan("05", expires_at=NOW + DAY + MINUTE) == ["11-21 15:01"]
    assert decide(evidence("05", expires_at=NOW + DAY)).verdict == "wait"
    assert decide(evidence("05", expires_at=NOW)).rules == ("expired",)


def test_a_due_try_is_made_now_and_the_next_ones_count_from_it() -> None:
    due = datetime(2026, 11, 21, 15, 1, tzinfo=UTC)
    decision = decide(evidence("05", now=due, due_at=due))
    assert (decision.verdict, decision.group) == ("attempt_now", "soft")
    assert [f"{one:%m-%d %H:%M}" for one in decision.plan] == ["11-24 15:01", "12-01 15:01"]


def test_budgets_count_per_group_over_a_mixed_history() -> None:
    declines = [read("51"), read("91"), read("91"), read("51")]
    sent = [NOW + DAY * number for number in (1, 2, 3)]
    history = tried(declines, sent)
    assert [one.group for one in history] == ["funds", "technical", "technical"]
    back_to_funds = evidence("51", attempts=history, now=sent[-1], expires_at=NOW + 30 * DAY)
    assert len(decide(back_to_funds).plan) <= CURRENT.schedules["funds"].tries_max - 1
    still_technical = evidence("91", attempts=history, now=sent[-1])
    assert len(decide(still_technical).plan) == 2
    assert decide(still_technical).plan[0] == sent[-1].replace(second=0) + 6 * HOUR + MINUTE


def test_no_order_is_sent_more_than_twelve_times() -> None:
    eleven = tuple(Tried("funds", NOW - DAY) for _ in range(CURRENT.sends_max - 1))
    assert len(decide(evidence("91", attempts=eleven)).plan) == 1
    assert decide(evidence("91", attempts=(*eleven, eleven[0]))).verdict == "wait"


def test_a_sync_mit_is_tried_at_once_where_no_bank_asked_to_wait() -> None:
    assert decide(evidence("05", kind="sync_mit")).verdict == "attempt_now"
    assert decide(evidence("91", kind="sync_mit")).verdict == "attempt_now"
    assert decide(evidence("51", kind="sync_mit")).verdict == "plan"
    assert decide(evidence("51", "mastercard", "25", kind="sync_mit")).verdict == "plan"
    assert decide(evidence("51", kind="sync_mit", magic_first_send=True)).verdict == "attempt_now"
    assert (
        decide(evidence("41", kind="sync_mit", magic_first_send=True)).verdict == "decline_at_once"
    )
    once = (Tried("soft", NOW),)
    assert decide(evidence("05", kind="sync_mit", attempts=once)).verdict == "plan"


def test_with_the_customer_there_it_is_one_try_a_question_or_no() -> None:
    assert decide(evidence("51", kind="cit")).verdict == "attempt_now"
    assert decide(evidence("1A", kind="cit")).verdict == "challenge"
    assert decide(evidence("N7", kind="cit")).verdict == "challenge"
    assert decide(evidence("59", kind="cit")).verdict == "decline_at_once"
    assert (
        decide(evidence("05", kind="cit", attempts=(Tried("soft", NOW),))).verdict
        == "decline_at_once"
    )


def test_who_cannot_confirm_anywhere_is_not_asked_to() -> None:
    """Unless another card may be entered by one who is on the page already."""
    nowhere: dict[str, Any] = {"kind": "cit", "may_confirm": False, "may_enter_card": False}
    for more in ({}, {"may_enter_card": True}, {"challenge_tries": 1}, {"challenge_tries": 2}):
        decision = decide(evidence("1A", **(nowhere | more)))
        assert (decision.verdict, decision.rules) == (
            "decline_at_once",
            ("customer_cannot_confirm",),
        )
        assert decision.reasons[-1].startswith("A route that can ask for 3-D Secure")
    again = decide(evidence("1A", **(nowhere | {"may_enter_card": True, "challenge_tries": 1})))
    assert (again.verdict, again.rules) == ("challenge", ("customer_may_try_again",))
    for kind in ("managed_mit", "sync_mit"):
        waits = decide(evidence("1A", kind=kind, may_confirm=False))
        assert (waits.verdict, waits.rules) == ("wait", ("no_cure_by_waiting",))
        assert (
            "No route can ask the customer to confirm this payment with 3-D Secure."
            in waits.reasons
        )


@pytest.mark.parametrize("language", ALL)
def test_why_nobody_is_asked_to_confirm_is_said_in_every_language(language: str) -> None:
    """`GOLDEN=write pytest FILE` accepts a change."""
    reasons = decide(evidence("1A", kind="cit", may_confirm=False)).reasons
    check_golden("cannot-confirm", language, [Sentence(one) for one in reasons[2:]])


def test_what_was_decided_before_routes_were_known_to_ask_is_decided_the_same_again() -> None:
    asked = evidence("1A", kind="cit")
    plain = json.loads(json.dumps(asked.features()))
    assert not {"may_confirm", "may_enter_card"} & plain.keys()
    assert decide(Evidence.from_dict(plain)) == decide(asked)
    assert decide(asked).verdict == "challenge"
    unable = replace(asked, may_confirm=False)
    assert Evidence.from_dict(json.loads(json.dumps(unable.features()))) == unable


def test_a_merchant_can_read_why() -> None:
    text = " ".join(decide(evidence("51")).reasons)
    assert "Fri 27 Nov 2026 09:30" in text
    assert "not enough money on the card (code 51)" in text
    assert "6 attempts; 0 made" in text


readings = st.builds(
    read,
    code=st.sampled_from(sorted({row.code for row in CODES if row.kind == "response"})),
    scheme=st.sampled_from(["visa", "mastercard", "amex", "elo", "generic"]),
    advice=st.none() | st.sampled_from([row.code for row in CODES if row.kind == "advice"]),
    region=st.sampled_from(["world", "eea_uk"]),
)
offsets_in_minutes = st.integers(0, 60 * 24 * 40).map(lambda minutes: minutes * MINUTE)


@st.composite
def any_evidence(draw: st.DrawFn) -> Evidence:
    now = NOW + draw(st.integers(0, 10**12)) * timedelta(microseconds=1)
    first = now - draw(offsets_in_minutes)
    groups = draw(st.lists(st.sampled_from([*CURRENT.schedules, "sca"]), max_size=14))
    attempts = tuple(Tried(group, now - draw(offsets_in_minutes)) for group in groups)
    return Evidence(
        kind=draw(st.sampled_from(["cit", "sync_mit", "managed_mit"])),
        reading=draw(readings),
        first_declined_at=first,
        started_at=draw(st.sampled_from([first, now])),
        now=now,
        expires_at=now + draw(offsets_in_minutes) - DAY,
        units=draw(st.integers(1, 10**8)),
        currency="USD",
        attempts=tuple(sorted(attempts, key=lambda one: one.at)),
        due_at=draw(st.none() | st.just(now)),
        funding=draw(st.sampled_from([None, "credit", "debit"])),
        utc_offset=draw(st.integers(-840, 840)),
        magic_first_send=draw(st.booleans()),
    )


def stored(decision: Decision) -> Any:
    return json.loads(json.dumps(decision.to_dict()))


@given(any_evidence())
def test_a_stored_decision_can_be_made_again(given_: Evidence) -> None:
    kept = json.loads(json.dumps(given_.features()))
    again = Evidence.from_dict(kept)
    assert again == given_
    assert decide(again) == decide(given_)
    assert stored(decide(again)) == stored(decide(given_))


@given(any_evidence())
def test_every_plan_keeps_the_rules(given_: Evidence) -> None:
    decision = decide(given_)
    group, reading = group_of(given_.reading), given_.reading
    times = list(decision.plan)
    assert times == sorted(set(times))
    assert all(given_.now < one < given_.expires_at for one in times)
    assert all((one.second, one.microsecond) == (0, 0) for one in times)
    sent = [given_.now] if decision.verdict == "attempt_now" else []
    before = [given_.first_declined_at, *(one.at for one in given_.attempts)]
    chain = [*(sent or [max(before)]), *times]
    slack = CURRENT.schedules[group].slack if group and not reading.wait_by_rule else timedelta(0)
    floor = timedelta(hours=reading.min_wait_hours or 0) - slack
    assert all(later - earlier >= floor for earlier, later in zip(chain, chain[1:], strict=False))
    made = len(given_.attempts) + len(sent) + len(times)
    assert not times or made <= CURRENT.sends_max
    if group and (times or sent) and not given_.magic_first_send and given_.kind != "cit":
        used = sum(1 for one in given_.attempts if one.group == group)
        assert used + len(sent) + len(times) <= CURRENT.schedules[group].tries_max
    assert (decision.verdict == "decline_at_once") >= reading.terminal
    assert not times or reading.retry == "yes"
    assert all(reason.endswith(".") for reason in decision.reasons)
    assert decision.versions["decider"] == "decide-1"


@given(any_evidence())
def test_the_first_planned_time_is_worked_on_when_it_comes(given_: Evidence) -> None:
    decision = decide(given_)
    if decision.verdict == "plan":
        due = decision.plan[0]
        assert decide(replace(given_, now=due, due_at=due)).verdict == "attempt_now"
