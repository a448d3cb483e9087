"""Orders whose arm is the engine's are decided by it, from the decline to the send; the others as
ever."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.engine.ground import model
from tests.worlds import FUNDS_CARD, Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn.choices import keep, take
from recoup.engine.model import Model
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.kernel.scope import Actor
from recoup.networks.magic import script_card
from recoup.uplift.flows.arms import ArmsChange, resume, set_arms, stop

POLICY = Policy(call_timeout=timedelta(seconds=2), settled_after=timedelta(seconds=0.2))
ANNA = Actor("operator", "anna")
ALL = ArmsChange("share", share=100, holdout=0, explore=0)
Row = Mapping[str, Any]


def learned(days_ago: int) -> Model:
    """Made from what was seen until so many days ago."""
    until = datetime.now(UTC).date() - timedelta(days=days_ago)
    return model(data_from=(until - timedelta(days=150)).isoformat(), data_until=until.isoformat())


MODEL = learned(1)


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            await keep(shop.world, MODEL, None, ANNA)
            await take(shop.world, MODEL.name, ANNA)
            await story(shop)
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())


async def set_to(shop: Shop, wanted: ArmsChange, site_id: UUID | None = None) -> None:
    await set_arms(shop.world, shop.scope, site_id, wanted)
    shop.merchants.forget(shop.merchant_id)


async def decisions(shop: Shop, order_id: UUID) -> list[Row]:
    rows: list[Row] = await shop.world.db.fetch(
        "SELECT *, versions ->> 'decider' AS decider, versions ->> 'model' AS model FROM decisions"
        " WHERE order_id = $1 ORDER BY decision_id",
        order_id,
    )
    return rows


def test_the_engine_decides_from_the_decline_to_the_send(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ALL)
        order_id = await shop.admit()
        await shop.run_due()
        order = await shop.order(order_id)
        (first,) = await decisions(shop, order_id)
        assert (order["arm"], first["decider"], first["model"]) == (
            "engine",
            "engine-1",
            MODEL.name,
        )
        assert first["plan"][0] == order["next_attempt_at"].isoformat()
        assert 0 < first["arm"]["chance"] < 1
        await shop.advance(order["next_attempt_at"] - await shop.now() + timedelta(minutes=1))
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"
        _, due = await decisions(shop, order_id)
        assert (due["verdict"], due["decider"], due["features"]["due_at"]) == (
            "attempt_now",
            "engine-1",
            order["next_attempt_at"].isoformat(),
        )
        sent = await shop.value("SELECT decision_id FROM attempts WHERE order_id = $1", order_id)
        assert sent == due["decision_id"]

    run(server, story)


def test_off_is_as_it_was(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit()
        await shop.run_due()
        (row,) = await decisions(shop, order_id)
        assert ((await shop.order(order_id))["arm"], row["decider"], row["arm"]) == (
            None,
            "decide-1",
            None,
        )
        assert "facts" not in row["features"]

    run(server, story)


def test_in_the_shadow_the_ladder_sends_and_both_are_kept(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ArmsChange("shadow"))
        order_id = await shop.admit()
        await shop.run_due()
        watched, done = await decisions(shop, order_id)
        assert [(row["decider"], row["arm"]["part"]) for row in (watched, done)] == [
            ("engine-1", "watches"),
            ("decide-1", "decides"),
        ]
        order = await shop.order(order_id)
        assert (order["arm"], order["next_attempt_at"].isoformat()) == ("shadow", done["plan"][0])
        assert any("the engine was in shadow mode" in reason for reason in done["reasons"])
        await shop.advance(timedelta(days=20))
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"
        assert len(await decisions(shop, order_id)) == 2, (
            "what the ladder planned is sent, and not asked about again"
        )

    run(server, story)


def test_an_order_keeps_its_arm_and_its_terms_when_the_settings_change(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, replace(ALL, explore=20))
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        await set_to(shop, ArmsChange("off", explore=0))
        assert (await shop.order(await shop.admit()))["arm"] is None
        await shop.advance(
            timedelta(days=20, hours=23)
        )  # on some days of a month the first try is planned so late
        await shop.settle()
        rows = await decisions(shop, order_id)
        assert len(rows) > 1, "some were made after the settings had changed"
        assert {row["decider"] for row in rows if row["arm"]} == {"engine-1"}
        assert {row["arm"]["explore"] for row in rows if row["arm"]} == {20}

    run(server, story)


def test_a_site_has_its_own_share_until_it_takes_the_merchants_again(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ArmsChange("share", share=100, holdout=0), shop.site_id)
        assert (await shop.order(await shop.admit()))["arm"] == "engine"
        await set_to(shop, ArmsChange("inherit"), shop.site_id)
        assert (await shop.order(await shop.admit()))["arm"] is None
        await set_to(shop, ArmsChange("shadow"))
        assert (await shop.order(await shop.admit()))["arm"] == "shadow"

    run(server, story)


def test_a_customer_is_always_in_the_same_arm(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ArmsChange("share", share=50, holdout=30))
        arms = set[str]()
        for who in range(100):
            more: dict[str, Any] = {"email": f"payer-{who}@example.test"}
            if who % 6 == 0:  # nobody is named: the card is the customer
                more = {"email": "", "pan": script_card("visa", "51", who)}
            found = {(await shop.order(await shop.admit(**more)))["arm"] for _ in range(2)}
            assert len(found) == 1
            arms |= found
            if who >= 11 and len(arms) > 1:  # ids are drawn: twelve may all be in one
                break
        assert arms <= {"engine", "holdout", "ladder"}
        assert len(arms) > 1

    run(server, story)


def test_a_stopped_engine_decides_nothing_more_not_even_what_it_planned(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ALL)
        planned, later = await shop.admit(), None
        await shop.run_due()
        due = (await shop.order(planned))["next_attempt_at"]
        assert await stop(shop.world, shop.scope, "odd approvals")
        later = await shop.admit()
        await shop.advance(due - await shop.now() + timedelta(minutes=1))
        await shop.settle()
        for order_id in (planned, later):
            row = (await decisions(shop, order_id))[-1]
            assert (row["decider"], row["arm"]["fallback"]) == ("decide-1", "stopped")
            assert any("The engine is stopped" in reason for reason in row["reasons"])
        assert await resume(shop.world, shop.scope)
        assert not await resume(shop.world, shop.scope)
        order_id = await shop.admit()
        await shop.run_due()
        assert [row["decider"] for row in await decisions(shop, order_id)] == ["engine-1"]

    run(server, story)


def test_without_a_model_the_ladder_decides_and_the_order_says_so(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ALL)
        old = learned(200)
        await keep(shop.world, old, None, ANNA)
        await take(shop.world, old.name, ANNA)
        order_id = await shop.admit()
        await shop.run_due()
        (row,) = await decisions(shop, order_id)
        assert (row["decider"], row["arm"]["fallback"], row["verdict"]) == (
            "decide-1",
            "model_stale",
            "plan",
        )
        told = await shop.value(
            "SELECT body FROM order_log WHERE order_id = $1 AND happening = 'planned'", order_id
        )
        assert "more than 90 days old" in json.dumps(told)

    run(server, story)


def test_a_caller_that_waits_is_answered_by_the_engine_too(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ALL)
        word = await shop.ask(days=None, code="05", pan=script_card("visa", "05", 1))
        rows = await decisions(shop, word.order_id)
        assert {row["decider"] for row in rows} == {"engine-1"}
        assert (await shop.order(word.order_id))["arm"] == "engine"

    run(server, story)
