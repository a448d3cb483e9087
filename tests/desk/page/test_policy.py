"""The page of the retry policy: checked, saved, refused with the nearest, gone back from; an order
names it."""

import httpx
import pytest
from tests import staff
from tests.backtest.flows.test_kept import run_later, with_orders
from tests.engine.page.test_engine import words
from tests.staff import As, portal
from tests.worlds import FUNDS_CARD, Shop
from tests.worlds import owner as database_owner

from recoup.backtest.flows import kept
from recoup.db.server import ServerAddress
from recoup.policy_versions.flows.policies import read_standing
from recoup.policy_versions.flows.policy_scopes import where_of

BOUNDS = "/partner/policy"


async def post(client: httpx.AsyncClient, path: str = "/policy", **fields: str) -> httpx.Response:
    return await staff.post(client, path.removesuffix("/back"), path, **fields)


def test_it_is_checked_saved_and_named_by_the_next_plan(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        assert "No policy is set: the defaults apply" in words(await owner.get("/policy"))
        lines = {
            "when.hours": "07:00-22:00",
            "amounts.max": "500 USD; 90.50 EUR",
            "link": "last",
            "cost.harm": "0.5",
        }
        checked = words(await post(owner, act="check", seen="0", **lines))
        assert "The policy can be saved" in checked
        assert "Retry hours (cardholder’s local time): – → 07:00-22:00" in checked
        where = await where_of(shop.world, shop.merchant_id)
        assert (await read_standing(shop.world, where)).number == 0, "a check saves nothing"
        saved = await post(owner, act="save", seen="0", reason="no sends at night", **lines)
        assert "Saved as version 1." in (await owner.get(saved.headers["location"])).text
        assert "Saved as version 1." not in (await owner.get("/policy")).text
        assert saved.status_code == 303
        standing = await read_standing(shop.world, where)
        assert standing.terms.to_plain() == {
            "link": "last",
            "when": {"hours": ["07:00-22:00"]},
            "amounts": {"max": {"USD": 50000, "EUR": 9050}},
            "cost": {"harm": 0.5},
        }
        page = await owner.get("/policy")
        assert 'value="500.00 USD; 90.50 EUR"' in page.text or "90.50 EUR" in page.text
        assert "no sends at night" in words(page)
        order_id = await shop.admit(facts={"funding": "debit"}, pan=FUNDS_CARD)
        await shop.run_due()
        shown = words(await owner.get(f"/orders/{order_id}"))
        assert "Your policy (version 1, by " in shown
        assert "forbids attempts from 22:00 to 07:00." in shown
        assert (
            "Without the line when.hours of the retry policy: the next attempt would have been"
            in shown
        )
        late = await post(owner, act="save", seen="0", reason="mine", **{"tries.soft": "2"})
        assert late.status_code == 409
        assert "Version 1 was saved meanwhile" in words(late)
        assert (
            await post(owner, act="save", seen="1", reason="off", off="true")
        ).status_code == 303
        assert (await post(owner, "/policy/back", version="1", reason="back")).status_code == 303
        assert (await read_standing(shop.world, where)).number == 3

    portal(server, story)


def test_what_cannot_be_saved_says_why_and_what_could(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        bad = {
            "tries.all": "19",
            "when.hours": "<b>night</b>",
            "when.last": "soon",
            "amounts.max": "much",
            "routes.only": "x",
        }
        refused = await post(owner, act="save", reason="x", **bad)
        assert refused.status_code == 400
        said = words(refused)
        for one in (
            "19 attempts after a payment could be 20 on the card",
            "is no span of hours",
            "must be a whole number",
            "must give each currency",
            "There is no route",
            "The nearest that could be saved",
        ):
            assert one in said
        assert "<b>night" not in refused.text
        assert 'value="19"' in refused.text
        assert (await post(owner, act="save", reason="", **{"tries.soft": "2"})).status_code == 400
        assert (await owner.get("/policy?site=nothing")).status_code == 404
        clerk = await signed_in("clerk")
        assert (await post(clerk, act="save", reason="x", **{"tries.soft": "2"})).status_code == 403
        assert "Save as a new version" not in words(await clerk.get("/policy"))

    portal(server, story)


def test_a_partners_people_bound_its_merchants_and_the_merchant_sees_what_is_cut(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await belongs_to_partner(shop)
        owner, pat = await signed_in("owner"), await signed_in("pat")
        saved = await post(owner, act="save", seen="0", reason="ours", **{"tries.all": "8"})
        assert saved.status_code == 303
        assert "wider than their bounds" not in words(await owner.get("/policy"))
        page = words(await pat.get(BOUNDS))
        assert "Bounds of retry policies" in page
        assert "the merchants of Subscriptions Inc" in page
        checked = words(await post(pat, BOUNDS, act="check", seen="0", **{"tries.all": "4"}))
        assert "Max attempts per order: – → 4" in checked
        assert "No merchant under these bounds has orders of the last 90 days" in checked
        assert (
            await post(pat, BOUNDS, act="save", seen="0", reason="<i>few", **{"tries.all": "4"})
        ).status_code == 303
        late = await post(pat, BOUNDS, act="save", seen="0", reason="mine", **{"tries.all": "3"})
        assert late.status_code == 409
        assert "Version 1 was saved meanwhile" in words(late)
        own = await pat.get(BOUNDS)
        assert "Pat (the partner)" in words(own)
        assert "<i>few" not in own.text
        cut = await owner.get("/policy")
        assert "Max attempts per order: 8 → 4 (the partner’s bound)" in words(cut)
        assert "Partner’s bound: 4" in words(cut)
        for of_the_partner in ("Pat", "few", "Subscriptions"):
            assert of_the_partner not in words(cut)
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        shown = words(await owner.get(f"/orders/{order_id}"))
        assert "The partner’s bounds (version 1, by the partner) say: tries.all = 4." in shown
        assert (await post(pat, f"{BOUNDS}/back", version="1", reason="back")).status_code == 303

    portal(server, story)


def test_who_may_not_set_bounds_reads_them_or_is_refused(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await belongs_to_partner(shop)
        pia, rita, owner = await signed_in("pia"), await signed_in("rita"), await signed_in("owner")
        assert "Save as a new version" not in words(await pia.get(BOUNDS))
        assert (
            await post(pia, BOUNDS, act="save", reason="x", **{"tries.all": "4"})
        ).status_code == 403
        assert (
            await post(rita, BOUNDS, act="save", seen="0", reason="rival", **{"tries.all": "2"})
        ).status_code == 303
        assert (
            await read_standing(shop.world, await where_of(shop.world, partner_id=staff.PARTNER))
        ).number == 0
        assert (await owner.get(BOUNDS)).status_code == 403
        for bounds in ("partner", "operator"):
            assert (await owner.get(f"/policy?bounds={bounds}")).status_code == 403
            sent = {"bounds": bounds, "act": "save", "reason": "x", "tries.all": "2"}
            assert (await post(owner, **sent)).status_code == 403
        assert "Bounds of" not in words(await owner.get("/policy"))

    portal(server, story)


def test_the_operator_sets_the_bounds_of_a_partner_and_of_all(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await belongs_to_partner(shop)
        olga, pat = await signed_in("olga"), await signed_in("pat")
        await staff.post(olga, "/policy", "/merchant", merchant=str(shop.merchant_id))
        assert "Bounds of Subscriptions Inc" in words(await olga.get("/policy"))
        for bounds, tries in (("operator", "6"), ("partner", "5")):
            sent = {
                "bounds": bounds,
                "act": "save",
                "seen": "0",
                "reason": "for all",
                "tries.all": tries,
            }
            saved = await post(olga, **sent)
            assert saved.headers["location"].startswith("/policy?done=saved.")
            assert saved.headers["location"].endswith(f"&bounds={bounds}")
        page = words(await pat.get(BOUNDS))
        assert "Operator’s bound: 6" in page
        assert "for all" in page
        assert "Olga" not in page
        assert "Olga (the operator)" in words(await olga.get("/policy?bounds=partner"))
        wider = await post(pat, BOUNDS, act="save", seen="1", reason="more", **{"tries.all": "7"})
        assert wider.status_code == 400
        assert "The bound is 6 at most (operator/1)." in words(wider)
        assert (await olga.get("/policy?bounds=nobody")).status_code == 404

    portal(server, story)


def test_bounds_show_what_each_merchants_orders_would_have_brought(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await belongs_to_partner(shop)
        await with_orders(shop, 4)
        pat, owner = await signed_in("pat"), await signed_in("owner")
        page = words(await post(pat, BOUNDS, act="check", seen="0", **{"tries.all": "2"}))
        assert "Brightleaf Tea Back-test of the last 90 days" in page
        assert "of 4 declined orders of 4 customers" in page
        assert "No back-test yet" in words(await owner.get("/backtests"))
        monkeypatch.setattr(kept, "AT_ONCE", 0)
        page = words(await post(pat, BOUNDS, act="check", seen="0", **{"tries.all": "3"}))
        assert "The back-test is running." in page
        await run_later(shop)
        page = words(await post(pat, BOUNDS, act="check", seen="0", **{"tries.all": "3"}))
        assert "of 4 declined orders of 4 customers" in page

    portal(server, story)


async def belongs_to_partner(shop: Shop) -> None:
    async with database_owner(shop.world) as connection:
        await connection.execute(
            "UPDATE merchants SET partner_id = $2 WHERE merchant_id = $1",
            shop.merchant_id,
            staff.PARTNER,
        )
