"""A token service's notices at the inbound door: a bell, after which the service is asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.cards.rules.token_notices import TOKEN_NOTICES
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kit.edge.entry import Entry
from recoup.main.app import _no_path, refuse
from recoup.networks.magic import script_card
from recoup.networks.magic_serials import REFRESHED
from recoup.notices.api.signed import routes
from recoup.notices.rules import SIGNALS
from recoup.outside.inbound import signed
from recoup.processors.gateways.sandbox.tokens import SandboxTokens, TokenChange
from recoup.processors.gateways.token_service import UNKNOWN, TokenAnswer, TokenInquiry
from recoup.rescue.flows.due import start
from recoup.routes.flows.signed_notices import signing_key
from recoup.switches.flows.card_switches import set_card_switches

PATH = "/inbound/sandbox/network-tokens"
COUNTS = "SELECT coalesce(jsonb_object_agg(became, count), '{}') FROM processor_notice_counts"
STATE = "SELECT state FROM network_tokens"
EXPIRES = (
    "SELECT exp_year FROM vault WHERE token_id IN (SELECT network_token_id FROM network_tokens)"
)


class Ground:
    def __init__(self, shop: Shop, client: httpx.AsyncClient, service: SandboxTokens) -> None:
        self.shop, self.client, self.service = shop, client, service

    async def made(self, serial: int = 1) -> UUID:
        """A token."""
        order_id = await self.shop.admit(pan=script_card("visa", "51", 2, serial), code="51")
        await start(self.shop.orders, self.shop.key(order_id))
        await self.shop.run_due()
        found: UUID = await self.shop.value("SELECT network_token_id FROM network_tokens")
        return found

    async def post(
        self, token_id: object, *, key: bytes | None = None, late: int = 0, **said: Any
    ) -> httpx.Response:
        wall = self.shop.world.clocks.wall()
        known = {
            "noticeId": "n-1",
            "merchantId": str(self.shop.merchant_id),
            "tokenId": str(token_id),
        }
        body = json.dumps(known | said).encode()
        header = signed(
            key or signing_key(self.shop.world, TOKEN_NOTICES, "sandbox"),
            body,
            wall - timedelta(seconds=late),
        )
        headers = {"recoup-signature": header, "content-type": "application/json"}
        return await self.client.post(PATH, content=body, headers=headers)

    async def rung(self, token_id: UUID, change: TokenChange) -> str:
        assert await self.service.change(token_id, change)
        assert (await self.post(token_id)).status_code == 200
        await self.shop.run_due()
        return str(await self.shop.value(STATE))


Tell = Callable[[Ground], Awaitable[None]]


def story(server: ServerAddress, tell: Tell) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await set_card_switches(shop.world, shop.scope, {"network_tokens": True})
            app = Starlette(routes=routes(shop.world, shop.orders))
            app.router.default = _no_path
            typed: Any = Entry(app, refuse)  # type: ignore[arg-type]
            transport = httpx.ASGITransport(app=typed, client=("192.0.2.9", 4000))
            service: Any = shop.world.token_services["sandbox"]
            async with httpx.AsyncClient(
                transport=transport, base_url="http://door.test"
            ) as client:
                await tell(Ground(shop, client, service))
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())


def test_a_token_is_suspended_resumed_refreshed_and_deleted(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        token_id = await on.made()
        assert await on.shop.value(STATE) == "active"
        year = await on.shop.value(EXPIRES)
        assert await on.rung(token_id, "suspend") == "suspended"
        assert await on.rung(token_id, "resume") == "active"
        assert await on.rung(token_id, "refresh") == "active"
        assert await on.shop.value(EXPIRES) == year + 4
        assert await on.rung(token_id, "delete") == "deleted"
        assert await on.shop.value(COUNTS) == {"taken": 4}

    story(server, tell)


def test_the_documented_card_is_refreshed(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        token_id = await on.made(REFRESHED)
        year = await on.shop.value(EXPIRES)
        assert (await on.post(token_id)).json() == {"noticeId": "n-1", "status": "received"}
        await on.shop.run_due()
        assert await on.shop.value(EXPIRES) == year + 4

    story(server, tell)


def test_yesterdays_notice_changes_nothing(server: ServerAddress) -> None:
    """What it says is not read: the service says how the token stands now. One that is deleted
    stays so."""

    async def tell(on: Ground) -> None:
        token_id = await on.made()
        for _ in range(3):
            assert (await on.post(token_id, state="deleted", expYear=2020)).status_code == 200
            await on.shop.run_due()
        assert await on.shop.value(STATE) == "active"
        assert await on.rung(token_id, "delete") == "deleted"
        change_world(on.shop.world, token_services={"sandbox": Lying("active")})
        assert (await on.post(token_id)).status_code == 200
        await on.shop.run_due()
        assert await on.shop.value(STATE) == "deleted"

    story(server, tell)


class Lying(SandboxTokens):
    def __init__(self, state: Any) -> None:
        self.state, self.asked = state, 0

    async def standing_of(self, inquiry: TokenInquiry) -> TokenAnswer:
        self.asked += 1
        return TokenAnswer(self.state) if self.state else UNKNOWN


def test_a_service_that_does_not_answer_is_asked_again_a_few_times(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        token_id, silent = await on.made(), Lying(None)
        change_world(on.shop.world, token_services={"sandbox": silent})
        await on.post(token_id)
        for _ in range(40):
            await on.shop.value(
                "UPDATE due_work SET lease_until = NULL WHERE kind = 'network_token' RETURNING 1"
            )
            await on.shop.run_due()
        assert silent.asked == 6
        assert await on.shop.value(STATE) == "active"
        assert (
            await on.shop.value("SELECT count(*) FROM due_work WHERE kind = 'network_token'") == 0
        )

    story(server, tell)


def test_a_token_that_is_not_known_or_another_merchants_is_counted_and_forgotten(
    server: ServerAddress,
) -> None:
    async def tell(on: Ground) -> None:
        token_id = await on.made()
        assert (await on.post(uuid4())).json()["status"] == "received"
        assert (await on.post(token_id, merchantId=str(uuid4()))).json()["status"] == "received"
        assert await on.shop.value(COUNTS) == {"not_ours": 2}
        assert (
            await on.shop.value("SELECT count(*) FROM due_work WHERE kind = 'network_token'") == 0
        )

    story(server, tell)


def test_what_is_not_signed_is_not_read(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        token_id = await on.made()
        assert (await on.post(token_id, late=400)).status_code == 401
        assert (await on.post(token_id, key=b"guess")).status_code == 401
        assert (
            await on.post(token_id, key=signing_key(on.shop.world, SIGNALS, "sandbox"))
        ).status_code == 401
        assert (await on.client.get(PATH)).status_code == 405
        assert (await on.post(token_id, noticeId="x" * 5_000)).status_code == 413
        other = await on.client.post(
            PATH.replace("sandbox", "none"),
            content=b"{}",
            headers={"content-type": "application/json"},
        )
        assert other.status_code == 404
        assert await on.shop.value(COUNTS) == {}

    story(server, tell)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"tokenId": "none"}, "tokenId"),
        ({"merchantId": 7}, "merchantId"),
        ({"noticeId": ""}, "noticeId"),
    ],
)
def test_a_field_that_is_not_as_it_must_be_is_named(
    server: ServerAddress, said: dict[str, Any], field: str
) -> None:
    async def tell(on: Ground) -> None:
        answer = await on.post(await on.made(), **said)
        assert answer.status_code == 400
        assert answer.json()["error"]["field"] == field

    story(server, tell)


def test_a_card_number_in_a_notice_is_refused(server: ServerAddress) -> None:
    async def tell(on: Ground) -> None:
        answer = await on.post(await on.made(), noticeId=script_card("visa", "51", 2))
        assert answer.status_code == 400
        assert script_card("visa", "51", 2) not in answer.text

    story(server, tell)
