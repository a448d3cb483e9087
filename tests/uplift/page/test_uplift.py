"""The page of what the engine brings: empty, with figures, with harm; its files, and its switch."""

import html
import re
from datetime import timedelta
from urllib.parse import quote

import httpx
from tests import staff
from tests.engine.page.test_engine import words
from tests.staff import As, portal
from tests.uplift.flows.compared import with_orders
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.uplift.flows.uplift_report import read_return, watch_uplift


async def post(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await staff.post(client, "/uplift", "/uplift/return", **fields)


def test_figures_stand_beside_their_denominators(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        clerk = await signed_in("clerk")
        assert "Not computed yet" in words(await clerk.get("/uplift"))
        assert (await clerk.get("/uplift/cohorts-by-week.csv")).status_code == 404
        await with_orders(shop, engine=60, holdout=40)
        await watch_uplift(shop.world, shop.merchant_id)
        page = words(await clerk.get("/uplift"))
        assert "+20.0 points" in page
        assert "60.0 % rescued of 400 orders of 400 customers" in page
        assert "40.0 % rescued of 400 orders of 400 customers" in page
        assert "Attempts per order 3.00 3.00" in page
        assert "Planned attempt 240 160" in page
        assert "Leaf 800 800 400 50.0 %" in page
        assert "240 / 400 60.0 % 160 / 400 40.0 %" in page
        for by in ("week", "site"):
            file = await clerk.get(f"/uplift/cohorts-by-{by}.csv")
            assert file.status_code == 200
            assert file.headers["content-type"].startswith("text/csv")
        assert file.text.splitlines()[0].endswith(
            "engine_orders,engine_rescued,comparison_orders,comparison_rescued,difference,low,high"
        )
        assert ",400,240,400,160,0.2," in file.text
        assert (await clerk.get("/uplift/cohorts-by-planet.csv")).status_code == 404
        assert (await post(clerk, on_harm="on")).status_code == 403

    portal(server, story)


def test_harm_is_shown_at_the_top_and_the_switch_holds(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        assert (await post(owner, on_harm="on")).status_code == 303
        found = await read_return(shop.world, shop.merchant_id)
        assert found is not None
        assert found.on_harm
        await with_orders(shop, engine=20, holdout=60)
        await watch_uplift(shop.world, shop.merchant_id)
        page = words(await owner.get("/uplift"))
        assert "The engine brings less than the comparison group" in page
        assert "The engine is shown to bring less than the comparison group." in words(
            await owner.get("/engine")
        )
        assert "stopped the rescue engine" in words(await owner.get("/audit"))
        assert (await post(owner)).status_code == 303
        off = await read_return(shop.world, shop.merchant_id)
        assert off is not None
        assert not off.on_harm

    portal(server, story)


def test_a_page_of_then_shows_what_it_showed_then_and_has_no_switch(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        empty = quote((await shop.now()).isoformat())
        await with_orders(shop, engine=20, holdout=60)
        await watch_uplift(shop.world, shop.merchant_id)
        now = quote((await shop.now()).isoformat())
        then, file = await owner.get("/uplift"), await owner.get("/uplift/cohorts-by-week.csv")
        await shop.advance(timedelta(weeks=27))  # then none of the weeks is shown any more
        assert "Computed" in words(await owner.get("/uplift"))
        computed = await staff.post(owner, "/uplift", "/uplift/compute")
        assert computed.status_code == 303, "whoever asks need not wait"
        assert (await owner.get("/uplift/cohorts-by-week.csv")).content != file.content
        page = await owner.get(f"/uplift?asOf={now}")
        assert "This is the past" in page.text
        for figure in ("tiles", "h-looks", "h-other", "h-weeks", "h-places"):
            assert section(page.text, figure) == section(then.text, figure) != ""
        assert 'method="post"' not in page.text.partition("<main")[2]
        link = re.search(r'href="(/uplift/cohorts-by-week.csv[^"]*)"', page.text)
        assert link
        again = await owner.get(html.unescape(link[1]))
        assert again.content == file.content
        assert "-as-of-" in again.headers["content-disposition"]
        assert "Not computed yet" in words(await owner.get(f"/uplift?asOf={empty}"))
        assert (await owner.get("/uplift/cohorts-by-week.csv?asOf=1")).status_code == 400
        wrong = await owner.get("/uplift?at=yesterday")
        assert wrong.status_code == 200
        assert "This is no moment" in wrong.text

    portal(server, story)


def section(page: str, name: str) -> str:
    """Its words."""
    part = re.search(rf'"{name}".*?(?=<section|</section>)', page, re.S)
    return re.sub(r"<[^>]*>", " ", part[0]) if part else ""
