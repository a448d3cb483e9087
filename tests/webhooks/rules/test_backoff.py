"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.mail.rules.backoff import SCHEDULE, after_try, next_delay, read_retry_after

NOW = datetime(2026, 3, 2, 9, 15, 31, tzinfo=UTC)


def after(status: int | None, fails: int = 1, **more: str | None) -> tuple[str, float | None]:
    verdict = after_try(
        status,
        error=more.get("error"),
        fails=fails,
        jitter=0.5,
        retry_after=more.get("retry_after"),
        now=NOW,
    )
    return verdict.action, verdict.delay.total_seconds() if verdict.delay else None


def test_the_schedule_of_the_contract() -> None:
    seconds = [next_delay(fails, 0.5) for fails in range(1, 9)]
    assert [delay.total_seconds() for delay in seconds if delay] == [
        10,
        60,
        300,
        1800,
        7200,
        21600,
        43200,
        86400,
    ]
    assert next_delay(9, 0.5) is None
    with pytest.raises(ValueError, match="from 1"):
        next_delay(0, 0.5)


@given(st.integers(1, 8), st.floats(0, 1, exclude_max=True))
def test_jitter_is_a_fifth_either_way(fails: int, jitter: float) -> None:
    delay = next_delay(fails, jitter)
    assert delay is not None
    assert SCHEDULE[fails - 1] * 0.8 <= delay <= SCHEDULE[fails - 1] * 1.2


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_two_hundreds_are_taken(status: int) -> None:
    assert after(status) == ("taken", None)


@each("status", [408, 429, 500, 502, 503, 504, 599, 101])
def test_trouble_is_retried_soon(status: int) -> None:
    assert after(status) == ("retry", 10)
    assert after(status, 9) == ("park", None)


@each("status", [301, 302, 307, 400, 401, 403, 404, 405, 422])
def test_refusals_are_retried_slowly_and_few_times(status: int) -> None:
    assert [after(status, fails)[1] for fails in range(1, 6)] == [60, 1800, 21600, 86400, None]


def test_gone_switches_the_endpoint_off() -> None:
    assert after(410) == ("disable", None)


def test_an_error_counts_before_the_status() -> None:
    assert after(200, error="timeout") == ("retry", 10)
    assert after(410, error="protocol") == ("retry", 10)
    assert after(None, error="dns") == ("retry", 10)
    assert after(None, error="refused_address") == ("retry", 60)


def test_a_receiver_may_ask_for_more_time_but_not_for_ever() -> None:
    assert after(429, retry_after="120") == ("retry", 120)
    assert after(429, retry_after="3") == ("retry", 10)
    assert after(503, retry_after="Mon, 02 Mar 2026 09:20:31 GMT") == ("retry", 300)
    assert after(429, retry_after="99999999999999999999") == ("retry", 86400)
    assert after(500, retry_after="120") == ("retry", 10)
    assert after(429, 9, retry_after="120") == ("park", None)


@each("text", [None, "", "soon", "-5", "1.5", "²", "Mon, 02 Mar 2026 09:15:30 GMT", "Mon, 99 Mar"])
def test_an_unreadable_wait_is_none(text: str | None) -> None:
    assert read_retry_after(text, NOW) is None


def test_a_date_at_the_end_of_all_dates_is_a_wait_of_a_day() -> None:
    """With an offset that leads beyond the year 9999, what was added to it broke: the try was never
    recorded."""
    far = "Fri, 31 Dec 9999 23:59:59 -2359"
    assert read_retry_after(far, NOW) == timedelta(days=1)
    assert after(503, retry_after=far) == ("retry", 86400)
    assert read_retry_after("999999999", NOW) == timedelta(days=1)


def test_zero_is_no_wait() -> None:
    assert read_retry_after("0", NOW) == timedelta(0)
    assert after(429, retry_after="0") == ("retry", 10)
