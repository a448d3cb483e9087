"""What a call counts against, what is said of it, and when."""

import time
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.door import Caller, Door, another, tokenize_body
from tests.partner import Partner, make_one
from tests.rescue_shapes import check_refused
from tests.stablecoin.door import Merchant, door_over
from tests.stablecoin.signer import Signer

from recoup.kernel.problem import Problem
from recoup.keys.flows.quotas import Quotas
from recoup.kit.edge.asgi import Headers
from recoup.kit.edge.limits import Limits, Minutes, PayerLimits
from recoup.kit.edge.rate import Buckets
from recoup.networks.allow_list import PHONE_CARD


def limits_in(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if "ratelimit" in name.lower()]


def test_answers_say_nothing_that_changes_with_each_call(door: Door, shop: Caller) -> None:
    """A public client's own suite looks for the test card's security code, 999, in all that it
    heard."""
    slow = another(door, buckets=Buckets(per_second=0.1, burst=9_999))
    tried = (
        ("GET", "/v1/orders", 200),
        ("GET", "/v1/orders/none", 404),
        ("POST", "/v1/evaluate", 400),
        ("DELETE", f"/v1/sites/{shop.shop.site_id}", 409),
    )
    for method, path, status in tried:
        answer = slow.call(
            method, path, headers=shop.headers, json={} if method == "POST" else None
        )
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


def _pay(door: Door, key: str, address: str, count: int = 1) -> list[httpx.Response]:
    """Calls of a checkout page, without a card, from one address."""
    transport: Any = httpx.ASGITransport(app=door.app, client=(address, 5000))

    async def calls() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://door.test") as client:
            return [
                await client.post(f"/v1/tokenize?environment={key}", json={}) for _ in range(count)
            ]

    return door.run(calls())


def test_a_checkout_with_its_tokenization_key_counts_too(door: Door, shop: Caller) -> None:
    slow = another(door, payers=PayerLimits(per_minute=1))
    path = f"/v1/tokenize?environment={shop.shop.keys.tokenization_key}"
    answers = [slow.call("POST", path, json=tokenize_body(PHONE_CARD)) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    check_refused(answers[10], 429, "too_many_requests")
    assert answers[10].headers["ratelimit-policy"] == '"address";q=10;w=600'
    assert 1 <= int(answers[10].headers["retry-after"]) <= 60
    slow.close()


def test_a_stranger_with_the_key_of_a_checkout_page_keeps_no_other_payer_out(
    door: Door, shop: Caller
) -> None:
    key = shop.shop.keys.tokenization_key
    slow = another(door, payers=PayerLimits(per_minute=1))
    assert _pay(slow, key, "198.51.100.1", 30)[29].status_code == 429
    assert _pay(slow, key, "2001:db8::1", 30)[29].status_code == 429
    assert _pay(slow, key, "2001:db8::2")[0].status_code == 429, "one household holds a /64"
    assert [_pay(slow, key, one)[0].status_code for one in ("198.51.100.2", "2001:db8:0:1::1")] == [
        400,
        400,
    ]
    asked = [_pay(slow, key, f"2001:db8:9:{one:x}::1", 10)[9] for one in range(5)]
    assert [answer.status_code for answer in asked] == [400] * 4 + [429], "a /48 has an end"
    assert asked[4].headers["ratelimit-policy"] == '"network";q=40;w=600'
    slow.close()


def test_the_merchants_server_goes_on_while_a_stranger_calls_with_its_public_key(
    door: Door, shop: Caller
) -> None:
    slow = another(door, payers=PayerLimits(per_minute=1))
    assert _pay(slow, shop.shop.keys.tokenization_key, "192.0.2.7", 30)[29].status_code == 429
    assert slow.call("GET", "/v1/orders", headers=shop.headers).status_code == 200
    signed = slow.call("POST", "/v1/tokenize", headers=shop.headers, json=tokenize_body(PHONE_CARD))
    assert signed.status_code == 200
    slow.close()


def test_many_strangers_together_stop_at_the_ceiling_of_one_merchant() -> None:
    payers, first, other = PayerLimits(per_minute=1), UUID(int=1), UUID(int=2)
    for one in range(200):
        payers.take([], f"198.51.{one // 10}.1", "tk_first", first, 0.0)
    told: Headers = []
    with pytest.raises(Problem) as refused:
        payers.take(told, "203.0.113.1", "tk_first", first, 0.0)
    assert refused.value.retry_after_seconds == 3
    assert told[0] == (b"ratelimit-policy", b'"checkout";q=200;w=600')
    payers.take([], "203.0.113.1", "tk_other", other, 0.0)


def test_a_stranger_at_a_checkout_page_does_not_use_up_the_partners_minute(
    door: Door, partner: Partner
) -> None:
    given = partner.merchant()["credentials"]
    partner.set(calls_per_minute=4)
    strict = another(door, limits=Limits(Quotas(door.world).of))
    assert {
        answer.status_code for answer in _pay(strict, given["tokenizationKey"], "198.51.100.1", 20)
    } == {400}
    answers = [strict.call("GET", "/v1/partner", headers=partner.headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json()["quota"]["callsThisMinute"] == 2
    strict.close()


def test_the_stablecoin_api_says_nothing_either(door: Door, shop: Caller) -> None:
    keys = shop.shop.keys
    with door_over(door) as stable:
        answer = Merchant(
            stable, shop.shop, Signer(keys.stablecoin_key_id, keys.stablecoin_secret)
        ).get("/me")
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


def test_a_partners_minute_is_shared_by_all_its_merchants(
    door: Door, partner: Partner, shop: Caller
) -> None:
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
    assert (
        "This partner and its merchants made 4 calls"
        in check_refused(refused, 429, "too_many_requests")["result"]
    )
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"partner";q=4;w=60'
    assert strict.call("GET", "/v1/orders", headers=shop.headers).status_code == 200, (
        "others are not held up"
    )
    strict.close()


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 40)), max_size=80), st.integers(1, 5))
def test_no_key_makes_more_than_its_limit_in_a_minute(
    calls: list[tuple[int, float]], limit: int
) -> None:
    minutes, now, made = Minutes(), 1_000.0, dict[tuple[int, int], int]()
    for key, pause in calls:
        now += pause
        wait = minutes.take(UUID(int=key), limit, now)
        at = (key, int(now) // 60)
        made[at] = made.get(at, 0) + (not wait)
        assert made[at] <= limit
        assert not wait or (made[at] == limit and int(now + wait) // 60 == int(now) // 60 + 1)
        assert minutes.count(UUID(int=key), now) == made[at]
