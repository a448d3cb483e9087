"""The verbs of API operations: each answers what its operation answers, as JSON and as text."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from tests.door import Caller, opened_door
from tests.here import Here
from tests.keys.api.test_key_scopes import headers_of, issued

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.keys.cli.operations import _lines
from recoup.keys.rules.key_scopes import CUSTOMERS, every
from recoup.main.later_verbs import LATER
from recoup.merchants.cli import Opened

Typed = Callable[..., Result]


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[tuple[Caller, Typed]]:
    cli = click.Group("recoup")
    for word in ("orders", "settlements", "sites", "switches"):
        LATER[word].add(cli, word)
    with opened_door(server) as door:
        caller = door.shop()
        at = Opened(
            door.world, Services(door.orders, door.deliveries), Path(), "", merchant=caller.mid
        )
        here = Here(lambda work: door.run(work(at)))

        def typed(*words: str) -> Result:
            return CliRunner().invoke(cli, [*words, "--merchant", caller.mid], obj=here)

        yield caller, typed


def test_an_order_is_found_shown_and_explained(shop: tuple[Caller, Typed]) -> None:
    caller, typed = shop
    order_id = caller.evaluate().json()["orderId"]
    masked = headers_of(issued(caller, *(every("merchant") - {CUSTOMERS})))
    since = ("--from", "2020-01-01T00:00:00Z")
    for words, path in (
        (("orders", "list"), "/orders"),
        (("orders", "show", order_id), f"/orders/{order_id}"),
        (("orders", "decisions", order_id), f"/orders/{order_id}/decisions"),
        (("switches", "list"), "/switches"),
        (("sites", "list"), "/sites"),
        (("settlements", "list"), "/settlements"),
        (("settlements", "list", *since), "/settlements?from=2020-01-01T00:00:00Z"),
        (("orders", "show", order_id), f"/orders/{order_id}"),
    ):
        answer = caller.door.call("GET", f"/v1{path}", headers=masked)
        assert json.loads(typed(*words, "--json").output) == answer.json(), words
    lines = typed("orders", "list").output.splitlines()
    heads = next(line for line in lines if line.startswith("id "))
    row = lines[lines.index(heads) + 1]
    assert row.startswith(order_id)
    assert not [line for line in lines if "{" in line], "what is nested is no text"
    assert lines[-1] == "Amounts are in minor units."


def test_what_the_api_refuses_the_verb_refuses(shop: tuple[Caller, Typed]) -> None:
    caller, typed = shop
    refused = typed("orders", "show", "nobodys").exception
    assert isinstance(refused, Problem)
    assert refused.code == "not_found"
    assert typed("orders", "list", "--status", "99").exit_code == 2
    refused = typed("orders", "list", "--from", "yesterday").exception
    assert isinstance(refused, Problem)
    assert "From" in refused.sentence()


def test_a_callers_text_forges_no_line() -> None:
    rows = [{"name": "a\nid 1\x1b[2J", "is_paid": True}]
    assert list(_lines({"data": rows, "names": ["b\nc"]})) == [
        "data:",
        "name           is_paid",
        "a id 1\\x1b[2J  yes",
        "names                  b c",
    ]
