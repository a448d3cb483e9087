"""Two cells of a world on one server: each merchant lives in its own, and a caller sees no
difference."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.door import listening
from tests.main.test_live import payment
from tests.main.test_without_vault import new_databases

from recoup.db.cells import list_cell
from recoup.db.migrate import add_cell
from recoup.db.server import ServerAddress
from recoup.db.upkeep import keep_up
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.main import worlds
from recoup.main.app import make_app
from recoup.main.bootstrap import bootstrap
from recoup.main.clock import work
from recoup.main.databases import Databases, prepare
from recoup.main.settings import Settings
from recoup.main.which_cell import ByCell
from recoup.main.worlds import Running, open_worlds
from recoup.merchants.flows.cells import emptiest, place_for
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.onboarding.flows.make_merchant import Keys, NewSite, make_keys, make_merchant

HOOK_KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@dataclass
class Seller:
    """A merchant with a token."""

    merchant_id: UUID
    site_id: UUID
    keys: Keys
    token: str = ""


@dataclass
class TwoCells:
    running: Running
    databases: Databases
    settings: Settings
    http: httpx.AsyncClient

    async def seller(self) -> Seller:
        """A new merchant, where new ones come."""
        made = Seller(new_id(), new_id(), None)  # type: ignore[arg-type]
        world = await place_for(self.running.world, made.merchant_id)
        site = NewSite(made.site_id, "https://shop.example", "Shop", "SHOP*ONLINE")
        await make_merchant(world, made.merchant_id, "Shop", (site,), partner_id=None)
        made.keys = await make_keys(world, made.merchant_id, HOOK_KEY)
        given = {"AppKey": made.keys.app_key, "AppSecret": made.keys.app_secret}
        answer = await self.http.post("/v1/oauth2/token", json=given)
        assert answer.status_code == 200, answer.text
        made.token = answer.json()["accessToken"]
        return made

    async def call(self, seller: Seller, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {seller.token}"}
        return await self.http.request(method, path, headers=headers, **more)

    async def evaluate(self, seller: Seller, **more: Any) -> httpx.Response:
        mid, site = str(seller.merchant_id), str(seller.site_id)
        body = payment(mid, site, APPROVE_CARDS[1], is_mit=True, days=20) | more
        return await self.call(seller, "POST", "/v1/evaluate", json=body)

    async def row(self, statement: str, *args: object) -> Any:
        connection = await asyncpg.connect(self.databases.sandbox)
        try:
            return await connection.fetchrow(statement, *args)
        finally:
            await connection.close()

    async def sql(self, statement: str, *args: object) -> Any:
        row = await self.row(statement, *args)
        return row and row[0]


async def add_one(databases: Databases) -> None:
    cell = await add_cell(databases.sandbox)
    await keep_up(databases.sandbox, Clocks().wall(), cell)
    connection = await asyncpg.connect(
        databases.sandbox, server_settings={"search_path": "directory"}
    )
    await list_cell(connection, cell, Clocks().wall())
    await connection.close()


@asynccontextmanager
async def two_cells(server: ServerAddress, folder: Path) -> AsyncIterator[TwoCells]:
    databases = replace(await new_databases(server), live="")
    await prepare(databases)
    await add_one(databases)
    settings = Settings(data_dir=folder, connections=4)
    async with open_worlds(settings, databases, "recoup-worker") as (running, _):
        await bootstrap(running.world, settings.url)
        working = [
            asyncio.create_task(work(cell.world, cell.orders, cell.deliveries))
            for cell in running.cells
        ]
        try:
            async with listening(make_app(settings, databases), "on") as port:  # type: ignore[arg-type]
                url = f"http://127.0.0.1:{port}"
                async with httpx.AsyncClient(base_url=url, timeout=60) as http:
                    yield TwoCells(running, databases, settings, http)
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)


def test_merchants_of_two_cells_are_served_alike(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with two_cells(server, tmp_path) as here:
            first, second = here.running.cells
            assert (await emptiest(first.world)).cell == 2
            sellers = [await here.seller() for _ in range(3)]
            cells = [
                await here.sql(
                    "SELECT cell FROM directory.merchants_cells WHERE merchant_id = $1",
                    seller.merchant_id,
                )
                for seller in sellers
            ]
            assert sorted(cells) == [1, 2, 2], "the bootstrap merchant is in the first"
            for seller, cell in zip(sellers, cells, strict=True):
                made = await here.evaluate(seller)
                assert made.status_code == 200, made.text
                order = made.json()["orderSessionKey"]
                read = await here.call(seller, "GET", f"/v1/orders/{order}")
                assert read.status_code == 200, read.text
                schema = "cell" if cell == 1 else "cell_2"
                assert (
                    await here.sql(
                        f"SELECT count(*) FROM {schema}.orders WHERE merchant_id = $1",
                        seller.merchant_id,
                    )
                    == 1
                )
                for query in ("x=%C3%A9", "&".join(f"f{n}=" for n in range(101))):
                    odd = await here.http.get(f"/v1/orders?{query}")
                    assert odd.status_code == 401, odd.text
                for other in sellers:
                    if other is not seller:
                        gone = await here.call(other, "GET", f"/v1/orders/{order}")
                        assert gone.status_code == 404, gone.text
                given = {"AppKey": seller.keys.app_key, "AppSecret": seller.keys.app_secret}
                signed = (await here.http.post("/v1/oauth2/token", json=given)).json()
                kept = await here.sql(f"SELECT count(*) FROM {schema}.refresh_tokens")
                again = await here.http.post(
                    "/v1/oauth2/refresh", json={"RefreshToken": signed["refreshToken"]}
                )
                assert again.status_code == 200, again.text
                assert await here.sql(f"SELECT count(*) FROM {schema}.refresh_tokens") == kept > 0
            ready = (await here.http.get("/readyz")).json()
            assert ready["ready"] is True, ready
            proved = [await verify(cell.world) for cell in here.running.cells]
            assert not [each for done in proved for each in done.differences]

    asyncio.run(story())


def test_the_directory_is_read_where_it_answers() -> None:
    """A cell whose server is away costs a look-up once in a while."""
    asked = list[int]()
    known, merchant_id = {1: None, 2: 2}, new_id()

    def database(cell: int) -> Any:
        async def fetchrow(*_: Any) -> Any:
            asked.append(cell)
            if known[cell] is None:
                raise Problem("unavailable", "The database is not reachable.")
            return (known[cell],)

        return SimpleNamespace(fetchrow=fetchrow)

    worlds = [SimpleNamespace(cell=cell, db=database(cell)) for cell in (1, 2)]

    async def story() -> None:
        by_cell: ByCell[Any] = ByCell(lambda *_: asyncio.sleep(0))
        by_cell.world = SimpleNamespace(every=worlds)  # type: ignore[assignment]
        assert await by_cell._cell_of_merchant(merchant_id) == 2
        assert asked == [1, 2]
        assert await by_cell._cell_of_merchant(merchant_id) == 2
        assert asked == [1, 2], "kept"
        assert await by_cell._cell_of_merchant(new_id()) == 2
        assert asked == [1, 2, 2], "the other is asked first"

    asyncio.run(story())


def test_a_process_from_before_the_cell_refuses_its_merchants(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "FOLLOWS_SECONDS", 0.2)

    async def story() -> None:
        databases = replace(await new_databases(server), live="")
        await prepare(databases)
        settings = Settings(data_dir=tmp_path, connections=4)
        async with open_worlds(settings, databases) as (older, _):
            await bootstrap(older.world, settings.url)
            async with listening(make_app(settings, databases), "on") as port:  # type: ignore[arg-type]
                await add_one(databases)
                async with open_worlds(settings, databases) as (newer, _):
                    made = Seller(new_id(), new_id(), None)  # type: ignore[arg-type]
                    world = await place_for(newer.world, made.merchant_id)
                    assert world.cell == 2
                    site = NewSite(made.site_id, "https://shop.example", "Shop", "SHOP*ONLINE")
                    await make_merchant(world, made.merchant_id, "Shop", (site,), partner_id=None)
                    keys = await make_keys(world, made.merchant_id, HOOK_KEY)
                await asyncio.sleep(1)
                url = f"http://127.0.0.1:{port}"
                async with httpx.AsyncClient(base_url=url, timeout=60) as http:
                    said = await http.get(
                        "/v1/orders",
                        headers={"authorization": f"ApiKey {keys.app_key}:{keys.app_secret}"},
                    )
                assert said.status_code == 503, said.text
                assert "cell" in said.text

    asyncio.run(story())
