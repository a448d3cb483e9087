"""Damaged pages of the database: of which table each is, how it is mended, and whether it is."""

import re
from datetime import datetime
from typing import Final

from msgspec.structs import astuple

from recoup.db.pool import DAMAGED
from recoup.db.statement import DIRECTORY, MERCHANT, Connection, Read, Row, Tx

# The server may speak another language (`lc_messages`): of its words only paths, names and numbers
# count, and how block begins in each.
_FILE: Final = re.compile(r"\b((?:base|global|pg_tblspc)/[\w./]+)")
_NAME: Final = re.compile(r'index "([^"]+)"|(pg_toast_\d+)')
_BLOCK: Final = re.compile(r"\bblo\w* (\d+)", re.IGNORECASE)
SHARED: Final = 1664  # the tablespace of what all databases share
RESTORE: Final = "docs/backup.md#restore"


class DamagedPage(Row):
    """`file`: as the server says it; `kind`: of the relation, as pg_class has it."""

    file: str
    block: int
    relation: str
    of_table: str
    kind: str

    @property
    def finding(self) -> str:
        of = f" of {self.of_table}" if self.of_table != self.relation else ""
        return f"page {self.block} of {self.relation}{of} is damaged"

    @property
    def cure(self) -> str:
        if self.kind in ("i", "I"):
            return f"Look at the disk, then run: REINDEX INDEX {self.relation};"
        return f"Look at the disk, then put {self.of_table} back from the newest copy: {RESTORE}"


class _Relation(Row):
    relation: str
    of_table: str
    kind: str


@MERCHANT.statement("""
SELECT c.oid::regclass::text AS relation,
  coalesce(t.oid, i.indrelid, c.oid)::regclass::text AS of_table, c.relkind::text AS kind
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
  LEFT JOIN pg_class t ON t.reltoastrelid = coalesce(i.indrelid, c.oid)
WHERE c.oid = coalesce(pg_filenode_relation($1, $2),
  (SELECT n.oid FROM pg_class n WHERE n.relname = $3 LIMIT 1)) LIMIT 1
""")
async def _relation(
    db: Read, space: int | None, node: int | None, name: str | None
) -> _Relation | None:
    """The relation of a file in a tablespace (0: the usual one), or of that name."""


async def named(db: Read, error: BaseException) -> DamagedPage | None:
    """The page that the server could not read; None where it is of nothing that is there."""
    said = f"{error} {getattr(error, 'detail', None) or ''}"
    file, name, block = _FILE.search(said), _NAME.search(said), _BLOCK.search(said)
    space, node, path = (None, None, "") if file is None else _file(file[1])
    word = next((word for word in name.groups() if word), None) if name else None
    found = await _relation(db, space, node, word if node is None else None)
    if found is None:
        return None
    return DamagedPage(path or found.relation, int(block[1]) if block else 0, *astuple(found))


def _file(path: str) -> tuple[int | None, int | None, str]:
    """The tablespace, 0 for the usual one, and the number of a file, and its path without what
    stands behind the number: the part, the fork."""
    folder, _, name = path.rpartition("/")
    number = name.partition(".")[0].partition("_")[0]
    if not number.isdigit():
        return None, None, ""
    top, _, rest = folder.partition("/")
    space = rest.partition("/")[0]
    spaces = {"base": 0, "global": SHARED}
    spaces |= {"pg_tblspc": int(space)} if space.isdigit() else {}
    return spaces.get(top), int(number), f"{folder}/{number}"


@DIRECTORY.statement("""
INSERT INTO damaged_pages (file, block, relation, of_table, kind, seen_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp())
ON CONFLICT (file, block) DO UPDATE SET relation = EXCLUDED.relation,
  of_table = EXCLUDED.of_table, kind = EXCLUDED.kind, seen_at = EXCLUDED.seen_at
""")
async def _note(db: Tx, file: str, block: int, relation: str, of_table: str, kind: str) -> None: ...


async def said(db: Read, error: BaseException) -> dict[str, str]:
    """The table of the page and its cure, where it can be named."""
    return _in_the_log(await named(db, error))


async def noted(db: Tx, error: BaseException) -> dict[str, str]:
    """The same of a world's page, which is noted."""
    if (page := await named(db, error)) is not None:
        await _note(db, *astuple(page))
    return _in_the_log(page)


def _in_the_log(page: DamagedPage | None) -> dict[str, str]:
    return {} if page is None else {"table": page.of_table, "cure": page.cure}


@DIRECTORY.statement("""
SELECT file, block, relation, of_table, kind FROM damaged_pages ORDER BY of_table, file, block
LIMIT 1000
""")
async def damaged_pages(db: Read) -> list[DamagedPage]: ...


@DIRECTORY.statement("DELETE FROM damaged_pages WHERE file = $1 AND block = $2")
async def forget_page(db: Tx, file: str, block: int) -> None: ...


@MERCHANT.statement("SELECT pg_relation_filepath(to_regclass($1))")
async def _file_of(db: Read, relation: str) -> str | None: ...


@DIRECTORY.statement("SELECT seen_at < $3 FROM damaged_pages WHERE file = $1 AND block = $2")
async def _seen_before(db: Read, file: str, block: int, then: datetime) -> bool: ...


async def is_mended(connection: Connection, page: DamagedPage, long_ago: datetime) -> bool:
    """True when a table's page is read again, or the relation has another file. What else there is,
    such as a page of an index, cannot be asked for: it counts as mended when nobody has met it
    since `long_ago`. On a connection of its own: reading may end its transaction."""
    if page.file.startswith("base/") and await _file_of(connection, page.relation) != page.file:
        return True
    if page.kind != "r":
        return await _seen_before(connection, page.file, page.block, long_ago)
    try:
        await connection.fetchval(
            f"SELECT count(*) FROM {page.relation} WHERE ctid >= '({page.block},0)'"
            f" AND ctid < '({page.block + 1},0)'"
        )
    except DAMAGED:
        return False
    return True
