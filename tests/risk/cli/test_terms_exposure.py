"""`recoup terms exposure`: shown without options, changed with them, refused with the reason."""

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
from recoup.merchants.cli import Opened

CALLS = (
    (),
    ("--limit", "1000", "--advance-on", "both", "--allowed-loss", "40"),
    ("--operator-limit", "500"),
    ("--order-max", "99.99", "--customer-max", "150"),
    ("--limit", "0"),
)


def told(
    server: ServerAddress,
    tmp_path: Path,
    calls: tuple[tuple[str, ...], ...],
    noun: str = "exposure",
) -> list[Any]:
    """What each call in turn says of one merchant, or the Problem that it raises."""

    async def in_a_world(calls: tuple[tuple[str, ...], ...]) -> list[Any]:
        found: list[Any] = []
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            opened = Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1")
            for call in calls:
                words = noun, "--json", "--merchant", str(shop.merchant_id), *call
                found.append(
                    await asyncio.to_thread(_run, opened, asyncio.get_running_loop(), words)
                )
        return found

    return asyncio.run(in_a_world(calls))


def _run(opened: Opened, loop: asyncio.AbstractEventLoop, options: tuple[str, ...]) -> Any:
    def does(work: Work) -> Any:
        return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

    done = CliRunner().invoke(terms, options, obj=Here(does))
    return json.loads(done.output) if done.exception is None else done.exception


def test_the_country_is_shown_and_set(server: ServerAddress, tmp_path: Path) -> None:
    calls = ((), ("gb",), ("EU",), ())
    first, done, refused, after = told(server, tmp_path, calls, noun="country")
    assert first == {"country": "US", "region": "us"}
    assert done == after == {"country": "GB", "region": "uk"}
    assert isinstance(refused, Problem)
    assert (refused.code, refused.field) == ("invalid", "code")
    assert "'EU' is no country." in str(refused.message)


def test_terms_are_shown_and_changed(server: ServerAddress, tmp_path: Path) -> None:
    nothing, limit, operator, less, ended = told(server, tmp_path, CALLS)
    assert (nothing["limit"], nothing["allotted"], nothing["operator_limit"]) == (
        "0.00 USD",
        "0.00 USD",
        "0.00 USD",
    )
    assert (limit["limit"], limit["order_max"], limit["customer_max"]) == (
        "1000.00 USD",
        "1000.00 USD",
        "1000.00 USD",
    )
    assert (limit["chunk"], limit["allowed_loss"], limit["advance_on"]) == (
        "125.00 USD",
        "40.00 %",
        "both",
    )
    assert limit["allotted"] == "0.00 USD", "the operator has allowed nothing yet"
    assert (operator["allotted"], operator["operator_allotted"]) == ("500.00 USD", "500.00 USD")
    assert (less["order_max"], less["customer_max"], less["limit"]) == (
        "99.99 USD",
        "150.00 USD",
        "1000.00 USD",
    )
    assert (ended["limit"], ended["allotted"], ended["operator_allotted"]) == (
        "0.00 USD",
        "0.00 USD",
        "0.00 USD",
    )


@pytest.mark.parametrize(
    "call",
    [
        ("--limit", "-1"),
        ("--limit", "1.234"),
        ("--chunk", "0"),
        ("--allowed-loss", "100.01"),
        ("--currency", "XXQ"),
        ("--limit", "much"),
    ],
)
def test_what_makes_no_sense_is_refused(
    server: ServerAddress, tmp_path: Path, call: tuple[str, ...]
) -> None:
    [refused] = told(server, tmp_path, (call,))
    assert isinstance(refused, Problem)
    assert refused.code == "invalid"
    assert refused.field
