"""Models of the rescue engine, which of them decides, and what the nightly trainings found. Neither
a model nor a choice is ever changed; retention drops a training after a year."""

from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from recoup.db.statement import DIRECTORY, Read, Row, Tx, Written, columns_of
from recoup.db.table import insert_of, stored

LISTED_MAX: Final = 100


class ModelChoice(Row, frozen=True):
    """`name` None: none decides. `back_to`: the choice that held before; None: none did."""

    choice_no: int
    name: str | None
    back_to: int | None


@DIRECTORY.statement(
    "SELECT choice_no, name, back_to FROM model_choices ORDER BY choice_no DESC LIMIT 1"
)
async def last_choice(db: Read) -> ModelChoice | None:
    """The last choice of a model; None: nobody ever chose."""


@DIRECTORY.statement("SELECT choice_no, name, back_to FROM model_choices WHERE choice_no = $1")
async def find_choice(db: Read, choice_no: int) -> ModelChoice | None: ...


class ModelContent(NamedTuple):
    """The model as it is stored, and the hash that it was stored with."""

    content: str
    sha256: str


@DIRECTORY.statement("SELECT content, sha256 FROM models WHERE name = $1")
async def content_of(db: Read, name: str) -> ModelContent | None: ...


class _Model(Row):
    """From `held_from` on attempts were held out; None: it was not tried, so with all up to
    `score_error`, the standard error of the difference of the scores."""

    name: str
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


class StoredModel(_Model):
    """`bytes`: how many. `taken_at`: when it was last chosen."""

    bytes: int = 0
    taken_at: datetime | None = None


_STORED: Final = f"""
SELECT {columns_of(_Model, "m")}, length(m.content) AS bytes,
  (SELECT max(c.chosen_at) FROM model_choices c WHERE c.name = m.name) AS taken_at
FROM models m
"""


@DIRECTORY.statement(f"{_STORED} ORDER BY m.made_at DESC, m.name LIMIT {LISTED_MAX}")
async def list_models(db: Read) -> list[StoredModel]:
    """The newest first."""


@DIRECTORY.statement(f"{_STORED} WHERE m.name = $1")
async def find_model(db: Read, name: str) -> StoredModel | None: ...


@DIRECTORY.statement("SELECT name FROM models ORDER BY name")
async def model_names(db: Read) -> list[str]: ...


@stored("models")
class NewModel(_Model, kw_only=True):
    content: str


@DIRECTORY.statement(f"{insert_of(NewModel, single=True)} ON CONFLICT DO NOTHING RETURNING true")
async def add_model(db: Tx, row: NewModel) -> bool:
    """Adds a model; False for one that is there already."""


@DIRECTORY.statement("""
INSERT INTO model_choices (choice_no, name, back_to, why, actor, chosen_at)
SELECT $1, $2, $3, $4, $5, $6 ON CONFLICT DO NOTHING RETURNING choice_no
""")
async def add_choice(
    db: Tx, number: int, name: str | None, back_to: int | None, why: str, actor: str, at: datetime
) -> bool:
    """Adds a choice; False where somebody else has just made that choice."""


@stored("trainings")
class TrainingLine(Row, frozen=True):
    """`attempts`: that were read. `model`: what was made, kept or not. The scores are mean
    log-losses."""

    began_at: datetime
    ended_at: datetime
    mode: Literal["candidate", "take"]
    result: Literal["taken", "candidate", "not_better", "too_little", "failed"]
    attempts: int
    model: str | None
    compared_with: str | None
    score: float | None
    compared_score: float | None
    note: str


@DIRECTORY.statement("""
SELECT began_at, ended_at, mode, result, attempts, model, compared_with, score, compared_score, note
FROM trainings ORDER BY began_at DESC LIMIT 1
""")
async def last_training(db: Read) -> TrainingLine | None:
    """The last training; None: there was none yet."""


@DIRECTORY.statement("""
SELECT name FROM models
WHERE made_by = $1 AND made_at > coalesce((SELECT max(chosen_at) FROM model_choices), '-infinity')
ORDER BY made_at DESC, name LIMIT 1
""")
async def standing_candidate(db: Read, made_by: str) -> str | None:
    """The newest model that it made since somebody last chose one."""


@DIRECTORY.statement(f"{insert_of(TrainingLine, single=True)} ON CONFLICT DO NOTHING")
async def add_training(db: Tx, row: TrainingLine) -> None:
    """Adds a training, once for each beginning."""


TRAININGS_KEPT: Final = timedelta(days=366)


@DIRECTORY.statement(
    "DELETE FROM trainings WHERE ctid IN (SELECT ctid FROM trainings WHERE began_at < $1 LIMIT $2)"
)
async def forget_trainings(db: Tx, before: datetime, limit: int) -> Written:
    """Deletes old trainings; what came of them is kept with their models."""
