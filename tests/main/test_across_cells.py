"""What crosses cells: notices, partners, pages and learning of merchants that live in two."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from tests.main.test_cells import Seller, TwoCells, two_cells

from recoup.db.server import ServerAddress
from recoup.db.statement import schema_of_cell
from recoup.disputes.flows.receive import notice_key
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.merchants.flows.cells import home_of
from recoup.notices.flows import receive as receiving
from recoup.notices.flows import signals
from recoup.notices.rules import SIGNALS
from recoup.orders.moves.change import Change
from recoup.outside.inbound import signed
from recoup.processors.gateways.connector import Notice
from recoup.rescue.flows.due import start
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.moves.plan import plan_attempt
from recoup.rescue.store.card_updates import OrderOfCard
from recoup.routes.flows.signed_notices import signing_key

Tell = Callable[[TwoCells], Awaitable[None]]


def story(server: ServerAddress, folder: Path, tell: Tell) -> None:
    async def inside() -> None:
        async with two_cells(server, folder) as here:
            await tell(here)

    asyncio.run(inside())


async def one_in_each(here: TwoCells) -> list[Seller]:
    """Sellers of the first and of the second cell."""
    made: dict[int, Seller] = {}
    while len(made) < 2:
        seller = await here.seller()
        cell = await here.sql(
            "SELECT cell FROM directory.merchants_cells WHERE merchant_id = $1", seller.merchant_id
        )
        made[cell] = seller
    return [made[1], made[2]]


async def evaluated(here: TwoCells, seller: Seller) -> tuple[UUID, UUID]:
    made = await here.evaluate(seller)
    return seller.merchant_id, UUID(made.json()["orderSessionKey"])


async def paid(here: TwoCells, seller: Seller) -> Any:
    """Its approved attempt."""
    world = await home_of(here.running.world, seller.merchant_id)
    orders = here.running.orders.at(world)
    key = await evaluated(here, seller)
    await start(orders, key)
    await orders.change(Job(key, lambda c: plan_attempt(c, c.now, "soft", None), cards=True))
    await send_attempt(world, orders, key)
    sql = f"""SELECT to_jsonb(a) FROM {schema_of_cell(world.cell)}.attempts a
      WHERE merchant_id = $1 AND state = 'approved'"""
    return json.loads(await here.sql(sql, seller.merchant_id))


class Away:
    """A cell's database that does not answer."""

    def __getattr__(self, name: str) -> Any:
        def none(*_: Any, **__: Any) -> Any:
            raise Problem("unavailable", "The database is away.", cure="Wait.")

        return none


class Without:
    """The second cell's server is away."""

    def __init__(self, here: TwoCells) -> None:
        self._world = here.running.cells[1].world
        self._db = self._world.db

    def __enter__(self) -> None:
        object.__setattr__(self._world, "db", Away())

    def __exit__(self, *_: object) -> None:
        object.__setattr__(self._world, "db", self._db)


async def post(here: TwoCells, path: str, key: bytes, said: dict[str, Any]) -> Any:
    body = json.dumps(said).encode()
    sign = signed(key, body, here.running.world.clocks.wall())
    headers = {"recoup-signature": sign, "content-type": "application/json"}
    return await here.http.post(path, content=body, headers=headers)


def test_a_notice_goes_to_its_merchants_cell_and_counts_once(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disputes and a connector's notices; one cell away is asked again later."""

    async def tell(here: TwoCells) -> None:
        world, orders = here.running.world, here.running.orders
        first, second = await one_in_each(here)
        charges = [await paid(here, first), await paid(here, second)]
        for seller, charge in zip((first, second), charges, strict=True):
            notice = {
                "noticeId": f"n-{seller.site_id}",
                "caseId": f"c-{seller.site_id}",
                "merchantId": str(seller.merchant_id),
                "chargeId": charge["attempt_id"],
                "stage": "first",
                "status": "open",
                "amount": 4590,
                "currency": "USD",
                "reasonCode": "4837",
                "fee": 0,
            }
            key = notice_key(world, "sandbox")
            for status in ("applied", "repeated"):
                answer = await post(here, "/inbound/sandbox/notices", key, notice)
                assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
        assert await here.sql("SELECT count(*) FROM cell.disputes") == 1
        assert await here.sql("SELECT count(*) FROM cell_2.disputes") == 1
        nobody = notice | {"merchantId": str(uuid4()), "noticeId": "n-0"}
        answer = await post(here, "/inbound/sandbox/notices", key, nobody)
        assert (answer.status_code, answer.json()["status"]) == (200, "unmatched")

        notices: list[Notice] = []
        stub = SimpleNamespace(read_notices=lambda *_: notices)
        monkeypatch.setattr(receiving, "connector_of", lambda _: stub)

        async def take(about: str) -> list[str]:
            notices[:] = [
                Notice(
                    id=f"evt-{charge['attempt_id']}",
                    kind="charge",
                    object_kind="charge",
                    at=WallTime(world.clocks.wall()),
                    subject="charge",
                    about=about,
                    message_id=UUID(charge["key"]),
                    mine=True,
                )
                for charge in charges
            ]
            reply = await receiving.take(world, orders, "sandbox", {}, b"")
            return cast("list[str]", json.loads(reply.body)["notices"])

        with Without(here), pytest.raises(Problem) as refused:
            await take("ch_1")
        assert refused.value.code == "unavailable"
        assert await take("ch_1") == ["repeated", "taken"], "the first's was kept before"
        assert await take("ch_1") == ["repeated", "repeated"]
        for schema in ("cell", "cell_2"):
            assert await here.sql(f"SELECT count(*) FROM {schema}.processor_notices") == 1
        charges[1]["key"] = str(uuid4())
        assert await take("ch_2") == ["taken", "not_ours"]
        del charges[1]
        with Without(here):  # what is found needs no other cell
            assert await take("ch_3") == ["taken"]

    story(server, tmp_path, tell)


def test_a_signal_reaches_orders_of_every_cell(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tell(here: TwoCells) -> None:
        world = here.running.world
        known = [OrderOfCard(*await evaluated(here, each)) for each in await one_in_each(here)]
        for order in known:
            home = await home_of(world, order.merchant_id)
            key = (order.merchant_id, order.order_id)
            plan = Job(
                key, lambda c: plan_attempt(c, c.now + timedelta(days=1), "soft", None), cards=True
            )
            await start(here.running.orders.at(home), key)
            await here.running.orders.at(home).change(plan)
        seen = list[UUID]()

        async def of_cards(*_: Any) -> list[OrderOfCard]:
            return known

        async def cards(*_: Any) -> list[UUID]:
            return [uuid4()]

        def approved(change: Change, *_: Any) -> bool:
            seen.append(change.order.order_id)
            return True

        monkeypatch.setattr(signals, "_cards", cards)
        monkeypatch.setattr(signals, "orders_of_cards", of_cards)
        monkeypatch.setattr(signals, "approved_elsewhere", approved)
        said = {"signalId": "s-1", "approvedAt": world.clocks.wall().isoformat(), "method": "pm_1"}
        body = json.dumps(said).encode()
        sign = signed(signing_key(world, SIGNALS, "sandbox"), body, world.clocks.wall())
        await signals.take_signal(world, here.running.orders, "sandbox", body, sign, "test")
        assert sorted(seen) == sorted(order.order_id for order in known)
        with Without(here), pytest.raises(Problem) as refused:
            await signals.take_signal(world, here.running.orders, "sandbox", body, sign, "test")
        assert refused.value.code == "unavailable"

    story(server, tmp_path, tell)
