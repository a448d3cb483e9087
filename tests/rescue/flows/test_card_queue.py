"""One card's orders go one after another: nine subscriptions of one card are not nine declines in a
minute."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from tests.absence import processor_away
from tests.rescue.flows.test_card_limits import PATIENT, sends, started, try_now
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.networks.magic import COUNTING_CARDS, Answer
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

CARD = COUNTING_CARDS[0]
ORDERS = 9
Story = Callable[[Shop], Awaitable[None]]


def run(server: ServerAddress, story: Story) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            await story(await make_shop(*made))

    asyncio.run(inside())


async def nine(shop: Shop) -> list[UUID]:
    return [
        await started(shop, CARD, units=4_600 + 100 * number, code="51", days=30)
        for number in range(ORDERS)
    ]


@pytest.mark.parametrize(("after", "paid"), [(99, 0), (1, ORDERS), (3, ORDERS)])
def test_nine_orders_of_one_card_are_tried_one_after_another(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, after: int, paid: int
) -> None:
    """`after` declines for lack of money the card has money again."""
    answered = 0

    def answer(self: SandboxProcessor, *_: object) -> Answer:
        nonlocal answered
        answered += 1
        return Answer(answered > after, "51")

    monkeypatch.setattr(SandboxProcessor, "_answer", answer)

    async def story(shop: Shop) -> None:
        orders = await nine(shop)
        await shop.advance(timedelta(days=29))
        stages = [(await shop.order(one))["stage"] for one in orders]
        assert stages.count("completed") == paid
        # Four or five pay days lie ahead, as the calendar has them.
        assert await sends(shop) in ([after + paid] if paid else [4, 5])

    run(server, story)


def test_a_decline_rests_the_card_for_the_others_and_says_so(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SandboxProcessor, "_answer", lambda *_: Answer(False, "51"))

    async def story(shop: Shop) -> None:
        first, second = (await nine(shop))[:2]
        assert await try_now(shop, first) == "declined"
        due = "SELECT due_at FROM attempts WHERE order_id = $1 AND state = 'planned'"
        before = await shop.value(due, second)
        await shop.value(
            "UPDATE attempts SET due_at = now() WHERE order_id = $1 AND state = 'planned'", second
        )
        await shop.value("UPDATE due_work SET due_at = now() WHERE subject_id = $1", second)
        await shop.run_due()
        assert await sends(shop) == 1
        assert await shop.value(due, second) >= before
        said = await shop.value(
            "SELECT reasons::text FROM decisions WHERE order_id = $1 ORDER BY decision_id DESC "
            "LIMIT 1",
            second,
        )
        assert "declined another of your orders with this card" in said

    run(server, story)


ALERTS = "SELECT jsonb_agg(facts ORDER BY created_at) FROM alerts WHERE kind = 'alike_amounts'"


@pytest.mark.parametrize(
    ("units", "told"),
    [
        ((4_590, 4_595), True),
        ((4_590, 4_590), False),
        ((4_590, 4_690), False),
        ((4_590, 4_689), True),
    ],
)
def test_amounts_that_differ_by_cents_on_one_card_are_told_once_a_week(
    server: ServerAddress, units: tuple[int, int], told: bool
) -> None:
    async def story(shop: Shop) -> None:
        orders = [await started(shop, CARD, units=each, code="51", days=30) for each in units]
        facts = await shop.value(ALERTS)
        assert bool(facts) is told
        if told:
            assert {facts[0]["units"], facts[0]["other_units"]} == set(units)
            assert facts[0]["order_id"] in map(str, orders)
            assert len(facts) == 1, "one a week"

    run(server, story)


def test_the_head_of_an_order_that_waits_for_another_s_answer_says_when_it_looks_again(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        first, second = (await nine(shop))[:2]
        with processor_away(monkeypatch, "charge"):
            assert await try_now(shop, first) == "unknown"
            before = await shop.value(
                "SELECT version FROM current_orders WHERE order_id = $1", second
            )
            await shop.value(
                "UPDATE attempts SET due_at = now() WHERE order_id = $1 AND state = 'planned'",
                second,
            )
            await shop.value("UPDATE due_work SET due_at = now() WHERE subject_id = $1", second)
            await shop.run_due()
        planned = "SELECT due_at FROM attempts WHERE order_id = $1 AND state = 'planned'"
        shown = "SELECT next_attempt_at FROM order_heads WHERE order_id = $1"
        assert (
            await shop.value("SELECT version FROM current_orders WHERE order_id = $1", second)
            == before
        ), "it waits"
        assert await shop.value(shown, second) == await shop.value(planned, second)

    run(server, story)
