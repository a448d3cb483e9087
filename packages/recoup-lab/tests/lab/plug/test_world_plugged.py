"""A world plugged into the sandbox: it answers for its own cards over a bridge, while orders come
in by files and calls and the merchant's clock moves; what it counted is what Recoup shows."""

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from lab.plug.plugged_shop import Face, Shop, body_of, installation
from lab.plug.small_world import world_card
from tests.bridge_twin import SECRET, Twin, bridge_twin
from tests.rescue.api.test_bad_input import real_looking

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.main.card_processors import plugged_world
from recoup.main.settings import Settings
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import WORLD_CARDS, WORLD_ROUTE
from recoup.reconciliation.flows.sandbox_statement import sandbox_statement
from recoup.rescue.flows.on_demand import settle_attempt
from recoup_lab.plug.program import Program
from recoup_lab.world.port import WorldCard, WorldOrder

TINY = Path(__file__).resolve().parents[5] / "examples/world/tiny_world.py"
DAY = timedelta(days=1)
VISA = world_card("visa", 3, 1)
TRIED_BY = timedelta(days=12)  # the first try at a card without funds waits for a pay day


def test_a_world_judges_what_recoup_did_with_its_orders(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(twin: Twin, world: Program) -> None:
        async with installation(server, tmp_path, twin) as shop:
            hello, begun = (
                world.hello(),
                datetime.now(UTC).replace(minute=0, second=0, microsecond=0),
            )
            face = Face(world, begun)
            twin.decides = face.decides
            orders, _ = world.orders(hello.now + timedelta(seconds=1), 1)
            orders = [*orders, *world.orders(hello.now + DAY, 100)[0]]
            # one by a call, with its card; the others in a file, with tokens
            one, *others = orders
            said = await shop.evaluated(face.body(one, {"cardNumber": one.card.number}))
            assert said["status"] == "SUBMITTED"
            face.orders[said["orderSessionKey"]] = one
            methods = [
                {"cardNumber": await shop.token(order.card.number), "token": True}
                for order in others
            ]
            rows = [face.body(order, method) for order, method in zip(others, methods, strict=True)]
            by_name = {order.order_id: order for order in orders}
            for answer in await shop.uploaded(rows):
                assert answer["status"] == "SUBMITTED", answer
                face.orders[answer["orderSessionKey"]] = by_name[answer["orderId"]]
            assert len(face.orders) == len(orders) > 25, (
                "so many that at any hour of the day one of them pays"
            )
            await shop.advance(23 * DAY)
            score = world.end("product")
            found = await shop.rows(
                "SELECT external_id, stage, units FROM current_orders JOIN order_heads "
                "USING (merchant_id, order_id, units)"
                " WHERE merchant_id = $1"
            )
            paid = {
                row["external_id"]: row["units"] for row in found if row["stage"] == "completed"
            }
            attempts = await shop.rows(
                "SELECT route, state FROM attempts WHERE merchant_id = $1 AND sends > 0"
            )
            assert (score.orders, score.recovered, score.attempts) == (
                len(orders),
                len(paid),
                len(attempts),
            )
            assert score.amount_share == sum(paid.values()) / sum(order.amount for order in orders)
            assert score.recovered > 0
            assert {row["route"] for row in attempts} == {"world"}
            assert score.breaches == 0
            assert max(face.heard) - min(face.heard) > DAY, (
                "the instants are of the merchant's clock"
            )
            assert min(face.heard) >= begun
            await shop.proved()

    async def whole() -> None:
        with Program(shlex.join([sys.executable, str(TINY)])) as world:
            async with bridge_twin() as twin:
                await story(twin, world)

    asyncio.run(whole())


def payment(name: str, pan: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    card = WorldCard(pan, 12, 2031, "visa", "debit")
    order = WorldOrder(name, f"c-{name}", now, now + 20 * DAY, 4_590, "USD", "US", card, "51")
    return body_of(order, {"cardNumber": pan}, timedelta(0))


def plugged(
    server: ServerAddress, folder: Path, story: Callable[[Shop, Twin], Awaitable[None]]
) -> None:
    async def whole() -> None:
        async with bridge_twin() as twin, installation(server, folder, twin) as shop:
            await story(shop, twin)
            await shop.proved()

    asyncio.run(whole())


def test_the_sandbox_takes_the_cards_of_a_world_only_while_one_is_plugged(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def alone() -> None:
        async with installation(server, tmp_path / "alone", None) as shop:
            for scheme in WORLD_CARDS:
                refused = await shop.tokenized(world_card(scheme, 3, 1))
                assert refused.status_code == 400
                assert "not one of the sandbox's test cards" in refused.text
            called = await shop.client.post(
                "/v1/evaluate", json=payment("a", VISA) | {"mid": shop.made.mid}
            )
            assert called.status_code == 400
            assert "not one of the sandbox's test cards" in called.text

    async def story(shop: Shop, twin: Twin) -> None:
        for scheme in WORLD_CARDS:
            number = world_card(scheme, 3, 1)
            assert (await shop.tokenized(number)).status_code == 200
            wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
            assert (await shop.tokenized(wrong)).status_code == 400, "a check digit that is wrong"
        assert (await shop.tokenized(real_looking("453955", 16))).status_code == 400

    asyncio.run(alone())
    plugged(server, tmp_path / "plugged", story)


def test_a_card_of_a_world_is_one_card_in_all_orders_and_test_cards_stay_at_the_sandbox(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, twin: Twin) -> None:
        for name, pan in (
            ("a", VISA),
            ("b", VISA),
            ("c", APPROVE_CARDS[1]),
            ("d", APPROVE_CARDS[1]),
        ):
            await shop.evaluated(payment(name, pan))
        await shop.advance(TRIED_BY)
        found = await shop.rows(
            "SELECT external_id, card_id, stage FROM current_orders JOIN order_heads "
            "USING (merchant_id, order_id)"
            " WHERE merchant_id = $1 ORDER BY external_id"
        )
        assert [row["stage"] for row in found] == ["completed"] * 4
        a, b, c, d = (row["card_id"] for row in found)
        assert a == b
        assert c != d
        routes = await shop.rows("SELECT route FROM attempts WHERE merchant_id = $1 ORDER BY route")
        assert [row["route"] for row in routes] == ["sandbox", "sandbox", "world", "world"]
        assert {told["card"]["number"] for told in twin.sent.values()} == {VISA}
        assert {told["acceptorId"] for told in twin.sent.values()} == {"sandbox"}
        assert [line async for line in sandbox_statement(shop.opened.world, shop.mid, "processor")]

    plugged(server, tmp_path, story)


def test_a_world_that_talks_nonsense_or_is_silent_makes_it_unknown_and_is_asked(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, twin: Twin) -> None:
        await shop.evaluated(payment("a", VISA))
        left = list(NONSENSE)
        twin.raw = lambda: (left.pop(0) if len(left) > 1 else left[0])()
        moving = asyncio.create_task(shop.advance(TRIED_BY))
        while len(left) > 1:
            assert not moving.done(), await states(shop)
            await asyncio.sleep(0.02)
        assert [row["state"] for row in await states(shop)] in (["open"], ["unknown"]), (
            "no word of these is a decision"
        )
        twin.silent = True
        await asyncio.sleep(1)
        assert not twin.sent
        assert not moving.done()
        twin.silent, twin.raw = False, None
        await moving
        (attempt,) = await states(shop)
        assert (attempt["state"], attempt["sends"]) == ("approved", 2), (
            "not found, so sent again, under the same id"
        )
        assert list(twin.sent) == [str(attempt["key"])]

    plugged(server, tmp_path, story)


@pytest.mark.prove("engine")
def test_orders_of_a_world_that_was_unplugged_wait_and_nobody_else_answers_them(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, twin: Twin) -> None:
        await shop.evaluated(payment("a", VISA))
        fixed = shop.opened.world.processors.fixed
        bridge = fixed.pop(WORLD_ROUTE)
        await shop.advance(TRIED_BY)
        assert "not_sent" in {row["state"] for row in await states(shop)} <= {"not_sent", "planned"}
        assert not twin.sent
        fixed[WORLD_ROUTE] = bridge
        await shop.advance(7 * DAY)
        assert "approved" in {row["state"] for row in await states(shop)}

    plugged(server, tmp_path, story)


def test_the_operator_does_not_answer_for_a_world(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop, twin: Twin) -> None:
        said = await shop.evaluated(payment("a", VISA))
        with pytest.raises(Problem, match="alone decides its answer"):
            await settle_attempt(
                shop.opened.world, shop.opened.orders, said["orderSessionKey"], True
            )

    plugged(server, tmp_path, story)


def test_settings_that_no_card_may_be_sent_by_are_named() -> None:
    for settings, field in (
        (
            Settings(
                sandbox_processor_url="http://pay.example.com", sandbox_processor_secret=SECRET
            ),
            "url",
        ),
        (
            Settings(sandbox_processor_url="http://127.0.0.1:1", sandbox_processor_secret="short"),
            "secret",
        ),
    ):
        with pytest.raises(Problem) as problem:
            plugged_world(settings, "sandbox")
        assert problem.value.field == f"sandbox_processor_{field}"


NONSENSE: Sequence[Callable[[], web.Response]] = (
    lambda: web.json_response({"id": str(uuid4()), "state": "approved", "schemeCode": "00"}),
    lambda: web.Response(text="<html>Bad gateway</html>", content_type="text/html", status=502),
    lambda: web.Response(text=""),
    lambda: web.json_response({"id": str(uuid4()), "state": "paid"}),
)


async def states(shop: Shop) -> list[Any]:
    return await shop.rows(
        "SELECT attempt_id, key, state, sends FROM attempts WHERE merchant_id = $1 ORDER BY "
        "attempt_no"
    )
