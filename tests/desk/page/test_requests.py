"""The request log: what is written of a call, what is not, and how it is found."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.staff import As, portal, texts
from tests.worlds import Shop, owner, sandbox_world

from recoup.db.partitions import ensure_partitions, partitions_of
from recoup.db.server import ServerAddress
from recoup.db.upkeep import retain
from recoup.kernel.problem import Problem
from recoup.keys.api.v1_resource import Services
from recoup.keys.flows import call_log
from recoup.keys.flows.call_log import CallLog
from recoup.kit.edge.called import note_call, why_refused
from recoup.kit.edge.entry import Entry
from recoup.main.api import routes as rescue_routes
from recoup.main.app import refuse
from recoup.main.portal import routes
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.people.page.endpoint import COOKIE

Story = Callable[[Shop, As, CallLog, httpx.AsyncClient], Awaitable[None]]


def logged(server: ServerAddress, story: Story) -> None:
    """`story` gets the log and a client of the rescue API and the portal, whose calls are noted."""

    async def inside(shop: Shop, signed_in: As) -> None:
        log = CallLog(shop.world)
        services = Services(shop.world, shop.orders)
        app: Any = Starlette(routes=[*rescue_routes(services), *routes(shop.world, shop.orders)])
        noted: Any = Entry(app, refuse, answered=lambda *told: note_call(log.note, *told))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=noted), base_url="http://r.test"
        ) as client:
            await story(shop, signed_in, log, client)

    portal(server, inside)


def key_of(shop: Shop) -> dict[str, str]:
    return {"authorization": f"ApiKey {shop.keys.app_key}:{shop.keys.app_secret}"}


def test_a_call_is_found_by_its_id_its_answer_its_path_and_its_key(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As, log: CallLog, api: httpx.AsyncClient) -> None:
        order_id, missing = await shop.admit(), uuid.uuid4()
        for path, name in (
            (f"/v1/orders/{order_id}", "mine-1"),
            (f"/v1/orders/{missing}", "mine-2"),
        ):
            await api.get(path, headers=key_of(shop) | {"x-request-id": name})
        await api.get("/v1/orders?externalOrderId=secret-name", headers=key_of(shop))
        await api.get("/v1/orders", headers={"authorization": "ApiKey nobody:nothing"})
        assert await log.write() == 3, "a call without a valid key is nobody's"
        clerk = await signed_in("clerk")
        page = await clerk.get("/requests")
        read = texts(page)
        assert read.count("GET /v1/orders/{id}") >= 2
        assert str(order_id) not in page.text
        assert "secret-name" not in page.text
        assert shop.keys.app_secret not in page.text
        assert f"…{shop.keys.app_key[-6:]}" in read
        assert "404 not_found" in read
        found = texts(await clerk.get("/requests?request=mine-2"))
        assert "404 not_found" in found
        assert "mine-1" not in found
        refused = await clerk.get(
            "/requests?status=4&path=/v1/orders/{id}&key=" + shop.keys.app_key
        )
        assert "mine-2" in refused.text
        assert "mine-1" not in refused.text
        for query in (
            "status=9",
            "path=<b>",
            "key=%00",
            "before=zzz",
            "request=" + "x" * 500,
            "status=2&path=none",
        ):
            assert (await clerk.get(f"/requests?{query}")).status_code == 200, query
        rival = await signed_in("rita")
        assert "mine-1" not in (await rival.get("/requests")).text

    logged(server, story)


def test_a_page_that_was_refused_leads_to_its_line(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As, log: CallLog, browser: httpx.AsyncClient) -> None:
        clerk = await signed_in("clerk")
        browser.cookies.set(COOKIE, clerk.cookies[COOKIE])
        assert (await browser.get("/orders")).status_code == 200
        lost = await browser.get(f"/orders/{uuid.uuid4()}", headers={"x-request-id": "page-1"})
        assert 'href="/requests?request=page-1"' in lost.text
        assert await log.write() == 1, "pages that went well are not kept"
        found = texts(await browser.get("/requests?request=page-1"))
        assert "GET /orders/{order_id} 404 not_found" in found
        assert "Clerk" in found

    logged(server, story)


def test_what_is_more_than_is_written_is_counted(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "QUEUE_MAX", 3)
    monkeypatch.setattr(call_log, "WRITTEN_MAX", 2)

    async def story(shop: Shop, signed_in: As, log: CallLog, api: httpx.AsyncClient) -> None:
        for _ in range(5):
            await api.get("/v1/sites", headers=key_of(shop))
        assert [await log.write() for _ in range(3)] == [2, 1, 0]
        assert "2 calls of these days are not listed" in texts(
            await (await signed_in("ops")).get("/requests")
        )
        log.note(shop.merchant_id, "k", "r\0", "GET", "/v1/sites", 200, None, 1)
        assert await log.write() == 0, "PostgreSQL takes no NUL: what cannot be written is counted"
        await log.write()
        assert (
            await shop.value(
                "SELECT sum(calls) FROM api_call_gaps WHERE merchant_id = $1", shop.merchant_id
            )
            == 3
        )
        writing = asyncio.create_task(log.run())
        await asyncio.sleep(0)
        log.note(shop.merchant_id, "k", "last", "GET", "/v1/sites", 200, None, 1)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        assert await shop.value("SELECT count(*) FROM api_calls WHERE request_id = 'last'") == 1

    logged(server, story)


def test_a_days_log_is_dropped_after_two_weeks(server: ServerAddress) -> None:
    async def story() -> None:
        async with (
            sandbox_world(server) as (world, _, _),
            owner(world) as connection,
            owner(world) as other,
        ):
            now = world.clocks.wall()
            before = await partitions_of(connection, "api_calls")
            assert f"api_calls_{now:%Y_%m_%d}" in before
            later = now + timedelta(
                days=20
            )  # within this and the three months to come nothing else is made
            await asyncio.gather(
                ensure_partitions(connection, later), ensure_partitions(other, later)
            )
            assert len(await partitions_of(connection, "api_calls")) > len(before)
            await retain(connection, now + timedelta(days=15))
            left = await partitions_of(connection, "api_calls")
            assert f"api_calls_{now:%Y_%m_%d}" not in left
            assert f"api_calls_{now + timedelta(days=1):%Y_%m_%d}" in left
            assert "api_calls_first" in left

    asyncio.run(story())


def test_a_refused_call_says_which_field_and_why_and_nothing_that_was_sent(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As, log: CallLog, api: httpx.AsyncClient) -> None:
        card = "4" + "1" * 15
        for path in ("/v1/orders?currency=Qx9&status=77", f"/v1/orders?{card}=1"):
            assert (await api.get(path, headers=key_of(shop))).status_code == 400
        assert await log.write() == 2
        page = texts(await (await signed_in("dev")).get("/requests?status=4"))
        assert "400 invalid" in page
        assert "Currency: The currency … is not an ISO 4217 code" in page
        assert "Status: " in page
        assert "Qx9" not in page
        assert card not in page

    logged(server, story)


def test_the_date_that_a_refused_expiry_missed_is_told() -> None:
    """The log said "at least a day ahead of …T12:53:26Z": dates were taken for numbers of the
    caller."""
    bound = "ExpiryDateUtc must be at least a day ahead of 2026-11-22T12:53:26.476Z."
    assert (
        why_refused(Problem("invalid", bound, field="ExpiryDateUtc")) == f"ExpiryDateUtc: {bound}"
    )
    card = APPROVE_CARDS[0]
    grouped = " ".join(card[n : n + 4] for n in range(0, 16, 4))
    part = "-".join((card[:4], card[4:6], card[6:8], card[8:12]))
    assert why_refused(Problem("invalid", f"{grouped} and {part}")) == "… and …"


def test_the_address_that_a_form_was_sent_to_opens_its_page(server: ServerAddress) -> None:
    """An error page after a form stood at an address that answered "no such page" when it was
    opened again."""

    async def story(shop: Shop, signed_in: As, log: CallLog, api: httpx.AsyncClient) -> None:
        order_id, client = await shop.admit(), await signed_in("owner")
        html = {"accept": "text/html"}
        for sent, page in (
            ("/keys/end", "/keys"),
            (f"/orders/{order_id}/cancel", f"/orders/{order_id}"),
            ("/orders/views", "/orders"),
            ("/developers/clock", "/developers"),
        ):
            again = await client.get(sent, headers=html)
            assert (again.status_code, again.headers.get("location")) == (303, page), sent
        assert (await client.get("/nowhere/at/all", headers=html)).status_code == 404

    logged(server, story)
