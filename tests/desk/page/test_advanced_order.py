"""An order that was advanced: its page says what is still to be collected and when, and what a
refund would do."""

import asyncio
import html
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from tests.people.page.test_portal import order_path, visit
from tests.shop import Shop, drop_shop, make_shop

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.money import money

_ADVANCE = """
INSERT INTO advances (merchant_id, order_id, pan_id, asset, slot, units, due_units, state, policy,
  started_at,
  until)
SELECT merchant_id, order_id, coalesce(pan_id, order_id), asset, 0, units, units - 7, 'due',
  'collect-1', now(),
  now() + interval '30 days'
FROM orders WHERE order_id = $1
"""
_PLAN = """
INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, units,
  asset, initiator)
SELECT merchant_id, $2, order_id, 99, 'planned', 'collect', $3, units - 7, asset, 'merchant'
  FROM orders
WHERE order_id = $1
"""


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=40))
    asyncio.run(advance(made))
    yield made
    asyncio.run(drop_shop(server, made))


async def advance(shop: Shop) -> None:
    order_id, due_at = shop.stories["completed"].order_id, datetime.now(UTC) + timedelta(days=2)
    connection = await asyncpg.connect(shop.dsn)
    try:
        await connection.execute(_ADVANCE, order_id)
        await connection.execute(_PLAN, order_id, new_id(), due_at)
        await connection.execute(
            "UPDATE order_heads SET next_attempt_at = $2 WHERE order_id = $1", order_id, due_at
        )
    finally:
        await connection.close()


def names_in(value: Any) -> Iterator[str]:
    """Every name of a JSON value, at any depth."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    yield from value if isinstance(value, dict) else ()
    for part in inside:
        yield from names_in(part)


def test_the_page_says_what_is_still_to_be_collected(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        story = shop.stories["completed"]
        page = html.unescape((await client.get(order_path(shop, "completed"))).text)
        left = f"{money(story.units - 7, story.asset)} {story.asset}"
        assert "Advanced, to be collected" in page
        assert f"{left}, next attempt" in page
        assert "The operator bears the risk" in page
        told = json.loads((await client.get(order_path(shop, "completed") + ".json")).text)
        assert not {"payer_id", "pan_id", "slot"} & set(told["advance"])
        inner = {"pan_id", "slot", "token_id", "input_mac", "send_key", "piece_of"}
        refunds = 0
        for name in shop.stories:
            told = json.loads((await client.get(order_path(shop, name) + ".json")).text)
            assert not inner & {*names_in(told)}, name
            refunds += len(told["modifications"])
            assert all({"page_no", "position"} <= posting.keys() for posting in told["postings"])
        assert refunds, "what may carry them"

    visit(shop, work)


def test_the_review_of_a_refund_says_that_less_is_charged(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        story = shop.stories["completed"]
        amount = {"JPY": "7", "KWD": "0.007"}.get(story.asset, "0.07")
        review = await client.get(
            order_path(shop, "completed") + "/refund", params={"how": "amount", "amount": amount}
        )
        left = f"{money(story.units - 14, story.asset)} {story.asset}"
        assert f"The customer was not charged yet: they will be charged {left}." in html.unescape(
            review.text
        )

    visit(shop, work)
