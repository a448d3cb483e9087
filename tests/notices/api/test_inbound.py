"""The inbound door as a processor meets it: signed, bounded, patient with repeats, never an error
of ours."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette
from tests.disputes.flows.test_disputes import a_shop, notice_of, paid, tell_issuer
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.disputes.flows.receive import notice_key
from recoup.kernel.time import WallTime
from recoup.kit.edge.entry import Entry
from recoup.kit.edge.rate import Buckets
from recoup.main.app import _no_path, refuse
from recoup.networks.disputes import REFUSALS
from recoup.notices.api.errors import STATUSES
from recoup.notices.api.notices import routes
from recoup.notices.api.receiver import PATH as RECEIVER
from recoup.notices.api.receiver import routes as receiver_routes
from recoup.outside.inbound import Notice, signed

PATH = "/inbound/sandbox/notices"
Tell = Callable[[Shop, httpx.AsyncClient], Awaitable[None]]


def story(server: ServerAddress, tell: Tell, buckets: Buckets | None = None) -> None:
    async def inside() -> None:
        async with a_shop(server) as shop:
            app = Starlette(
                routes=[*routes(shop.world, shop.orders, buckets), *receiver_routes(shop.world)]
            )
            app.router.default = _no_path
            typed: Any = Entry(app, refuse)  # type: ignore[arg-type]
            transport = httpx.ASGITransport(app=typed, client=("192.0.2.9", 4000))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://door.test"
            ) as client:
                await tell(shop, client)

    asyncio.run(inside())


def headers(shop: Shop, body: bytes, **more: str) -> dict[str, str]:
    made = signed(notice_key(shop.world, "sandbox"), body, shop.world.clocks.wall())
    return {"recoup-signature": made, "content-type": "application/json"} | more


async def post(shop: Shop, client: httpx.AsyncClient, notice: Any, **more: str) -> httpx.Response:
    body = notice if isinstance(notice, bytes) else json.dumps(notice).encode()
    return await client.post(PATH, content=body, headers=headers(shop, body, **more))


def test_a_notice_and_its_repeats_are_answered_200(server: ServerAddress) -> None:
    async def tell(shop: Shop, client: httpx.AsyncClient) -> None:
        order_id = await paid(shop)
        notice = await notice_of(shop, order_id)
        await tell_issuer(shop, notice)
        first, second = await post(shop, client, notice), await post(shop, client, notice)
        assert (first.status_code, first.json()) == (
            200,
            {"noticeId": notice["noticeId"], "status": "applied"},
        )
        assert (second.status_code, second.json()["status"]) == (200, "repeated")
        assert (await shop.order(order_id))["status"] == 8
        lie = await notice_of(shop, order_id, amount=9999)
        told = await post(shop, client, lie)
        assert (told.status_code, told.json()["status"], told.json()["reason"]) == (
            200,
            "unmatched",
            "amount_above_charge",
        )
        other = await post(shop, client, notice | {"amount": 1})
        assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
        stranger = await post(
            shop, client, await notice_of(shop, order_id, merchantId=str(uuid.uuid4()))
        )
        assert (stranger.status_code, stranger.json()["reason"]) == (200, "unknown_charge")

    story(server, tell)


def test_a_dispute_whose_deadline_has_a_strange_offset_is_booked(server: ServerAddress) -> None:
    """The database knows no offset of a day: the processor was answered 500 however often it sent
    the notice."""

    async def tell(shop: Shop, client: httpx.AsyncClient) -> None:
        order_id = await paid(shop)
        day = shop.world.clocks.wall() + timedelta(days=20)
        notice = await notice_of(shop, order_id, respondBy=f"{day:%Y-%m-%d}T12:00:00-23:59")
        await tell_issuer(shop, notice)
        told = await post(shop, client, notice)
        assert (told.status_code, told.json()["status"]) == (200, "applied")
        due = await shop.value("SELECT respond_by FROM disputes WHERE order_id = $1", order_id)
        assert due.isoformat() == f"{day + timedelta(days=1):%Y-%m-%d}T11:59:00+00:00"

    story(server, tell)


def test_who_cannot_sign_is_not_heard(server: ServerAddress) -> None:
    async def tell(shop: Shop, client: httpx.AsyncClient) -> None:
        body = json.dumps(await notice_of(shop, await paid(shop))).encode()
        long_ago = WallTime(shop.world.clocks.wall().replace(year=2020))
        now, key = shop.world.clocks.wall(), notice_key(shop.world, "sandbox")
        for signature in (
            "",
            "t=1,v1=" + "0" * 64,
            "nonsense",
            "\u00e9",
            signed(b"guess", body, now),
            signed(notice_key(shop.world, "other"), body, now),
            signed(key, body, long_ago),
        ):
            answer = await client.post(
                PATH, content=body, headers={"recoup-signature": signature.encode("latin-1")}
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")
        assert not await shop.value("SELECT count(*) FROM dispute_notices")

    story(server, tell)


def test_what_is_no_notice_is_told_why(server: ServerAddress) -> None:
    async def tell(shop: Shop, client: httpx.AsyncClient) -> None:
        good = await notice_of(shop, await paid(shop))
        for body, status, code in (
            (b"{", 400, "malformed"),
            (b"[]", 400, "malformed"),
            (b"\xff", 400, "malformed"),
            (b"", 400, "malformed"),
            (b"[" * 5000, 400, "malformed"),
            (json.dumps(good | {"amount": -1}).encode(), 400, "invalid"),
            (json.dumps(good | {"reasonCode": "\x00"}).encode(), 400, "invalid"),
            (json.dumps(good | {"pad": "x" * 20_000}).encode(), 413, "too_large"),
            (b"x" * 2_000_000, 413, "too_large"),
        ):
            answer = await post(shop, client, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), body[:50]
            assert answer.json()["error"]["cure"]
        wrong = await post(shop, client, good, **{"content-type": "text/plain"})
        assert wrong.status_code == 400
        answer = await client.post("/inbound/nobody/notices", content=b"{}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_such_path")
        assert (await client.post("/inbound/sandbox", content=b"{}")).json()["error"][
            "code"
        ] == "no_such_path"
        answer = await client.get(PATH)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert not await shop.value("SELECT count(*) FROM dispute_notices")

    story(server, tell)


def test_a_flood_is_slowed_down(server: ServerAddress) -> None:
    async def tell(shop: Shop, client: httpx.AsyncClient) -> None:
        answers = [await client.post(PATH, content=b"{}") for _ in range(5)]
        assert [a.status_code for a in answers] == [401, 401, 401, 429, 429]
        assert int(answers[-1].headers["retry-after"]) > 1

    story(server, tell, Buckets(per_second=0.01, burst=3))


def test_the_page_of_the_door_names_every_field_reason_and_error() -> None:
    page = (Path(__file__).parents[3] / "docs/disputes.md").read_text()
    fields = [field.encode_name for field in msgspec.structs.fields(Notice)]
    assert not [name for name in (*fields, *REFUSALS) if f"`{name}`" not in page]
    assert {401, 404, 409, 413, 429} <= set(STATUSES.values())


def test_the_sandbox_has_a_receiver_for_webhooks_that_nobody_takes_yet(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop, client: httpx.AsyncClient) -> None:
        taken = await client.post(RECEIVER, json={"Event": "order.completed"})
        assert (taken.status_code, taken.content) == (204, b"")
        assert (await client.get(RECEIVER)).status_code == 405
        assert not receiver_routes(
            replace(shop.world, policy=replace(shop.world.policy, test_mode=False))
        )

    story(server, tell)
