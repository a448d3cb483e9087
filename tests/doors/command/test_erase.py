"""`recoup erase` as a person types it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result
from tests.worlds import make_shop, sandbox_world

from recoup.doors.command import erase
from recoup.doors.command.verbs import Opened
from recoup.flows.cards.taken import Person
from recoup.kernel.problem import Problem
from recoup.store.server import ServerAddress


def test_a_customer_is_erased_by_what_the_merchant_knows_of_them(server: ServerAddress, tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    opened_world = sandbox_world(server)
    made = loop.run_until_complete(opened_world.__aenter__())
    shop = loop.run_until_complete(make_shop(*made))
    ana = Person(first_name="Ana", last_name="Roe", email="ana@example.test", external_id="cust-7")
    loop.run_until_complete(shop.admit(payer=ana))
    cli = click.Group("recoup")

    def with_world(_: Any, work: Callable[[Opened], Awaitable[Any]]) -> Any:
        return loop.run_until_complete(work(Opened(*made, tmp_path, "http://recoup.test")))

    def run(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(cli, ["erase", *words, "--merchant", str(shop.merchant_id)], input=typed)

    erase.add(cli, with_world, lambda **_: None)
    try:
        assert run("cust-7", typed="n\n").exit_code == 1
        names = "SELECT string_agg(first_name, ',') FROM order_payer"
        assert loop.run_until_complete(shop.value(names)) == "Ana"
        unknown = run("cust-8", "--yes").exception
        assert isinstance(unknown, Problem)
        assert unknown.code == "not_found"
        assert run("cust-7", typed="y\n").output.endswith(
            "erased from 1 order; 1 of them still open, and going on without the data\n")  # fmt: skip
        assert loop.run_until_complete(shop.value(names)) == ""
        assert loop.run_until_complete(shop.value("SELECT actor FROM person_log")) == "operator:erase"
    finally:
        loop.run_until_complete(opened_world.__aexit__(None, None, None))
        loop.close()
