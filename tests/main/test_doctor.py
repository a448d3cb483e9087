"""`recoup doctor` names what is wrong: a key without a right above all."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
from tests.routes.flows.test_connect import KEY, SECRET, open_routes, stripe_account
from tests.worlds import change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.time import iso
from recoup.kit.upkeep import beat
from recoup.main import extension_check
from recoup.main.doctor_verb import Line, _settings, _worker, look_at
from recoup.main.metrics import scrape
from recoup.main.settings import load_settings
from recoup.notifications.flows.notifications import keep_language
from recoup.people.store.people import add_user
from recoup.rescue.flows.send import OWN
from recoup.routes.flows.card_routes import silent_routes
from recoup.routes.flows.connect import ConnectRequest, connect
from recoup.routes.flows.connections import connection_of
from recoup.routes.flows.own_routes import terms_of_own
from recoup.routes.store.card_routes import NewCardRoute, add_counts, list_routes, set_breaker
from recoup_connectors.stripe.connector import Stripe

CURE = (
    "Start a worker: `recoup worker`, or `recoup up`. `up` replaces one that stands still "
    "within two minutes."
)


def test_a_key_without_a_right_is_named_and_its_route_waits(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made, stripe_account(tmp_path) as standin:
            shop = await make_shop(*made)
            own, listed = shop.world.processors, Stripe(key=KEY, name="acme", url=standin.url)
            opened = open_routes(shop, {**own, "acme": listed})
            route = (
                await connect(
                    shop.world, shop.scope, ConnectRequest("stripe", KEY, SECRET, url=standin.url)
                )
            ).route
            await beat(shop.world)
            well = [line async for line in look_at(shop.world)]
            assert [one.what for one in well if not one.ok] == ["acme webhook", f"{route} webhook"]
            assert {"worker", "acme key", f"{route} key"} <= {one.what for one in well}
            standin.keys[KEY] = ("POST /v1/refunds",)
            lines = [line async for line in look_at(shop.world)]
            wrong = {one.what: one for one in lines if not one.ok}
            assert {f"{route} write Refunds", "acme write Refunds", route} <= wrong.keys()
            assert wrong[route] == Line("sandbox", route, False, "waiting")
            assert wrong["acme write Refunds"].cure == "Add the right to the restricted key."
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(extension_check, "KINDS", {})  # as if nothing were installed
                [missing] = [one async for one in extension_check.extension_troubles(shop.world)]
            assert "of the kind 'stripe'" in missing.message
            assert not terms_of_own(route, "gone").stored, (
                "nothing new goes by a kind that is not installed"
            )
            found = await connection_of(shop.world, route)
            assert found is not None
            assert found.state == "waiting"
            async with shop.world.db.transaction() as tx:
                await tx.execute(
                    "INSERT INTO processor_notice_counts VALUES ($1, $2, 'taken', 3)",
                    route,
                    shop.world.clocks.wall().date(),
                )
            assert Line("sandbox", f"{route} notices", True, "3 since yesterday") in [
                line async for line in look_at(shop.world)
            ]
            await opened.close()
            await listed.close()
            change_world(made[0], processors=own)

    asyncio.run(story())


def test_a_processor_that_answers_nothing_is_named(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            world = made[0]
            now, route = world.clocks.wall(), "acme"

            async def silent() -> dict[str, str]:
                names = {one.name for one in await silent_routes(world.db, now)}
                lines = [line async for line in look_at(world) if line.what.endswith(" answers")]
                assert {line.what for line in lines} == {f"{name} answers" for name in names}
                gauges = (await scrape([world], Path("/")))[0].decode()
                assert (f'recoup_route_silent{{route="{OWN}",world="sandbox"}} 1.0' in gauges) == (
                    route in names
                )
                return {line.what: f"{line.finding}. {line.cure}" for line in lines if not line.ok}

            async with world.db.transaction() as tx:
                await list_routes(tx, [NewCardRoute(route, "stripe", "", "", None, now, now, now)])
                for hour in (1, 0):
                    at = now - timedelta(hours=hour)
                    await add_counts(tx, route, at, 0, 0, 0, not_sent=0, unknown=1, refused=0)
            assert await silent() == {}, "two attempts say nothing yet"
            async with world.db.transaction() as tx:
                await add_counts(tx, route, now, 0, 0, 0, not_sent=1, unknown=0, refused=0)
            found = await silent()
            assert f"route off {route}" in found[f"{route} answers"]
            assert "none of the attempts in this hour" in found[f"{route} answers"]
            async with world.db.transaction() as tx:
                await add_counts(tx, route, now, 0, 0, 1, not_sent=0, unknown=0, refused=0)
            assert await silent() == {}, "a decline is an answer"
            for minutes, answered, wrong in ((4, 0, False), (6, 0, True), (6, 1, False)):
                opened = now - timedelta(minutes=minutes)
                async with world.db.transaction() as tx:
                    await set_breaker(tx, route, now, answered, 1, opened, now, 3, is_refused=False)
                found = await silent()
                assert (f"since {iso(opened)}" in found.get(f"{route} answers", "")) is wrong
            async with world.db.transaction() as tx:
                await set_breaker(
                    tx, route, now, 0, 0, now - timedelta(hours=1), now, 3, is_refused=True
                )
            assert await silent() == {}, "it has refused the account: that is another fault"

    asyncio.run(story())


def test_a_language_that_somebody_chose_and_that_is_not_installed_is_named(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, *_):
            for language in ("it", "it", "en"):
                user_id = new_id()
                async with world.people.transaction() as tx:
                    await add_user(
                        tx, user_id, f"{user_id}@example.com", "One", "x", world.clocks.wall()
                    )
                await keep_language(world, user_id, language)
            [problem] = [one async for one in extension_check.extension_troubles(world)]
            assert "2 chose the language 'it'" in problem.sentence()

    asyncio.run(story())


def test_a_worker_that_is_gone_is_named_before_anything_is_late(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            world = made[0]
            assert await _worker(world) == Line(
                "sandbox", "worker", False, "none has run yet", CURE
            )
            await beat(world)
            assert (await _worker(world)).ok
            async with world.db.transaction() as tx:
                await tx.execute(
                    "UPDATE upkeep SET done_at = done_at - interval '26 seconds' WHERE task = "
                    "'worker'"
                )
            assert (await _worker(world)).finding == "none has lived for 26 s"

    asyncio.run(story())


@pytest.mark.parametrize("elsewhere", [False, True])
def test_settings_that_others_may_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    """They had the processor's secret. Nothing closes the folder where the database is another
    machine's."""
    file = tmp_path / ("of-ours.toml" if elsewhere else "recoup.toml")
    if elsewhere:
        monkeypatch.setenv("RECOUP_CONFIG", str(file))
    settings = load_settings(data_dir=tmp_path)
    assert _settings(settings) == []
    file.write_text("")
    for mode, is_closed in ((0o600, True), (0o640, False), (0o604, False)):
        file.chmod(mode)
        (line,) = _settings(settings)
        assert (line.ok, str(file) in line.finding, line.cure) == (
            is_closed,
            True,
            f"Run: chmod 600 {file}",
        )
    monkeypatch.setattr(os.path, "ismount", lambda one: Path(one) == tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert _settings(settings) == [], "a container's"
