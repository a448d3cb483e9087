"""`recoup terms fees|disputes|settlement --as-of` and the page Fees and terms: what had been agreed
by then."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.insight.page.test_money_past import main_of
from tests.staff import As, portal
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.cli.terms import terms
from recoup.disputes.flows.terms import DisputeTermsRequest, change_terms
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.merchants.flows.merchant_cache import KEEP_SECONDS
from recoup.settlement.flows.fee_terms import FeeTermRequest, set_fee_term
from recoup.settlement.flows.settlement_terms import set_terms
from recoup.terms.rules.fees import Tariff

Verb = Callable[..., Any]
NOUNS = ("fees", "disputes", "settlement")


def run(server: ServerAddress, story: Callable[[Shop, Verb], Any]) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            loop = asyncio.get_running_loop()

            def does(work: Work) -> Any:
                opened = Opened(made[0], Services(*made[1:]), Path(), "http://recoup.test")
                return asyncio.run_coroutine_threadsafe(
                    work(opened),  # type: ignore[arg-type]
                    loop,
                ).result(30)

            async def verb(noun: str, *words: str) -> Result:
                words = (noun, "--merchant", str(shop.merchant_id), *words)
                return await asyncio.to_thread(CliRunner().invoke, terms, words, obj=Here(does))

            await story(shop, verb)

    asyncio.run(tell())


async def agree(shop: Shop, number: int) -> None:
    """Other terms of each kind, from now on and from a day ahead on."""
    ahead = await shop.now() + timedelta(days=2 + number)
    for since in (None, ahead):
        await set_fee_term(
            shop.world, shop.scope, FeeTermRequest(Tariff(100 + number), valid_from=since)
        )
        disputes = DisputeTermsRequest("USD", "merchant", 1500 + number, "merchant", None, since)
        await change_terms(shop.world, shop.scope, disputes)
        await set_terms(shop.world, shop.scope, {"delay_days": number}, since)


def test_terms_of_a_past_moment_are_those_of_then(server: ServerAddress) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        seen = []
        for number in range(1, 4):
            await agree(shop, number)
            read = {noun: (await verb(noun, "--json")).output for noun in NOUNS}
            seen.append((await shop.now(), shop.world.clocks.wall(), read))
            await shop.advance(timedelta(days=1))
        await agree(shop, 9)
        for business, wall, read in seen:
            for moment in (
                ("--as-of", business.isoformat()),
                ("--as-of-recorded", wall.isoformat()),
            ):
                for noun, then in read.items():
                    found = await verb(noun, "--json", *moment)
                    assert found.exit_code == 0, found
                    if noun != "settlement" or moment[0] == "--as-of":
                        assert found.output == then, (noun, moment)
                    else:  # what is valid is read off a clock that was moved since
                        assert (
                            found.output.partition('"history"')[2] == then.partition('"history"')[2]
                        )

    run(server, story)


def test_a_page_of_then_shows_what_had_been_agreed(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        clerk = await signed_in("clerk")
        await agree(shop, 1)
        now, wall = await shop.now(), shop.world.clocks.wall()
        then = main_of((await clerk.get("/fees")).text)
        await agree(shop, 2)
        recorded = (await clerk.get(f"/fees?asOfRecorded={quote(wall.isoformat())}")).text
        assert main_of(recorded) == then
        await shop.advance(timedelta(days=5))
        await asyncio.sleep(KEEP_SECONDS)
        page = (await clerk.get(f"/fees?asOf={quote(now.isoformat())}")).text
        assert "This is the past" in page
        assert main_of(page) == then
        assert "Future fees" in page
        assert "Future fees" not in (await clerk.get("/fees")).text
        wrong = await clerk.get("/fees?asOf=2098-01-01T00:00:00Z")
        assert wrong.status_code == 200
        assert re.search("has not come yet", wrong.text)

    portal(server, story)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_moment_that_makes_no_sense_is_refused_and_sets_nothing(
    server: ServerAddress, noun: str
) -> None:
    new = {
        "fees": ("--percent", "3"),
        "disputes": ("--service", "merchant"),
        "settlement": ("--delay-days", "2"),
    }

    async def story(shop: Shop, verb: Verb) -> None:
        for words, says in (
            (("--as-of", "yesterday"), "no moment"),
            (("--as-of", "2098-01-01T00:00:00Z"), "has not come yet"),
            (("--as-of-recorded", "2001-01-01T00:00:00Z"), "was not there yet"),
            (
                ("--as-of", "2026-01-01T00:00:00Z", "--as-of-recorded", "2026-01-01T00:00:00Z"),
                "not both",
            ),
            (("--as-of", "2026-01-01T00:00:00Z", *new[noun]), "sets nothing"),
        ):
            refused = (await verb(noun, *words)).exception
            assert isinstance(refused, Problem), (words, refused)
            assert re.search(says, f"{refused}"), (words, refused)
        assert await shop.value("SELECT count(*) FROM audit_lines") == 0

    run(server, story)
