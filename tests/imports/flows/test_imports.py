"""Past attempts out of files, over the real database: each once, whatever comes twice, late or in
between."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_all
from recoup.engine.learn.gather import gather
from recoup.imports import flows as reading
from recoup.imports import flows as working
from recoup.imports.flows import (
    ReadFile,
    finish,
    history,
    lines_file,
    one_import,
    read_import,
    stop_import,
    work_import,
)
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import IMPORTS_KEPT
from recoup.imports.store.imports import Import, forget_imports
from recoup.kernel.problem import Problem
from recoup.kernel.time import WallTime
from recoup.orders.store.due_work import Due

HEADER = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Seller "
    "Message,Status,Customer ID,PaymentIntent ID,Email"
)
ROWS = [
    (
        "ch_1,2024-03-02 06:00:11,19.00,0.00,usd,"
        "`insufficient_funds`,Failed,cus_1,pi_1,ann@example.com"
    ),
    "ch_2,2024-03-05 06:00:11,19.00,0.00,usd,,Paid,cus_1,pi_1,ann@example.com",
    "ch_3,2024-03-05 06:00:11,20.00,0.00,usd,,Paid,cus_2,,bob@example.com",
]
VISA = "4242" * 4
NONE = Answers()


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


async def read(
    shop: Shop, content: str, *, answers: Answers = NONE, dry_run: bool = False
) -> ReadFile:
    raw = io.BytesIO(content.encode())
    return await read_import(shop.world, shop.scope, "export.csv", raw, answers, dry_run=dry_run)


async def imported(shop: Shop, content: str, **more: Any) -> Import:
    found = await read(shop, content, **more)
    assert found.stored is not None
    return await finish(shop.world, (shop.merchant_id, found.stored.import_id))


async def rows_of(shop: Shop, sql: str, *args: object) -> list[Any]:
    async with shop.world.db.connection() as connection:
        return list(await connection.fetch(sql, *args))


async def shown(shop: Shop, import_id: UUID) -> list[dict[str, Any]]:
    parts = [part async for part in history(shop.world, shop.merchant_id, import_id)]
    return [json.loads(line) for line in b"".join(parts).splitlines()]


def over(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def run() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            await story(await make_shop(world, orders, deliveries))

    asyncio.run(run())


def test_a_file_is_imported_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first = await imported(
            shop, table(*ROWS, f"ch_4,2024-03-05 06:00:11,1.00,0,usd,{VISA},Paid,c,p,")
        )
        assert (first.state, first.row_count, first.attempt_count, first.bad_count) == (
            "completed",
            4,
            3,
            1,
        )
        assert (first.done_count, first.new_count, first.changed_count) == (3, 3, 0)
        assert (first.report["payments"], first.report["declined"], first.report["rescued"]) == (
            2,
            1,
            None,
        )
        again = await read(
            shop, table(*ROWS, f"ch_4,2024-03-05 06:00:11,1.00,0,usd,{VISA},Paid,c,p,")
        )
        assert again.before
        assert again.stored == first
        more = await imported(
            shop, table(*ROWS, ROWS[0].replace("ch_1", "ch_9").replace("pi_1", "pi_9"))
        )
        assert (more.new_count, more.changed_count, more.done_count) == (1, 0, 4)
        assert not await rows_of(shop, "SELECT FROM import_rows")
        assert not await rows_of(shop, "SELECT FROM due_work WHERE kind = 'import'")

    over(server, story)


def test_nothing_of_a_person_or_a_card_number_is_kept(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await imported(shop, table(*ROWS, f"ch_4,2024-03-05 06:00:11,1.00,0,usd,{VISA},Paid,c,p,"))
        for name in ("imports", "import_lines", "imported_attempts"):
            kept = str(await rows_of(shop, f"SELECT t::text FROM {name} t"))
            assert "example.com" not in kept.replace("Email", "")
            assert VISA not in kept
            assert "cus_1" not in kept

    over(server, story)


def test_a_dry_run_stores_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        found = await read(shop, table(*ROWS), dry_run=True)
        assert found.stored is None
        assert found.report is not None
        assert found.report["states"] == {"approved": 2, "declined": 1, "not_sent": 0, "unknown": 0}
        assert not await rows_of(shop, "SELECT FROM imports")

    over(server, story)


def test_what_the_file_does_not_say_is_asked_and_nothing_is_stored_before(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        content = table(*ROWS).replace(" (UTC)", "")
        found = await read(shop, content.replace("Created date", "Created"))
        assert [one.name for one in found.questions] == ["zone"]
        assert not await rows_of(shop, "SELECT FROM imports")
        done = await imported(
            shop, content.replace("Created date", "Created"), answers=Answers(zone="+01:00")
        )
        assert done.new_count == 3
        assert (await shown(shop, done.import_id))[0]["at"] == "2024-03-02T05:00:11Z"

    over(server, story)


def test_a_later_state_wins_and_a_story_does_not_go_back(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await imported(shop, table(*ROWS))
        refunded = await imported(
            shop, table(ROWS[0], ROWS[1].replace("Paid", "Refunded"), ROWS[2])
        )
        assert (refunded.new_count, refunded.changed_count) == (0, 1)
        old = await imported(shop, table(*ROWS) + "\n")
        assert (old.new_count, old.changed_count) == (0, 0)
        assert [
            r["stage"]
            for r in await rows_of(shop, "SELECT stage FROM imported_attempts ORDER BY ref")
        ] == [
            1,
            2,
            1,
        ]
        asked = (
            ROWS[0].replace("ch_1", "ch_{0}").replace("Failed", "Paid").replace("19.00", "10.40")
        )
        later = (
            asked.replace("2024-03-02", "2024-03-09")
            .replace("Paid", "Refunded")
            .replace("10.40", "10.02")
        )
        await imported(
            shop, table(asked.format(7), later.format(7), later.format(8), asked.format(8))
        )
        told = (
            "SELECT ref, units, stage FROM imported_attempts WHERE ref IN ('ch_7', 'ch_8') "
            "ORDER BY ref"
        )
        assert [tuple(r) for r in await rows_of(shop, told)] == [
            ("ch_7", 1040, 2),
            ("ch_8", 1040, 2),
        ]

    over(server, story)


def test_a_code_that_one_file_told_is_not_lost_by_another(server: ServerAddress) -> None:
    charges = "\n".join(
        [
            (
                "id,amount,created,currency,status,paid,payment_intent_id,"
                "outcome_network_decline_code,failure_code"
            ),
            "ch_1,1900,2024-03-02 06:00:11,usd,failed,false,pi_1,51,card_declined",
        ]
    )

    async def story(shop: Shop) -> None:
        await imported(shop, table(*ROWS))
        assert (await imported(shop, charges)).changed_count == 1
        assert (await imported(shop, table(*ROWS) + "\n")).changed_count == 0
        (row,) = await rows_of(shop, "SELECT scheme_code FROM imported_attempts WHERE ref = 'ch_1'")
        assert row["scheme_code"] == "51"

    over(server, story)


def test_rows_about_one_attempt_are_one_whatever_part_they_come_in(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "PART_ROWS", 2)

    async def story(shop: Shop) -> None:
        late = ROWS[1].replace("Paid", "Refunded")
        done = await imported(
            shop,
            table(
                *ROWS, late, ROWS[1], *(ROWS[2].replace("ch_3", f"ch_{n}") for n in range(20, 29))
            ),
        )
        assert (done.done_count, done.new_count, done.changed_count) == (14, 12, 0)
        (row,) = await rows_of(shop, "SELECT stage FROM imported_attempts WHERE ref = 'ch_2'")
        assert row["stage"] == 2

    over(server, story)


def test_an_import_that_was_interrupted_goes_on(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "PART_ROWS", 1)

    async def story(shop: Shop) -> None:
        found = await read(shop, table(*ROWS))
        assert found.stored is not None
        key = (shop.merchant_id, found.stored.import_id)
        assert not await working.take_part(shop.world, key)
        half = await one_import(shop.world, *key)
        assert (half.state, half.done_count, half.new_count) == ("working", 1, 1)
        await work_import(shop.world, Due(*(key[0], "import", key[1]), 1))
        done = await one_import(shop.world, *key)
        assert (done.state, done.done_count, done.new_count) == ("completed", 3, 3)

    over(server, story)


def test_imports_of_a_merchant_take_turns(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first, second = await read(shop, table(*ROWS)), await read(shop, table(*ROWS) + "\n")
        assert first.stored
        assert second.stored
        later = (shop.merchant_id, second.stored.import_id)
        assert not await working.take_part(shop.world, later)
        assert (await one_import(shop.world, *later)).done_count == 0
        assert (await finish(shop.world, later)).new_count == 0
        assert (
            await one_import(shop.world, shop.merchant_id, first.stored.import_id)
        ).new_count == 3

    over(server, story)


def test_a_stopped_import_keeps_what_it_took_over_and_may_come_again(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "PART_ROWS", 1)

    async def story(shop: Shop) -> None:
        found = await read(shop, table(*ROWS))
        assert found.stored is not None
        key = (shop.merchant_id, found.stored.import_id)
        await working.take_part(shop.world, key)
        await stop_import(shop.world, shop.scope, key[1])
        stopped = await finish(shop.world, key)
        assert (stopped.state, stopped.done_count) == ("stopped", 1)
        assert not await rows_of(shop, "SELECT FROM import_rows")
        again = await imported(shop, table(*ROWS))
        assert (again.state, again.new_count) == ("completed", 2)
        with pytest.raises(Problem) as refused:
            await stop_import(shop.world, shop.scope, again.import_id)
        assert refused.value.code == "wrong_state"

    over(server, story)


def test_of_two_of_one_file_at_once_one_is_imported(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In two processes, where neither knows of the other's turn."""

    async def at_once(*given: Any) -> Any:
        return await given[3]()

    monkeypatch.setattr(reading, "in_turn", at_once)

    async def story(shop: Shop) -> None:
        both = await asyncio.gather(read(shop, table(*ROWS)), read(shop, table(*ROWS)))
        assert sorted(one.before for one in both) == [False, True]
        assert len({one.stored.import_id for one in both if one.stored}) == 1
        assert len(await rows_of(shop, "SELECT FROM imports")) == 1
        assert len(await rows_of(shop, "SELECT FROM import_rows")) == 3
        assert (
            await finish(shop.world, (shop.merchant_id, both[0].stored.import_id))
        ).new_count == 3  # type: ignore[union-attr]

    over(server, story)


def test_a_caller_who_goes_while_a_file_is_read_leaves_nothing(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        begun = asyncio.Event()

        async def never(*_: Any) -> None:
            begun.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr(reading, "add_import_lines", never)
            call = asyncio.create_task(read(shop, table(*ROWS)))
            await begun.wait()
            call.cancel()
            await asyncio.wait((call,))
        for name in ("imports", "import_rows", "due_work WHERE kind = 'import'"):
            assert not await rows_of(shop, f"SELECT FROM {name}"), name
        assert (await imported(shop, table(*ROWS))).new_count == 3

    over(server, story)


def test_a_file_that_breaks_in_the_middle_leaves_nothing(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("recoup.imports.rules.file.ROWS_MAX", 2)
            with pytest.raises(Problem) as refused:
                await read(shop, table(*ROWS))
        assert refused.value.code == "too_large"
        for name in ("imports", "import_rows", "import_lines", "due_work WHERE kind = 'import'"):
            assert not await rows_of(shop, f"SELECT FROM {name}"), name

    over(server, story)


def test_guessed_payments_are_named_after_their_first_attempt(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        rows = [row.replace("pi_1", "").replace(",cus_1", ",cus_1") for row in ROWS[:2]]
        await imported(shop, table(*rows[::-1]))
        kept = await rows_of(
            shop, "SELECT ref, payment, guessed FROM imported_attempts ORDER BY ref"
        )
        assert [tuple(row) for row in kept] == [("ch_1", "ch_1", True), ("ch_2", "ch_1", True)]

    over(server, story)


def test_attempts_are_shown_again_as_history_and_can_be_imported_elsewhere(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        done = await imported(shop, table(*ROWS))
        rows = await shown(shop, done.import_id)
        assert [row["ref"] for row in rows] == ["ch_1", "ch_2", "ch_3"]
        assert rows[0] == rows[0] | {
            "orderId": "pi_1",
            "at": "2024-03-02T06:00:11Z",
            "amount": 1900,
            "currency": "USD",
            "approved": False,
            "provider": "stripe",
            "processor": "stripe",
            "processorCode": "insufficient_funds",
            "propensity": None,
        }
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        copied = await imported(other, "".join(json.dumps(row) + "\n" for row in rows))
        assert (copied.new_count, copied.bad_count) == (3, 0)
        assert [row["ref"] for row in await shown(other, copied.import_id)] == [
            "ch_1",
            "ch_2",
            "ch_3",
        ]

    over(server, story)


def test_bad_lines_are_a_file_without_what_stood_in_them(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        done = await imported(shop, table(ROWS[0], "=cmd(),x", ROWS[1].replace("usd", "zzz")))
        text = b"".join(
            [part async for part in lines_file(shop.world, shop.merchant_id, done.import_id)]
        ).decode()
        assert text.splitlines()[0] == "line,code,reason"
        assert [line.split(",")[:2] for line in text.splitlines()[1:]] == [
            ["3", "broken"],
            ["4", "currency"],
        ]
        assert "cmd" not in text

    over(server, story)


def test_imported_attempts_are_learned_from_but_not_those_that_came_otherwise(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        since = WallTime(shop.world.clocks.wall().replace(year=2020))
        assert await gather(shop.world, since) is None
        await imported(
            shop, table(*ROWS, "ch_7,2024-03-05 06:00:11,20.00,0.00,usd,,pending,cus_2,pi_7,")
        )
        found = await gather(shop.world, since)
        assert found is not None
        assert (len(found.attempts), found.attempts.payers) == (3, 2)
        assert sorted(found.attempts.tries.tolist()) == [0, 0, 1]

    over(server, story)


def test_an_erased_customer_is_linked_to_nothing_any_more(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await imported(shop, table(*ROWS))
        assert (await erase_all(shop.world, shop.scope, "cus_1", frozenset())).customers == 1
        kept = await rows_of(shop, "SELECT payer_id FROM imported_attempts ORDER BY ref")
        assert [row["payer_id"] is None for row in kept] == [True, True, False]
        with pytest.raises(Problem):
            await erase_all(shop.world, shop.scope, "cus_1", frozenset())

    over(server, story)


def test_old_imports_are_forgotten(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await imported(shop, table(*ROWS, "x"))
        async with shop.world.db.connection() as connection:
            await forget_imports(connection, shop.world.clocks.wall() - IMPORTS_KEPT, 1_000)
            assert await connection.fetchval("SELECT count(*) FROM imported_attempts") == 3
            await forget_imports(connection, shop.world.clocks.wall(), 1_000)
            assert await connection.fetchval("SELECT count(*) FROM imported_attempts") == 0
            assert await connection.fetchval("SELECT count(*) FROM import_lines") == 0
            assert await connection.fetchval("SELECT new_count FROM imports") == 3

    over(server, story)
