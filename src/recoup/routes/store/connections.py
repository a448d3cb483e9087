"""Merchants' own card routes: whose each is, what its last check found, what is done with its
invoices. How a route is reached is sealed in `card_routes`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.statement import DIRECTORY, Read, Row, Tx, columns_of
from recoup.db.table import insert_of, stored
from recoup.kernel.kept_sentence import Kept, keep, kept

Billing = Literal["off", "take_over", "beside"]
ConnectionState = Literal["waiting", "connected", "disconnected"]


class KeptFinding(Row):
    """`finding` and `cure` as sentences are kept: `read` gives them."""

    name: str
    ok: bool
    finding: Kept
    cure: Kept | None

    @property
    def read(self) -> tuple[str, str | None]:
        """Finding and cure, to be said in any language."""
        return kept(self.finding), kept(self.cure) if self.cure is not None else None


@stored("processor_connections", "route")
class ProcessorConnection(Row):
    """`billing`: what is done with the processor's own invoices. `state`: "waiting" until a check
    finds nothing that is in the way, and new charges go by a "connected" one only. `country`: the
    account's, empty where nobody says it. Wall times."""

    route: str
    merchant_id: UUID
    kind: str
    account: str
    billing: Billing
    state: ConnectionState
    version: int
    findings: list[KeptFinding]
    checked_at: datetime
    secret_rolled_at: datetime | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    country: str = ""


_COLUMNS: Final = columns_of(ProcessorConnection)


def keep_finding(name: str, ok: bool, finding: str, cure: str | None) -> KeptFinding:
    return KeptFinding(name, ok, keep(finding), keep(cure) if cure is not None else None)


@DIRECTORY.statement(insert_of(ProcessorConnection, single=True) + "RETURNING 1")
async def add_connection(db: Tx, made: ProcessorConnection) -> None:
    """Its route is listed in `card_routes` already."""


@DIRECTORY.statement(f"SELECT {_COLUMNS} FROM processor_connections WHERE route = $1")
async def find_connection(db: Read, route: str) -> ProcessorConnection | None: ...


@DIRECTORY.statement(f"SELECT {_COLUMNS} FROM processor_connections WHERE route = $1 FOR UPDATE")
async def lock_connection(db: Tx, route: str) -> ProcessorConnection | None: ...


@DIRECTORY.statement(
    f"SELECT {_COLUMNS} FROM processor_connections WHERE merchant_id = $1 ORDER BY created_at, "
    f"route"
)
async def merchant_connections(db: Read, merchant_id: UUID) -> list[ProcessorConnection]: ...


@DIRECTORY.statement(f"SELECT {_COLUMNS} FROM processor_connections ORDER BY created_at, route")
async def all_connections(db: Read) -> list[ProcessorConnection]: ...


@DIRECTORY.statement("""
UPDATE processor_connections SET billing = $2, state = $3, findings = $4, checked_at = $5,
  secret_rolled_at = $6,
  changed_at = $7, changed_by = $8, version = version + 1
WHERE route = $1
""")
async def set_connection(
    db: Tx,
    route: str,
    billing: str,
    state: str,
    findings: Sequence[KeptFinding],
    checked_at: datetime,
    secret_rolled_at: datetime | None,
    changed_at: datetime,
    changed_by: str,
) -> None: ...


class OwnRoute(Row):
    """A merchant's own route, as long as it is known how it is reached."""

    name: str
    kind: str
    merchant_id: UUID
    state: ConnectionState
    version: int
    secret_rolled_at: datetime | None
    country: str


@DIRECTORY.statement("""
SELECT r.name, r.kind, c.merchant_id, c.state, c.version, c.secret_rolled_at, c.country
FROM processor_connections c JOIN card_routes r ON r.name = c.route
WHERE r.connection IS NOT NULL ORDER BY r.first_at, r.name
""")
async def own_routes(db: Read) -> list[OwnRoute]: ...


class Generation(Row):
    """Another one after every change: versions only grow, and what cannot be reached any more is
    counted no more."""

    versions: int
    reached: int


@DIRECTORY.statement("""
SELECT coalesce(sum(c.version), 0)::bigint AS versions, count(r.connection) AS reached
FROM processor_connections c JOIN card_routes r ON r.name = c.route
""")
async def generation_of_own(db: Read) -> Generation:
    """The generation of `own_routes`."""


@DIRECTORY.statement("UPDATE processor_connections SET account = $2, country = $3 WHERE route = $1")
async def set_account(db: Tx, route: str, account: str, country: str) -> None: ...


class EndedConnection(Row):
    merchant_id: UUID
    route: str


@DIRECTORY.statement("""
SELECT c.merchant_id, c.route FROM processor_connections c JOIN card_routes r ON r.name = c.route
WHERE c.state = 'disconnected' AND r.connection IS NOT NULL ORDER BY c.route
""")
async def ended_connections(db: Read) -> list[EndedConnection]:
    """Connections that have ended and whose key and secret are still there."""
