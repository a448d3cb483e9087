"""The Python client against the running server, waiting and awaiting, and against one that misbehaves."""

import asyncio
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.doors.rescue.door import APPROVES, Caller, Door, client_of, evaluate_body, listening, tokenize_body
from tests.doors.stablecoin.door import Door as StableDoor
from tests.doors.stablecoin.door import application as stable_application

from recoup_client import AsyncRecoup, Recoup, RecoupError
from recoup_client.stablecoin_calls import RecoupStablecoin

ROOT = Path(__file__).resolve().parents[2]
Answer = Callable[[httpx.Request], httpx.Response]


def test_an_id_leads_to_no_other_call() -> None:
    """`X/refund?` had made a cancellation a refund."""
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(200, json={"accessToken": "a", "refreshToken": "b", "expires": 4_000_000_000_000})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        recoup = Recoup.by_app_key("https://h.example", "key", "secret", client)
        recoup.cancel_order("X/refund?", {})
        with pytest.raises(ValueError, match="no id"):
            recoup.get_order("..")
    assert asked[-1] == b"/v1/orders/X%2Frefund%3F/cancel"


def test_a_merchant_rescues_lists_refunds_and_cancels(door: Door, shop: Caller) -> None:
    body, later = evaluate_body(shop), evaluate_body(shop)
    keys = shop.shop.keys

    def story(url: str) -> None:
        with Recoup.by_app_key(url, keys.app_key, keys.app_secret) as recoup:
            kept = recoup.tokenize(tokenize_body(APPROVES), mid=shop.mid, environment=keys.tokenization_key)
            body["paymentMethod"]["cardNumber"] = kept["transaction"]["payment_method"]["token"]
            taken = recoup.evaluate(body)
            assert taken["status"] == "SUBMITTED"
            called_off = recoup.evaluate(later)
            assert recoup.cancel_order(called_off["orderId"], {}) == {}
            found = recoup.list_orders(externalOrderId=[body["orderId"], later["orderId"]], pageSize=10)
            assert {one["externalOrderId"] for one in found["orders"]["data"]} == {body["orderId"], later["orderId"]}
            assert recoup.get_order(called_off["orderId"])["statusName"] == "CANCELLED"
            wanted = {"url": "https://second.merchant.example", "name": "Two", "descriptor": "SECOND*SHOP"}
            site = recoup.create_site(wanted)
            assert recoup.delete_site(site["id"]) is None
            with pytest.raises(RecoupError) as refused:
                recoup.get_order(str(uuid.uuid4()))
            assert (refused.value.status, refused.value.code[:3]) == (404, "404")
            assert refused.value.request_id
            with pytest.raises(RecoupError) as wrong:
                recoup.evaluate(body | {"transaction": {**body["transaction"], "amount": -1}})
            assert "Transaction.Amount" in wrong.value.fields
            with pytest.raises(RecoupError, match="ISO 8601"):
                recoup.evaluate(body | {"expiryDateUtc": "soon"})

    in_a_thread(door, story)


def test_the_awaiting_client_does_the_same(door: Door, shop: Caller) -> None:
    body, keys = evaluate_body(shop), shop.shop.keys

    async def story() -> None:
        client = client_of(door.app)
        recoup = AsyncRecoup.by_app_key("http://door.test", keys.app_key, keys.app_secret, client)
        async with recoup:
            answers = await asyncio.gather(*(recoup.evaluate(body) for _ in range(8)))
            assert len({one["orderId"] for one in answers}) == 1
            assert (await recoup.get_order(answers[0]["orderId"]))["externalOrderId"] == body["orderId"]

    door.run(story())


def test_a_merchant_charges_stablecoins(stable_door: StableDoor) -> None:
    merchant = stable_door.merchant()

    def story(url: str) -> None:
        keys = merchant.shop.keys
        with RecoupStablecoin.by_signature(url, keys.stablecoin_key_id, keys.stablecoin_secret) as recoup:
            made = recoup.create_charge(merchant.body(subject="café & more"))
            for _ in range(3):  # the same call in one second needs a proof of its own each time
                found = recoup.list_orders(limit=5)
                assert found["total"] == 1
            assert recoup.get_order(made["order"]["id"])["order"]["id"] == made["order"]["id"]

    in_a_thread(stable_door, story, stable_application(stable_door.services))


# a server that misbehaves -------------------------------------------------------------------------------------


def test_busy_servers_are_asked_again_as_they_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("recoup_client.talk.time.sleep", slept.append)
    busy = httpx.Response(429, headers={"retry-after": "7"})
    heard = Heard([busy, httpx.Response(503), httpx.Response(200, json={})])
    assert heard.client().evaluate({"idempotencyKey": "k"}) == {}  # type: ignore[typeddict-item]
    assert (len(heard.calls), slept[0]) == (3, 7.0)


def test_a_call_whose_first_is_in_progress_is_sent_again_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recoup_client.talk.time.sleep", lambda seconds: None)
    progress = httpx.Response(409, json={"success": False, "statusCode": "409002", "result": "still in progress"})
    other = httpx.Response(409, json={"success": False, "statusCode": "409001", "result": "another content"})
    heard = Heard([progress, httpx.Response(500), httpx.Response(200, json={})])
    client = heard.client()
    client._call("POST", "/v1/orders/x/refund", body={}, key="k-1")
    assert [call.headers["idempotency-key"] for call in heard.calls] == ["k-1"] * 3
    heard.answers = [other]
    with pytest.raises(RecoupError, match="another content"):
        client._call("POST", "/v1/orders/x/refund", body={}, key="k-1")
    heard.answers = [progress]
    with pytest.raises(RecoupError, match="still in progress"):
        client._call("POST", "/v1/orders/x/cancel", body={})


def test_what_may_have_happened_is_not_sent_again_without_a_key() -> None:
    heard = Heard([httpx.ReadTimeout("silence"), httpx.Response(200, json={})])
    with pytest.raises(RecoupError, match="may have been done") as silent:
        heard.client().cancel_order("x", {})
    assert (silent.value.status, silent.value.code) == (0, "no_answer")
    assert len(heard.calls) == 1


def test_a_refused_connection_is_told_as_every_other_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recoup_client.talk.time.sleep", lambda seconds: None)
    with Recoup.by_app_key("http://127.0.0.1:9", "key", "secret") as recoup, pytest.raises(RecoupError) as refused:
        recoup.list_orders()
    assert (refused.value.status, refused.value.code) == (0, "unreachable")
    assert "http://127.0.0.1:9 cannot be reached" in str(refused.value)


@pytest.mark.parametrize("page", ["docs/connect.md", "clients/python/README.md"])
def test_the_samples_of_the_page_run(door: Door, shop: Caller, page: str) -> None:
    keys, [sample] = shop.shop.keys, re.findall("```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    shop.admit()
    door.run(shop.shop.publish())
    declined = evaluate_body(shop)

    def story(url: str) -> None:
        program = sample.replace("http://127.0.0.1:8400", url)
        given = {"app_key": keys.app_key, "app_secret": keys.app_secret, "declined": declined}
        names = {
            "BASE": url,
            "APP_KEY": keys.app_key,
            "APP_SECRET": keys.app_secret,
            "PYTHONPATH": str(ROOT / "clients/python/src"),
        }
        ran = subprocess.run(
            [sys.executable, "-c", f"import json\nglobals().update(json.loads({json.dumps(given)!r}))\n{program}"],
            env=os.environ | names,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        assert ("order.submitted" if "events" in sample else "SUBMITTED") in ran.stdout

    in_a_thread(door, story)


def test_what_was_never_heard_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recoup_client.talk.time.sleep", lambda seconds: None)
    heard = Heard([httpx.ConnectError("refused"), httpx.Response(200, json={})])
    assert heard.client().cancel_order("x", {}) == {}
    assert len(heard.calls) == 2


def test_a_token_that_ended_early_is_replaced_once() -> None:
    heard = Heard([httpx.Response(401), httpx.Response(200, json={"orders": []})])
    assert heard.client().list_orders() == {"orders": []}
    assert heard.signed_in == 2
    refused = Heard([httpx.Response(401), httpx.Response(401), httpx.Response(401)])
    with pytest.raises(RecoupError):
        refused.client().list_orders()
    assert len(refused.calls) <= 3


class Heard:
    """Answers calls in turn, and every sign-in."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.calls: list[httpx.Request] = []
        self.signed_in = 0

    def client(self) -> Recoup:
        client = httpx.Client(transport=httpx.MockTransport(self))
        return Recoup.by_app_key("http://server.test", "key", "secret", client)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth2/token":
            self.signed_in += 1
            return httpx.Response(200, json={"accessToken": "t", "expires": 4_102_444_800_000})
        self.calls.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, httpx.Response)
        return answer


def in_a_thread(door: Any, story: Callable[[str], None], app: Any = None) -> None:
    """The waiting client in a thread of its own, the server behind a real socket."""

    async def both() -> None:
        async with listening(app or door.app) as port:
            await asyncio.to_thread(story, f"http://127.0.0.1:{port}")

    door.run(both())
