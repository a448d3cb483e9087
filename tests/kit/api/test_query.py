"""A query is read by the Struct that documents it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from msgspec import Meta, field
from tests.rings import each

from recoup.kit.api.query import QueryValues, at_most, currency_read, read_as, read_query
from recoup.kit.api.wire import AfterId, Queried, Shape, Text4


class Wanted(Shape, kw_only=True):
    from_: Annotated[Queried | None, Meta(description="Since.")] = field(default=None, name="from")
    page_size: Annotated[int, Meta(ge=1, le=50)] = 10
    number: Annotated[int, Meta(ge=0, extra=at_most(99))] | None = None
    state: Literal["OPEN", "ended"] | None = None
    by: Literal["day", "week"] = "day"
    flag: bool | None = None
    name: Text4 | None = None
    event: Annotated[list[str], Meta(extra=at_most(2))] | None = None
    currency: Annotated[Text4 | None, Meta(extra=currency_read("is not known"))] = None
    half: Annotated[int | None, Meta(extra=read_as(lambda query, name: len(query.one(name))))] = (
        None
    )
    after: AfterId = None


def test_what_is_absent_or_empty_has_its_default() -> None:
    for pairs in (
        [],
        [(name, "") for name in ("pageSize", "state", "by", "flag", "name", "after")],
    ):
        found, query = read_query(QueryValues(pairs), Wanted)
        assert (found.page_size, found.number, found.state, found.by) == (10, None, None, "day")
        assert (found.flag, found.name, found.after, found.from_) == (None, None, None, None)
        assert (found.currency, found.half) == (None, 0)
        assert not query.errors


def test_each_type_has_its_reading() -> None:
    pairs = [
        ("FROM", "2026-03-01T00:00:00Z"),
        ("pagesize", "50"),
        ("number", "7"),
        ("state", "open"),
        ("by", "WEEK"),
        ("flag", "1"),
        ("name", " ab "),
        ("event", "a"),
        ("event", "b"),
        ("event", "a"),
        ("currency", "eur"),
        ("half", "xyz"),
        ("after", str(UUID(int=5))),
    ]
    found, query = read_query(QueryValues(pairs), Wanted)
    assert not query.errors
    assert found == Wanted(
        from_=datetime(2026, 3, 1, tzinfo=UTC),
        page_size=50,
        number=7,
        state="OPEN",
        by="week",
        flag=True,
        name="ab",
        event=["a", "b"],
        currency="EUR",
        half=3,
        after=UUID(int=5),
    )


@each(
    ("name", "text", "complaint"),
    [
        ("pageSize", "51", "The field PageSize must be a whole number between 1 and 50."),
        ("pageSize", "x", "The field PageSize must be a whole number between 1 and 50."),
        ("number", "100", "The field Number must be a whole number between 0 and 99."),
        ("state", "shut", "The field State must be one of OPEN, ended."),
        ("by", "year", "The field By must be one of day, week."),
        ("flag", "maybe", "The field Flag must be true or false."),
        ("name", "abcde", "The field Name must be at most 4 characters long."),
        ("currency", "xxx", "The currency 'XXX' is not known."),
        ("from", "soon", "The field From must be an ISO 8601 date like 2026-03-02T00:00:00Z."),
        ("zzz", "1", "The parameter 'zzz' is not known. Known are from, pageSize"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(name: str, text: str, complaint: str) -> None:
    _, query = read_query(QueryValues([(name, text)]), Wanted)
    [[said]] = query.errors.values()
    assert said.startswith(complaint)


def test_strangers_are_let_by_where_the_list_says_so() -> None:
    _, query = read_query(QueryValues([("strange", "1")]), Wanted, any_names=True)
    assert not query.errors


def test_some_are_complained_about_first() -> None:
    wrong = QueryValues([("pageSize", "0"), ("flag", "x"), ("after", "x")])
    assert [*read_query(wrong, Wanted)[1].errors] == ["PageSize", "Flag", "After"]
    assert [*read_query(wrong, Wanted, "after")[1].errors] == ["After", "PageSize", "Flag"]


def test_a_parameter_without_an_end_is_none() -> None:
    class Endless(Shape, kw_only=True):
        count: Annotated[int, Meta(ge=0)] = 0

    class Odd(Shape, kw_only=True):
        what: dict[str, Any] | None = None

    for shape in (Endless, Odd):
        with pytest.raises(TypeError, match="has no end"):
            read_query(QueryValues(), shape)
