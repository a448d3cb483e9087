"""A day's file over a month: nothing is lost but what lies beyond the end, and no order's own order
changes."""

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

from recoup.main.demo.demo import DAY, over_a_month
from recoup.main.demo.example import Line, read_example

FILE = Path(__file__).resolve().parents[3] / "examples/day.jsonl"
FILE_DAYS, DAYS = 22, 31


def of_orders(lines: list[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.order].append(line)
    return found


def test_every_order_is_there_once_on_a_day_of_the_month() -> None:
    day = read_example(FILE)
    month = over_a_month(day, FILE_DAYS, DAYS)
    before, after = of_orders(day), of_orders(month)
    assert set(after) == set(before)
    begun = {lines[0].at // DAY for lines in after.values()}
    assert begun == set(range(DAYS))
    assert all(timedelta(0) <= line.at < DAY * DAYS for line in month)
    assert month == over_a_month(day, FILE_DAYS, DAYS)


def test_what_follows_an_order_stays_behind_it_and_as_far_away() -> None:
    day = read_example(FILE)
    before, after = of_orders(day), of_orders(over_a_month(day, FILE_DAYS, DAYS))
    for order, lines in after.items():
        kept = before[order][: len(lines)]
        assert [line.number for line in lines] == [line.number for line in kept]
        for earlier, line in zip(kept[1:], lines[1:], strict=True):
            away, was = line.at - lines[0].at, earlier.at - kept[0].at
            assert was <= away < was + timedelta(hours=12) if was else away == was
