"""Progress of a world's database, as it says itself and as the people's database noted it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import (
    CHAIN,
    DIRECTORY,
    HUB,
    MERCHANT,
    PEOPLE,
    Home,
    Read,
    Row,
    Tx,
    Written,
)
from recoup.kernel.standing import Mark, Reached


class WorldMark(Row):
    """`lost_from`, `lost_to` and `asks_first_until` span all that was lost and is still asked
    for."""

    epoch: int
    beat: int
    beat_at: datetime | None
    created_at: datetime
    lost_from: datetime | None
    lost_to: datetime | None
    asks_first_until: datetime | None

    @property
    def reached(self) -> Reached:
        return Reached(Mark(self.epoch, self.beat), self.beat_at)


@DIRECTORY.statement("""
SELECT greatest(w.epoch, max(e.epoch)) AS epoch, w.beat, w.beat_at, w.created_at,
  min(e.lost_from) FILTER (WHERE e.asks_first_until > now()) AS lost_from,
  max(e.lost_to) FILTER (WHERE e.asks_first_until > now()) AS lost_to,
  max(e.asks_first_until) FILTER (WHERE e.asks_first_until > now()) AS asks_first_until
FROM world w LEFT JOIN epochs e ON true GROUP BY w.one
""")
async def world_mark(db: Read) -> WorldMark: ...


@DIRECTORY.statement("""
UPDATE world SET beat = beat + 1, beat_at = $3
WHERE beat >= $2 AND greatest(epoch, (SELECT max(e.epoch) FROM epochs e)) = $1 RETURNING beat
""")
async def count_on(db: Tx, epoch: int, beat: int, now: datetime) -> int | None:
    """The next beat; None for a database that is no longer so far."""


class HomeMark(Row):
    """Mark of a home, and that of the directory as the home's server has it."""

    epoch: int
    beat: int
    at: datetime
    world_epoch: int
    world_beat: int

    @property
    def reached(self) -> Reached:
        return Reached(Mark(self.epoch, self.beat), self.at)

    @property
    def least(self) -> Reached:
        """How far both got."""
        return Reached(
            min(Mark(self.epoch, self.beat), Mark(self.world_epoch, self.world_beat)), self.at
        )


_MARK: Final = """
SELECT m.epoch, m.beat, m.at, greatest(w.epoch, (SELECT max(e.epoch) FROM epochs e)) AS world_epoch,
  w.beat AS world_beat
FROM {0}_mark m CROSS JOIN world w
"""
_NOTE: Final = """
INSERT INTO {0}_mark (epoch, beat, at) VALUES ($1, $2, $3)
ON CONFLICT (one) DO UPDATE SET epoch = EXCLUDED.epoch, beat = EXCLUDED.beat, at = EXCLUDED.at
WHERE ({0}_mark.epoch, {0}_mark.beat) >= ($4, $5)
"""


async def _mark_of(db: Read) -> HomeMark | None: ...


async def _note_of(
    db: Tx, epoch: int, beat: int, at: datetime, known_epoch: int, known_beat: int
) -> Written: ...


HOMES: Final[tuple[Home, ...]] = (MERCHANT, HUB, CHAIN)
_MARKS: Final = {home: home.statement(_MARK.format(home.value))(_mark_of) for home in HOMES}
_NOTES: Final = {home: home.statement(_NOTE.format(home.value))(_note_of) for home in HOMES}


async def home_mark(db: Read, home: Home) -> HomeMark | None:
    """None: it was never marked."""
    return await _MARKS[home](db)


@DIRECTORY.statement("SELECT epoch, beat FROM cells WHERE cell = $1")
async def _mark_of_cell(db: Read, cell: int) -> Mark | None: ...


@DIRECTORY.statement("""
INSERT INTO cells (cell, epoch, beat, added_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (cell) DO UPDATE SET epoch = EXCLUDED.epoch, beat = EXCLUDED.beat
""")
async def _note_of_cell(db: Tx, cell: int, epoch: int, beat: int, now: datetime) -> None: ...


async def reached_by_cell(db: Read, cell: int) -> Reached:
    """How far a cell got as the directory says it: others count the world on without it."""
    return Reached(await _mark_of_cell(db, cell) or Mark(0, 0), None)


async def mark_homes(tx: Tx, now: datetime, known: Mapping[Home, HomeMark], cell: int) -> bool:
    """Each home is as far as the world is, in the transaction that counted it on. False for one
    that is no longer so far as is `known`."""
    mark = (await world_mark(tx)).reached.mark
    await _note_of_cell(tx, cell, *mark, now)
    for home, note in _NOTES.items():
        least = known[home].reached.mark if home in known else Mark(0, 0)
        if not await note(tx, *mark, now, *least):
            return False
    return True


@DIRECTORY.statement("""
INSERT INTO epochs (epoch, lost_from, lost_to, asks_first_until, feed, begun_at, begun_by)
SELECT $1, $2, $3, $4, $5, $6, $7 ON CONFLICT DO NOTHING RETURNING true
""")
async def begin_epoch(
    db: Tx,
    epoch: int,
    lost_from: datetime,
    lost_to: datetime,
    asks_first_until: datetime,
    feed: int,
    now: datetime,
    who: str,
) -> bool:
    """Begins an epoch; True when it was begun now: of two that recover at once one does it."""


@MERCHANT.statement("""
SELECT kind, count(*) FROM due_work WHERE due_at <= $1 AND kind = ANY($2) GROUP BY kind
  ORDER BY kind
""")
async def waiting_since(db: Read, until: datetime, kinds: Sequence[str]) -> dict[str, int]: ...


@MERCHANT.statement("SELECT merchant_id FROM merchants ORDER BY merchant_id")
async def every_merchant(db: Read) -> list[UUID]:
    """The oldest first."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM epochs e WHERE e.asks_first_until > now() AND e.lost_to > e.lost_from
  AND NOT EXISTS (SELECT FROM reconciliation_runs r WHERE r.merchant_id = $1 AND r.kind = 'bank'
    AND r.created_at > e.begun_at AND r.period_from <= e.lost_from AND r.period_to >= e.lost_to))
""")
async def awaits_statement(db: Read, merchant_id: UUID) -> bool:
    """True when no statement of the bank's was compared yet that shows what was paid out in an
    interval that is lost."""


class Noted(Row):
    """Notes of the people's database on a world; `noted` counts these notes."""

    epoch: int
    beat: int
    beat_at: datetime | None
    feed: int
    noted: int

    @property
    def reached(self) -> Reached:
        return Reached(Mark(self.epoch, self.beat), self.beat_at, self.feed)

    @property
    def own(self) -> Mark:
        """The mark that the people's database itself got to."""
        return Mark(self.epoch, self.noted)


@PEOPLE.statement(
    "SELECT epoch, beat, beat_at, feed, noted FROM installation_worlds WHERE name = $1"
)
async def noted_mark(db: Read, world: str) -> Noted | None: ...


@PEOPLE.statement("""
UPDATE installation_worlds SET noted = noted + 1, epoch = greatest(epoch, $2), feed = greatest(feed,
  $5),
  beat = CASE WHEN ($2::bigint, $3::bigint) > (epoch, beat) THEN $3 ELSE beat END,
  beat_at = CASE WHEN ($2::bigint, $3::bigint) > (epoch, beat) THEN $4 ELSE beat_at END
WHERE name = $1 AND (epoch, noted) >= ($6, $7) RETURNING epoch, beat, beat_at, feed, noted
""")
async def note_mark(
    db: Tx,
    world: str,
    epoch: int,
    beat: int,
    at: datetime,
    feed: int,
    known_epoch: int,
    known_noted: int,
) -> Noted | None:
    """Notes a mark, where none higher is noted; None for a database that is no longer so far
    itself."""
