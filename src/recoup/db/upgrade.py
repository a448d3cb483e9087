"""Migrations to be applied to a database, and for how long Recoup stands still meanwhile; said
before it begins."""

import re
from collections.abc import Sequence
from typing import Final

from recoup.db.connect import connect
from recoup.db.migrate import FIRST, Migration, check_migrated
from recoup.kernel.frozen import frozen

BYTES_A_SECOND: Final = (
    40_000_000  # of a table and its indexes, read and written again on two slow cores
)
START_SECONDS: Final = 10  # ending the former release and starting this one
# Statements that read a table whole, or write it anew.
_WHOLE: Final = re.compile(
    r"\b(UPDATE|DELETE|INSERT|VALIDATE|CLUSTER|TYPE|SET NOT NULL"
    r"|UNIQUE|CREATE INDEX|(ADD|FOREIGN|PRIMARY) KEY)\b",
    re.I,
)
_NOT_NOW: Final = re.compile(r"\bNOT VALID\b", re.I)
_SIZES: Final = """
SELECT c.relname::text AS name, sum(pg_total_relation_size(p.relid))::bigint AS bytes
FROM pg_class c CROSS JOIN LATERAL (SELECT c.oid AS relid UNION SELECT relid
  FROM pg_partition_tree(c.oid)) AS p
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace =
  ANY(current_schemas(false)::regnamespace[])
GROUP BY c.relname
"""


@frozen
class Step:
    """Step of one migration that is missing. `read_bytes`: of the tables that it reads or writes
    whole."""

    database: str
    migration: Migration
    read_bytes: int = 0

    @property
    def stops(self) -> bool:
        return not self.migration.is_beside

    def sentence(self) -> str:
        if not self.stops:
            what = "only adds: the former release may go on beside it"
        elif self.read_bytes < BYTES_A_SECOND:
            what = "stops Recoup"
        else:
            what = (
                f"stops Recoup: {self.read_bytes / 1e9:,.1f} GB are read, about "
                f"{self.seconds:.0f} s"
            )
        return f"{self.database:8} {self.migration.name}: {what}"

    @property
    def seconds(self) -> float:
        return self.read_bytes / BYTES_A_SECOND


def stop_seconds(steps: Sequence[Step]) -> float:
    """Seconds that Recoup stands still for them all."""
    stopping = [step.seconds for step in steps if step.stops]
    return START_SECONDS + sum(stopping) if stopping else 0


async def steps_of(dsn: str, database: str, kind: str) -> list[Step]:
    """Steps that a database with a schema lacks; nothing of an empty one, which has nothing to
    lose. Raises: Problem(unavailable) as `check_migrated` does."""
    missing = await check_migrated(dsn, kind)
    if not missing or FIRST in (migration.key for migration in missing):
        return []
    connection = await connect(dsn)
    try:
        sizes = {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}
    finally:
        await connection.close()
    return [Step(database, migration, _read_bytes(migration.sql, sizes)) for migration in missing]


def _read_bytes(sql: str, sizes: dict[str, int]) -> int:
    bare = re.sub(r"--[^\n]*", "", sql)
    read = [part for part in bare.split(";") if _WHOLE.search(part) and not _NOT_NOW.search(part)]
    return sum(
        size for name, size in sizes.items() for part in read if re.search(rf"\b{name}\b", part)
    )
