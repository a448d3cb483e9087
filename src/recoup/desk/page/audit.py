"""/audit: who did what, when, from where, to which object; of a shop for its owner, of a partner
for its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.responses import Response

from recoup.audit.store import AuditFilter, AuditLine, people_of
from recoup.db.partitions import DAILY
from recoup.desk.page import audit_words as words
from recoup.desk.page.audit_words import SECTIONS, kinds_of
from recoup.desk.page.orders.export import spooled
from recoup.desk.page.orders.query import Days, read_day
from recoup.kernel.encode import encode
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id, parse_wire_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.texts import is_printable
from recoup.kernel.time import iso
from recoup.kit.files.cells import csv_rows
from recoup.kit.languages.times import Times
from recoup.kit.lists.paging import cut, parse_instant
from recoup.kit.local_time import read_zone as zone_named
from recoup.people.flows.audit import all_lines, places, read_audit
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.menu import Entry, by_role, by_seat
from recoup.people.page.pages import CSV, Answer, download, member, partner, shown, taken
from recoup.people.page.partner_visit import PartnerVisit
from recoup.people.page.portal_visit import Visit, names_for
from recoup.people.store.list_preferences import read_zone

SIZE: Final = 50
# Who is chosen besides people by their ids -> what the actors' text holds.
GROUPS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "keys": ("Calls with keys", ("api:",)), "operator": ("The operator", ("operator:",)),
    "partner": ("The partner", ("partner:",)),
}  # fmt: skip
_TEXT_MAX: Final = 100


@frozen
class Query:
    """Empty means everything. Days are those of `zone`. `unread`: what was typed and could not be
    read."""

    who: str = ""
    kinds: tuple[str, ...] = ()
    object: str = ""
    days: Days = Days()
    zone: str = "GMT"
    before: str = ""
    unread: Mapping[str, str] | None = None

    def filter(self, now: datetime, only: tuple[str, ...] | None) -> AuditFilter:
        """The filter of a query. `only`: what actors must hold besides, of somebody who sees no
        others."""
        since, until = self.days.span(self.zone, now.astimezone(ZoneInfo(self.zone)).date())
        actors = GROUPS[self.who][1] if self.who in GROUPS else (self.who,) if self.who else None
        if only is not None:
            actors = (
                only
                if actors is None
                else tuple(actor for actor in actors if actor in only) or ("nobody",)
            )
        first = tuple(part for kind in self.kinds for part in kinds_of(kind))
        return AuditFilter(actors, first, self.object, since, until, _place(self.before))

    def link(self, path: str = "/audit", **changes: Any) -> str:
        """The address with something changed, from its first page on."""
        pairs = replace(self, **({"before": ""} | changes)).pairs()
        return path + ("?" + urlencode(pairs) if pairs else "")

    def pairs(self) -> list[tuple[str, str]]:
        pairs = [("who", self.who)] if self.who else []
        pairs += [("kind", kind) for kind in self.kinds]
        pairs += [("object", self.object)] if self.object else []
        pairs += [("from", str(self.days.first))] if self.days.first else []
        pairs += [("to", str(self.days.last))] if self.days.last else []
        pairs += [("zone", self.zone)] if self.zone != "GMT" else []
        return pairs + ([("before", self.before)] if self.before else [])

    @property
    def misread(self) -> bool:
        """True when a filter could not be read, so that no line is shown: all would be more than
        somebody means."""
        return any(name != "zone" for name in self.unread or ())

    @property
    def is_plain(self) -> bool:
        return not (self.who or self.kinds or self.object or self.days != Days())


def read_query(params: Any, zone: str) -> Query:
    """Whatever the address says; what cannot be read is named. `zone`: the reader's own."""
    text = {
        name: params.get(name, "").strip().replace("\0", "")[:_TEXT_MAX]
        for name in ("who", "object", "from", "to", "zone", "before")
    }
    unread: dict[str, str] = {}
    bounds = {}
    for name in ("from", "to"):
        try:
            bounds[name] = read_day(text[name]) if text[name] else None
        except ValueError:
            unread[name] = text[name]
    chosen = zone
    if text["zone"]:
        try:
            chosen = zone_named(text["zone"])
        except ValueError:
            unread["zone"] = text["zone"]
    chosen_kinds = [kind for kind in params.getlist("kind") if kind]
    kinds = tuple(dict.fromkeys(kind for kind in chosen_kinds if kind in SECTIONS))
    if strange := [kind for kind in chosen_kinds if kind not in SECTIONS]:
        unread["kind"] = strange[0][:_TEXT_MAX]
    first, last = bounds.get("from"), bounds.get("to")
    if first and last and first > last:
        unread |= {"to": text["to"]}
        last = None
    order_id = parse_wire_id("ord", text["object"].lower()) or parse_id(text["object"])
    return Query(
        text["who"],
        kinds if len(kinds) < len(SECTIONS) else (),
        str(order_id or text["object"]),
        Days("", first, last),
        chosen,
        text["before"] if _place(text["before"]) else "",
        unread,
    )


def place_of(at: datetime, line: str) -> str:
    """The place where the next page begins."""
    return f"{at.isoformat()}_{line}"


def _place(text: str) -> tuple[datetime, str] | None:
    moment, _, line = text.partition("_")
    at = parse_instant(moment)
    return (at, line) if at is not None and is_printable(line) else None


PLACE: Final = "/audit"
OF_PARTNER: Final = "/partner/audit"
# heading of the CSV, name in the JSON -> what of a line stands there
_CELLS: Final = {
    "When": "at", "Who": "who", "Actor": "actor", "Act": "action", "What": "what", "Object": "kind",
    "Object id": "subject", "Changes": "changes", "Request id": "request_id", "From": "from",
}  # fmt: skip
_MEMBERS: Final = {
    "at": "at", "who": "who", "actor": "actor", "action": "action", "what": "what",
    "object": "kind",
    "objectId": "subject", "facts": "facts", "requestId": "request_id", "from": "from",
}  # fmt: skip


@frozen
class _Reader:
    """Reader of a log: whose it is, and what of it this person may see: `only` names the actors,
    None is everybody."""

    subject: tuple[str, UUID]
    path: str
    people: dict[str, str]
    only: tuple[str, ...] | None = None


@member.page(
    PLACE, "desk/audit.html", menu=Entry("Settings", 6, "Audit log", "list", sees=by_role("audit"))
)
async def audit_page(visit: Visit) -> Answer:
    return await _page(visit, await _reader(visit))


@member.page("/audit.{form}")
async def audit_file(visit: Visit) -> Response:
    return await _file(visit, await _reader(visit))


@partner.page(
    OF_PARTNER,
    "desk/audit.html",
    menu=Entry("Partner", 5, "Audit log", "list", sees=by_seat("audit")),
)
async def partner_page(visit: PartnerVisit) -> Answer:
    return await _page(visit, await _partner_reader(visit))


@partner.page("/partner/audit.{form}")
async def partner_file(visit: PartnerVisit) -> Response:
    return await _file(visit, await _partner_reader(visit))


async def _reader(visit: Visit) -> _Reader:
    """Raises: Problem(forbidden)."""
    session = visit.session
    if not visit.is_operator and not session.may_by_role("audit"):
        raise Problem(
            "forbidden", "Only the merchant's owner can view the audit log.", cure="Ask the owner."
        )
    people = await _people(visit, ("merchant", visit.merchant_id))
    own = visit.is_operator or session.merchant is not None and session.merchant.own_role == "owner"
    if own or session.seat is None:
        return _Reader(("merchant", visit.merchant_id), PLACE, people)
    theirs = await _people(visit, ("partner", session.seat.partner_id))
    return _Reader(("merchant", visit.merchant_id), PLACE, theirs, (*theirs, "partner:"))


async def _partner_reader(visit: PartnerVisit) -> _Reader:
    """Raises: Problem(forbidden)."""
    if not visit.seat.may("audit"):
        raise Problem(
            "forbidden", "Only the partner's owner can view the audit log.", cure="Ask the owner."
        )
    subject = ("partner", visit.partner.partner_id)
    return _Reader(subject, OF_PARTNER, await _people(visit, subject))


async def _people(visit: AnyVisit, subject: tuple[str, UUID]) -> dict[str, str]:
    """People who belong there or did: id -> name."""
    return {
        str(user_id): name for user_id, name in await people_of(visit.world.people.reader, *subject)
    }


async def _query(visit: AnyVisit) -> Query:
    return read_query(
        visit.request.query_params,
        await read_zone(visit.world.people.reader, visit.session.user_id),
    )


def _wanted(visit: AnyVisit, reader: _Reader, query: Query) -> AuditFilter:
    return query.filter(visit.wall, reader.only)


async def _page(visit: AnyVisit, reader: _Reader) -> Answer:
    query, problem = await _query(visit), None
    lines: list[AuditLine] = []
    try:
        if not query.misread:
            lines = await read_audit(
                visit.world, reader.subject, _wanted(visit, reader, query), SIZE + 1
            )
    except Problem as found:
        if found.code != "unavailable":
            raise
        problem = found
    rows, last = cut(lines, SIZE)
    older = place_of(last.at, last.line) if last else ""
    who = dict(reader.people)
    if query.who and query.who not in GROUPS:
        who.setdefault(query.who, "somebody else" if len(query.who) == 36 else query.who)
    times = Times(query.zone, visit.wall, visit.language)
    return shown(
        status=503 if problem else 200,
        query=query,
        rows=await _rows(visit, reader, rows, times),
        older=older,
        times=times,
        who=who,
        groups=GROUPS,
        kinds=SECTIONS,
        path_=reader.path,
        log_problem=problem,
        all_days=Days(),
        days_kept=DAILY["api_calls"],
        only=reader.only is not None,
        name=visit.partner.name if isinstance(visit, PartnerVisit) else visit.known.merchant.name,
    )


async def _rows(
    visit: AnyVisit, reader: _Reader, lines: Sequence[AuditLine], times: Times
) -> list[dict[str, Any]]:
    """The lines as the page and the files show them."""
    names = await names_for(visit.portal, [line.actor for line in lines], staff=True)
    from_ = await places(visit.world, reader.subject[1], lines) if lines else {}
    return [
        asdict(line)
        | {
            "facts": words.facts_with_sentence(line.action, line.facts),
            "who": names[line.actor],
            "what": words.what(line.action),
            "kind": words.object_word(line.action),
            "place": words.place(line.action, line.subject, line.facts)
            if reader.path == PLACE
            else "",
            "changes": words.facts_in_words(
                words.facts_with_sentence(line.action, line.facts), times
            ),
            "door": words.door(line.actor),
            "from": line.facts.get("place") or from_.get(line.request_id, ("", ""))[1],
        }
        for line in lines
    ]


async def _file(visit: AnyVisit, reader: _Reader) -> Response:
    """The file of what the page shows, all of it."""
    form = visit.request.path_params["form"]
    if form not in ("csv", "json"):
        raise Problem(
            "not_found",
            "The log is available as CSV or JSON.",
            cure="Go to the log and choose a file.",
        )
    query = await _query(visit)
    if query.misread:
        message = Sentence(
            "Not understood: {0}; no file was made.", ", ".join((query.unread or {}).values())
        )
        raise Problem("invalid", message, cure="Correct the filters, then export again.")
    narrowed_by = {
        name: value for name, value in query.pairs() if name in ("from", "to", "zone", "kind")
    }
    await taken(visit, "audit log", form=form, **narrowed_by)
    wanted = _wanted(visit, reader, query)
    parts = spooled(_parts(visit, reader, wanted, Times(query.zone, visit.wall), form))
    first, last = query.days.first, query.days.last
    days = f"{first or 'begin'}_{last or visit.wall.date()}"
    name = f"audit_{days}_{query.zone.replace('/', '-')}.{form}"
    return download(parts, name, CSV if form == "csv" else "application/json")


async def _parts(
    visit: AnyVisit, reader: _Reader, audit_filter: AuditFilter, times: Times, form: str
) -> AsyncIterator[bytes]:
    comma = b"[\n"
    if form == "csv":
        yield csv_rows([tuple(_CELLS)]).encode()
    async for lines in all_lines(visit.world, reader.subject, audit_filter):
        rows = await _rows(visit, reader, lines, times)
        if form == "csv":
            yield csv_rows([_cells(row, times) for row in rows]).encode()
            continue
        objects = [
            {name: row[of] for name, of in _MEMBERS.items()} | {"at": iso(row["at"])}
            for row in rows
        ]
        yield comma + b",\n".join(map(encode, objects))
        comma = b",\n"
    if form == "json":
        yield b"[]\n" if comma == b"[\n" else b"\n]\n"


def _cells(row: dict[str, Any], times: Times) -> list[str]:
    changes = "; ".join(
        f"{name}: {old}" + (f" -> {new}" if new is not None else "")
        for name, old, new in row["changes"]
    )
    shown = row | {"at": times.file(row["at"]), "changes": changes}
    return [shown[name] for name in _CELLS.values()]
