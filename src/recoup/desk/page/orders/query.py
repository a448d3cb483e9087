"""The list's whole state is its address, written here in one way; `reading.py` reads it."""

from collections.abc import Callable, Mapping
from dataclasses import field, fields, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from recoup.desk.page.orders.amounts import Amounts
from recoup.desk.store.order_cursor import OrderBy
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence
from recoup.kit.files.moments import typed_day
from recoup.kit.report_spans import midnight
from recoup.networks.code_words import reason_in_words

DAY: Final = timedelta(days=1)


def _months(day: date, count: int) -> date:
    """The first day of the month that is so many months away."""
    month = day.year * 12 + day.month - 1 + count
    return date(month // 12, month % 12 + 1, 1)


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _quarter(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


# name -> words, and its first and last day as of today; weeks begin on Monday
PRESETS: Final[dict[str, tuple[str, Callable[[date], tuple[date, date]]]]] = {
    "today": ("today", lambda day: (day, day)),
    "yesterday": ("yesterday", lambda day: (day - DAY, day - DAY)),
    "7d": ("last 7 days", lambda day: (day - 6 * DAY, day)),
    "30d": ("last 30 days", lambda day: (day - 29 * DAY, day)),
    "90d": ("last 90 days", lambda day: (day - 89 * DAY, day)),
    "week": ("this week", lambda day: (_week(day), day)),
    "last-week": ("last week", lambda day: (_week(day) - 7 * DAY, _week(day) - DAY)),
    "month": ("this month", lambda day: (_months(day, 0), day)),
    "last-month": ("last month", lambda day: (_months(day, -1), _months(day, 0) - DAY)),
    "quarter": ("this quarter", lambda day: (_quarter(day), day)),
    "last-quarter": ("last quarter", lambda day: (_months(_quarter(day), -3), _quarter(day) - DAY)),
    "year": ("this year", lambda day: (date(day.year, 1, 1), day)),
    "last-year": ("last year", lambda day: (date(day.year - 1, 1, 1), date(day.year - 1, 12, 31))),
}


class Days(NamedTuple):
    """Empty: all days. A `preset` counts from today each time that it is looked at."""

    preset: str = ""
    first: date | None = None
    last: date | None = None

    def span(self, zone: str, today: date) -> tuple[datetime | None, datetime | None]:
        """The first is included, the second is not. A day begins at its midnight there, whatever
        the clocks do."""
        first, last = PRESETS[self.preset][1](today) if self.preset else (self.first, self.last)
        return midnight(first, zone) if first else None, midnight(
            last + DAY, zone
        ) if last else None

    def words(self) -> str:
        if self.preset:
            return PRESETS[self.preset][0]
        if self.first and self.last:
            is_single = self.first == self.last
            return (
                Sentence("{0}", self.first)
                if is_single
                else Sentence("{0} – {1}", self.first, self.last)
            )
        return Sentence("from {0}", self.first) if self.first else Sentence("until {0}", self.last)


def read_days(text: str) -> Days:
    """`7d`, `2026-11-03` or `2026-11-01..2026-11-05`, whose sides may be empty. Raises:
    ValueError."""
    name = text.strip().lower().replace("_", "-").replace(" ", "-")
    if name in PRESETS:
        return Days(name)
    first, dots, last = text.partition("..")
    if not dots:
        return Days("", read_day(first), read_day(first))
    if not first.strip() and not last.strip():
        raise ValueError(text)
    return between(
        read_day(first) if first.strip() else None, read_day(last) if last.strip() else None
    )


def between(first: date | None, last: date | None) -> Days:
    """Raises: ValueError for days that end before they begin."""
    if first and last and first > last:
        raise ValueError(last)
    return Days("", first, last)


def read_day(text: str) -> date:
    """Raises: ValueError."""
    day = typed_day(text)
    if day is None:
        raise ValueError(text)
    return day


SIZES: Final = (25, 50, 100)
SIZE: Final = 50
GMT: Final = "GMT"
ALL_DAYS: Final = Days()
ANY_AMOUNT: Final = Amounts()
# How the list looks, not which orders it has.
LOOK: Final = frozenset(
    {
        "sort",
        "up",
        "size",
        "cursor",
        "zone",
        "home",
        "columns",
        "view",
        "unclear",
        "unread",
        "better",
    }
)
# Filters that the store knows by the same names.
_FILTERS: Final = (
    "statuses", "channels", "attention", "refunded", "text", "order_ids", "chain", "descriptor",
    "last4", "reasons",
)  # fmt: skip
_LOOKS: Final = frozenset({"sort", "up", "size", "zone", "cols"})  # parameters


@frozen
class Query:
    """Empty means everything. Days are those of `zone`, `expires` are hours from now.

    `home` is the reader's own zone; `up`: the oldest or smallest first. `unclear` names what could
    not be read, `unread` holds it as it was typed, `better` what may be meant instead: in words,
    and as an address's query.
    """

    text: str = ""
    statuses: tuple[int, ...] = ()
    channels: tuple[str, ...] = ()
    site: UUID | None = None
    campaign: UUID | None = None
    order_ids: tuple[UUID, ...] = ()
    external: str = ""
    placed: Days = ALL_DAYS
    created: Days = ALL_DAYS
    amount: Amounts = ANY_AMOUNT
    currency: str = ""
    descriptor: str = ""
    last4: str = ""
    chain: str = ""
    attempts: int = 0
    expires: int = 0
    attention: bool = False
    refunded: bool | None = None
    reasons: tuple[str, ...] = ()
    code: str = ""
    code_source: str = ""
    brand: str = ""
    issuer: str = ""
    sort: OrderBy = "placed"
    up: bool = False
    size: int = SIZE
    cursor: str = ""
    zone: str = GMT
    home: str = GMT
    columns: tuple[str, ...] = ()
    view: str = ""
    unclear: tuple[str, ...] = field(default=(), compare=False)
    unread: Mapping[str, str] = field(default_factory=dict, compare=False)
    better: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def filter(self, merchant_id: UUID, now: datetime, pii_access: str) -> OrderFilter:
        """The filter of orders. `now`: the merchant's business time; `pii_access`: how the visitor
        sees customers' data."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        placed, created = self.placed.span(self.zone, today), self.created.span(self.zone, today)
        low, high = self.amount.units(self.currency) if self.currency else (None, None)
        reason = reason_in_words(self.code) if not self.code_source else None
        any_currency = self.amount != ANY_AMOUNT and not self.currency
        return OrderFilter(
            merchant_id=merchant_id,
            sight=pii_access,
            placed_from=placed[0],
            placed_to=placed[1],
            created_from=created[0],
            created_to=created[1],
            site_id=self.site,
            external_id=self.external,
            asset=self.currency or None,
            units_from=low,
            units_to=high,
            amounts=self.amount.ranges() if any_currency else (),
            code="" if reason else self.code,
            code_reason=reason or "",
            code_source=self.code_source or None,
            scheme=self.brand,
            bin=self.issuer,
            campaign_id=self.campaign,
            attempts_min=self.attempts,
            expires_from=now if self.expires else None,
            expires_to=now + timedelta(hours=self.expires) if self.expires else None,
            **{name: getattr(self, name) for name in _FILTERS},
        )

    def link(self, path: str = "/orders", **changes: Any) -> str:
        """The address of this list with something changed; a changed filter begins at the first
        page."""
        pairs = replace(self, **({"cursor": ""} | changes)).pairs()
        return path + ("?" + urlencode(pairs) if pairs else "")

    def pairs(self) -> list[tuple[str, Any]]:
        """Pairs of the address, in its order; what is usual is left out."""
        pairs: list[tuple[str, Any]] = [("view", self.view)] if self.view else []
        pairs += [(name, value) for name, value in self.narrowing() if name not in self.unread]
        pairs += [(name, value) for name, value in self.unread.items() if name not in _LOOKS]
        pairs += [("sort", self.sort)] if self.sort != "placed" else []
        pairs += [("up", 1)] if self.up else []
        pairs += [("size", self.size)] if self.size != SIZE else []
        pairs += [("zone", self.zone)] if not self.zone == self.home == GMT or self.has_days else []
        pairs += [("cols", ",".join(self.columns))] if self.columns else []
        return pairs + ([("cursor", self.cursor)] if self.cursor else [])

    def narrowing(self) -> list[tuple[str, Any]]:
        """The filters alone."""
        pairs: list[tuple[str, Any]] = [("q", self.text)] if self.text else []
        pairs += [("status", code) for code in self.statuses] + [("type", c) for c in self.channels]
        pairs += [("id", value) for value in self.order_ids] + [
            ("reason", reason) for reason in self.reasons
        ]
        names = {
            "site": "site",
            "campaign": "campaign",
            "external": "external",
            "currency": "currency",
            "descriptor": "descriptor",
            "last4": "last4",
            "channel": "chain",
            "code": "code",
            "code_source": "code_source",
            "brand": "brand",
            "issuer": "issuer",
        }
        pairs += [(name, value) for name, of in names.items() if (value := getattr(self, of))]
        for name in ("placed", "created"):
            days: Days = getattr(self, name)
            pairs += [(name, days.preset)] if days.preset else []
            pairs += [(f"{name}_from", days.first)] if days.first else []
            pairs += [(f"{name}_to", days.last)] if days.last else []
        pairs += [("amount", self.amount.text())] if self.amount != ANY_AMOUNT else []
        pairs += [("attempts", self.attempts)] if self.attempts else []
        pairs += [("expires", f"{self.expires}h")] if self.expires else []
        pairs += [("attention", 1)] if self.attention else []
        return pairs + ([("refunded", int(self.refunded))] if self.refunded is not None else [])

    @property
    def has_days(self) -> bool:
        return self.placed != ALL_DAYS or self.created != ALL_DAYS

    @property
    def misread(self) -> bool:
        """True when a filter could not be read: without it the list would be longer than somebody
        means, so it is empty."""
        return any(name not in _LOOKS for name in self.unread)

    def is_plain(self) -> bool:
        """True when nothing narrows it."""
        return not self.narrowing()

    def same_orders(self, other: "Query") -> bool:
        """True when the same filters narrow both."""
        return self.narrowing() == other.narrowing()

    def without_filters(self) -> "Query":
        """The same look at all orders."""
        return Query(
            **{
                f.name: getattr(self, f.name)
                for f in fields(self)
                if f.name in LOOK
                and f.name not in ("cursor", "view", "unclear", "unread", "better")
            }
        )
