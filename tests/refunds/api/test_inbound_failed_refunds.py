"""A refund that Braintree or NMI made and took back: from the stand-in's signed notice to the case
on the desk."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from tests.rescue.flows.test_card_limits import PATIENT, plan_now, started
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.networks.magic import script_card
from recoup.notices.api.notices import routes
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows import charge
from recoup.rescue.flows.send import send_attempt
from recoup_lab.conformance.braintree import BraintreeSubject
from recoup_lab.conformance.nmi import NmiSubject

STATES = "SELECT array_agg(kind || ' ' || state ORDER BY modification_no) FROM modifications"
VENDORS: dict[str, Callable[[], Any]] = {"braintree": BraintreeSubject, "nmi": NmiSubject}


@dataclass
class Ground:
    shop: Shop
    subject: Any
    client: httpx.AsyncClient
    path: str
    posted: list[Any] = field(default_factory=list)

    async def given_back(self) -> UUID:
        order_id = await started(self.shop, script_card("visa", "51", 0))
        await plan_now(self.shop, order_id)
        await send_attempt(self.shop.world, self.shop.orders, self.shop.key(order_id))
        self.subject.standin.account.advance()
        await refund(
            self.shop.world,
            self.shop.orders,
            self.shop.scope,
            order_id,
            RefundRequest(amount="1.00"),
        )
        await self.shop.run_due()
        assert await self.shop.value(STATES) == ["refund done"]
        return order_id

    async def post(self, *, again: bool = False) -> int:
        """What the stand-in has made since, or what came last once more; and then the worker."""
        standin = self.subject.standin
        if not again:
            self.posted = [standin.signed_anew(one) for one in standin.notices()]
        for one in self.posted:
            answer = await self.client.post(self.path, content=one.body, headers=one.headers)
            assert answer.status_code == 200, answer.text
        await self.shop.run_due()
        return len(self.posted)


def story(
    server: ServerAddress,
    monkeypatch: pytest.MonkeyPatch,
    vendor: str,
    play: Callable[[Ground], Awaitable[None]],
) -> None:
    async def inside() -> None:
        subject: Any = VENDORS[vendor]()
        await subject.start()
        connector = subject.connector
        method = subject.credential("approved")
        monkeypatch.setattr(charge, "open_card", lambda *_: method)
        monkeypatch.setattr(charge, "_closed_card", lambda *_: method)
        async with sandbox_world(server, policy=PATIENT) as made:
            own = dict(made[0].processors)
            shop = await make_shop(*made)
            change_world(made[0], processors={vendor: connector})
            transport = httpx.ASGITransport(app=Starlette(routes=routes(shop.world, shop.orders)))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://door.test"
            ) as client:
                await play(Ground(shop, subject, client, f"/inbound/{vendor}/notices"))
            assert (await verify(shop.world)).difference is None
            change_world(made[0], processors=own)
        await subject.stop()

    asyncio.run(inside())


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_refund_that_fails_later_is_owed_again_once(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    async def play(on: Ground) -> None:
        order_id = await on.given_back()
        await on.post()
        assert (await on.shop.order(order_id))["attention"] is None
        on.subject.fail_last_refund()
        assert await on.post() == 1
        order = await on.shop.order(order_id)
        assert (order["stage"], order["attention"]) == ("completed", "refund_failed")
        assert await on.post(again=True) == 1
        assert await on.shop.value(STATES) == ["refund failed", "refund stuck"], "owed again, once"
        assert (await on.shop.happenings(order_id)).count("refund_failed") == 1

    story(server, monkeypatch, vendor, play)
