"""What a processor says beside its codes: kept with the attempt, and by card for what comes next."""

import asyncio
from dataclasses import replace
from typing import Any

from tests.flows.test_card_limits import PATIENT, try_now
from tests.worlds import KEYRING, change_world, make_shop, sandbox_world

from recoup.flows.cards.due import start
from recoup.flows.insight.verify import verify
from recoup.gateways.cards.outcome import Outcome
from recoup.gateways.cards.port import Charge
from recoup.gateways.cards.sandbox.processor import SandboxProcessor
from recoup.rules.network.magic import script_card
from recoup.store.cards.card_results import CardRisk, processor_risks
from recoup.store.server import ServerAddress

SAID: dict[str, Any] = {
    "avs": "Y", "cvv": "M", "cavv": "2", "risk": "elevated", "risk_score": 61, "category": "issuer_declined",
    "auth_code": "A1B2C3", "processor_advice": "try_again_later",
}  # fmt: skip


class Saying(SandboxProcessor):
    said: dict[str, Any] = SAID

    async def charge(self, charge: Charge) -> Outcome:
        return replace(await super().charge(charge), **self.said)


def test_what_a_processor_says_beside_its_codes_is_kept(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as (world, orders, deliveries):
            own = dict(world.processors)
            processor = Saying(world.dsn, mac_key=KEYRING.mac("issuer", b"book"), acceptor_id="sandbox")
            change_world(world, processors={"sandbox": processor})
            shop = await make_shop(world, orders, deliveries)
            order_id = await shop.admit(pan=script_card("visa", "51", 1))
            key = shop.key(order_id)
            await start(orders, key)
            await try_now(shop, order_id)
            checks = (await orders.run(lambda change: change.order, key)).attempts[0].checks
            assert checks is not None
            wanted = {("advice" if name == "processor_advice" else name): value for name, value in SAID.items()}
            assert {name: getattr(checks, name) for name in wanted} == wanted
            assert checks.risk_level == "elevated"

            order = await orders.run(lambda change: change.order, key)
            assert order.pan_id is not None
            async with world.db.connection() as db:
                assert await processor_risks(db, order.merchant_id, [order.pan_id]) == [
                    CardRisk(order.pan_id, 61, "elevated", order.attempts[0].sent_at)
                ]
            assert (found := await verify(world)).difference is None, found.difference
            change_world(world, processors=own)
            await processor.close()

    asyncio.run(story())
