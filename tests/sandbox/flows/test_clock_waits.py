"""A sandbox clock that cannot go on says what it waits for."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from tests.worlds import FUNDS_CARD, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.networks.magic import FAULT_CARDS
from recoup.sandbox.flows import advance_clock

QUICK = Policy(call_timeout=timedelta(seconds=0.3), settled_after=timedelta(seconds=0.1))
STATES = "SELECT array_agg(state) FROM attempts WHERE order_id = $1"
LATER = (
    "INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall) VALUES ($1, "
    "$2, $3, now() + interval '1 h', $4)"
)


def test_a_clock_that_waits_for_the_processors_answer_says_so(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the demo's shop, which has an attempt without an answer, named orders that need
    attention."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            monkeypatch.setattr(advance_clock, "SETTLE_SECONDS_MAX", 0.0)
            for message in ("One attempt has no answer", "2 attempts have no answer"):
                async with shop.world.db.transaction() as tx:
                    await tx.execute(LATER, shop.merchant_id, "inquire", new_id(), True)
                with pytest.raises(Problem, match=message) as refused:
                    await shop.advance(timedelta(hours=1))
                assert "Unknown outcomes" in refused.value.cure

    asyncio.run(story())


def test_the_first_press_on_the_clock_of_a_shop_with_an_unknown_outcome_moves_it(
    server: ServerAddress,
) -> None:
    """The demo's shop has a payment whose outcome is unknown for two days: its clock stood still
    for as long."""

    async def story() -> None:
        async with sandbox_world(server, policy=QUICK) as made:
            shop = await make_shop(*made)
            order_id = (
                await shop.ask(pan=FAULT_CARDS["visa"], units=80_013, days=None, code="91")
            ).order_id
            assert await shop.value(STATES, order_id) == ["unknown"]
            before = await shop.now()
            await shop.advance(timedelta(days=1))
            assert await shop.now() - before >= timedelta(days=1)
            assert await shop.value(STATES, order_id) == ["approved"]
            later = await shop.admit(pan=FAULT_CARDS["visa"], units=80_013)
            await shop.advance(timedelta(days=20))
            assert await shop.value(STATES, later) == ["approved"], "it was sent on the way"

    asyncio.run(story())


def test_a_clock_with_a_stride_moves_less_often(server: ServerAddress) -> None:
    """What falls due within a stride is sent at its end."""

    async def moves(stride: timedelta) -> tuple[list[datetime], int]:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            ids = [await shop.admit(pan=FUNDS_CARD) for _ in range(3)]
            seen: list[datetime] = []
            span = timedelta(days=24)
            await advance_clock.advance_clock(
                shop.world,
                shop.orders,
                shop.merchant_id,
                span,
                shop._publish,
                seen.append,
                stride=stride,
            )
            return seen, sum([len(await shop.value(STATES, one)) for one in ids])

    exact, sent = asyncio.run(moves(timedelta(0)))
    few, sent_too = asyncio.run(moves(timedelta(days=8)))
    assert len(few) <= 3 < len(exact)
    assert all(later - before >= timedelta(days=8) for before, later in pairwise(few[:-1]))
    assert sent >= sent_too > 3
