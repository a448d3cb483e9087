"""A page of a list ends where its size says, and its cursor is read as it was written."""

from datetime import UTC, datetime
from uuid import UUID

from tests.rings import each

from recoup.kit.lists.paging import cut, page_of, parse_instant, parse_place

ID = UUID(int=7)
AT = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)


@each(
    ("count", "shown", "last"),
    [(0, [], None), (1, [0], None), (2, [0, 1], None), (3, [0, 1], 1), (9, [0, 1], 1)],
)
def test_one_row_more_says_that_there_are_more(
    count: int, shown: list[int], last: int | None
) -> None:
    assert cut(list(range(count)), 2) == (shown, last)
    page = page_of(dict, list(range(count)), 2, str, lambda row: row * 10)
    assert page == {
        "data": [str(row) for row in shown],
        "next": None if last is None else last * 10,
    }


def test_a_place_is_read_as_it_was_written() -> None:
    assert parse_place(f"{AT.isoformat()}_{ID}") == (AT, ID)


@each(
    "text",
    [
        "",
        "_",
        f"_{ID}",
        f"{AT.isoformat()}_",
        f"{AT.isoformat()}_x",
        f"2026-03-01T12:30:00_{ID}",
        f"0001-01-01T00:00:00+00:00_{ID}",
        f"9999-12-31T23:59:59+00:00_{ID}",
        f"soon_{ID}",
        f"{AT.isoformat()}_{ID}_{ID}",
    ],
)
def test_what_is_no_place(text: str) -> None:
    assert parse_place(text) is None


def test_an_instant_has_its_zone() -> None:
    assert parse_instant("2026-03-01T12:30:00.123456+00:00") == AT
    assert parse_instant("2026-03-01T12:30:00") is None
