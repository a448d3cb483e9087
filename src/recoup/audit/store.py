"""The audit log of a merchant or a partner: several logs read as one, newest first, from any place
on. Its own lines are only added."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, PEOPLE, Read, Row
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id


class Source(NamedTuple):
    """`kinds`: the first parts of its actions; none: they are many. `at`: the column that orders
    it, with an index. `of`: how an object's id, $6 as text, narrows it."""

    name: str
    kinds: frozenset[str]
    sql: str
    at: str
    of: str = ""


ORDERS: Final = Source(
    "orders",
    frozenset({"order"}),
    """
SELECT recorded_at AS at, 'o' || order_id || lpad(seq::text, 6, '0') AS line, actor,
  'order.' || happening AS action,
  order_id::text AS subject, jsonb_strip_nulls(jsonb_build_object('units', body -> 'units', 'why',
    body -> 'why',
    'answer', body -> 'answer', 'expires_at', CASE WHEN happening = 'expiry_moved'
      THEN jsonb_build_array(body -> 'before', body -> 'until') END,
    'asset', (SELECT asset FROM order_heads h WHERE h.merchant_id = l.merchant_id
      AND h.order_id = l.order_id)
  )) AS facts, request_id
FROM order_log l WHERE merchant_id = $1 AND
  (happening IN ('cancelled', 'released', 'capture_asked', 'refund_owed', 'refund_retried',
    'refund_done',
    'refund_refused', 'refund_by_hand_proposed', 'reversal_owed', 'reversal_retried', 'reversed',
    'reversal_by_hand_proposed', 'void_retried', 'settled_by_hand', 'settlement_replaced',
      'card_replaced',
    'expiry_moved', 'retries_stopped', 'retries_resumed', 'notes_changed', 'dispute_answer_owed',
      'refund_asked',
    'refund_request_refused', 'refund_request_withdrawn', 'dealt_with')
    OR happening = 'planned' AND body ->> 'verdict' = 'by_hand'
    OR happening = 'held' AND body ->> 'cause' IN ('by_operator', 'by_merchant'))
  AND (actor LIKE 'user:%' OR actor LIKE 'operator:%' OR actor LIKE 'api:%'
    OR actor LIKE 'partner:%')
""",
    "recorded_at",
    "AND order_id = ($6::text)::uuid",
)
LINES: Final = Source(
    "lines",
    frozenset(),
    """
SELECT at, 'a' || line_id AS line, actor, action, subject_id AS subject, facts, request_id
FROM audit_lines WHERE merchant_id = $1
""",
    "at",
    "AND (subject_id = $6::text OR facts ->> 'order' = $6::text)",
)
SWITCHES: Final = Source(
    "switches",
    frozenset({"switch"}),
    """
SELECT changed_at AS at, 's' || lpad(version::text, 10, '0') || subject_id || kind AS line, actor,
  CASE WHEN is_on THEN 'switch.on' ELSE 'switch.off' END AS action, subject_id::text AS subject,
  jsonb_build_object('kind', kind, 'level', level, 'on', jsonb_build_array(NOT is_on, is_on), 'why',
    why) AS facts,
  request_id
FROM switch_changes WHERE merchant_id = $1
""",
    "changed_at",
    "AND subject_id::text = $6::text",
)
CLOCK: Final = Source(
    "clock",
    frozenset({"clock"}),
    """
SELECT requested_at AS at, 'c' || move_id AS line, actor, 'clock.moved' AS action, '' AS subject,
  jsonb_build_object('business_time', jsonb_build_array(from_at, target_at)) AS facts, request_id
FROM clock_moves WHERE merchant_id = $1
""",
    "requested_at",
    "AND false",
)
UPLOADS: Final = Source(
    "uploads",
    frozenset({"upload"}),
    """
SELECT received_at AS at, 'u' || upload_id AS line, actor, 'upload.sent' AS action,
  upload_id::text AS subject,
  jsonb_build_object('kind', kind, 'form', form) AS facts, request_id
FROM uploads WHERE merchant_id = $1
""",
    "received_at",
    "AND upload_id::text = $6::text",
)
APPLICATIONS: Final = Source(
    "applications",
    frozenset({"application"}),
    """
SELECT at, 'p' || application_id || lpad(seq::text, 6, '0') AS line, actor,
  'application.' || happening AS action,
  application_id::text AS subject, jsonb_build_object('status', jsonb_build_array(src,
    dst)) AS facts, request_id
FROM application_log JOIN (SELECT application_id FROM applications
  WHERE merchant_id = $1 OR owner_kind = 'merchant' AND owner_id = $1) a USING (application_id)
    WHERE true
""",
    "at",
    "AND application_id::text = $6::text",
)
PARTNER: Final = Source(
    "partner",
    frozenset({"partner"}),
    """
SELECT at, 'r' || log_id AS line, actor, 'partner.' || happening AS action,
  merchant_id::text AS subject,
  about AS facts, request_id
FROM partner_log WHERE merchant_id = $1
""",
    "at",
    "AND merchant_id::text = $6::text",
)
OF_MERCHANT: Final = (LINES, ORDERS, SWITCHES, CLOCK, UPLOADS, APPLICATIONS, PARTNER)

# For a partner $1 is the partner.
OF_PARTNER: Final = (
    Source("partner", frozenset({"partner"}), """
SELECT at, 'r' || log_id AS line, actor, 'partner.' || happening AS action,
  coalesce(merchant_id::text, '') AS subject,
  about AS facts, request_id
FROM partner_log WHERE partner_id = $1
""", "at", "AND merchant_id::text = $6::text"),
    Source("applications", frozenset({"application"}), """
SELECT at, 'p' || application_id || lpad(seq::text, 6, '0') AS line, actor,
  'application.' || happening AS action,
  application_id::text AS subject, jsonb_build_object('status', jsonb_build_array(src,
    dst)) AS facts, request_id
FROM application_log JOIN (SELECT application_id FROM applications
  WHERE owner_kind = 'partner' AND owner_id = $1) a USING (application_id) WHERE true
""", "at", "AND application_id::text = $6::text"),
)  # fmt: skip

# In the people database $8 is `merchant` or `partner`, $9 the world, $10 now.
OF_PEOPLE: Final = (
    Source("people", frozenset({"people"}), """
SELECT at, 'm' || log_id AS line, 'user:' || by_user AS actor, 'people.' || happening AS action,
  coalesce(user_id, invitation_id)::text AS subject,
  jsonb_strip_nulls(jsonb_build_object('role', role, 'who', (SELECT name FROM users u
    WHERE u.user_id = g.user_id)))
    AS facts, request_id
FROM membership_log g WHERE subject_kind = $8 AND subject_id = $1
""", "at", "AND coalesce(user_id, invitation_id)::text = $6::text"),
    Source("accounts", frozenset({"account"}), """
SELECT at, 'k' || log_id AS line, actor, 'account.' || action AS action, user_id::text AS subject,
  jsonb_strip_nulls(jsonb_build_object('who', (SELECT name FROM users u
    WHERE u.user_id = g.user_id))) AS facts,
  coalesce(facts ->> 'request', '') AS request_id
FROM account_log g WHERE facts ? 'subject' AND facts ->> 'subject' = $8 || ':' || ($1::uuid)::text
""", "at", "AND user_id::text = $6::text"),
    Source("members' accounts", frozenset({"account"}), """
SELECT at, 'k' || log_id AS line, actor, 'account.' || action AS action, user_id::text AS subject,
  facts - ARRAY['world', 'request'] AS facts, coalesce(facts ->> 'request', '') AS request_id
FROM account_log g WHERE NOT facts ? 'subject' AND coalesce(facts ->> 'world', $9) = $9 AND (
  EXISTS (SELECT FROM memberships m WHERE m.user_id = g.user_id AND m.subject_kind = $8
    AND m.subject_id = $1)
  OR EXISTS (SELECT FROM membership_log m WHERE m.user_id = g.user_id AND m.subject_kind = $8
    AND m.subject_id = $1
    AND m.happening = 'ended' AND m.at >= g.at))
""", "at", "AND user_id::text = $6::text"),
    Source("failed sign-ins", frozenset({"account"}), """
SELECT at, 'f' || line_id AS line, 'stranger:' || user_id AS actor,
  'account.sign_in_failed' AS action,
  user_id::text AS subject, jsonb_build_object('place', place, 'with the e-mail of',
    (SELECT name FROM users u WHERE u.user_id = f.user_id)) AS facts, request_id
FROM failed_sign_ins f WHERE world = $9 AND EXISTS (
  SELECT FROM memberships m WHERE m.user_id = f.user_id AND m.subject_kind = $8
    AND m.subject_id = $1)
""", "at", "AND user_id::text = $6::text"),
    Source("impersonations", frozenset({"look"}), """
SELECT began_at AS at, 'l' || impersonation_id || 'b' AS line, 'operator:' || staff_id AS actor,
  'look.began' AS action,
  impersonation_id::text AS subject,
  jsonb_build_object('as', coalesce((SELECT name FROM users u
    WHERE u.user_id = k.user_id), 'nobody'),
    'role', role, 'reason', reason, 'may_act', may_act, 'until', expires_at) AS facts, request_id
FROM impersonations k WHERE merchant_id = $1 AND $8 = 'merchant' AND world = $9
""", "began_at", "AND impersonation_id::text = $6::text"),
    Source("ended impersonations", frozenset({"look"}), """
SELECT coalesce(ended_at, expires_at) AS at, 'l' || impersonation_id || 'e' AS line,
  'operator:' || staff_id AS actor,
  'look.ended' AS action, impersonation_id::text AS subject,
  jsonb_build_object('how', CASE coalesce(ended_how, '') WHEN 'ended' THEN 'by hand'
    WHEN 'signed_out' THEN 'signed out'
    WHEN 'not_staff' THEN 'the operator’s no more' WHEN 'not_member' THEN 'a member no more'
      ELSE 'time was up' END)
    AS facts, coalesce(ended_by_request, '') AS request_id
FROM impersonations WHERE merchant_id = $1 AND $8 = 'merchant' AND world = $9
  AND coalesce(ended_at, expires_at) <= $10
""", "coalesce(ended_at, expires_at)", "AND impersonation_id::text = $6::text"),
)  # fmt: skip


SECONDS_MAX: Final = 10.0


@frozen
class AuditLine:
    """`line` distinguishes lines of one moment. `subject`: the id of what `action` was done to,
    empty for the merchant or partner itself."""

    at: datetime
    line: str
    actor: str
    action: str
    subject: str
    facts: dict[str, Any]
    request_id: str


@frozen
class AuditFilter:
    """Filter of audit lines; None is everything. `actors`: what their text holds, one of them.
    `before`: the last line seen. Wall time; `until` is not included."""

    actors: tuple[str, ...] | None = None
    kinds: tuple[str, ...] = ()
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, str] | None = None


async def merchant_lines(
    connection: Read, merchant_id: UUID, audit_filter: AuditFilter, limit: int
) -> list[AuditLine]:
    """Lines of the world's database. Raises: TimeoutError for what takes too long."""
    return await _read(connection, OF_MERCHANT, audit_filter, limit, merchant_id)


async def partner_lines(
    connection: Read, partner_id: UUID, audit_filter: AuditFilter, limit: int
) -> list[AuditLine]:
    return await _read(connection, OF_PARTNER, audit_filter, limit, partner_id)


async def people_lines(
    connection: Read,
    subject: tuple[str, UUID],
    world: str,
    now: datetime,
    audit_filter: AuditFilter,
    limit: int,
) -> list[AuditLine]:
    """Lines of the people database, of a `merchant` or `partner`, `now` wall time."""
    return await _read(
        connection, OF_PEOPLE, audit_filter, limit, subject[1], subject[0], world, now
    )


async def places_of(
    connection: Read, merchant_id: UUID, request_ids: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """Request id -> (call, network it came from), as far as the request log reaches back."""
    places = await _places(connection, merchant_id, list(set(request_ids)))
    return {request_id: (place.call, place.place) for request_id, place in places.items()}


class _Place(Row):
    request_id: str
    call: str
    place: str


@MERCHANT.statement("""
SELECT DISTINCT ON (request_id) request_id, method || ' ' || path AS call, place FROM api_calls
WHERE merchant_id = $1 AND request_id = ANY($2::text[]) ORDER BY request_id, call_id DESC
""")
async def _places(db: Read, merchant_id: UUID, request_ids: Sequence[str]) -> dict[str, _Place]:
    """The place of each request's last call."""


async def _read(
    connection: Read, sources: Sequence[Source], audit_filter: AuditFilter, limit: int, *of: Any
) -> list[AuditLine]:
    chosen = [
        source
        for source in sources
        if not audit_filter.kinds or not source.kinds or source.kinds & set(audit_filter.kinds)
    ]
    if (
        audit_filter.subject and parse_id(audit_filter.subject) is None
    ):  # only the log's own lines have objects without such ids
        chosen = [source for source in chosen if not source.kinds]
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
    parts = [_part(source, audit_filter, limit, kinds) for source in sources]
    return (
        f"SELECT at, line, actor, action, subject, facts, request_id FROM "
        f"({' UNION ALL '.join(parts)}) every"
        f' ORDER BY at DESC, line COLLATE "C" DESC LIMIT {limit}'
    )


def _part(source: Source, audit_filter: AuditFilter, limit: str, kinds: str) -> str:
    """Statement of one source's newest lines. The first bounds are those of its index; an unused
    filter stands in no clause."""
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
        "($7::text[] IS NULL OR EXISTS (SELECT FROM unnest($7::text[]) a (word) WHERE "
        "strpos(actor, a.word) > 0))",
        f"(cardinality({kinds}::text[]) = 0 OR split_part(action, '.', 1) = ANY({kinds}::text[]))",
    ]
    return (
        f"(SELECT * FROM ({inner}) one WHERE {' AND '.join(outer)} ORDER BY at DESC, line COLLATE "
        f'"C" DESC'
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
    """People who belong to a `merchant` or `partner`, or did, by name."""
