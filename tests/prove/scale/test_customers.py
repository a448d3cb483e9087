"""Customers at the checkout while the processor is slow, silent, doubled, late, unreadable or away:
every answer comes inside the deadline, and by the issuer's own book nobody pays for an order that
was answered declined.

Again: `pytest tests/prove/scale/test_customers.py --timeout=0 -s`
"""

import asyncio
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from typing import Any

import httpx
from tests.door import Caller, Door, evaluate_body, listening, opened_door

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import DECLINE_CARD, FAULT_CARDS, FAULTS

EACH = int(os.environ.get("PROVE_CUSTOMERS", "60"))
AT_ONCE = 48
_BOOK = """
SELECT s.order_id::text AS order_id FROM issuer.sends s WHERE decision = 'approved' AND NOT EXISTS (
  SELECT FROM issuer.reversals r WHERE r.charge_id = s.id AND r.decision = 'approved'
    AND r.kind IN ('refund', 'void'))
"""


def bodies(shop: Caller) -> list[dict[str, Any]]:
    """Every fault of both fault cards, and calm cards between them."""
    calm = [(APPROVE_CARDS[1], 4590), (APPROVE_CARDS[2], 4590), (DECLINE_CARD, 4590)]
    answered = [units for units, row in FAULTS.items() if row.fault != "mute"]
    kinds = [(card, units) for card in FAULT_CARDS.values() for units in answered] + calm
    return [
        evaluate_body(
            shop,
            isMIT=False,
            expiryDateUtc=None,
            customerIp="203.0.113.24",
            paymentMethod__cardNumber=card,
            paymentMethod__verificationValue="123",
            transaction__amount=units,
        )
        for _ in range(EACH)
        for card, units in kinds
    ]


async def ask_all(
    url: str, headers: dict[str, str], asked: list[dict[str, Any]]
) -> list[tuple[str, str, float]]:
    """(order, what was answered, seconds) of each call."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=30) as client:

        async def one(body: dict[str, Any]) -> tuple[str, str, float]:
            async with gate:
                begun = time.monotonic()
                answer = await client.post(url, json=body, headers=headers)
                took = time.monotonic() - begun
            assert answer.status_code == 200, answer.text
            return answer.json()["orderId"], answer.json()["status"], took

        return list(await asyncio.gather(*(one(body) for body in asked)))


def customers(*given: Any) -> list[tuple[str, str, float]]:
    """In a process of their own, so that they do not wait for each other where the server works."""
    return asyncio.run(ask_all(*given))


async def served(
    door: Door, shop: Caller, asked: list[dict[str, Any]]
) -> list[tuple[str, str, float]]:
    async with listening(door.app) as port:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            url = f"http://127.0.0.1:{port}/v1/evaluate"
            told = await asyncio.get_running_loop().run_in_executor(
                pool, customers, url, shop.headers, asked
            )
    await shop.shop.settle(120)
    return told


def test_every_customer_is_answered_in_time_and_none_pays_for_a_no(server: ServerAddress) -> None:
    with opened_door(server) as door:
        shop = door.shop()
        deadline = door.world.policy.cit_deadline.total_seconds()
        answers = door.run(served(door, shop, bodies(shop)))
        told, took = (
            {order: word for order, word, _ in answers},
            [seconds for *_, seconds in answers],
        )
        kept = {row["order_id"] for row in door.sql(_BOOK)}
        late = sum(1 for seconds in took if seconds > deadline)
        words = ", ".join(
            f"{word} {count}" for word, count in sorted(Counter(told.values()).items())
        )
        print(
            f"\ncustomers: {len(took)} answers ({words}), "
            f"median {median(took):.3f} s, slowest {max(took):.3f} s of {deadline:g} s, {late} late"
        )
        assert set(told.values()) == {"APPROVED", "DECLINED"}
        assert {order for order, word in told.items() if word == "APPROVED"} == kept
        assert late == 0
        proved = door.run(verify(door.world))
        assert proved.difference is None, proved.difference
