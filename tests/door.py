"""The rescue door as callers meet it: the real application over a sandbox world, and those who call
it.

In-process for most tests; `listening` puts the same application behind a real socket.
"""

import asyncio
import re
import socket
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeVar

import asyncpg
import httpx
from starlette.applications import Starlette
from tests.rescue_operations import check_told, operation_of
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.checkout.routes import routes as checkout_routes
from recoup.db.server import ServerAddress
from recoup.imports.api import SIZES as IMPORT_SIZES
from recoup.keys.api.v1_resource import Services
from recoup.kit.edge.asgi import App
from recoup.kit.edge.connections import Connections, Limits
from recoup.kit.edge.crowded import crowded
from recoup.kit.edge.entry import Entry
from recoup.kit.edge.proxies import Proxies
from recoup.kit.world import World
from recoup.main.api import routes
from recoup.main.app import _no_path, refuse
from recoup.main.door_server import DoorServer
from recoup.networks.magic import script_card
from recoup.rescue.flows.locked import Orders
from recoup.uploads.api import SIZES as UPLOAD_SIZES
from recoup.webhooks.flows.deliver import Deliveries

T = TypeVar("T")
APPROVES = script_card("visa", "51", 0)
FUNDS = script_card("visa", "51", 99)  # always declined for want of funds
HARD = script_card("visa", "04", 99)  # always a hard decline
UNKNOWN = "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d"  # an id that nothing has
JSON = {"content-type": "application/json"}


def application(services: Services) -> App:
    """As `main.app` builds it, with this door's routes and the checkout's."""
    checkout = checkout_routes(services.world, services.get(Orders), services.merchants)
    app = Starlette(routes=[*routes(services), *checkout])
    app.router.default = _no_path
    app.router.redirect_slashes = False
    typed: Any = app
    return Entry(typed, refuse, streamed=UPLOAD_SIZES | IMPORT_SIZES)


def client_of(app: App) -> httpx.AsyncClient:
    """Errors of the application are raised in the test: an answered 500 is one too, see
    `Door.call`."""
    transport: Any = httpx.ASGITransport(
        app=app,
        client=("192.0.2.7", 5000),
    )  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://door.test", timeout=30)


@dataclass
class Door:
    """One world with its application. `run` is the one way into its event loop."""

    runner: asyncio.Runner
    server: ServerAddress
    world: World
    orders: Orders
    deliveries: Deliveries
    services: Services
    app: App
    client: httpx.AsyncClient
    counting: "Counting"

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Any call. A 5xx that the test did not ask for is a failure wherever it comes from, and so
        is an answer that its operation is not told to give."""
        asked_for = more.pop("allow_5xx", False)
        answer = self.run(self.client.request(method, path, **more))
        assert asked_for or answer.status_code < 500, (
            f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        )
        operation = operation_of(method, path)
        if operation is not None:
            check_told(operation, answer)
        return answer

    def shop(self, **more: Any) -> "Caller":
        """A new merchant, signed in."""
        made = self.run(make_shop(self.world, self.orders, self.deliveries, **more))
        caller = Caller(self, made)
        caller.sign_in()
        return caller

    def counts(self) -> dict[str, int]:
        """Rows of every table, the issuer's book among them:
        what a refused call must leave alone."""
        return self.run(self.counting.now())

    def close(self) -> None:
        self.run(self.client.aclose())
        self.run(self.counting.close())

    @contextmanager
    def nothing_written(self, *, but: tuple[str, ...] = ()) -> Iterator[None]:
        before = self.counts()
        yield
        after = self.counts() | {name: before[name] for name in but}
        assert after == before, {
            name: (before.get(name), count)
            for name, count in after.items()
            if before.get(name) != count
        }

    def sql(self, statement: str, *args: Any) -> list[Any]:
        """As the owner."""

        async def inside() -> list[Any]:
            async with owner(self.world) as connection:
                return list(await connection.fetch(statement, *args))

        return self.run(inside())


@dataclass
class Caller:
    """A merchant's developer: credentials and the calls that they make."""

    door: Door
    shop: Shop
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def mid(self) -> str:
        return str(self.shop.merchant_id)

    def sign_in(self) -> None:
        keys = self.shop.keys
        body = {"AppKey": keys.app_key, "AppSecret": keys.app_secret}
        self.token = self.door.call("POST", "/v1/oauth2/token", json=body).json()["accessToken"]
        self.headers = {"authorization": f"Bearer {self.token}"}

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.headers | dict(more.pop("headers", {}))
        return self.door.call(method, f"/v1{path}", headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return (
            self.call("POST", path, json=body, **more)
            if body is not None
            else self.call("POST", path, **more)
        )

    def raw(self, path: str, body: bytes, method: str = "POST", **headers: str) -> httpx.Response:
        return self.call(method, path, content=body, headers=JSON | headers)

    def body(self, **changes: Any) -> dict[str, Any]:
        """A valid managed MIT on a card that approves at the first send; see `changed`."""
        return evaluate_body(self, **changes)

    def evaluate(self, body: dict[str, Any] | None = None, **changes: Any) -> httpx.Response:
        return self.post("/evaluate", self.body(**changes) if body is None else body)

    def admit(self, **changes: Any) -> str:
        """The order's id."""
        answer = self.evaluate(**changes)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["orderId"])

    def completed(self, **changes: Any) -> str:
        """An order that was approved, at its first send."""
        order_id = self.admit(**changes)
        self.advance(days=20)
        assert self.get(f"/orders/{order_id}").json()["statusName"] == "COMPLETED"
        return order_id

    def order(self, order_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/orders/{order_id}").json()
        return found

    def refund(self, order_id: str, body: Any, **more: Any) -> httpx.Response:
        return self.post(f"/orders/{order_id}/refund", body, **more)

    def advance(self, **by: float) -> None:
        self.door.run(self.shop.advance(timedelta(**by)))
        self.door.services.merchants.forget(self.shop.merchant_id)

    def set(self, **columns: Any) -> None:
        """Changes the merchant's settings as the operator would; the door knows at once."""
        names = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 2))
        statement = f"UPDATE merchants SET {names}, version = version + 1 WHERE merchant_id = $1"
        self.door.sql(statement, self.shop.merchant_id, *columns.values())
        self.door.services.merchants.forget(self.shop.merchant_id)

    def token_for(self, number: str, **more: Any) -> str:
        answer = self.post("/tokenize", tokenize_body(number, **more))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["transaction"]["payment_method"]["token"])


# bodies
# --------------------------------------------------------------------------------------------------

GONE = object()  # in `changed`: leave the field out


def changed(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`{"transaction.amount": 1}` or `transaction__amount=1`; GONE drops the field."""
    for path, value in changes.items():
        *way, last = path.replace("__", ".").split(".")
        inner = body
        for name in way:
            inner = inner.setdefault(name, {})
        if value is GONE:
            inner.pop(last, None)
        else:
            inner[last] = value
    return body


def evaluate_body(caller: Caller, **changes: Any) -> dict[str, Any]:
    """Example B of the contract's §5.6, for this caller."""
    number = uuid.uuid4().hex[:12]
    now = caller.door.run(caller.shop.now())
    body = {
        "isDeclined": True,
        "isMIT": True,
        "isRecurring": True,
        "mid": caller.mid,
        "expiryDateUtc": (now + timedelta(days=21)).isoformat(),
        "orderId": f"SUB-{number}",
        "idempotencyKey": str(uuid.uuid4()),
        "siteId": str(caller.shop.site_id),
        "orderSource": "ecommerce",
        "subscription": {
            "subscriptionId": "sub-7731",
            "interval": "monthly",
            "price": "45.90",
            "currency": "USD",
            "paymentNumber": "4",
            "totalPayments": "12",
        },
        "threeDSecure": {
            "threeDsVersion": "2.1.0",
            "EcommerceIndicator": "05",
            "xid": None,
            "enrolled": "Y",
        },
        "transaction": {
            "id": f"psp-{number}",
            "timestampUtc": now.isoformat(),
            "timezoneUtcOffset": -5,
            "amount": 4590,
            "currency": "USD",
            "responseCode": "51",
            "responseCodeSource": "nmi",
            "responseDescription": "Insufficient funds",
            "responseStatus": "DECLINED",
            "avsResultCode": "NA",
            "cvvResultCode": "NA",
            "cavvResultCode": "NA",
            "cardNotPresent": True,
            "dynamicDescriptor": "LEAF*CLUB",
        },
        "payer": {
            "id": f"cust-{number}",
            "email": f"ana-{number}@example.test",
            "phone": "+1 555 010 2030",
        },
        "billingInformation": {
            "firstName": "Ana",
            "lastName": "Roe",
            "country": "United States",
            "countryCode": "US",
            "addressLine1": "12 Elm St",
            "city": "Austin",
            "state": "TX",
            "zipcode": "73301",
        },
        "paymentMethod": {
            "holderName": "Ana Roe",
            "cardType": "CREDIT",
            "cardBrand": "VISA",
            "cardCountry": "US",
            "expirationMonth": 9,
            "expirationYear": 2031,
            "cardNumber": APPROVES,
        },
    }
    return changed(body, changes)


PAST: dict[str, Any] = {
    "orderId": "SO-past",
    "at": "2024-03-02T06:00:00Z",
    "amount": 4590,
    "currency": "USD",
    "approved": False,
}


def transmit_body(caller: Caller, **changes: Any) -> dict[str, Any]:
    """The contract's §3 example."""
    body = {
        "isDeclined": False,
        "orderId": f"SO-{uuid.uuid4().hex[:10]}",
        "orderSource": "ecommerce",
        "isMIT": False,
        "mid": caller.mid,
        "transaction": {
            "id": "psp-88121",
            "timestampUtc": "2026-03-02T09:14:02Z",
            "timezoneUtcOffset": -5,
            "transactionType": "CAPTURE",
            "amount": 4590,
            "currency": "USD",
            "responseCode": "100",
            "responseDescription": "Approved",
            "responseStatus": "APPROVED",
            "responseCodeSource": "nmi",
            "processorName": "Example Acquirer",
            "avsResultCode": "Y",
            "cvvResultCode": "M",
            "cavvResultCode": "NA",
            "cardNotPresent": True,
        },
        "payer": {
            "id": f"cust-{uuid.uuid4().hex[:8]}",
            "email": "ana@example.test",
            "birthdate": None,
        },
        "paymentMethod": {
            "holderName": "Ana Roe",
            "cardType": "CREDIT",
            "cardBrand": "VISA",
            "cardCountry": "US",
            "expirationMonth": 9,
            "expirationYear": 2029,
            "cardBinNumber": "411111",
            "cardLast4Digits": "1111",
        },
    }
    return changed(body, changes)


def tokenize_body(number: str, **changes: Any) -> dict[str, Any]:
    """The contract's §4 example."""
    card = {
        "first_name": "Ana",
        "last_name": "Roe",
        "number": number,
        "verification_value": "999",
        "month": "09",
        "year": "2031",
    }
    return changed({"payment_method": {"email": "ana@example.test", "credit_card": card}}, changes)


# the world around
# ---------------------------------------------------------------------------------------------


@contextmanager
def opened_door(server: ServerAddress, **more: Any) -> Iterator[Door]:
    """A world of its own, its application, its loop."""
    with asyncio.Runner() as runner:
        context = sandbox_world(server, **more)
        world, orders, deliveries = runner.run(context.__aenter__())
        door = door_of(runner, server, world, orders, deliveries)
        try:
            yield door
        finally:
            door.close()
            runner.run(context.__aexit__(None, None, None))


def door_of(
    runner: asyncio.Runner,
    server: ServerAddress,
    world: World,
    orders: Orders,
    deliveries: Deliveries,
    services: Services | None = None,
) -> Door:
    services = services or Services(world, orders)
    app = application(services)

    async def client() -> httpx.AsyncClient:
        return client_of(app)

    return Door(
        runner,
        server,
        world,
        orders,
        deliveries,
        services,
        app,
        runner.run(client()),
        Counting(world),
    )


def another(door: Door, **services: Any) -> Door:
    """The same world behind an application with other services."""
    made = copy(door.services)
    made.__dict__.update(services)
    if "world" in services:  # what was made goes on in the world that it was made in
        made._made = {kind: own for kind, own in made._made.items() if own in made.given}
    made._made = made._made | {
        kind: one for one in services.values() for kind in type(one).__mro__[:-1]
    }
    return door_of(door.runner, door.server, door.world, door.orders, door.deliveries, made)


@asynccontextmanager
async def listening(
    app: App,
    lifespan: Literal["on", "off"] = "off",
    port: int = 0,
    services: Services | None = None,
) -> AsyncIterator[int]:
    """The application behind a real socket, as `recoup serve` configures it; the port. `services`
    know when it ends."""

    class Quiet(DoorServer):
        def capture_signals(self) -> Any:
            return nullcontext()

    connections = Connections(Limits(), crowded(app, refuse), Proxies(""))
    server = Quiet(app, connections, log_level="error", lifespan=lifespan)
    sock = socket.create_server(("127.0.0.1", port), backlog=2048)
    if services is not None:
        services.is_ending = lambda: server.is_draining
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    try:
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


_TABLES = """
SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog',
  'information_schema')
ORDER BY 1
"""


class Counting:
    """Counts the rows of every table, many times: one connection, one prepared statement."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connection: Any = None
        self._statement: Any = None

    async def now(self) -> dict[str, int]:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._world.dsn, timeout=10)
            names = [row["name"] for row in await self._connection.fetch(_TABLES)]
            one = "SELECT '{0}' AS name, count(*) AS count FROM {0}"
            self._statement = await self._connection.prepare(
                " UNION ALL ".join(map(one.format, names))
            )
        return {row["name"]: row["count"] for row in await self._statement.fetch()}

    async def value(self, sql: str, *args: Any) -> Any:
        if self._connection is None:
            await self.now()
        return await self._connection.fetchval(sql, *args)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


async def everything(world: World) -> str:
    """Each row of each table as text, as `pg_dump` would write it."""
    parts = []
    async with owner(world) as connection:
        for row in await connection.fetch(_TABLES):
            kept = bytearray()

            async def keep(data: bytes, kept: bytearray = kept) -> None:
                kept.extend(data)

            await connection.copy_from_query(f"SELECT * FROM {row['name']}", output=keep)
            parts.append(f"-- {row['name']}\n{kept.decode('utf-8', 'replace')}")
    return "\n".join(parts)


def stands_in(digits: str, text: str) -> bool:
    """Whether short digits stand there by themselves: by chance they are part of any long number,
    time or hash."""
    return re.search(rf"(?<![0-9A-Fa-f.+:-]){digits}(?![0-9A-Fa-f-])", text) is not None
