"""Files of declined orders: good lines count, bad ones are named."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kit.files.lines import lines
from recoup.uplift.rules.closed_order import OrdersRead
from recoup.uplift.rules.looks import looks_of
from recoup.uplift.rules.orders_file import COLUMNS, MORE, read_orders

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
GOOD = {
    "payer": "p1",
    "order": "o1",
    "declinedAt": "2026-03-02T10:00:00Z",
    "expiresAt": "2026-03-30T10:00:00Z",
    "arm": "engine",
    "chance": "0.31",
    "amount": "45.90",
    "currency": "USD",
    "rescuedAt": "2026-03-09T06:30:00Z",
    "by": "retry",
}


def read(*rows: dict[str, str], header: str = ",".join(COLUMNS)) -> OrdersRead:
    names = header.split(",")
    text = "\n".join([header, *(",".join(row.get(name, "") for name in names) for row in rows)])
    return read_orders(lines([text.encode()], "utf-8-sig"), until=UNTIL, zone=UTC)


def test_a_line_is_an_order() -> None:
    found = read(GOOD, GOOD | {"order": "o2", "rescuedAt": "", "by": "", "chance": ""})
    paid, unpaid = found.closed
    assert (paid.closed_on, paid.rescued_on, paid.by) == (
        date(2026, 3, 30),
        date(2026, 3, 9),
        "retry",
    )
    assert (paid.payer, paid.arm, paid.chance, paid.amount, paid.currency) == (
        "p1",
        "engine",
        0.31,
        45.9,
        "USD",
    )
    assert (unpaid.rescued_on, unpaid.by, unpaid.chance) == (None, "", None)
    assert not found.refused


@each(
    ("change", "why"),
    [
        ({"payer": ""}, "payer must have 1 to 200"),
        ({"order": "x" * 201}, "order must have 1 to 200"),
        ({"declinedAt": "02.03.2026"}, "declinedAt must be a moment"),
        ({"declinedAt": "1026-03-02"}, "declinedAt must be a moment"),
        ({"expiresAt": "2026-03-01"}, "expiresAt is before declinedAt"),
        ({"rescuedAt": "2026-03-01"}, "rescuedAt is before declinedAt"),
        ({"arm": "control"}, "arm must be one of engine, holdout"),
        ({"chance": "31"}, "chance must be a number from 0 to 1"),
        ({"chance": "nan"}, "chance must be a number"),
        ({"amount": "0"}, "amount must be above 0"),
        ({"amount": "-1"}, "amount must be a number"),
        ({"amount": "1e99"}, "amount must be a number"),
        ({"amount": "9" * 60}, "amount must be a number"),
        ({"currency": "usd"}, "currency must be an ISO 4217 code"),
        ({"by": 'a",b'}, "fields"),
    ],
)
def test_a_bad_line_is_refused_and_the_others_count(change: dict[str, str], why: str) -> None:
    found = read(GOOD | change, GOOD | {"order": "o2"})
    assert [number for number, _ in found.refused] == [2]
    assert why in found.refused[0][1]
    assert len(found.closed) == 1


def test_a_decimal_comma_is_one_field_too_many() -> None:
    assert "fields" in read(GOOD | {"amount": "45,90"}).refused[0][1]


def test_an_order_counts_once_and_its_payer_in_one_arm() -> None:
    found = read(GOOD, GOOD, GOOD | {"order": "o2", "arm": "holdout"})
    assert found.refused == [(3, "the order stood in an earlier line")]
    assert [one.arm for one in found.closed] == ["engine", "engine"]
    assert found.moved == {"p1"}


def test_a_payers_first_order_is_the_earliest_in_whatever_line_and_of_whatever_arm() -> None:
    later = GOOD | {
        "order": "o2",
        "declinedAt": "2026-03-05T10:00:00Z",
        "arm": "holdout",
        "share": "30",
    }
    waits = later | {
        "order": "o3",
        "payer": "p2",
        "expiresAt": "2026-07-01T00:00:00Z",
        "declinedAt": "2026-03-01",
    }
    ladder = GOOD | {"order": "o4", "declinedAt": "2026-03-01", "arm": "ladder", "share": "10"}
    first = GOOD | {"share": "20"}
    found = read(
        later,
        first,
        ladder,
        GOOD | {"order": "o5", "payer": "p2"},
        waits,
        header=",".join([*COLUMNS, MORE]),
    )
    assert [(one.payer, one.arm, one.stratum) for one in found.closed] == [
        ("p1", "engine", (10, 0, 30, 0)),
        ("p1", "engine", (10, 0, 20, 0)),
        ("p2", "holdout", (30, 0, 0, 0)),
    ]
    assert found.moved == {"p1", "p2"}


def test_what_is_open_of_another_arm_or_late_does_not_count_as_rescued() -> None:
    late = GOOD | {"order": "o2", "rescuedAt": "2026-04-02T00:00:00Z"}
    found = read(
        GOOD | {"expiresAt": "2026-06-02T00:00:00Z"}, late, GOOD | {"order": "o3", "arm": "ladder"}
    )
    assert (found.open, found.other) == (1, 1)
    assert [(one.rescued_on, one.by) for one in found.closed] == [(None, "")]


def test_a_time_without_an_offset_is_of_the_zone() -> None:
    text = (
        ",".join(COLUMNS) + "\n" + ",".join((GOOD | {"expiresAt": "2026-03-30T23:00:00"}).values())
    )
    found = read_orders(
        lines([text.encode()], "utf-8-sig"), until=UNTIL, zone=ZoneInfo("America/Chicago")
    )
    assert found.closed[0].closed_on == date(2026, 3, 31)


@pytest.mark.parametrize("header", ["", "payer,order", ",".join(COLUMNS) + ",by"])
def test_a_header_that_lacks_or_repeats_a_column_is_refused(header: str) -> None:
    with pytest.raises(Problem) as problem:
        read(GOOD, header=header)
    assert problem.value.field == "file"


def test_looks_are_by_day_week_or_one_and_their_last_is_the_same() -> None:
    rows = [
        GOOD
        | {
            "order": f"o{n}",
            "payer": f"p{n}",
            "arm": "engine" if n % 2 else "holdout",
            "expiresAt": f"2026-04-{1 + n % 28:02}T10:00:00Z",
        }
        for n in range(600)
    ]
    found = read(*rows)
    days, weeks, total = (looks_of(found, step) for step in ("day", "week", "total"))
    assert [len(looks.looks) for looks in (days, weeks, total)] == [28, 5, 1]
    assert days.looks[-1] == weeks.looks[-1] == total.looks[-1]
    assert total.expected == 1_800, "three times the orders of the first thirty days"
    assert days.looks[0].difference is None
    assert days.looks[-1].difference is not None
    assert looks_of(OrdersRead(), "day").looks == []
