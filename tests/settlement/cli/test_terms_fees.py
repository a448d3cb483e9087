"""`recoup terms fees` and `recoup terms notices`: shown without options, changed with them, refused
with the reason."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.here import Here, Work
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.cli.terms import terms
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.kit.cli.term_options import basis_points
from recoup.merchants.cli import Opened


def told(server: ServerAddress, tmp_path: Path, calls: tuple[tuple[str, ...], ...]) -> list[Any]:
    """What each call in turn says of one merchant, or the Problem that it raises."""

    async def in_a_world() -> list[Any]:
        found: list[Any] = []
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            opened = Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1")
            loop = asyncio.get_running_loop()
            for call in calls:
                named = tuple(str(shop.site_id) if part == "SITE" else part for part in call)
                found.append(await asyncio.to_thread(_run, opened, loop, shop.merchant_id, named))
        return found

    return asyncio.run(in_a_world())


def _run(
    opened: Opened, loop: asyncio.AbstractEventLoop, merchant_id: Any, call: tuple[str, ...]
) -> Any:
    def does(work: Work) -> Any:
        return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

    done = CliRunner().invoke(
        terms, [*call, "--merchant", str(merchant_id)], obj=Here(does), standalone_mode=False
    )
    if done.exception is not None:
        return done.exception
    return json.loads(done.output) if "--json" in call else done.output


def test_fees_are_shown_set_and_ended(server: ServerAddress, tmp_path: Path) -> None:
    none, first, second, third, plain = told(
        server,
        tmp_path,
        (
            ("fees",),
            ("fees", "--percent", "2.9", "--note", "list price", "--json"),
            (
                "fees",
                "--percent",
                "1",
                "--fixed",
                "0.30",
                "--minimum",
                "0.50",
                "--currency",
                "usd",
                "--site",
                "SITE",
                "--type",
                "mit",
                "--refund",
                "pro-rata",
                "--json",
            ),
            ("fees", "--end", "--json"),
            ("fees",),
        ),
    )
    assert "No fee is charged" in none
    assert [(r["scope"], r["fee"], r["refund"], r["note"]) for r in first] == [
        ("everything", "2.90 %", "keep", "list price")
    ]
    assert (second[1]["scope"], second[1]["fee"]) == (
        "https://leaf.example.test MIT USD",
        "1.00 % + 0.30 at least 0.50",
    )
    assert second[1]["refund"] == "pro-rata"
    assert third[2]["fee"] == "ended"
    assert plain.count("\n") == 4
    assert plain.startswith("from ")


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (("--percent", "1", "--from", "2020-01-01"), "from"),
        (("--percent", "1", "--from", "soon"), "from"),
        (("--percent", "x"), "percent"),
        (("--percent", "101"), "percent"),
        (("--percent", "1.234"), "percent"),
        (("--fixed", "0.30"), "currency"),
        (("--fixed", "0.305", "--currency", "USD"), "fixed"),
        (("--percent", "1", "--currency", "ZZZ"), "currency"),
        (("--percent", "1", "--type", "X"), "type"),
        (("--percent", "1", "--site", "x"), "site"),
        (("--percent", "0.001"), "percent"),
        (("--refund", "full"), "percent"),
        (("--site", "SITE", "--type", "MIT", "--currency", "USD"), "percent"),
        (("--from", "2100-01-01"), "percent"),
    ],
)
def test_a_fee_that_cannot_be_is_refused(
    server: ServerAddress, tmp_path: Path, call: tuple[str, ...], field: str
) -> None:
    refused, after = told(server, tmp_path, (("fees", *call), ("fees",)))
    assert isinstance(refused, Problem)
    assert refused.field == field
    assert "USD does not have" not in refused.message or field == "fixed"
    assert "No fee is charged" in after


def test_notices_are_switched(server: ServerAddress, tmp_path: Path) -> None:
    before, after, shown = told(
        server,
        tmp_path,
        (
            ("notices", "--json"),
            ("notices", "--on", "receipt", "--off", "challenge", "--json"),
            ("notices",),
        ),
    )
    off = {
        "receipt": False,
        "refunded": False,
        "payment_link": False,
        "payment_link_early": False,
        "payment_link_sms": False,
    }
    assert before == off | {"charge_coming": True, "challenge": True}
    assert after == before | {"receipt": True, "challenge": False}
    assert "receipt        on" in shown


@pytest.mark.parametrize(
    ("text", "points"), [("2.9", 290), ("0.250", 25), ("100", 10_000), ("0", 0)]
)
def test_percentages_are_basis_points(text: str, points: int) -> None:
    assert basis_points(text, "percent") == points
