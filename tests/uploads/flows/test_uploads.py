"""Files of rows: a process dies between every two steps, two do the same at once, somebody stops it
meanwhile.

Nothing is lost, nothing happens twice, and the counts are right.
"""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.left_processes import dying_process, kills, run_until_killed, second_process
from tests.rings import deep
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.networks.magic import script_card
from recoup.orders.store.due_work import Due
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup.uploads.api import readers
from recoup.uploads.flows import file_turns
from recoup.uploads.flows import take as taking
from recoup.uploads.flows import work as working
from recoup.uploads.flows.take import File, Reader, TakenUpload, take
from recoup.uploads.flows.work import one_upload, stop_upload, work_upload

STEPS_MAX = 60
_given: dict[UUID, str] = {}  # a merchant's card token
Story = Callable[[Shop], Awaitable[None]]


def run(server: ServerAddress, story: Story) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await story(shop)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


async def token_of(shop: Shop) -> str:
    if shop.merchant_id not in _given:
        token = new_id()
        card = CardGiven(shop.merchant_id, token, script_card("visa", "51", 99), 9, 2031)
        await Vault(shop.world).store(card)
        _given[shop.merchant_id] = str(token)
    return _given[shop.merchant_id]


async def rows_of(shop: Shop, kind: str, name: str, count: int = 5) -> list[dict[str, Any]]:
    """The last is refused when it is read; the one
    before it is about the first one's order again."""
    expiry = (await shop.now() + timedelta(days=20)).isoformat()
    body: dict[str, Any] = {
        "isDeclined": kind == "evaluate",
        "isMIT": True,
        "expiryDateUtc": expiry,
    }
    transaction = {
        "amount": 4590,
        "currency": "USD",
        "responseCode": "51",
        "responseCodeSource": "nmi",
        "avsResultCode": "NA",
        "cvvResultCode": "NA",
        "cavvResultCode": "NA",
    }
    if kind == "evaluate":
        body["paymentMethod"] = {"cardNumber": await token_of(shop), "token": True}
    made = [
        body | {"orderId": f"{name}-{n}", "transaction": transaction | {"id": f"{name}-{n}"}}
        for n in range(count - 2)
    ]
    return [*made, made[0], {"orderId": f"{name}-bad"}]


async def sent(shop: Shop, kind: str, rows: list[dict[str, Any]]) -> TakenUpload:
    file = File("", io.BytesIO(json.dumps(rows).encode()), kind)
    return await take(shop.world, shop.scope, file, readers())


def due_of(shop: Shop, upload_id: UUID) -> Due:
    return Due(shop.merchant_id, "upload", upload_id, 1)


async def answers(shop: Shop, upload_id: UUID) -> list[Any]:
    async with owner(shop.world) as connection:
        return list(
            await connection.fetch(
                "SELECT * FROM upload_rows WHERE upload_id = $1 ORDER BY row_no", upload_id
            )
        )


async def check(shop: Shop, kind: str, upload_id: UUID, name: str, count: int = 5) -> None:
    """All answered, each once; the counts are those of the rows; the end was told once."""
    upload = await one_upload(shop.world, shop.merchant_id, upload_id)
    rows = await answers(shop, upload_id)
    assert [row["state"] for row in rows] == ["done"] * (count - 1) + ["refused"], [
        dict(row) for row in rows
    ]
    assert (upload.state, upload.row_count, upload.done_count, upload.refused_count) == (
        "completed",
        count,
        count - 1,
        1,
    )
    assert all(row["given"] is None for row in rows)
    assert rows[0]["subject_id"] == rows[-2]["subject_id"]
    table, column = (
        ("orders", "order_id") if kind == "evaluate" else ("transmissions", "transmit_id")
    )
    async with owner(shop.world) as connection:
        found = await connection.fetch(
            f"SELECT {column} AS id, external_id FROM {table} WHERE merchant_id = $1 AND"
            " external_id LIKE $2",
            shop.merchant_id,
            name + "-%",
        )
        assert sorted(row["external_id"] for row in found) == sorted(
            f"{name}-{n}" for n in range(count - 2)
        )
        assert {row["id"] for row in found} == {row["subject_id"] for row in rows[:-1]}
        told = await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE subject_id = $1", upload_id
        )
        left = await connection.fetchval(
            "SELECT count(*) FROM due_work WHERE subject_id = $1", upload_id
        )
    assert (told, left) == (1, 0)


async def finish(shop: Shop, upload_id: UUID) -> None:
    """A worker over the same database."""
    for _ in range(100):
        await work_upload(shop.world, Orders(shop.world), due_of(shop, upload_id))
        if (await one_upload(shop.world, shop.merchant_id, upload_id)).finished_at is not None:
            return
    raise AssertionError("it never ends")


@deep("kills")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["transmit", "evaluate"])
def test_a_kill_between_any_two_steps_of_the_work(
    server: ServerAddress, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "ROWS_AT_ONCE", 2)

    async def story(shop: Shop) -> None:
        for killer in kills(f"upload {kind}", least=8, most=STEPS_MAX):
            name = f"k{killer.at}{killer.after}"
            upload_id = (await sent(shop, kind, await rows_of(shop, kind, name))).upload.upload_id
            async with dying_process(shop, killer) as dying:
                work = work_upload(dying.world, dying.orders, due_of(shop, upload_id))
                await run_until_killed(killer, work)
            await finish(shop, upload_id)
            await check(shop, kind, upload_id, name)

    run(server, story)


@deep("kills")
@pytest.mark.timeout(600)
def test_a_kill_between_any_two_steps_of_taking(server: ServerAddress) -> None:
    """Sent again, the file is taken whole, once."""

    async def story(shop: Shop) -> None:
        for killer in kills("taking an upload", least=4, most=STEPS_MAX):
            name = f"t{killer.at}{killer.after}"
            rows = await rows_of(shop, "evaluate", name)
            async with dying_process(shop, killer) as dying:
                await run_until_killed(killer, sent(dying, "evaluate", rows))
            stored = await shop.value(
                "SELECT count(*) FROM upload_rows r JOIN uploads u USING (merchant_id,"
                " upload_id) WHERE u.state = 'received'"
            )
            assert stored in (0, 5)
            taken = await sent(shop, "evaluate", rows)
            assert taken.before == (stored == 5)
            await finish(shop, taken.upload.upload_id)
            await check(shop, "evaluate", taken.upload.upload_id, name)

    run(server, story)


def test_two_equal_files_at_once_are_one(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        rows = await rows_of(shop, "transmit", "r", 200)
        async with second_process(shop.world) as other:
            there = Shop(
                **{
                    **{name: getattr(shop, name) for name in shop.__dataclass_fields__},
                    "world": other,
                }
            )
            at_once = await asyncio.gather(
                sent(shop, "transmit", rows), sent(there, "transmit", rows)
            )
        taken = [*at_once, await sent(shop, "transmit", rows)]
        assert len({one.upload.upload_id for one in taken}) == 1
        assert sorted(one.before for one in taken) == [False, True, True]
        await finish(shop, taken[0].upload.upload_id)
        await check(shop, "transmit", taken[0].upload.upload_id, "r", 200)

    run(server, story)


def test_a_small_file_is_taken_while_strangers_send_the_largest(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four free sign-ups that sent their largest files one after the other kept out everybody's for
    minutes."""
    going, read = asyncio.Event(), taking._take
    monkeypatch.setattr(file_turns, "SMALL_BYTES", 20_000)

    async def slowly(
        world: World, scope: Scope, file: File, readers: Mapping[str, Reader]
    ) -> TakenUpload:
        if not file_turns.is_small(file.content):
            await going.wait()
        return await read(world, scope, file, readers)

    monkeypatch.setattr(taking, "_take", slowly)

    async def story(shop: Shop) -> None:
        names = [f"Stranger {n}" for n in range(file_turns.AT_ONCE + 3)]
        strangers = [
            await make_shop(shop.world, shop.orders, shop.deliveries, name=name) for name in names
        ]
        large = [await rows_of(one, "transmit", "large", 100) for one in strangers]
        tasks = [
            asyncio.create_task(sent(one, "transmit", rows))
            for one, rows in zip(strangers, large, strict=True)
        ]
        small = await rows_of(shop, "transmit", "n")
        assert not (await sent(shop, "transmit", small)).before
        assert not any(task.done() for task in tasks)
        with pytest.raises(Problem, match="file of yours"):
            await sent(strangers[0], "transmit", small)
        going.set()
        assert not any(taken.before for taken in await asyncio.gather(*tasks))

    run(server, story)


@pytest.mark.parametrize("kind", ["transmit", "evaluate"])
def test_two_workers_on_one_file_do_nothing_twice(
    server: ServerAddress, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a lease runs out while its holder still works."""
    monkeypatch.setattr(working, "ROWS_AT_ONCE", 20)

    async def story(shop: Shop) -> None:
        upload_id = (await sent(shop, kind, await rows_of(shop, kind, "w", 100))).upload.upload_id
        async with second_process(shop.world) as other:
            due = due_of(shop, upload_id)
            await asyncio.gather(
                *(work_upload(one, Orders(one), due) for one in (shop.world, other, shop.world))
            )
        await finish(shop, upload_id)
        await check(shop, kind, upload_id, "w", 100)

    run(server, story)


def test_files_that_overlap_go_in_turn(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        rows = await rows_of(shop, "transmit", "o", 50)
        first = await sent(shop, "transmit", rows)
        second = await sent(shop, "transmit", [*rows, {"orderId": "o-more"}])
        orders = Orders(shop.world)
        await work_upload(shop.world, orders, due_of(shop, second.upload.upload_id))
        assert (
            await one_upload(shop.world, shop.merchant_id, second.upload.upload_id)
        ).done_count == 0
        await finish(shop, first.upload.upload_id)
        await finish(shop, second.upload.upload_id)
        told = await answers(shop, second.upload.upload_id)
        assert {row["warning"] for row in told[:48]} == {"It was transmitted before."}
        await check(shop, "transmit", first.upload.upload_id, "o", 50)

    run(server, story)


def test_a_file_stopped_while_it_is_worked(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is answered with what it became, what was not is left out; both are all there
    is."""
    monkeypatch.setattr(working, "ROWS_AT_ONCE", 10)

    async def story(shop: Shop) -> None:
        upload_id = (
            await sent(shop, "transmit", await rows_of(shop, "transmit", "s", 400))
        ).upload.upload_id
        work = asyncio.create_task(
            work_upload(shop.world, Orders(shop.world), due_of(shop, upload_id))
        )
        shown = (shop.world, shop.merchant_id, upload_id)
        while not (await one_upload(*shown)).done_count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        with suppress(Problem):
            await stop_upload(shop.world, shop.scope, upload_id)
        await work
        await finish(shop, upload_id)
        upload, rows = (
            await one_upload(shop.world, shop.merchant_id, upload_id),
            await answers(shop, upload_id),
        )
        states = [row["state"] for row in rows]
        assert upload.state == "stopped"
        assert states.count("done") == upload.done_count > 0
        assert states.count("refused") == upload.refused_count == 1
        assert states.count("stopped") > 0
        made = await shop.value(
            "SELECT count(*) FROM transmissions WHERE merchant_id = $1", shop.merchant_id
        )
        assert made == states.count("done")

    run(server, story)


def test_a_row_that_breaks_on_our_side_is_tried_again_and_then_given_up(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        upload_id = (
            await sent(shop, "transmit", await rows_of(shop, "transmit", "b"))
        ).upload.upload_id
        async with owner(shop.world) as connection:
            broken = "UPDATE upload_rows SET given = 'x' WHERE upload_id = $1 AND row_no = 2"
            await connection.execute(broken, upload_id)
        for _ in range(working.TRIES_MAX - 1):
            with pytest.raises(Problem):
                await work_upload(shop.world, Orders(shop.world), due_of(shop, upload_id))
        await finish(shop, upload_id)
        rows = await answers(shop, upload_id)
        assert [row["code"] for row in rows] == [None, "internal", None, None, "invalid"]

    run(server, story)


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("DELETE FROM due_work WHERE kind = 'upload'", "due work of upload"),
        ("DELETE FROM upload_rows WHERE row_no = 1", "rows of upload"),
        (
            "DELETE FROM outbox_queue q USING outbox b WHERE (q.merchant_id, q.subject_id, q.seq) "
            "= (b.merchant_id, b.subject_id, b.seq) AND b.event = 'upload.completed'; "
            "DELETE FROM outbox WHERE event = 'upload.completed'",
            "events of upload",
        ),
        (
            "UPDATE upload_rows SET subject_id = upload_id WHERE row_no = 1 AND state = 'done'",
            "order of row 1",
        ),
        (
            "UPDATE upload_rows SET state = 'refused', status = NULL, code = 'x' WHERE row_no = 1 "
            "AND state = 'done'",
            "rows done of upload",
        ),
    ],
)
def test_verify_looks_into_uploads(server: ServerAddress, planted: str, told: str) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            done = await sent(shop, "evaluate", await rows_of(shop, "evaluate", "v"))
            await finish(shop, done.upload.upload_id)
            await sent(shop, "transmit", await rows_of(shop, "transmit", "v"))
            assert (await verify(shop.world)).difference is None
            async with owner(shop.world) as connection:
                await connection.execute(planted)
            found = (await verify(shop.world)).difference
            assert found is not None
            assert told in found.field

    asyncio.run(tell())
