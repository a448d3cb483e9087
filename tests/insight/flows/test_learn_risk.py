"""The risk check learns from what became of the payments that it judged, and decides by what it
learned only where that judges later payments no worse."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.risk.flows.test_risk import ask, decision_of
from tests.risk_history import Judged, judge
from tests.worlds import POLICY, Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.learn_risk import (
    gather_outcomes,
    learn_risk,
    train_risk,
    train_risk_nightly,
)
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.risk.flows.risk_versions import risk_in_use, risk_versions, use_risk_version
from recoup.risk.rules.weights import PRIOR

ANNA = Actor("operator", "anna")


def run(
    server: ServerAddress, story: Callable[[Shop], Awaitable[None]], mode: str = "take"
) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=replace(POLICY, risk_training=mode)) as made:
            change_world(made[0], trainer=lambda _: train_risk(made[0]))
            shop = await make_shop(*made)
            await story(shop)

    asyncio.run(inside())


def past(
    seed: int = 1,
    count: int = 3_000,
    sign: str = "decline_funds",
    days: tuple[int, int] = (61, 200),
) -> list[Judged]:
    """One in thirty is fraud; here most of that is declined for lack of money, which the prior
    takes for harmless."""
    dice, found = random.Random(seed), []
    for _ in range(count):
        fraud = dice.random() < 1 / 30
        terms = ("avs_match", *((sign,) if dice.random() < (0.8 if fraud else 0.1) else ()))
        by = dice.choice(("dispute", "warning", "code"))
        found.append(Judged(terms, dice.uniform(*days), dice.uniform(1, 50) if fraud else None, by))
    return found


async def night(shop: Shop) -> int:
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE upkeep SET done_at = now() - interval '25 hours', lease_until = NULL WHERE "
            "task = 'risk training'"
        )
    return await train_risk_nightly(shop.world)


def test_after_a_night_it_decides_by_what_it_learned(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recoup.risk.flows.risk_check.KEEP_SECONDS", 0.0)

    async def story(shop: Shop) -> None:
        assert await train_risk_nightly(shop.world) == 0, (
            "a new installation trains in its first night"
        )
        await judge(shop, past())
        first = await ask(shop, avs="N")
        assert (await decision_of(shop, first.order_id))["features"]["weights"] == PRIOR.version
        assert await night(shop) == 1
        assert await train_risk_nightly(shop.world) == 0, "once a night"
        made = await risk_in_use(shop.world)
        assert made is not None
        assert (made.version_no, made.compared_with, made.made_by) == (
            1,
            PRIOR.version,
            "worker:training",
        )
        assert made.terms["decline_funds"] > 1_000 > PRIOR.terms["decline_funds"]
        assert made.score is not None
        assert made.score <= (made.compared_score or 0)
        later = await ask(shop, avs="N")
        kept = await decision_of(shop, later.order_id)
        assert kept["features"]["weights"] == made.name
        assert kept["features"]["held"]["avs_mismatch"] == made.terms["avs_mismatch"]
        assert await night(shop) == 1
        assert len(await risk_versions(shop.world)) == 1, "the same payments make no second version"

    run(server, story)


def test_each_way_of_reporting_counts_and_none_before_its_time(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        kinds = [Judged((by,), 100, 30, by) for by in ("dispute", "warning", "code")]
        late, young = Judged(("late",), 100, 61), Judged(("young",), 59, 1)
        unpaid = Judged(("unpaid",), 100, None, paid=False)
        await judge(shop, [*kinds, late, young, unpaid, Judged(("base_only",), 100)])
        found = {one.terms: one.fraud for one in (await gather_outcomes(shop.world)).payments}
        assert found == {
            ("dispute",): True,
            ("warning",): True,
            ("code",): True,
            ("late",): False,
            ("base_only",): False,
        }

    run(server, story)


def test_what_is_worse_later_is_kept_and_not_used(server: ServerAddress) -> None:
    """A sign that meant fraud until the held-out time, and means nothing in it."""

    async def story(shop: Shop) -> None:
        before = past(1, 3_000, days=(92, 200))
        dice = random.Random(5)
        after = [
            Judged(
                ("decline_funds",) if dice.random() < 0.8 else (),
                dice.uniform(61, 88),
                9 if n % 60 == 0 else None,
            )
            for n in range(1_500)
        ]
        await judge(shop, before + after)
        found = await learn_risk(shop.world, ANNA)
        assert (found.used, found.version) == (False, 1)
        assert await risk_in_use(shop.world) is None

    run(server, story)


def test_a_candidate_waits_for_the_operator(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await judge(shop, past())
        await train_risk_nightly(shop.world)
        await night(shop)
        (row,) = await risk_versions(shop.world)
        assert not row.used
        assert (await use_risk_version(shop.world, 1, ANNA)).version_no == 2
        used = await risk_in_use(shop.world)
        assert used is not None
        assert (used.name, used.made_by) == (row.name, "operator:anna")
        with pytest.raises(Problem, match="already in use"):
            await use_risk_version(shop.world, 1, ANNA)
        assert (await use_risk_version(shop.world, 0, ANNA)).name == PRIOR.version
        with pytest.raises(Problem, match="no version 9"):
            await use_risk_version(shop.world, 9, ANNA)
        assert [one.version_no for one in await risk_versions(shop.world)] == [3, 2, 1]

    run(server, story, "candidate")


def test_too_little_changes_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        assert (await learn_risk(shop.world, ANNA)).missing
        await judge(shop, past(count=300))
        found = await learn_risk(shop.world, ANNA)
        assert "of at least 30" in found.missing
        assert not await risk_versions(shop.world)

    run(server, story)


def test_a_process_that_dies_in_the_night_costs_one_lease(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await train_risk_nightly(shop.world)
        await judge(shop, past())

        async def dies(_: str) -> dict[str, object]:
            raise RuntimeError

        change_world(shop.world, trainer=dies)
        with pytest.raises(RuntimeError):
            await night(shop)
        assert await train_risk_nightly(shop.world) == 0, "its lease holds"
        assert not await risk_versions(shop.world)

    run(server, story)


def test_damaged_weights_decide_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await judge(shop, past())
        await learn_risk(shop.world, ANNA)
        async with owner(shop.world) as connection:
            await connection.execute(
                """UPDATE risk_weights SET terms = terms || '{"avs_mismatch": -6000}'"""
            )
        word = await ask(shop, avs="N")
        assert (await decision_of(shop, word.order_id))["features"]["weights"] == PRIOR.version

    run(server, story)


def test_decisions_by_learned_weights_are_proved_again(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await judge(shop, past())
        assert (await learn_risk(shop.world, ANNA)).used
        async with owner(shop.world) as connection:
            for table in ("decisions", "attempts", "disputes", "fraud_warnings"):  # of no orders
                await connection.execute(
                    f"SET session_replication_role = replica; DELETE FROM {table}"
                )
        word = await ask(shop, avs="N")
        assert (await decision_of(shop, word.order_id))["features"]["weights"] != PRIOR.version
        proved = await verify(shop.world)
        assert proved.difference is None, proved.difference

    run(server, story)
