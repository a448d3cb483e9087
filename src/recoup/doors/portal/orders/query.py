"""The list's whole state is its address: read leniently, written in one way."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.datastructures import QueryParams

from recoup.doors.portal.words import CHANNELS, STATUSES
from recoup.kernel.ids import parse_id
from recoup.store.read.order_filter import OrderFilter
from recoup.store.read.order_search import TEXT_MAX, tidy

SIZES: Final = (25, 50, 100)
SIZE: Final = 50
_CODES: Final = {s.word.lower().replace(" ", ""): s.code for s in STATUSES.values()}
DATES: Final = ("placed_from", "placed_to", "created_from", "created_to")


@dataclass(frozen=True, slots=True)
class Query:
    """Empty means everything. Dates are days in GMT, both included. `unclear` names what could not be read."""

    text: str = ""
    statuses: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    site: UUID | None = None
    placed_from: date | None = None
    placed_to: date | None = None
    created_from: date | None = None
    created_to: date | None = None
    attention: bool = False
    refunded: bool = False
    oldest: bool = False
    size: int = SIZE
    cursor: str = ""
    unclear: tuple[str, ...] = field(default=(), compare=False)

    def filter(self, merchant_id: UUID) -> OrderFilter:
        return OrderFilter(
            merchant_id=merchant_id,
            statuses=self.statuses,
            channels=self.channels,
            site_id=self.site,
            placed_from=_start(self.placed_from),
            placed_to=_end(self.placed_to),
            created_from=_start(self.created_from),
            created_to=_end(self.created_to),
            attention=self.attention,
            refunded=self.refunded or None,
            text=self.text,
        )

    def link(self, **changes: Any) -> str:
        """The address of this list with something changed; a changed filter begins at the first page."""
        wanted = replace(self, **({"cursor": ""} | changes))
        pairs: list[tuple[str, Any]] = [("q", wanted.text)] if wanted.text else []
        pairs += [("status", code) for code in wanted.statuses] + [("type", c) for c in wanted.channels]
        pairs += [("site", wanted.site)] if wanted.site else []
        pairs += [(name, value) for name in DATES if (value := getattr(wanted, name)) is not None]
        pairs += [(name, 1) for name in ("attention", "refunded", "oldest") if getattr(wanted, name)]
        pairs += [("size", wanted.size)] if wanted.size != SIZE else []
        pairs += [("cursor", wanted.cursor)] if wanted.cursor else []
        return "/orders" + ("?" + urlencode(pairs) if pairs else "")

    def is_plain(self) -> bool:
        """Nothing narrows it."""
        return self._narrowed() == Query()

    def same_orders(self, **wanted: Any) -> bool:
        """Whether exactly this narrows it."""
        return self._narrowed() == Query(**wanted)

    def _narrowed(self) -> "Query":
        return replace(self, oldest=False, size=SIZE, cursor="", unclear=())


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is set: in words, and the changes that take it off."""

    words: str
    without: Mapping[str, Any]


def read_query(params: QueryParams) -> Query:
    """Whatever stands in the address; what makes no sense is left out and named."""
    unclear: list[str] = []
    statuses = _each(params.getlist("status"), _status, "status", unclear)
    channels = _each(params.getlist("type"), lambda v: v if v in CHANNELS else None, "type", unclear)
    site = _first(params, "site", parse_id, unclear)
    dates = {name: _first(params, name, _day, unclear) for name in DATES}
    size = _first(params, "size", {str(number): number for number in SIZES}.get, unclear)
    typed = params.get("q", "")
    if len(typed.strip()) > TEXT_MAX:
        unclear.append(f"q (only its first {TEXT_MAX} characters are searched)")
    return Query(
        text=tidy(typed),
        statuses=() if len(statuses) == len(STATUSES) else statuses,
        channels=() if len(channels) == len(CHANNELS) else channels,
        site=site,
        attention=params.get("attention", "") == "1",
        refunded=params.get("refunded", "") == "1",
        oldest=params.get("oldest", "") == "1",
        size=size or SIZE,
        cursor=params.get("cursor", "")[:100],
        unclear=tuple(unclear),
        **dates,
    )


def chips(query: Query, site_names: Mapping[UUID, str]) -> list[Chip]:
    """What is set, in the order of the filters."""
    found: list[Chip] = []
    if query.text:
        found.append(Chip(f"Search: {query.text}", {"text": ""}))
    if query.statuses:
        found.append(Chip("Status: " + ", ".join(STATUSES[s].word for s in query.statuses), {"statuses": ()}))
    if query.channels:
        found.append(Chip("Type: " + ", ".join(CHANNELS[c][0] for c in query.channels), {"channels": ()}))
    if query.site:
        found.append(Chip("Site: " + site_names.get(query.site, str(query.site)), {"site": None}))
    for name in ("placed", "created"):
        begin, end = getattr(query, f"{name}_from"), getattr(query, f"{name}_to")
        if begin or end:
            words = f"{name.capitalize()}: {_days(begin, end)}"
            found.append(Chip(words, {f"{name}_from": None, f"{name}_to": None}))
    if query.attention:
        found.append(Chip("Needs attention", {"attention": False}))
    if query.refunded:
        found.append(Chip("Refunded, all or in part", {"refunded": False}))
    return found


def _days(begin: date | None, end: date | None) -> str:
    if begin and end:
        return f"{begin:%-d %b %Y}" if begin == end else f"{begin:%-d %b %Y} – {end:%-d %b %Y}"
    return f"from {begin:%-d %b %Y}" if begin else f"until {end:%-d %b %Y}"


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _end(day: date | None) -> datetime | None:
    return _start(day + timedelta(days=1)) if day else None


def _status(value: str) -> int | None:
    if value.isascii() and value.isdigit() and len(value) == 1 and int(value) in STATUSES:
        return int(value)
    return _CODES.get(value.lower())


def _day(value: str) -> date | None:
    day = date.fromisoformat(value[:10])
    return day if 2000 <= day.year < 2200 else None


def _each(values: list[str], read: Any, name: str, unclear: list[str]) -> tuple[Any, ...]:
    found = [read(value) for value in values[:50] if value]
    if None in found:
        unclear.append(name)
    return tuple(sorted({value for value in found if value is not None}, key=lambda v: (str(type(v)), v)))


def _first(params: QueryParams, name: str, read: Any, unclear: list[str]) -> Any:
    value = params.get(name, "").strip()
    if not value:
        return None
    try:
        found = read(value)
    except ValueError:
        found = None
    if found is None:
        unclear.append(name)
    return found


