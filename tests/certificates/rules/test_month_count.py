"""A month's count: windows that reach back, whom a send counts for, and why one left beyond a
limit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recoup.certificates.rules.month_count import LoggedSend, MonthCount
from recoup.networks.limits import Allowed, Send, Wish, may_send

BEGIN, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_numbers = iter(range(10**9))


def sent(at: datetime, **more: Any) -> LoggedSend:
    """One of ours with a Visa card, declined for want of funds, known and answered when it was
    sent."""
    outer = {name: more.pop(name) for name in list(more) if name in LoggedSend.__slots__}
    usual: dict[str, Any] = {
        "at": at,
        "units": 100,
        "currency": "USD",
        "initiator": "merchant",
        "acceptor_id": "one",
        "merchant_id": "m",
        "declined": True,
        "code": "51",
        "klass": "funds",
        "visa_category": 2,
    }
    number = f"{next(_numbers):09}"
    known: dict[str, Any] = {
        "send_id": number,
        "card_id": "card",
        "order_id": "order",
        "scheme": "visa",
        "known_at": at,
        "answered_at": at,
    }
    return LoggedSend(send=Send(**(usual | more)), **(known | outer))


def counted(*sends: LoggedSend, region: str = "us") -> MonthCount:
    count = MonthCount("m", BEGIN, END, region)
    count.add_card(sends)
    return count


def visa(count: MonthCount) -> Any:
    return count.acceptors["one"].rules["visa", "visa-reattempt-30d"]


def test_a_window_reaches_into_the_month_before() -> None:
    before = [sent(BEGIN - n * DAY) for n in range(1, 40)]
    rule = visa(counted(*before, sent(BEGIN + HOUR)))
    assert (rule.sends, rule.carried) == (1, 29), "the 30th day before lies outside"
    assert (rule.closest.count, rule.closest.maximum) == (30, 20)


def test_a_send_is_held_against_the_rules_of_its_own_region() -> None:
    """What a route in Europe sent, of a merchant of the United States; and what was sent before
    regions were kept."""
    here = sent(BEGIN + HOUR, scheme="mastercard", region="eea")
    before = sent(BEGIN + 2 * HOUR, scheme="mastercard", acceptor_id="two")
    found = counted(here, before).acceptors
    rows = {
        name: one.rules["mastercard", "mc-attempts-30d"].row.region for name, one in found.items()
    }
    assert rows == {"one": "europe", "two": "us"}
    assert {name: one.region for name, one in found.items()} == {"one": "eea", "two": "us"}


def test_other_amounts_acceptors_and_initiators_have_their_own() -> None:
    several = [
        sent(BEGIN + HOUR),
        sent(BEGIN + 2 * HOUR, units=200),
        sent(BEGIN + 3 * HOUR, currency="EUR"),
        sent(BEGIN + 4 * HOUR, initiator="customer"),
        sent(BEGIN + 5 * HOUR, acceptor_id="two"),
    ]
    count = counted(*several)
    assert visa(count).closest.count == 1
    assert count.acceptors["two"].rules["visa", "visa-reattempt-30d"].closest.count == 2, (
        "Visa counts by card alone"
    )
    assert (
        count.acceptors["one"].schemes["visa"].sends,
        count.acceptors["two"].schemes["visa"].sends,
    ) == (4, 1)


def test_what_others_sent_is_held_against_the_limit_and_never_shown() -> None:
    theirs = [sent(BEGIN + n * HOUR, merchant_id="other") for n in range(20)]
    count = counted(*theirs, sent(BEGIN + 30 * HOUR))
    assert visa(count).closest.count == 1
    assert count.acceptors["one"].schemes["visa"].sends == 1
    (beyond,) = count.acceptors["one"].excess
    assert (beyond.cause, beyond.count, beyond.maximum) == ("gate", 21, 20)


def test_what_others_claim_counts_for_nobody_else() -> None:
    claims = [sent(BEGIN + n * HOUR, merchant_id="other", claimed=True) for n in range(30)]
    assert not counted(*claims, sent(BEGIN + 40 * HOUR)).acceptors["one"].excess


def test_a_full_window_is_no_breach_and_one_more_is() -> None:
    full = [sent(BEGIN + n * HOUR) for n in range(20)]
    assert not counted(*full).acceptors["one"].excess
    count = counted(*full, sent(BEGIN + 20 * HOUR))
    assert visa(count).excess == {"gate": 1}
    assert visa(count).closest.count == 21


def test_a_decline_that_is_reported_afterwards_is_no_breach() -> None:
    full = [sent(BEGIN + n * HOUR) for n in range(20)]
    late = sent(BEGIN + 2 * HOUR, claimed=True, known_at=BEGIN + 40 * HOUR)
    count = counted(*full, late)
    assert visa(count).excess == {"known_later": 1}
    assert (visa(count).sends, visa(count).reported, visa(count).closest.count) == (20, 1, 21)
    assert visa(count).closest_sent.count == 20
    early = replace(late, known_at=BEGIN + 3 * HOUR)
    assert visa(counted(*full, early)).excess == {"gate": 1}


def test_what_the_merchant_itself_sends_beyond_a_limit_is_named_and_no_breach() -> None:
    full = [sent(BEGIN + n * HOUR) for n in range(20)]
    rule = visa(counted(*full, sent(BEGIN + 30 * HOUR, claimed=True)))
    assert (rule.excess, rule.closest.count, rule.closest_sent.count) == ({"merchant": 1}, 21, 20)
    stolen = sent(BEGIN + HOUR, code="43", visa_category=1, klass="hard")
    count = counted(stolen, sent(BEGIN + 30 * HOUR, claimed=True))
    assert count.acceptors["one"].rules["visa", "visa-category-1"].excess == {"merchant": 1}


def test_while_an_advance_is_collected_its_merchants_reports_forbid_nothing() -> None:
    full = [sent(BEGIN + n * HOUR, claimed=True) for n in range(20)]
    count = counted(*full, sent(BEGIN + 30 * HOUR, order_id="advanced"))
    acceptor = count.acceptors["one"]
    acceptor.excuse({"another"})
    assert visa(count).excess["gate"] == 1
    acceptor.excuse({"advanced"})
    assert +visa(count).excess == {"advance": 1}
    assert [one.cause for one in acceptor.excess] == ["advance"]


def test_of_those_that_leave_at_one_instant_the_one_with_an_advance_may_have_been_the_last() -> (
    None
):
    full = [sent(BEGIN + n * HOUR, claimed=n < 5) for n in range(19)]
    together = [sent(BEGIN + 30 * HOUR, order_id=name) for name in ("advanced", "usual")]
    count = counted(*full, *together)
    assert [one.cause for one in count.acceptors["one"].excess] == ["gate"]
    count.acceptors["one"].excuse({"advanced"})
    assert [one.cause for one in count.acceptors["one"].excess] == ["advance"]
    another = counted(*full, *together, sent(BEGIN + 31 * HOUR))
    another.acceptors["one"].excuse({"advanced"})
    assert [one.cause for one in another.acceptors["one"].excess] == ["advance", "gate"]


def test_what_a_processor_repeats_by_itself_counts_and_is_named() -> None:
    full = [sent(BEGIN + n * HOUR) for n in range(19)]
    count = counted(*full, sent(BEGIN + 20 * HOUR, network_attempts=3))
    assert visa(count).excess == {"repeated": 1}
    assert (
        count.acceptors["one"].schemes["visa"].sends,
        count.acceptors["one"].schemes["visa"].repeated,
    ) == (22, 2)
    next_one = sent(BEGIN + 21 * HOUR)
    assert visa(
        counted(*full[:18], sent(BEGIN + 20 * HOUR, network_attempts=3), next_one)
    ).excess == {
        "repeated": 1,
        "gate": 1,
    }


def test_prints_that_turn_out_to_be_one_card_count_together_and_are_no_breach_before() -> None:
    joined = BEGIN + 60 * HOUR
    one = [sent(BEGIN + n * HOUR, card_id="a") for n in range(15)]
    other = [sent(BEGIN + (20 + n) * HOUR, card_id="b", joined_at=joined) for n in range(15)]
    count = counted(*one, *other)
    assert visa(count).closest.count == 30
    assert visa(count).excess == {"joined": 10}
    afterwards = [replace(each, known_at=joined + HOUR) for each in other]
    assert visa(counted(*one, *afterwards)).excess == {"gate": 10}


def test_a_ban_forbids_what_leaves_after_its_answer_was_known() -> None:
    stolen = sent(
        BEGIN + HOUR, code="43", visa_category=1, klass="hard", answered_at=BEGIN + 5 * HOUR
    )
    meanwhile, afterwards = sent(BEGIN + 3 * HOUR), sent(BEGIN + 6 * HOUR)
    count = counted(stolen, meanwhile, afterwards)
    rule = count.acceptors["one"].rules["visa", "visa-category-1"]
    assert (rule.bans, rule.excess) == (1, {"known_later": 1, "gate": 1})


def test_a_ban_of_years_ago_binds_still() -> None:
    stolen = sent(BEGIN - 900 * DAY, code="43", visa_category=1, klass="hard")
    rule = counted(stolen, sent(BEGIN + HOUR)).acceptors["one"].rules["visa", "visa-category-1"]
    assert rule.excess == {"gate": 1}


def test_a_stop_binds_the_merchant_that_was_stopped() -> None:
    stop = sent(BEGIN + HOUR, code="R1", visa_category=1, klass="hard", merchant_id="other")
    count = counted(stop, sent(BEGIN + 6 * HOUR))
    assert not count.acceptors["one"].excess


def test_a_stop_is_about_its_agreement_and_not_about_what_the_customer_starts() -> None:
    stop = sent(BEGIN + HOUR, code="R1", visa_category=1, klass="hard")
    after = sent(BEGIN + 9 * HOUR)
    count = counted(stop, after, sent(BEGIN + 9 * HOUR, initiator="customer"))
    acceptor = count.acceptors["one"]
    assert {(one.send_id, one.cause, one.stops) for one in acceptor.excess} == {
        (after.send_id, "gate", (stop.send_id,))
    }
    acceptor.lift({(after.send_id, "another")})
    assert acceptor.excess
    acceptor.lift({(after.send_id, stop.send_id)})
    assert not acceptor.excess
    assert not +acceptor.rules["visa", "visa-category-1"].excess
    stolen = sent(BEGIN + 2 * HOUR, code="43", visa_category=1, klass="hard")
    assert {
        one.stops
        for one in counted(stop, stolen, after).acceptors["one"].excess
        if one.rule_id.endswith("1")
    } == {
        (),
        (stop.send_id,),
    }


def test_an_answer_about_a_number_that_was_replaced_forbids_nothing_of_the_new_one() -> None:
    closed = sent(
        BEGIN + HOUR, code="14", visa_category=1, klass="hard", card_id="old", is_replaced=True
    )
    assert not counted(closed, sent(BEGIN + 9 * HOUR, joined_at=BEGIN)).acceptors["one"].excess
    assert counted(closed, sent(BEGIN + 9 * HOUR, card_id="old")).acceptors["one"].excess


def test_what_is_proved_not_to_have_left_counts_nowhere() -> None:
    count = counted(sent(BEGIN + HOUR), sent(BEGIN + 2 * HOUR, is_sent=False, declined=None))
    assert visa(count).closest.count == 1
    assert (
        count.acceptors["one"].schemes["visa"].sends,
        count.acceptors["one"].schemes["visa"].not_sent,
    ) == (1, 1)


def test_a_rule_that_changes_counts_each_send_against_its_own_day() -> None:
    """Mastercard allowed 20 declines a day until 30 September 2022, 10 from then on."""
    begin, end = datetime(2022, 9, 1, tzinfo=UTC), datetime(2022, 10, 1, tzinfo=UTC)
    count = MonthCount("m", begin, end, "us")
    count.add_card(
        [
            sent(end - timedelta(minutes=n), scheme="mastercard", visa_category=None)
            for n in range(1, 16)
        ]
    )
    rule = count.acceptors["one"].rules["mastercard", "mc-attempts-24h"]
    assert (rule.closest.count, rule.closest.maximum, dict(rule.excess)) == (15, 20, {})


_moves = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=70 * 24),  # hours since the end of January
        st.sampled_from(["visa", "mastercard", "amex"]),
        st.sampled_from([100, 200]),
        st.sampled_from(["merchant", "customer"]),
        st.sampled_from(["one", "two"]),
        st.booleans(),
    ),
    max_size=60,
)


@given(_moves)
def test_what_the_gate_lets_pass_is_never_a_breach_and_its_count_is_the_windows_own(
    moves: list[Any],
) -> None:
    """Sends in the order of their time, each asked for; the merchant's own declines in between,
    known at once."""
    by_scheme: dict[str, list[LoggedSend]] = {}
    for hours, scheme, units, who, acceptor, claimed in sorted(moves, key=lambda move: move[0]):
        at, sends = BEGIN - 30 * DAY + hours * HOUR, by_scheme.setdefault(scheme, [])
        more = {
            "units": units,
            "initiator": who,
            "acceptor_id": acceptor,
            "scheme": scheme,
            "visa_category": None,
        }
        answer = may_send(
            scheme,
            [one.send for one in sends],
            at,
            Wish(
                units=units,
                currency="USD",
                initiator=who,
                acceptor_id=acceptor,
                merchant_id="m",
                region="us",
            ),
        )
        if claimed or isinstance(answer, Allowed):
            sends.append(sent(at, claimed=claimed, **more))
    for scheme, sends in by_scheme.items():
        count = MonthCount("m", BEGIN, END, "us")
        count.add_card(sends)
        for name, acceptor in count.acceptors.items():
            assert not [one for one in acceptor.excess if one.cause == "gate"]
            mine = [
                one for one in sends if one.send.acceptor_id == name and BEGIN <= one.send.at < END
            ]
            said = acceptor.schemes[scheme]
            assert (said.sends, said.reported) == (
                sum(not one.send.claimed for one in mine),
                sum(one.send.claimed for one in mine),
            )
            if scheme == "mastercard" and mine:
                fullest = max(
                    sum(
                        one.send.at - DAY < other.send.at <= one.send.at
                        for other in sends
                        if _alike(one, other)
                    )
                    for one in mine
                )
                assert acceptor.rules[scheme, "mc-attempts-24h"].closest.count == fullest


def _alike(one: LoggedSend, other: LoggedSend) -> bool:
    return one.send.acceptor_id == other.send.acceptor_id
