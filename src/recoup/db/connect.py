"""A new connection: its settings, how it speaks JSON, and what is checked before it is used."""

from time import monotonic
from typing import Any, Final

import asyncpg
import msgspec

from recoup.db.statement import FIRST_CELL, SEARCH_PATH, search_path
from recoup.db.versions import Schema, greet
from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import DatabaseClocks

# Plans are kept by each connection. One made while a table was small would read all of it for ever
# when it has grown; every statement here has an index to go by. One plan for all values: else the
# look-up of a foreign key into a partitioned table is planned anew for every row, which takes fifty
# times as long as the look-up. No second process for a statement: such a plan expects more of what
# it reads the longer the history is, and would start one, which takes ten milliseconds, for the few
# rows of a day. Citus has no such plan of an INSERT of rows that are selected: there each chooses,
# which costs a synchronous order 1.6 times the processor time.
PLANS: Final = {
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "max_parallel_workers_per_gather": "0",
}
SESSION: Final = {"search_path": SEARCH_PATH, "timezone": "UTC", "jit": "off"} | PLANS

_decode = msgspec.json.Decoder()


def to_json(value: Any) -> str:
    return encode(value).decode()


async def speak_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + encode(value),
        decoder=lambda raw: _decode.decode(raw[1:]),
    )


POOLER: Final = (
    "It is a pooler's: give the server's own address; a PgBouncer's is RECOUP_POOLER_URL."
)

REPLICA: Final = "Give the primary's; a replica's is RECOUP_REPLICA_URL."


async def connect(dsn: str, cell: int = FIRST_CELL, **settings: str) -> asyncpg.Connection:
    """Connects as whom the address says, not as a role: migrations, upkeep. Raises: what the driver
    does; Problem(unavailable) for one that ignores settings: what is made there would stand in the
    wrong schema."""
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=10,
            server_settings={"search_path": search_path(cell)} | settings,
            target_session_attrs="primary",
        )
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise Problem(
            "unavailable", "The database's address is a replica's.", cure=REPLICA
        ) from error
    if await connection.fetchval("SELECT current_setting('search_path')") != search_path(cell):
        await connection.close()
        raise Problem(
            "unavailable", "The database's address ignores the settings of a session.", cure=POOLER
        )
    return connection


# What a new connection is, and what time it is there.
_GREETING = """
SELECT current_user::text, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  clock_timestamp(),
  (SELECT set_config('plan_cache_mode', 'auto', false) FROM pg_extension WHERE extname = 'citus')
"""


_NOT_LET_IN: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.ProtocolViolationError,
    asyncpg.InvalidCatalogNameError,
)


def _not_ours(message: str) -> Problem:
    return Problem(
        "unavailable",
        message,
        cure="`recoup schema check` says what is missing.",
        retry_after_seconds=10,
    )


POOLED: Final = (
    "Use PgBouncer 1.21 or newer in transaction mode, with max_prepared_statements above 0; see "
    "docs/operate.md."
)
_HAS: Final = """
SELECT name, current_setting(name) FROM unnest($1::text[]) AS name
UNION ALL SELECT name, '' FROM pg_prepared_statements WHERE starts_with(name, '__asyncpg')
"""


async def check_pooler(connection: asyncpg.Connection) -> None:
    """Raises: Problem(unavailable) for a pooler that parts a transaction or does not keep prepared
    statements, which has their names for its own, and for a role without the settings of a
    session."""
    try:
        async with connection.transaction():
            has = dict(await connection.fetch(_HAS, list(SESSION)))
    except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError) as error:
        raise Problem("unavailable", "The pooler is in statement mode.", cure=POOLED) from error
    except (
        asyncpg.DuplicatePreparedStatementError,
        asyncpg.InvalidSQLStatementNameError,
    ) as error:
        raise Problem("unavailable", _FORGETFUL, cure=POOLED) from error
    if has.keys() - SESSION.keys():
        raise Problem("unavailable", _FORGETFUL, cure=POOLED)
    for name, value in SESSION.items():
        if has[name] != value:
            message = Sentence("The pooled log-in does not have {0} = {1}.", name, value)
            cure = "`recoup schema sql --pooled` prints what an administrator runs once."
            raise Problem("unavailable", message, cure=cure)


_FORGETFUL: Final = "The pooler does not keep prepared statements."


class Connector:
    """Connects to one database as a role of `roles`. With `clocks`, each connection tells them the
    database's time; with `schema`, the database must have it, see `versions`. `wanted`: which of
    several servers, as libpq says it. `is_pooled`: by a pooler, where the role itself logs in, and
    the schema is not said."""

    def __init__(
        self,
        dsn: str,
        name: str,
        clocks: DatabaseClocks | None,
        schema: Schema | None,
        wanted: str,
        *,
        is_pooled: bool = False,
        cell: int = FIRST_CELL,
    ) -> None:
        self._path = {"search_path": search_path(cell)}
        self.dsn, self._name, self._clocks, self._schema = dsn, name, clocks, schema
        self._wanted, self._is_pooled = wanted, is_pooled

    async def connect(self, role: str) -> asyncpg.Connection:
        """Raises: Problem(unavailable) for a connection that would not be this role; what the
        driver does."""
        settings = {"application_name": self._name}
        settings |= {} if self._is_pooled else {"role": role} | SESSION | self._path
        try:
            connection = await asyncpg.connect(
                self.dsn,
                user=role if self._is_pooled else None,
                timeout=5,
                command_timeout=30,
                server_settings=settings,
                statement_cache_size=400,
                target_session_attrs=self._wanted,
            )
        except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError) as error:
            reason = str(error).splitlines()[0]
            raise _not_ours(f"The database's log-in cannot become {role}: {reason}.") from error
        except _NOT_LET_IN as error:
            if not self._is_pooled:
                raise
            reason = str(error).splitlines()[0]
            message = Sentence("The pooler does not let {0} in: {1}.", role, reason)
            raise Problem("unavailable", message, cure=POOLED) from error
        try:
            if self._is_pooled:
                await check_pooler(connection)
            await speak_json(connection)
            await self._greet(connection, role)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _greet(self, connection: asyncpg.Connection, wanted: str) -> None:
        """Checks the connection's role and measures the database's time."""
        started = monotonic() if self._clocks is None else self._clocks.monotonic()
        role, mighty, at, _ = await connection.fetchrow(_GREETING)
        if self._clocks is not None:
            self._clocks.measured(at, started, self._clocks.monotonic())
        if role != wanted or mighty:
            raise _not_ours(f"The connection's role is {role}, not {wanted}.")
        if self._schema is not None:
            await greet(connection, self._schema, tells=not self._is_pooled)
