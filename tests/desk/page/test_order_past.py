"""/orders/{id}/past: the order as it stood, under a banner that says so, with nothing to press."""

import re
from datetime import timedelta

from tests.rings import each
from tests.staff import As, portal, texts
from tests.webhooks.page.test_webhooks import make, receiving
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.networks.magic import script_card
from recoup.parts.flows import set_part_terms
from recoup.rescue.flows.cancel import cancel


def test_the_past_of_an_order_is_a_page_without_buttons(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya, olga = await who("ops"), await who("clerk")
        order_id = await shop.admit(pan=script_card("visa", "51", 1))
        await shop.advance(timedelta(days=20))
        now = (await maya.get(f"/orders/{order_id}")).text
        links = re.findall(rf"/orders/{order_id}/past\?asOfVersion=(\d+)", now)
        assert {int(one) for one in links} == set(range(1, len(set(links)) + 1)), (
            "each line of its log has a link"
        )
        for client in (maya, olga):
            for number in sorted(set(links), key=int):
                page = (await client.get(f"/orders/{order_id}/past?asOfVersion={number}")).text
                main = page.partition("<main")[2].partition("</main>")[0]
                assert "This is the past" in main
                assert 'method="post"' not in main
        assert "Draft" in (await maya.get(f"/orders/{order_id}/past?asOfVersion=1")).text

    portal(server, story)


@each(
    "query",
    [
        "",
        "?at=yesterday",
        "?asOf=2999-01-01T00:00:00Z",
        "?asOfVersion=0",
        "?asOfVersion=999",
        "?asOf=1999-01-01",
    ],
)
def test_a_moment_that_makes_no_sense_is_said_to_be_none(server: ServerAddress, query: str) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("ops")
        order_id = await shop.admit()
        assert (await maya.get(f"/orders/{order_id}/past{query}")).status_code == 400

    portal(server, story)


def test_the_moment_that_a_page_names_is_the_one_that_it_shows(server: ServerAddress) -> None:
    """Its field has seconds; pressing *Show* on the page of the last line shows that line."""

    async def story(shop: Shop, who: As) -> None:
        maya = await who("ops")
        order_id = await shop.admit(pan=script_card("visa", "51", 1))
        await shop.advance(timedelta(days=20))
        newest = await shop.value("SELECT max(seq) FROM order_log WHERE order_id = $1", order_id)
        shown = (await maya.get(f"/orders/{order_id}/past?asOfVersion={newest}")).text
        asked = re.search(r'name="at"[^>]*value="([^"]+)"', shown)
        assert asked
        again = (await maya.get(f"/orders/{order_id}/past?at={asked[1]}")).text
        assert f"asOfVersion={newest - 1}" in again

    portal(server, story)


def test_an_event_that_was_delivered_is_never_said_to_have_no_endpoint(
    server: ServerAddress,
) -> None:
    """What waited then, and who subscribed, was not loaded: nothing is said of it."""

    async def story(shop: Shop, who: As) -> None:
        async with receiving() as receiver:
            maya = await who("ops")
            await make(maya, receiver.url, ("order.submitted", "order.cancelled"))
            order_id = await shop.admit()
            await shop.publish()
            await shop.advance(timedelta(minutes=5))
            await cancel(shop.world, shop.orders, shop.scope, order_id)
            await shop.publish()
            assert len(receiver.got) == 2
            newest = await shop.value(
                "SELECT max(seq) FROM order_log WHERE order_id = $1", order_id
            )
            pages = [
                texts(await maya.get(f"/orders/{order_id}/past?asOfVersion={number}"))
                for number in range(1, newest + 1)
            ]
            assert [
                page
                for page in pages
                if "No endpoint subscribes" in page or "sent in a moment" in page
            ] == []
            assert "Its first delivery attempt came later: " in pages[0]
            assert "delivered" in pages[-1]
        quiet = await shop.admit(external_id="quiet")
        page = texts(await maya.get(f"/orders/{quiet}/past?asOfVersion=1"))
        assert (
            "No delivery is on record; the endpoints subscribed at the time are not stored." in page
        )

    portal(server, story)


def test_a_part_that_is_collected_is_said_above_and_is_no_refund_yet(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("ops")
        await set_part_terms(shop.world, shop.scope, {"enabled": True, "count_max": 1})
        order_id = await shop.admit(pan=script_card("visa", "51", 1), units=9000, code="51")
        for _ in range(40):
            await shop.advance(timedelta(days=1))
            if "part_collected" in await shop.happenings(order_id):
                break
        page = (await maya.get(f"/orders/{order_id}")).text
        assert re.search(r"\d+\.00 collected</span>", page)
        assert "A part is collected and waits for the rest." in page
        assert "Nothing was paid" not in page

    portal(server, story)
