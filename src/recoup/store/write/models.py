"""A model that was made, and the choice of one. Neither is ever changed."""

from collections.abc import Sequence
from datetime import date, datetime

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Row, Tx, statement
from recoup.store.table import insert_of, stored


@stored("models")
class NewModel(Row, frozen=True):
    """`held_from` and what follows: of its trial, None without one."""

    name: str
    content: str
    sha256: str
    data_from: date
    data_until: date
    attempts: int
    payers: int
    made_at: datetime
    made_by: str
    held_from: datetime | None = None
    held_attempts: int | None = None
    score: float | None = None
    compared_with: str | None = None
    compared_score: float | None = None
    score_error: float | None = None


@statement(DIRECTORY, f"{insert_of(NewModel)} ON CONFLICT DO NOTHING RETURNING true")
async def _add_models(db: Tx, rows: Sequence[NewModel]) -> bool: ...


async def add_model(db: Tx, row: NewModel) -> bool:
    """False for one that is there already."""
    return await _add_models(db, [row])


@statement(
    DIRECTORY,
    """
INSERT INTO model_choices (choice_no, name, back_to, why, actor, chosen_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING choice_no
""",
)
async def add_choice(
    db: Tx, number: int, name: str | None, back_to: int | None, why: str, actor: str, at: datetime
) -> bool:
    """False where somebody else has just made that choice."""
