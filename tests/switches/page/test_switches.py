"""Switches, campaigns and reports in the portal: who may, what is shown, and what a form that is
wrong gets."""

import html
import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests import staff
from tests.settling import give_back, sold
from tests.staff import As, portal
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.switches.flows.switches import read_all


async def post(
    client: httpx.AsyncClient, to: str, on: str = "/switches", **fields: str
) -> httpx.Response:
    return await staff.post(client, on, to, **fields)


def words(answer: httpx.Response) -> str:
    """What is read on the page, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def stands(shop: Shop) -> dict[tuple[str, str], Any]:
    return {(row.level, row.kind): row for row in await read_all(shop.world, shop.scope)}


def test_a_switch_is_flipped_with_a_reason_and_told_to_everybody(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ops, clerk = await signed_in("ops"), await signed_in("clerk")
        page = await ops.get("/switches")
        assert page.status_code == 200
        flip = f"site:{shop.site_id}:mit:off"
        assert f'value="{flip}"' in page.text
        assert (
            await post(ops, "/switches", flip=flip, why="<b>stock</b> is out")
        ).status_code == 303
        read = words(await clerk.get("/switches"))
        assert "Ops, " in read
        assert ": <b>stock</b> is out" in read
        assert "Switch o" not in read, "a clerk has no buttons"
        row = (await stands(shop))["site", "mit"]
        assert (row.is_on, row.why, row.actor.split(":")[0]) == (
            False,
            "<b>stock</b> is out",
            "user",
        )
        shop.merchants.forget(shop.merchant_id)
        with pytest.raises(Problem, match="the site Leaf"):
            await shop.ask()
        assert (await post(ops, "/switches", flip=f"site:{shop.site_id}:mit:on")).status_code == 303
        assert (await stands(shop))["site", "mit"].is_on

    portal(server, story, fee_basis_points=290)


def test_what_the_operator_closed_the_shop_does_not_open(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, olga = await signed_in("owner"), await signed_in("olga")
        flip = f"merchant:{shop.merchant_id}:cit_web"
        assert (await post(olga, "/switches", flip=f"{flip}:off", why="risk")).status_code == 303
        refused = await post(owner, "/switches", flip=f"{flip}:on")
        assert refused.status_code == 403
        assert "by the operator" in words(refused)
        assert not (await stands(shop))["merchant", "cit_web"].is_on
        assert "Olga (the operator), " in words(await owner.get("/switches"))
        assert (await post(olga, "/switches", flip=f"{flip}:on")).status_code == 303

    portal(server, story, fee_basis_points=290)


def test_who_may_only_look_switches_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        forms = {
            "/switches": {"flip": f"merchant:{shop.merchant_id}:mit:off"},
            "/switches/unknown-sites": {"unknown": "refuse"},
            "/switches/campaigns": {"site": str(shop.site_id), "key": "spring"},
        }
        for name in ("clerk", "dev"):
            client = await signed_in(name)
            for to, fields in forms.items():
                assert (await post(client, to, **fields)).status_code == 403
        assert (
            await post(await signed_in("clerk"), "/switches/test", kind="mit")
        ).status_code == 403
        assert all(row.is_on for row in (await stands(shop)).values())
        assert len(await stands(shop)) == 6
        owner = await signed_in("owner")
        assert (
            await owner.post("/switches", data={"flip": "x", "csrf": "not mine"})
        ).status_code == 403
        for flip in (
            "",
            "x",
            f"site:{shop.site_id}:mit",
            "site:x:mit:off",
            f"site:{shop.site_id}:mit:maybe",
        ):
            assert (await post(owner, "/switches", flip=flip)).status_code == 400
        strange = f"site:{shop.site_id}:all:off"
        assert (await post(owner, "/switches", flip=strange)).status_code == 400
        assert (
            await post(owner, "/switches", flip=f"site:{UUID(int=5)}:mit:off")
        ).status_code == 404
        assert (await post(owner, "/switches/unknown-sites", unknown="create")).status_code == 400

    portal(server, story, fee_basis_points=290)


def test_a_connection_is_tested_by_who_develops(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        dev = await signed_in("dev")
        read = words(await post(dev, "/switches/test", kind="mit", site=str(shop.site_id)))
        assert "Test of MIT" in read
        assert "All passed" in read
        assert "sandbox answers." in read
        failed = words(await post(dev, "/switches/test", kind="cit_web", campaign="autumn"))
        assert "1 step failed" in failed
        assert "has no campaign 'autumn'" in failed
        assert (await post(dev, "/switches/test", kind="x")).status_code == 400

    portal(server, story, fee_basis_points=290)


def test_a_campaign_is_made_changed_and_retired(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        made = await post(
            owner,
            "/switches/campaigns",
            "/switches/campaigns",
            site=str(shop.site_id),
            key="spring-26",
            name="Spring & <Sun>",
        )
        assert made.status_code == 303
        assert "Spring & <Sun>" in words(await owner.get("/switches"))
        wrong = await post(
            owner, "/switches/campaigns", "/switches/campaigns", site=str(shop.site_id), key="a b"
        )
        assert wrong.status_code == 400
        assert 'value="a b"' in wrong.text
        assert (await post(owner, "/switches/campaigns", site="x", key="k")).status_code == 400
        row = (await stands(shop))["campaign", "mit"]
        path = f"/switches/campaigns/{row.subject_id}"
        assert 'value="spring-26"' in (await owner.get(path)).text
        changed = await post(
            owner, path, path, key="spring-26", name="Spring", descriptor="LEAF*SPRING"
        )
        assert changed.status_code == 303
        assert (await post(owner, path, path, key="spring-26", descriptor="<>")).status_code == 400
        assert (
            await post(owner, "/switches", flip=f"campaign:{row.subject_id}:mit:off")
        ).status_code == 303
        assert (await post(owner, f"{path}/retire", path)).status_code == 303
        assert (await owner.get(path)).status_code == 404
        assert ("campaign", "mit") not in await stands(shop)
        assert "Campaign Spring" in words(await owner.get("/switches")), "its changes stay"

    portal(server, story, fee_basis_points=290)


def test_an_orders_page_names_its_campaign(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        await post(
            owner, "/switches/campaigns", site=str(shop.site_id), key="spring-26", name="Spring"
        )
        shop.merchants.forget(shop.merchant_id)
        order_id = await shop.admit(campaign="Spring-26")
        assert "Campaign Spring spring-26" in words(await owner.get(f"/orders/{order_id}"))

    portal(server, story, fee_basis_points=290)


def test_reports_show_what_was_booked(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        clerk = await signed_in("clerk")
        assert "Nothing was booked" in words(await clerk.get("/reports"))
        first, _ = await sold(shop, 2)
        await give_back(shop, first, "10.00")
        for by in ("sites", "campaigns", "descriptors", "means", "transactions"):
            page = await clerk.get(f"/reports?by={by}")
            assert page.status_code == 200
            assert "net 79.14 of 91.80 approved" in words(page)
            month = re.search(r"month=([0-9-]{7})", page.text)
            assert month
            file = await clerk.get(f"/reports/{by}.csv?month={month[1]}")
            assert (
                file.headers["content-disposition"] == f'attachment; filename="{by}-{month[1]}.csv"'
            )
            assert len(file.text.splitlines()) == (3 if by == "transactions" else 2)
        assert "Nothing was booked in 2020-01 in JPY" in words(
            await clerk.get("/reports?month=2020-01&currency=jpy")
        )
        odd = await clerk.get("/reports?by=x&month=never&currency=<b>&after=zzz")
        assert (odd.status_code, "is not a month" in words(odd)) == (200, True)
        assert (await clerk.get("/reports/sites.csv?month=never")).status_code == 400
        assert (await clerk.get("/reports/everything.csv")).status_code == 404

    portal(server, story, fee_basis_points=290)
