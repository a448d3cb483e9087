"""`recoup report reconciliation|settlement|balances --as-of`: the bytes of then, and what a bad
moment gets."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.rings import each
from tests.settling import give_back, sold, terms
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.cli import report
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened

Verb = Callable[..., Any]


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
                ).result()

            async def verb(noun: str, *words: str) -> Result:
                words = (noun, "--merchant", str(shop.merchant_id), *words)
                return await asyncio.to_thread(CliRunner().invoke, report, words, obj=Here(does))

            await story(shop, verb)

    asyncio.run(tell())


def test_reports_made_again_for_a_past_moment_are_those_of_then(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        await terms(shop, period="day", delay_days=0)
        first, _ = await sold(shop, 2)
        await shop.advance(timedelta(days=2))
        now, wall = await shop.now(), shop.world.clocks.wall()
        days = (
            "--from",
            f"{now - timedelta(days=9):%Y-%m-%d}",
            "--to",
            f"{now + timedelta(days=9):%Y-%m-%d}",
        )
        nouns = {
            "reconciliation": ("reconciliation", *days),
            "totals": ("reconciliation", *days, "--totals"),
            "settlement": ("settlement", "--json"),
            "balances": ("balances", "--json"),
            "words": ("balances",),
        }

        async def read(name: str, *more: str) -> bytes:
            out = () if nouns[name][0] == "balances" else ("--out", str(tmp_path / "out"))
            result = await verb(*nouns[name], *out, *more)
            assert result.exit_code == 0, result
            return (tmp_path / "out").read_bytes() if out else result.stdout.encode()

        then = {name: await read(name) for name in nouns}
        await sold(shop, 1)
        await give_back(shop, first, "1.00")
        await shop.advance(timedelta(days=2))
        for name, before in then.items():
            assert await read(name) != before, name
            assert await read(name, "--as-of", now.isoformat()) == before, name
            assert await read(name, "--as-of-recorded", wall.isoformat()) == before, name

    run(server, story)


@each("noun", ["reconciliation", "settlement", "balances"])
@each(
    ("words", "says"),
    [
        (("--as-of", "2098-01-01T00:00:00Z"), "has not come yet"),
        (("--as-of", "2001-01-01"), "was not there yet"),
        (("--as-of", "yesterday"), "is no moment"),
        (("--as-of-recorded", "9999-12-31T23:59:59Z"), "is no moment"),
        (("--as-of", "2026-01-01", "--as-of-recorded", "2026-01-01"), "not both"),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(
    server: ServerAddress, noun: str, words: tuple[str, ...], says: str
) -> None:
    async def story(_: Shop, verb: Verb) -> None:
        days = ("--from", "2026-11-01", "--to", "2026-11-30") if noun == "reconciliation" else ()
        result = await verb(noun, *days, *words)
        assert isinstance(result.exception, Problem), result.output
        assert says in result.exception.sentence()

    run(server, story)
