"""Which language a page is in: what its reader chose, else what their browser asks for, else
English."""

import re

import httpx
from tests.staff import As, portal, post
from tests.worlds import Shop

from recoup.db.server import ServerAddress

PLACE = "/account/time"


def language(answer: httpx.Response) -> str:
    found = re.search(r'<html lang="(\w+)">', answer.text)
    assert found is not None
    return found[1]


def test_what_somebody_chose_goes_before_what_their_browser_asks_for(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, clerk = await signed_in("owner"), await signed_in("clerk")
        spanish = {"accept-language": "es-MX,es;q=0.9,en;q=0.5"}
        english = await boss.get("/orders")
        assert language(english) == "en"
        assert "<small>Owner " in english.text
        assert language(await boss.get("/orders", headers=spanish)) == "es"
        assert (await post(boss, PLACE, PLACE, language="fr")).status_code == 303
        for path in ("/orders", PLACE, "/orders/none"):
            page = await boss.get(path, headers=spanish)
            assert language(page) == "fr", path
            assert "<small>Owner " not in page.text, (
                "the role at the foot of the menu is told in French, too"
            )
        assert language(await clerk.get("/orders")) == "en", "somebody else's stays"
        assert (await post(boss, PLACE, PLACE, language="")).status_code == 303
        assert language(await boss.get("/orders", headers=spanish)) == "es"

    portal(server, story)


def test_a_language_that_nobody_speaks_here_is_refused_and_nothing_changes(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        for wrong in ("tlh", "../de", "DE", "x" * 9_000):
            answer = await post(boss, PLACE, PLACE, language=wrong)
            assert (answer.status_code, "is not available in this language" in answer.text) == (
                400,
                True,
            ), wrong[:9]
        assert language(await boss.get("/orders")) == "en"

    portal(server, story)


def test_pages_before_signing_in_ask_the_browser(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss = await signed_in("owner")
        boss.cookies.clear()
        for path in (
            "/signin",
            "/signup",
            "/handover/none",
            "/invitations/none",
            "/unsubscribe/none",
        ):
            answer = await boss.get(path, headers={"accept-language": "zh-CN"})
            assert language(answer) == "zh", path
            assert language(await boss.get(path)) == "en", path

    portal(server, story)
