"""/orders/{id}/past: the order as it stood, under a banner that says so, with nothing to press."""

import re
from datetime import timedelta

import pytest
from tests.doors.portal.staff import As, portal
from tests.worlds import Shop

from recoup.rules.network.magic import script_card
from recoup.store.server import ServerAddress


def test_the_past_of_an_order_is_a_page_without_buttons(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya, olga = await who("ops"), await who("clerk")
        order_id = await shop.admit(pan=script_card("visa", "51", 1))
        await shop.advance(timedelta(days=20))
        now = (await maya.get(f"/orders/{order_id}")).text
        links = re.findall(rf"/orders/{order_id}/past\?asOfVersion=(\d+)", now)
        assert {int(one) for one in links} == set(range(1, len(set(links)) + 1)), "each line of its log has a link"
        for client in (maya, olga):
            for number in sorted(set(links), key=int):
                page = (await client.get(f"/orders/{order_id}/past?asOfVersion={number}")).text
                main = page.partition("<main")[2].partition("</main>")[0]
                assert "This is the past" in main
                assert 'method="post"' not in main
        assert "Draft" in (await maya.get(f"/orders/{order_id}/past?asOfVersion=1")).text

    portal(server, story)


@pytest.mark.parametrize(
    "query",
    ["", "?at=yesterday", "?asOf=2999-01-01T00:00:00Z", "?asOfVersion=0", "?asOfVersion=999", "?asOf=1999-01-01"],
)
def test_a_moment_that_makes_no_sense_is_said_to_be_none(server: ServerAddress, query: str) -> None:
    async def story(shop: Shop, who: As) -> None:
        maya = await who("ops")
        order_id = await shop.admit()
        assert (await maya.get(f"/orders/{order_id}/past{query}")).status_code == 400

    portal(server, story)
