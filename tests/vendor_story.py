"""A rescue by a vendor's connector over HTTP, whose stand-in loses answers and calls while our
process is killed between them: declined, tried again, approved, refunded, and their book compared
with ours."""

import asyncio
import csv
import io
import random
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.comparing import person
from tests.rescue.flows.test_card_limits import POLICY, plan_now, started
from tests.rings import proving
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.bank.rules.reading import Reading
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.time import iso
from recoup.networks.magic import script_card
from recoup.processors.gateways.connector import is_connector
from recoup.processors.gateways.credential import Stored
from recoup.reconciliation.flows.reconcile import File, reconcile
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows import charge
from recoup.rescue.flows.send import send_attempt
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.serving import Serving

ORDERS, DECLINED = (24, 12) if proving == "connectors" else (10, 6)  # so many are declined first
SEED = 7
UNKNOWN = "SELECT count(*) FROM attempts WHERE state IN ('open', 'unknown')"
OWED = "SELECT count(*) FROM modifications WHERE state IN ('owed', 'sent')"
TAKEN = "SELECT jsonb_object_agg(key, units) FROM attempts WHERE state = 'approved'"
BACK = "SELECT jsonb_object_agg(coalesce(send_key, key), units) FROM modifications"


class Vendor(ABC):
    """`kinds`: the faults that a tenth of the calls meet; `calls`: how many a charge makes, at
    most."""

    name: str
    kinds: tuple[str, ...] = ("lost", "never", "saved_500")
    on = "POST"
    calls = 4
    standin: Serving

    @abstractmethod
    async def start(self, folder: Path, faults: Faults) -> None: ...

    @abstractmethod
    def connector(self) -> Any: ...

    @abstractmethod
    def method(self, *, declines: bool) -> Stored: ...

    @abstractmethod
    def taken(self) -> Counter[str]:
        """Our id -> units, of every charge in their book that took money."""

    @abstractmethod
    def given_back(self) -> list[tuple[str, int]]:
        """Our id and units of every refund."""

    @abstractmethod
    def settle(self) -> None:
        """Whatever is due there is done."""


def tell(
    vendor: Vendor, server: ServerAddress, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    draws = random.Random(SEED)

    async def story() -> None:
        faults = Faults(SEED)
        await vendor.start(folder, faults)
        connector = vendor.connector()
        async with AsyncExitStack() as ends, sandbox_world(server, policy=POLICY) as made:
            ends.push_async_callback(vendor.standin.stop)
            ends.push_async_callback(connector.close)
            own = dict(made[0].processors)
            shop = await make_shop(*made)
            change_world(made[0], processors={vendor.name: connector})
            whole, *orders = [
                await started(shop, script_card("visa", "51", 0, serial=one))
                for one in range(ORDERS)
            ]
            for declines in (True, False):  # one whose answers arrive, whatever the others meet
                _charged_with(monkeypatch, {whole: vendor.method(declines=declines)})
                await plan_now(shop, whole)
                await send_attempt(shop.world, shop.orders, shop.key(whole))
                await _settled(shop, UNKNOWN)
            for kind in vendor.kinds:
                faults.add(kind, vendor.on, share=0.1, times=None)
            _charged_with(
                monkeypatch, {one: vendor.method(declines=True) for one in (whole, *orders)}
            )
            for order_id in orders[:DECLINED]:
                await _killed(shop, order_id, vendor, draws.randrange(1, vendor.calls + 1))
            await _settled(shop, UNKNOWN)
            _charged_with(
                monkeypatch, {one: vendor.method(declines=False) for one in (whole, *orders)}
            )
            for order_id in orders:
                await _killed(shop, order_id, vendor, draws.randrange(1, vendor.calls + 1))
            await _settled(shop, UNKNOWN)
            vendor.settle()
            for order_id in await _paid(shop):
                await refund(
                    shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="1.00")
                )
            await _settled(shop, OWED)
            vendor.settle()
            faults.left.clear()
            await _compared(shop, vendor)
            await _reconciled(shop, vendor, connector)
            change_world(made[0], processors=own)

    asyncio.run(story())


def _charged_with(monkeypatch: pytest.MonkeyPatch, stored: dict[UUID, Stored]) -> None:
    monkeypatch.setattr(charge, "open_card", lambda _world, order, *_: stored[order.order_id])
    monkeypatch.setattr(charge, "_closed_card", lambda order: stored[order.order_id])


async def _killed(shop: Shop, order_id: UUID, vendor: Vendor, number: int) -> None:
    """The process that sends is gone once its call of this number has arrived."""
    await plan_now(shop, order_id)
    reached = len(vendor.standin.calls) + number
    sending = asyncio.ensure_future(send_attempt(shop.world, shop.orders, shop.key(order_id)))
    # as soon as the call is there
    while not sending.done() and len(vendor.standin.calls) < reached:  # noqa: ASYNC110
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


async def _compared(shop: Shop, vendor: Vendor) -> None:
    ours = await shop.value(TAKEN)
    assert vendor.taken() == Counter(ours), "one charge an attempt, and each of ours is theirs"
    assert len(ours) > ORDERS // 2
    back = vendor.given_back()
    assert dict(back) == await shop.value(BACK)
    assert len(back) == len(dict(back)), "each went back once"
    declined = await shop.value(
        "SELECT count(DISTINCT order_id) FROM attempts WHERE state = 'declined'"
    )
    again = "SELECT count(DISTINCT order_id) FROM attempts a WHERE state = 'approved' AND EXISTS"
    again += " (SELECT 1 FROM attempts b WHERE b.order_id = a.order_id AND b.state = 'declined')"
    assert declined
    assert await shop.value(again)
    assert (done := await verify(shop.world)).difference is None, done.difference


async def _reconciled(shop: Shop, vendor: Vendor, connector: Any) -> None:
    """Their lines as a statement: each is one of ours, to 0.00; only fees are not booked yet."""
    assert is_connector(connector)
    now = shop.world.clocks.wall()
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("id", "reference", "type", "amount", "currency", "date", "route"))
    fees = 0
    async for page in connector.lines(now - timedelta(days=2), now + timedelta(days=2)):
        for line in page:
            fees += line.type == "fee"
            amount = to_text(line.units, EXPONENTS[line.currency])
            at = iso(max(line.at, now - timedelta(hours=12)))
            rows.writerow(
                (line.id or "", line.reference, line.type, amount, line.currency, at, vendor.name)
            )
    file = File("theirs.csv", io.BytesIO(out.getvalue().encode()))
    run = (await reconcile(shop.world, person(shop), file, Reading())).run
    counts = {name: count for name, count in run.counts.items() if count}
    matched = len(vendor.taken()) + len(vendor.given_back())
    assert counts == {"matched": matched} | ({"missing_here": fees} if fees else {})
