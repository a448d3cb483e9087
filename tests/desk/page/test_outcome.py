"""Looking an order up by whatever id somebody has: found with its history, or said to be missing,
never another's."""

from tests.desk.page.test_desks import PASSWORD, Client, csrf, told
from tests.worlds import Shop, make_shop

from recoup.db.server import ServerAddress
from recoup.people.flows.make_user import Membership, make_user, register_merchant


def test_an_order_is_found_by_each_of_its_ids(server: ServerAddress) -> None:
    async def work(shop: Shop, client: Client) -> None:
        order_id = await shop.admit()
        external_id = (await shop.order(order_id))["external_id"]
        browser = await client("ann@x.test")
        for key in (str(order_id), external_id, f"  {external_id} "):
            page = await browser.get("/outcome", params={"key": key})
            assert page.status_code == 200
            assert external_id in page.text
            assert f"/orders/{order_id}" in page.text
            assert "<code>received</code>" in page.text

    told(server, work)


def test_nothing_and_another_merchant_s_order_look_alike(server: ServerAddress) -> None:
    async def work(shop: Shop, client: Client) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries)
        foreign = await other.admit()
        browser = await client("ann@x.test")
        assert (await browser.get("/outcome")).status_code == 200
        answers = [
            await browser.get("/outcome", params={"key": key})
            for key in (str(foreign), "nobody's", "%00<b>")
        ]
        assert [page.status_code for page in answers] == [404] * 3
        assert all(
            "No order is known by" in page.text and "%00<b>" not in page.text for page in answers
        )

    told(server, work)


def test_an_order_of_another_merchant_that_one_may_see_is_said_to_be_there(
    server: ServerAddress,
) -> None:
    async def work(shop: Shop, client: Client) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries)
        stranger = await make_shop(shop.world, shop.orders, shop.deliveries)
        found, foreign = await other.admit(), await stranger.admit()
        await register_merchant(shop.world, other.merchant_id, "Second <b>shop", None)
        who = [Membership("merchant", one.merchant_id, "analyst") for one in (shop, other)]
        await make_user(shop.world, "both@x.test", "Both", PASSWORD, who)
        browser = await client("both@x.test")
        here = {"csrf": csrf(await browser.get("/outcome")), "merchant": str(shop.merchant_id)}
        await browser.post("/merchant", data=here)
        page = await browser.get("/outcome", params={"key": str(found)})
        assert page.status_code == 404
        assert "Look up at <bdi>Second &lt;b&gt;shop" in page.text
        asked = {
            "csrf": csrf(page),
            "merchant": str(other.merchant_id),
            "next": f"/outcome?key={found}",
        }
        went = await browser.post("/merchant", data=asked)
        assert went.headers["location"] == f"/outcome?key={found}"
        assert (await browser.get(went.headers["location"])).status_code == 200
        assert (
            "Look up at" not in (await browser.get("/outcome", params={"key": str(foreign)})).text
        )

    told(server, work)
