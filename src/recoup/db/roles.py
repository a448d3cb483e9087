"""The roles of a database: who owns the schema; `recoup_app`, as which flows work; `recoup_read`,
as which doors read.

One log-in can be all three: it owns the schema and becomes the others for the work. Since
PostgreSQL 16 a log-in that made a role may grant it, and has to grant it to itself first.
"""

from typing import Final

import asyncpg

from recoup.kernel.problem import Problem, Sentence

APP: Final = "recoup_app"
READ: Final = "recoup_read"
ADMINISTRATORS_SQL: Final = """\
-- Once, as an administrator of the server. Choose the passwords; leave out the live database until
-- you need it.
CREATE ROLE recoup_app NOLOGIN;                 -- what the application may, it may as this role
CREATE ROLE recoup_read NOLOGIN;                -- as this role it only reads
CREATE ROLE recoup_owner LOGIN PASSWORD '...';  -- owns the schema: migrations and partitions
-- the application's log-in
CREATE ROLE recoup_login LOGIN PASSWORD '...' IN ROLE recoup_app, recoup_read;
CREATE DATABASE recoup_people OWNER recoup_owner;
CREATE DATABASE recoup_sandbox OWNER recoup_owner;
CREATE DATABASE recoup_live OWNER recoup_owner;
REVOKE CONNECT, TEMPORARY ON DATABASE recoup_people, recoup_sandbox, recoup_live FROM PUBLIC;
GRANT CONNECT ON DATABASE recoup_people, recoup_sandbox, recoup_live TO recoup_login, recoup_owner;
"""
# Each role logs in by itself: a pooler passes no setting on.
POOLED_SQL: Final = """\
-- Once, as an administrator of the server. Both have the password of RECOUP_POOLER_URL.
ALTER ROLE recoup_app LOGIN PASSWORD '...';
ALTER ROLE recoup_read LOGIN PASSWORD '...';
GRANT CONNECT ON DATABASE recoup_people, recoup_sandbox, recoup_live TO recoup_app, recoup_read;
"""
_MAY_BECOME = """
SELECT rolsuper OR rolname = $2 OR pg_has_role(oid, (SELECT oid FROM pg_roles
  WHERE rolname = $2), $3)
FROM pg_roles WHERE rolname = $1
"""
_OWNS = """
SELECT CASE WHEN to_regclass('public.schema_migrations') IS NULL THEN has_schema_privilege('public',
  'CREATE')
  ELSE (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
    WHERE oid = to_regclass('public.schema_migrations')) END
"""


async def owns_schema(connection: asyncpg.Connection) -> bool:
    """True when this log-in may migrate: it owns what is there, or may make it."""
    return await connection.fetchval(_OWNS) is True


async def ensure_roles(connection: asyncpg.Connection, log_in: str | None = None) -> None:
    """`recoup_app` and `recoup_read` are there, and `log_in` (this connection's, when it is not
    said) may become them.

    Raises: Problem(unavailable) when that wants an administrator.
    """
    own = await connection.fetchval("SELECT current_user::text")
    who = log_in or own
    for role in (APP, READ):
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                try:
                    await connection.execute(f"CREATE ROLE {role} NOLOGIN")
                except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                    pass  # another process was faster
            if not await may_become(connection, who, role):
                await connection.execute(_grant(connection, role, who, inherit=who != own))
        except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError) as error:
            raise Problem(
                "unavailable",
                Sentence(
                    "The log-in {0} cannot become {1}: {2}.", who, role, str(error).splitlines()[0]
                ),
                cure="`recoup schema sql` prints what an administrator runs once.",
            ) from error


async def may_become(connection: asyncpg.Connection, log_in: str, role: str) -> bool:
    wanted = "SET" if int(connection.get_server_version().major) >= 16 else "MEMBER"
    return await connection.fetchval(_MAY_BECOME, log_in, role, wanted) is True


def _grant(connection: asyncpg.Connection, role: str, log_in: str, *, inherit: bool) -> str:
    name = '"' + log_in.replace('"', '""') + '"'
    if int(connection.get_server_version().major) < 16:
        return f"GRANT {role} TO {name}"
    return f"GRANT {role} TO {name} WITH SET TRUE, INHERIT {'TRUE' if inherit else 'FALSE'}"
