"""What a call counts against, what is said of it, and when."""

import time
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doors.rescue.door import Caller, Door, another, tokenize_body
from tests.doors.rescue.partner import Partner, make_one
from tests.doors.rescue.shapes import check_refused
from tests.doors.stablecoin.door import Merchant, door_over
from tests.doors.stablecoin.signer import Signer

from recoup.doors.edge.limits import Limits, Minutes
from recoup.doors.edge.rate import Buckets
from recoup.flows.merchants.quotas import Quotas
from recoup.rules.network.magic import PHONE_CARD


def limits_in(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if "ratelimit" in name.lower()]


def test_answers_say_nothing_that_changes_with_each_call(door: Door, shop: Caller) -> None:
    """A public client's own suite looks for the test card's security code, 999, in all that it heard."""
    slow = another(door, buckets=Buckets(per_second=0.1, burst=9_999))
    tried = (("GET", "/v1/orders", 200), ("GET", "/v1/orders/none", 404), ("POST", "/v1/evaluate", 400),
             ("DELETE", f"/v1/sites/{shop.shop.site_id}", 409))  # fmt: skip
    for method, path, status in tried:
        answer = slow.call(method, path, headers=shop.headers, json={} if method == "POST" else None)
        assert answer.status_code == status
        assert limits_in(answer) == []
        assert answer.headers["x-request-id"]
    slow.close()


def test_a_call_too_many_hears_which_limit_and_when(door: Door, shop: Caller) -> None:
    slow = another(door, buckets=Buckets(per_second=0.1, burst=2))
    answers = [slow.call("GET", "/v1/orders", headers=shop.headers) for _ in range(3)]
    check_refused(answers[2], 429, "too_many_requests")
    assert [bool(limits_in(answer)) for answer in answers] == [False, False, True]
    assert answers[2].headers["ratelimit-policy"] == '"key";q=2;w=20'
    wait = int(answers[2].headers["retry-after"])
    assert 1 <= wait <= 10
    assert answers[2].headers["ratelimit"] == f'"key";r=0;t={wait}'
    slow.close()


def test_a_checkout_with_its_tokenization_key_counts_too(door: Door, shop: Caller) -> None:
    slow = another(door, buckets=Buckets(per_second=0.1, burst=1))
    path = f"/v1/tokenize?environment={shop.shop.keys.tokenization_key}"
    answers = [slow.call("POST", path, json=tokenize_body(PHONE_CARD)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["ratelimit-policy"] == '"key";q=1;w=10'
    slow.close()


def test_the_stablecoin_api_says_nothing_either(door: Door, shop: Caller) -> None:
    keys = shop.shop.keys
    with door_over(door) as stable:
        answer = Merchant(stable, shop.shop, Signer(keys.stablecoin_key_id, keys.stablecoin_secret)).get("/me")
    assert answer.status_code == 200
    assert limits_in(answer) == []


@pytest.fixture
def partner(door: Door) -> Partner:
    return make_one(door)


def _merchants(door: Door, partner: Partner, count: int) -> list[dict[str, str]]:
    found = []
    for _ in range(count):
        given = partner.merchant()["credentials"]
        found.append({"authorization": f"ApiKey {given['appKey']}:{given['appSecret']}"})
    return found


def test_a_partners_minute_is_shared_by_all_its_merchants(door: Door, partner: Partner, shop: Caller) -> None:
    first, second = _merchants(door, partner, 2)
    partner.set(calls_per_minute=4)
    strict = another(door, limits=Limits(Quotas(door.world).of))
    if door.world.clocks.monotonic() % 60 > 45:  # all within one minute
        time.sleep(16)
    answers = [strict.call("GET", "/v1/orders", headers=who) for who in (first, second, first)]
    answers.append(strict.call("GET", "/v1/partner", headers=partner.headers))
    statuses = [answer.status_code for answer in answers]
    refused = strict.call("GET", "/v1/orders", headers=second)
    assert statuses == [200] * 4
    assert not any(limits_in(answer) for answer in answers)
    assert answers[3].json()["quota"]["callsThisMinute"] == 4
    assert "This partner and its merchants made 4 calls" in check_refused(refused, 429, "too_many_requests")["result"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"partner";q=4;w=60'
    assert strict.call("GET", "/v1/orders", headers=shop.headers).status_code == 200, "others are not held up"
    strict.close()


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 40)), max_size=80), st.integers(1, 5))
def test_no_key_makes_more_than_its_limit_in_a_minute(calls: list[tuple[int, float]], limit: int) -> None:
    minutes, now, made = Minutes(), 1_000.0, dict[tuple[int, int], int]()
    for key, pause in calls:
        now += pause
        wait = minutes.take(UUID(int=key), limit, now)
        at = (key, int(now) // 60)
        made[at] = made.get(at, 0) + (not wait)
        assert made[at] <= limit
        assert not wait or (made[at] == limit and int(now + wait) // 60 == int(now) // 60 + 1)
        assert minutes.count(UUID(int=key), now) == made[at]
