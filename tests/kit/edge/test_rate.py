"""Token buckets, one for each caller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit.edge.asgi_client import call, refuse, request, scope_of

from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import Receive, Refusal, Scope, Send, send_refusal
from recoup.kit.edge.entry import Entry
from recoup.kit.edge.rate import Buckets, check_rate, client_address, gate


def test_a_burst_then_a_steady_rate() -> None:
    buckets = Buckets(per_second=10, burst=5)
    assert [buckets.take("a", 100.0) for _ in range(5)] == [0.0] * 5
    assert buckets.take("a", 100.0) == pytest.approx(0.1)
    assert buckets.take("b", 100.0) == 0.0
    assert buckets.take("a", 100.05) == pytest.approx(0.05)
    assert buckets.take("a", 100.1) == 0.0
    assert buckets.take("a", 100.1) > 0
    assert [buckets.take("a", 200.0) > 0 for _ in range(6)] == [False] * 5 + [True]


@given(st.lists(st.floats(0, 0.5), max_size=60), st.integers(1, 5))
def test_never_more_than_burst_and_rate_allow(pauses: list[float], burst: int) -> None:
    buckets, now, taken = Buckets(per_second=4, burst=burst), 50.0, 0
    for pause in pauses:
        now += pause
        taken += buckets.take("a", now) == 0.0
    assert taken <= burst + (now - 50.0) * 4 + 1e-6


def test_a_refused_call_says_when_to_come_back() -> None:
    buckets = Buckets(per_second=0.1, burst=1)
    check_rate(buckets, "a", 1.0)
    with pytest.raises(Problem) as caught:
        check_rate(buckets, "a", 1.0)
    assert (caught.value.code, caught.value.retry_after_seconds) == ("too_many_requests", 10)


def test_a_gate_answers_429() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send_refusal(send, Refusal(200, b""))

    limited = Entry(app, refuse, gates=[gate(Buckets(1, 2), client_address, clock=lambda: 5.0)])
    assert [call(limited, scope_of(), request()).status for _ in range(3)] == [200, 200, 429]
    assert call(limited, scope_of(), request()).header(b"retry-after") == b"1"
    assert call(limited, scope_of(client=("192.0.2.8", 1)), request()).status == 200
    assert call(limited, scope_of(client=None), request()).status == 200


def test_an_ipv6_household_is_one_caller() -> None:
    def key(host: str) -> str | None:
        return client_address(scope_of(client=(host, 1)))

    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert key("2001:db8:1:3::1") != key("2001:db8:1:2::1")
    assert key("::ffff:192.0.2.7") == key("192.0.2.7") == "192.0.2.7"


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (1, 0)])
def test_limits_are_above_zero(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Buckets(rate, burst)
