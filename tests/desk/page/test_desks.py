"""The desk of refunds and the mailbox in the portal, over a real sandbox world: who may do what,
and that it works."""

import asyncio
import html
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from tests.absence import processor_away
from tests.refunds.flows.test_refund_desk import HOLD, stuck
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import first_id_of
from recoup.main.portal import routes
from recoup.people.flows.make_user import Membership, make_user, register_merchant
from recoup.refunds.flows.refund import RefundRequest, refund

PASSWORD = "correct horse battery"
Client = Callable[[str], Awaitable[httpx.AsyncClient]]


def told(server: ServerAddress, work: Callable[[Shop, Client], Awaitable[None]]) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            await register_merchant(world, shop.merchant_id, "Brightleaf Tea", None)
            operator = Membership("operator", uuid.UUID(int=0), "operations")
            for email, member in (
                ("maya@x.test", Membership("merchant", shop.merchant_id, "operations")),
                ("ann@x.test", Membership("merchant", shop.merchant_id, "analyst")),
                ("op1@x.test", operator),
                ("op2@x.test", operator),
            ):
                await make_user(world, email, email.partition("@")[0].title(), PASSWORD, [member])
            app = Starlette(routes=routes(world, orders))
            clients: list[httpx.AsyncClient] = []

            async def client(email: str) -> httpx.AsyncClient:
                transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1234))
                clients.append(
                    httpx.AsyncClient(transport=transport, base_url="http://portal.test")
                )
                await clients[-1].post("/signin", data={"email": email, "password": PASSWORD})
                return clients[-1]

            await work(shop, client)
            for one in clients:
                await one.aclose()
            assert (found := await verify(world)).difference is None, found.difference

    asyncio.run(story())


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', page.text)
    assert found
    return html.unescape(found[1])


async def press(
    client: httpx.AsyncClient, refund_id: uuid.UUID, action: str, note: str = ""
) -> httpx.Response:
    page = await client.get(f"/refunds/{refund_id}")
    seen = re.search(r'name="seen" value="([^"]*)"', page.text)
    form = {
        "csrf": csrf(await client.get("/refunds")),
        "action": action,
        "note": note,
        "seen": seen[1] if seen else "x",
    }
    return await client.post(f"/refunds/{refund_id}", data=form)


async def press_and_read(client: httpx.AsyncClient, refund_id: uuid.UUID, action: str) -> str:
    answer = await press(client, refund_id, action)
    assert answer.status_code == 303
    return (await client.get(answer.headers["location"])).text


def test_who_tries_a_stuck_refund_again_reads_that_it_is_sent(server: ServerAddress) -> None:
    async def work(shop: Shop, client: Client) -> None:
        maya, (_, refund_id) = await client("maya@x.test"), await stuck(shop)
        sent = "It is being sent to the processor again."
        assert sent in await press_and_read(maya, refund_id, "again")
        assert sent not in (await maya.get("/refunds")).text, "it is said once"

    told(server, work)


def test_the_desk(server: ServerAddress) -> None:
    async def work(shop: Shop, client: Client) -> None:
        maya, ann, one, two = [
            await client(f"{name}@x.test") for name in ("maya", "ann", "op1", "op2")
        ]
        assert "Nothing to review" in (await maya.get("/refunds")).text
        order_id, refund_id = await stuck(shop)
        page = await maya.get("/refunds")
        assert "refused_by_test_card" in page.text
        assert str(order_id) in page.text
        path = f"/refunds/{refund_id}"
        assert "Paid by hand" not in (await maya.get(path)).text
        assert "Try again" not in (await ann.get(path)).text
        assert "Review" not in (await ann.get("/refunds")).text.partition("<tbody>")[2]
        assert "Paid by hand" in (await one.get(path)).text
        for who, action in ((ann, "again"), (maya, "propose"), (maya, "refuse"), (maya, "confirm")):
            assert (await press(who, refund_id, action, "x")).status_code == 403
        assert (await press(one, refund_id, "propose")).status_code == 400
        assert (await press(one, refund_id, "nothing")).status_code == 404
        assert (await press(one, uuid.uuid4(), "again")).status_code == 404
        assert (
            await one.post(f"/refunds/{refund_id}", data={"action": "again"})
        ).status_code == 403
        assert (await press(one, refund_id, "propose", "<b>wire 7</b>")).status_code == 303
        assert "Another operator has to confirm it" in (await one.get("/refunds")).text
        page = await two.get("/refunds")
        assert "Op1 says it was paid by hand" in page.text
        page = await two.get(path)
        assert "Op1 says it was paid by hand" in page.text
        assert "Confirm: paid by hand" in page.text
        assert "<b>wire" not in page.text
        assert (await press(one, refund_id, "confirm")).status_code == 403
        assert "It is confirmed and closed." in (await press_and_read(two, refund_id, "confirm"))
        assert "Nothing to review" in (await two.get("/refunds")).text
        life = (await maya.get(f"/orders/{order_id}")).text
        assert "Paid by hand: &lt;b&gt;wire 7&lt;/b&gt;" in life
        assert "History" in life

    told(server, work)


def test_two_operators_close_a_void_on_the_page(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(shop: Shop, client: Client) -> None:
        one, two = [await client(f"{name}@x.test") for name in ("op1", "op2")]
        order_id = (await shop.ask(**HOLD)).order_id
        with processor_away(monkeypatch):
            made = await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True)
            )
            await shop.run_due()
        await shop.value(
            "UPDATE modifications SET send_id = $2 WHERE modification_id = $1",
            made.refund_id,
            first_id_of(shop.world.clocks.wall() - timedelta(days=31)),
        )
        page = (await one.get(f"/refunds/{made.refund_id}")).text
        assert "Hold ended" in page
        assert "Paid by hand" not in page
        said = await press(one, made.refund_id, "propose", "<b>their page</b>")
        assert said.status_code == 303, said.text
        assert "Another operator has to confirm it" in (await one.get("/refunds")).text
        page = (await two.get(f"/refunds/{made.refund_id}")).text
        assert "Op1 says the hold has ended" in page
        assert "Confirm: hold ended" in page
        assert (await press(two, made.refund_id, "confirm")).status_code == 303
        assert "Nothing to review" in (await two.get("/refunds")).text
        life = (await two.get(f"/orders/{order_id}")).text
        assert "Paid by hand" not in life

    told(server, work)


def test_mails_are_switched_and_read(server: ServerAddress) -> None:
    async def work(shop: Shop, client: Client) -> None:
        maya, ann = await client("maya@x.test"), await client("ann@x.test")
        page = await maya.get("/mailbox")
        assert "No e-mail yet" in page.text
        form = {"csrf": csrf(page), "notice": ["receipt", "refunded"]}
        assert (
            await ann.post("/mailbox", data=form | {"csrf": csrf(await ann.get("/mailbox"))})
        ).status_code == 403
        assert (await maya.post("/mailbox", data=form)).status_code == 303
        word = await shop.ask(days=None, code="05", email="ana@payer.example")
        await shop.run_due()
        page = await maya.get("/mailbox")
        assert "Your payment of 45.90 USD to Leaf" in page.text
        assert "a•••@•••" in page.text, "operations see a customer on request"
        assert str(word.order_id) in page.text
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        await register_merchant(shop.world, other.merchant_id, "Other", None)
        await make_user(
            shop.world,
            "eve@x.test",
            "Eve",
            PASSWORD,
            [Membership("merchant", other.merchant_id, "owner")],
        )
        assert "ana@payer.example" not in (await (await client("eve@x.test")).get("/mailbox")).text

    told(server, work)
