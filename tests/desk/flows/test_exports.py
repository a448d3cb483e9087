"""Files of long lists: a process dies between every two steps of making one, two make the same, one
is called off."""

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.left_processes import dying_process, kills, run_until_killed, second_process
from tests.rings import deep
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.partitions import ensure_partitions
from recoup.db.server import ServerAddress
from recoup.db.statement import Tx
from recoup.db.upkeep import retain
from recoup.desk.flows import export_file
from recoup.desk.flows import exports as making
from recoup.desk.flows.export_file import Parts
from recoup.desk.flows.exports import (
    ExportQuery,
    ask_for_file,
    cancel_export,
    fetch,
    forget_files,
    make_export,
    one_export,
)
from recoup.desk.flows.persons import erase_person, export_person, payer_ids
from recoup.desk.store import exports
from recoup.desk.store.exports import Export
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.orders.store.due_work import Due
from recoup.rescue.flows.run_due import DueWork

ORDERS = 25
COLUMNS = ("order_id", "placed", "amount")
USER = UUID(int=77)


def run(server: ServerAddress, files: Path, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            change_world(made[0], exports=files)
            shop = await make_shop(*made)
            for _ in range(ORDERS):
                await shop.admit()
            await story(shop)

    asyncio.run(tell())


async def asked(shop: Shop, form: str = "csv") -> UUID:
    key = new_id()
    wanted = ExportQuery(OrderFilter(shop.merchant_id), "placed", True, COLUMNS, "Europe/Berlin")
    await ask_for_file(
        shop.world,
        shop.scope,
        USER,
        key,
        wanted,
        form=form,
        labels=["all"],
        file_name=f"orders.{form}",
    )
    return key


def due_of(shop: Shop, key: UUID) -> Due:
    return Due(shop.merchant_id, "export", key, 1)


async def state_of(shop: Shop, key: UUID) -> Export:
    return await one_export(shop.world, shop.merchant_id, USER, key)


async def content(shop: Shop, key: UUID) -> list[dict[str, str]]:
    row = await state_of(shop, key)
    parts = [part async for part in await fetch(shop.world, shop.scope, row)]
    assert row.bytes_done == sum(map(len, parts))
    return list(csv.DictReader(io.StringIO(b"".join(parts).decode())))


async def runs(shop: Shop) -> set[UUID]:
    """Those of which there is a part."""
    async with owner(shop.world) as connection:
        rows = await connection.fetch("SELECT DISTINCT run_id FROM export_parts")
    return {row["run_id"] for row in rows}


async def waits(shop: Shop, key: UUID) -> int:
    async with owner(shop.world) as connection:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM due_work WHERE subject_id = $1", key
        )
        return found


@contextmanager
def beating(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every few rows it says how far it is, and keeps a part."""
    monkeypatch.setattr(making, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(Parts.flush, "__defaults__", (500,))
    monkeypatch.setattr(export_file, "PART_BYTES", 500)
    monkeypatch.setattr(exports, "AT_ONCE", 10)
    yield


@deep("kills")
@pytest.mark.timeout(600)
def test_a_kill_between_any_two_steps_leaves_a_file_that_is_made_anew(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        for killer in kills("export", least=5):
            key, where = await asked(shop), (killer.at, killer.after)
            async with dying_process(shop, killer) as dying:
                await run_until_killed(killer, make_export(dying.world, due_of(shop, key)))
            async with owner(shop.world) as connection:  # its last beat is long ago
                await connection.execute(
                    "UPDATE exports SET beat_at = beat_at - interval '2 minutes'"
                )
            with suppress(Problem):
                await make_export(shop.world, due_of(shop, key))
            row = await state_of(shop, key)
            assert (row.state, row.rows_done) == ("ready", ORDERS), (where, row)
            assert len(await content(shop, key)) == ORDERS
            assert await waits(shop, key) == 0
            await forget_files(shop.world)
            assert await runs(shop) == {row.run_id}, where
            await cancel_export(shop.world, shop.merchant_id, USER, key)

    with beating(monkeypatch):
        run(server, tmp_path, story)


def test_a_run_that_was_overtaken_ends_nothing(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        key = await asked(shop)
        async with second_process(shop.world) as other:
            await asyncio.gather(
                make_export(shop.world, due_of(shop, key)), make_export(other, due_of(shop, key))
            )
        row = await state_of(shop, key)
        assert (row.state, row.rows_done, len(await content(shop, key))) == (
            "ready",
            ORDERS,
            ORDERS,
        )
        assert await runs(shop) == {row.run_id}

    with beating(monkeypatch):
        run(server, tmp_path, story)


def test_a_run_that_is_overtaken_after_its_last_row_ends_nothing(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        key, kept = await asked(shop), making.end_export

        async def late(tx: Tx, key: tuple[UUID, UUID], *rest: Any, **more: Any) -> bool:
            async with shop.world.db.transaction() as other:
                assert await exports.begin_run(other, *key, shop.world.clocks.wall(), new_id())
            return await kept(tx, key, *rest, **more)

        with monkeypatch.context() as patch:
            patch.setattr(making, "end_export", late)
            await make_export(shop.world, due_of(shop, key))
        assert not await runs(shop)
        assert ((await state_of(shop, key)).state, await waits(shop, key)) == ("working", 1)
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE exports SET beat_at = beat_at - interval '2 minutes'")
        await make_export(shop.world, due_of(shop, key))
        assert len(await content(shop, key)) == ORDERS

    run(server, tmp_path, story)


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_what_is_called_off_while_it_is_made_leaves_nothing(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    async def story(shop: Shop) -> None:
        key = await asked(shop, form)
        kept = exports.all_orders

        async def slow(*args: Any, **more: Any) -> Any:
            async for rows in kept(*args, **more):
                await cancel_export(shop.world, shop.merchant_id, USER, key)
                yield rows

        monkeypatch.setattr(making, "all_orders", slow)
        await make_export(shop.world, due_of(shop, key))
        row = await state_of(shop, key)
        assert (row.state, row.wanted, row.said) == ("cancelled", {}, [])
        assert not await runs(shop)
        with pytest.raises(Problem, match="not ready"):
            await fetch(shop.world, shop.scope, row)

    with beating(monkeypatch):
        run(server, tmp_path, story)


def test_files_go_after_seven_days(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        key = await asked(shop)
        await make_export(shop.world, due_of(shop, key))
        row = await state_of(shop, key)
        assert row.gone_at - row.finished_at == timedelta(days=7)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE exports SET (finished_at, gone_at) ="
                " (finished_at - interval '7 days', gone_at - interval '7 days')"
            )
        with pytest.raises(Problem, match="was deleted"):
            await fetch(shop.world, shop.scope, await state_of(shop, key))
        await forget_files(shop.world)
        row = await state_of(shop, key)
        assert (row.state, row.wanted, row.run_id) == ("gone", {}, None)
        assert await runs(shop), "they go with their day"
        async with owner(shop.world) as connection:
            for days, left in ((8, True), (9, False)):
                now = shop.world.clocks.wall() + timedelta(days=days)
                await ensure_partitions(connection, now)
                await retain(connection, now)
                assert bool(await runs(shop)) is left

    run(server, tmp_path, story)


def test_a_download_breaks_off_where_its_file_is_deleted(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        key = await asked(shop)
        await make_export(shop.world, due_of(shop, key))
        row = await state_of(shop, key)
        assert row.parts is not None
        assert row.parts > 2
        file = await fetch(shop.world, shop.scope, row)
        assert len(await anext(file)) == 500
        await cancel_export(shop.world, shop.merchant_id, USER, key)
        with pytest.raises(Problem, match="was deleted"):
            await anext(file)

    with beating(monkeypatch):
        run(server, tmp_path, story)


def test_parts_are_packed_once_in_the_partition_of_their_day(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop) -> None:
        await make_export(shop.world, due_of(shop, await asked(shop)))
        async with owner(shop.world) as connection:
            rows = await connection.fetch("SELECT tableoid::regclass::text AS n FROM export_parts")
            assert {row["n"] for row in rows} == {
                f"export_parts_{shop.world.clocks.wall():%Y_%m_%d}"
            }
            storages = await connection.fetch(
                "SELECT attstorage FROM pg_attribute WHERE attname = 'packed'"
                " AND attrelid::regclass::text LIKE 'export_parts%'"
            )
        assert len(storages) > 7
        assert {row["attstorage"] for row in storages} == {b"e"}

    run(server, tmp_path, story)


def test_a_file_that_holds_an_erased_customer_is_gone_at_once(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop) -> None:
        email = "zzyx@example.test"
        await shop.admit(email=email)
        (payer_id,) = payer_ids(shop.world, shop.merchant_id, email)
        refused, key = await asked(shop), await asked(shop)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE exports SET said = $2 WHERE export_id = $1", refused, '["Search: zzyx"]'
            )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(export_file, "BYTES_MAX", 1)
            await make_export(shop.world, due_of(shop, refused))
        await make_export(shop.world, due_of(shop, key))
        async for _ in await export_person(shop.world, shop.scope, payer_id):
            pass
        assert len(await content(shop, key)) == ORDERS + 1, (
            "what is only read of a customer ends no file"
        )
        await erase_person(shop.world, shop.scope, payer_id)
        with pytest.raises(Problem, match="was deleted"):
            await fetch(shop.world, shop.scope, await state_of(shop, key))
        await forget_files(shop.world)
        assert not await runs(shop)
        row = await state_of(shop, refused)
        assert (row.state, row.wanted, row.said) == ("refused", {}, [])

    run(server, tmp_path, story)


def test_a_file_that_is_written_while_a_customer_is_erased_begins_anew(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        email = "zzyx@example.test"
        await shop.admit(email=email)
        (payer_id,) = payer_ids(shop.world, shop.merchant_id, email)
        key, kept = await asked(shop), exports.all_orders

        async def meanwhile(*args: Any, **more: Any) -> Any:
            async for rows in kept(*args, **more):
                yield rows
            await erase_person(shop.world, shop.scope, payer_id)

        with monkeypatch.context() as patch:
            patch.setattr(making, "all_orders", meanwhile)
            await make_export(shop.world, due_of(shop, key))
        assert ((await state_of(shop, key)).state, await waits(shop, key)) == ("asked", 1)
        assert not await runs(shop)
        await make_export(shop.world, due_of(shop, key))
        assert len(await content(shop, key)) == ORDERS + 1

    run(server, tmp_path, story)


def test_a_worker_that_shall_end_does_not_wait_for_a_file(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        key, begun = await asked(shop), asyncio.Event()
        kept = exports.all_orders

        async def endless(*args: Any, **more: Any) -> Any:
            async for rows in kept(*args, **more):
                yield rows
                begun.set()
                await asyncio.sleep(600)

        monkeypatch.setattr(making, "all_orders", endless)
        due = DueWork(shop.world, shop.orders)
        while not begun.is_set():
            await due.claim(merchant_id=shop.merchant_id)
            await asyncio.sleep(0.02)
        await asyncio.wait_for(due.drain(), 10)
        monkeypatch.setattr(making, "all_orders", kept)
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE exports SET beat_at = beat_at - interval '2 minutes'")
        await due.claim(merchant_id=shop.merchant_id)
        for _ in range(200):
            await asyncio.sleep(0.02)
            if (await state_of(shop, key)).state == "ready":
                break
        await due.drain()
        assert len(await content(shop, key)) == ORDERS

    run(server, tmp_path, story)


def test_a_file_that_is_too_large_or_has_no_room_is_not_made(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        key = await asked(shop)
        monkeypatch.setattr(export_file, "BYTES_MAX", 100)
        await make_export(shop.world, due_of(shop, key))
        row = await state_of(shop, key)
        assert row.state == "refused"
        assert "larger than" in row.why
        monkeypatch.setattr(export_file, "BYTES_MAX", 1 << 30)
        monkeypatch.setattr(export_file, "FREE_MIN", 1 << 60)
        key = await asked(shop)
        with pytest.raises(Problem, match="no disk space left"):  # it is tried again
            await make_export(shop.world, due_of(shop, key))
        await make_export(shop.world, due_of(shop, key)._replace(tries=5))
        assert (await state_of(shop, key)).state == "refused"
        assert not await runs(shop)

    run(server, tmp_path, story)


def test_only_so_many_are_under_way(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        for _ in range(3):
            await asked(shop)
        with pytest.raises(Problem, match="under way"):
            await asked(shop)

    run(server, tmp_path, story)


def test_two_merchants_who_choose_the_same_id_have_a_file_each(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries)
        await other.admit()
        key = new_id()
        for one in (shop, other):
            wanted = ExportQuery(
                OrderFilter(one.merchant_id), "placed", True, COLUMNS, "Europe/Berlin"
            )
            await ask_for_file(
                one.world,
                one.scope,
                USER,
                key,
                wanted,
                form="csv",
                labels=["all"],
                file_name="o.csv",
            )
            await make_export(one.world, due_of(one, key))
        assert (len(await content(shop, key)), len(await content(other, key))) == (ORDERS, 1)
        await cancel_export(other.world, other.merchant_id, USER, key)
        await forget_files(shop.world)
        assert len(await content(shop, key)) == ORDERS
        assert await runs(shop) == {(await state_of(shop, key)).run_id}

    run(server, tmp_path, story)


def test_a_file_that_the_release_before_wrote_is_fetched_unless_it_may_be_anothers(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop) -> None:
        key = await asked(shop)
        await make_export(shop.world, due_of(shop, key))
        row = await state_of(shop, key)
        path = tmp_path / f"{shop.merchant_id.hex}.{key.hex}.{row.run_no}"
        path.write_bytes(
            b"".join([part async for part in await fetch(shop.world, shop.scope, row)])
        )
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE exports SET (run_id, parts) = (NULL, NULL); DELETE FROM export_parts"
            )
        await forget_files(shop.world)
        assert len(await content(shop, key)) == ORDERS
        path.rename(tmp_path / f"{key.hex}.{row.run_no}")  # as an earlier one named it
        await forget_files(shop.world)
        assert len(await content(shop, key)) == ORDERS
        other = await make_shop(shop.world, shop.orders, shop.deliveries)
        wanted = ExportQuery(
            OrderFilter(other.merchant_id), "placed", True, COLUMNS, "Europe/Berlin"
        )
        await ask_for_file(
            other.world,
            other.scope,
            USER,
            key,
            wanted,
            form="csv",
            labels=["all"],
            file_name="o.csv",
        )
        with pytest.raises(Problem, match="deleted"):
            await content(shop, key)
        for one in (shop, other):
            await cancel_export(one.world, one.merchant_id, USER, key)
        await forget_files(shop.world)
        assert list(tmp_path.iterdir()) == []

    run(server, tmp_path, story)
