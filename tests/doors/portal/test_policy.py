"""The page of the retry policy: checked, saved, refused with the nearest, gone back from; an order names it."""

import httpx
from tests.doors.portal import staff
from tests.doors.portal.staff import As, portal
from tests.doors.portal.test_engine import words
from tests.worlds import FUNDS_CARD, Shop

from recoup.flows.merchants.policies import read_standing, where_of
from recoup.store.server import ServerAddress


async def post(client: httpx.AsyncClient, path: str = "/policy", **fields: str) -> httpx.Response:
    return await staff.post(client, "/policy", path, **fields)


def test_it_is_checked_saved_and_named_by_the_next_plan(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner = await signed_in("owner")
        assert "No policy was set" in words(await owner.get("/policy"))
        lines = {"when.hours": "07:00-22:00", "amounts.max": "500 USD; 90.50 EUR", "link": "last", "cost.harm": "0.5"}
        checked = words(await post(owner, act="check", seen="0", **lines))
        assert "The policy can be saved" in checked
        assert "Hours at the card holder: – → 07:00-22:00" in checked
        where = await where_of(shop.world, shop.merchant_id)
        assert (await read_standing(shop.world, where)).number == 0, "a check saves nothing"
        saved = await post(owner, act="save", seen="0", reason="no sends at night", **lines)
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
        assert "forbids sends from 22:00 to 07:00." in shown
        assert "Without your retry policy: the next try would have been" in shown
        late = await post(owner, act="save", seen="0", reason="mine", **{"tries.soft": "2"})
        assert late.status_code == 409
        assert "Version 1 was saved meanwhile" in words(late)
        assert (await post(owner, act="save", seen="1", reason="off", off="true")).status_code == 303
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
            "19 tries after a payment could be 20 sends",
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
