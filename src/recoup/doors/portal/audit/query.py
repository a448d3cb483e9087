"""The whole state of the audit log's page is its address: read here, and written back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from recoup.doors.portal.audit.words import KINDS
from recoup.doors.portal.orders.days import Days, read_day
from recoup.kernel.ids import parse_id, parse_wire_id
from recoup.rules.messages.local_time import read_zone
from recoup.store.people.audit import AuditFilter

SIZE: Final = 50
# Who is chosen besides people by their ids -> what the actors' text holds.
GROUPS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "keys": ("Calls with keys", ("api:",)), "operator": ("The operator", ("operator:",)),
    "partner": ("The partner", ("partner:",)),
}  # fmt: skip
_TEXT_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Query:
    """Empty means everything. Days are those of `zone`. `unread`: what was typed and could not be read."""

    who: str = ""
    kinds: tuple[str, ...] = ()
    object: str = ""
    days: Days = Days()
    zone: str = "GMT"
    before: str = ""
    unread: Mapping[str, str] | None = None

    def filter(self, now: datetime, only: tuple[str, ...] | None) -> AuditFilter:
        """`only`: what actors must hold besides, of somebody who sees no others."""
        since, until = self.days.span(self.zone, now.astimezone(ZoneInfo(self.zone)).date())
        actors = GROUPS[self.who][1] if self.who in GROUPS else (self.who,) if self.who else None
        if only is not None:
            actors = only if actors is None else tuple(one for one in actors if one in only) or ("nobody",)
        first = tuple(part for kind in self.kinds for part in KINDS[kind][1])
        return AuditFilter(actors, first, self.object, since, until, _place(self.before))

    def link(self, path: str = "/audit", **changes: Any) -> str:
        """The address with something changed, from its first page on."""
        pairs = replace(self, **({"before": ""} | changes)).pairs()
        return path + ("?" + urlencode(pairs) if pairs else "")

    def pairs(self) -> list[tuple[str, str]]:
        found = [("who", self.who)] if self.who else []
        found += [("kind", kind) for kind in self.kinds]
        found += [("object", self.object)] if self.object else []
        found += [("from", str(self.days.first))] if self.days.first else []
        found += [("to", str(self.days.last))] if self.days.last else []
        found += [("zone", self.zone)] if self.zone != "GMT" else []
        return found + ([("before", self.before)] if self.before else [])

    @property
    def misread(self) -> bool:
        """Whether a filter could not be read, so that no line is shown: all would be more than somebody means."""
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
    found = {}
    for name in ("from", "to"):
        try:
            found[name] = read_day(text[name]) if text[name] else None
        except ValueError:
            unread[name] = text[name]
    chosen = zone
    if text["zone"]:
        try:
            chosen = read_zone(text["zone"])
        except ValueError:
            unread["zone"] = text["zone"]
    chosen_kinds = [kind for kind in params.getlist("kind") if kind]
    kinds = tuple(dict.fromkeys(kind for kind in chosen_kinds if kind in KINDS))
    if strange := [kind for kind in chosen_kinds if kind not in KINDS]:
        unread["kind"] = strange[0][:_TEXT_MAX]
    first, last = found.get("from"), found.get("to")
    if first and last and first > last:
        unread |= {"to": text["to"]}
        last = None
    order_id = parse_wire_id("ord", text["object"].lower()) or parse_id(text["object"])
    return Query(
        text["who"],
        kinds if len(kinds) < len(KINDS) else (),
        str(order_id or text["object"]),
        Days("", first, last),
        chosen,
        text["before"] if _place(text["before"]) else "",
        unread,
    )


def place_of(at: datetime, line: str) -> str:
    """Where the next page begins."""
    return f"{at.isoformat()}_{line}"


def _place(text: str) -> tuple[datetime, str] | None:
    moment, _, line = text.partition("_")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    fits = at.tzinfo is not None and 2000 <= at.year <= 2200
    return (at, line) if fits and line.isascii() and line.isprintable() else None
