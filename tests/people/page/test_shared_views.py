"""Views of orders that a team shares: who sees them, who changes them, and days that move along."""

import asyncio
import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.desk.page.test_customers import INES
from tests.desk.page.test_erased_words import EMAIL
from tests.desk.page.test_orders import tabs
from tests.staff import As, portal, post, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_person, payer_ids
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.merchants.flows import merchant_cache
from recoup.people.flows.list_preferences import SHARED_MAX, keep_view


async def shared(client: httpx.AsyncClient, name: str, back: str) -> str:
    """The id of the view."""
    made = await post(client, "/orders", "/orders/views", name=name, back=back, share="yes")
    assert made.status_code == 303, made.text
    return parse_qs(urlsplit(made.headers["location"]).query)["view"][0]


async def words(client: httpx.AsyncClient, path: str = "/orders") -> str:
    """Of the tabs."""
    page = (await client.get(path)).text
    part = page[page.index('<nav class="tabs"') :]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", part[: part.index("</nav>")])))


async def did(client: httpx.AsyncClient, view: str, what: str, **more: str) -> httpx.Response:
    return await post(
        client, "/orders", f"/orders/views/{view}", back="/orders?status=8", do=what, **more
    )


async def acts(shop: Shop) -> list[str]:
    rows = await shop.world.db.fetch(
        "SELECT action FROM audit_lines WHERE action LIKE 'view.%' ORDER BY line_id"
    )
    return [row["action"] for row in rows]


def test_everybody_of_the_merchant_sees_a_shared_view_with_its_makers_name(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, dev = await as_("ops"), await as_("dev")
        assert (
            await post(ops, "/orders", "/orders/views", name="Mine", back="/orders?status=7")
        ).status_code == 303
        view = await shared(ops, "Ends soon", "/orders?status=4&expires=72h")
        assert "Ends soon shared" in await words(ops)
        for name in ("owner", "dev", "clerk", "pat", "olga"):
            seen = await words(await as_(name))
            assert "Ends soon by Ops" in seen, name
            assert "Mine" not in seen, name
        page = await dev.get(tabs((await dev.get("/orders")).text)["Ends soon"])
        assert 'aria-current="page"><bdi>Ends soon</bdi>' in page.text
        assert f"/orders/views/{view}" not in page.text, "no form to change it"
        assert (await did(ops, view, "unshare")).status_code == 303
        assert "Ends soon" not in await words(dev)
        assert "Ends soon" in await words(ops)
        assert (await did(ops, view, "share")).status_code == 303
        assert "Ends soon by Ops" in await words(dev)
        assert await acts(shop) == ["view.shared", "view.unshared", "view.shared"]

    portal(server, story)


def test_only_its_maker_or_an_owner_changes_or_deletes_a_shared_view(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, owner = await as_("ops"), await as_("owner")
        view = await shared(ops, "Ends soon", "/orders?status=4")
        for name in ("dev", "clerk"):
            one = await as_(name)
            for what in ("save", "rename", "unshare", "share", "delete"):
                told = await did(one, view, what, name="Taken over")
                assert told.status_code == 403, (name, what)
                assert "Only the author of a shared view or an owner may change it" in texts(
                    told, 403
                )
        rival = await as_("rita")
        assert (await rival.get("/orders")).status_code == 200
        assert "Ends soon" not in await words(rival)
        assert (await did(rival, view, "rename", name="Taken over")).status_code == 404
        assert (await did(rival, view, "delete")).status_code == 303, (
            "gone already, for all that they know"
        )
        assert "Ends soon shared" in await words(ops)
        assert (await did(owner, view, "rename", name="Ending")).status_code == 303
        assert (await did(owner, view, "save")).status_code == 303
        assert "status=8" in tabs((await ops.get("/orders")).text)["Ending"]
        assert "Ending by Ops" in await words(owner), "it stays its maker's"
        assert (await did(owner, view, "delete")).status_code == 303
        assert "Ending" not in await words(ops)
        own = await post(ops, "/orders", "/orders/views", name="Mine", back="/orders?status=7")
        mine = parse_qs(urlsplit(own.headers["location"]).query)["view"][0]
        assert (await did(owner, mine, "rename", name="Theirs")).status_code == 404, (
            "not shared, not an owner's either"
        )
        assert await acts(shop) == ["view.shared", "view.changed", "view.changed", "view.deleted"]

    portal(server, story)


def test_whom_customers_are_masked_from_sees_no_shared_view_that_searches_for_words(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, clerk = await as_("ops"), await as_("clerk")
        await shared(ops, "That one", "/orders?q=duarte&status=4")
        await shared(ops, "Ends soon", "/orders?status=4")
        assert "That one by Ops" in await words(await as_("owner"))
        assert "Ends soon by Ops" in await words(clerk)
        assert "That one" not in await words(clerk)
        assert "duarte" not in (await clerk.get("/orders")).text

    portal(server, story)


def test_what_the_operators_people_share_is_by_the_operator(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await shared(await as_("otto"), "Look here", "/orders?status=4")
        seen = await words(await as_("ops"))
        assert "Look here by the operator" in seen
        assert "Otto" not in seen

    portal(server, story)


def test_shared_views_are_not_endless_and_those_of_another_world_are_not_seen(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, people = await as_("ops"), shop.world.people
        view = await shared(ops, "Live one", "/orders?status=4")
        async with people.connection() as connection:
            await connection.execute("UPDATE saved_views SET shared_in = 'live'")
            users = [
                row["user_id"]
                for row in await connection.fetch("SELECT user_id FROM users ORDER BY email")
            ]
        assert "Live one" not in await words(await as_("dev"))
        by = Scope(shop.merchant_id, Actor("user", "u"), "test")
        made = await asyncio.gather(
            *(
                keep_view(shop.world, (user, shop.merchant_id), f"{n}", "status=4", sharing=by)
                for n in range(SHARED_MAX // 5 + 1)
                for user in users[:5]
            ),
            return_exceptions=True,
        )
        assert all(isinstance(one, Problem) or not isinstance(one, BaseException) for one in made)
        assert sum(not isinstance(one, BaseException) for one in made) == SHARED_MAX
        full = await did(ops, view, "share")
        assert f"There are {SHARED_MAX} shared views already." in texts(full, 409)

    portal(server, story)


def test_an_erasure_takes_shared_views_that_name_the_customer(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await shop.admit(payer=INES)
        ops = await as_("ops")
        await shared(ops, "of Duarte-Zzyx", "/orders?status=4")
        await shared(ops, "hers", "/orders?q=duarte-zzyx")
        await shared(ops, "May", "/orders?status=4")
        await erase_person(
            shop.world, shop.scope, payer_ids(shop.world, shop.merchant_id, EMAIL)[0]
        )
        seen = tabs((await (await as_("owner")).get("/orders")).text)
        assert {"of Duarte-Zzyx", "hers", "May"} & set(seen) == {"May"}

    portal(server, story)


def test_a_view_keeps_the_days_that_were_chosen_by_name(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those that they were when it was saved: a list of the last seven days shows today's
    orders in three weeks."""

    monkeypatch.setattr(merchant_cache, "KEEP_SECONDS", 0)  # the door sees the moved clock at once

    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        await shared(ops, "Week", "/orders?placed=7d")
        await shared(ops, "Typed", "/orders?q=placed%3Amonth")
        assert "count from the day" in texts(await ops.get("/orders?placed=7d"))
        assert "count from the day" not in texts(await ops.get("/orders?placed=2026-11-01"))
        old = await shop.admit()
        await shop.advance(timedelta(days=45))
        new = await shop.admit()
        for name, said in (("Week", "placed=7d"), ("Typed", "placed=month")):
            link = tabs((await ops.get("/orders")).text)[name]
            assert said in link
            page = (await ops.get(link)).text
            assert f"/orders/{new}" in page, name
            assert f"/orders/{old}" not in page, name

    portal(server, story)


def test_what_the_overview_leads_to_keeps_its_days_by_name(server: ServerAddress) -> None:
    """`Last 30 days` led to thirty dates: a view that was saved of that list stood still."""

    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        await shop.admit()
        for name in ("today", "7d", "30d", "90d", "month", "quarter", "year"):
            page = html.unescape((await ops.get(f"/overview?range={name}")).text)
            lists = [
                parse_qs(urlsplit(link).query)
                for link in re.findall(r'href="(/orders\?[^"]+)"', page)
            ]
            named = [one for one in lists if one.get("placed") == [name] and one["zone"] == ["GMT"]]
            assert named, (name, lists)
            assert any("placed_from" in one for one in lists), "one day is that day"
            assert "/orders/0" in (await ops.get("/orders", params=named[0])).text, name
        page = html.unescape((await ops.get("/overview?range=last_month")).text)
        assert "placed=last-month" in page
        today = (await shop.now()).date()
        page = (await ops.get(f"/overview?from={today}&to={today}")).text
        assert "placed=" not in page

    portal(server, story)
