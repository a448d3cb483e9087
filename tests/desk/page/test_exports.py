"""Long lists as files that the worker makes: asked for, watched, fetched by whoever asked and by
nobody else."""

import asyncio
import csv
import html
import re
import uuid
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from tests.desk.page.test_orders import sheet_of
from tests.people.page.test_portal import field, visit
from tests.shop import Shop, drop_shop, in_the_clear, make_shop, make_world, plain

from recoup.db.server import ServerAddress
from recoup.desk.page.orders import export
from recoup.kit import sheet
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.run_due import run_due


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=120))
    yield made
    asyncio.run(drop_shop(server, made))


@pytest.fixture(autouse=True)
def anew(shop: Shop) -> None:
    async def clear() -> None:
        connection = await asyncpg.connect(shop.dsn)
        await connection.execute("DELETE FROM exports; DELETE FROM due_work WHERE kind = 'export'")
        await connection.close()

    asyncio.run(clear())


async def worked(shop: Shop) -> None:
    """As the worker does what is due."""
    world = await make_world(shop)
    try:
        await run_due(world, Orders(world))
    finally:
        await world.db.close()
        await world.people.close()


async def ask(client: httpx.AsyncClient, address: str, form: str = "csv") -> httpx.Response:
    page = await client.get(f"/exports/new/{form}?{address}")
    assert page.status_code == 200, page.text
    return await client.post("/exports", data=sent(page.text))


def sent(page: str) -> dict[str, str]:
    return {name: field(page, name) for name in ("csrf", "key", "form", "back")}


async def files(client: httpx.AsyncClient) -> list[str]:
    page = (await client.get("/exports")).text
    return re.findall(r'href="(/exports/[0-9a-f-]{36}/file)"', page)


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_a_file_of_the_worker_is_the_file_that_is_written_at_once(shop: Shop, form: str) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        address = (
            "status=7&status=2&zone=Asia/Tokyo&sort=amount&cols=order_id,"
            "placed,amount,paid,customer"
        )
        direct = await client.get(f"/orders/export.{form}?{address}")
        answer = await ask(client, address, form)
        assert answer.headers["location"] == "/exports"
        page = (await client.get("/exports")).text
        assert "Waits" in page
        assert "Status: Cancelled, Completed" in page
        assert 'data-live="2"' in page
        await worked(shop)
        page = (await client.get("/exports")).text
        assert "data-live" not in page
        (path,) = await files(client)
        file = await client.get(path)
        assert file.headers["content-disposition"] == direct.headers["content-disposition"]
        if form == "xlsx":
            assert sheet_of(file.content) == sheet_of(direct.content)
            assert len(sheet_of(file.content)) > 20
        else:
            assert file.content == direct.content
            assert len(file.content.splitlines()) > 20

    visit(shop, work)


def test_a_long_list_is_sent_to_the_worker_and_a_long_sheet_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        direct = (await client.get("/orders/export.csv")).text
        heads = next(csv.reader([direct.splitlines()[0]]))
        assert f"{len(heads)} in the file, of the " in (await client.get("/exports/new/csv")).text
        monkeypatch.setattr(export, "DIRECT_MAX", 50)
        monkeypatch.setattr(export, "ROWS_MAX", 50)
        short = await client.get("/orders/export.csv?status=3")
        assert short.status_code == 200
        long = await client.get("/orders/export.csv?zone=Asia/Tokyo&cols=placed")
        assert (long.status_code, long.headers["location"]) == (
            303,
            "/exports/new/csv?zone=Asia%2FTokyo&cols=placed",
        )
        page = await client.get(long.headers["location"])
        assert "Start export" in page.text
        assert "Asia/Tokyo" in page.text
        sheet_ = await client.get("/orders/export.xlsx")
        assert sheet_.status_code == 400
        assert "no XLSX file was made" in sheet_.text
        monkeypatch.setattr(sheet, "ROWS_MAX", 50)
        await ask(client, "", "xlsx")
        await worked(shop)
        refused = html.unescape((await client.get("/exports")).text)
        assert "Failed" in refused
        assert "no XLSX file was made" in refused

    visit(shop, work)


def test_the_same_form_twice_is_one_file(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        form = sent((await client.get("/exports/new/csv")).text)
        both = await asyncio.gather(*(client.post("/exports", data=form) for _ in range(2)))
        assert [answer.status_code for answer in both] == [303, 303]
        await worked(shop)
        assert len(await files(client)) == 1
        assert (await client.post("/exports", data=form)).status_code == 303
        assert len(await files(client)) == 1

    visit(shop, work)


def test_nobody_else_sees_fetches_or_deletes_it(shop: Shop) -> None:
    kept: list[str] = []

    async def maya(client: httpx.AsyncClient, shop: Shop) -> None:
        await ask(client, "")
        await worked(shop)
        kept.extend(await files(client))

    async def other(client: httpx.AsyncClient, shop: Shop) -> None:
        assert not await files(client)
        assert (await client.get(kept[0])).status_code == 404
        csrf = field((await client.get("/orders")).text, "csrf")
        gone = await client.post(kept[0].replace("/file", "/cancel"), data={"csrf": csrf})
        assert gone.status_code == 404

    async def again(client: httpx.AsyncClient, shop: Shop) -> None:
        assert (await client.get(kept[0])).status_code == 200
        for wrong in ("/exports/nope/file", f"/exports/{uuid.uuid4()}/file", "/exports/new/pdf"):
            assert (await client.get(wrong)).status_code == 404
        csrf = field((await client.get("/orders")).text, "csrf")
        assert (
            await client.post(kept[0].replace("/file", "/cancel"), data={"csrf": "x"})
        ).status_code == 403
        for _ in range(2):
            assert (
                await client.post(kept[0].replace("/file", "/cancel"), data={"csrf": csrf})
            ).status_code == 303
        assert (await client.get(kept[0])).status_code == 404

    visit(shop, maya)
    for number, email in enumerate(
        ("ann@example.test", "pat@example.test", "op@example.test", "empty@example.test")
    ):
        visit(shop, other, email=email, address=f"198.51.100.{number + 20}")
    visit(shop, again, address="198.51.100.30")


def test_a_file_shows_customers_as_its_reader_sees_them_also_later(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        await in_the_clear(shop)
        await ask(client, "cols=order_id,customer")
        await worked(shop)
        (clear,) = await files(client)
        assert plain(await client.get(clear)).splitlines()[0] == "Order Id,Customer"
        await in_the_clear(shop, sight="masked")
        refused = await client.get(clear)
        assert refused.status_code == 403
        assert "may no longer see" in html.unescape(refused.text)
        await ask(client, "cols=order_id,customer")
        await worked(shop)
        file = await client.get((await files(client))[0])
        assert "_masked.csv" in file.headers["content-disposition"]
        assert plain(file).splitlines()[0] == "Order Id,Customer (masked)"
        assert "•••" in file.text
        assert "Almeida" not in file.text
        await in_the_clear(shop, sight="reveal")

    visit(shop, work)


BROKEN = ["/orders?status=nope", "/orders?placed=33d", "/orders?zone=Mars", "/orders?q=site:nope"]


@pytest.mark.parametrize("back", BROKEN)
def test_a_filter_that_is_not_understood_makes_no_longer_file(shop: Shop, back: str) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        form = sent((await client.get("/exports/new/csv")).text)
        answer = await client.post("/exports", data=form | {"back": back})
        assert answer.status_code == 400
        assert "no file was made" in answer.text
        assert field(answer.text, "key") == form["key"]
        assert not await files(client)

    visit(shop, work)


@pytest.mark.parametrize("wrong", [{"key": "nope"}, {"form": "exe"}, {"csrf": "x"}, {"key": ""}])
def test_a_form_that_is_not_ours_is_refused(shop: Shop, wrong: dict[str, str]) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        form: dict[str, Any] = sent((await client.get("/exports/new/csv")).text)
        assert (await client.post("/exports", data=form | wrong)).status_code in (400, 403)
        form["back"] = "https://evil.example/orders?status=7"
        assert (await client.post("/exports", data=form)).headers["location"] == "/exports"

    visit(shop, work)


def test_who_may_no_longer_see_the_merchant_has_no_file_of_it(shop: Shop) -> None:
    kept: list[str] = []

    async def end_membership() -> None:
        connection = await asyncpg.connect(shop.people_dsn)
        try:
            await connection.execute(
                "DELETE FROM memberships WHERE user_id = (SELECT user_id FROM users WHERE email = "
                "'ann@example.test')"
            )
        finally:
            await connection.close()

    async def ann(client: httpx.AsyncClient, shop: Shop) -> None:
        await ask(client, "")
        await worked(shop)
        kept.extend(await files(client))
        assert (await client.get(kept[0])).status_code == 200
        await end_membership()
        assert (await client.get(kept[0])).status_code == 403

    visit(shop, ann, email="ann@example.test", address="198.51.100.41")


def test_files_that_are_read_slowly_take_no_page_its_connection(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, going = export.all_orders, asyncio.Event()

    async def slow(*args: Any, **more: Any) -> Any:
        async for rows in kept(*args, **more):
            await going.wait()
            yield rows

    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        monkeypatch.setattr(export, "all_orders", slow)
        files = [
            asyncio.create_task(client.get(f"/orders/export.{form}"))
            for form in ("csv", "xlsx") * 6
        ]
        await asyncio.sleep(0.5)
        assert (await client.get("/orders")).status_code == 200
        going.set()
        assert {(await file).status_code for file in files} == {200}

    visit(shop, work)
