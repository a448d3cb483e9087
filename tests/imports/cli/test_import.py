"""`recoup import`: a file in, its report, and its attempts again."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.imports.cli import import_file
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.merchants.flows.demo_clock import bootstrap_merchant

CONTENT = (
    "id,Created,Amount,Amount Refunded,Currency,Status,Customer ID,PaymentIntent ID\n"
    "ch_1,2024-03-02 06:00:11,19.00,0.00,usd,Failed,cus_1,pi_1\n"
    "ch_2,2024-03-05 06:00:11,19.00,0.00,usd,Paid,cus_1,pi_1\n"
    "ch_3,2024-03-05 06:00:11,x,0.00,usd,Paid,cus_1,pi_1\n"
)


class Verbs:
    """The verb over a world that lasts for one test."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: Opened, merchant: str) -> None:
        self._loop, self._opened, self.merchant = loop, opened, merchant

    def run(self, *words: str, stdin: str | None = None, merchant: bool = True) -> Result:
        def does(work: Work) -> Any:
            return self._loop.run_until_complete(work(self._opened))  # type: ignore[arg-type]

        return CliRunner().invoke(
            import_file,
            [*words, *("--merchant", self.merchant) * merchant],
            obj=Here(does),
            input=stdin,
        )


@contextmanager
def verbs(server: ServerAddress, tmp_path: Path) -> Iterator[Verbs]:
    loop = asyncio.new_event_loop()
    context = sandbox_world(server)
    world, orders, deliveries = loop.run_until_complete(context.__aenter__())
    try:
        shop = loop.run_until_complete(make_shop(world, orders, deliveries))
        first = bootstrap_merchant(world)
        loop.run_until_complete(
            make_shop(world, orders, deliveries, name="The first", merchant_id=first)
        )
        opened = Opened(world, Services(orders, deliveries), tmp_path, "http://127.0.0.1")
        yield Verbs(loop, opened, str(shop.merchant_id))
    finally:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.close()


def test_a_file_is_asked_about_imported_and_shown(server: ServerAddress, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(CONTENT)
    with verbs(server, tmp_path) as verb:
        asked = verb.run(str(file), "--dry-run")
        assert asked.exit_code == 0
        assert "question    The file does not name the time zone" in asked.output
        assert "--zone Europe/Berlin" in asked.output
        assert asked.output.startswith(f"merchant    Brightleaf Tea ({verb.merchant}), sandbox\n")
        refused = verb.run(str(file))
        assert refused.exit_code == 1
        assert "Nothing was imported." in refused.output
        dry = verb.run(str(file), "--zone", "UTC", "--dry-run")
        assert "rows        3, 2 of them attempts" in dry.output
        assert "This was a dry run" in dry.output
        done = json.loads(verb.run(str(file), "--zone", "UTC", "--json").output)
        assert (done["new"], done["changed"], done["bad"], done["state"]) == (2, 0, 1, "completed")
        assert [(one["line"], one["code"]) for one in done["lines"]] == [(4, "amount")]
        assert done["merchant"] == {
            "id": verb.merchant,
            "name": "Brightleaf Tea",
            "world": "sandbox",
        }
        again = verb.run(str(file), "--zone", "UTC")
        assert "0 new, 0 changed" in again.output
        shown = [json.loads(line) for line in verb.run("show", done["id"]).output.splitlines()]
        assert [row["ref"] for row in shown] == ["ch_1", "ch_2"]


def test_where_no_merchant_is_chosen_the_others_are_named_also_beside_a_refusal(
    server: ServerAddress, tmp_path: Path
) -> None:
    with verbs(server, tmp_path) as verb:
        refused = verb.run("nowhere.csv", merchant=False)
        assert refused.exit_code == 1
        first, other = refused.output.splitlines()[:2]
        assert first.startswith("merchant    The first (")
        assert other == f"            for Brightleaf Tea: --merchant {verb.merchant}"


def test_standard_input_is_a_file_and_its_report_is_text(
    server: ServerAddress, tmp_path: Path
) -> None:
    with verbs(server, tmp_path) as verb:
        done = verb.run("-", "--zone", "UTC", stdin=CONTENT)
        assert done.exit_code == 0, done.output
        assert "Imported: 2 new, 0 changed." in done.output
        assert "line 4" in done.output
        assert "bad lines   1" in done.output


def test_what_cannot_be_is_refused_in_one_line(server: ServerAddress, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(CONTENT)
    with verbs(server, tmp_path) as verb:
        for words in (
            ["nowhere.csv"],
            [str(file), "--zone", "CST"],
            [str(file), "--profile", "paypal"],
            ["show", "x"],
        ):
            assert verb.run(*words).exception is not None, words
