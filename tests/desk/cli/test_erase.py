"""`recoup erase` as a person types it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.cli.erase import erase
from recoup.desk.store import customers
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.rescue.flows.taken import Person

RUN = Callable[..., Result]


@contextmanager
def typing(
    server: ServerAddress, tmp_path: Path
) -> Iterator[tuple[Shop, RUN, Callable[[Awaitable[Any]], Any]]]:
    """A shop; `recoup erase` for it; and a way to wait for what the shop does."""
    loop = asyncio.new_event_loop()
    opened_world = sandbox_world(server)
    made = loop.run_until_complete(opened_world.__aenter__())
    shop = loop.run_until_complete(make_shop(*made))

    def does(work: Work) -> Any:
        return loop.run_until_complete(
            work(Opened(made[0], Services(*made[1:]), tmp_path, "http://recoup.test"))
        )

    def run(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(
            erase, [*words, "--merchant", str(shop.merchant_id)], obj=Here(does), input=typed
        )

    try:
        yield shop, run, loop.run_until_complete
    finally:
        loop.run_until_complete(opened_world.__aexit__(None, None, None))
        loop.close()


def test_a_customer_is_erased_by_what_the_merchant_knows_of_them(
    server: ServerAddress, tmp_path: Path
) -> None:
    with typing(server, tmp_path) as (shop, run, wait):
        ana = Person(
            first_name="Ana", last_name="Roe", email="ana@example.test", external_id="cust-7"
        )
        wait(shop.admit(payer=ana))
        assert run("cust-7", typed="n\n").exit_code == 1
        names = "SELECT string_agg(first_name, ',') FROM order_payer"
        assert wait(shop.value(names)) == "Ana"
        unknown = run("cust-8", "--yes").exception
        assert isinstance(unknown, Problem)
        assert unknown.code == "not_found"
        assert run("cust-7", typed="y\n").output.endswith(
            "Erased 1 customer, from 1 order; 1 still open, now without the data\n"
        )
        assert wait(shop.value(names)) == ""
        assert wait(shop.value("SELECT actor FROM person_log")) == "operator:erase"


def test_an_e_mail_erases_all_who_are_known_by_it(server: ServerAddress, tmp_path: Path) -> None:
    """The shop had its own ids of them, and an erasure by their address found nobody."""
    with typing(server, tmp_path) as (shop, run, wait):
        address = {"email": "Ana@example.test", "phone": "", "name": "Ana Roe"}
        for own in ("cust-1", "cust-2", "cust-2", ""):
            wait(
                shop.admit(
                    payer=Person(first_name="Ana", email="ana@example.test", external_id=own)
                )
            )
        wait(
            shop.transmitted("SELF-1", payer={"external_id": "cust-3"} | address)
        )  # of whom no order came
        wait(
            shop.admit(
                payer=Person(first_name="Tom", email="tom@example.test", external_id="cust-4")
            )
        )
        other = wait(make_shop(shop.world, shop.orders, shop.deliveries))
        wait(
            other.admit(
                payer=Person(first_name="Ana", email="ana@example.test", external_id="cust-1")
            )
        )
        kept = (
            "SELECT string_agg(first_name, ',' ORDER BY first_name) FROM order_payer WHERE "
            "first_name <> ''"
        )
        known = "SELECT array_agg(email ORDER BY email) FROM payers WHERE email <> ''"

        asked = run("ANA@example.test", typed="n\n")
        assert "4 customers found" in asked.output
        assert wait(shop.value(kept)) == "Ana,Ana,Ana,Ana,Ana,Tom"
        assert "Erased 4 customers, from 4 orders" in run(" ANA@example.test ", typed="y\n").output
        assert wait(shop.value(kept)) == "Ana,Tom"
        assert wait(shop.value(known)) == ["ana@example.test", "tom@example.test"]
        assert wait(shop.value("SELECT count(*) FROM person_log WHERE what = 'erased'")) == 4


def test_more_orders_of_one_address_than_are_looked_through_at_once(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "EMAIL_ORDERS_MAX", 1)
    with typing(server, tmp_path) as (shop, run, wait):
        for number in range(3):
            own = f"cust-{number}"
            wait(
                shop.admit(
                    payer=Person(first_name="Ana", email="first@example.test", external_id=own)
                )
            )
            wait(
                shop.admit(
                    payer=Person(first_name="Ana", email="ana@example.test", external_id=own)
                )
            )
        assert run("ana@example.test", "--yes").output == (
            "Erased 3 customers, from 6 orders; 6 still open, now without the data\n"
        )
        assert wait(shop.value("SELECT count(*) FROM order_payer WHERE email <> ''")) == 0
