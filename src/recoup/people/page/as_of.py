"""Moment as of which a page shows money: picked by a person, carried along in the page's
addresses."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, invalid
from recoup.kit.as_of import ALWAYS, NOW, Cut
from recoup.kit.files.moments import typed_moment
from recoup.kit.report_spans import month
from recoup.merchants.flows.as_of import cut_of, partner_cut_of
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.partner_visit import PartnerVisit
from recoup.people.page.portal_visit import Visit

_FIELDS: Final = ("asOf", "asOfRecorded", "at")


@frozen
class AsOf:
    """`query`: what addresses carry on, empty now. `typed`: as the page's field holds it, in the
    reader's zone. `problem`: why what was asked for is not shown; the present is, and the page says
    so."""

    cut: Cut = NOW
    query: Mapping[str, str] = field(default_factory=dict)
    typed: str = ""
    problem: Problem | None = None

    @property
    def at(self) -> datetime | None:
        """The moment; None now."""
        return min(self.cut) if self.cut.is_past else None

    @property
    def recorded(self) -> bool:
        """True when it is a real time rather than the merchant's."""
        return self.cut.recorded != ALWAYS

    def checked(self) -> "AsOf":
        """Itself. Raises: Problem(invalid) for a moment that is not shown."""
        if self.problem:
            raise self.problem
        return self

    def address(self, path: str, **query: str) -> str:
        """The address of another page or file, as of the same moment."""
        encoded = urlencode(query | dict(self.query))
        return f"{path}?{encoded}" if encoded else path


async def read_as_of(visit: Visit) -> AsOf:
    """Reads the moment of the merchant that is looked at: `asOf` or `asOfRecorded` as the API has
    them, or `at` as the page's field writes it: a business time in the reader's zone. Never raises
    for what makes no sense."""
    return await _read(visit, partial(cut_of, visit.world, visit.merchant_id))


async def read_partner_as_of(visit: PartnerVisit, merchant_id: UUID | None) -> AsOf:
    """Reads the moment of a partner's merchant, or of all of them."""
    return await _read(
        visit, partial(partner_cut_of, visit.world, visit.partner.partner_id, merchant_id)
    )


async def _read(
    visit: AnyVisit, cut_at: Callable[[datetime | None, datetime | None], Awaitable[Cut]]
) -> AsOf:
    query = visit.request.query_params
    given = {name: query[name] for name in _FIELDS if query.get(name)}
    if not given:
        return AsOf()
    name, text = next(iter(given.items()))
    zone = ZoneInfo(visit.session.zone)
    try:
        at = moment_of(text, zone if name == "at" else None)
        if at is None:
            raise invalid("This is no moment.", "AsOf", "Write it as 2026-11-26 04:16.")
        business, recorded = (None, at) if name == "asOfRecorded" else (at, None)
        cut = await cut_at(business, recorded)
    except Problem as problem:
        return AsOf(problem=problem)
    kept = {"asOfRecorded" if name == "asOfRecorded" else "asOf": at.isoformat()}
    return AsOf(cut, kept, at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"))


async def strict_as_of(visit: Visit) -> AsOf:
    """Reads the moment for files, which nobody reads a notice on. Raises: Problem(invalid)."""
    return (await read_as_of(visit)).checked()


def chosen_month(
    query: Mapping[str, str], usual: str, zone: str = "UTC"
) -> tuple[str, Problem | None]:
    """The month in an address; the usual one, and why, for one that is none."""
    chosen = query.get("month", "") or usual
    try:
        month(chosen, zone)
    except Problem as wrong:
        return usual, wrong
    return chosen, None


def moment_of(text: str, zone: ZoneInfo | None) -> datetime | None:
    """`zone`: of a moment that a reader typed; None: of an address, whose plus is read as a
    blank."""
    return typed_moment(text, zone) if zone else typed_moment(text.replace(" ", "+"))
