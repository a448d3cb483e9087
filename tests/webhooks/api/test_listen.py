"""`recoup listen` and what it asks: events as they happen, signed as webhooks, on a developer's own
machine."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.door import GONE, Caller, Door, another, listening
from tests.receiver import is_standard, receiving
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.orders.rules.events import CATALOGUE, Event
from recoup.orders.rules.signature import verify
from recoup.stablecoin.rules.stable_events import render_stable
from recoup.webhooks.cli import listen as command_module
from recoup.webhooks.flows import listen as flow
from recoup.webhooks.store.listen import last_places as last_places_of

AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}
ROOT = Path(__file__).resolve().parents[3]
SECONDS = 20


def listen(shop: Caller, **query: Any) -> dict[str, Any]:
    answer = shop.get("/events/listen", params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def publish(shop: Caller) -> None:
    shop.door.run(shop.shop.publish())


def test_what_is_listened_to_is_what_a_webhook_would_carry(shop: Caller, door: Door) -> None:
    begun = listen(shop)
    assert (begun["data"], begun["next"], begun["hasMore"]) == ([], "0", False)
    with receiving(door) as hooks:
        shop.post("/webhooks", {"url": hooks.url(), "events": list(CATALOGUE)})
        shop.refund(shop.admit(**AT_ONCE), {"amountToRefund": 5})
        publish(shop)
        sent = hooks.got
    page = listen(shop, after=0, host="localhost:3000")
    assert [one["body"].encode() for one in page["data"]] == [one.body for one in sent]
    assert page["signingKey"] == begun["signingKey"]
    for one in page["data"]:
        body = one["body"].encode()
        assert verify(page["signingKey"], "localhost:3000", one["headers"], body)
        assert not verify(page["signingKey"], "elsewhere:3000", one["headers"], body)
        assert not verify(shop.shop.webhook_key, "localhost:3000", one["headers"], body), (
            "no webhook has its key"
        )
        assert {*one["headers"]} == {
            name for name in sent[0].headers if name.startswith("x-fc-")
        } | {"content-type"}
    assert listen(shop, after=page["next"])["data"] == []
    for one in listen(shop, after=0, format="standard")["data"]:
        assert is_standard(page["signingKey"], one["headers"], one["body"].encode())
    only = listen(shop, after=0, event=["order.refunded", "payment.refunded"])
    assert {one["event"] for one in only["data"]} == {"order.refunded"}


def test_events_of_the_stablecoin_api_are_listened_to_in_its_own_dialect(
    shop: Caller, door: Door
) -> None:
    merchant_id, order_id, event_id = shop.shop.merchant_id, new_id(), new_id()
    body = {"merchant_order_id": "order-1", "status": "paid"}
    door.sql(
        "WITH made AS (INSERT INTO outbox (merchant_id, subject_id, seq, event_id, subject_kind, "
        "event, body, business_at, recorded_at) "
        "VALUES ($1, $2, 1, $3, 'stable_order', 'order.completed', $4, now(), now())) "
        "INSERT INTO outbox_queue (merchant_id, subject_id, seq, recorded_at) "
        "VALUES ($1, $2, 1, now())",
        merchant_id,
        order_id,
        event_id,
        json.dumps(body),
    )
    publish(shop)
    page = listen(shop, after=0)
    [one] = page["data"]
    assert (one["event"], one["format"], one["eventId"]) == (
        "payment.succeeded",
        "stablecoin",
        str(event_id),
    )
    at = Event(
        event_id,
        merchant_id,
        None,
        order_id,
        None,
        "order.completed",
        1,
        door.world.clocks.wall(),
        body,
        True,
    )
    again = render_stable(at, page["signingKey"], door.world.clocks.wall(), encrypt=False)
    assert again is not None
    assert json.loads(one["body"]) == json.loads(again.body)
    assert one["headers"].keys() == again.headers.keys()
    assert [x["event"] for x in listen(shop, after=0, event="payment.succeeded")["data"]] == [
        "payment.succeeded"
    ]
    assert listen(shop, after=0, event="order.completed")["data"] == []


def test_calls_wait_for_the_next_event_and_hold_no_connection(
    shop: Caller, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, looks = f"/v1/events/listen?wait=20&after={listen(shop)['next']}", list[int]()

    async def last_places(db: Any, merchants: Any) -> Any:
        looks.append(len(merchants))
        return await places(db, merchants)

    places = last_places_of
    monkeypatch.setattr(flow, "last_places", last_places)

    async def story() -> list[Any]:
        calls = [
            asyncio.create_task(door.client.get(path, headers=shop.headers)) for _ in range(15)
        ]
        await asyncio.sleep(1.2)
        assert not any(call.done() for call in calls)
        assert looks[: len(calls)] == [1] * len(calls), "each looked once when it came"
        assert len(looks) <= len(calls) + 3, "then one look is for all of them"
        await shop.shop.admit()
        await shop.shop.publish()
        async with asyncio.timeout(SECONDS):
            return [(await call).json()["data"] for call in calls]

    for data in door.run(story()):
        assert data[0]["event"] == "order.submitted"
    assert door.services.get(flow.Listening)._waiting == {}


def test_too_many_who_wait_and_a_door_that_ends(
    shop: Caller, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = listen(shop)["next"]
    monkeypatch.setattr(flow, "MERCHANT_WAITING_MAX", 0)
    check_refused(
        shop.get("/events/listen", params={"after": after, "wait": 5}), 429, "too_many_requests"
    )
    assert listen(shop, after=after)["data"] == [], "who does not wait is answered"
    monkeypatch.undo()
    ending = another(door, is_ending=lambda: True)
    assert listen(replace(shop, door=ending), after=after, wait=30)["data"] == []


@each(
    "query",
    [
        {"after": "x"},
        {"after": "1"},
        {"wait": "31"},
        {"event": "order.eaten"},
        {"format": "stablecoin"},
        {"host": "a b"},
        {"host": "a\r\nb"},
        {"host": "ä"},
        {"from": "1"},
    ],
)
def test_what_cannot_be_read_names_the_parameter(
    shop: Caller, door: Door, query: dict[str, str]
) -> None:
    with door.nothing_written():
        fields = fields_of(shop.get("/events/listen", params=query))
    name = next(iter(query))
    assert [field.lower() for field in fields] == ["query" if name == "from" else name]


def test_another_merchants_events_and_key_are_its_own(shop: Caller, other: Caller) -> None:
    other.admit(**AT_ONCE)
    publish(other)
    assert listen(shop)["next"] == "0"
    assert {one["event"] for one in listen(other, after=0)["data"]}
    assert listen(shop)["signingKey"] != listen(other)["signingKey"]
    check_refused(shop.door.call("GET", "/v1/events/listen"), 401, "unauthenticated")


# the command
# --------------------------------------------------------------------------------------------------


class Listener:
    """A `recoup listen` as a developer runs it, in a folder without any data."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = list[str]()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(line.decode().rstrip())

    async def says(self, *words: str) -> str:
        """The first line that has them all."""
        async with asyncio.timeout(SECONDS):
            while True:
                for line in self.said:
                    if all(word in line for word in words):
                        return line
                assert not self._reading.done(), self.said
                await asyncio.sleep(0.02)

    async def ended(self) -> int:
        async with asyncio.timeout(SECONDS):
            status = await self.process.wait()
            await self._reading
            return status


@asynccontextmanager
async def command(
    folder: Path, shop: Caller, *options: str, **more: str
) -> AsyncIterator[Listener]:
    keys = {
        "RECOUP_APP_KEY": shop.shop.keys.app_key,
        "RECOUP_APP_SECRET": shop.shop.keys.app_secret,
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "recoup.main", "listen", *options),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **keys},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    listener = Listener(process)
    try:
        yield listener
    finally:
        if process.returncode is None:
            process.kill()
        await listener.ended()


def test_events_come_to_a_developers_machine_also_after_the_server_was_away(
    shop: Caller, door: Door, tmp_path: Path
) -> None:
    async def story(url: str) -> Listener:
        async with listening(door.app, services=door.services) as port:
            at = f"http://127.0.0.1:{port}"
            context = command(tmp_path, shop, "--url", url, "--at", at, "--print-json")
            listener = await context.__aenter__()
            await listener.says(f"Listening to {at}", f"forwarding to {url}")
            await shop.shop.admit()
            await shop.shop.publish()
            await listener.says("200", "order.submitted")
        await listener.says("Cannot reach", "Trying again in")
        await shop.shop.admit()
        await shop.shop.publish()
        async with listening(door.app, port=port, services=door.services):
            await listener.says("answers again")
            await listener.says("#2")
            listener.process.send_signal(signal.SIGINT)
            assert await listener.ended() == 0
        return listener

    with receiving(door) as hooks:
        listener = door.run(story(hooks.url()))
    assert listener.said[-1] == "Ended."
    key = listener.said[1].removeprefix("Signing key: ")
    assert len({one.data["EventId"] for one in hooks.got}) == len(hooks.got) == 2, (
        "nothing lost, nothing twice"
    )
    for got in hooks.got:
        assert got.data["EventId"] in " ".join(listener.said)
        assert got.body.decode() in listener.said
        assert verify(key, f"127.0.0.1:{hooks.port}", got.headers, got.body)


def test_the_secret_alone_is_printed_for_a_receiver(
    shop: Caller, door: Door, tmp_path: Path
) -> None:
    async def story() -> tuple[list[str], list[str]]:
        async with listening(door.app, services=door.services) as port:
            async with command(
                tmp_path, shop, "--at", f"http://127.0.0.1:{port}", "--print-secret"
            ) as listener:
                assert await listener.ended() == 0
        async with command(
            tmp_path, shop, "--at", f"http://127.0.0.1:{port}", "--print-secret"
        ) as away:
            assert await away.ended() == 1
        return listener.said, away.said

    said, away = door.run(story())
    assert said == [listen(shop)["signingKey"]]
    assert len(away) == 1
    assert "Cannot reach" in away[0]


def test_what_stands_in_the_way_is_said_in_one_line(
    shop: Caller, door: Door, tmp_path: Path
) -> None:
    async def told(*options: str, **more: str) -> str:
        async with command(tmp_path, shop, *options, **more) as listener:
            assert await listener.ended() == 1
            [line] = listener.said
            return line

    async def story() -> tuple[str, ...]:
        async with listening(door.app, services=door.services) as port:
            at, keys = f"http://127.0.0.1:{port}", shop.shop.keys
            return await asyncio.gather(
                told("--at", at, RECOUP_APP_SECRET="wrong"),
                told("--at", at, "--key", f"{keys.app_key}:{keys.app_secret}"),
                told("--at", at, "--events", "order.completed,order.eaten", "--after", "0"),
                told("--at", f"{at}/elsewhere"),
                told("--at", "recoup.example"),
            )

    wrong, secret, unknown, elsewhere, no_address = door.run(story())
    assert wrong == "recoup: The API key is not valid. Send `ApiKey id:secret`."
    assert "list of processes" in secret
    assert shop.shop.keys.app_secret not in secret
    assert "Unknown event 'order.eaten'" in unknown
    assert "There is nothing at this path" in elsewhere
    assert "'recoup.example' is no address" in no_address


@each(
    ("minutes", "says"),
    [(0, None), (-4.5, "s ahead of the Recoup's"), (7, "s behind the Recoup's")],
)
def test_a_clock_that_is_off_is_said(shop: Caller, minutes: float, says: str | None) -> None:
    """Its receiver, on the same machine, would refuse what was signed by the server's clock."""
    page, said = listen(shop), list[str]()
    moved = datetime.fromisoformat(page["signedAt"]) + timedelta(minutes=minutes)
    page |= {"signedAt": moved.isoformat(), "data": [{"number": 1}]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_module._Source, "ask", lambda *_: page)
        patch.setattr(command_module.click, "echo", lambda text, **_: said.append(text))
        assert next(
            command_module._events(command_module._Source("http://a", "", ""), {}, None, None)
        ) == {"number": 1}
    clock = [line for line in said if "clock" in line]
    assert len(clock) == (says is not None)
    assert says is None or says in clock[0]


def test_a_receiver_that_is_down_costs_its_events_alone(
    shop: Caller, door: Door, tmp_path: Path
) -> None:
    async def story() -> None:
        async with listening(door.app, services=door.services) as port:
            at = f"http://127.0.0.1:{port}"
            async with command(
                tmp_path, shop, "--at", at, "--url", "http://127.0.0.1:9/"
            ) as listener:
                await listener.says("Listening")
                for number in (1, 2):
                    await shop.shop.admit()
                    await shop.shop.publish()
                    await listener.says("--- (Connection refused)", "order.submitted", f"#{number}")
                listener.process.terminate()
                assert await listener.ended() == 0

    door.run(story())


def test_a_caller_that_hangs_up_waits_no_longer(shop: Caller, door: Door) -> None:
    path = f"/v1/events/listen?wait=25&after={listen(shop)['next']}"
    waiting = door.services.get(flow.Listening)._waiting

    async def story() -> None:
        async with listening(door.app, services=door.services) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            proof = shop.headers["authorization"]
            writer.write(
                f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {proof}\r\n\r\n".encode()
            )
            async with asyncio.timeout(SECONDS):
                while not waiting:  # noqa: ASYNC110 - of another task
                    await asyncio.sleep(0.02)
                writer.close()
                while waiting:  # noqa: ASYNC110 - of another task
                    await asyncio.sleep(0.02)

    door.run(story())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_comes_in_a_finaliser_ends_it_too() -> None:
    class Closes:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    before = {
        name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    }
    try:
        with command_module.until_ended():
            Closes()
            threading.Event().wait(SECONDS)
            pytest.fail("it went on")
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
