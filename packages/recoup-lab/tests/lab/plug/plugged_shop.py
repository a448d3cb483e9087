"""The sandbox as `main` builds it, with a world plugged in, and its merchant over HTTP."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from tests.bridge_twin import SECRET, Twin
from tests.databases import empty
from tests.door import listening

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.main.app import make_app
from recoup.main.bootstrap import Bootstrap, bootstrap
from recoup.main.databases import Databases, prepare
from recoup.main.settings import Settings
from recoup.main.worlds import Running, open_worlds
from recoup.rescue.flows.run_due import run_due
from recoup.sandbox.flows.advance_clock import advance_clock
from recoup.webhooks.flows.publish import publish_now
from recoup_lab.plug.program import Program
from recoup_lab.world.port import WorldCharge, WorldOrder


class Shop:
    """The sandbox's bootstrap merchant, over HTTP and by its clock."""

    def __init__(self, opened: Running, made: Bootstrap, client: httpx.AsyncClient) -> None:
        self.opened, self.made, self.mid, self.client = opened, made, UUID(made.mid), client

    async def sign_in(self) -> None:
        keys = {"AppKey": self.made.app_key, "AppSecret": self.made.app_secret}
        answer = await self.client.post("/v1/oauth2/token", json=keys)
        self.client.headers["authorization"] = f"Bearer {answer.json()['accessToken']}"

    async def tokenized(self, pan: str) -> httpx.Response:
        given = {"number": pan, "month": 12, "year": 2031, "full_name": "Ana Roe"}
        query = {"mid": self.made.mid, "environment": self.made.tokenization_key}
        body = {"payment_method": {"credit_card": given}}
        return await self.client.post("/v1/tokenize", params=query, json=body)

    async def token(self, pan: str) -> str:
        answer = await self.tokenized(pan)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["transaction"]["payment_method"]["token"])

    async def uploaded(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to a file of declined payments."""
        sent = await self.client.post("/v1/uploads?kind=evaluate", content=json.dumps(rows))
        assert sent.status_code == 202, sent.text
        await run_due(self.opened.world, self.opened.orders, merchant_id=self.mid)
        told = await self.client.get(f"/v1/uploads/{sent.json()['id']}/answers")
        return [json.loads(line) for line in told.text.splitlines()]

    async def evaluated(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.post("/v1/evaluate", json=body | {"mid": self.made.mid})
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def advance(self, by: timedelta) -> None:
        """`recoup clock advance`."""
        running = self.opened
        publish = lambda mid: publish_now(running.world, running.deliveries, mid)  # noqa: E731
        await advance_clock(running.world, running.orders, self.mid, by, publish)

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.opened.world.db.connection() as connection:
            return list(await connection.fetch(sql, self.mid, *args))

    async def proved(self) -> None:
        found = await verify(self.opened.world)
        assert found.difference is None, found.difference


@asynccontextmanager
async def installation(
    server: ServerAddress, folder: Path, twin: Twin | None
) -> AsyncIterator[Shop]:
    """The sandbox as `main` builds it; with `twin` a world is plugged."""
    mark = uuid4().hex[:10]
    people, sandbox = (
        await empty(server, "people", f"people_{mark}"),
        await empty(server, "world", f"sandbox_{mark}"),
    )
    databases = Databases(people, sandbox, server.dsn("postgres"), None, "")
    await prepare(databases)
    plug = {"sandbox_processor_url": twin.url, "sandbox_processor_secret": SECRET} if twin else {}
    settings = Settings(data_dir=folder, connections=6, **plug)
    async with open_worlds(settings, databases) as (opened, _):
        made = await bootstrap(opened.world, settings.url)
        async with listening(make_app(settings, databases), "on") as port:  # type: ignore[arg-type]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                shop = Shop(opened, made, client)
                await shop.sign_in()
                yield shop


class Face:
    """A world's HTTP face: what it charges by is its own name of the order, which Recoup's answers
    lead to; its time is as much earlier than the merchant's as it was at the beginning."""

    def __init__(self, world: Program, begun: datetime) -> None:
        self.world, self.behind = world, begun - world.hello().now
        self.orders: dict[str, WorldOrder] = {}  # by Recoup's id
        self.heard: list[datetime] = []

    def decides(self, told: dict[str, Any]) -> dict[str, Any]:
        order, at = self.orders[told["orderId"]], datetime.fromisoformat(told["sentAt"])
        self.heard.append(at)
        assert told["card"]["number"] == order.card.number
        charge = WorldCharge(
            told["id"],
            order.order_id,
            (at - self.behind).replace(microsecond=0),
            told["amount"],
            told["currency"],
            told["acceptorId"],
            order.card,
        )
        answer = self.world.charge("product", [charge])[0]
        assert answer.error is None, answer.error
        return {"state": answer.state, "schemeCode": answer.scheme_code}

    def body(self, order: WorldOrder, method: dict[str, Any]) -> dict[str, Any]:
        return body_of(order, method, self.behind)


def body_of(order: WorldOrder, method: dict[str, Any], later: timedelta) -> dict[str, Any]:
    """What a merchant sends of a payment that was declined. `later`: what its clock is ahead of the
    order's times."""
    result = {
        "responseCode": order.scheme_code,
        "responseCodeSource": "visa",
        "responseStatus": "DECLINED",
        "avsResultCode": "NA",
        "cvvResultCode": "NA",
        "cavvResultCode": "NA",
    }
    holder = {
        "holderName": "Ana Roe",
        "cardBrand": "VISA",
        "expirationMonth": order.card.exp_month,
        "expirationYear": order.card.exp_year,
    }
    return {
        "isDeclined": True,
        "isMIT": True,
        "isRecurring": True,
        "orderId": order.order_id,
        "idempotencyKey": order.order_id,
        "expiryDateUtc": (order.expires_at + later).isoformat(),
        "transaction": {
            "id": f"tx-{order.order_id}",
            "timestampUtc": (order.declined_at + later).isoformat(),
            "amount": order.amount,
            "currency": order.currency,
            **result,
        },
        "payer": {"id": order.customer_id, "email": f"{order.order_id}@example.test"},
        "paymentMethod": holder | method,
    }
