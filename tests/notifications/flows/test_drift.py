"""What the model expected of its attempts, against what came: told once for each model, to the
merchant's people."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from tests.engine.ground import evidence, model
from tests.telling import ROLES, arrived, go_round, kinds, told, with_people
from tests.worlds import FUNDS_CARD, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.flows import drift_of, watch_drift
from recoup.engine.learn.choices import keep, take
from recoup.engine.model import Model
from recoup.insight.flows.watch_rates import watch_rates
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor
from recoup.notifications.rules.drift import Counted
from recoup.notifications.rules.notification_words import words_of
from recoup.orders.moves.change import Change
from recoup.orders.rules.decision import Decision, Offered
from recoup.orders.rules.snapshot import Attempt
from recoup.rescue.flows.locked import Job

ANNA = Actor("operator", "anna")
FIRST, SECOND = model(), model(generic=0.3)
Story = Callable[[Shop, dict[str, UUID]], Awaitable[None]]


def run(server: ServerAddress, story: Story) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            people = await with_people(shop)
            for one in (FIRST, SECOND):
                await keep(shop.world, one, None, ANNA)
            await take(shop.world, FIRST.name, ANNA)
            await story(shop, people)

    asyncio.run(inside())


async def sent(
    shop: Shop,
    made: Model,
    count: int,
    approved: int,
    *,
    chance: float = 0.3,
    late: timedelta = timedelta(0),
) -> None:
    """Attempts that the model decided on, as the moves write them, in one order; so many were
    approved."""
    order_id = await shop.admit(pan=FUNDS_CARD)
    await shop.run_due()

    def work(change: Change) -> None:
        number = max(one.attempt_no for one in change.order.attempts)
        for nth in range(count):
            at = change.now - timedelta(days=1)
            offers = (
                Offered("within-36h", chance, "", at.isoformat(), chance, 1.0),
                Offered("stop", 0.0, "", None, 0.0, 0.0),
            )
            versions = {
                "decider": "engine-1",
                "policy": "engine-policy-1",
                "knowledge": "k",
                "model": made.name,
            }
            decision = Decision(
                "plan", (), "funds", ("a test",), ("engine_plan",), versions, offers, "within-36h"
            )
            decision_id = change.decide(decision, evidence().features())
            attempt = Attempt(
                new_id(),
                change.order.order_id,
                number + nth + 1,
                "planned",
                "funds",
                at,
                4590,
                "USD",
                "merchant",
            )
            change.set_attempt(
                attempt,
                state="approved" if nth < approved else "declined",
                sent_at=at + late,
                decision_id=decision_id,
            )

    await shop.orders.change(Job(shop.key(order_id), work))


async def an_hour_later(shop: Shop) -> None:
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE rescue_watches SET drift_checked_at = drift_checked_at - interval '1 hour'"
        )
    assert await watch_drift(shop.world) == await shop.value("SELECT count(*) FROM merchants")
    await go_round(shop)


def test_chances_that_hold_no_more_are_told_once_for_each_model(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await watch_rates(shop.world)
        await sent(shop, FIRST, 200, 62)
        assert await watch_drift(shop.world) > 0
        assert await watch_drift(shop.world) == 0, "once an hour"
        await go_round(shop)
        assert await told(shop) == [], "62 of 200 is what 0.3 says"
        await sent(shop, FIRST, 200, 10)
        await an_hour_later(shop)
        for role in ROLES:
            assert await kinds(shop, people[role]) == ["drift"]
        assert await kinds(shop, people["stranger"]) == []
        words = words_of("drift", (await told(shop))[0]["facts"])
        assert words.title == "The model expects more approvals than there are"
        assert (
            words.lines[0] == "Of 400 attempts in 28 days it expected 120 approvals; there were 72."
        )
        assert len(await arrived(shop)) == len(ROLES)
        await an_hour_later(shop)
        assert len(await told(shop)) == len(ROLES), "the same drift"
        await take(shop.world, SECOND.name, ANNA)
        await an_hour_later(shop)
        assert len(await told(shop)) == len(ROLES), "of the new model nothing is known yet"
        await sent(shop, SECOND, 150, 100)
        await an_hour_later(shop)
        assert len(await told(shop)) == 2 * len(ROLES)
        facts = [row["facts"] for row in await told(shop)][-1]
        assert words_of("drift", facts).title == "The model expects fewer approvals than there are"

    run(server, story)


def test_what_was_sent_at_another_hour_than_decided_says_nothing_of_the_chance(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await sent(shop, FIRST, 30, 10)
        await sent(shop, FIRST, 150, 150, late=timedelta(hours=4))
        await sent(shop, SECOND, 150, 150)
        drift = await drift_of(shop.world, FIRST.name)
        assert (drift.tries, round(drift.expected, 6), drift.approved, drift.verdict) == (
            30,
            9.0,
            10,
            "too_little",
        )
        assert (await drift_of(shop.world, "model-000000000000")).tries == 0

    run(server, story)


def test_without_a_model_nobody_is_looked_at(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, *_):
            assert await watch_drift(world) == 0

    asyncio.run(story())


def test_a_difference_that_chance_makes_is_no_drift() -> None:
    assert Counted(99, 50.0, 10.0, 0).verdict == "too_little"
    assert Counted(100, 30.0, 21.0, 30 + 18).verdict == "fits"
    assert Counted(100, 30.0, 21.0, 30 + 19).verdict == "drifted"
    assert Counted(100, 30.0, 21.0, 30 - 19).verdict == "drifted"
    assert Counted(100_000, 30_000.0, 21_000.0, 30_000 + 2_900).verdict == "fits", (
        "a difference that changes no plan"
    )
