"""The audit log of a merchant or a partner: several logs read as one, newest first, from any place on. Its own lines
are only added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.store.homes import MERCHANT, PEOPLE
from recoup.store.people.audit_sources import OF_MERCHANT, OF_PARTNER, OF_PEOPLE, Source
from recoup.store.statement import Read, Row

SECONDS_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class AuditLine:
    """`line` distinguishes lines of one moment. `subject`: the id of what `action` was done to, empty for the merchant
    or partner itself."""

    at: datetime
    line: str
    actor: str
    action: str
    subject: str
    facts: dict[str, Any]
    request_id: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """None is everything. `actors`: what their text holds, one of them. `before`: the last line seen. Wall time;
    `until` is not included."""

    actors: tuple[str, ...] | None = None
    kinds: tuple[str, ...] = ()
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, str] | None = None


async def merchant_lines(connection: Read, merchant_id: UUID, audit_filter: AuditFilter, limit: int) -> list[AuditLine]:
    """Those of the world's database. Raises: TimeoutError for what takes too long."""
    return await _read(connection, OF_MERCHANT, audit_filter, limit, merchant_id)


async def partner_lines(connection: Read, partner_id: UUID, audit_filter: AuditFilter, limit: int) -> list[AuditLine]:
    return await _read(connection, OF_PARTNER, audit_filter, limit, partner_id)


async def people_lines(
    connection: Read,
    subject: tuple[str, UUID],
    world: str,
    now: datetime,
    audit_filter: AuditFilter,
    limit: int,
) -> list[AuditLine]:
    """Those of the people database, of a `merchant` or `partner`, `now` wall time."""
    return await _read(connection, OF_PEOPLE, audit_filter, limit, subject[1], subject[0], world, now)


async def places_of(connection: Read, merchant_id: UUID, request_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Request id -> (call, network it came from), as far as the request log reaches back."""
    found = await _places(connection, merchant_id, list(set(request_ids)))
    return {request_id: (one.call, one.place) for request_id, one in found.items()}


class _Place(Row, frozen=True):
    request_id: str
    call: str
    place: str


@MERCHANT.statement("""
SELECT DISTINCT ON (request_id) request_id, method || ' ' || path AS call, place FROM api_calls
WHERE merchant_id = $1 AND request_id = ANY($2::text[]) ORDER BY request_id, call_id DESC
""")
async def _places(db: Read, merchant_id: UUID, request_ids: Sequence[str]) -> dict[str, _Place]:
    """Of each the last call."""


async def _read(
    connection: Read, sources: Sequence[Source], audit_filter: AuditFilter, limit: int, *of: Any
) -> list[AuditLine]:
    chosen = [one for one in sources if not audit_filter.kinds or not one.kinds or one.kinds & set(audit_filter.kinds)]
    if (
        audit_filter.subject and parse_id(audit_filter.subject) is None
    ):  # only the log's own lines have objects without such ids
        chosen = [one for one in chosen if not one.kinds]
    if not chosen:
        return []
    before = audit_filter.before or (None, None)
    actors = list(audit_filter.actors) if audit_filter.actors is not None else None
    rows = await connection.fetch(
        _union(chosen, audit_filter, len(of) > 1),
        of[0],
        before[0],
        before[1],
        audit_filter.since,
        audit_filter.until,
        audit_filter.subject,
        actors,
        *of[1:],
        limit,
        list(audit_filter.kinds),
        timeout=SECONDS_MAX,
    )
    return [AuditLine(**dict(row)) for row in rows]


def _union(sources: Sequence[Source], audit_filter: AuditFilter, people: bool) -> str:
    limit, kinds = ("$11", "$12") if people else ("$8", "$9")
    parts = [_part(one, audit_filter, limit, kinds) for one in sources]
    return (
        f"SELECT at, line, actor, action, subject, facts, request_id FROM ({' UNION ALL '.join(parts)}) every"
        f' ORDER BY at DESC, line COLLATE "C" DESC LIMIT {limit}'
    )


def _part(source: Source, audit_filter: AuditFilter, limit: str, kinds: str) -> str:
    """One source's newest lines. The first bounds are those of its index; an unused filter stands in no clause."""
    inner = source.sql
    if audit_filter.before is not None:
        inner += f" AND {source.at} <= $2"
    if audit_filter.since is not None:
        inner += f" AND {source.at} >= $4"
    if audit_filter.until is not None:
        inner += f" AND {source.at} < $5"
    if audit_filter.subject:
        inner += f" {source.of}"
    outer = [
        '($2::timestamptz IS NULL OR (at, line COLLATE "C") < ($2::timestamptz, $3::text))',
        "($4::timestamptz IS NULL OR at >= $4)",
        "($5::timestamptz IS NULL OR at < $5)",
        "$6::text IS NOT NULL",
        "($7::text[] IS NULL OR EXISTS (SELECT FROM unnest($7::text[]) a (word) WHERE strpos(actor, a.word) > 0))",
        f"(cardinality({kinds}::text[]) = 0 OR split_part(action, '.', 1) = ANY({kinds}::text[]))",
    ]
    return (
        f'(SELECT * FROM ({inner}) one WHERE {" AND ".join(outer)} ORDER BY at DESC, line COLLATE "C" DESC'
        f" LIMIT {limit})"
    )


class Person(NamedTuple):
    user_id: UUID
    name: str


@PEOPLE.statement("""
SELECT user_id, name FROM users WHERE user_id IN (
  SELECT user_id FROM memberships WHERE subject_kind = $1 AND subject_id = $2
  UNION SELECT user_id FROM membership_log WHERE subject_kind = $1 AND subject_id = $2)
ORDER BY lower(name), user_id LIMIT 200
""")
async def people_of(db: Read, subject_kind: str, subject_id: UUID) -> list[Person]:
    """Who belongs to a `merchant` or `partner`, or did, by name."""
