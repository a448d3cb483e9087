"""A network's signals at the inbound door: signed evidence, by which a planned attempt may be made
now."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from tests.rescue.flows.test_card_limits import PATIENT, try_now
from tests.rings import each
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.disputes.flows.receive import notice_key
from recoup.insight.flows.verify import verify
from recoup.kernel.time import WallTime
from recoup.kit.edge.entry import Entry
from recoup.main.app import _no_path, refuse
from recoup.networks.magic import COUNTING_CARDS
from recoup.notices.api.signed import routes
from recoup.notices.rules import SIGNALS
from recoup.outside.inbound import signed
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.sandbox.methods import account_reference_of
from recoup.rescue.flows.due import start
from recoup.routes.flows.signed_notices import signing_key

PATH = "/inbound/sandbox/signals"
METHOD = "pm_card_counting_visa"
COUNTS = "SELECT coalesce(jsonb_object_agg(became, count), '{}') FROM processor_notice_counts"
DECIDED = (
    "SELECT count(*) FROM decisions WHERE order_id = $1 AND versions ->> 'decider' = 'signal-1'"
)
SENT = "SELECT count(*) FROM attempts WHERE order_id = $1 AND state <> 'planned'"


class Ground:
    def __init__(self, shop: Shop, client: httpx.AsyncClient) -> None:
        self.shop, self.client = shop, client

    async def post(self, *, key: bytes | None = None, late: int = 0, **said: Any) -> httpx.Response:
        wall = self.shop.world.clocks.wall()
        body = json.dumps({"signalId": "s-1", "approvedAt": wall.isoformat()} | said).encode()
        header = signed(
            key or signing_key(self.shop.world, SIGNALS, "sandbox"),
            body,
            wall - timedelta(seconds=late),
        )
        headers = {"recoup-signature": header, "content-type": "application/json"}
        return await self.client.post(PATH, content=body, headers=headers)

    async def waiting(self, **more: Any) -> UUID:
        """An order with an attempt planned for a later day, two hours after its decline, by day at
        its card holder."""
        hour = (await self.shop.now()).hour
        method: dict[str, Any] = {"pan": None, "method": Stored("sandbox", METHOD)}
        order_id = await self.shop.admit(
            **method | {"facts": {"utc_offset": (12 - hour) * 60}} | more
        )
        await start(self.shop.orders, self.shop.key(order_id))
        await self.shop.advance(timedelta(hours=2))
        assert not await self.sent(order_id)
        return order_id

    async def sent(self, order_id: UUID) -> int:
        await self.shop.run_due()
        return int(await self.shop.value(SENT, order_id))

    async def counts(self) -> Any:
        return await self.shop.value(COUNTS)


Tell = Callable[[Ground], Awaitable[None]]


def story(server: ServerAddress, tell: Tell, **policy: Any) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=replace(PATIENT, **policy)) as made:
            shop = await make_shop(*made)
            app = Starlette(routes=routes(shop.world, shop.orders))
            app.router.default = _no_path
            typed: Any = Entry(app, refuse)  # type: ignore[arg-type]
            transport = httpx.ASGITransport(app=typed, client=("192.0.2.9", 4000))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://door.test"
            ) as client:
                await tell(Ground(shop, client))
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())


NAMES: dict[str, dict[str, Any]] = {
    "method": {"method": METHOD},
    "account": {"accountReference": account_reference_of(next(iter(COUNTING_CARDS)))},
}


@pytest.mark.parametrize("named", NAMES.values(), ids=NAMES)
def test_a_planned_attempt_is_made_now_and_a_signal_twice_makes_it_once(
    server: ServerAddress, named: dict[str, Any]
) -> None:
    async def tell(on: Ground) -> None:
        order_id = await on.waiting()
        for _ in range(3):
            answer = await on.post(**named)
            assert (answer.status_code, answer.json()) == (
                200,
                {"signalId": "s-1", "status": "received"},
            )
        assert await on.sent(order_id) == 1
        assert await on.shop.value(DECIDED, order_id) == 1
        assert await on.counts() == {"taken": 1, "repeated": 2}
        await on.post(**named)  # its answer is newer than any gap allows
        assert await on.sent(order_id) == 1

    story(server, tell)


def test_a_card_that_is_not_held_is_counted_and_forgotten(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        order_id = await on.waiting()
        for other in (
            {"accountReference": "Q" * 29},
            {"fingerprint": "nobody"},
            {"method": "pm_card_visa_51_07"},
        ):
            answer = await on.post(**other)
            assert (answer.status_code, answer.json()["status"]) == (200, "received")
        assert await on.counts() == {"not_ours": 3}
        assert not await on.sent(order_id)

    story(server, tell)


def test_what_is_not_signed_is_not_read(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        order_id = await on.waiting()
        assert (await on.post(method=METHOD, late=400)).status_code == 401
        assert (await on.post(method=METHOD, key=b"guess")).status_code == 401
        assert (
            await on.post(method=METHOD, key=notice_key(on.shop.world, "sandbox"))
        ).status_code == 401
        assert (
            await on.client.post(PATH, content=b"{}", headers={"content-type": "application/json"})
        ).status_code == 401
        assert (await on.client.get(PATH)).status_code == 405
        assert (await on.post(signalId="x" * 5_000)).status_code == 413
        assert await on.counts() == {}
        assert not await on.sent(order_id)

    story(server, tell)


@each(
    ("said", "field"),
    [
        ({}, "accountReference"),
        ({"accountReference": "short"}, "accountReference"),
        ({"method": "a b"}, "method"),
        ({"method": METHOD, "approvedAt": "yesterday"}, "approvedAt"),
        ({"method": METHOD, "approvedAt": "0001-01-01T00:00:00+00:00"}, "approvedAt"),
        ({"method": METHOD, "signalId": ""}, "signalId"),
    ],
)
def test_a_field_that_is_wrong_is_named(
    server: ServerAddress, said: dict[str, Any], field: str
) -> None:
    async def tell(on: Ground) -> None:
        answer = await on.post(**said)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)

    story(server, tell)


def test_a_card_number_is_refused(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        answer = await on.post(method=next(iter(COUNTING_CARDS)))
        assert answer.status_code == 400
        assert next(iter(COUNTING_CARDS)) not in answer.text

    story(server, tell, magic_inputs=True)


def test_an_old_approval_and_one_before_the_decline_change_nothing(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        order_id = await on.waiting()
        for hours in (1.1, 3, 900):
            old = WallTime(on.shop.world.clocks.wall() - timedelta(hours=hours))
            assert (await on.post(method=METHOD, approvedAt=old.isoformat())).status_code == 200
        assert not await on.sent(order_id)
        assert not await on.shop.value(DECIDED, order_id)

    story(server, tell)


def test_no_limit_gives_way_to_a_signal(server: ServerAddress) -> None:
    """The card has had all the sends that its network takes in 30 days."""

    async def tell(on: Ground) -> None:
        order_id = await on.waiting()
        while await try_now(on.shop, order_id) == "declined":
            pass
        before = await on.sent(order_id)
        await on.shop.advance(timedelta(hours=2))
        await on.post(method=METHOD)
        assert await on.sent(order_id) == before
        assert not await on.shop.value(DECIDED, order_id)

    story(server, tell, visa_limit=4)
