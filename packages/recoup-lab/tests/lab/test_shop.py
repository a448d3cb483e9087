"""The demo's shop: drawn from the lab's world, the same each time, and answered like the declines
that came in."""

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from recoup.kernel.problem import Problem
from recoup.main.demo.demo import load_demo
from recoup.main.demo.example import card_number
from recoup.main.demo.months import Site
from recoup.networks.magic import classify
from recoup_lab.shop.months import WINDOW_DAYS, months_of

BEGUN = datetime(2026, 8, 28, 6, 56, 36, tzinfo=UTC)
SITES = (
    Site("https://coffee.demo.example", "DEMO*COFFEE", "COF"),
    Site("https://fit.demo.example", "DEMO*FIT", "FIT"),
)
NAMES = ("Ana Roe", "Sören Müller")
APPROVED = {"00", "000"}


def test_months_are_the_same_each_time_and_their_timetables_begin_with_the_decline() -> None:
    months, again = (months_of(BEGUN, 60, 150, SITES, NAMES) for _ in range(2))
    lines = months.lines(10)
    assert lines == again.lines(10)
    assert [line.number for line in lines] == list(range(10, 160))
    assert len({line.order for line in lines}) == 150
    orders = [order for _, some in sorted(months.moments.items()) for order in some]
    tables = {(one.pan, one.units): one for one in months.timetables(orders)}
    assert list(tables.values()) == again.timetables(
        [order for _, some in sorted(again.moments.items()) for order in some]
    )
    paid = 0
    for line, order in zip(lines, orders, strict=True):
        method = line.body["paymentMethod"]
        pan = card_number(method["cardNumber"]["$token"])
        found = classify(pan)
        assert found is not None
        assert (found.kind, found.counts) == ("payer", True)
        assert method["cardBrand"].lower() == found.scheme
        came = timedelta(seconds=order.declined_at) + datetime(1970, 1, 1, tzinfo=UTC)
        assert came <= BEGUN + line.at, "nothing is handed over before it was declined"
        table = tables[pan, line.body["transaction"]["amount"]]
        assert len(table.since) == len(table.answers)
        assert table.since == sorted(table.since)
        place = max(n for n, at in enumerate(table.since) if at <= came)
        assert table.answers[place].split("/")[0] == line.body["transaction"]["responseCode"]
        ends = came + timedelta(days=WINDOW_DAYS)
        paid += any(
            answer in APPROVED and at < ends
            for at, answer in zip(table.since, table.answers, strict=True)
            if at > came
        )
    assert 0.5 < paid / len(lines) < 0.85, "as many could ever be paid as published figures allow"


def test_the_past_is_a_table_of_charges_that_ends_before_the_months() -> None:
    months = months_of(BEGUN, 60, 30, SITES, NAMES)
    rows = list(csv.DictReader(months.past().decode().splitlines()))
    assert len(rows) > 100
    assert max(row["created"] for row in rows) < f"{BEGUN:%Y-%m-%d %H:%M:%S}"
    assert {row["paid"] for row in rows} == {"true", "false"}
    assert all(
        bool(row["outcome_network_decline_code"]) == (row["paid"] == "false") for row in rows
    )
    customers = {line.body["payer"]["id"] for line in months.lines(0)}
    assert customers & {row["customer_id"] for row in rows}, "the shop knows some of them already"


def test_the_demo_does_not_come_into_a_live_world() -> None:
    """Before anything of it is read: this world has nothing but its policy."""
    live: Any = SimpleNamespace(policy=SimpleNamespace(test_mode=False))
    opened: Any = SimpleNamespace(world=live)
    with pytest.raises(Problem, match="sandbox only"):
        asyncio.run(load_demo(opened, "http://127.0.0.1:1", lambda share, words: None))
