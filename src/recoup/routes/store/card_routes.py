"""Card routes as all processes share them: what each is, its breaker, its switch, what came back by
it and is open there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx, Written, columns_of
from recoup.db.table import Hex, insert_of, stored
from recoup.kernel.filled import filled
from recoup.routes.rules.breaker import Breaker

# What somebody mended, or may have: a refusal of the account is forgotten, an outage is not.
_MENDED = """is_refused = false,
  opened_at = CASE WHEN card_routes.is_refused THEN NULL ELSE card_routes.opened_at END,
  pause_until = CASE WHEN card_routes.is_refused THEN NULL ELSE card_routes.pause_until END,
  openings = CASE WHEN card_routes.is_refused THEN 0 ELSE card_routes.openings END"""


@stored("card_routes", "name")
class NewCardRoute(Row, frozen=True):
    """`connection`: sealed; None for a route that is always there."""

    name: str
    kind: str
    account: str
    acceptor: str
    connection: Hex | None
    first_at: datetime
    listed_at: datetime
    window_from: datetime


@DIRECTORY.statement(f"""
WITH own AS MATERIALIZED (SELECT route FROM processor_connections)
{insert_of(NewCardRoute)}WHERE name NOT IN (SELECT route FROM own)
ON CONFLICT (name) DO UPDATE SET acceptor = excluded.acceptor, connection = excluded.connection,
  listed_at = excluded.listed_at, {_MENDED}
WHERE card_routes.kind = excluded.kind AND card_routes.account = excluded.account
RETURNING name
""")
async def list_routes(db: Tx, rows: Sequence[NewCardRoute]) -> list[str]:
    """Lists routes and returns those that are listed now; a name that stands for another kind or
    account, or is a merchant's own, is not."""


class RouteIdentity(Row, frozen=True):
    name: str
    kind: str
    account: str


@DIRECTORY.statement("SELECT name, kind, account FROM card_routes WHERE name = ANY ($1)")
async def identities_of(db: Read, names: Sequence[str]) -> list[RouteIdentity]: ...


class LeftRoute(Row, frozen=True):
    name: str
    kind: str
    acceptor: str
    connection: bytes


@DIRECTORY.statement(
    "SELECT name, kind, acceptor, connection FROM card_routes"
    " WHERE name <> ALL ($1) AND connection IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM processor_connections c WHERE c.route = name) ORDER BY name"
)
async def routes_left(db: Read, names: Sequence[str]) -> list[LeftRoute]:
    """Routes that once stood in the settings, without these."""


@DIRECTORY.statement(
    insert_of(NewCardRoute, single=True) + "ON CONFLICT (name) DO NOTHING RETURNING name"
)
async def add_route(db: Tx, made: NewCardRoute) -> bool:
    """A merchant's own. False for a name that is taken."""


@DIRECTORY.statement(
    "SELECT name, connection FROM card_routes WHERE name = ANY ($1) AND connection IS NOT NULL"
)
async def sealed_connections(db: Read, names: Sequence[str]) -> dict[str, bytes]:
    """Sealed connections by which these routes are reached."""


@DIRECTORY.statement(
    f"UPDATE card_routes SET connection = $2, listed_at = $3, {_MENDED} WHERE name = $1"
)
async def set_sealed(db: Tx, name: str, connection: bytes | None, at: datetime) -> None:
    """Sets a route's sealed connection; None: it cannot be reached any more. A refusal of the
    account is forgotten: this is another key."""


@DIRECTORY.statement(
    f"UPDATE card_routes SET {_MENDED} WHERE name = $1 AND is_refused RETURNING name"
)
async def mend_route(db: Tx, name: str) -> str | None:
    """Clears the refusal of a route's account; None where it was not refused."""


class _RouteState(Row):
    """`answered` and what follows: of its breaker."""

    name: str
    window_from: datetime
    answered: int
    outages: int
    opened_at: datetime | None
    pause_until: datetime | None
    openings: int
    is_refused: bool

    @property
    def breaker(self) -> Breaker:
        return filled(Breaker, self)


class StoredRoute(_RouteState):
    """`refused_at`, `refused_code`: of the last request that its processor refused as wrong, or for
    its account; then with its words in `refused_text`. `stopped_at`, `why`, `actor`: of the stop
    that holds now. `connection`: the state of a merchant's own account."""

    kind: str
    account: str
    acceptor: str
    listed_at: datetime
    refused_at: datetime | None
    refused_code: str | None
    refused_text: str | None
    stopped_at: datetime | None
    why: str | None
    actor: str | None
    connection: str | None


@DIRECTORY.statement(f"""
SELECT {columns_of(_RouteState, "r")}, r.kind, r.account, r.acceptor, r.listed_at,
  r.refused_at, r.refused_code, r.refused_text, s.stopped_at, s.why, s.actor, c.state AS connection
FROM card_routes r LEFT JOIN card_route_stops s ON s.name = r.name AND s.ended_at IS NULL
  LEFT JOIN processor_connections c ON c.route = r.name
ORDER BY r.first_at, r.name
""")
async def stored_routes(db: Read) -> list[StoredRoute]: ...


class RouteOut(_RouteState):
    stopped_at: datetime | None


@DIRECTORY.statement(f"""
SELECT {columns_of(_RouteState, "r")}, s.stopped_at
FROM card_routes r LEFT JOIN card_route_stops s ON s.name = r.name AND s.ended_at IS NULL
WHERE r.opened_at IS NOT NULL OR s.name IS NOT NULL
""")
async def routes_out(db: Read) -> dict[str, RouteOut]:
    """Routes whose breaker is open, and those that are switched off."""


@DIRECTORY.statement(f"SELECT {columns_of(Breaker)} FROM card_routes WHERE name = $1 FOR UPDATE")
async def lock_breaker(db: Tx, name: str) -> Breaker | None: ...


@DIRECTORY.statement("""
UPDATE card_routes SET window_from = $2, answered = $3, outages = $4, opened_at = $5,
  pause_until = $6, openings = $7,
  is_refused = $8
WHERE name = $1
""")
async def set_breaker(
    db: Tx,
    name: str,
    window_from: datetime,
    answered: int,
    outages: int,
    opened_at: datetime | None,
    pause_until: datetime | None,
    openings: int,
    is_refused: bool,
) -> None: ...


@DIRECTORY.statement(
    "UPDATE card_routes SET refused_at = $2, refused_code = $3, refused_text = $4 WHERE name = $1"
)
async def set_refusal(db: Tx, name: str, at: datetime, code: str | None, text: str | None) -> None:
    """The last request that its processor refused."""


@DIRECTORY.statement("""
INSERT INTO card_route_hours (name, hour, approved, expected, declined, not_sent, unknown, refused)
VALUES ($1, date_trunc('hour', $2::timestamptz), $3, $4, $5, $6, $7, $8)
ON CONFLICT (name, hour) DO UPDATE SET approved = card_route_hours.approved + excluded.approved,
  expected = card_route_hours.expected + excluded.expected, declined = card_route_hours.declined +
    excluded.declined,
  not_sent = card_route_hours.not_sent + excluded.not_sent, unknown = card_route_hours.unknown +
    excluded.unknown,
  refused = card_route_hours.refused + excluded.refused
""")
async def add_counts(
    db: Tx,
    name: str,
    at: datetime,
    approved: int,
    expected: int,
    declined: int,
    not_sent: int,
    unknown: int,
    refused: int,
) -> None: ...


class RouteSums(Row, frozen=True):
    """`expected` in millionths; `refused`: requests that the processor refused as wrong."""

    name: str
    approved: int
    expected: int
    declined: int
    not_sent: int
    unknown: int
    refused: int


@DIRECTORY.statement("""
SELECT name, sum(approved)::bigint AS approved, sum(expected)::bigint AS expected,
  sum(declined)::bigint AS declined,
  sum(not_sent)::bigint AS not_sent, sum(unknown)::bigint AS unknown,
    sum(refused)::bigint AS refused
FROM card_route_hours WHERE hour >= $1 AND hour < $2 GROUP BY name
""")
async def sums_between(db: Read, begin: datetime, end: datetime) -> dict[str, RouteSums]: ...


@DIRECTORY.statement("""
INSERT INTO card_route_stops (stop_id, name, why, actor, stopped_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING stop_id
""")
async def stop_route(db: Tx, stop_id: UUID, name: str, why: str, actor: str, at: datetime) -> bool:
    """Stops a route; False when it is stopped already."""


@DIRECTORY.statement(
    "UPDATE card_route_stops SET ended_by = $2, ended_at = $3 WHERE name = $1 AND ended_at IS NULL "
    "RETURNING stop_id"
)
async def resume_route(db: Tx, name: str, actor: str, at: datetime) -> bool:
    """Resumes a route; False when it was not stopped."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM attempts WHERE merchant_id = $1 AND route = $2
  AND state IN ('open', 'unknown'))
  OR EXISTS (SELECT FROM disputes WHERE merchant_id = $1 AND route = $2
    AND state IN ('open', 'answered'))
  OR EXISTS (SELECT FROM attempts a JOIN current_orders o USING (merchant_id, order_id)
    WHERE a.merchant_id = $1 AND a.route = $2 AND a.state = 'approved' AND o.stage = 'authorised')
  OR EXISTS (SELECT FROM attempts a JOIN modifications m USING (merchant_id, order_id, attempt_id)
    WHERE a.merchant_id = $1 AND a.route = $2 AND m.state IN ('owed', 'sent', 'stuck'))
  OR EXISTS (SELECT FROM processor_invoices WHERE merchant_id = $1 AND route = $2 AND ended IS NULL)
""")
async def is_open_at(db: Read, merchant_id: UUID, route: str) -> bool:
    """A charge without an outcome, a hold, a capture or refund under way, a dispute, an invoice
    that is rescued."""


ROUTE_HOURS_KEPT: Final = timedelta(days=60)


@DIRECTORY.statement("""
DELETE FROM card_route_hours WHERE ctid IN (SELECT ctid FROM card_route_hours WHERE hour < $1
  LIMIT $2)
""")
async def forget_route_hours(db: Tx, before: datetime, limit: int) -> Written:
    """Deletes old hours: what routes are learned from is of the last weeks."""
