"""Files in the portal: sent by form, looked at, stopped, their answers downloaded; without a
script."""

import asyncio
import json
import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from tests.people.page.test_portal import HOME, field, sign_in
from tests.shop import Shop, drop_shop, make_shop, make_world

from recoup.db.server import ServerAddress
from recoup.kit.world import World
from recoup.main.portal import routes
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.run_due import run_due
from recoup.uploads.api import readers


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=3))
    yield made
    asyncio.run(drop_shop(server, made))


def rows(prefix: str, count: int) -> list[dict[str, object]]:
    return [
        {
            "sequenceNumber": str(n),
            "isDeclined": False,
            "orderId": f"{prefix}-{n}",
            "transaction": {"id": f"tx-{n}", "amount": 4590, "currency": "USD"},
        }
        for n in range(1, count + 1)
    ]


class Visitor:
    """Somebody signed in, over a world whose due work runs when it is asked to."""

    def __init__(self, client: httpx.AsyncClient, world: World) -> None:
        self.client, self.world = client, world

    async def send(self, name: str, content: bytes, kind: str = "transmit") -> httpx.Response:
        page = (await self.client.get("/uploads")).text
        data = {"csrf": field(page, "csrf"), "kind": kind}
        return await self.client.post("/uploads", data=data, files={"file": (name, content)})

    async def work(self) -> None:
        await run_due(self.world, Orders(self.world))


def visit(shop: Shop, work: object, email: str = "maya@example.test") -> None:
    async def inside() -> None:
        world = await make_world(shop)
        app = Starlette(routes=routes(world, Orders(world), readers=readers()))
        try:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url=HOME
            ) as client:
                await sign_in(client, email)
                await work(Visitor(client, world))  # type: ignore[operator]
        finally:
            await world.db.close()
            await world.people.close()

    asyncio.run(inside())


def test_a_file_is_sent_looked_at_and_answered(shop: Shop) -> None:
    async def work(visitor: Visitor) -> None:
        assert "No files yet" in (await visitor.client.get("/uploads")).text
        bad = rows("A", 3)
        bad[1]["transaction"] = {"amount": "<b>x"}
        answer = await visitor.send("transmit_day.json", json.dumps(bad).encode())
        assert answer.status_code == 303
        place = answer.headers["location"]
        page = (await visitor.client.get(place)).text
        assert "0 accepted, 1 refused, 2 to go" in page
        assert "Reload" in page
        await visitor.work()
        page = (await visitor.client.get(place)).text
        assert "2 accepted, 1 refused, 0 to go" in page
        assert "Refused rows" in page
        assert "whole number of cents" in page
        assert "Reload" not in page
        told = await visitor.client.get(f"{place}/answers")
        assert [json.loads(line)["status"] for line in told.text.splitlines()] == [
            "SUCCESS",
            "REFUSED",
            "SUCCESS",
        ]
        again = await visitor.send("transmit_day.json", json.dumps(bad).encode())
        assert again.headers["location"].startswith(place + "?done=known.")
        assert (
            "This file was uploaded before"
            in (await visitor.client.get(again.headers["location"])).text
        )
        assert "transmit_day.json" in (await visitor.client.get("/uploads")).text

    visit(shop, work)


def test_a_file_can_be_stopped(shop: Shop) -> None:
    async def work(visitor: Visitor) -> None:
        place = (await visitor.send("transmit_b", json.dumps(rows("B", 3)).encode())).headers[
            "location"
        ]
        csrf = field((await visitor.client.get(place)).text, "csrf")
        await visitor.client.post(f"{place}/stop", data={"csrf": csrf})
        assert "Stopping" in (await visitor.client.get(place)).text
        await visitor.work()
        page = (await visitor.client.get(place)).text
        assert "3 skipped" in page
        assert "can send the same file again" in page
        assert (await visitor.client.post(f"{place}/stop", data={"csrf": "x"})).status_code == 403

    visit(shop, work)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("day.json", json.dumps(rows("C", 1)).encode(), "begins with transmit_"),
        ("transmit_x", b"", "The file is empty"),
        ("", b"x", "No file was chosen"),
        ("transmit_x", b"PK\x03\x04", "ZIP is damaged"),
    ],
)
def test_a_file_that_cannot_be_taken_is_told(
    shop: Shop, name: str, content: bytes, told: str
) -> None:
    async def work(visitor: Visitor) -> None:
        answer = await visitor.send(name, content)
        assert answer.status_code == 400
        assert told in answer.text

    visit(shop, work)


def test_an_analyst_looks_and_a_stranger_sees_nothing(shop: Shop) -> None:
    places: list[str] = []

    async def send(visitor: Visitor) -> None:
        places.append(
            (await visitor.send("transmit_d", json.dumps(rows("D", 1)).encode())).headers[
                "location"
            ]
        )

    async def look(visitor: Visitor) -> None:
        page = (await visitor.client.get("/uploads")).text
        assert "not send them" in page
        assert (await visitor.client.get(places[0])).status_code == 200
        csrf = re.search(r'name="csrf" value="([^"]+)"', page)
        assert csrf
        answer = await visitor.client.post(
            "/uploads",
            data={"csrf": csrf[1], "kind": "transmit"},
            files={"file": ("transmit_e", b"[]")},
        )
        assert answer.status_code == 403

    async def stranger(visitor: Visitor) -> None:
        for way in (places[0], places[0] + "/answers", "/uploads/none"):
            assert (await visitor.client.get(way)).status_code == 404

    visit(shop, send)
    visit(shop, look, "ann@example.test")
    visit(shop, stranger, "empty@example.test")
