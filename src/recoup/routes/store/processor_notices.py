"""Subjects of processors' notices: an object is queried once, however many notices came of it.
Which order of ours an object belongs to, and how many notices came lately."""

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx, Written, columns_of
from recoup.db.table import insert_of, stored

Subject = Literal[
    "charge", "modification", "dispute", "method", "ended", "invoice", "fraud", "hold"
]
AtDoor = Literal[
    "taken",
    "repeated",
    "unknown_kind",
    "needs_nothing",
    "not_mine",
    "not_ours",
    "unsigned",
    "unread",
]
NOTICES_KEPT: Final = 20  # ids of an object's newest notices
KINDS_MAX: Final = 50  # unread ones, of a route


@stored("processor_notices", "merchant_id", "object_key")
class NewProcessorNotice(Row):
    """`notices`: the one that came. Wall time."""

    merchant_id: UUID
    object_key: UUID
    route: str
    subject: Subject
    about: str
    kind: str
    message_id: UUID | None
    charge: str | None
    invoice: str | None
    approves: bool
    notices: list[str]
    times: int
    happened_at: datetime
    received_at: datetime
    movement: dict[str, Any] | None = None


class ProcessorNotice(NewProcessorNotice):
    """`became`: what asking found; None while it waits."""

    became: str | None = None


@MERCHANT.statement(f"""
{insert_of(NewProcessorNotice, single=True)}
ON CONFLICT (merchant_id, object_key) DO UPDATE SET kind = excluded.kind,
  message_id = coalesce(processor_notices.message_id, excluded.message_id),
  charge = coalesce(processor_notices.charge, excluded.charge),
  invoice = coalesce(processor_notices.invoice, excluded.invoice),
  approves = processor_notices.approves OR excluded.approves,
  notices = trim_array(excluded.notices || processor_notices.notices,
    greatest(cardinality(excluded.notices || processor_notices.notices) - {NOTICES_KEPT}, 0)),
    times = processor_notices.times + 1,
  movement = coalesce(excluded.movement, processor_notices.movement),
  happened_at = greatest(processor_notices.happened_at, excluded.happened_at),
    received_at = excluded.received_at, became = NULL
WHERE NOT processor_notices.notices @> excluded.notices
RETURNING true
""")
async def keep_notice(db: Tx, notice: NewProcessorNotice) -> bool:
    """Keeps a notice; False for one that came before."""


@MERCHANT.statement(f"""
SELECT {columns_of(ProcessorNotice)}
FROM processor_notices WHERE merchant_id = $1 AND object_key = $2
""")
async def find_processor_notice(
    db: Read, merchant_id: UUID, object_key: UUID
) -> ProcessorNotice | None: ...


@MERCHANT.statement("""
UPDATE processor_notices SET became = $4 WHERE merchant_id = $1 AND object_key = $2 AND times = $3
""")
async def found_out(db: Tx, merchant_id: UUID, object_key: UUID, times: int, became: str) -> None:
    """`times` as it was read: nothing, where another notice came since."""


@DIRECTORY.statement("""
INSERT INTO processor_notice_counts AS before (route, day, became, count, last_at)
VALUES ($1, ($2::timestamptz AT TIME ZONE 'UTC')::date, $3, 1, $2)
ON CONFLICT (route, day, became) DO UPDATE SET count = before.count + 1,
  last_at = greatest(before.last_at, excluded.last_at)
""")
async def count_notice(db: Tx, route: str, wall: datetime, became: AtDoor) -> None: ...


@DIRECTORY.statement(f"""
WITH known AS MATERIALIZED (
  SELECT count(*) AS kinds, bool_or(kind = $2) AS has FROM unread_notice_kinds WHERE route = $1
)
INSERT INTO unread_notice_kinds AS before (route, kind, count, last_at)
SELECT $1, $2, 1, $3 FROM known WHERE has OR kinds < {KINDS_MAX}
ON CONFLICT (route, kind) DO UPDATE SET count = before.count + 1, last_at = greatest(before.last_at,
  excluded.last_at)
""")
async def count_unread_kind(db: Tx, route: str, kind: str, wall: datetime) -> None:
    """Counts one more notice of a kind that its connector does not know."""


class Charged(Row):
    """An attempt that went by a route."""

    merchant_id: UUID
    order_id: UUID
    attempt_id: UUID
    state: str
    reference: str | None


@MERCHANT.statement("""
SELECT a.merchant_id, a.order_id, a.attempt_id, a.state, a.reference FROM wire_keys k
JOIN attempts a ON a.merchant_id = k.merchant_id AND a.attempt_id = k.movement_id AND a.key = k.key
WHERE k.key = $1 AND a.route = $2 AND ($3::uuid IS NULL OR k.merchant_id = $3)
ORDER BY a.state = 'not_sent', a.attempt_no LIMIT 1
""")
async def attempt_of(db: Read, key: UUID, route: str, merchant_id: UUID | None) -> Charged | None:
    """The attempt by its key; of any merchant where none is named. What never left may have the key
    of what went in its place."""


@MERCHANT.statement("""
SELECT a.merchant_id, a.order_id, a.attempt_id, a.state, a.reference FROM (
  SELECT merchant_id, attempt_id FROM charges WHERE reference = $1
  UNION ALL SELECT merchant_id, movement_id FROM processor_ids WHERE id = $1) k
JOIN attempts a ON a.merchant_id = k.merchant_id AND a.attempt_id = k.attempt_id
WHERE a.route = $2 AND ($3::uuid IS NULL OR a.merchant_id = $3) AND a.state = 'approved'
  AND a.ladder <> 'payment' LIMIT 1
""")
async def charge_referenced(
    db: Read, reference: str, route: str, merchant_id: UUID | None
) -> Charged | None:
    """An approved one by any id that the processor has for it, of any merchant where none is
    named."""


class Modified(Row):
    merchant_id: UUID
    order_id: UUID
    modification_id: UUID
    state: str


@MERCHANT.statement("""
SELECT o.merchant_id, o.order_id, o.modification_id, o.state FROM wire_keys k
JOIN modifications o ON o.merchant_id = k.merchant_id AND o.modification_id = k.movement_id
  AND k.key IN (o.key, o.send_key)
JOIN attempts a ON a.merchant_id = o.merchant_id AND a.attempt_id = o.attempt_id
WHERE k.key = $1 AND a.route = $2 AND ($3::uuid IS NULL OR k.merchant_id = $3) LIMIT 1
""")
async def modification_of(
    db: Read, key: UUID, route: str, merchant_id: UUID | None
) -> Modified | None:
    """The modification by its key, or by the one under which it was sent again."""


class LeftInvoice(Row):
    """A failed invoice that is not rescued; `why` of `processors/rules/billing`, or "refused". Wall
    time."""

    route: str
    invoice: str
    why: str
    at: datetime


@MERCHANT.statement("""
SELECT route, about AS invoice, became AS why, received_at AS at FROM processor_notices
WHERE merchant_id = $1 AND subject = 'invoice' AND became IN ('first_payment', 'paid_again',
  'subscription_unpaid',
  'subscription_paused', 'subscription_cancelled', 'billing_stopped', 'no_method')
UNION ALL SELECT route, invoice, split_part(ended, ':', 1), came_at FROM processor_invoices
WHERE merchant_id = $1 AND order_id IS NULL AND ended IS NOT NULL
ORDER BY at DESC LIMIT 20
""")
async def left_invoices(db: Read, merchant_id: UUID) -> list[LeftInvoice]:
    """The newest, of all routes."""


class KnownMethod(Row):
    merchant_id: UUID
    method_id: UUID
    customer: str | None


@MERCHANT.statement("""
SELECT merchant_id, method_id, customer FROM stored_methods
WHERE route = $1 AND reference = $2 AND ($3::uuid IS NULL OR merchant_id = $3) AND closed_at IS NULL
  LIMIT 20
""")
async def methods_of(
    db: Read, route: str, reference: str, merchant_id: UUID | None
) -> list[KnownMethod]:
    """Each merchant that has it."""


@DIRECTORY.statement("""
SELECT route, sum(count)::bigint AS count FROM processor_notice_counts
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND became NOT IN ('unsigned', 'unread')
GROUP BY route ORDER BY route
""")
async def notices_since(db: Read, since: datetime) -> dict[str, int]:
    """Number of notices by route, from the day of that moment on; signed ones, of which some were
    repeated or unknown."""


class UnreadKind(Row):
    """Notices of a kind, in the processor's words, that the route's connector does not know. Wall
    time."""

    route: str
    kind: str
    count: int
    last_at: datetime


@DIRECTORY.statement(
    "SELECT route, kind, count, last_at FROM unread_notice_kinds WHERE last_at >= $1 ORDER BY "
    "route, count DESC, kind"
)
async def unread_kinds(db: Read, since: datetime) -> list[UnreadKind]:
    """Kinds received since then, the most frequent first."""


class NoticeCounts(Row):
    """Counts of a route's notices. `received`: signed and read, of which `other_account` were of
    another account or mode. `last_at`: of the newest signed one, None where none came since this is
    kept."""

    route: str
    received: int
    other_account: int
    unsigned: int
    unread: int
    last_at: datetime | None


@DIRECTORY.statement("""
SELECT route, coalesce(sum(count) FILTER (WHERE became NOT IN ('unsigned', 'unread')),
  0)::bigint AS received,
  coalesce(sum(count) FILTER (WHERE became = 'not_mine'), 0)::bigint AS other_account,
  coalesce(sum(count) FILTER (WHERE became = 'unsigned'), 0)::bigint AS unsigned,
  coalesce(sum(count) FILTER (WHERE became = 'unread'), 0)::bigint AS unread,
  max(last_at) FILTER (WHERE became NOT IN ('unsigned', 'unread')) AS last_at
FROM processor_notice_counts WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date GROUP BY route
""")
async def notice_counts(db: Read, since: datetime) -> dict[str, NoticeCounts]:
    """Counts of notices by route, from the day of that moment on."""


NOTICE_DAYS_KEPT: Final = timedelta(days=90)


@MERCHANT.statement(
    "DELETE FROM processor_notices WHERE ctid IN (SELECT ctid FROM processor_notices WHERE "
    "received_at < $1 LIMIT $2)"
)
async def forget_notices(db: Tx, before: datetime, limit: int) -> Written:
    """Deletes old notices: what they were about is known by then."""


@DIRECTORY.statement("""
DELETE FROM processor_notice_counts WHERE ctid IN (
  SELECT ctid FROM processor_notice_counts WHERE day < ($1::timestamptz AT TIME ZONE 'UTC')::date
    LIMIT $2)
""")
async def forget_notice_counts(db: Tx, before: datetime, limit: int) -> Written:
    """Deletes old counts, with the notices of their days."""


@DIRECTORY.statement("""
DELETE FROM unread_notice_kinds WHERE ctid IN (SELECT ctid FROM unread_notice_kinds
  WHERE last_at < $1 LIMIT $2)
""")
async def forget_unread_kinds(db: Tx, before: datetime, limit: int) -> Written:
    """Forgets the kinds that no longer arrive."""
