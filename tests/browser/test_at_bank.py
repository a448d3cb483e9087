"""A customer in a real browser: from the page of a challenge to their bank and back, by each
processor that can ask, on a desktop without JavaScript, by the browser's own rules for forms and
redirects, and on a phone with it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from tests.banks import BANKS, Bank
from tests.browser.accessibility import faults_at_a_glance
from tests.browser.visiting import DESKTOP, PHONE, Told, visiting
from tests.door import listening
from tests.rescue.flows.test_customer_waiting import PATIENT, waiting
from tests.rings import drawn
from tests.worlds import change_world, make_shop, sandbox_world

from recoup.checkout.routes import routes as checkout_routes
from recoup.db.server import ServerAddress
from recoup.orders.flows.hosted_link import checkout_token

ORDERS = 3


@contextmanager
def hosted(server: ServerAddress, kind: type[Bank], folder: Path) -> Iterator[dict[str, Any]]:
    """`links` to pages of challenges, whose processor serves its own pages beside them; `book` of
    the processor."""

    async def serve(told: Told) -> None:
        bank = kind()
        connector = await bank.start(folder)
        async with sandbox_world(server, policy=PATIENT) as made:
            world = made[0]
            shop = await make_shop(*made)
            change_world(world, processors={bank.name: connector})
            static = Mount("/static", StaticFiles(packages=[("recoup.people.page", "static")]))
            app: Any = Starlette(routes=[*checkout_routes(world, made[1], shop.merchants), static])
            async with listening(app) as port:
                change_world(world, url=f"http://127.0.0.1:{port}")
                links = []
                for _ in range(ORDERS):
                    word = await waiting(shop.patient(), **bank.wants())
                    links.append(
                        f"/checkout/{checkout_token(world, shop.merchant_id, word.order_id)}"
                    )
                loop = asyncio.get_running_loop()

                def of_book(name: str, bank: Bank = bank) -> list[Any]:
                    async def read() -> list[Any]:
                        return list(getattr(bank, name)())

                    return asyncio.run_coroutine_threadsafe(read(), loop).result(10)

                await told.until_stopped({"address": world.url, "links": links, "book": of_book})
        await connector.close()
        await bank.stop()

    with Told().by(lambda told: asyncio.run(serve(told))) as told:
        yield told


def go_to_bank(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", name="Your bank asks you to confirm")).to_be_visible()
    page.get_by_role("button", name="Confirm 45.90 USD").click()
    expect(page.get_by_role("heading", name="Test bank")).to_be_visible()


@drawn("browser", "kind", BANKS, 1, ids=lambda kind: kind.name)
def test_to_the_bank_and_back(
    server: ServerAddress, browser: Browser, tmp_path: Path, kind: type[Bank]
) -> None:
    with hosted(server, kind, tmp_path) as there:
        passes, fails, leaves = there["links"]
        with visiting(browser, there["address"], size=DESKTOP, script=False) as page:
            go_to_bank(page, passes)
            page.get_by_role("button", name="Authenticate").click()
            expect(page.get_by_role("heading", name="Done. Thank you.")).to_be_visible()
            assert page.url == there["address"] + passes, (
                "nothing of the way back stays in the address"
            )
        with visiting(
            browser, there["address"], size=PHONE, color_scheme="dark", locale="en-GB"
        ) as page:
            go_to_bank(page, fails)
            page.get_by_role("button", name="Fail").click()
            expect(page.get_by_text("The bank did not accept that.")).to_be_visible()
            go_to_bank(page, leaves)
            page.goto(leaves)
            expect(page.get_by_role("heading", name="Waiting for your bank")).to_be_visible()
            with visiting(browser, there["address"], size=PHONE) as with_script:
                for link in (fails, leaves):
                    with_script.goto(link)
                    assert not faults_at_a_glance(with_script)
            page.get_by_role("link", name="Continue to your bank").click()
            page.get_by_role("button", name="Authenticate").click()
            expect(page.get_by_role("heading", name="Done. Thank you.")).to_be_visible()
        assert there["book"]("taken") == [4590, 4590]
        told = there["book"]("browsers")
        assert [one is not None for one in told] in ([], [False, True, True]), (
            "all that a bank wants, or nothing of it"
        )
        for one in told[1:]:
            assert (one["language"], one["screenWidth"], one["screenHeight"]) == ("en-GB", *PHONE)
            assert (one["javaEnabled"], type(one["timeZoneOffset"]), len(one)) == (False, int, 8)
