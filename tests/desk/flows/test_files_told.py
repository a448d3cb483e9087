"""A file that was asked for is ready, or cannot be made: whoever asked is told, once, and nobody
else."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest
from tests.notifications.flows.test_kill_notifications import killed_everywhere
from tests.telling import arrived, go_round, kinds, person, told, with_people, work_alerts
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.flows import export_file
from recoup.desk.flows.exports import ExportQuery, ask_for_file, cancel_export, make_export
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.notifications.flows.notifications import choose
from recoup.notifications.rules.notification_words import words_of
from recoup.orders.store.due_work import Due
from recoup.people.flows.make_user import Membership

Story = Callable[[Shop, dict[str, UUID]], Awaitable[None]]


def run(server: ServerAddress, files: Path, story: Story) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            change_world(made[0], exports=files)
            shop = await make_shop(*made)
            await shop.admit()
            await story(shop, await with_people(shop))

    asyncio.run(inside())


async def asked(shop: Shop, user_id: UUID) -> UUID:
    key = new_id()
    wanted = ExportQuery(OrderFilter(shop.merchant_id), "placed", True, ("order_id",), "GMT")
    await ask_for_file(
        shop.world,
        shop.scope,
        user_id,
        key,
        wanted,
        form="csv",
        labels=["all"],
        file_name="orders.csv",
    )
    return key


def test_whoever_asked_is_told_with_the_way_to_it(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        key = await asked(shop, people["analyst"])
        await go_round(shop)
        [mine] = await told(shop)
        assert (mine["user_id"], mine["kind"], mine["mail_state"]) == (
            people["analyst"],
            "export",
            "sent",
        )
        words = words_of("export", mine["facts"])
        assert (words.title, words.path) == ("Your file is ready", f"/exports#file-{key}")
        assert words.lines[0].startswith("orders.csv, with 1 order. It is deleted on ")
        [mail] = await arrived(shop)
        assert mail["recipient"] == "analyst@staff.example"
        assert f"/notifications/{mine['notification_id']}" in mail["text"]

    run(server, tmp_path, story)


def test_a_refusal_is_told_with_its_reason(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        monkeypatch.setattr(export_file, "BYTES_MAX", 1)
        await asked(shop, people["owner"])
        await go_round(shop)
        [mine] = await told(shop)
        words = words_of("export", mine["facts"])
        assert words.title == "An export failed"
        assert "The file is larger than" in words.lines[0]

    run(server, tmp_path, story)


def test_who_called_it_off_switched_it_off_or_left_hears_nothing(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        key = await asked(shop, people["owner"])
        await cancel_export(shop.world, shop.merchant_id, people["owner"], key)
        await choose(shop.world, people["analyst"], shop.merchant_id, {"export": (False, False)})
        await asked(shop, people["analyst"])
        await asked(shop, people["stranger"])
        await go_round(shop)
        assert await shop.value("SELECT count(*) FROM exports WHERE state = 'ready'") == 2
        assert await told(shop) == []

    run(server, tmp_path, story)


def test_the_operators_people_hear_of_what_they_asked_for(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        analyst = await person(shop, "desk", Membership("operator", UUID(int=0), "analyst"))
        await asked(shop, analyst)
        await go_round(shop)
        assert (await kinds(shop, analyst), await kinds(shop, people["operator"])) == (
            ["export"],
            [],
        )

    run(server, tmp_path, story)


@pytest.mark.timeout(900)
def test_it_is_told_once_whatever_dies(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        async def begin() -> UUID:
            return await asked(shop, people["analyst"])

        async def act(world: World, key: UUID) -> None:
            await make_export(world, Due(shop.merchant_id, "export", key, 1))
            await work_alerts(world, shop.merchant_id)

        async def check(key: UUID) -> None:
            assert [row["facts"]["export_id"] for row in await told(shop)].count(str(key)) == 1
            assert {row["user_id"] for row in await told(shop)} == {people["analyst"]}
            assert not await shop.value(
                "SELECT count(*) FROM due_work WHERE kind IN ('alert', 'export')"
            )
            async with owner(shop.world) as connection:
                await connection.execute("UPDATE exports SET state = 'gone' WHERE state = 'ready'")

        await killed_everywhere(shop, begin, act, check, steps_min=6)

    run(server, tmp_path, story)
