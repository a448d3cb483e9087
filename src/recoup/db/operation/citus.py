"""A world on unchanged Citus: each home's tables on one node, directory and record of migrations on
all. Every step can be repeated: a run that was ended goes on."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

import asyncpg

from recoup.db.cells import further_cells, node_of
from recoup.db.roles import APP, READ
from recoup.db.statement import CHAIN, DIRECTORY, HUB, MERCHANT, schema_of_cell
from recoup.kernel.problem import Problem, Sentence, invalid

OLDEST: Final = 14
HOMES: Final = tuple(home.value for home in (MERCHANT, HUB, CHAIN))
_SCHEMAS: Final = [*HOMES, DIRECTORY.value]
_WANTED: Final = {"citus.override_table_visibility": "off", "wal_level": "logical"}
_AT_LEAST: Final = {"max_locks_per_transaction": 512, "max_prepared_transactions": 100}

_SESSIONS = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND starts_with(application_name,
  'recoup')
"""
_VERSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
_NODES = """
SELECT nodename || ':' || nodeport FROM pg_dist_node
WHERE isactive AND noderole = 'primary' AND shouldhaveshards
"""
_SETTINGS_OF_NODES = """
SELECT n.nodename || ':' || n.nodeport AS node, r.success, r.result
FROM run_command_on_all_nodes($1) r JOIN pg_dist_node n USING (nodeid) ORDER BY 1
"""
_SETTINGS = """
SELECT json_build_object('settings', (SELECT json_object_agg(name, current_setting(name, true))
  FROM unnest('{{{}}}'::text[]) AS name),
  'roles', (SELECT json_object_agg(rolname, rolcanlogin) FROM pg_roles))
"""
# Views are made again on the way, and forget who may read them.
_KEEP_GRANTS = """
CREATE TABLE public.grants_before_citus AS
SELECT format('GRANT %s ON %I.%I TO %I', a.privilege_type, n.nspname, c.relname,
  pg_get_userbyid(a.grantee)) AS sql
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
WHERE c.relkind = 'v' AND a.grantee <> c.relowner AND n.nspname IN ({})
"""
_HAS_GRANTS = "SELECT to_regclass('public.grants_before_citus') IS NOT NULL"
_ON_WORKERS = "SELECT success, result FROM run_command_on_workers($1)"
# Beside the directory what the simulated issuer and the like have, which proofs read with orders.
_FOR_ALL = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT relation_is_a_known_shard(c.oid)
  AND (c.oid = to_regclass('public.schema_migrations') OR n.nspname = 'directory'
    OR n.nspname IN ('issuer', 'mailbox', 'mock_channel'))
  AND NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = c.oid
    AND p.partmethod = 'n' AND p.repmodel = 't')
ORDER BY 1
"""
_OF_ALL = """
SELECT logicalrelid::text FROM pg_dist_partition WHERE partmethod = 'n' AND repmodel = 't'
ORDER BY 1
"""
# A node makes a type with the first table that has a column of it; ours are of functions and a
# CHECK.
_TYPES = """
SELECT format('%I.%I', n.nspname, t.typname) FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype = 'd' OR c.relkind = 'c') AND n.nspname = ANY($1::text[])
  AND NOT EXISTS (SELECT FROM pg_dist_object o WHERE o.classid = 'pg_type'::regclass
    AND o.objid = t.oid)
"""
_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY($1::text[]) AND NOT EXISTS (SELECT FROM pg_dist_object o
  WHERE o.classid = 'pg_proc'::regclass AND o.objid = p.oid)
ORDER BY 1
"""
_SPREAD = "SELECT schema_name::text FROM citus_schemas"


async def spread(connection: asyncpg.Connection) -> AsyncIterator[str]:
    """Lays each home's tables on a node; tells what was done. Connected to the coordinator, as the
    schema's owner. Raises: Problem(unavailable) for what has to be set first."""
    await _check_alone(connection)
    await _check_citus(connection)
    cells = [schema_of_cell(cell) for cell in await further_cells(connection)]
    await _keep_grants(connection, [*_SCHEMAS, *cells])
    for_all = await _names(connection, _FOR_ALL)
    for number, table in enumerate(for_all, 1):
        await connection.execute(f"SELECT create_reference_table('{table}')")
        if number % 20 == 0 or number == len(for_all):
            yield f"{number} of {len(for_all)} tables are on every node"
    async for step in _lay_out(connection, [*HOMES, *cells], [*_SCHEMAS, *cells]):
        yield step
    await _give_back(connection, everywhere=True)


async def _lay_out(
    connection: asyncpg.Connection, homes: Sequence[str], schemas: Sequence[str]
) -> AsyncIterator[str]:
    if types := await _names(connection, _TYPES, schemas):
        await _make_types(connection, types)
        yield f"{len(types)} types are on every node"
    there = set(await _names(connection, _SPREAD))
    for home in homes:
        if home not in there:
            await connection.execute(f"SELECT citus_schema_distribute('{home}')")
            yield f"{home} is on a node"
    if functions := await _names(connection, _FUNCTIONS, schemas):
        for function in functions:
            await connection.execute("SELECT create_distributed_function($1)", function)
        yield f"{len(functions)} functions are on every node"


async def spread_cell(connection: asyncpg.Connection, cell: int) -> AsyncIterator[str]:
    """Lays a further cell's tables on a node, beside those who work in others. Raises: as
    `spread`."""
    await _check_citus(connection)
    schema = schema_of_cell(cell)
    await _keep_grants(connection, [schema])
    async for step in _lay_out(connection, [schema], [schema]):
        yield step
    await _give_back(connection, everywhere=True)


async def move_cell(connection: asyncpg.Connection, cell: int, node: str) -> None:
    """Moves a cell to another node, while its merchants go on; what a refused move left is cleaned
    up. Codes of cards are not kept: they stand in no log. Raises: Problem(invalid), and as
    `spread`."""
    await _check_citus(connection)
    host, _, port = node.rpartition(":")
    schema, nodes = schema_of_cell(cell), await _names(connection, _NODES)
    if node not in nodes:
        raise invalid(
            Sentence("There is no node {0}.", node),
            "--to",
            Sentence("Choose one of {0}.", ", ".join(nodes)),
        )
    if schema not in await _names(connection, _SPREAD):
        raise invalid(
            Sentence("Cell {0} is on no node.", cell), "CELL", "Run `recoup schema citus`."
        )
    if await node_of(connection, cell) == node:
        return
    await connection.execute("CALL citus_cleanup_orphaned_resources()")
    codes = f"{schema}.cvv_once"
    try:
        await connection.execute(f"TRUNCATE {codes}")
        await connection.execute(f"ALTER TABLE {codes} SET LOGGED")
        await connection.execute(
            "SELECT citus_schema_move($1::regnamespace, $2::text, $3::int)",
            schema,
            host,
            int(port),
        )
    except asyncpg.PostgresError as error:
        raise _lacking(
            f"Citus did not move it: {str(error).splitlines()[0]}.", "It is where it was."
        ) from error
    finally:
        await connection.execute("CALL citus_cleanup_orphaned_resources()")
        await connection.execute(f"ALTER TABLE {codes} SET UNLOGGED")


async def gather(connection: asyncpg.Connection) -> AsyncIterator[str]:
    """Takes everything back to the coordinator; tells what was done."""
    await _check_alone(connection)
    if await connection.fetchval(_VERSION) is None:
        return
    there = set(await _names(connection, _SPREAD))
    cells = [schema_of_cell(cell) for cell in await further_cells(connection)]
    await _keep_grants(connection, [*_SCHEMAS, *cells])
    for home in (*HOMES, *cells):
        if home in there:
            await connection.execute(f"SELECT citus_schema_undistribute('{home}')")
            yield f"{home} is back"
    took = 0
    while tables := await _names(connection, _OF_ALL):  # one takes along what names it
        await connection.execute(
            f"SELECT undistribute_table('{tables[0]}', cascade_via_foreign_keys => true)"
        )
        took += 1
    if took:
        yield "the tables of every node are back"
    await _give_back(connection, everywhere=False)


async def _check_alone(connection: asyncpg.Connection) -> None:
    if names := await _names(connection, _SESSIONS):
        raise Problem(
            "unavailable",
            Sentence("{0} is connected to this database.", ", ".join(sorted(names))),
            cure="Stop doors and workers for the time.",
        )


async def has_citus(connection: asyncpg.Connection) -> bool:
    return await connection.fetchval(_VERSION) is not None


async def _check_citus(connection: asyncpg.Connection) -> None:
    version = await connection.fetchval(_VERSION)
    if version is None:
        raise _lacking("Citus is not in this database.", "Run CREATE EXTENSION citus on each node.")
    if int(version.partition(".")[0]) < OLDEST:
        raise _lacking(f"Citus {version} is too old.", f"Take Citus {OLDEST} or newer.")
    if not await connection.fetchval("SELECT citus_is_coordinator()"):
        raise _lacking("This is not the coordinator.", "Give the coordinator's address.")
    if not await _names(connection, _NODES):
        raise _lacking(
            "No node may have tables.", "Add some by citus_add_node, see docs/operate.md."
        )
    names = _SETTINGS.format(",".join((*_WANTED, *_AT_LEAST)))
    for node, answers, result in await connection.fetch(_SETTINGS_OF_NODES, names):
        if not answers:
            raise _lacking(f"Node {node} does not answer: {result}.", "Bring it back.")
        for lack, cure in _lacks(json.loads(result)):
            raise _lacking(f"Node {node}: {lack}", cure)


def _lacks(node: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    settings, roles = node["settings"], node["roles"]
    for name, wanted in _WANTED.items():
        if settings.get(name) != wanted:
            yield f"{name} is {settings.get(name)}.", f"Set {name} = {wanted} there."
    for name, least in _AT_LEAST.items():
        if int(settings[name]) < least:
            yield f"{name} is {settings[name]}.", f"Set {name} = {least} or more there."
    for role in (APP, READ):  # one node comes to the other as whom the work is for
        if not roles.get(role):
            yield f"{role} cannot log in.", f"Run ALTER ROLE {role} LOGIN there."


def _lacking(message: str, cure: str) -> Problem:
    return Problem("unavailable", message, cure=cure)


async def _keep_grants(connection: asyncpg.Connection, schemas: Sequence[str]) -> None:
    if not await connection.fetchval(_HAS_GRANTS):
        await connection.execute(_KEEP_GRANTS.format(", ".join(f"'{name}'" for name in schemas)))


async def _give_back(connection: asyncpg.Connection, *, everywhere: bool) -> None:
    for sql in await _names(connection, "SELECT sql FROM public.grants_before_citus"):
        await connection.execute(sql)
        if not everywhere:
            continue
        alone = f"SET citus.enable_ddl_propagation = off; {sql}"  # Citus passes on none of a view
        for done, result in await connection.fetch(_ON_WORKERS, alone):
            if not done:
                raise _lacking(f"A node did not take a grant: {result}.", "Run it again.")
    await connection.execute("DROP TABLE public.grants_before_citus")


async def _make_types(connection: asyncpg.Connection, types: list[str]) -> None:
    columns = ", ".join(f"c{number} {name}" for number, name in enumerate(types))
    await connection.execute("DROP SCHEMA IF EXISTS types_for_citus CASCADE")
    await connection.execute("CREATE SCHEMA types_for_citus")
    await connection.execute(f"CREATE TABLE types_for_citus.types ({columns})")
    await connection.execute("SELECT citus_schema_distribute('types_for_citus')")
    await connection.execute("DROP SCHEMA types_for_citus CASCADE")


async def _names(connection: asyncpg.Connection, sql: str, *given: object) -> list[str]:
    return [row[0] for row in await connection.fetch(sql, *given)]
