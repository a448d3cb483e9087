"""When the system cannot: 503 with Retry-After in the dialect's shape, nothing lost or doubled,
then it goes on."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.door import (
    GONE,
    Caller,
    Door,
    another,
    door_of,
    opened_door,
    tokenize_body,
    transmit_body,
)
from tests.rescue_shapes import check_refused
from tests.worlds import change_world, make_shop

from recoup.db.coalesce import Coalescer
from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.db.statement import Read
from recoup.kernel.problem import Problem
from recoup.main.bootstrap import bootstrap
from recoup.main.databases import find_databases, prepare
from recoup.main.settings import load_settings
from recoup.main.worlds import open_sandbox
from recoup.networks.card import luhn_digit
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.tokenize import Vault
from recoup.webhooks.flows.deliver import Deliveries

AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}


class Troubled(Database):
    """A real pool whose server misbehaves: `says` is its answer to everything; of what it does it
    `loses` so many answers."""

    says: type[Exception] | None = None
    loses = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        async with super().connection() as connection:
            if self.says is not None:
                raise self.says("as a server says it")
            yield connection
            if self.loses > 0:
                self.loses -= 1
                raise ConnectionResetError("gone")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Read]:
        async with super().read() as connection:
            if self.says is not None:
                raise self.says("as a server says it")
            yield connection


@pytest.fixture
def troubled(door: Door) -> Iterator[tuple[Door, Troubled]]:
    """The same world behind a pool that can be troubled."""
    db = Troubled(door.world.dsn, size=4, name="troubled")
    door.run(db.open())
    world = replace(door.world, db=db)
    change_world(
        world, key_endings=door.world.key_endings
    )  # which keys ended is heard by another connection
    made = door_of(door.runner, door.server, world, Orders(world), Deliveries(world))
    yield made, db
    made.close()
    made.run(db.close())


def same_caller(door: Door, shop: Caller) -> Caller:
    """The merchant's developer at another application of the same world."""
    return Caller(door, shop.shop, shop.token, shop.headers)


def check_unavailable(answer: httpx.Response) -> None:
    check_refused(answer, 503, "unavailable")
    assert 1 <= int(answer.headers["retry-after"]) <= 10


def writes(shop: Caller, order_id: str) -> list[tuple[str, str, dict[str, Any]]]:
    """One call of each that writes."""
    return [
        ("POST", "/evaluate", {"json": shop.body()}),
        ("POST", "/evaluate", {"json": shop.body(**AT_ONCE)}),
        ("POST", "/transmit", {"json": transmit_body(shop)}),
        ("POST", "/tokenize", {"json": tokenize_body(shop.body()["paymentMethod"]["cardNumber"])}),
        ("POST", f"/orders/{order_id}/refund", {"json": {"amountToRefund": 1}}),
        ("POST", f"/orders/{order_id}/cancel", {}),
        ("POST", "/webhooks", {"json": {"url": "https://hooks.merchant.example.com/"}}),
        (
            "POST",
            "/oauth2/token",
            {"json": {"AppKey": shop.shop.keys.app_key, "AppSecret": shop.shop.keys.app_secret}},
        ),
    ]


# a full disk
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [asyncpg.DiskFullError, asyncpg.TooManyConnectionsError, asyncpg.OutOfMemoryError]
)
def test_no_room_is_503_everywhere_and_nothing_is_written(
    shop: Caller, troubled: tuple[Door, Troubled], error: type[Exception]
) -> None:
    door, db = troubled
    order_id = shop.admit(**AT_ONCE)
    caller = same_caller(door, shop)
    calls = [
        *writes(shop, order_id),
        ("GET", "/orders", {}),
        ("GET", f"/orders/{order_id}", {}),
        ("GET", "/webhooks", {}),
    ]
    db.says = error
    with shop.door.nothing_written():
        for method, path, more in calls:
            check_unavailable(caller.call(method, path, allow_5xx=True, **more))
    db.says = None
    for method, path, more in calls:
        answer = caller.call(method, path, **more)
        assert answer.status_code in (200, 201) or path.endswith("cancel"), answer.text


# a commit whose answer is lost
# --------------------------------------------------------------------------------


@pytest.mark.parametrize("managed", [True, False])
def test_a_commit_whose_answer_is_lost_is_found_by_the_gate(
    shop: Caller, troubled: tuple[Door, Troubled], managed: bool
) -> None:
    """The door asks again under the same key before it gives up: the caller notices nothing."""
    door, db = troubled
    caller = same_caller(door, shop)
    body = shop.body(
        **({} if managed else AT_ONCE),
        paymentMethod__cardNumber=shop.token_for(shop.body()["paymentMethod"]["cardNumber"]),
    )
    door.run(door.services.merchants.get(shop.shop.merchant_id))
    db.loses = 1
    answer = caller.evaluate(body)
    assert db.loses == 0, "the answer was lost once"
    assert answer.status_code == 200
    again = caller.evaluate(body)
    assert again.json()["orderId"] == answer.json()["orderId"]
    [row] = shop.door.sql(
        "SELECT count(*) FROM orders WHERE merchant_id = $1", shop.shop.merchant_id
    )
    assert row["count"] == 1


def test_a_caller_that_was_told_503_finds_its_order_again(
    shop: Caller, troubled: tuple[Door, Troubled]
) -> None:
    """The answer is lost and the database stays away: the same key brings the order that was
    committed."""
    door, db = troubled
    caller = same_caller(door, shop)
    body = shop.body(
        paymentMethod__cardNumber=shop.token_for(shop.body()["paymentMethod"]["cardNumber"])
    )
    door.run(door.services.merchants.get(shop.shop.merchant_id))
    db.loses = 1000
    check_unavailable(caller.call("POST", "/evaluate", json=body, allow_5xx=True))
    db.loses = 0
    [row] = shop.door.sql(
        "SELECT order_id FROM orders WHERE merchant_id = $1", shop.shop.merchant_id
    )
    found = caller.evaluate(body)
    assert (found.json()["orderId"], found.json()["status"]) == (str(row["order_id"]), "SUBMITTED")


def test_a_refund_whose_answer_is_lost_is_the_same_refund_again(
    shop: Caller, troubled: tuple[Door, Troubled]
) -> None:
    door, db = troubled
    order_id = shop.admit(**AT_ONCE)
    caller = same_caller(door, shop)
    body = {"amountToRefund": 5, "idempotencyKey": "once"}
    db.loses = 1000
    check_unavailable(caller.call("POST", f"/orders/{order_id}/refund", json=body, allow_5xx=True))
    db.loses = 0
    assert caller.refund(order_id, body).json()["status"] == "SUCCESS"
    assert caller.order(order_id)["refundedAmount"] == 500


def test_connections_killed_under_load_lose_and_double_nothing(server: ServerAddress) -> None:
    """Each call ends as 200 or 503; asked again under the same key, each has exactly one order."""
    with opened_door(server) as door:
        _kill_connections(door, door.shop())


def _kill_connections(door: Door, shop: Caller) -> None:
    bodies = [shop.body(**(AT_ONCE if n % 3 == 0 else {})) for n in range(60)]
    admin = door.server.dsn("postgres")
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND "
        "application_name = 'test'"
    )

    async def killing(stop: asyncio.Event) -> None:
        connection = await asyncpg.connect(admin)
        while not stop.is_set():
            await connection.execute("SELECT 1")
            await connection.fetch(kill, door.world.database)
            await asyncio.sleep(0.03)
        await connection.close()

    async def one(body: dict[str, Any]) -> httpx.Response:
        return await door.client.post("/v1/evaluate", json=body, headers=shop.headers)

    async def story() -> list[httpx.Response]:
        stop = asyncio.Event()
        killer = asyncio.create_task(killing(stop))
        answers = []
        for start in range(0, len(bodies), 6):
            answers += await asyncio.gather(*(one(body) for body in bodies[start : start + 6]))
        stop.set()
        await killer
        return answers

    answers = door.run(story())
    assert {answer.status_code for answer in answers} <= {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            check_unavailable(answer)
    for body, answer in zip(bodies, answers, strict=True):
        again = shop.evaluate(body)
        assert again.status_code == 200
        if answer.status_code == 200:
            assert again.json()["orderId"] == answer.json()["orderId"]
    [row] = door.sql("SELECT count(*) FROM orders WHERE merchant_id = $1", shop.shop.merchant_id)
    assert row["count"] == len(bodies)


# a full queue
# -------------------------------------------------------------------------------------------------


def test_a_full_queue_is_503_and_what_had_its_place_is_taken(door: Door, shop: Caller) -> None:
    flow = Evaluate(door.world, door.orders, door.services.merchants, door.services.get(Vault))
    gate = asyncio.Event()

    async def held(rows: Sequence[dict[str, Any]]) -> list[bool]:
        await gate.wait()
        return await flow._admissions._together(rows)

    flow._admissions._rows = Coalescer(held, max_rows=1, writers=1, queue_max=3)
    small = another(door, evaluate=flow)
    token = shop.token_for(shop.body()["paymentMethod"]["cardNumber"])
    bodies = [shop.body(paymentMethod__cardNumber=token) for _ in range(6)]

    async def story() -> list[httpx.Response]:
        calls = [
            asyncio.create_task(small.client.post("/v1/evaluate", json=body, headers=shop.headers))
            for body in bodies
        ]
        waiting = set(calls)
        while len(waiting) > 4:  # one is being written, three wait, two find no place
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        gate.set()
        return sorted(await asyncio.gather(*calls), key=lambda answer: answer.status_code)

    answers = small.run(story())
    assert [answer.status_code for answer in answers] == [200] * 4 + [503] * 2
    for answer in answers[4:]:
        check_unavailable(answer)
        assert "waiting" in answer.json()["result"]
    assert {shop.evaluate(body).status_code for body in bodies} == {200}
    [row] = door.sql("SELECT count(*) FROM orders WHERE merchant_id = $1", shop.shop.merchant_id)
    assert row["count"] == 6
    small.close()


def test_the_queue_itself() -> None:
    async def story() -> None:
        going = asyncio.Event()

        async def run(rows: Any) -> list[int]:
            await going.wait()
            return list(rows)

        queue: Coalescer[int, int] = Coalescer(run, max_rows=1, writers=1, queue_max=2)
        first = []
        for number in range(3):  # one is being written, two wait
            first.append(asyncio.create_task(queue.submit(number)))
            await asyncio.sleep(0.01)
        with pytest.raises(Problem) as found:
            await queue.submit(3)
        assert (found.value.code, found.value.retry_after_seconds) == ("unavailable", 1)
        going.set()
        assert await asyncio.gather(*first) == [0, 1, 2]
        assert await queue.submit(4) == 4

    asyncio.run(story())


# a lost database
# ----------------------------------------------------------------------------------------------


def test_a_database_that_is_lost_and_comes_back(tmp_path: Path) -> None:
    """The application as `main` opens it, over a server of its own that is shut down and started
    again."""
    assert threading.current_thread() is threading.main_thread()
    settings = load_settings(data_dir=tmp_path / "data")
    databases = find_databases(settings)
    assert databases.server is not None
    with asyncio.Runner() as runner:
        try:
            runner.run(prepare(databases))
            context = open_sandbox(settings, databases)
            running = runner.run(context.__aenter__())
            runner.run(bootstrap(running.world, settings.url))
            address = ServerAddress("", 0, "")
            door = door_of(runner, address, running.world, running.orders, running.deliveries)
            shop = Caller(
                door, runner.run(make_shop(running.world, running.orders, running.deliveries))
            )
            shop.sign_in()
            order_id, waiting = shop.admit(**AT_ONCE), shop.body()
            calls = [
                *writes(shop, order_id),
                ("GET", "/orders", {}),
                ("GET", f"/orders/{order_id}", {}),
            ]
            databases.server.stop()
            for method, path, more in calls:
                check_unavailable(shop.call(method, path, allow_5xx=True, **more))
            check_unavailable(shop.call("POST", "/evaluate", json=waiting, allow_5xx=True))
            databases.server.start()
            assert shop.evaluate(waiting).json()["status"] == "SUBMITTED"
            assert shop.order(order_id)["statusName"] == "COMPLETED"
            assert shop.refund(order_id, {"amountToRefund": 1}).json()["status"] == "SUCCESS"
            assert shop.get("/orders").json()["orders"]["totalItemCount"] == 2
            pan = "401288" + "7" * 9
            shop.evaluate(paymentMethod__cardNumber=pan + luhn_digit(pan))
            door.close()
            runner.run(context.__aexit__(None, None, None))
        finally:
            databases.server.stop()
    told = (tmp_path / "data/postgres.log").read_text(errors="replace")
    for secret in (
        pan,
        shop.shop.keys.app_secret,
        waiting["paymentMethod"]["cardNumber"],
        waiting["payer"]["email"],
    ):
        assert secret not in told
