"""`recoup report certificate`, and the file that it writes in the hands
of `recoup verify --file`."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from tests.certificates.flows.test_certificates import VISA, to_the_close
from tests.here import Here, Work
from tests.rescue.flows.test_card_limits import PATIENT, started, try_now
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.cli.verify import verify
from recoup.insight.cli import certificate
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened

Verb = Callable[..., Any]


def run(server: ServerAddress, story: Callable[[Shop, Verb], Any]) -> None:
    async def tell() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            shop = await make_shop(*made)
            loop = asyncio.get_running_loop()

            def does(work: Work) -> Any:
                opened = Opened(made[0], Services(*made[1:]), Path(), "http://recoup.test")
                return asyncio.run_coroutine_threadsafe(
                    work(opened),  # type: ignore[arg-type]
                    loop,
                ).result()

            async def verb(*words: str, merchant: str | None = None) -> Result:
                words = ("--merchant", merchant or str(shop.merchant_id), *words)
                return await asyncio.to_thread(
                    CliRunner().invoke, certificate, words, obj=Here(does)
                )

            await story(shop, verb)

    asyncio.run(tell())


def refused(result: Result) -> Problem:
    assert isinstance(result.exception, Problem), result.output
    return result.exception


def proved(path: Path, *words: str) -> Result:
    def nowhere(_: Work) -> Any:
        raise AssertionError("a file needs no world")

    return CliRunner().invoke(verify, ["--file", str(path), *words], obj=Here(nowhere))


def test_a_months_file_is_written_and_proves_itself(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        order_id, month = await started(shop, VISA), f"{await shop.now():%Y-%m}"
        for _ in range(21):
            await try_now(shop, order_id)
        assert "not closed" in str(refused(await verb("--month", month)))
        await to_the_close(shop)
        text = (await verb("--month", month)).output
        assert "breaches    0" in text
        assert "visa-reattempt-30d    20 of 20" in text
        assert "avoided     0.10 USD: 1 sends beyond visa-reattempt-30d" in text
        assert "recounted   by issuer: 19 there, 19 match" in text
        (told,) = json.loads((await verb("--month", month, "--json")).output)
        (row,) = json.loads((await verb("--json")).output)
        assert row["root"] == told["root"]
        assert row["id"] in (await verb()).output
        path = tmp_path / "month.jsonl"
        assert (await verb("--month", month, "--out", str(path))).exit_code == 0
        found = proved(path, "--root", told["root"])
        assert found.exit_code == 0, found.output
        assert found.output.splitlines()[-1] == "ok"
        content = path.read_bytes()
        path.write_bytes(content.replace(b'"breaches":0', b'"breaches":1', 1))
        assert proved(path).exit_code == 1
        path.write_bytes(b"".join(content.splitlines(keepends=True)[:-2]))
        assert proved(path).exit_code == 1
        path.write_bytes(content)
        assert json.loads(proved(path, "--json").output)["ok"]
        assert proved(path, "--root", "00" * 32).exit_code == 1
        assert (await verb("--month", month, "--again", "--json")).output == json.dumps(
            [told]
        ) + "\n"

    run(server, story)


def test_words_that_mean_nothing_are_refused(server: ServerAddress, tmp_path: Path) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        for words, field in (
            (("--month", "2199-01"), "month"),
            (("--month", "2026-13"), "month"),
            (("--month", "<script>"), "month"),
            (("--again",), "month"),
            (("--out", str(tmp_path / "x")), "month"),
            (("--month", "2026-01"), "month"),
            (("--month", "2026-01", "--acceptor", "'; --"), "month"),
        ):
            assert refused(await verb(*words)).field == field, words
        assert refused(await verb("--month", "2026-01", merchant="nobody")).code == "invalid"
        assert refused(await verb("--month", "2026-01", merchant=str(new_id()))).code == "not_found"
        assert "No certificates yet" in (await verb()).output

    run(server, story)


def test_of_several_acceptors_one_is_named_for_a_file(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        order_id, month = await started(shop, VISA), f"{await shop.now():%Y-%m}"
        await try_now(shop, order_id)
        change = "UPDATE merchants SET acceptor_id = 'another' WHERE merchant_id = $1"
        await shop.world.db.execute(change, shop.merchant_id)
        await try_now(shop, order_id)
        await to_the_close(shop)
        path = tmp_path / "one.jsonl"
        assert refused(await verb("--month", month, "--out", str(path))).field == "acceptor"
        assert not list(tmp_path.iterdir())
        assert (
            await verb("--month", month, "--acceptor", "another", "--out", str(path))
        ).exit_code == 0
        assert "acceptor    another" in proved(path).output
        assert refused(await verb("--month", month, "--acceptor", "nobody")).field == "acceptor"
        assert (await verb("--month", month)).output.count("certificate ") == 2

    run(server, story)
