"""The menu beside every page, and the tabs of one's account: entries that pages declare, in
groups."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from recoup.kernel.frozen import frozen
from recoup.people.flows.sessions import Session

TOP: Final = ""  # lines above the groups
GROUPS: Final = (
    "Partner",
    "Orders",
    "Queues",
    "Insight",
    "Money",
    "Operator",
    "Integration",
    "Settings",
)
UNFOLDED: Final = (
    "Orders",
    "Queues",
)  # of somebody at a merchant; the others open on their own pages
TABS: Final = "Your account"
Sees = Callable[[Session], bool]


@frozen
class Entry:
    """A line of the menu, the `place`th of its group. `address`: of another than the page's own.
    `counts`: what of the session stands beside the word. `sees`: who has the line, where not
    everybody with the page's kind of session."""

    group: str
    place: int
    word: str
    icon: str = ""
    address: str = ""
    counts: str = ""
    sees: Sees | None = None


class Line(NamedTuple):
    """An entry as somebody sees it."""

    address: str
    icon: str
    word: str
    waiting: int


_DECLARED: Final[
    list[tuple[Entry, str, Sees]]
] = []  # of the modules that are imported; with address and who sees it


def anybody(session: Session) -> bool:
    return True


def at_merchant(session: Session) -> bool:
    return session.merchant is not None


def at_partner(session: Session) -> bool:
    return session.seat is not None


def not_operator(session: Session) -> bool:
    return not for_operator(session)


def for_operator(session: Session) -> bool:
    """True for the operator's people at a merchant."""
    return session.is_operator and at_merchant(session)


def operator_anywhere(session: Session) -> bool:
    """True for the operator's people, also where no merchant is yet."""
    return session.is_operator


def by_role(action: str) -> Sees:
    """Shows a page to roles that may do this at a merchant; to the operator's people too."""
    return lambda session: for_operator(session) or session.may_by_role(action)


def by_seat(action: str) -> Sees:
    return lambda session: session.seat is not None and session.seat.may(action)


def declare(entry: Entry, path: str, sees: Sees) -> None:
    _DECLARED.append((entry, entry.address or path, entry.sees or sees))


class Group(NamedTuple):
    """Group of menu lines. `is_open` False: folded to its word, with what waits in it."""

    word: str
    lines: list[Line]
    is_open: bool

    @property
    def waiting(self) -> int:
        return sum(line.waiting for line in self.lines)


def groups(session: Session, path: str) -> Iterator[Group]:
    """The menu of this person on the page at `path`."""
    for group in GROUPS:
        lines = _lines(group, session)
        if lines:
            here = (
                group in UNFOLDED
                or not at_merchant(session)
                or any(
                    path == line.address
                    or line.address != "/partner"
                    and path.startswith(line.address + "/")
                    for line in lines
                )
            )
            yield Group(group, lines, here)


def top(session: Session) -> list[Line]:
    return _lines(TOP, session)


def tabs(session: Session) -> list[Line]:
    """The tabs of one's account."""
    return _lines(TABS, session)


def _lines(group: str, session: Session) -> list[Line]:
    entries = [entry for entry in _DECLARED if entry[0].group == group and entry[2](session)]
    entries.sort(key=lambda entry: entry[0].place)
    return [
        Line(address, entry.icon, entry.word, getattr(session, entry.counts) if entry.counts else 0)
        for entry, address, _ in entries
    ]


declare(Entry("Integration", 5, "Documentation", "book"), "/docs", anybody)  # a door of its own
