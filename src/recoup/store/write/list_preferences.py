"""How somebody likes their list of orders, and the views that they save. People database."""

from collections.abc import Sequence
from uuid import UUID

from recoup.store.homes import PEOPLE
from recoup.store.statement import Tx, Written, statement
from recoup.store.write.people import lock_user


@statement(PEOPLE, "SELECT pg_advisory_xact_lock(hashtextextended('shared-views:' || $1::uuid, 0))")
async def lock_shared(db: Tx, merchant_id: UUID) -> None:
    """What is shared at this merchant is counted and shared one by one until the transaction ends."""


@statement(
    PEOPLE, "INSERT INTO list_habits (user_id, zone) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET zone = $2"
)
async def save_zone(db: Tx, user_id: UUID, zone: str) -> None: ...


@statement(
    PEOPLE,
    """
INSERT INTO list_habits (user_id, columns) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET columns = $2
""",
)
async def save_columns(db: Tx, user_id: UUID, columns: list[str]) -> None: ...


@statement(
    PEOPLE,
    """
INSERT INTO saved_views (user_id, merchant_id, view_id, name, query, shared_in)
SELECT $1, $2, $3, $4, $5, $7 WHERE (SELECT count(*) FROM saved_views WHERE user_id = $1 AND merchant_id = $2) < $6
""",
)
async def _add_view(
    db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID, name: str, query: str, most: int, shared_in: str | None
) -> Written: ...


async def add_view(
    db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID, name: str, query: str, most: int, shared_in: str | None
) -> bool:
    """False when there are `most` already: they are saved one by one. Raises: KeyTaken for a name that another view
    has."""
    await lock_user(db, user_id)
    return await _add_view(db, user_id, merchant_id, view_id, name, query, most, shared_in) == 1


@statement(
    PEOPLE,
    """
UPDATE saved_views SET name = coalesce($4, name), query = coalesce($5, query)
WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3
""",
)
async def change_view(
    db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID, name: str | None, query: str | None
) -> None:
    """None leaves as it is. Raises: KeyTaken."""


@statement(PEOPLE, "UPDATE saved_views SET shared_in = $4 WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3")
async def share_view(db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID, shared_in: str | None) -> None: ...


@statement(PEOPLE, "DELETE FROM saved_views WHERE merchant_id = $1 AND view_id = ANY($2::uuid[])")
async def delete_views(db: Tx, merchant_id: UUID, view_ids: Sequence[UUID]) -> None:
    """Whose ever they are."""


@statement(PEOPLE, "DELETE FROM saved_views WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3")
async def delete_view(db: Tx, user_id: UUID, merchant_id: UUID, view_id: UUID) -> None: ...
