"""/cards: the operator's people join two prints of one card; nobody else has the page."""

import re

from tests.staff import As, portal, post, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.networks.magic import COUNTING_CARDS
from recoup.processors.gateways.port import Stored


async def two(shop: Shop) -> list[str]:
    """Orders with a card as a number and as a stored method, before any answer says that they are
    one."""
    method = {"pan": None, "method": Stored("sandbox", "pm_card_counting_visa")}
    return [str(await shop.admit(**more)) for more in ({"pan": COUNTING_CARDS[0]}, method)]


def test_one_person_proposes_and_another_joins(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, otto, owner = [await signed_in(who) for who in ("olga", "otto", "owner")]
        first, second = await two(shop)
        assert "Joined cards" not in texts(await owner.get("/orders"))
        assert (await owner.get("/cards")).status_code == 403
        assert "New proposal" in texts(await olga.get("/cards"))
        said = {"reason": "one <b>letter</b>", "evidence": "ticket 4711"}
        refused = await post(olga, "/cards", "/cards", first=first, second="x", **said)
        assert refused.status_code == 400
        assert "This is no id of an order" in texts(refused, 400)
        assert first in refused.text, "what was typed stands there still"
        answer = await post(olga, "/cards", "/cards", first=first, second=second, **said)
        assert answer.status_code == 303, answer.text
        page = await olga.get(answer.headers["location"])
        assert "The proposal waits for a second person." in texts(page)
        assert "disabled" in page.text, "not by olga"
        assert "<b>letter" not in page.text
        path = re.search(r"/cards/[0-9a-f-]{36}", page.text)
        assert path
        assert (await post(olga, "/cards", path[0], decision="join")).status_code == 403
        answer = await post(otto, "/cards", path[0], decision="join")
        assert answer.status_code == 303, answer.text
        assert "The two cards are joined." in texts(await otto.get(answer.headers["location"]))
        seen = await owner.get(f"/orders/{first}")
        assert "joined by the operator" in texts(seen)
        assert f"/orders/{second}" in seen.text
        assert "ticket 4711" not in seen.text, "evidence is the operator's"
        assert f"/orders/{first}" in (await owner.get(f"/orders/{second}")).text

    portal(server, story)


def test_a_refused_proposal_joins_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga = await signed_in("olga")
        first, second = await two(shop)
        await post(
            olga, "/cards", "/cards", first=first, second=second, reason="why", evidence="where"
        )
        path = re.search(r"/cards/[0-9a-f-]{36}", (await olga.get("/cards")).text)
        assert path
        assert (await post(olga, "/cards", path[0], decision="refuse")).status_code == 303
        assert "Refused" in texts(await olga.get("/cards"))
        assert "joined by the operator" not in texts(await olga.get(f"/orders/{first}"))
        assert (await post(olga, "/cards", "/cards/none", decision="join")).status_code == 404

    portal(server, story)
