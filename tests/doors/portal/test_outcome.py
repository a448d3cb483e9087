"""Looking an order up by whatever id somebody has: found with its history, or said to be missing, never another's."""

from tests.doors.portal.test_desks import Client, told
from tests.worlds import Shop, make_shop

from recoup.store.server import ServerAddress


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
            assert "Received" in page.text

    told(server, work)


def test_nothing_and_another_merchant_s_order_look_alike(server: ServerAddress) -> None:
    async def work(shop: Shop, client: Client) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries)
        foreign = await other.admit()
        browser = await client("ann@x.test")
        assert (await browser.get("/outcome")).status_code == 200
        answers = [await browser.get("/outcome", params={"key": key}) for key in (str(foreign), "nobody's", "%00<b>")]
        assert [page.status_code for page in answers] == [404] * 3
        assert all("No order is known by" in page.text and "%00<b>" not in page.text for page in answers)

    told(server, work)
