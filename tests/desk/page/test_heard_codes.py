"""The code of a decline as its order's page shows it: the one that was said, with who said it."""

import re
from typing import Any

from tests.staff import As, portal, texts
from tests.worlds import FUNDS_CARD, Shop

from recoup.db.server import ServerAddress


async def page_of(shop: Shop, as_: As, **said: Any) -> str:
    """Of the managed order whose own payment was declined so."""
    at = (await shop.now()).isoformat()
    usual = {"code": "51", "source": "visa", "text": "", "advice": None, "at": at}
    order_id = await shop.admit(decline=usual | said, pan=said.pop("pan", FUNDS_CARD))
    await shop.run_due()
    return texts(await (await as_("ops")).get(f"/orders/{order_id}"))


def test_one_decline_has_one_code_with_its_source(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        page = await page_of(
            shop, as_, code="400", source="nmi", text="Transaction error returned by processor"
        )
        assert "after your own attempt was declined: system malfunction (NMI code 400)." in page
        assert "The last answer was: a system on the way failed." in page
        assert re.findall(r"\bcode (\w+)", page) == ["400"]

    portal(server, story)


def test_a_code_of_the_network_is_named_where_it_was_said(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        page = await page_of(shop, as_)
        assert "(Visa code 51)." in page
        assert "The last answer was: not enough money on the card (code 51)." in page
        page = await page_of(shop, as_, code="5")
        assert "(code 05)." in page, "one digit is the network's two"
        page = await page_of(shop, as_, source="Our billing")
        assert "(Our billing code 51)." in page
        page = await page_of(shop, as_, source="")
        assert "(code 51)." in page

    portal(server, story)
