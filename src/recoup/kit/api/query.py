"""Reads the parameters of a query by the Struct that the documentation shows of them, or one by
one; collects every complaint, and names each as it is written."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec import inspect as mi

from recoup.kernel.ids import parse_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.nearest import Nearest
from recoup.kernel.texts import parse_whole
from recoup.kit.api.body import Complaints, ShapeT, pascal, unwrapped, words_of
from recoup.kit.api.field_rules import GUID, TEXT_MAX, parse_moment
from recoup.kit.api.wire import AFTER, Text64
from recoup.kit.files.moments import typed_day

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
STRANGERS_NAMED_MAX: Final = 5
NO_NEXT: Final = "must be the next of an answer"


class QueryValues(dict[str, list[str]]):
    """The values by name in lower case; `spelt`: each name as the caller first wrote it."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.spelt: dict[str, str] = {}
        for name, value in pairs:
            self.spelt.setdefault(name.lower(), name)
            self.setdefault(name.lower(), []).append(value)


class Query:
    """Names in any case; of a name that comes twice the first counts, unless all are read. Empty is
    absent. `names`: the known ones, where a misspelt filter would show everything: it is refused
    instead. `elsewhere`: what other lists call it -> what it is called here."""

    __slots__ = ("_complaints", "_given")

    def __init__(
        self,
        values: QueryValues,
        names: Iterable[str] | None = None,
        elsewhere: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._given = values
        self._complaints = Complaints()
        if names is not None:
            self._refuse_unknown(names, elsewhere)

    @property
    def errors(self) -> Mapping[str, list[str]]:
        return self._complaints.errors

    def complain(self, name: str, what: str = "", *, text: str | None = None) -> None:
        self._complaints.add(pascal(name), what, text=text)

    def raise_if_any(self) -> None:
        """Ends the reading: all complaints at once. Raises: Problem(invalid)."""
        self._complaints.raise_if_any()

    def _refuse_unknown(self, names: Iterable[str], elsewhere: Mapping[str, str]) -> None:
        known = {name.lower(): name for name in names}
        others = {name.lower(): (name, own_name) for name, own_name in elsewhere.items()}
        complaints, like = [], Nearest()
        for given in islice(
            (name for name in self._given if name not in known), STRANGERS_NAMED_MAX
        ):
            if given in others:
                name, own_name = others[given]
                complaints.append(
                    f"The parameter {name!r} is not known here. This list has {own_name} for it."
                )
            else:
                near, spelt = like.of(given, known, cutoff=0.5), self._given.spelt[given][:64]
                cure = (
                    f"Did you mean {known[near]}?"
                    if near
                    else "Known are " + ", ".join(known.values()) + "."
                )
                complaints.append(f"The parameter {spelt!r} is not known. {cure}")
        if complaints:
            self.complain("query", text=" ".join(complaints))

    def one(self, name: str, *, maximum: int = TEXT_MAX) -> str:
        text = (self._given.get(name.lower()) or [""])[0].strip()
        if len(text) > maximum:
            self.complain(name, f"must be at most {maximum} characters long")
            return ""
        return text

    def many(self, name: str, *, maximum: int) -> list[str]:
        """All values of a name, each once."""
        values = list(dict.fromkeys(text.strip() for text in self._given.get(name.lower(), ())))
        if len(values) > maximum:
            self.complain(name, f"may come at most {maximum} times")
            return []
        return values

    def number(self, name: str, default: int | None, low: int, high: int) -> int | None:
        text = self.one(name)
        number = parse_whole(text, 13)
        if number is not None and low <= number <= high:
            return number
        if text:
            self.complain(name, f"must be a whole number between {low} and {high}")
        return default

    def instant(self, name: str) -> datetime | None:
        text = self.one(name)
        moment = parse_moment(text.replace(" ", "+")) if text else None
        if text and moment is None:
            self.complain(name, "must be an ISO 8601 date like 2026-03-02T00:00:00Z")
        return moment

    def day(self, name: str) -> date | None:
        text = self.one(name, maximum=10)
        day = typed_day(text) if text else None
        if text and day is None:
            self.complain(name, "must be a day like 2026-03-01")
        return day

    def guid(self, name: str) -> UUID | None:
        text = self.one(name)
        guid = parse_id(text) if text else None
        if text and guid is None:
            self.complain(name, GUID)
        return guid

    def truth(self, name: str) -> bool | None:
        text = self.one(name).lower()
        if text and text not in _FLAGS:
            self.complain(name, "must be true or false")
        return _FLAGS.get(text)

    def choice(self, name: str, among: Mapping[str, object], default: str) -> str:
        """Reads one of the names in any case. The keys of `among` are in lower case."""
        text = self.one(name).lower() or default
        if text not in among:
            self.complain(
                name, "must be one of " + ", ".join(str(word) for word in among.values() if word)
            )
            return default
        return text


Read = Callable[[Query, str], Any]  # the value of the parameter of that name
NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


def read_as(read: Read) -> dict[str, Any]:
    """The `extra` of a parameter that is read in another way than its type says."""
    return {"read": read}


def currency_read(otherwise: str, longest: int = TEXT_MAX) -> dict[str, Any]:
    """The `extra` of a currency in any case. `otherwise`: what is said of another text."""

    def read(query: Query, name: str) -> str | None:
        asset = query.one(name, maximum=longest).upper()
        if asset and asset not in EXPONENTS:
            query.complain(name, text=f"The currency {asset[:8]!r} {otherwise}.")
        return asset or None

    return read_as(read)


def at_most(most: int) -> dict[str, Any]:
    """The `extra` of a parameter with an end that the documentation does not name: of a number the
    highest, of a text its length, of a list how often it may come."""
    return {"most": most}


def read_query(
    values: QueryValues,
    shape: type[ShapeT],
    *first: str,
    any_names: bool = False,
    elsewhere: Mapping[str, str] = NO_NAMES,
) -> tuple[ShapeT, Query]:
    """The parameters by their types, and the complaints; callers add theirs before they are raised.
    `first`: those that are complained about before the others. `any_names`: unknown ones are not
    looked at. `elsewhere`: as `Query` has it."""
    parameters = _parameters(shape)
    query = Query(values, None if any_names else parameters, elsewhere)
    in_order = {name: parameters[name] for name in first} | parameters
    members = {member: read(query, name) for name, (member, read) in in_order.items()}
    return shape(**members), query


AfterIdText = Annotated[
    Text64 | None, Meta(description=AFTER, extra=read_as(Query.guid))
]  # an id, which the documentation calls a text


@cache
def _parameters(shape: type[msgspec.Struct]) -> dict[str, tuple[str, Read]]:
    """Name on the wire -> member of the Struct, and how it is read. Raises: TypeError for a
    parameter that is read in no way, or has no end."""
    info = mi.type_info(shape)
    assert isinstance(info, mi.StructType)
    types = {field.name: field.type for field in msgspec.structs.fields(shape)}
    return {
        field.encode_name: (field.name, _reading(field, words_of(types[field.name])))
        for field in info.fields
    }


def _reading(field: mi.Field, words: tuple[str, ...]) -> Read:
    kind, extra = unwrapped(field.type)
    usual, most = field.default, extra.get("most", 0)
    if "read" in extra:
        reader: Read = extra["read"]
        return reader
    match kind:
        case mi.IntType(ge=int() as low, le=high) if high or most:
            return lambda query, name: query.number(name, usual, low, high or int(most))
        case mi.UUIDType():
            return Query.guid
        case mi.DateTimeType():
            return Query.instant
        case mi.BoolType():
            return Query.truth
        case mi.LiteralType():
            among = {word.lower(): word for word in words} | ({"": ""} if usual is None else {})
            return lambda query, name: among[query.choice(name, among, usual or "")] or None
        case mi.ListType() if most:
            return lambda query, name: query.many(name, maximum=most)
        case mi.StrType(max_length=length):
            longest: int = length or most or TEXT_MAX
            return lambda query, name: query.one(name, maximum=longest) or usual
    raise TypeError(f"{field.name} is read in no way, or has no end")
