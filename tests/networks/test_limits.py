"""The gate: no window holds more sends than its network allows, whatever came before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.limits import Allowed, Refused, Send, Wish, binds_for_ever, may_send

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SEND = Send(NOW - HOUR, 4590, "USD", "merchant", "acceptor", "m1", declined=True, visa_category=2)
WISH: dict[str, Any] = {
    "units": 4590,
    "currency": "USD",
    "initiator": "merchant",
    "acceptor_id": "acceptor",
    "merchant_id": "m1",
}


def ask(scheme: str, sends: list[Send], now: datetime = NOW, **more: Any) -> Allowed | Refused:
    return may_send(scheme, sends, now, Wish(**(WISH | more)))


def refused(scheme: str, sends: list[Send], now: datetime = NOW, **more: Any) -> Refused:
    answer = ask(scheme, sends, now, **more)
    assert isinstance(answer, Refused)
    return answer


def at(*moments: datetime, **more: Any) -> list[Send]:
    return [replace(SEND, at=moment, **more) for moment in moments]


def hourly(count: int, **more: Any) -> list[Send]:
    return at(*(NOW - number * HOUR for number in range(1, count + 1)), **more)


LIMITS = [
    ("visa", 20, 30 * DAY),
    ("amex", 20, 30 * DAY),
    ("discover", 20, 30 * DAY),
    ("generic", 20, 30 * DAY),
]


@pytest.mark.parametrize(("scheme", "most", "window"), [*LIMITS, ("elo", 15, 30 * DAY)])
def test_the_last_of_the_allowance_passes_and_the_next_does_not(
    scheme: str, most: int, window: timedelta
) -> None:
    assert ask(scheme, hourly(most - 1)) == Allowed()
    answer = refused(scheme, hourly(most))
    assert answer.until == NOW - most * HOUR + window
    assert ask(scheme, hourly(most), answer.until) == Allowed()
    assert isinstance(ask(scheme, hourly(most), answer.until - timedelta(microseconds=1)), Refused)


def test_mastercard_has_ten_a_day_and_thirty_five_in_thirty_days() -> None:
    assert ask("mastercard", hourly(9)) == Allowed()
    assert refused("mastercard", hourly(10)).rule_id == "mc-attempts-24h"
    spread = at(*(NOW - number * 20 * HOUR for number in range(1, 36)))
    assert ask("mastercard", spread[:-1]) == Allowed()
    answer = refused("mastercard", spread)
    assert (answer.rule_id, answer.until) == ("mc-attempts-30d", NOW - 35 * 20 * HOUR + 30 * DAY)


def test_visa_counts_a_card_and_amount_over_all_merchants_and_acceptors() -> None:
    elsewhere = hourly(20, merchant_id="m2", acceptor_id="other")
    assert isinstance(ask("visa", elsewhere), Refused)
    assert ask("visa", elsewhere, units=4591) == Allowed()
    assert ask("visa", elsewhere, currency="CAD") == Allowed()
    assert ask("mastercard", elsewhere) == Allowed()


def test_customers_and_merchants_sends_have_their_own_visa_counters() -> None:
    assert ask("visa", hourly(20), initiator="customer") == Allowed()
    assert isinstance(ask("mastercard", hourly(20), initiator="customer"), Refused)
    before = datetime(2025, 5, 18, 12, tzinfo=UTC)
    old = at(*(before - number * HOUR for number in range(1, 16)))
    assert isinstance(ask("visa", old, before, initiator="customer"), Refused)


def test_safe_mode_lowers_visas_number_and_nothing_raises_it() -> None:
    assert isinstance(ask("visa", hourly(15), visa_limit=15), Refused)
    assert ask("visa", hourly(14), visa_limit=15) == Allowed()
    assert isinstance(ask("visa", hourly(20), visa_limit=99), Refused)
    assert isinstance(ask("visa", [], visa_limit=0), Refused)


@pytest.mark.parametrize(
    "more", [{"declined": None}, {"declined": None, "state": "reserved"}, {"declined": False}]
)
def test_unknown_reserved_and_approved_sends_count(more: dict[str, Any]) -> None:
    assert isinstance(ask("visa", hourly(20, **(more | {"visa_category": None}))), Refused)


def test_sends_of_a_clock_that_is_ahead_count() -> None:
    ahead = at(*(NOW + number * DAY for number in range(1, 21)))
    answer = refused("visa", ahead)
    assert answer.until == NOW + DAY + 30 * DAY


def test_brazil_is_stricter() -> None:
    assert isinstance(ask("mastercard", hourly(7), region="brazil"), Refused)
    assert ask("mastercard", hourly(7), region="us") == Allowed()


def test_a_first_category_decline_ends_a_visa_card_for_everybody_and_ever() -> None:
    long_ago = at(
        NOW - 900 * DAY, visa_category=1, code="41", merchant_id="m2", acceptor_id="other", units=1
    )
    answer = refused("visa", long_ago)
    assert (answer.until, answer.rule_id) == (None, "visa-category-1")
    assert binds_for_ever("visa", long_ago[0])
    assert not binds_for_ever("visa", SEND)
    assert ask("mastercard", long_ago) == Allowed()


@pytest.mark.parametrize("code", ["R0", "R1", "R3"])
def test_a_stop_by_the_customer_binds_the_merchant_that_was_stopped(code: str) -> None:
    stop = at(NOW - 100 * DAY, visa_category=1, code=code)
    assert refused("visa", stop).until is None
    assert ask("visa", stop, merchant_id="m2") == Allowed()


@pytest.mark.parametrize("advice", ["03", "21"])
def test_do_not_try_again_is_for_ever(advice: str) -> None:
    stop = at(NOW - 100 * DAY, advice=advice, merchant_id="m2", units=1)
    assert refused("mastercard", stop).until is None
    assert ask("mastercard", stop, acceptor_id="other") == Allowed()
    assert binds_for_ever("mastercard", stop[0])


@each(
    ("advice", "hours"),
    [("24", 1), ("25", 24), ("26", 48), ("27", 96), ("28", 144), ("29", 192), ("30", 240)],
)
def test_a_wait_in_an_advice_code_is_kept(advice: str, hours: int) -> None:
    told = at(NOW, advice=advice)
    answer = refused("mastercard", told, NOW + timedelta(minutes=1))
    assert answer.until == NOW + hours * HOUR
    assert ask("mastercard", told, answer.until) == Allowed()
    assert ask("mastercard", told, NOW + timedelta(minutes=1), units=1) == Allowed()
    assert not binds_for_ever("mastercard", told[0])


def test_elo_never_resends_after_an_irreversible_answer() -> None:
    assert refused("elo", at(NOW - 90 * DAY, klass="hard")).until is None
    assert ask("elo", at(NOW - 90 * DAY, klass="soft")) == Allowed()


def test_the_longest_refusal_is_told_and_names_nobody() -> None:
    both = hourly(10, merchant_id="m2", advice="30")
    answer = refused("mastercard", both)
    assert answer.rule_id == "mc-advice-30"
    assert "m2" not in answer.why
    assert refused("visa", hourly(20)).why.startswith("card_used_up:2026-12-19T13:30:")


gaps = st.lists(st.integers(0, 40 * 3600), min_size=1, max_size=60)


@given(
    scheme=st.sampled_from(["visa", "mastercard", "amex", "discover", "generic", "elo"]),
    waits=gaps,
    amounts=st.lists(st.integers(1, 2), min_size=60, max_size=60),
    ahead=st.lists(st.integers(0, 60 * 24), max_size=5),
)
def test_no_window_ever_holds_more_than_its_network_allows(
    scheme: str, waits: list[int], amounts: list[int], ahead: list[int]
) -> None:
    window, most = {"elo": (30 * DAY, 15)}.get(scheme, (30 * DAY, 20))
    sends = at(*(NOW + hours * HOUR for hours in ahead), units=1)
    now = NOW
    for wait, units in zip(waits, amounts, strict=False):
        now += timedelta(seconds=wait)
        answer = ask(scheme, sends, now, units=units)
        if isinstance(answer, Refused):
            assert answer.until is not None
            assert answer.until > now
            assert isinstance(
                ask(scheme, sends, answer.until - timedelta(microseconds=1), units=units), Refused
            )
            assert ask(scheme, sends, answer.until, units=units) == Allowed()
        else:
            sends += at(now, units=units)
    for send in sends:
        in_day = [one for one in sends if send.at - DAY < one.at <= send.at]
        alike = [
            one for one in sends if send.at - window < one.at <= send.at and one.units == send.units
        ]
        if scheme == "mastercard":
            assert len(in_day) <= 10
            assert len(alike) <= 35
        else:
            assert len(alike) <= most
