"""Webhooks in the portal: made, changed, tried, their log, one delivery, sending again, the signing
key."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from tests.odd_servers import serving
from tests.people.page.test_portal import ids
from tests.staff import PARTNER, As, portal, post, texts, token
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope, Scope
from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.orders.store import order_page
from recoup.rescue.flows.cancel import cancel
from recoup.webhooks.flows import endpoints, send_sample
from recoup.webhooks.flows.publish import publish
from recoup.webhooks.flows.stablecoin_endpoint import configure
from recoup.webhooks.store.replays import LOOKS_EVERY_MIN

Story = Callable[[Shop, As], Awaitable[None]]


@dataclass
class Receiver:
    """`answers` in turn, then 200; `says` is every answer's body."""

    port: int = 0
    got: list[bytes] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    says: bytes = b"ok"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def behave(
        _head: bytes, body: bytes, _c: int, _n: int, writer: asyncio.StreamWriter
    ) -> None:
        receiver.got.append(body)
        status = receiver.answers.pop(0) if receiver.answers else 200
        head = f"HTTP/1.1 {status} Told\r\ncontent-length: {len(receiver.says)}\r\n\r\n".encode()
        writer.write(head + receiver.says)
        await writer.drain()

    async with serving(behave) as port:
        receiver.port = port
        yield receiver


async def make(
    client: httpx.AsyncClient, url: str, events: tuple[str, ...] = ("order.completed",)
) -> str:
    """The path of an endpoint that the page makes."""
    fields = {"url": url, "format": "rescue", "events": list(events), "key": "own"}
    answer = await post(client, "/webhooks/new", "/webhooks", **fields)
    assert answer.status_code == 200, answer.text
    return re.findall(r'href="(/webhooks/[0-9a-f-]{36})"', answer.text)[0]


async def rows(client: httpx.AsyncClient, at: str) -> list[str]:
    """The deliveries in its log, newest first."""
    return re.findall(rf'href="({at}/deliveries/[0-9a-f-]{{36}})"', (await client.get(at)).text)


def test_an_endpoint_is_made_its_key_shown_once_changed_and_deleted(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        dev = await signed_in("dev")
        assert "No endpoints yet" in texts(await dev.get("/webhooks"))
        fields = {
            "url": "https://hooks.example.com/in",
            "format": "standard",
            "events": ["order.completed"],
            "key": "own",
            "csrf": await token(dev, "/webhooks/new"),
        }
        made = await dev.post("/webhooks", data=fields)
        (one,) = await endpoints.list_all(shop.world, shop.scope)
        assert f"whsec_{one.signing_key}" in texts(made)
        again = await dev.post("/webhooks", data=fields)
        assert f"whsec_{one.signing_key}" in texts(again), "a double click shows the same key"
        assert len(await endpoints.list_all(shop.world, shop.scope)) == 1
        at = f"/webhooks/{one.endpoint_id}"
        page = await dev.get(at)
        assert one.signing_key not in page.text
        assert one.signing_key not in (await dev.get("/webhooks")).text
        changed = await post(
            dev,
            at,
            at,
            url="https://hooks.example.com/new",
            format="rescue",
            events=["order.completed", "order.expired"],
        )
        assert changed.status_code == 303
        now = await endpoints.read(shop.world, shop.scope, one.endpoint_id)
        assert (now.url, now.format, now.events) == (
            "https://hooks.example.com/new",
            "rescue",
            ("order.completed", "order.expired"),
        )
        assert (await post(dev, at, f"{at}/state", switch="off")).status_code == 303
        assert "Switched off" in texts(await dev.get("/webhooks"))
        assert (await post(dev, at, f"{at}/state", switch="on")).status_code == 303
        assert (await post(dev, at, f"{at}/state", switch="maybe")).status_code == 400
        assert "No events are waiting for it." in texts(await dev.get(at))
        await shop.admit(pan=APPROVE_CARDS[1], days=None, code="05")
        await shop.settle()
        await shop.publish()
        page = await dev.get(at)
        assert "Events waiting for it: 1. They are dropped here" in texts(page)
        assert f"{at}/delete" not in re.sub(r"<dialog.*?</dialog>", "", page.text, flags=re.S)
        assert (await post(dev, at, f"{at}/delete")).status_code == 303
        assert (await dev.get(at)).status_code == 404

    portal(server, story)


def test_what_the_api_refuses_the_form_refuses_and_keeps_as_typed(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops = await signed_in("ops")
        for url in (
            "http://169.254.169.254/latest",
            "https://10.0.0.1/in",
            "https://[::1]/",
            "ftp://x",
            "",
            "x" * 3000,
            'https://a.example/"><script>',
            "https://user:pw@hooks.example/",
        ):
            answer = await post(
                ops,
                "/webhooks/new",
                "/webhooks",
                url=url,
                format="rescue",
                events=["order.completed"],
            )
            assert answer.status_code == 400, url
            assert 'aria-invalid="true"' in answer.text
            assert "<script>" not in answer.text
            if url and len(url) < 100 and '"' not in url:
                assert f'value="{url}"' in answer.text
        for wrong in ({"format": "xml"}, {"events": ["order.unheard"]}, {"events": []}):
            fields = {
                "url": "https://hooks.example.com/x",
                "format": "rescue",
                "events": ["order.completed"],
            } | wrong
            assert (await post(ops, "/webhooks/new", "/webhooks", **fields)).status_code == 400
        assert await endpoints.list_all(shop.world, shop.scope) == []
        at = await make(ops, "https://hooks.example.com/one")
        await make(ops, "https://hooks.example.com/two")
        taken = await post(
            ops,
            at,
            at,
            url="https://hooks.example.com/two",
            format="rescue",
            events=["order.completed"],
        )
        assert "has this url already" in texts(taken, 409)
        assert 'value="https://hooks.example.com/two"' in taken.text
        for path in (
            f"{at}/deliveries/x",
            f"/webhooks/{new_id()}",
            "/webhooks/x",
            f"{at}/deliveries/{new_id()}",
        ):
            assert (await ops.get(path)).status_code == 404
        for query in (
            "?result=x",
            "?event=<b>",
            "?before=zzz",
            "?result=failed&event=order.completed",
            "?result=%00",
        ):
            assert (await ops.get(at + query)).status_code == 200

    portal(server, story)


def test_who_may_only_look_sees_the_log_and_changes_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops, clerk = await signed_in("ops"), await signed_in("clerk")
            at = await make(ops, receiver.url)
            assert "200" in texts(await post(ops, at, f"{at}/test", event="order.completed"))
            (row,) = await rows(clerk, at)
            assert "Send again" not in texts(await clerk.get(row))
            assert "Your role may view webhooks" in texts(await clerk.get(at))
            csrf = await token(clerk, at)
            for path in ("", "/state", "/delete", "/test", "/rotate", "/replay"):
                answer = await clerk.post(
                    at + path, data={"csrf": csrf, "switch": "off", "key": "0" * 32}
                )
                assert answer.status_code == 403, path
            assert (
                await clerk.post(f"{row}/redeliver", data={"csrf": csrf, "key": "0" * 32})
            ).status_code == 403
            assert (
                await clerk.post("/webhooks", data={"csrf": csrf, "url": receiver.url})
            ).status_code == 403
            assert (await ops.post(f"{at}/delete", data={"csrf": "guess"})).status_code == 403
            assert len(receiver.got) == 1

    portal(server, story)


def test_a_sample_shows_what_the_receiver_says_and_what_was_sent(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            dev = await signed_in("dev")
            at = await make(dev, receiver.url)
            (one,) = await endpoints.list_all(shop.world, shop.scope)
            receiver.answers = [418]
            receiver.says = (
                f"<b>no</b> key={one.signing_key} token=abcdefgh12345678 {PHONE_CARD}".encode()
            )
            answer = texts(await post(dev, at, f"{at}/test", event="order.refunded"))
            assert "The receiver answered 418 to order.refunded" in answer
            (row,) = await rows(dev, at)
            shown = await dev.get(row)
            read = texts(shown)
            assert '"Event":"order.refunded"' in read
            assert "x-fc-signature: ••••" in read
            assert "<b>no</b>" in read
            for secret in (one.signing_key, "abcdefgh12345678", PHONE_CARD):
                assert secret not in shown.text
            assert "A sample belongs to no order" in texts(
                await post(dev, row, f"{row}/redeliver", key="0" * 32), 409
            )
        silent = texts(await post(dev, at, f"{at}/test", event="order.refunded"))
        assert "cannot be reached" in silent
        assert (await post(dev, at, f"{at}/test", event="nothing")).status_code == 400

    portal(server, story)


@pytest.mark.parametrize("whose", ["merchant", "partner"])
def test_of_many_samples_at_once_no_more_leave_than_may(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """Whoever names somebody else's address cannot flood it with samples."""
    monkeypatch.setattr(send_sample, "SAMPLES_MAX", 3)

    async def story(shop: Shop, signed_in: As) -> None:
        scope = (
            shop.scope
            if whose == "merchant"
            else PartnerScope(PARTNER, Actor("partner", "k"), "test")
        )

        refused: list[Problem] = []

        async def sample(one: endpoints.Endpoint) -> int:
            try:
                return (
                    await send_sample.send_sample(shop.world, scope, one.endpoint_id, None)
                ).status
            except Problem as problem:
                refused.append(problem)
                return 429

        async with receiving() as receiver:
            made = [
                await endpoints.create(shop.world, scope, f"{receiver.url}/{n}", None, "rescue")
                for n in range(2)
            ]
            async with owner(shop.world) as connection, connection.transaction():
                await connection.execute("LOCK TABLE audit_lines, partner_log IN EXCLUSIVE MODE")
                asked = [asyncio.create_task(sample(made[n % 2])) for n in range(8)]
                await asyncio.sleep(0.5)  # all are past their counting, if nothing keeps them apart
            told = await asyncio.gather(*asked)
            assert sorted(told) == [200] * 3 + [429] * 5
            assert len(receiver.got) == 3
            async with owner(shop.world) as connection:  # the oldest is as old as a minute
                for log, what in (
                    ("audit_lines", "action = 'webhook.tested'"),
                    ("partner_log", "happening = 'webhook_tested'"),
                ):
                    await connection.execute(
                        f"UPDATE {log} SET at = at - interval '1 minute' WHERE ctid = ("
                        f"SELECT ctid FROM {log} WHERE {what} ORDER BY at LIMIT 1)"
                    )
            assert [await sample(made[0]), await sample(made[1])] == [200, 429]
            assert {problem.code for problem in refused} == {"too_many_requests"}
            assert all(0 < (problem.retry_after_seconds or 0) <= 60 for problem in refused)
            assert all(
                one.cure == f"Send the next one in {one.retry_after_seconds} s." for one in refused
            )
            if whose == "merchant":
                dev, at = await signed_in("dev"), f"/webhooks/{made[0].endpoint_id}"
                read = texts(await post(dev, at, f"{at}/test", event="order.completed"), 429)
                assert (
                    "3 samples were sent within a minute, which is the limit. Send the next one in"
                    in read
                )

    portal(server, story)


def test_a_key_is_replaced_once_however_often_the_form_comes(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        dev = await signed_in("dev")
        at = await make(dev, "https://hooks.example.com/in")
        (before,) = await endpoints.list_all(shop.world, shop.scope)
        page = (await dev.get(at)).text
        mark = re.search(r'name="of" value="([0-9a-f]+)"', page)
        assert mark
        form = {"csrf": await token(dev, at), "of": mark[1], "overlap": "24"}
        first = texts(await dev.post(f"{at}/rotate", data=form))
        (after,) = await endpoints.list_all(shop.world, shop.scope)
        assert after.signing_key != before.signing_key
        assert after.signing_key in first
        assert after.previous_until is not None
        assert after.signing_key in texts(await dev.post(f"{at}/rotate", data=form))
        assert (await endpoints.list_all(shop.world, shop.scope))[
            0
        ].signing_key == after.signing_key
        assert "two signing keys" in texts(await dev.get("/webhooks"))
        newer = re.search(r'name="of" value="([0-9a-f]+)"', (await dev.get(at)).text)
        assert newer
        refused = await dev.post(f"{at}/rotate", data=form | {"of": newer[1]})
        assert "was replaced already" in texts(refused, 409)
        assert (await dev.post(f"{at}/rotate", data=form | {"overlap": "9999"})).status_code == 400

    portal(server, story)


def test_an_event_is_sent_again_from_the_log_and_from_the_order(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted",))
            receiver.answers = [500]
            order_id = await shop.admit()
            await shop.publish()
            assert len(receiver.got) == 1
            (row,) = await rows(ops, at)
            page = texts(await ops.get(at))
            assert re.search(r"Failed next [^<]*500 \d+ ms", page)
            assert "Failing since" in page
            assert await rows(ops, f"{at}?result=delivered") == []
            assert "/orders/" + str(order_id) in (await ops.get(row)).text
            now = await post(ops, row, f"{row}/redeliver", key="1" * 32)
            assert "done=now." in now.headers["location"]
            await shop.publish()
            assert len(receiver.got) == 2
            assert "Delivered" in texts(await ops.get(at))
            csrf = await token(ops, row)
            for _ in range(2):  # a double click
                again = await ops.post(f"{row}/redeliver", data={"csrf": csrf, "key": "2" * 32})
                assert again.status_code == 303
            await shop.run_due()
            await shop.publish()
            assert len(receiver.got) == 3
            assert b'"IsResent":true' in receiver.got[-1]
            order = await ops.get(f"/orders/{order_id}?show=webhooks")
            assert order.text.count("Request and response") == 3
            assert "real time" not in order.text
            sent = await ops.post(
                f"{row}/redeliver",
                data={"csrf": csrf, "key": "3" * 32, "back": "order", "order": str(order_id)},
            )
            assert sent.headers["location"] == f"/orders/{order_id}?show=webhooks#timeline"
            assert (
                await ops.post(f"{row}/redeliver", data={"csrf": csrf, "key": "no"})
            ).status_code == 400
            await post(ops, at, f"{at}/state", switch="off")
            assert "is disabled" in texts(
                await ops.post(f"{row}/redeliver", data={"csrf": csrf, "key": "4" * 32}), 409
            )

    portal(server, story)


def test_an_event_sent_again_without_end_slows_nobody_down(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order's page showed each delivery, and looked through the order's log for each."""
    monkeypatch.setattr(order_page, "TRIES_READ", 3)

    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted", "order.cancelled"))
            order_id = await shop.admit()
            await shop.publish()
            (row,) = await rows(ops, at)
            for number in range(5):
                await post(ops, row, f"{row}/redeliver", key=str(number) * 32)
                await shop.run_due()
                await shop.publish()
            await cancel(shop.world, shop.orders, shop.scope, order_id)
            await shop.publish()
            assert len(receiver.got) == 7
            page = await ops.get(f"/orders/{order_id}?show=webhooks")
            assert page.text.count("Request and response") == 3
            assert "order.cancelled" in page.text, "each event's newest goes first"

    portal(server, story)


def test_a_range_is_counted_before_it_is_sent_and_sent_once(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted",))
            await shop.admit_many(3)
            await shop.publish()
            assert len(receiver.got) == 3
            assert "Count events" in texts(await ops.get(f"{at}/replay"))
            counted = texts(await ops.get(f"{at}/replay?count=1"))
            assert "3 events of 3 orders" in counted
            assert "Send 3 again" in counted
            for until in ("2020-01-01T00:00", "202001010000"):
                assert "0 events of 0 orders" in texts(
                    await ops.get(f"{at}/replay?count=1&until={until}")
                ), until
            for query in (
                "from=x",
                "from=-1",
                "from=99999",
                "since=never",
                "since=2026-01-02&until=2026-01-01",
                "from=1&event=order.unheard",
                "since=0001-01-01T00:00%2B14:00",
                "from=3&to=1",
            ):
                assert (await ops.get(f"{at}/replay?count=1&{query}")).status_code == 400, query
            form = {"csrf": await token(ops, at), "key": "5" * 32}
            for _ in range(2):
                assert (await ops.post(f"{at}/replay", data=form)).status_code == 303
            await shop.run_due()
            await shop.publish()
            assert len(receiver.got) == 6
            assert "3 events, sent" in texts(await ops.get(at))
            wrong = await ops.post(f"{at}/replay", data=form | {"key": "6" * 32, "since": "never"})
            assert 'value="never"' in wrong.text
            assert wrong.status_code == 400

    portal(server, story)


def test_the_last_events_of_several_orders_are_all_sent_again(server: ServerAddress) -> None:
    """Three were chosen in the list and one was sent; of the others it said that they were on their
    way already."""

    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted",))
            await shop.admit_many(3)
            await shop.publish()
            page = (await ops.get("/orders")).text
            chosen = {
                "csrf": await token(ops, at),
                "do": "redeliver",
                "order": ids(page),
                "back": "/orders",
            }
            answer = texts(await ops.post("/orders/bulk", data=chosen))
            assert answer.count("Sent again: order.submitted to 1 endpoint") == 3
            twice = texts(await ops.post("/orders/bulk", data=chosen))
            assert twice.count("order.submitted is on its way already") == 3
            await shop.run_due()
            await shop.publish()
            assert len(receiver.got) == 6

    portal(server, story)


def test_a_try_has_the_same_time_on_its_orders_page_and_in_the_log(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            await shop.advance(timedelta(days=40))
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted",))
            order_id = await shop.admit()
            await shop.publish()
            sent = await shop.value("SELECT at FROM delivery_tries WHERE subject_id = $1", order_id)
            machine = f'<time datetime="{sent:%Y-%m-%dT%H:%M:%S}'
            assert machine in (await ops.get(at)).text
            page = await ops.get(f"/orders/{order_id}")
            assert page.text.count(machine) == 2  # in the timeline and in the table
            assert ", real time)" in texts(page)
            assert "webhooks in real time" in texts(page)

    portal(server, story)


def test_what_a_range_leaves_out_is_sent_while_the_range_is_opened(server: ServerAddress) -> None:
    """It was said to be on its way already, and was never sent."""

    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted",))
            first, second = [await shop.admit() for _ in range(2)]
            await shop.publish()
            csrf = await token(ops, at)
            range_ = {"csrf": csrf, "key": "7" * 32, "to": "1"}
            assert (await ops.post(f"{at}/replay", data=range_)).status_code == 303
            assert (
                await shop.value("SELECT min(number) FROM feed WHERE subject_id = $1", first) == 1
            )
            form = {"csrf": csrf, "do": "redeliver", "back": "/orders"}
            inside = texts(await ops.post("/orders/bulk", data=form | {"order": [str(first)]}))
            assert "order.submitted is on its way already" in inside
            outside = texts(await ops.post("/orders/bulk", data=form | {"order": [str(second)]}))
            assert "Sent again: order.submitted to 1 endpoint" in outside
            await shop.run_due()
            await shop.publish()
            resent = [json.loads(body) for body in receiver.got[2:]]
            assert len(resent) == 2
            assert all(body["IsResent"] for body in resent)

    portal(server, story)


async def told(shop: Shop, receiver: Receiver) -> list[str]:
    """The events that were sent again, as they came."""
    await shop.run_due()
    await shop.publish()
    bodies = [json.loads(body) for body in receiver.got]
    return [body["Event"] for body in bodies if body["IsResent"]]


async def story_of_two(shop: Shop) -> UUID:
    """An order that was submitted and cancelled; both are told."""
    given = await shop.declined()
    order_id = (await shop.evaluate.evaluate(shop.scope, given)).order_id
    await shop.transmitted(given.external_id, declined=False)
    await shop.run_due()
    await shop.publish()
    return order_id


def test_an_event_is_sent_again_after_the_range_that_leaves_it_out(server: ServerAddress) -> None:
    """It was refused, and whoever had asked for it had to look when they might ask again."""

    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted", "order.cancelled"))
            order_id = await story_of_two(shop)
            csrf = await token(ops, at)
            assert (
                await ops.post(f"{at}/replay", data={"csrf": csrf, "key": "7" * 32, "to": "1"})
            ).status_code == 303
            form = {"csrf": csrf, "do": "redeliver", "back": "/orders", "order": [str(order_id)]}
            assert "Sent again: order.cancelled to 1 endpoint" in texts(
                await ops.post("/orders/bulk", data=form)
            )
            assert "order.cancelled is on its way already" in texts(
                await ops.post("/orders/bulk", data=form)
            )
            assert await told(shop, receiver) == ["order.submitted"]
            await asyncio.sleep(LOOKS_EVERY_MIN / timedelta(seconds=1))
            assert await told(shop, receiver) == ["order.submitted", "order.cancelled"]
            assert await shop.value("SELECT count(*) FROM lanes") == 0

    portal(server, story)


def test_events_of_an_order_are_sent_again_one_after_the_other(server: ServerAddress) -> None:
    """The first is not taken for a while: the second waits, and neither is lost or sent twice."""

    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted", "order.cancelled"))
            await story_of_two(shop)
            cancelled, submitted = await rows(ops, at)
            csrf = await token(ops, at)
            for which, key, done in ((cancelled, "1", "again"), (submitted, "2", "queued")):
                sent = await ops.post(f"{which}/redeliver", data={"csrf": csrf, "key": key * 32})
                assert f"done={done}." in sent.headers["location"]
                assert (
                    "after the events of its order that are being resent"
                    in texts(await ops.get(sent.headers["location"]))
                    or done == "again"
                )
            receiver.answers = [500]
            assert await told(shop, receiver) == ["order.cancelled"], "not taken"
            again = await ops.post(f"{submitted}/redeliver", data={"csrf": csrf, "key": "3" * 32})
            assert "This event is already being resent there" in texts(again, 409)
            waits = (
                "SELECT due_at - now() > interval '2 seconds' FROM due_work WHERE kind = 'replay'"
            )
            assert await told(shop, receiver) == ["order.cancelled"]
            await asyncio.sleep(LOOKS_EVERY_MIN / timedelta(seconds=1))
            await shop.run_due()
            assert await shop.value(waits), "it looks again when the other is tried again"
            async with owner(shop.world) as connection:
                await connection.execute("UPDATE lanes SET due_at = now()")
            assert await told(shop, receiver) == ["order.cancelled"] * 2
            async with owner(shop.world) as connection:
                await connection.execute("UPDATE due_work SET due_at = now() WHERE kind = 'replay'")
            assert await told(shop, receiver) == ["order.cancelled"] * 2 + ["order.submitted"]
            assert await shop.value("SELECT count(*) FROM lanes") == 0
            assert await shop.value("SELECT count(*) FROM due_work WHERE kind = 'replay'") == 0

    portal(server, story)


def test_one_event_waits_until_a_range_is_through(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")
            at = await make(ops, receiver.url, ("order.submitted",))
            await shop.admit_many(2)
            await shop.publish()
            row, _ = await rows(ops, at)
            csrf = await token(ops, at)
            assert (
                await ops.post(f"{at}/replay", data={"csrf": csrf, "key": "7" * 32})
            ).status_code == 303
            busy = await ops.post(f"{row}/redeliver", data={"csrf": csrf, "key": "8" * 32})
            assert "This event is already being resent there" in texts(busy, 409)
            second = await ops.post(f"{at}/replay", data={"csrf": csrf, "key": "9" * 32})
            assert "still under way" in texts(second, 409)
            await shop.run_due()
            await shop.publish()
            assert len(receiver.got) == 4
            assert (
                await ops.post(f"{row}/redeliver", data={"csrf": csrf, "key": "8" * 32})
            ).status_code == 303
            await shop.run_due()
            await shop.publish()
            assert len(receiver.got) == 5

    portal(server, story)


def test_what_a_partner_hears_is_not_shown_to_its_merchant(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops = await signed_in("ops")
        partner = PartnerScope(PARTNER, Actor("partner", "k"), "test")
        theirs = await endpoints.create(
            shop.world, partner, "https://crm.example.com/in", None, "rescue"
        )
        order_id, try_id = await shop.admit(), new_id()
        async with owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO delivery_tries (merchant_id, try_id, endpoint_id, subject_id, seq, "
                "event_id, try_no, at,"
                " latency_ms, answer, result) VALUES ($1, $2, $3, $4, 1, $2, 1, now(), 5, 'their "
                "secret', 'delivered')",
                shop.merchant_id,
                try_id,
                theirs.endpoint_id,
                order_id,
            )
        page = await ops.get(f"/orders/{order_id}?show=webhooks")
        assert "crm.example.com answered" in texts(page) or "crm.example.com gave" in texts(page)
        assert "Request and response" not in page.text
        for path in (
            f"/webhooks/{theirs.endpoint_id}",
            f"/webhooks/{theirs.endpoint_id}/deliveries/{try_id}",
        ):
            assert (await ops.get(path)).status_code == 404

    portal(server, story)


def test_an_order_tells_of_each_event_where_it_stands(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops = await signed_in("ops")

            async def told(order_id: UUID) -> list[str]:
                page = re.sub(
                    r'.*id="h-hook"', "", (await ops.get(f"/orders/{order_id}")).text, flags=re.S
                )
                rows = re.findall(
                    r"<tr>.*?</tr>", page.split("</section>")[0].split("<tbody>")[1], re.S
                )
                return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]

            unheard = await shop.admit()
            assert await told(unheard) == ["order.submitted – – It is sent in a moment."]
            await shop.publish()
            assert await told(unheard) == ["order.submitted – – No endpoint subscribes to it."]
            async with owner(shop.world) as connection:
                await connection.execute(
                    "UPDATE outbox SET recorded_at = recorded_at - interval '1 year'"
                )
            assert "kept for 3 months" in (await told(unheard))[0]

            await make(ops, receiver.url, ("order.submitted", "order.cancelled"))
            given = await shop.declined()
            heard = (await shop.evaluate.evaluate(shop.scope, given)).order_id
            await publish(shop.world, shop.merchant_id)
            where = receiver.url
            assert await told(heard) == [f"order.submitted – 1 First attempt pending {where} –"]
            receiver.answers = [500]
            await shop.publish()
            again, tried = await told(heard)
            assert re.fullmatch(
                rf"order.submitted – 2 Next attempt \d+ \w+ \d\d:\d\d:\d\d GMT {where} –", again
            )
            assert " 1 500 " in tried
            await shop.transmitted(given.external_id, declined=False)
            await shop.run_due()
            await publish(shop.world, shop.merchant_id)
            first, *others = await told(heard)
            assert first == f"order.cancelled – 1 Waits for the previous event {where} –"
            assert again in others

            async with owner(shop.world) as connection:
                await connection.execute(
                    "UPDATE endpoints SET probes = 1, opened_at = now(), probe_at = now() + "
                    "interval '1 hour'"
                )
            late = await shop.admit()
            await publish(shop.world, shop.merchant_id)
            assert re.search(r"First attempt pending, .* GMT", (await told(late))[0])

    portal(server, story)


def test_a_neighbour_and_the_other_api_are_left_alone(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        async with receiving() as receiver:
            ops, rival = await signed_in("ops"), await signed_in("rita")
            await configure(shop.world, shop.scope, receiver.url, (), encrypt=False)
            listed = await endpoints.list_all(shop.world, shop.scope, every_door=True)
            assert [one.door for one in listed] == ["stablecoin"]
            assert await endpoints.list_all(shop.world, shop.scope) == [], (
                "the API of webhooks does not know it"
            )
            at = f"/webhooks/{listed[0].endpoint_id}"
            assert "managed by" in texts(await ops.get("/webhooks"))
            assert (await ops.get(at)).status_code == 200
            csrf = await token(ops, at)
            for path in ("", "/state", "/delete", "/rotate", "/test", "/replay"):
                answer = await ops.post(
                    at + path, data={"csrf": csrf, "switch": "off", "url": receiver.url}
                )
                assert answer.status_code == 409, path
            assert (await rival.get(at)).status_code == 404
            other = Scope(UUID(int=5), Actor("user", "x"), "test")
            assert await endpoints.list_all(shop.world, other, every_door=True) == []

    portal(server, story)
