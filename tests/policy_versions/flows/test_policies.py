"""A merchant's retry policy from the file to the send: the next plan obeys, each decision repeats
by its version."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from tests.engine.ground import model
from tests.worlds import FUNDS_CARD, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn.choices import keep, take
from recoup.insight.flows.explain import explain_order
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import LOWEST, new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.onboarding.flows.partners import make_partner
from recoup.policy_versions.flows.policies import (
    check_policy,
    go_back,
    read_standing,
    read_versions,
    save_policy,
)
from recoup.policy_versions.flows.policy_scopes import Where, where_of
from recoup.uplift.flows.arms import ArmsChange, set_arms

NIGHT = {"when": {"hours": ["07:00-22:00"]}}
ANNA = Actor("operator", "anna")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Row = Mapping[str, Any]


def run(
    server: ServerAddress, story: Callable[[Shop], Awaitable[None]], *, wrong: str = ""
) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await shop.to_day(20, 26)  # the next month is near, and not too near
            await story(shop)
            found = (await verify(made[0])).difference
            assert (found is None) is (not wrong), found
            assert not wrong or found is not None and wrong in found.field

    asyncio.run(inside())


async def own(shop: Shop) -> Where:
    return await where_of(shop.world, shop.merchant_id)


async def save(shop: Shop, lines: Any, where: Where | None = None, **more: Any) -> int:
    saved = await save_policy(
        shop.world, shop.scope, where or await own(shop), lines, "a reason", **more
    )
    return saved.number


async def decisions(shop: Shop, order_id: UUID) -> list[Row]:
    rows: list[Row] = await shop.world.db.fetch(
        "SELECT *, versions ->> 'policies' AS policies FROM decisions WHERE order_id = $1 ORDER BY "
        "decision_id",
        order_id,
    )
    return rows


def local(at: str | datetime, row: Row) -> datetime:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return moment.astimezone(timezone(timedelta(minutes=row["features"]["utc_offset"])))


def test_a_night_without_sends_is_obeyed_by_the_next_plan(server: ServerAddress) -> None:
    """Of the ladder; the debit's slot of 00:05 waits until the morning."""

    async def story(shop: Shop) -> None:
        before = await shop.admit(facts={"funding": "debit"}, pan=FUNDS_CARD)
        await shop.run_due()
        assert await save(shop, NIGHT) == 1
        after = await shop.admit(facts={"funding": "debit"}, pan=FUNDS_CARD)
        await shop.run_due()
        (old,), (new,) = await decisions(shop, before), await decisions(shop, after)
        assert (old["policies"], new["policies"]) == (None, "merchant/1")
        assert {local(at, old).strftime("%H:%M") for at in old["plan"]} == {"00:05"}
        assert {local(at, new).strftime("%H:%M") for at in new["plan"]} == {"07:00"}
        assert (
            "The retry policy forbids attempts from 22:00 to 07:00, cardholder’s local time."
            in new["reasons"]
        )
        kept = await shop.order(before)
        assert kept["next_attempt_at"].isoformat() == old["plan"][0], (
            "it keeps the version that it was planned under"
        )
        await shop.advance(kept["next_attempt_at"] - await shop.now() + HOUR)
        await shop.settle()
        *_, decided = await decisions(shop, before)
        assert decided["policies"] == "merchant/1", "until its next decision"
        page = await explain_order(shop.world, shop.merchant_id, after, LOWEST, 10)
        (one,) = page.explanations
        assert one.repeats is True
        (without,) = [found for found in one.what_ifs if found.about == "when.hours"]
        assert without.differs
        assert without.next_at is not None
        assert local(without.next_at, new).strftime("%H:%M") == "00:05"

    run(server, story)


def test_the_engine_decides_within_it_too(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        until = datetime.now(UTC).date() - DAY
        made = model(data_from=(until - 150 * DAY).isoformat(), data_until=until.isoformat())
        await keep(shop.world, made, None, ANNA)
        await take(shop.world, made.name, ANNA)
        await set_arms(
            shop.world, shop.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
        )
        shop.merchants.forget(shop.merchant_id)
        await save(shop, {"when": {"hours": ["03:00-04:00"], "gap": "30h"}, "tries": {"all": 3}})
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.advance(20 * DAY + 22 * HOUR)
        await shop.settle()
        rows = await decisions(shop, order_id)
        assert {row["policies"] for row in rows} == {"merchant/1"}
        assert {row["versions"]["decider"] for row in rows} == {"engine-1"}
        sent = await shop.world.db.fetch(
            "SELECT sent_at FROM attempts WHERE order_id = $1 AND state = 'declined'", order_id
        )
        times = [local(row["sent_at"], rows[0]) for row in sent]
        assert 1 <= len(times) <= 3
        assert {one.hour for one in times} == {3}
        assert all(
            after - before >= 30 * HOUR for before, after in zip(times, times[1:], strict=False)
        )

    run(server, story)


def test_a_version_that_is_gone_or_changed_is_found_by_verify(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await save(shop, NIGHT)
        await shop.admit(facts={"funding": "debit"})
        await shop.run_due()
        async with owner(shop.world) as connection:
            await connection.execute(
                'UPDATE policy_versions SET content = \'{"when": {"hours": ["09:00-10:00"]}}\''
            )

    run(server, story, wrong="plan of decision")


def test_the_application_cannot_overwrite_a_version(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await save(shop, NIGHT)
        for sql in (
            "UPDATE policy_versions SET number = 2",
            "DELETE FROM policy_versions",
            "DELETE FROM policy_bounds",
        ):
            with pytest.raises(Exception, match="permission denied"):
                await shop.world.db.execute(sql)

    run(server, story)


def test_scopes_lie_inside_each_other(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        world, partner_id = shop.world, new_id()
        await make_partner(world, partner_id, "Acme Pay")
        async with owner(world) as connection:
            await connection.execute("UPDATE merchants SET partner_id = $1", partner_id)
        operator, partner = await where_of(world), await where_of(world, partner_id=partner_id)
        site = await where_of(world, shop.merchant_id, site_id=shop.site_id)
        await save(shop, {"tries": {"all": 9, "funds": 5}, "when": {"gap": "3h"}}, operator)
        await save(shop, {"tries": {"funds": 4}}, partner)
        await save(shop, {"tries": {"funds": 3}}, await own(shop))
        await save(shop, {"when": {"hours": ["09:00-12:00"]}}, site)
        order_id = await shop.admit(pan=FUNDS_CARD, days=30)
        await shop.run_due()
        (row,) = await decisions(shop, order_id)
        assert (
            row["policies"] == f"operator/1 partner:{partner_id}/1 merchant/1 site:{shop.site_id}/1"
        )
        assert len(row["plan"]) == 3
        assert {local(at, row).hour for at in row["plan"]} == {9}
        standing = await read_standing(world, site)
        assert standing.wider is not None
        assert [part.scope for part in standing.wider.parts] == ["operator", "partner", "merchant"]
        checked = await check_policy(world, site, {"tries": {"funds": 4}, "when": {"gap": "1h"}})
        assert [one.line for one in checked.complaints] == ["when.gap", "tries.funds"] or {
            one.line for one in checked.complaints
        } == {"when.gap", "tries.funds"}
        await save(
            shop, {"tries": {"funds": 2}}, partner
        )  # narrower than what the merchant has set since
        later = await shop.admit(pan=FUNDS_CARD, days=30)
        await shop.run_due()
        (row,) = await decisions(shop, later)
        assert len(row["plan"]) == 2

    run(server, story)


def test_a_gap_that_a_site_relies_on_cannot_be_taken_away(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        site = await where_of(shop.world, shop.merchant_id, site_id=shop.site_id)
        await save(shop, {"when": {"gap": "145m"}})
        await save(shop, {"tries": {"all": 12}}, site)
        with pytest.raises(Problem, match="relies on it") as refused:
            await save(shop, {})
        assert refused.value.facts["nearest"].to_plain() == {"when": {"gap": "145m"}}
        await save(shop, {"tries": {"all": 5}})

    run(server, story)


def test_of_two_who_save_at_once_the_second_sees_what_the_first_did(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await save(shop, {"tries": {"soft": 3}}, seen=0)
        answers = await asyncio.gather(
            save(shop, {"tries": {"soft": 2}}, seen=1),
            save(shop, {"tries": {"soft": 4}}, seen=1),
            return_exceptions=True,
        )
        (problem,) = [one for one in answers if isinstance(one, Problem)]
        assert problem.code == "conflict"
        assert "Version 2 was saved meanwhile: tries.soft: 3 → " in problem.message
        assert [one.line for one in problem.facts["changes"]] == ["tries.soft"]
        assert len(await read_versions(shop.world, await own(shop), None, 50)) == 2

    run(server, story)


def test_back_returns_and_a_later_version_waits_for_its_time(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        where = await own(shop)
        with pytest.raises(Problem, match="no version before"):
            await go_back(shop.world, shop.scope, where, "too early")
        await save(shop, NIGHT)
        await save(shop, {"off": True})
        back = await go_back(shop.world, shop.scope, where, "off was wrong")
        assert (back.number, back.content) == (3, NIGHT)
        await save(shop, {"off": True}, from_at=await shop.now() + 2 * DAY)
        await save(shop, {"tries": {"soft": 1}}, from_at=await shop.now() + 3 * DAY)
        with pytest.raises(Problem, match="wait for their time"):
            await save(shop, {"tries": {"soft": 2}}, from_at=await shop.now() + 4 * DAY)
        with pytest.raises(Problem, match="in the past"):
            await save(shop, {"tries": {"soft": 2}}, from_at=await shop.now() - DAY)
        standing = await read_standing(shop.world, where)
        assert standing.in_force is not None
        assert (standing.number, standing.in_force.number) == (5, 3)
        found = []
        for _ in range(3):
            order_id = await shop.admit()
            await shop.run_due()
            found.append((await decisions(shop, order_id))[0]["policies"])
            await shop.advance(timedelta(days=1, hours=2))
        assert found == ["merchant/3", "merchant/3", "merchant/4"]
        again = await go_back(shop.world, shop.scope, where, "the first one", to=1)
        assert (again.number, again.content) == (6, NIGHT)
        assert (await save(shop, NIGHT)) == 6, "the same content is no new version"

    run(server, story)


def test_what_waits_for_its_time_holds_at_once_when_it_is_saved_again_without_one(
    server: ServerAddress,
) -> None:
    """Whoever switches off now, a week before it was to be, has it off now."""

    async def story(shop: Shop) -> None:
        where = await own(shop)
        assert await save(shop, {"off": True}, from_at=await shop.now() + 7 * DAY) == 1
        assert await save(shop, {"off": True}, from_at=await shop.now() + 8 * DAY) == 1, (
            "off by then"
        )
        assert await save(shop, {"off": True}) == 2
        standing = await read_standing(shop.world, where)
        assert standing.in_force is not None
        assert standing.in_force.number == 2
        assert await save(shop, {"off": True}, from_at=await shop.now() + 8 * DAY) == 2
        order_id = await shop.admit()
        await shop.run_due()
        assert (await decisions(shop, order_id))[0]["policies"] == "merchant/2"

    run(server, story)


def test_what_comes_late_waits_for_the_morning(server: ServerAddress) -> None:
    """The worker was down when the attempt was due; it comes at night."""

    async def story(shop: Shop) -> None:
        await save(shop, {"when": {"hours": ["09:00-10:00"]}})
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        (first,) = await decisions(shop, order_id)
        due = datetime.fromisoformat(first["plan"][0])
        late = due - await shop.now() + 5 * HOUR
        async with owner(shop.world) as connection:  # the clock goes on, and nobody works
            await connection.execute(
                "UPDATE merchants SET offset_us = offset_us + $1",
                int(late.total_seconds() * 1_000_000),
            )
        await shop.run_due()
        assert (
            await shop.value(
                "SELECT count(*) FROM attempts WHERE order_id = $1 AND sent_at IS NOT NULL",
                order_id,
            )
            == 0
        )
        *_, again = await decisions(shop, order_id)
        assert again["policies"] == "merchant/1"
        assert all(local(at, again).hour == 9 for at in again["plan"])
        assert (await shop.order(order_id))["next_attempt_at"].isoformat() == again["plan"][0]

    run(server, story)


def test_a_budget_is_counted_by_the_month(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await save(shop, {"budget": {"sends": 2}})
        for _ in range(4):
            await shop.admit(
                code="91",
                pan=FUNDS_CARD,
                decline={
                    "code": "91",
                    "source": "visa",
                    "text": "",
                    "advice": None,
                    "at": (await shop.now()).isoformat(),
                },
            )
        await shop.advance(2 * HOUR)
        await shop.settle()
        month = (await shop.now()).date().replace(day=1)
        sent = await shop.value("SELECT count(*) FROM attempts WHERE sent_at IS NOT NULL")
        assert (
            sent == 2 == await shop.value("SELECT sends FROM policy_sends WHERE month = $1", month)
        )
        waiting = await shop.value("SELECT min(due_at) FROM attempts WHERE state = 'planned'")
        assert (waiting.date() > month, waiting.day) == (True, 1)

    run(server, story)
