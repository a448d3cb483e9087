"""Preferences of somebody for their list of orders, and the views that they saved. People
database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, PEOPLE, Read, Row, Tx, Written
from recoup.kernel.filled import filled
from recoup.people.store.people import lock_user

VIEWS_MAX: Final = 30
SHARED_MAX: Final = 30  # of a merchant, in one world


@dataclass(frozen=True, slots=True)
class SavedView:
    """`query`: what stands behind the `?` of its list. `own`: the reader saved it. `maker`: who
    did, empty for the operator's people. `shared`: everybody of the merchant sees it."""

    view_id: UUID
    name: str
    query: str
    own: bool = True
    maker: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ListPreferences:
    """`columns` empty: the usual ones. The views are those of one merchant: one's own, then what
    others share, each the oldest first."""

    zone: str = "GMT"
    columns: tuple[str, ...] = ()
    views: tuple[SavedView, ...] = ()


class _HabitsLine(Row):
    """Line of a view; without any view there is one line with `view_id` None."""

    zone: str
    columns: tuple[str, ...]
    view_id: UUID | None
    name: str
    query: str
    own: bool
    maker: str
    shared: bool


@PEOPLE.statement(f"""
SELECT coalesce(nullif(h.zone, ''), 'GMT') AS zone, coalesce(h.columns, '{{}}') AS columns,
  v.view_id,
  coalesce(v.name, '') AS name, coalesce(v.query, '') AS query, coalesce(v.own, false) AS own,
  coalesce(v.maker, '') AS maker, coalesce(v.shared_in = $3, false) AS shared
FROM (SELECT $1::uuid AS user_id) u
LEFT JOIN list_habits h USING (user_id)
LEFT JOIN (
  (SELECT view_id, name, query, true AS own, '' AS maker, shared_in FROM saved_views
   WHERE user_id = $1 AND merchant_id = $2 ORDER BY view_id LIMIT {VIEWS_MAX})
  UNION ALL
  (SELECT s.view_id, s.name, s.query, false,
     CASE WHEN m.kinds @> '{{operator}}' AND NOT m.kinds @> '{{merchant}}' THEN ''
       ELSE m.name END, s.shared_in
   FROM saved_views s, LATERAL (
     SELECT w.name, ARRAY(SELECT subject_kind FROM memberships WHERE user_id = s.user_id) AS kinds
     FROM users w WHERE w.user_id = s.user_id) m
   WHERE s.merchant_id = $2 AND s.shared_in = $3 AND s.user_id <> $1 ORDER BY s.view_id
     LIMIT {SHARED_MAX})
) v ON true
ORDER BY v.own DESC, v.view_id
""")
async def _habits(db: Read, user_id: UUID, merchant_id: UUID, world: str) -> list[_HabitsLine]: ...


async def read_habits(db: Read, user_id: UUID, merchant_id: UUID, world: str) -> ListPreferences:
    rows = await _habits(db, user_id, merchant_id, world)
    views = tuple(filled(SavedView, row) for row in rows if row.view_id)
    return ListPreferences(rows[0].zone, rows[0].columns, views)


class StandingView(Row):
    """Owner of a view, and whether it is shared in this world."""

    user_id: UUID
    shared: bool


@PEOPLE.statement("""
SELECT user_id, shared_in IS NOT DISTINCT FROM $4 AS shared FROM saved_views
WHERE merchant_id = $2 AND view_id = $3 AND (user_id = $1 OR shared_in = $4) FOR UPDATE
""")
async def standing_view(
    db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID, world: str
) -> StandingView | None:
    """The view; None when this person does not see it. Nobody else changes it until the transaction
    ends."""


@PEOPLE.statement("SELECT count(*) FROM saved_views WHERE merchant_id = $1 AND shared_in = $2")
async def count_shared(db: Read, merchant_id: UUID, world: str) -> int: ...


class ViewQuery(Row):
    """Name of a saved view, and what it looks for."""

    view_id: UUID
    name: str
    query: str


@PEOPLE.statement("SELECT view_id, name, query FROM saved_views WHERE merchant_id = $1")
async def views_of(db: Read, merchant_id: UUID) -> list[ViewQuery]:
    """Everybody's of this merchant."""


# As it is, and with its words apart.
@MERCHANT.statement(r"""
SELECT f.id AS view_id, f.file_name || ' ' || regexp_replace(regexp_replace(f.file_name,
  '[^[:alnum:]@.]+|_', ' ', 'g'),
    '([[:lower:]])([[:upper:]])|[.]', '\1 \2', 'g') AS name, '' AS query FROM (
  SELECT upload_id AS id, file_name FROM uploads WHERE merchant_id = $1
  UNION ALL SELECT import_id, file_name FROM imports WHERE merchant_id = $1
  UNION ALL SELECT run_id, file_name FROM reconciliation_runs WHERE merchant_id = $1) f
WHERE f.file_name <> ''
""")
async def file_names(db: Read, merchant_id: UUID) -> list[ViewQuery]:
    """Names of the merchant's files."""


async def _forget(db: Tx, merchant_id: UUID, ids: Sequence[UUID]) -> None: ...


_FORGET: Final = [
    MERCHANT.statement(
        f"UPDATE {table} SET file_name = '' WHERE merchant_id = $1 AND {key} = ANY($2)"
    )(_forget)
    for table, key in (
        ("uploads", "upload_id"),
        ("imports", "import_id"),
        ("reconciliation_runs", "run_id"),
    )
]


async def forget_file_names(db: Tx, merchant_id: UUID, ids: Sequence[UUID]) -> None:
    """Deletes the names of the files of these ids."""
    for forget in _FORGET:
        await forget(db, merchant_id, ids)


@PEOPLE.statement(
    "SELECT coalesce((SELECT nullif(zone, '') FROM list_habits WHERE user_id = $1), 'GMT')"
)
async def read_zone(db: Read, user_id: UUID) -> str:
    """The person's zone; GMT for who chose none."""


@PEOPLE.statement("SELECT pg_advisory_xact_lock(hashtextextended('shared-views:' || $1::uuid, 0))")
async def lock_shared(db: Tx, merchant_id: UUID) -> None:
    """Locks what is shared at this merchant: it is counted and shared one by one until the
    transaction ends."""


@PEOPLE.statement(
    "INSERT INTO list_habits (user_id, zone) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET "
    "zone = $2"
)
async def save_zone(db: Tx, user_id: UUID, zone: str) -> None: ...


@PEOPLE.statement("""
INSERT INTO list_habits (user_id, columns) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE
  SET columns = $2
""")
async def save_columns(db: Tx, user_id: UUID, columns: list[str]) -> None: ...


@PEOPLE.statement("""
INSERT INTO saved_views (user_id, merchant_id, view_id, name, query, shared_in)
SELECT $1, $2, $3, $4, $5, $7 WHERE (SELECT count(*) FROM saved_views WHERE user_id = $1
  AND merchant_id = $2) < $6
""")
async def _add_view(
    db: Tx,
    user_id: UUID,
    merchant_id: UUID,
    view_id: UUID,
    name: str,
    query: str,
    most: int,
    shared_in: str | None,
) -> Written: ...


async def add_view(
    db: Tx,
    user_id: UUID,
    merchant_id: UUID,
    view_id: UUID,
    name: str,
    query: str,
    most: int,
    shared_in: str | None,
) -> bool:
    """Adds a view; False when there are `most` already: they are saved one by one. Raises: KeyTaken
    for a name that another view has."""
    await lock_user(db, user_id)
    return await _add_view(db, user_id, merchant_id, view_id, name, query, most, shared_in) == 1


@PEOPLE.statement("""
UPDATE saved_views SET name = coalesce($4, name), query = coalesce($5, query)
WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3
""")
async def change_view(
    db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID, name: str | None, query: str | None
) -> None:
    """Changes a view; None leaves as it is. Raises: KeyTaken."""


@PEOPLE.statement(
    "UPDATE saved_views SET shared_in = $4 WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3"
)
async def share_view(
    db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID, shared_in: str | None
) -> None: ...


@PEOPLE.statement("DELETE FROM saved_views WHERE merchant_id = $1 AND view_id = ANY($2::uuid[])")
async def delete_views(db: Tx, merchant_id: UUID, view_ids: Sequence[UUID]) -> None:
    """Deletes views, whoever owns them."""


@PEOPLE.statement(
    "DELETE FROM saved_views WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3"
)
async def delete_view(db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID) -> None: ...
