"""Databases that are emptied after a test and lent to the next, with the connections that are warm.

A new database costs its files, and each of its connections everything that it learns of the schema:
half of what most tests do. What cannot be brought back to how it was, its shape for one, is
dropped, and so is what a failed test leaves.
"""

import asyncio
import io
import uuid
from dataclasses import dataclass
from typing import Final

import asyncpg
from tests.databases import drop, empty
from tests.one_loop import at_end, runs_in_it

from recoup.db.pool import Database
from recoup.db.roles import APP, READ
from recoup.db.server import ServerAddress

_OWNER: Final = "owner"
_WARM_MAX: Final = 8  # of a role
_WARM_AT_REST: Final = 24  # of a worker: the server's places are for tests that run
_BYTES_MAX: Final = 64 * 1024**2
_resting: list["Kept"] = []
_at_first: dict[tuple[ServerAddress, str, str | None], "AtFirst"] = {}


@dataclass(frozen=True)
class AtFirst:
    """A database before anybody used it. `digests` and `rows`: of the tables that are not empty
    then; `sequences`: where they stand."""

    shape: str
    digests: dict[str, str]
    rows: dict[str, bytes]
    sequences: dict[str, int | None]


class Kept:
    """One database for one test after the other, all in the same event loop."""

    def __init__(self, server: ServerAddress, kind: str, template: str | None = None) -> None:
        """`kind`: world or people. `template`: see `databases.empty`."""
        self.like = (server, kind, template)
        self.name = f"{kind[0]}_{uuid.uuid4().hex[:12]}"
        self.dsn = server.dsn(self.name)
        self.loop = asyncio.get_running_loop()
        self._making, self._made, self._used = asyncio.Lock(), False, False
        self._keeper: asyncpg.Connection | None = None
        self._warm: dict[str, list[asyncpg.Connection]] = {}

    async def make(self) -> "Kept":
        """Nothing when it is there."""
        async with self._making:
            self._used = True
            if not self._made:
                server, kind, template = self.like
                await empty(server, kind, self.name, template)
                self._made = True
                if runs_in_it() and self.like not in _at_first:
                    _at_first[self.like] = await _seen(await self._keepers())
        return self

    def warm(self, role: str) -> asyncpg.Connection | None:
        """A connection that an earlier test has used."""
        free = self._warm.get(role, [])
        while free:
            if not (connection := free.pop()).is_closed():
                return connection
        return None

    def keep(self, role: str, connection: asyncpg.Connection) -> None:
        free = self._warm.setdefault(role, [])
        if len(free) < _WARM_MAX:
            free.append(connection)
        else:
            connection.terminate()

    async def connect(self) -> asyncpg.Connection:
        """As the owner, jsonb as text; who closes it gives it back."""
        await self.make()
        connection = self.warm(_OWNER) or await asyncpg.connect(
            self.dsn, timeout=10, connection_class=OwnersConnection
        )
        connection.giver = self
        return connection

    async def leave(self, *, well: bool) -> None:
        """The test has ended, `well` or not."""
        if not self._made:
            return
        if runs_in_it() and (not self._used or (well and await self._emptied())):
            self._used = False
            _resting.append(self)
            self._cool_others()
        else:
            self.close()
            await drop(self.like[0], self.name)

    def _cool_others(self) -> None:
        """Ends the connections of those that rest longest."""
        warm = 0
        for kept in reversed(_resting):
            warm += sum(map(len, kept._warm.values()))
            if kept is not self and warm > _WARM_AT_REST:
                kept.close()

    def close(self) -> None:
        """Its connections."""
        for connection in (self._keeper, *(each for free in self._warm.values() for each in free)):
            if connection is not None and not connection.is_closed():
                connection.terminate()
        self._warm.clear()

    async def _keepers(self) -> asyncpg.Connection:
        """The connection that empties: past triggers and foreign keys."""
        if self._keeper is None or self._keeper.is_closed():
            past = {"session_replication_role": "replica", "jit": "off"}
            self._keeper = await asyncpg.connect(self.dsn, timeout=10, server_settings=past)
        return self._keeper

    async def _emptied(self) -> bool:
        """Whether it is as at first again."""
        try:
            warm = [each for free in self._warm.values() for each in free if not each.is_closed()]
            await asyncio.gather(*(connection.reset(timeout=10) for connection in warm))
            keeper = await self._keepers()
            ours = [connection.get_server_pid() for connection in (keeper, *warm)]
            ended = await keeper.fetchval(_END_OTHERS, ours)
            # Whoever was making it may have been cancelled before it was looked at.
            return ended and self.like in _at_first and await _empty(keeper, _at_first[self.like])
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False


class OwnersConnection(asyncpg.Connection):
    """Goes back when it is closed."""

    giver: Kept | None = None

    # as asyncpg says it
    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        giver, self.giver = self.giver, None
        if giver is None or self.is_closed() or self.is_in_transaction():
            await super().close(timeout=timeout)
        else:
            try:
                await self.reset(timeout=10)
            except BaseException:  # its test ends: nobody gives it back
                self.terminate()
                raise
            giver.keep(_OWNER, self)

    def get_reset_query(self) -> str:
        return f"{super().get_reset_query()}\nDISCARD TEMP;"


class WarmDatabase(Database):
    """The application's connections to a kept database.
    What is free when it is closed goes back."""

    def __init__(self, kept: Kept, *, size: int) -> None:
        super().__init__(kept.dsn, size=size, name="test")
        self._kept = kept

    async def _connect(self, role: str) -> asyncpg.Connection:
        await self._kept.make()
        return self._kept.warm(role) or await super()._connect(role)

    async def close(self) -> None:
        for role, slots in ((APP, self._of_flows), (READ, self._of_doors)):
            free = [slots._free.get_nowait() for _ in range(slots._free.qsize())]
            for connection in reversed(
                free
            ):  # the next test begins with the one that was used last
                if connection is not None and not connection.is_closed():
                    self._kept.keep(role, connection)
        await super().close()


def lent(server: ServerAddress, kind: str, template: str | None = None) -> Kept:
    """One that rests, or a new one, which is made when it is first needed."""
    if runs_in_it():
        for kept in _resting:
            if kept.like == (server, kind, template) and kept.loop is asyncio.get_running_loop():
                _resting.remove(kept)
                return kept
    return Kept(server, kind, template)


async def _close_all() -> None:
    for kept in _resting:
        kept.close()
    _resting.clear()


at_end(_close_all)


# as at first
# -------------------------------------------------------------------------------------------------

_END_OTHERS: Final = """
SELECT coalesce(bool_and(pg_terminate_backend(pid, 5000)), true) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> ALL($1::int[])
"""
# Whatever makes, changes or drops something of the catalogue writes a row of it anew.
_CATALOGUE: Final = (
    "pg_attribute",
    "pg_attrdef",
    "pg_class",
    "pg_constraint",
    "pg_default_acl",
    "pg_event_trigger",
    "pg_extension",
    "pg_index",
    "pg_inherits",
    "pg_largeobject_metadata",
    "pg_namespace",
    "pg_partitioned_table",
    "pg_policy",
    "pg_proc",
    "pg_rewrite",
    "pg_sequence",
    "pg_statistic_ext",
    "pg_trigger",
    "pg_type",
)
_SHAPE: Final = (
    "SELECT concat_ws(' ', "
    + ", ".join(
        f"(SELECT concat(count(*), ':', max(xmin::text::bigint)) FROM {name})"
        for name in _CATALOGUE
    )
    + ", (SELECT string_agg(s::text, ' ') FROM pg_db_role_setting s JOIN pg_database ON "
    "pg_database.oid = setdatabase"
    " WHERE datname = current_database()))"
)
_FULL: Final = """
SELECT format('%I.%I', nspname, relname) AS name, bytes
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace,
  LATERAL (SELECT pg_relation_size(c.oid) AS bytes OFFSET 0) size
WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema') AND bytes > 0
ORDER BY 1
"""
_SEQUENCES: Final = (
    "SELECT format('%I.%I', schemaname, sequencename) AS name, last_value FROM "
    "pg_sequences ORDER BY 1"
)


async def _seen(keeper: asyncpg.Connection) -> AtFirst:
    digests = await _digests(keeper, [row["name"] for row in await keeper.fetch(_FULL)])
    full = {name: digest for name, digest in digests.items() if digest is not None}
    rows = {name: await _copied(keeper, name) for name in full}
    sequences = {row["name"]: row["last_value"] for row in await keeper.fetch(_SEQUENCES)}
    return AtFirst(await keeper.fetchval(_SHAPE), full, rows, sequences)


async def _empty(keeper: asyncpg.Connection, first: AtFirst) -> bool:
    """Whether that could be done."""
    if await keeper.fetchval(_SHAPE) != first.shape:
        return False
    full = {row["name"]: row["bytes"] for row in await keeper.fetch(_FULL)}
    if sum(full.values()) > _BYTES_MAX:
        return False
    digests = await _digests(keeper, list(first.rows))
    changed = [name for name in first.rows if digests[name] != first.digests[name]]
    todo = [f"DELETE FROM {name}" for name in (*(full.keys() - first.rows.keys()), *changed)]
    for row in await keeper.fetch(_SEQUENCES):
        if row["last_value"] != (at := first.sequences[row["name"]]):
            todo.append(f"SELECT setval('{row['name']}', {at or 1}, {at is not None})")
    if todo:
        await keeper.execute("; ".join(todo))
    for name in changed:
        schema, table = _parts(name)
        await keeper.copy_to_table(table, schema_name=schema, source=io.BytesIO(first.rows[name]))
    again = await _digests(keeper, changed)
    return all(again[name] == first.digests[name] for name in changed)


async def _digests(keeper: asyncpg.Connection, names: list[str]) -> dict[str, str | None]:
    """None: a table without rows."""
    one = "SELECT '{0}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {0} t"
    return dict(await keeper.fetch(" UNION ALL ".join(map(one.format, names)))) if names else {}


async def _copied(keeper: asyncpg.Connection, name: str) -> bytes:
    held = io.BytesIO()
    schema, table = _parts(name)
    await keeper.copy_from_table(table, schema_name=schema, output=held)
    return held.getvalue()


def _parts(name: str) -> list[str]:
    """(schema, table)"""
    return [part.strip('"') for part in name.split(".")]
