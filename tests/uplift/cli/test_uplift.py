"""`recoup uplift`: a file's orders, and the installation's own."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.uplift.flows.test_arms import MODEL
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn.choices import keep, take
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.networks.magic import script_card
from recoup.uplift.cli import uplift
from recoup.uplift.flows.arms import ArmsChange, set_arms
from recoup.uplift.flows.uplift_report import closed_orders, make_report
from recoup.uplift.rules.orders_file import COLUMNS

ANNA = Actor("operator", "anna")


def nowhere(_: Work) -> Any:
    raise AssertionError("a file needs no world")


def run(*words: str) -> Result:
    return CliRunner().invoke(uplift, words, obj=Here(nowhere))


def written(tmp_path: Path, engine: int, holdout: int) -> Path:
    """Six of ten rescued by the engine, four of ten in the comparison group."""
    rows = [",".join(COLUMNS)]
    for arm, count, good in (("engine", engine, 6), ("holdout", holdout, 4)):
        for n in range(count):
            rescued = f"2026-01-{2 + n % 20:02}T00:00:00Z,link" if n % 10 < good else ","
            ends = f"2026-02-{1 + n % 28:02}T00:00:00Z"
            rows.append(
                f"{arm}-{n},o-{arm}-{n},2026-01-01T00:00:00Z,{ends},{arm},0.4,20.00,EUR,{rescued}"
            )
    file = tmp_path / "orders.csv"
    file.write_text("\n".join([*rows, "x,,,,,,,,,"]))
    return file


def test_a_file_is_compared(tmp_path: Path) -> None:
    result = run(str(written(tmp_path, 3_000, 1_000)))
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[:3] == [
        "orders      4,000 whose window has closed; 0 still open, 0 of other arms",
        "engine      3,000 orders of 3,000 payers, 60.0% of them rescued",
        "comparison  1,000 orders of 1,000 payers, 40.0% of them rescued",
    ]
    assert "difference  +20.0 points, between +1" in lines[3]
    assert "by amount   EUR: +20.0 points" in lines[4]
    assert lines[4].endswith("; 36,000.00 of 60,000.00 and 8,000.00 of 20,000.00 rescued")
    assert any(line == "by engine   link 1,800" for line in lines)
    assert lines[-1] == "line 4002   order must have 1 to 200 characters"


def test_each_day_has_its_look(tmp_path: Path) -> None:
    file = written(tmp_path, 3_000, 1_000)
    found = json.loads(run(str(file), "--by", "day", "--json").output)
    assert len(found["looks"]) == 28
    assert found["looks"][0]["low"] is None, "of too few payers nothing is said"
    assert found["looks"][-1]["low"] > 0.1
    widths = [look["high"] - look["low"] for look in found["looks"] if look["low"] is not None]
    assert widths == sorted(widths, reverse=True)
    assert (found["alarm"], found["ordersMissing"] > 0) == (None, True)
    assert found["refused"] == [{"line": 4002, "why": "order must have 1 to 200 characters"}]
    early = json.loads(run(str(file), "--until", "2026-02-02T12:00:00Z", "--json").output)
    assert early["orders"]["open"] > early["orders"]["closed"]


def test_words_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    file = str(written(tmp_path, 1, 1))
    for words, field in (
        ((file, "--zone", "Mars/Olympus"), "zone"),
        ((file, "--until", "soon"), "until"),
        (("--until", "2026-02-02"), "until"),
        ((file, "--as-of", "2026-02-02"), "file"),
        (("--as-of", "2026-02-02", "--by", "day"), "by"),
        (("--as-of", "2026-02-02", "--expected", "9"), "expected"),
    ):
        problem = run(*words).exception
        assert isinstance(problem, Problem)
        assert problem.field == field


def test_the_installations_own_orders_are_compared_once_their_window_has_closed(
    server: ServerAddress,
) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=Policy(call_timeout=timedelta(seconds=2))) as made:
            shop: Shop = await make_shop(*made)
            await keep(shop.world, MODEL, None, ANNA)
            await take(shop.world, MODEL.name, ANNA)
            await set_arms(shop.world, shop.scope, None, ArmsChange("share", share=50, holdout=50))
            shop.merchants.forget(shop.merchant_id)
            for who in range(8):
                await shop.admit(
                    pan=script_card("visa", "51", 1), email=f"payer-{who}@example.test"
                )
            await shop.run_due()
            before = await closed_orders(shop.world, shop.merchant_id)
            assert (before.closed, before.open) == ([], 8)
            await shop.advance(timedelta(days=35))
            await shop.settle()
            found = await closed_orders(shop.world, shop.merchant_id)
            assert (len(found.closed), found.open) == (8, 0)
            rows = await shop.world.db.fetch("SELECT arm, stage FROM current_orders")
            assert sorted(one.arm for one in found.closed) == sorted(row["arm"] for row in rows)
            rescued = sum(one.rescued_on is not None for one in found.closed)
            assert rescued == sum(row["stage"] == "completed" for row in rows) > 0
            assert all(one.chance is not None and one.shares == (50, 50) for one in found.closed)
            assert {one.by for one in found.closed if one.rescued_on} == {"retry"}
            assert len({one.payer for one in found.closed}) == 8

            def does(work: Work) -> Any:
                opened = Opened(made[0], Services(*made[1:]), Path(), "http://recoup.test")
                return asyncio.run_coroutine_threadsafe(
                    work(opened),  # type: ignore[arg-type]
                    loop,
                ).result()

            loop = asyncio.get_running_loop()
            words = ["--merchant", str(shop.merchant_id)]
            result = await asyncio.to_thread(CliRunner().invoke, uplift, words, obj=Here(does))
            assert "8 whose window has closed" in result.output
            assert "not enough yet: 200 payers are needed in each arm" in result.output
            before_it = datetime.now(UTC)
            report = await make_report(shop.world, shop.merchant_id, shop.world.clocks.wall())
            after_it = datetime.now(UTC)
            for moment, code in ((before_it, "not_found"), (after_it, None)):
                past = [*words, "--as-of-recorded", moment.isoformat(), "--by", "week"]
                shown = await asyncio.to_thread(CliRunner().invoke, uplift, past, obj=Here(does))
                assert getattr(shown.exception, "code", None) == code
            assert shown.output.splitlines()[:3] == result.output.splitlines()[:3]
            as_json = await asyncio.to_thread(
                CliRunner().invoke, uplift, [*past, "--json"], obj=Here(does)
            )
            assert json.loads(as_json.output) == report | {"refused": []}

    asyncio.run(story())
