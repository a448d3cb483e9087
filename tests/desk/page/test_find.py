"""One field for every page of this person, and for what is begun there."""

import re

from tests.engine.page.test_engine import words
from tests.staff import As, portal
from tests.worlds import Shop

from recoup.db.server import ServerAddress


def test_each_finds_their_own_pages_and_acts(server: ServerAddress) -> None:
    async def story(shop: Shop, who: As) -> None:
        owner, clerk = await who("owner"), await who("clerk")
        mine = words(await owner.get("/find"))
        assert "Retry policy" in mine
        assert "New API key" in mine
        assert "Import past attempts" in mine
        page = (await owner.get("/find")).text
        for address, word in (
            ("/imports", "prove"),
            ("/imports", "history"),
            ("/uploads", "upload"),
            ("/uploads", "history"),
            ("/backtests", "prove"),
        ):
            assert re.search(rf'<li data-also="[^"]*\b{word}\b[^"]*"><a href="{address}"', page), (
                address,
                word,
            )
        assert "Press Enter to search orders and customers." in mine
        assert "Operator home" not in mine
        theirs = await clerk.get("/find")
        assert "Invite a person" not in words(theirs)
        assert 'action="/orders"' in theirs.text
        assert 'id="to-find" href="/find"' in (await owner.get("/orders")).text

    portal(server, story)
