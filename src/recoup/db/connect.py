"""A new connection: its settings, how it speaks JSON, and what is checked before it is used."""

from time import monotonic
from typing import Any, Final

import asyncpg
import msgspec

from recoup.db.statement import SEARCH_PATH
from recoup.db.versions import Schema, greet
from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem
from recoup.kernel.time import DatabaseClocks

# Plans are kept by each connection. One made while a table was small would read all of it for ever
# when it has grown; every statement here has an index to go by. One plan for all values: else the
# look-up of a foreign key into a partitioned table is planned anew for every row, which takes fifty
# times as long as the look-up. No second process for a statement: such a plan expects more of what
# it reads the longer the history is, and would start one, which takes ten milliseconds, for the few
# rows of a day.
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
    "It is a pooler's: give the server's own address. Recoup pools its connections itself."
)

REPLICA: Final = "Give the primary's; a replica's is RECOUP_REPLICA_URL."


async def connect(dsn: str, **settings: str) -> asyncpg.Connection:
    """Connects as whom the address says, not as a role: migrations, upkeep. Raises: what the driver
    does; Problem(unavailable) for one that ignores settings: what is made there would stand in the
    wrong schema."""
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=10,
            server_settings={"search_path": SEARCH_PATH} | settings,
            target_session_attrs="primary",
        )
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise Problem(
            "unavailable", "The database's address is a replica's.", cure=REPLICA
        ) from error
    if await connection.fetchval("SELECT current_setting('search_path')") != SEARCH_PATH:
        await connection.close()
        raise Problem(
            "unavailable", "The database's address ignores the settings of a session.", cure=POOLER
        )
    return connection


# What a new connection is, and what time it is there.
_GREETING = """
SELECT current_user::text, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  clock_timestamp()
"""


def _not_ours(message: str) -> Problem:
    return Problem(
        "unavailable",
        message,
        cure="`recoup schema check` says what is missing.",
        retry_after_seconds=10,
    )


class Connector:
    """Connects to one database as a role of `roles`. With `clocks`, each connection tells them the
    database's time; with `schema`, the database must have it, see `versions`. `wanted`: which of
    several servers, as libpq says it."""

    def __init__(
        self, dsn: str, name: str, clocks: DatabaseClocks | None, schema: Schema | None, wanted: str
    ) -> None:
        self._dsn, self._name, self._clocks, self._schema = dsn, name, clocks, schema
        self._wanted = wanted

    async def connect(self, role: str) -> asyncpg.Connection:
        """Raises: Problem(unavailable) for a connection that would not be this role; what the
        driver does."""
        settings = {"application_name": self._name, "role": role} | SESSION
        try:
            connection = await asyncpg.connect(
                self._dsn,
                timeout=5,
                command_timeout=30,
                server_settings=settings,
                statement_cache_size=400,
                target_session_attrs=self._wanted,
            )
        except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError) as error:
            reason = str(error).splitlines()[0]
            raise _not_ours(f"The database's log-in cannot become {role}: {reason}.") from error
        try:
            await speak_json(connection)
            await self._greet(connection, role)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _greet(self, connection: asyncpg.Connection, wanted: str) -> None:
        """Checks the connection's role and measures the database's time."""
        started = monotonic() if self._clocks is None else self._clocks.monotonic()
        role, mighty, at = await connection.fetchrow(_GREETING)
        if self._clocks is not None:
            self._clocks.measured(at, started, self._clocks.monotonic())
        if role != wanted or mighty:
            raise _not_ours(f"The connection's role is {role}, not {wanted}.")
        if self._schema is not None:
            await greet(connection, self._schema)
