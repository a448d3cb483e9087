"""The stablecoin door as merchants meet it: the real application over a sandbox world, and a client
that signs."""

import asyncio
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import httpx
from starlette.applications import Starlette
from tests.door import Counting, client_of
from tests.stablecoin.operations import check_refused, check_told, operation_of
from tests.stablecoin.signer import Signer, written
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.checkout.routes import routes as checkout_routes
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kit.edge.asgi import App
from recoup.kit.edge.entry import Entry
from recoup.kit.world import World
from recoup.main.app import _no_path, refuse
from recoup.main.stablecoin_api import routes
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.api.resource import Services, make_services
from recoup.terms.rules.fees import Tariff
from recoup.webhooks.flows.deliver import Deliveries

T = TypeVar("T")
URL = "http://door.test"


def application(services: Services) -> App:
    """As `main.app` builds it, with this door's routes and the checkout's."""
    app = Starlette(
        routes=[
            *routes(services),
            *checkout_routes(services.world, services.orders, services.merchants),
        ]
    )
    app.router.default = _no_path
    app.router.redirect_slashes = False
    typed: Any = app
    return Entry(typed, refuse)


@dataclass
class Door:
    """One world with its application. `run` is the one way into its event loop."""

    runner: asyncio.Runner
    world: World
    orders: Orders
    deliveries: Deliveries
    services: Services
    client: httpx.AsyncClient
    counting: Counting

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def call(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Any call. A 5xx that the test did not ask for is a failure wherever it comes from, and so
        is an answer that its operation is not told to give."""
        asked_for = more.pop("allow_5xx", False)
        answer = self.run(self.client.request(method, url, **more))
        assert asked_for or answer.status_code < 500, (
            f"{method} {url}: {answer.status_code} {answer.text[:300]}"
        )
        operation = operation_of(method, url)
        if operation is not None:
            check_told(operation, answer)
        elif url.startswith("/api/") and answer.status_code >= 400 and method != "HEAD":
            check_refused(answer)
        return answer

    def merchant(self, **more: Any) -> "Merchant":
        shop = self.run(make_shop(self.world, self.orders, self.deliveries, **more))
        return Merchant(
            self, shop, Signer(shop.keys.stablecoin_key_id, shop.keys.stablecoin_secret)
        )

    def counts(self) -> dict[str, int]:
        """Rows of every table but those that remember signatures: what a refused call must leave
        alone."""
        found = self.run(self.counting.now())
        return {name: count for name, count in found.items() if "signatures" not in name}

    def sql(self, statement: str, *args: Any) -> list[Any]:
        """As the owner."""

        async def inside() -> list[Any]:
            async with owner(self.world) as connection:
                return list(await connection.fetch(statement, *args))

        return self.run(inside())

    def verified(self, merchant: "Merchant | None" = None) -> None:
        """`recoup verify` holds."""
        found = self.run(verify(self.world, merchant.shop.merchant_id if merchant else None))
        assert found.difference is None, found.difference


@dataclass
class Merchant:
    """A developer with a key: calls that sign themselves."""

    door: Door
    shop: Shop
    signer: Signer
    number: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

    def call(
        self, method: str, path: str, body: Any = None, query: str = "", **more: Any
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else written(body)
        headers = self.signer.headers(method, f"/api/v1{path}", query, content) | dict(
            more.pop("headers", {})
        )
        url = f"/api/v1{path}" + (f"?{query}" if query else "")
        return self.door.call(method, url, content=content, headers=headers, **more)

    def get(self, path: str, query: str = "", **more: Any) -> httpx.Response:
        return self.call("GET", path, None, query, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.call("POST", path, body, **more)

    def body(self, **changes: Any) -> dict[str, Any]:
        """The contract's example, on the mock channel. `None` leaves a field out."""
        usual = {
            "merchant_order_id": f"order-{uuid.uuid4().hex[:10]}",
            "amount": "49.90",
            "currency": "USDT",
            "channel": "mock",
            "subject": "Pro plan",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def charge(self, **changes: Any) -> dict[str, Any]:
        answer = self.post("/charges", self.body(**changes))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def order(self, order_id: str) -> dict[str, Any]:
        answer = self.get(f"/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def press(self, charged: dict[str, Any], button: str = "pay", **form: str) -> httpx.Response:
        """A button of the hosted page."""
        return self.door.call("POST", f"{page_of(charged)}/{button}", data=form)

    def press_raw(self, charged: dict[str, Any]) -> httpx.Response:
        """As `press`, where a 5xx is asked for."""
        return self.door.call("POST", f"{page_of(charged)}/pay", allow_5xx=True)

    def paid(self, **changes: Any) -> dict[str, Any]:
        """A charge that was paid on the hosted page; the order."""
        charged = self.charge(**changes)
        answer = self.press(charged)
        assert answer.status_code == 303, answer.text
        order: dict[str, Any] = self.order(charged["order"]["id"])["order"]
        assert order["status"] == "paid"
        return order

    def settle(self) -> None:
        self.door.run(self.shop.settle())

    def run_due(self) -> int:
        return self.door.run(self.shop.run_due())

    def publish(self) -> int:
        return self.door.run(self.shop.publish())

    def advance(self, **by: float) -> None:
        self.door.run(self.shop.advance(timedelta(**by)))
        self.door.services.merchants.forget(self.shop.merchant_id)

    def fees(self, **tariff: Any) -> None:
        """What the operator takes from now on."""
        self.door.run(self.shop.fees(Tariff(**tariff)))
        self.door.services.merchants.forget(self.shop.merchant_id)

    def set(self, **columns: Any) -> None:
        """Changes the merchant's settings as the operator would; the door knows at once."""
        names = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 2))
        statement = f"UPDATE merchants SET {names}, version = version + 1 WHERE merchant_id = $1"
        self.door.sql(statement, self.shop.merchant_id, *columns.values())
        self.door.services.merchants.forget(self.shop.merchant_id)


def page_of(charged: dict[str, Any]) -> str:
    """The hosted page's path."""
    return str(charged["instruction"]["redirect_url"]).removeprefix(URL)


@contextmanager
def opened_door(server: ServerAddress, **more: Any) -> Iterator[Door]:
    """A world of its own, its application, its loop."""
    with asyncio.Runner() as runner:
        context = sandbox_world(server, **more)
        world, orders, deliveries = runner.run(context.__aenter__())
        services = make_services(world, orders, URL)

        async def client() -> httpx.AsyncClient:
            return client_of(application(services))

        door = Door(
            runner, world, orders, deliveries, services, runner.run(client()), Counting(world)
        )
        try:
            yield door
        finally:
            door.run(door.client.aclose())
            door.run(door.counting.close())
            runner.run(context.__aexit__(None, None, None))


@contextmanager
def door_over(found: Any) -> Iterator[Door]:
    """This door over a world and loop that the rescue API's door has opened."""
    services = make_services(found.world, found.orders, URL)

    async def client() -> httpx.AsyncClient:
        return client_of(application(services))

    door = Door(
        found.runner,
        found.world,
        found.orders,
        found.deliveries,
        services,
        found.run(client()),
        Counting(found.world),
    )
    try:
        yield door
    finally:
        door.run(door.client.aclose())
        door.run(door.counting.close())


def another(door: Door, **services: Any) -> Door:
    """The same world behind an application with other services."""
    made = replace(door.services, **services)

    async def client() -> httpx.AsyncClient:
        return client_of(application(made))

    return replace(door, services=made, client=door.run(client()))
