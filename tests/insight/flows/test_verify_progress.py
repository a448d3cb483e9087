"""`verify` goes on where it was stopped, proves what is new after a whole run, and believes a
difference only when it stands."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.disputes.flows.test_disputes import YES as APPROVES
from tests.insight.flows.test_verify import _STEPS
from tests.worlds import HARD_CARD, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows import verify as flow
from recoup.insight.flows import verify_decisions
from recoup.insight.flows.verify import Progress, Verified, verify
from recoup.insight.store.proofs import decisions
from recoup.kernel.ids import LOWEST, new_id
from recoup.kernel.problem import Problem
from recoup.kit.proofs import walk
from recoup.kit.proofs.walk import Window


@asynccontextmanager
async def shop_of(server: ServerAddress) -> AsyncIterator[Shop]:
    async with sandbox_world(server) as made:
        yield await make_shop(*made)


async def ended(shop: Shop, number: int) -> list[UUID]:
    ids = [await shop.admit(pan=HARD_CARD) for _ in range(number)]
    await shop.run_due()
    await shop.publish()
    await shop.close_pages()
    return ids


async def proved(shop: Shop, path: Path) -> Verified:
    return await verify(shop.world, progress=Progress(path))


def watched(monkeypatch: pytest.MonkeyPatch) -> list[Window]:
    """The windows that are proved from now on."""
    windows: list[Window] = []
    prove = flow._window

    async def watch(run: Any, window: Window, db: Any) -> Any:
        windows.append(window)
        return await prove(run, window, db)

    monkeypatch.setattr(flow, "_window", watch)
    return windows


async def spoil(shop: Shop, order_id: UUID, field: str = "attempts = attempts + 1") -> None:
    async with owner(shop.world) as connection:
        await connection.execute(f"UPDATE order_heads SET {field} WHERE order_id = $1", order_id)


def test_after_a_whole_run_what_is_new_is_proved(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with shop_of(server) as shop:
            monkeypatch.setattr(flow, "LATE", timedelta(seconds=-1))
            path, windows = tmp_path / "verify.json", watched(monkeypatch)
            old = await ended(shop, 5)
            going = await shop.admit()
            await shop.publish()
            assert not (await proved(shop, path)).differences
            whole = len(windows)
            assert whole == 4  # two orders each, and what may come behind
            windows.clear()
            assert not (await proved(shop, path)).differences
            assert [window.after for window in windows] == [going]

            windows.clear()
            await shop.advance(timedelta(days=3))
            new = await ended(shop, 1)
            again = await proved(shop, path)
            assert not again.differences
            assert windows[0].after < going <= windows[0].until, "it changed"
            assert windows[0].after >= old[-1]
            assert windows[1] == (shop.merchant_id, going, walk.HIGHEST)

            await spoil(shop, old[0])
            assert not (await proved(shop, path)).differences, "it was proved before"
            await spoil(shop, new[0])
            found = await proved(shop, path)
            assert not found.differences, "nothing told that it changed"
            whole_again = await verify(shop.world)
            assert {each.order_id for each in whole_again.differences} == {old[0], new[0]}

    monkeypatch.setattr(walk, "ORDERS_MAX", 2)
    asyncio.run(story())


def test_what_may_have_been_committed_late_is_proved_twice(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have made a lower id, and commit it behind the proof."""

    async def story() -> None:
        async with shop_of(server) as shop:
            path, windows = tmp_path / "verify.json", watched(monkeypatch)
            await ended(shop, 1)
            late = new_id()
            await ended(shop, 1)
            assert not (await proved(shop, path)).differences
            async with owner(shop.world) as connection:
                await connection.execute("SET session_replication_role = replica")
                for table, key in (("decisions", "decision_id"), ("orders", "order_id")):
                    await connection.execute(
                        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object("
                        f"'{key}', $1::text, 'external_id', 'LATE'))).* FROM {table} t LIMIT 1",
                        str(late),
                    )
            windows.clear()
            done = await proved(shop, path)
            assert sum(done.decided.values()) == 3
            assert {each.order_id for each in done.differences} >= {late}
            assert windows[0].after == LOWEST

    asyncio.run(story())


def test_what_differs_is_proved_again_until_it_agrees(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with shop_of(server) as shop:
            path = tmp_path / "verify.json"
            [order_id] = await ended(shop, 1)
            await spoil(shop, order_id)
            for _ in range(2):
                assert [each.order_id for each in (await proved(shop, path)).differences]
            await spoil(shop, order_id, "attempts = attempts - 1")
            assert not (await proved(shop, path)).differences

    asyncio.run(story())


def test_a_run_that_was_stopped_goes_on(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Exception):
        pass

    async def story() -> None:
        async with shop_of(server) as shop:
            path = tmp_path / "verify.json"
            ids = await ended(shop, 6)
            await spoil(shop, ids[0])
            prove, left = flow._window, 2

            async def stops(run: Any, window: Window, db: Any) -> Any:
                nonlocal left
                if window.after >= ids[3]:
                    raise Stopped
                return await prove(run, window, db)

            with monkeypatch.context() as patched:
                patched.setattr(flow, "_window", stops)
                with pytest.raises(Stopped):
                    await proved(shop, path)
            kept = json.loads(path.read_text())
            assert (kept["finished"], kept["merchant"]) == (False, str(shop.merchant_id))
            windows = watched(monkeypatch)
            done = await proved(shop, path)
            assert [window.after for window in windows] == [ids[3], ids[5]]
            assert [each.order_id for each in done.differences] == [ids[0]], "found before"
            assert json.loads(path.read_text())["finished"] is True

    monkeypatch.setattr(walk, "ORDERS_MAX", 2)
    asyncio.run(story())


def test_what_is_on_its_way_is_no_difference(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(after_first: Callable[[Shop, UUID], Awaitable[None]]) -> Verified:
        async with shop_of(server) as shop:
            [order_id] = await ended(shop, 1)
            await spoil(shop, order_id)
            prove, times = flow._window, 0

            async def mends(run: Any, window: Window, db: Any) -> Any:
                nonlocal times
                differences = await prove(run, window, db)
                times += bool(differences)
                if times == 1 and differences:
                    await after_first(shop, order_id)
                return differences

            with monkeypatch.context() as patched:
                patched.setattr(flow, "_window", mends)
                return await verify(shop.world)

    async def mend(shop: Shop, order_id: UUID) -> None:
        await spoil(shop, order_id, "attempts = attempts - 1")

    async def more(shop: Shop, order_id: UUID) -> None:
        await spoil(shop, order_id)

    assert not asyncio.run(story(mend)).differences
    [stands] = asyncio.run(story(more)).differences
    assert (stands.expected, stands.found) == ("0", "2"), "as it was read last"


def test_a_progress_of_something_else_is_refused(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "verify.json"
        async with shop_of(server) as shop:
            await ended(shop, 1)
            await proved(shop, path)
            kept = json.loads(path.read_text())
            for content, says in (
                ("{", "is no progress of"),
                ("[]", "is no progress of"),
                (json.dumps(kept | {"format": "recoup-verify-9"}), "another release"),
                (json.dumps(kept | {"world": "live"}), "another world"),
                (json.dumps(kept | {"made_at": "2026-01-01T00:00:00Z"}), "another world"),
                (json.dumps(kept | {"only": str(shop.merchant_id)}), "other merchants"),
            ):
                path.write_text(content)
                with pytest.raises(Problem, match=says) as refused:
                    await proved(shop, path)
                assert (refused.value.code, refused.value.field) == ("invalid", "progress")
                assert path.read_text() == content, "it is left as it was"
            with pytest.raises(Problem, match="cannot be written"):
                await proved(shop, tmp_path / "nowhere" / "verify.json")

    asyncio.run(story())


def test_of_two_runs_with_one_progress_the_second_is_refused(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with shop_of(server) as shop:
            refused, mails = list[str](), flow.mails

            async def meanwhile(*given: Any) -> Any:
                with pytest.raises(Problem) as caught:
                    await proved(shop, path)
                refused.append(str(caught.value))
                return await mails(*given)

            await ended(shop, 1)
            path = tmp_path / "verify.json"
            for left in (".lock", ".part"):  # by a run that was killed
                (tmp_path / f"verify.json{left}").touch()
            with monkeypatch.context() as patched:
                patched.setattr(flow, "mails", meanwhile)
                assert not (await proved(shop, path)).differences
            assert refused
            assert all("Another run goes on" in said for said in refused)
            assert not (await proved(shop, path)).differences
            assert [each.name for each in tmp_path.iterdir()] == ["verify.json"]

    asyncio.run(story())


async def damage_of(shop: Shop, table: str) -> asyncpg.DataCorruptedError:
    path = await shop.value("SELECT pg_relation_filepath($1::regclass)", table)
    return asyncpg.DataCorruptedError(f"invalid page in block 0 of relation {path}")


def test_behind_a_damaged_page_no_merchant_counts_as_proved(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is a difference once; what of others stands on it was not read either."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shops = [await make_shop(*made, name=name) for name in ("First", "Second")]
            for shop in shops:
                await ended(shop, 1)
            path, damage = tmp_path / "verify.json", await damage_of(shops[0], "mails")

            async def damaged(*_: Any) -> Any:
                raise damage

            with monkeypatch.context() as patched:
                patched.setattr(flow, "mails", damaged)
                [page] = (await proved(shops[0], path)).differences
                assert page.field == "mails"
            windows = watched(monkeypatch)
            assert not (await proved(shops[0], path)).differences
            again = {w.merchant_id for w in windows if w.after == LOWEST}
            assert again == {shop.merchant_id for shop in shops}

    asyncio.run(story())


def test_a_run_that_was_stopped_goes_on_behind_what_it_has_found(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged page where merchants are sought, a stranger's rows, deciders that are gone: each
    is said once."""

    async def stop(*given: Any) -> Any:
        if given[-1] != LOWEST:
            raise InterruptedError
        return await next_decisions(*given)

    next_decisions = decisions.next_decisions

    async def story() -> None:
        async with shop_of(server) as shop:
            await ended(shop, 2)
            path, damage = tmp_path / "verify.json", await damage_of(shop, "mails")

            async def damaged(*_: Any) -> Any:
                raise damage

            async def strange(db: Any) -> Any:
                known, _ = await walk.merchants(db, 1)
                return known, [walk.Difference(new_id(), None, "merchant of rows", "exists", "no")]

            monkeypatch.setattr(verify_decisions, "DECIDERS", {})
            monkeypatch.setattr(verify_decisions, "past_decider", lambda _: None)
            stranger = await strange(shop.world.db)
            for sought in (damaged, lambda *_: asyncio.sleep(0, stranger)):
                path.unlink(missing_ok=True)
                monkeypatch.setattr(flow, "merchants", sought)
                with monkeypatch.context() as patched:
                    patched.setattr(decisions, "DECISIONS_MAX", 1)
                    patched.setattr(flow, "next_decisions", stop)
                    with pytest.raises(InterruptedError):
                        await proved(shop, path)
                done = await proved(shop, path)
                assert done.checked["merchants"] == 1
                fields = [each.field for each in done.differences]
                assert len(fields) == len(set(fields)) == 2, fields
                assert fields[1].startswith("decider of 2 decisions"), fields

    asyncio.run(story())


def test_each_long_proof_goes_on_where_it_was_stopped(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is stopped after each step finds what one run finds, and repeats none."""

    class Stopped(Exception):
        pass

    async def story() -> None:
        async with shop_of(server) as shop:
            for _ in range(3):
                [order_id] = await ended(shop, 1)
            for _ in range(2):
                paid = await shop.admit(days=None, pan=APPROVES)
                await shop.settle()
                await shop.publish()
                await shop.close_pages()
            async with owner(shop.world) as connection:
                await connection.execute(
                    "UPDATE network_sends SET units = units + 1 WHERE send_id = order_id AND "
                    "order_id = $1",
                    order_id,
                )
                await connection.execute("UPDATE account_balances SET units = units + 1")
                await connection.execute(
                    "UPDATE issuer.sends SET units = units + 1 WHERE order_id = $1", paid
                )
            whole = await verify(shop.world)
            steps, walk_on = list[tuple[str, str]](), Progress.note
            path = tmp_path / "verify.json"

            def stop(progress: Progress, kind: str, step: str) -> None:
                walk_on(progress, kind, step)
                steps.append((str(progress.kept.merchant), f"{kind} {step}"))
                raise Stopped

            monkeypatch.setattr(Progress, "note", stop)
            done = None
            while done is None:
                with suppress(Stopped):
                    done = await proved(shop, path)
            assert len(steps) == len({*steps})
            for kind in ("orders", "postings", "pages", "sends", "issuer's sends"):
                assert sum(step.startswith(f"{kind} ") for _, step in steps) > 1, kind
            assert set(done.differences) == set(whole.differences)
            fields = " ".join(each.field for each in done.differences)
            assert all(word in fields for word in ("network send", "balance of", "issuer's"))

    for module, name in _STEPS:
        monkeypatch.setattr(f"recoup.{module}.{name}", 1)
    asyncio.run(story())
