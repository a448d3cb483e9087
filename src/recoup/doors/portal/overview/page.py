"""The overview: what was declined, what of it was rescued, what is still in flight, for some days and sites."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from recoup.doors.portal.menu import Entry
from recoup.doors.portal.orders.days import Days
from recoup.doors.portal.orders.query import Query
from recoup.doors.portal.overview.chart import chart
from recoup.doors.portal.overview.ranges import PRESETS, Range, read_range
from recoup.doors.portal.pages import Answer, member, shown
from recoup.doors.portal.visit import Visit
from recoup.doors.portal.words import SCHEMES
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import joined
from recoup.rules.languages.dates import day_of
from recoup.rules.languages.said import said
from recoup.rules.network.codes import read_decline
from recoup.store.lists.overview import BUCKETS, CODES_OF, GROUPS_MAX, ORDERS_MAX, CodeSums, Overview, read_overview

PHONE_DAYS: Final = 14
CHANNELS: Final = ("cit_callcenter", "cit_web", "mit")  # what comes in as a decline


@dataclass(frozen=True, slots=True)
class Group:
    """Orders that have something in common. `link` lists exactly them, where the list can."""

    name: str
    declined: int
    rescued: int
    link: str = ""
    note: str = ""

    @property
    def rate(self) -> str:
        return percent(self.rescued, self.declined)

    @property
    def share(self) -> float:
        """Of 100, for a bar."""
        return round(100 * self.rescued / self.declined, 1) if self.declined else 0.0


def percent(part: int, whole: int) -> str:
    """`40.7 %`; a dash of nothing. Rounded to nearest, half up."""
    if not whole:
        return "–"
    tenths = (2_000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10} %"


@member.page("/overview", "overview/overview.html", menu=Entry("Orders", 1, "Overview", "overview"))
async def overview(visit: Visit) -> Answer:
    """Days or a site that cannot be are the usual ones, and said."""
    query = visit.request.query_params
    chosen = read_range(query, visit.now.date())
    site = next((s for s in visit.known.sites if s.site_id == parse_id(query.get("site", ""))), None)
    problem, found = Problem("invalid", chosen.unclear) if chosen.unclear else None, None
    async with visit.world.db.read() as connection:
        try:
            found = await read_overview(
                connection, visit.merchant_id, chosen.span, site.site_id if site else None, visit.now
            )
        except Problem as caught:
            problem = caught
    values = {
        "chosen": chosen,
        "presets": PRESETS,
        "site": site,
        "sites_known": visit.known.sites,
        "found": None,
        "link": _linker(chosen, site),
    } | (_charts(visit, chosen, site, found) if found else {})
    return shown(problem, status=200 if found else None, **values)


def _linker(chosen: Range, site: Any) -> Callable[..., str]:
    def link(**changes: str) -> str:
        days = {"range": chosen.name} if chosen.name else {"from": str(chosen.first), "to": str(chosen.last)}
        if "range" in changes:
            days = {}
        fields = days | ({"site": str(site.site_id)} if site else {}) | changes
        return "/overview?" + urlencode({name: value for name, value in fields.items() if value})

    return link


def _charts(visit: Visit, chosen: Range, site: Any, found: Overview) -> dict[str, Any]:
    listed = Query(channels=CHANNELS, site=site.site_id if site else None, placed=chosen.listed)
    by_day = {row.day: row for row in found.days}
    days = [
        Group(
            day_of(visit.language, day, with_year=False),
            row.declined if row else 0,
            row.rescued if row else 0,
            listed.link(placed=Days(first=day, last=day)),
        )
        for day in chosen.days
        for row in (by_day.get(day),)
    ]
    drawn = [(day, group.declined, group.rescued) for day, group in zip(chosen.days, days, strict=True)]
    names: dict[UUID | None, str] = {one.site_id: one.name for one in visit.known.sites}
    sites = [
        Group(names.get(row.site_id, str(row.site_id)), row.declined, row.rescued, listed.link(site=row.site_id))
        for row in sorted(found.sites, key=lambda r: -r.declined)[:GROUPS_MAX]
    ]
    whole = Group("All", found.whole.declined, found.whole.rescued, listed.link())
    coded = Group("All", found.coded.declined, found.coded.rescued)
    return {
        "found": found,
        "whole": whole,
        "days": days,
        "sites_of": _with_rest(sites, whole, visit.language),
        "descriptors": _with_rest(
            (Group(row.descriptor or "", row.declined, row.rescued) for row in found.descriptors), whole, visit.language
        ),
        "codes": _with_rest((_code(visit, r, listed) for r in found.codes), coded, visit.language),
        "coded": coded,
        "codes_of": CODES_OF,
        "bars": chart(drawn),
        "few_bars": chart(drawn[-PHONE_DAYS:], width=340),
        "flight": _flight(found),
        "flying": sum(row.orders for row in found.flight),
        "most": ORDERS_MAX,
        "refund_list": listed.link(refunded=True),
        "dispute_list": listed.link(statuses=(8,)),
        "open_list": listed.link(statuses=(0, 1, 3, 4, 5), placed=Days()),
        "flight_assets": sorted({row.asset for row in found.flight}),
    }


def _with_rest(groups: Iterable[Group], whole: Group, language: str) -> list[Group]:
    """The most frequent and, in one line, the others: together all."""
    shown = list(groups)
    declined, rescued = (sum(getattr(group, name) for group in shown) for name in ("declined", "rescued"))
    rest = Group(said(language, "Others"), whole.declined - declined, whole.rescued - rescued)
    return [*shown, rest] if len(shown) == GROUPS_MAX and rest.declined else shown


def _code(visit: Visit, row: CodeSums, listed: Query) -> Group:
    source, name = (row.source or "").lower(), row.name or ""
    scheme = source if source in SCHEMES else "generic"
    reading = read_decline(scheme=scheme, source=source, code=name, text=None, advice=None, on=visit.now.date())
    meaning = reading.meaning.partition(";")[0] if name else "without a code"
    note = joined(filter(None, (SCHEMES.get(source, row.source or ""), meaning)), " · ")
    link = listed.link(code=name, code_source=source) if name else ""
    return Group(name or "–", row.declined, row.rescued, link, note)


def _flight(found: Overview) -> list[dict[str, Any]]:
    """One line a bucket that has orders; amounts by currency."""
    lines = []
    for number, name in enumerate(BUCKETS):
        rows = [row for row in found.flight if row.bucket == number]
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
