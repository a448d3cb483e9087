"""The overview: money first; then what was declined, what of it was rescued, and what is still
open, for some days and sites, beside as many days before."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from recoup.backtest.rules.headline import Headline, headline, is_of_itself
from recoup.backtest.store import list_backtests
from recoup.desk.page.orders.query import DAY, Days, Query, read_day
from recoup.desk.page.orders.query import PRESETS as LIST_PRESETS
from recoup.desk.page.overview_figures import (
    Gain,
    Group,
    by_reason,
    chart,
    file_of,
    gain_of,
    money_of,
    rates_before,
    reading_of,
)
from recoup.desk.store.overview import (
    BUCKETS,
    CODES_OF,
    GROUPS_MAX,
    ORDERS_MAX,
    CodeSums,
    Overview,
    read_overview,
)
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence, invalid, joined
from recoup.kit.languages.dates import day_of
from recoup.kit.languages.said import said
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, download, member, shown, taken
from recoup.people.page.portal_visit import Visit
from recoup.people.page.words import SCHEMES
from recoup.uplift.flows.uplift_report import read_report

DAYS_MAX: Final = 366
PRESETS: Final[Mapping[str, str]] = {
    "today": "Today", "yesterday": "Yesterday", "7d": "Last 7 days", "30d": "Last 30 days",
    "90d": "Last 90 days", "week": "This week", "month": "This month", "last_month": "Last month",
    "quarter": "This quarter", "year": "This year",
}  # fmt: skip
USUAL: Final = "90d"  # windows take up to a month: of fewer days most orders are still open
FEWER: Final = ("30d", "7d", "today")
# As the list of orders reckons them.
_SPANS: Final[Mapping[str, Callable[[date], tuple[date, date]]]] = {
    name.replace("-", "_"): span for name, (_, span) in LIST_PRESETS.items()
}


@frozen
class Range:
    """`name` of the preset, or empty; `unclear`: what could not be read, the usual days are shown
    instead."""

    first: date
    last: date
    name: str = ""
    unclear: str = ""

    @property
    def span(self) -> tuple[datetime, datetime]:
        return _start(self.first), _start(self.last + DAY)

    @property
    def listed(self) -> Days:
        """The days as the list of orders names them: a preset stays one, so that a view that is
        saved of it moves along."""
        return (
            Days(self.name.replace("_", "-"))
            if self.name
            else Days(first=self.first, last=self.last)
        )

    @property
    def days(self) -> list[date]:
        return [self.first + n * DAY for n in range((self.last - self.first).days + 1)]


def read_range(query: Mapping[str, str], today: date) -> Range:
    """Whatever stands in the address."""
    first, last, name = (
        query.get("from", "").strip(),
        query.get("to", "").strip(),
        query.get("range", ""),
    )
    if not (first or last):
        unclear = (
            Sentence("There is no range {0}.", repr(name[:20]))
            if name and name not in PRESETS
            else ""
        )
        return _preset(name if name in PRESETS else USUAL, today, unclear)
    try:
        begin, end = (read_day(text) if text else today for text in (first, last))
    except ValueError as wrong:
        unclear = Sentence("{0} is no day. Write days like 2026-11-20.", repr(str(wrong)[:20]))
        return _preset(USUAL, today, unclear)
    if begin > end:
        return _preset(USUAL, today, "The first day is after the last.")
    if (end - begin).days >= DAYS_MAX:
        return _preset(USUAL, today, Sentence("At most {0} days are counted at once.", DAYS_MAX))
    return Range(begin, end)


def _preset(name: str, today: date, unclear: str = "") -> Range:
    first, last = _SPANS[name](today)
    return Range(first, last, name, unclear)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


class Proved(NamedTuple):
    backtest_id: UUID
    says: Headline


BACKTESTS_READ: Final = 5
PHONE_DAYS: Final = 14
CHANNELS: Final = ("cit_callcenter", "cit_web", "mit")  # what comes in as a decline
UNKNOWN: Final = "not told"


@member.page("/overview", "desk/overview.html", menu=Entry("Orders", 1, "Overview", "overview"))
async def overview(visit: Visit) -> Answer:
    """Days or a site that cannot be are the usual ones, and said."""
    chosen, site = _chosen(visit)
    problem, figures = Problem("invalid", chosen.unclear) if chosen.unclear else None, None
    try:
        chosen, figures = await _read_usual(visit, chosen, site)
    except Problem as caught:
        problem = caught
    values = {
        "chosen": chosen,
        "presets": PRESETS,
        "site": site,
        "sites_known": visit.known.sites,
        "found": None,
        "link": _linker(chosen, site),
        "file": "/overview.csv?" + _linker(chosen, site)().partition("?")[2],
        "proved": await _proved(visit) if figures else None,
        "gain": await _gain(visit, figures) if figures else None,
        "comparing": _compares(visit),
    } | (_charts(visit, chosen, site, figures) if figures else {})
    return shown(problem, status=200 if figures else None, **values)


@member.page("/overview.csv")
async def overview_file(visit: Visit) -> Response:
    """Raises: Problem(invalid) for days that cannot be, and as `read_overview`."""
    chosen, site = _chosen(visit)
    if chosen.unclear:
        raise invalid(chosen.unclear, "from")
    figures = await _read(visit, chosen, site)
    values = _charts(visit, chosen, site, figures)
    groups = {"all": [values["whole"]]} | {group: values[name] for group, name in GROUPS.items()}
    groups["day"] = [
        replace(group, name=str(day)) for day, group in zip(chosen.days, groups["day"], strict=True)
    ]
    days = {"from": str(chosen.first), "to": str(chosen.last)}
    await taken(visit, "overview", **days, **({"site": str(site.site_id)} if site else {}))
    return download(
        _parts(file_of(groups, values["money"])), f"overview-{days['from']}-{days['to']}.csv"
    )


# group of the file -> what the page calls its rows
GROUPS: Final = {
    "day": "days", "reason": "reasons", "brand": "brands", "issuer_country": "countries",
    "site": "sites_of", "code": "codes", "descriptor": "descriptors",
}  # fmt: skip


async def _parts(lines: Iterator[str]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line.encode()


def _chosen(visit: Visit) -> tuple[Range, Any]:
    query = visit.request.query_params
    site = next(
        (s for s in visit.known.sites if s.site_id == parse_id(query.get("site", ""))), None
    )
    return read_range(query, visit.now.date()), site


async def _read(visit: Visit, chosen: Range, site: Any) -> Overview:
    async with visit.world.db.read() as connection:
        site_id = site.site_id if site else None
        return await read_overview(connection, visit.merchant_id, chosen.span, site_id, visit.now)


async def _read_usual(visit: Visit, chosen: Range, site: Any) -> tuple[Range, Overview]:
    """Shortens the default range if it has too many orders."""
    is_chosen = any(visit.request.query_params.get(name) for name in ("range", "from", "to"))
    names = () if is_chosen else (USUAL, *FEWER)
    for name in names:
        chosen = read_range({"range": name}, visit.now.date())
        try:
            return chosen, await _read(visit, chosen, site)
        except Problem as problem:
            if problem.code != "invalid" or name == FEWER[-1]:
                raise
    return chosen, await _read(visit, chosen, site)


def _compares(visit: Visit) -> bool:
    """True when the engine decides for a share of the customers anywhere."""
    left = (visit.known.arms_left(visit.now, site_id) for site_id in visit.known.arms)
    return any(arm.terms.mode == "share" and arm.terms.share for arm in left)


async def _gain(visit: Visit, figures: Overview) -> Gain | None:
    """Covers all sites since the comparison began: a part would be too small to compare."""
    row = await read_report(visit.world, visit.merchant_id)
    asset = figures.now.money[0].asset if figures.now.money else None
    return gain_of(row.report, asset, row.made_at) if row is not None and asset else None


async def _proved(visit: Visit) -> Proved | None:
    """The newest back-test that says what to expect of the engine."""
    for row in await list_backtests(visit.world.db.reader, visit.merchant_id, None, BACKTESTS_READ):
        report = row.report
        if report is None or not report["policy"].startswith("engine") or is_of_itself(report):
            continue
        if (says := headline(report)) is not None:
            return Proved(row.backtest_id, says)
    return None


def _linker(chosen: Range, site: Any) -> Callable[..., str]:
    def link(**changes: str) -> str:
        days = (
            {"range": chosen.name}
            if chosen.name
            else {"from": str(chosen.first), "to": str(chosen.last)}
        )
        if "range" in changes:
            days = {}
        fields = days | ({"site": str(site.site_id)} if site else {}) | changes
        return "/overview?" + urlencode({name: value for name, value in fields.items() if value})

    return link


def _charts(visit: Visit, chosen: Range, site: Any, figures: Overview) -> dict[str, Any]:
    listed = Query(channels=CHANNELS, site=site.site_id if site else None, placed=chosen.listed)
    now, before = figures.now, figures.before
    by_day = {row.day: row for row in now.days}
    days = []
    for day in chosen.days:
        row, name = by_day.get(day), day_of(visit.language, day, with_year=False)
        counts = (row.declined, row.rescued, row.open) if row else (0, 0, 0)
        days.append(Group(name, *counts, listed.link(placed=Days(first=day, last=day))))
    drawn = [
        (day, sums.declined, sums.rescued, sums.open)
        for day, sums in zip(chosen.days, days, strict=True)
    ]
    names: dict[UUID | None, str] = {
        known_site.site_id: known_site.name for known_site in visit.known.sites
    }

    def site_group(row: Any) -> Group:
        return Group.of(
            row, names.get(row.site_id, str(row.site_id)), listed.link(site=row.site_id)
        )

    sites = _compared(now.sites[:GROUPS_MAX], before.sites, lambda row: row.site_id, site_group)
    whole_before = rates_before([(None, before.whole)])[None]
    whole = replace(Group.of(now.whole, "All", listed.link()), before=whole_before)
    coded = replace(Group.of(now.coded, "All"), before=whole_before)
    said_of = {
        name: _rows(visit, groups) for name, groups in _named(visit, listed, figures).items()
    }
    money = money_of(now)
    return said_of | {
        "found": figures,
        "whole": whole,
        "money": money,
        "lead": money[0] if money else None,
        "money_before": {sums.asset: sums for sums in money_of(before)},
        "days": days,
        "sites_of": _with_rest(sites, whole, visit.language),
        "coded": coded,
        "codes_of": CODES_OF,
        "bars": chart(drawn),
        "few_bars": chart(drawn[-PHONE_DAYS:], width=340),
        "flight": _flight(figures),
        "flying": sum(row.orders for row in figures.flight),
        "most": ORDERS_MAX,
        "refund_list": listed.link(refunded=True),
        "dispute_list": listed.link(statuses=(8,)),
        "open_list": listed.link(statuses=(0, 1, 3, 4, 5), placed=Days()),
        "flight_assets": sorted({row.asset for row in figures.flight}),
    }


def _named(visit: Visit, listed: Query, figures: Overview) -> dict[str, tuple[list[Group], Group]]:
    """Groups that are no sites, each with the whole that they are part of."""
    now, before, on = figures.now, figures.before, visit.now.date()
    whole, coded = Group.of(now.whole), Group.of(now.coded)
    reasons, before_by_reason = (
        by_reason(now.codes, on),
        rates_before(by_reason(before.codes, on).items()),
    )

    def brand(row: Any) -> Group:
        link = listed.link(brand=row.scheme) if row.scheme in SCHEMES else ""
        return Group.of(row, SCHEMES.get(row.scheme or "", row.scheme or ""), link)

    def descriptor(row: Any) -> Group:
        return Group.of(row, row.descriptor or "")

    return {
        "reasons": (
            [
                replace(group, before=before_by_reason.get(key, "–"))
                for key, group in reasons.items()
            ],
            coded,
        ),
        "brands": (_compared(now.schemes, before.schemes, lambda row: row.scheme, brand), whole),
        "countries": (
            _compared(
                now.countries,
                before.countries,
                lambda row: row.country,
                lambda row: Group.of(row, row.country),
            ),
            coded,
        ),
        "descriptors": (
            _compared(now.descriptors, before.descriptors, lambda row: row.descriptor, descriptor),
            whole,
        ),
        "codes": (
            _compared(
                now.codes,
                before.codes,
                lambda row: (row.name, row.source),
                lambda row: _code(visit, row, listed),
            ),
            coded,
        ),
    }


def _compared(
    now: Iterable[Any],
    before: Iterable[Any],
    key: Callable[[Any], Any],
    group: Callable[[Any], Group],
) -> list[Group]:
    """The rows as groups, each with its rate in the days before."""
    rates = rates_before((key(row), row) for row in before)
    return [replace(group(row), before=rates.get(key(row), "–")) for row in now]


def _rows(visit: Visit, groups: tuple[list[Group], Group]) -> list[Group]:
    rows, whole = groups
    return _with_rest(
        [
            group if group.name else replace(group, name=said(visit.language, UNKNOWN))
            for group in rows[:GROUPS_MAX]
        ],
        whole,
        visit.language,
    )


def _with_rest(groups: Iterable[Group], whole: Group, language: str) -> list[Group]:
    """The most frequent and, in one line, the others: together all."""
    shown = list(groups)
    declined, rescued, open_ = (
        sum(getattr(group, name) for group in shown) for name in ("declined", "rescued", "open")
    )
    rest = Group(
        said(language, "Others"),
        whole.declined - declined,
        whole.rescued - rescued,
        whole.open - open_,
    )
    return [*shown, rest] if len(shown) == GROUPS_MAX and rest.declined else shown


def _code(visit: Visit, row: CodeSums, listed: Query) -> Group:
    source, name = (row.source or "").lower(), row.name or ""
    meaning = (
        reading_of(row, visit.now.date()).meaning.partition(";")[0] if name else "without a code"
    )
    note = joined(filter(None, (SCHEMES.get(source, row.source or ""), meaning)), " · ")
    link = listed.link(code=name, code_source=source) if name else ""
    return Group.of(row, name or "–", link, note)


def _flight(figures: Overview) -> list[dict[str, Any]]:
    """Lines of the orders in flight, one for each bucket that has any; amounts by currency."""
    lines = []
    for number, name in enumerate(BUCKETS):
        rows = [row for row in figures.flight if row.bucket == number]
        if rows:
            lines.append(
                {
                    "name": name,
                    "orders": sum(row.orders for row in rows),
                    "units": {row.asset: row.units for row in rows},
                    "soon": number <= 1,
                }
            )
    return lines
