"""Past attempts of cards that we hold count in their merchant's limits: once, of this merchant
alone, never ahead."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import PATIENT, started, try_now
from tests.rings import each
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_all
from recoup.imports import moves as imported_sends
from recoup.imports.flows import ReadFile, finish, read_import, stop_import, take_part
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.sends import CARD_MAX
from recoup.imports.store.imports import Import
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.networks.magic import script_card

PAN = script_card("visa", "51", 99)
HOUR = timedelta(hours=1)
COUNTED = "SELECT count(*) FROM network_sends WHERE imported AND state <> 'not_sent'"


def over(server: ServerAddress, story: Callable[[Shop, Shop], Awaitable[None]]) -> None:
    async def run() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            await story(await make_shop(*made), await make_shop(*made, name="Another"))

    asyncio.run(run())


async def token_of(shop: Shop, order_id: UUID) -> str:
    return str(await shop.value("SELECT token_id FROM orders WHERE order_id = $1", order_id))


def row(token: str, number: int, at: datetime, **more: Any) -> dict[str, Any]:
    usual = {
        "orderId": f"P-{number}",
        "at": at.isoformat(),
        "amount": 4590,
        "currency": "USD",
        "approved": False,
    }
    return usual | {"schemeCode": "51", "token": token} | more


async def read(shop: Shop, rows: list[dict[str, Any]], **more: Any) -> ReadFile:
    raw = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
    return await read_import(
        shop.world, shop.scope, "past.jsonl", raw, Answers(), dry_run=False, **more
    )


async def imported(shop: Shop, rows: list[dict[str, Any]]) -> Import:
    found = await read(shop, rows)
    assert found.stored is not None
    return await finish(shop.world, (shop.merchant_id, found.stored.import_id))


async def story_of(shop: Shop, number: int = 20) -> tuple[UUID, list[dict[str, Any]]]:
    """An order of the card, and so many attempts of it before."""
    order_id, now = await started(shop, PAN), await shop.now()
    token = await token_of(shop, order_id)
    return order_id, [row(token, n, now - (n + 2) * HOUR) for n in range(number)]


def test_attempts_of_a_card_that_we_hold_use_up_their_merchant_s_window_and_nobody_else_s(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        order_id, rows = await story_of(shop)
        theirs = await started(other, PAN)
        done = await imported(shop, rows)
        assert (done.state, done.new_count, done.counted_count) == ("completed", 20, 20)
        assert await try_now(shop, order_id) is None
        assert await try_now(other, theirs) == "declined"
        assert (await verify(shop.world)).difference is None

    over(server, story)


def test_nothing_counts_twice(server: ServerAddress) -> None:
    """The same file, another file of the same attempts, and the decline that came in itself."""

    async def story(shop: Shop, other: Shop) -> None:
        order_id, rows = await story_of(shop, 5)
        came = await shop.value("SELECT at FROM network_sends WHERE order_id = $1", order_id)
        rows.append(row(rows[0]["token"], 99, came + timedelta(seconds=20)))
        first = await imported(shop, rows)
        assert (first.new_count, first.counted_count) == (6, 5)
        assert (await read(shop, rows)).before
        again = await imported(shop, rows[::-1])
        assert (again.new_count, again.changed_count, again.counted_count) == (0, 0, 0)
        assert await shop.value(COUNTED) == 5
        later = await imported(shop, [rows[0] | {"approved": True, "modifiedAt": rows[0]["at"]}])
        assert (later.changed_count, later.counted_count) == (1, 0)
        assert await shop.value(COUNTED) == 5
        assert await shop.value(COUNTED + " AND declined") == 4
        assert (await verify(shop.world)).difference is None

    over(server, story)


@pytest.mark.parametrize(
    "files", [[[3, 7, 20, -9]], [[20], [7, -9], [3]], [[3], [7, -9, 20]], [[-9], [20], [7], [3]]]
)
def test_of_several_attempts_beside_a_send_the_nearest_is_it_however_the_files_are_cut(
    server: ServerAddress, files: list[list[int]]
) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        order_id = await started(shop, PAN)
        token, came = (
            await token_of(shop, order_id),
            await shop.value("SELECT at FROM network_sends"),
        )
        await shop.advance(HOUR)
        done = [
            await imported(
                shop, [row(token, 50 + gap, came + timedelta(seconds=gap)) for gap in gaps]
            )
            for gaps in files
        ]
        assert await shop.value(COUNTED) == 3
        known = "SELECT ref FROM imported_attempts WHERE counted = 'known'"
        assert await shop.value(known) == await shop.value(
            "SELECT ref FROM imported_attempts WHERE payment LIKE '%53'"
        )
        assert await shop.value("SELECT sum(counted_count) FROM imports") == 3
        assert sum(one.new_count for one in done) == 4
        again = await imported(
            shop, [row(token, 50 + gap, came + timedelta(seconds=gap)) for gap in (-9, 20, 7, 3)]
        )
        assert (again.new_count, again.changed_count, again.counted_count) == (0, 0, 0)
        assert await shop.value(COUNTED) == 3
        assert (await verify(shop.world)).difference is None

    over(server, story)


def test_who_loses_a_send_to_a_nearer_one_takes_the_next_or_counts(server: ServerAddress) -> None:
    """Two sends of ours within a minute, and an erased customer's attempt, which keeps the one that
    it was."""

    async def story(shop: Shop, other: Shop) -> None:
        order_id = await started(shop, PAN)
        token, came = (
            await token_of(shop, order_id),
            await shop.value("SELECT at FROM network_sends"),
        )
        async with owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO hub.network_sends SELECT (jsonb_populate_record(s, "
                "jsonb_build_object('send_id',"
                " gen_random_uuid(), 'at', s.at - interval '40 seconds'))).* FROM "
                "hub.network_sends s"
            )
        await shop.advance(HOUR)

        def past(number: int, seconds: int, **more: Any) -> dict[str, Any]:
            return row(token, number, came + timedelta(seconds=seconds), **more)

        await imported(shop, [past(1, -5, customerId="cus-1"), past(2, 5)])
        assert await shop.value(COUNTED) == 0
        await imported(shop, [past(3, 1)])
        assert await shop.value(COUNTED) == 1, (
            "the third takes the later send, the first stays with the earlier one"
        )
        await erase_all(shop.world, shop.scope, "cus-1", frozenset())
        await imported(shop, [past(4, -40)])
        assert await shop.value(COUNTED) == 2
        await imported(shop, [past(1, -5, customerId="cus-1", adviceCode="02")])
        assert (
            await shop.value("SELECT count(*) FROM imported_attempts WHERE known_as IS NOT NULL")
            == 2
        )
        assert await shop.value(COUNTED) == 2

    over(server, story)


def test_cards_of_others_and_of_nobody_are_error_lines_that_say_the_same(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        now, own = await shop.now(), await token_of(shop, await started(shop, PAN))
        theirs = await token_of(other, await started(other, PAN))
        names: list[dict[str, Any]] = [
            {"token": theirs},
            {"token": str(new_id())},
            {"token": "x"},
            {"token": own, "acceptorId": "not-mine"},
            {"token": "", "method.processor": "stripe", "method.id": "pm_1"},
            {"token": own, "at": "2090-01-01T00:00:00Z"},
        ]
        rows = [
            row(own, n, now - HOUR) | {"at": f"{now - HOUR:%Y-%m-%dT%H:%M:%SZ}"} | one
            for n, one in enumerate(names)
        ]
        found = await read(shop, rows)
        codes = [one.code for one in found.lines]
        assert codes == [
            "unknown_card",
            "unknown_card",
            "unknown_card",
            "unknown_acceptor",
            "unknown_card",
            "future",
        ]
        assert len({one.why for one in found.lines[:3]}) == 1
        assert found.attempts == 0
        assert await shop.value(COUNTED) == 0

    over(server, story)


@each(
    ("changes", "counts"),
    [
        ({"state": "not_sent"}, 0),
        ({"state": "unknown"}, 1),
        ({"approved": True}, 1),
        ({"isMIT": False}, 1),
        ({"days": 32}, 0),
        ({"days": 400, "schemeCode": "43"}, 1),
        ({"days": 30}, 1),
        ({"token": ""}, 0),
    ],
)
def test_what_counts(server: ServerAddress, changes: dict[str, Any], counts: int) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        now, token = await shop.now(), await token_of(shop, await started(shop, PAN))
        at = now - timedelta(days=changes.pop("days", 1))
        done = await imported(shop, [row(token, 1, at) | changes])
        assert (done.new_count, done.counted_count) == (1, counts)
        assert await shop.value(COUNTED) == counts
        assert (await verify(shop.world)).difference is None

    over(server, story)


def test_a_stolen_card_by_a_merchant_s_word_is_stolen_for_that_merchant_alone(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        order_id, theirs = await started(shop, PAN), await started(other, PAN)
        old = row(
            await token_of(shop, order_id),
            1,
            await shop.now() - timedelta(days=300),
            schemeCode="43",
        )
        await imported(shop, [old])
        assert await try_now(shop, order_id) is None
        assert await try_now(other, theirs) == "declined"

    over(server, story)


def test_what_a_clock_ahead_says_counts_now(server: ServerAddress) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        now, token = await shop.now(), await token_of(shop, await started(shop, PAN))
        await imported(shop, [row(token, 1, now + timedelta(minutes=4), amount=100)])
        assert (
            await shop.value("SELECT max(at) FROM network_sends WHERE imported") <= await shop.now()
        )
        assert (await read(shop, [row(token, 2, now + HOUR)])).lines[0].code == "future"

    over(server, story)


def test_of_one_card_no_more_count_than_any_window_holds(server: ServerAddress) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        _, rows = await story_of(shop, CARD_MAX + 50)
        done = await imported(shop, rows)
        assert (done.new_count, done.counted_count) == (CARD_MAX + 50, CARD_MAX)
        assert (
            await shop.value("SELECT count(*) FROM imported_attempts WHERE counted = 'more'") == 50
        )
        assert (await verify(shop.world)).difference is None

    over(server, story)


def test_counting_waits_for_a_send_of_the_card_and_a_death_in_between_counts_nothing_twice(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        _, rows = await story_of(shop, 3)
        found = await read(shop, rows)
        assert found.stored is not None
        key = (shop.merchant_id, found.stored.import_id)
        assert not await take_part(shop.world, key)
        with monkeypatch.context() as dying:

            async def dies(*_: object) -> None:
                raise RuntimeError("killed")

            dying.setattr(imported_sends, "mark_counted", dies)
            with pytest.raises(RuntimeError):
                await take_part(shop.world, key)
        assert await shop.value(COUNTED) == 0
        async with owner(shop.world) as connection:
            async with connection.transaction():
                await connection.execute("SELECT FROM hub.cards FOR UPDATE")
                counting = asyncio.create_task(take_part(shop.world, key))
                assert not (await asyncio.wait((counting,), timeout=0.5))[0]
            await counting
        assert await shop.value(COUNTED) == 3
        assert (await finish(shop.world, key)).counted_count == 3
        assert (await verify(shop.world)).difference is None

    over(server, story)


def test_of_an_import_that_is_stopped_what_was_taken_over_counts(server: ServerAddress) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        _, rows = await story_of(shop, 3)
        found = await read(shop, rows)
        assert found.stored is not None
        key = (shop.merchant_id, found.stored.import_id)
        await take_part(shop.world, key)
        await stop_import(shop.world, shop.scope, key[1])
        done = await finish(shop.world, key)
        assert (done.new_count, done.counted_count) == (3, 3)
        assert (await verify(shop.world)).difference is None

    over(server, story)


def test_a_send_of_an_erased_customer_still_counts_once(server: ServerAddress) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        order_id, rows = await story_of(shop, 2)
        await imported(shop, [one | {"customerId": "cus-1"} for one in rows])
        await erase_all(shop.world, shop.scope, "cus-1", frozenset())
        assert (
            await shop.value("SELECT count(*) FROM imported_attempts WHERE card_id IS NOT NULL")
            == 0
        )
        await imported(shop, [one | {"customerId": "cus-1", "adviceCode": "02"} for one in rows])
        assert await shop.value(COUNTED) == 2
        assert (await verify(shop.world)).difference is None

    over(server, story)


@each(
    "damage",
    [
        "DELETE FROM hub.network_sends WHERE imported",
        "UPDATE hub.network_sends SET units = 1 WHERE imported",
        "UPDATE hub.network_sends SET claimed = false WHERE imported",
        "UPDATE hub.network_sends SET order_id = gen_random_uuid() WHERE imported",
        "DELETE FROM cell.imported_attempts",
        "UPDATE cell.imported_attempts SET counted = 'old'",
        "UPDATE cell.imported_attempts SET counted = 'waits'",
    ],
)
def test_verify_sees_what_does_not_fit(server: ServerAddress, damage: str) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        _, rows = await story_of(shop, 1)
        await imported(shop, rows)
        assert (await verify(shop.world)).difference is None
        async with owner(shop.world) as connection:
            await connection.execute(damage)
        found = (await verify(shop.world)).difference
        assert found is not None
        assert "network send" in found.field or "uncounted" in found.field

    over(server, story)
