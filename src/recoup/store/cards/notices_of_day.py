"""How many notices processors sent lately."""

from datetime import datetime

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read, Row


@DIRECTORY.statement("""
SELECT route, sum(count)::bigint AS count FROM processor_notice_counts
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND became NOT IN ('unsigned', 'unread')
GROUP BY route ORDER BY route
""")
async def notices_since(db: Read, since: datetime) -> dict[str, int]:
    """By route, from the day of that moment on; signed ones, of which some were repeated or unknown."""


class UnreadKind(Row, frozen=True):
    """Notices of a kind, in the processor's words, that the route's connector does not know. Wall time."""

    route: str
    kind: str
    count: int
    last_at: datetime


@DIRECTORY.statement(
    "SELECT route, kind, count, last_at FROM unread_notice_kinds WHERE last_at >= $1 ORDER BY route, count DESC, kind"
)
async def unread_kinds(db: Read, since: datetime) -> list[UnreadKind]:
    """Kinds received since then, the most frequent first."""


class NoticeCounts(Row, frozen=True):
    """Of a route. `received`: signed and read, of which `other_account` were of another account or mode. `last_at`: of
    the newest signed one, None where none came since this is kept."""

    route: str
    received: int
    other_account: int
    unsigned: int
    unread: int
    last_at: datetime | None


@DIRECTORY.statement("""
SELECT route, coalesce(sum(count) FILTER (WHERE became NOT IN ('unsigned', 'unread')), 0)::bigint AS received,
  coalesce(sum(count) FILTER (WHERE became = 'not_mine'), 0)::bigint AS other_account,
  coalesce(sum(count) FILTER (WHERE became = 'unsigned'), 0)::bigint AS unsigned,
  coalesce(sum(count) FILTER (WHERE became = 'unread'), 0)::bigint AS unread,
  max(last_at) FILTER (WHERE became NOT IN ('unsigned', 'unread')) AS last_at
FROM processor_notice_counts WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date GROUP BY route
""")
async def _counts(db: Read, since: datetime) -> list[NoticeCounts]: ...


async def notice_counts(db: Read, since: datetime) -> dict[str, NoticeCounts]:
    """By route, from the day of that moment on."""
    return {one.route: one for one in await _counts(db, since)}
