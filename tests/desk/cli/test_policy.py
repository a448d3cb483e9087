"""`recoup policy` as the operator types it: a file is checked, saved, shown, compared and gone back
from."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.cli.policy import policy
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened

FILE = '[tries]\nsoft = 2\n\n[when]\nhours = ["07:00-22:00"]\ngap = "6h"\n'


def typed(
    server: ServerAddress, tmp_path: Path, story: Callable[[Callable[..., Result], str, str], None]
) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop, loop = await make_shop(*made), asyncio.get_running_loop()

            def does(work: Work) -> Any:
                opened = Opened(made[0], Services(*made[1:]), tmp_path, "http://recoup.test")
                return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

            def run(
                verb: str,
                *words: str,
                place: tuple[str, ...] = ("--merchant", str(shop.merchant_id)),
            ) -> Result:
                return CliRunner().invoke(policy, [verb, *place, *words], obj=Here(does))

            await asyncio.to_thread(story, run, str(shop.site_id), str(shop.merchant_id))

    asyncio.run(inside())


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / f"{len(list(tmp_path.iterdir()))}.toml"
    file.write_text(text)
    return str(file)


def test_a_file_is_checked_saved_shown_compared_and_gone_back_from(
    server: ServerAddress, tmp_path: Path
) -> None:
    def story(run: Callable[..., Result], site: str, merchant: str) -> None:
        assert run("show").output == "# No policy was set.\n"
        file = written(tmp_path, FILE)
        checked = run("check", file).output
        assert checked.startswith("The policy can be saved.\ntries.soft: - -> 2\n")
        assert (
            "version 1 of the merchant, by operator:command"
            in run("set", file, "--why", "no nights").output
        )
        shown = run("show").output
        assert "no nights" in shown.splitlines()[0]
        assert (
            run("check", written(tmp_path, shown)).output
            == "The policy can be saved.\nNo line differs.\n"
        )
        other = written(tmp_path, FILE.replace("6h", "8h"))
        assert run("diff", other).output == "when.gap: 6h -> 8h\n"
        assert "version 2" in run("set", other, "--why", "slower", "--seen", "1").output
        assert run("diff").output == "when.gap: 6h -> 8h\n"
        refused = run("set", file, "--why", "too late", "--seen", "1")
        assert "Version 2 was saved meanwhile: when.gap: 6h → 8h" in str(refused.exception)
        assert "version 3" in run("back", "--why", "too slow").output
        told = json.loads(run("show", "--json", "--versions").output)
        assert [one["policy"]["when"]["gap"] for one in told["versions"]] == ["6h", "8h", "6h"]
        assert len(run("show", "--versions").output.splitlines()) == 3
        assert 'gap = "8h"' in run("show", "--version", "2").output
        place = ("--merchant", merchant, "--site", site)
        assert "version 1 of the site" in run("set", file, "--why", "this site", place=place).output
        assert "# merchant/3 bounds: tries.soft = 2" in run("show", place=place).output

    typed(server, tmp_path, story)


def test_what_cannot_be_saved_is_told_by_its_line_with_what_could(
    server: ServerAddress, tmp_path: Path
) -> None:
    def story(run: Callable[..., Result], site: str, merchant: str) -> None:
        bounds = written(tmp_path, '[when]\ngap = "4h"\n')
        assert (
            "version 1 of the operator"
            in run("set", bounds, "--why", "for all", place=("--operator",)).output
        )
        assert '# operator/1 bounds: when.gap = "4h"' in run("show").output
        bad = written(
            tmp_path,
            '[tries]\nall = 19\n[when]\ngap = "1h"\n'
            'hours = ["7-22"]\n[routes]\nonly = ["sandbx"]\n',
        )
        for words in (("check", bad), ("set", bad, "--why", "x")):
            problem = run(*words).exception
            assert isinstance(problem, Problem)
            said = problem.sentence()  # as it is printed
            assert "line 2, tries.all: 19 attempts after a payment could be 20 on the card" in said
            assert "line 4, when.gap: The bound is 4h at least (operator/1)." in said
            assert "line 5, when.hours: '7-22' is no span of hours" in said
            assert (
                "line 7, routes.only: There is no route 'sandbx'; the nearest is sandbox." in said
            )
            could = said[said.index("# the nearest") :]
            assert run("check", written(tmp_path, could)).output.startswith(
                "The policy can be saved."
            )
        assert "no TOML" in str(run("check", written(tmp_path, "tries = [")).exception)
        assert "not UTF-8" in str(run("check", _bytes(tmp_path)).exception)
        assert "exclude each other" in str(
            run("show", place=("--operator", "--site", site)).exception
        )
        for place in (
            ("--partner", str(new_id())),
            ("--site", str(new_id())),
            ("--campaign", str(new_id())),
        ):
            where = place if place[0] == "--partner" else ("--merchant", merchant, *place)
            assert "There is no such" in str(run("show", place=where).exception)
        assert "no moment" in str(run("set", bounds, "--why", "x", "--from", "tomorrow").exception)

    typed(server, tmp_path, story)


def _bytes(tmp_path: Path) -> str:
    file = tmp_path / "bytes.toml"
    file.write_bytes(b"off = \xff\xfe")
    return str(file)
