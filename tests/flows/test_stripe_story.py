"""A rescue by Stripe over HTTP, whose stand-in loses answers and calls while our process is killed between them."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from tests.flows.test_card_limits import POLICY, plan_now, started
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.flows.cards import send
from recoup.flows.cards.send import send_attempt
from recoup.flows.insight.verify import verify
from recoup.flows.refunds.refund import RefundRequest, refund
from recoup.gateways.cards.credential import Stored
from recoup.gateways.cards.stripe import charges
from recoup.gateways.cards.stripe.connector import Stripe
from recoup.lab.processors.faults import Faults
from recoup.lab.processors.stripe.server import KEY, StandIn
from recoup.rules.network.magic import script_card
from recoup.store.server import ServerAddress

ORDERS = 24
SEED = 7
UNKNOWN = "SELECT count(*) FROM attempts WHERE state IN ('open', 'unknown')"
OWED = "SELECT count(*) FROM modifications WHERE state IN ('owed', 'sent')"


def test_the_vendors_book_and_ours_agree_to_the_unit(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(charges, "CANCEL_AFTER", timedelta(seconds=0.5))
    monkeypatch.setattr(Stripe, "settled_after", timedelta(seconds=0.5))
    draws = random.Random(SEED)

    async def story() -> None:
        faults = Faults(SEED)
        standin = await StandIn(tmp_path / "stripe.sqlite", faults=faults).start()
        customer = standin.account.make_customer({})["id"]
        method = standin.account.attach("pm_card_visa", {"customer": customer})["id"]
        monkeypatch.setattr(send, "open_card", lambda *_: Stored("stripe", method, customer, "visa"))
        monkeypatch.setattr(send, "_closed_card", lambda *_: Stored("stripe", method, customer, "visa"))
        stripe = Stripe(key=KEY, url=standin.url)
        async with sandbox_world(server, policy=POLICY) as made:
            own = dict(made[0].processors)
            shop = await make_shop(*made)
            change_world(made[0], processors={"stripe": stripe})
            for kind in ("lost", "never", "saved_500"):
                faults.add(kind, "POST", share=0.1, times=None)
            for number in range(ORDERS):
                order_id = await started(shop, script_card("visa", "51", 0, serial=number))
                await _killed(shop, order_id, standin, draws.randrange(1, 5))
            await _settled(shop, UNKNOWN)
            for order_id in await _paid(shop):
                await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="1.00"))
            await _settled(shop, OWED)
            await _compared(shop, standin)
            change_world(made[0], processors=own)
        await stripe.close()
        await standin.stop()

    asyncio.run(story())


async def _killed(shop: Shop, order_id: UUID, standin: StandIn, number: int) -> None:
    """The process that sends is gone once its call of this number has arrived."""
    await plan_now(shop, order_id)
    reached = len(standin.calls) + number
    sending = asyncio.ensure_future(send_attempt(shop.world, shop.orders, shop.key(order_id)))
    while not sending.done() and len(standin.calls) < reached:  # noqa: ASYNC110 - as soon as the call is there
        await asyncio.sleep(0.001)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def _settled(shop: Shop, waiting: str) -> None:
    for _ in range(200):
        await shop.run_due()
        if not await shop.value(waiting):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{await shop.value(waiting)} are not settled")


async def _paid(shop: Shop) -> list[UUID]:
    rows = await shop.value("SELECT array_agg(order_id) FROM attempts WHERE state = 'approved'")
    return list(rows or [])


async def _compared(shop: Shop, standin: StandIn) -> None:
    taken = Counter[str]()
    for one in standin.book.all("charge"):
        taken[one["metadata"]["recoup_id"]] += one["amount_captured"]
    ours = await shop.value("SELECT jsonb_object_agg(attempt_id, units) FROM attempts WHERE state = 'approved'")
    assert taken == Counter(ours), "one charge an attempt, and each of ours is theirs"
    assert len(taken) > ORDERS // 2
    back = {one["metadata"]["recoup_id"]: one["amount"] for one in standin.book.all("refund")}
    sent = await shop.value("SELECT jsonb_object_agg(coalesce(send_id, modification_id), units) FROM modifications")
    assert back == sent
    assert len(list(standin.book.all("refund"))) == len(back)
    assert (done := await verify(shop.world)).difference is None, done.difference
