"""What the doors' fuzzes share: values of any kind, values as a Struct allows them, and how they
are bent.

Bodies and queries are drawn from the operations' own Structs, mixed with one that is known to be
taken, then bent.
"""

import copy
import json
import string
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec import inspect as mi
from tests.door import APPROVES, FUNDS, UNKNOWN
from tests.rings import proving

QUICK = settings(
    database=None,
    derandomize=True,
    print_blob=False,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)

MANY = 1.0 if proving == "fuzz" else 0.2  # of the examples that the family has

# what is put in a field's place
# -------------------------------------------------------------------------------

NUMBERS = st.sampled_from(
    [
        0,
        -1,
        1,
        0.5,
        1e-9,
        1e300,
        -0.0,
        2**31,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**63) - 1,
        10**40,
        100_000_001,
    ]
)
ODD = st.sampled_from(
    [
        "",
        " ",
        "null",
        "true",
        "0",
        "-1",
        "1e3",
        "\x00",
        "a\x00b",
        "\ud800",
        "\udfff\ud800",
        "\u202eabc",
        "é" * 300,
        "😀" * 70,
        "x" * 257,
        "x" * 5000,
        "9" * 25,
        "1" * 5000,
        "٣٤",
        "²",
        "²" * 16,
        "２０２",
        "{}",
        "%00",
        "../..",
        "<script>",
        "'; DROP TABLE orders; --",
        "\r\nx: y",
        "2026-02-30",
        "9999-12-31",
        "0000-00-00T00:00Z",
        "now",
        UNKNOWN,
        "Mon, 02 Mar 2026 09:15:31 +99999999999999",
        UNKNOWN.upper(),
        "{" + UNKNOWN + "}",
        "urn:uuid:" + UNKNOWN,
        APPROVES,
        FUNDS,
        APPROVES + "\n",
        " ".join(APPROVES),
        "-".join(APPROVES),
        "USD",
        "usd",
        "BTC",
        "inf",
        "nan",
    ]
)
SENDABLE = ODD.filter(
    lambda text: not any("\ud800" <= one <= "\udfff" for one in text)
)  # in a query
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40) | st.text(string.printable, max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | ODD
    | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**64), 2**64)
)
DEEP = st.integers(1, 60).map(lambda depth: json.loads('{"a":[' * depth + "1" + "]}" * depth))
JUNK = (
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | ODD, inner, max_size=4),
        max_leaves=8,
    )
    | DEEP
)
DATES = st.sampled_from(
    ["2026-03-02T09:20:11Z", "2030-01-01T00:00:00+02:00", "Mon, 02 Mar 2026 09:15:31 GMT"]
)


def told(kind: Any) -> st.SearchStrategy[Any]:
    """Values that the schema of this type allows."""
    return _of(mi.type_info(kind))


def _of(info: mi.Type) -> st.SearchStrategy[Any]:
    match info:
        case mi.Metadata():
            return (
                DATES
                if (info.extra_json_schema or {}).get("format") == "date-time"
                else _of(info.type)
            )
        case mi.StructType():
            return _object(info)
        case mi.UnionType():
            return st.one_of([_of(one) for one in info.types])
        case mi.StrType(pattern=str() as pattern):
            return st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii"))
        case mi.StrType():
            plain = st.text(max_size=min(info.max_length or 30, 30), min_size=info.min_length or 0)
            return plain | st.just("x" * info.max_length) if info.max_length else plain
        case mi.LiteralType():
            return st.sampled_from(info.values)
        case mi.DateTimeType():
            return DATES
        case mi.IntType():
            return st.integers(
                info.ge if info.ge is not None else -(2**40),
                info.le if info.le is not None else 2**40,
            )
        case mi.ListType():
            return st.lists(_of(info.item_type), max_size=3)
        case mi.DictType():
            return st.dictionaries(_of(info.key_type), _of(info.value_type), max_size=3)
        case mi.BoolType():
            return st.booleans()
        case mi.NoneType():
            return st.none()
        case mi.UUIDType():
            return st.uuids().map(str) | st.just(UNKNOWN)
    return JUNK


@st.composite
def _object(draw: st.DrawFn, info: mi.StructType) -> dict[str, Any]:
    """What is required, and a few of the others."""
    needed = [field for field in info.fields if field.required]
    other = [field for field in info.fields if not field.required]
    chosen = draw(st.lists(st.sampled_from(other), max_size=4, unique_by=id)) if other else []
    return {field.encode_name: draw(_of(field.type)) for field in [*needed, *chosen]}


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every way to something inside."""
    found = []
    inside = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, inner in inside:
        found += [(*way, name), *_places(inner, (*way, name))]
    return found


@st.composite
def bent(draw: st.DrawFn, body: Any, times: int = 3) -> Any:
    """The body after up to so many mutations; now and then something else altogether."""
    if draw(st.integers(0, 30)) == 0:
        return draw(JUNK)
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(min(times, 1), times))):
        places = _places(body)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        inner = body
        for name in way:
            inner = inner[name]
        what = draw(
            st.sampled_from(
                ["replace", "replace", "replace", "drop", "wrap", "text", "case", "twice", "add"]
            )
        )
        if what == "replace":
            inner[last] = draw(JUNK)
        elif what == "drop":
            del inner[last]
        elif what == "wrap":
            inner[last] = draw(
                st.sampled_from(
                    [[inner[last]], {"value": inner[last]}, [[[inner[last]]]], {"": inner[last]}]
                )
            )
        elif what == "text":
            inner[last] = str(inner[last])
        elif isinstance(inner, dict) and what == "case":
            inner[draw(st.sampled_from([str.upper, str.lower, str.title]))(last)] = inner.pop(last)
        elif isinstance(inner, dict) and what == "twice":
            inner[last.swapcase()] = draw(JUNK)
        elif isinstance(inner, dict):
            inner[draw(TEXTS)] = draw(JUNK)
    return body


@st.composite
def mixed(draw: st.DrawFn, shape: type[msgspec.Struct], known: dict[str, Any]) -> dict[str, Any]:
    """A body as the shape allows it, some of its members as they are known to be taken."""
    made: dict[str, Any] = draw(told(shape))
    for name, value in known.items():
        if draw(st.integers(0, 3)):
            made[name] = value
    return made


@st.composite
def bodies(draw: st.DrawFn, shape: type[msgspec.Struct], known: dict[str, Any]) -> Any:
    """One that is known to be taken or one of the shape; four of five are bent."""
    body = draw(mixed(shape, known)) if draw(st.booleans()) else known
    return draw(bent(body)) if draw(st.integers(0, 4)) else body


@st.composite
def queries(draw: st.DrawFn, shape: type[msgspec.Struct]) -> list[tuple[str, str]]:
    """As the shape allows it; every other one with more than that."""
    given = {k: v for k, v in draw(told(shape)).items() if v is not None}
    many = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    pairs = [
        (name, str(one).lower() if isinstance(one, bool) else str(one))
        for name in many
        for one in many[name]
    ]
    names = st.sampled_from(
        [f.encode_name for f in msgspec.structs.fields(shape)] + ["", "X", "STATUS"]
    )
    extra = (
        draw(st.lists(st.tuples(names, SENDABLE | TEXTS), max_size=3))
        if draw(st.booleans())
        else []
    )
    return pairs + extra


# the calls
# --------------------------------------------------------------------------------------------------


class Watched:
    """How the tables stand before and after each call:
    what is refused leaves everything as it was."""

    seen: dict[str, Any]

    def stand(self) -> dict[str, Any]:
        """Rows of every table, and marks of the rows that may change."""
        raise NotImplementedError

    def checked(self, answer: httpx.Response, refused: set[int]) -> httpx.Response:
        """`refused`: with which statuses a call may be."""
        before, self.seen = self.seen, self.stand()
        if answer.status_code >= 400:
            assert answer.status_code in refused, answer.text
            changed = {k: (before[k], v) for k, v in self.seen.items() if before[k] != v}
            if answer.status_code == 502:  # a receiver that did not take a sample: the try is shown
                changed.pop("delivery_tries", None)
            assert not changed, changed
        return answer


def rounds(calls: int, at_once: Callable[[int, Counter[int]], None]) -> Counter[int]:
    """Rounds by number until so many calls were sent; what was answered is told."""
    heard: Counter[int] = Counter()
    begun, number = time.monotonic(), 0
    while heard.total() < calls:
        at_once(number, heard)
        number += 1
    seconds = time.monotonic() - begun
    told = ", ".join(f"{status}: {count}" for status, count in sorted(heard.items()))
    print(
        f"\nfuzz: {heard.total()} calls in {seconds:.0f} s ({heard.total() / seconds:.0f}/s), "
        f"{told}"
    )
    return heard
