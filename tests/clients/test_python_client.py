"""The Python client against the running server, waiting and awaiting, and against one that
misbehaves."""

import asyncio
import json
import os
import pydoc
import re
import socketserver
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import httpx
import pytest
from tests.door import APPROVES, Caller, Door, client_of, evaluate_body, listening, tokenize_body
from tests.stablecoin.door import Door as StableDoor
from tests.stablecoin.door import application as stable_application

import recoup_client
from recoup.orders.rules.events import CATALOGUE
from recoup.stablecoin.rules.event_names import NAMES
from recoup_client import (
    AsyncRecoup,
    BadCredentialsError,
    BadSignatureError,
    InvalidError,
    NoAnswerError,
    NotFoundError,
    Recoup,
    RecoupError,
    RecoupStablecoin,
    ReplayedRequestError,
    UnreachableError,
    rescue_shapes,
    stablecoin_shapes,
)

ROOT = Path(__file__).resolve().parents[2]
Answer = Callable[[httpx.Request], httpx.Response]


def test_an_id_leads_to_no_other_call() -> None:
    """`X/refund?` had made a cancellation a refund."""
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(
            200, json={"accessToken": "a", "refreshToken": "b", "expires": 4_000_000_000_000}
        )

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        recoup = Recoup("https://h.example", "key", "secret", client)
        recoup.orders.cancel("X/refund?")
        with pytest.raises(ValueError, match="no id"):
            recoup.orders.get("..")
    assert asked[-1] == b"/v1/orders/X%2Frefund%3F/cancel"


def test_a_merchant_rescues_lists_refunds_and_cancels(door: Door, shop: Caller) -> None:
    body, later = evaluate_body(shop), evaluate_body(shop)
    keys = shop.shop.keys

    def story(url: str) -> None:
        with Recoup(url, keys.app_key, keys.app_secret) as recoup:
            kept = recoup.tokenize(
                tokenize_body(APPROVES), mid=shop.mid, environment=keys.tokenization_key
            )
            body["paymentMethod"]["cardNumber"] = kept["transaction"]["payment_method"]["token"]
            taken = recoup.evaluate(body)
            assert taken["status"] == "SUBMITTED"
            called_off = recoup.evaluate(later)
            assert recoup.orders.cancel(called_off["orderId"]) == {}
            found = recoup.orders.list(
                externalOrderId=[body["orderId"], later["orderId"]], pageSize=1
            )
            assert [one["externalOrderId"] for one in found] == [later["orderId"], body["orderId"]]
            assert recoup.orders.get(called_off["orderId"])["statusName"] == "CANCELLED"
            wanted = {
                "url": "https://second.merchant.example",
                "name": "Two",
                "descriptor": "SECOND*SHOP",
            }
            site = recoup.sites.create(wanted)
            assert recoup.sites.delete(site["id"]) is None
            with pytest.raises(NotFoundError) as refused:
                recoup.orders.get(str(uuid.uuid4()))
            assert (refused.value.status, refused.value.code) == (404, "404101")
            assert refused.value.request_id
            with pytest.raises(InvalidError) as wrong:
                recoup.evaluate(body | {"transaction": {**body["transaction"], "amount": -1}})
            assert "Transaction.Amount" in wrong.value.fields
            with pytest.raises(RecoupError, match="ISO 8601"):
                recoup.evaluate(body | {"expiryDateUtc": "soon"})

    in_a_thread(door, story)


def test_a_merchant_reads_every_kind_of_list_to_its_end(door: Door, shop: Caller) -> None:
    """By cursor, feed, version, and the orders that a filter leaves; each page holds one record."""
    for _ in range(3):
        shop.admit()
    door.run(shop.shop.publish())
    keys = shop.shop.keys

    def story(url: str) -> None:
        with Recoup(url, keys.app_key, keys.app_secret) as recoup:
            for soft in (2, 3, 4):
                recoup.policy.set({"policy": {"tries": {"soft": soft}}, "reason": "fewer"})
            assert [one["number"] for one in recoup.policy.versions.list(limit=1)] == [3, 2, 1]
            assert len({order["id"] for order in recoup.orders.list(pageSize=1)}) == 3
            feed = [event["Number"] for event in recoup.events.list(limit=1)]
            assert feed == list(range(1, len(feed) + 1))
            assert len(feed) >= 3
            assert [change["kind"] for change in recoup.switches.history.list(limit=1)] == []
            assert list(recoup.settlements.list(pageSize=1)) == []
            assert len(list(recoup.sites.list())) == 1

    in_a_thread(door, story)


def test_a_quiet_feed_is_waited_for_beyond_the_usual_time_out(door: Door, shop: Caller) -> None:
    """`wait=30` was given up after the 30 seconds of every call;
    each had its format chosen for it."""
    keys = shop.shop.keys

    def story(url: str) -> None:
        with Recoup(url, keys.app_key, keys.app_secret, timeout=0.8) as recoup:
            [now] = recoup.events.listen.list().pages()
            [quiet] = recoup.events.listen.list(after=int(now["next"]), wait=1).pages()
            assert quiet["data"] == []
            with pytest.raises(RecoupError, match="rescue-text, standard"):
                list(recoup.events.listen.list(after=0, format="xml"))  # type: ignore[arg-type]

    def told(url: str) -> None:
        with Recoup(url, keys.app_key, keys.app_secret) as recoup:
            found = list(recoup.events.listen.list(after=0, format="standard"))
            assert {one["format"] for one in found} == {"standard"}
            assert "webhook-signature" in {name.lower() for name in found[0]["headers"]}

    in_a_thread(door, story)
    shop.admit()
    door.run(shop.shop.publish())
    in_a_thread(door, told)


def test_only_a_call_that_waits_has_longer() -> None:
    heard = Heard(
        [httpx.Response(200, json={"data": [], "next": "1", "hasMore": False}) for _ in range(3)]
    )
    with heard.client() as recoup:
        for wait in (30, None):
            assert list(recoup.events.listen.list(after=1, wait=wait)) == []
    usual = httpx.Client().timeout.as_dict()
    limits = [call.extensions["timeout"] for call in heard.calls]
    assert limits == [usual | {"read": 35.0}, usual]


def test_the_awaiting_client_does_the_same(door: Door, shop: Caller) -> None:
    body, keys = evaluate_body(shop), shop.shop.keys

    async def story() -> None:
        client = client_of(door.app)
        recoup = AsyncRecoup("http://door.test", keys.app_key, keys.app_secret, client)
        async with recoup:
            answers = await asyncio.gather(*(recoup.evaluate(body) for _ in range(8)))
            found = [
                one["id"] async for one in recoup.orders.list(externalOrderId=[body["orderId"]])
            ]
            assert found == [answers[0]["orderId"]]
            assert len({one["orderId"] for one in answers}) == 1
            assert (await recoup.orders.get(answers[0]["orderId"]))["externalOrderId"] == body[
                "orderId"
            ]

    door.run(story())


def test_a_merchant_charges_stablecoins(stable_door: StableDoor) -> None:
    merchant = stable_door.merchant()

    def story(url: str) -> None:
        keys = merchant.shop.keys
        with RecoupStablecoin(url, keys.stablecoin_key_id, keys.stablecoin_secret) as recoup:
            made = recoup.charges.create(merchant.body(subject="café & more"))
            for _ in range(3):  # the same call in one second needs a proof of its own each time
                assert [one["id"] for one in recoup.orders.list(limit=5)] == [made["order"]["id"]]
            assert recoup.orders.get(made["order"]["id"])["order"]["id"] == made["order"]["id"]

    in_a_thread(stable_door, story, stable_application(stable_door.services))


# a server that misbehaves
# -------------------------------------------------------------------------------------


def test_busy_servers_are_asked_again_as_they_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("recoup_client.talk.time.sleep", slept.append)
    busy = httpx.Response(429, headers={"retry-after": "7"})
    heard = Heard([busy, httpx.Response(503), httpx.Response(200, json={})])
    assert heard.client().evaluate({"idempotencyKey": "k"}) == {}  # type: ignore[typeddict-item]
    assert (len(heard.calls), slept[0]) == (3, 7.0)


def test_a_call_whose_first_is_in_progress_is_sent_again_with_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recoup_client.talk.time.sleep", lambda seconds: None)
    progress = httpx.Response(
        409, json={"success": False, "statusCode": "409002", "result": "still in progress"}
    )
    other = httpx.Response(
        409, json={"success": False, "statusCode": "409001", "result": "another content"}
    )
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
        heard.client().orders.cancel("x")
    assert (silent.value.status, silent.value.code) == (0, "no_answer")
    assert len(heard.calls) == 1


def test_a_refused_connection_is_told_as_every_other_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recoup_client.talk.time.sleep", lambda seconds: None)
    with (
        Recoup("http://127.0.0.1:9", "key", "secret") as recoup,
        pytest.raises(RecoupError) as refused,
    ):
        list(recoup.orders.list())
    assert (refused.value.status, refused.value.code) == (0, "unreachable")
    assert "http://127.0.0.1:9 cannot be reached" in str(refused.value)


@pytest.mark.parametrize("page", ["docs/connect.md", "clients/python/README.md"])
def test_the_samples_of_the_page_run(door: Door, shop: Caller, page: str) -> None:
    keys, [sample] = (
        shop.shop.keys,
        re.findall("```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL),
    )
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
            [
                sys.executable,
                "-c",
                f"import json\nglobals().update(json.loads({json.dumps(given)!r}))\n{program}",
            ],
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
    assert heard.client().orders.cancel("x") == {}
    assert len(heard.calls) == 2


def test_a_token_that_ended_early_is_replaced_once() -> None:
    heard = Heard([httpx.Response(401), httpx.Response(200, json={"data": []})])
    assert list(heard.client().sites.list()) == []
    assert heard.signed_in == 2
    refused = Heard([httpx.Response(401), httpx.Response(401), httpx.Response(401)])
    with pytest.raises(RecoupError):
        list(refused.client().sites.list())
    assert len(refused.calls) <= 3


def test_an_error_has_the_api_s_words_and_an_unknown_code_the_base() -> None:
    body = {"TraceId": ["t"], "AppSecret": ["It does not match."]}
    headers = {"x-recoup-code": "400201", "x-request-id": "r-1", "x-recoup-hint": "Check it."}
    with pytest.raises(BadCredentialsError) as wrong:
        Heard([httpx.Response(400, json=body, headers=headers)]).client().orders.get("x")
    error = wrong.value
    assert (error.status, error.code, error.request_id) == (400, "400201", "r-1")
    assert (error.message, error.fields) == (
        "It does not match. Check it.",
        {"AppSecret": ["It does not match."]},
    )
    newer = httpx.Response(
        409, json={"success": False, "statusCode": "409999", "result": "of tomorrow"}
    )
    with pytest.raises(RecoupError, match="of tomorrow") as unknown:
        Heard([newer]).client().orders.get("x")
    assert (type(unknown.value), unknown.value.code) == (RecoupError, "409999")
    with pytest.raises(
        RecoupError,
        match=r"308 .*no answer of Recoup. Is http://server.test/v1/orders/x its address",
    ):
        Heard([httpx.Response(308, text="<h1>moved</h1>")]).client().orders.get("x")


def test_lists_go_through_all_their_pages() -> None:
    pages: list[Any] = [
        httpx.Response(200, json={"orders": {"data": [{"id": id} for id in ids], "next": place}})
        for ids, place in ((["1"], "p0"), ([], "p1"), (["2", "3"], None))
    ]
    heard = Heard(pages)
    found = heard.client().orders.list(isMIT=True, externalOrderId=["a", "b"])
    assert [one["id"] for one in found] == ["1", "2", "3"]
    assert heard.calls[2].url.params["after"] == "p1"
    assert heard.calls[2].url.params.get_list("externalOrderId") == ["a", "b"]
    assert heard.calls[2].url.params["isMIT"] == "true"
    more = [{"data": [], "next": "4", "hasMore": one} for one in (True, False)]
    feed = Heard([httpx.Response(200, json=one) for one in more])
    assert [page["next"] for page in feed.client().events.list(after=0).pages()] == ["4", "4"]
    settled = Heard(
        [httpx.Response(200, json={"data": [], "hasNextPage": one}) for one in (True, False)]
    )
    assert len(list(settled.client().settlements.list().pages())) == 2
    assert settled.calls[1].url.query == b"pageNumber=2"


def test_an_offset_grows_until_nothing_is_left() -> None:
    heard = Heard([httpx.Response(200, json={"data": data}) for data in ([1, 2], [3], [])])
    assert list(heard.signing().payouts.list()) == [1, 2, 3]
    assert heard.calls[2].url.query == b"offset=3"
    total = Heard([httpx.Response(200, json={"data": [1], "total": 1})])
    assert len(list(total.signing().orders.list())) == 1


def test_a_call_that_another_process_made_in_the_same_second_is_signed_anew() -> None:
    def replayed(code: str = "replayed_request") -> httpx.Response:
        return httpx.Response(401, json={"error": {"code": code, "message": "used before"}})

    heard = Heard([replayed(), httpx.Response(200, json={})])
    heard.signing().orders.cancel("x")
    first, second = (int(call.headers["x-timestamp"]) for call in heard.calls)
    assert 1 <= first - second <= 61
    with pytest.raises(ReplayedRequestError):
        Heard([replayed(), replayed()]).signing().orders.cancel("x")
    with pytest.raises(BadSignatureError):
        Heard([replayed("bad_signature")]).signing().orders.cancel("x")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8465", "", "localhost:8465", "ftp://h", "http://", "http://h:x", None]
)
def test_what_is_no_address_is_said_at_once(url: Any) -> None:
    for make in (Recoup, AsyncRecoup, RecoupStablecoin):
        with pytest.raises(ValueError, match=r"base_url must be like https://recoup\.example\.com"):
            make(url, "key", "secret")


BEFORE = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
AFTER = (
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
)


def test_only_what_surely_never_left_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recoup_client.talk.time.sleep", lambda seconds: None)
    for error in (*BEFORE, *AFTER, httpx.LocalProtocolError):
        heard = Heard([error("x")] * 4)
        with pytest.raises(UnreachableError if error in BEFORE else NoAnswerError):
            heard.client().orders.cancel("x")
        assert len(heard.calls) == (4 if error in BEFORE else 1), error


def test_tls_with_a_server_that_has_none_never_left() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Plain) as server:
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        url = f"https://127.0.0.1:{server.server_address[1]}"

        async def awaited() -> None:
            async with AsyncRecoup(url, "key", "secret", max_retries=0) as recoup:
                await recoup.orders.cancel("x")

        with (
            RecoupStablecoin(url, "key", "secret", max_retries=0) as recoup,
            pytest.raises(UnreachableError, match=r"Nothing was done"),
        ):
            recoup.orders.cancel("x")
        with pytest.raises(UnreachableError):
            asyncio.run(awaited())
        server.shutdown()


class Plain(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.request.recv(100)
        self.wfile.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_call_whose_sign_in_got_no_answer_never_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recoup_client.talk.time.sleep", lambda seconds: None)
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ReadTimeout("silence")

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(UnreachableError):
            Recoup("http://server.test", "key", "secret", client).orders.cancel("x")
    assert asked == ["/v1/oauth2/token"] * 4


def test_repeats_and_time_out_are_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recoup_client.talk.time.sleep", lambda seconds: None)
    for retries in (0, 5):
        heard = Heard(
            [httpx.Response(401), *[httpx.Response(503)] * 9]
        )  # a renewed token is no repeat
        with httpx.Client(transport=httpx.MockTransport(heard)) as client:
            recoup = Recoup("http://server.test", "key", "secret", client, max_retries=retries)
            with pytest.raises(RecoupError, match="503"):
                recoup.orders.get("x")
        assert len(heard.calls) == 2 + retries
    with Recoup("http://server.test", "key", "secret", timeout=1.5) as recoup:
        assert recoup._client.timeout == httpx.Timeout(1.5)


def test_only_a_client_of_its_own_is_closed() -> None:
    async def awaited() -> None:
        async with httpx.AsyncClient() as client:
            async with AsyncRecoup("http://server.test", "key", "secret", client):
                pass
            assert not client.is_closed
        async with AsyncRecoup("http://server.test", "key", "secret") as recoup:
            pass
        assert recoup._client.is_closed

    with httpx.Client() as client:
        with Recoup("http://server.test", "key", "secret", client):
            pass
        assert not client.is_closed
    with Recoup("http://server.test", "key", "secret") as recoup:
        pass
    assert recoup._client.is_closed
    asyncio.run(awaited())


def test_help_shows_nouns_and_errors() -> None:
    told = pydoc.render_doc(Recoup, renderer=pydoc.plaintext)
    for noun in ("orders", "events", "webhooks"):
        assert re.search(rf"\b{noun} = .*\n.*\blist\b", told), noun
    assert "class NotFoundError(" in pydoc.render_doc(recoup_client, renderer=pydoc.plaintext)


def test_closed_lists_are_typed() -> None:
    """As the server has them; a word of tomorrow comes through, for nothing is checked when a
    program runs."""
    assert get_args(rescue_shapes.EventName) == tuple(CATALOGUE)
    assert get_args(stablecoin_shapes.EventName) == tuple(NAMES)
    shapes: list[tuple[Any, str, str]] = [
        (rescue_shapes.Evaluated, "status", "SUBMITTED"),
        (rescue_shapes.AttemptShown, "status", "NOT_SENT"),
        (rescue_shapes.DecisionShown, "verdict", "attempt_now"),
    ]
    for shape, member, word in shapes:
        assert repr(word) in str(get_type_hints(shape)[member]), member
    assert "str | float" in str(get_type_hints(rescue_shapes.RefundBody)["amountToRefund"])
    newer = Heard([httpx.Response(200, json={"status": "OF_TOMORROW"})])
    outcome = newer.client().outcome({"orderId": "x"})
    assert outcome["status"] == "OF_TOMORROW"  # type: ignore[comparison-overlap]


class Heard:
    """Answers calls in turn, and every sign-in."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.calls: list[httpx.Request] = []
        self.signed_in = 0

    def client(self) -> Recoup:
        client = httpx.Client(transport=httpx.MockTransport(self))
        return Recoup("http://server.test", "key", "secret", client)

    def signing(self) -> RecoupStablecoin:
        client = httpx.Client(transport=httpx.MockTransport(self))
        return RecoupStablecoin("http://server.test", "key", "secret", client)

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
