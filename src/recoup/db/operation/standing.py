"""Progress of a world's database, as it says itself and as the people's database noted it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, PEOPLE, Read, Row, Tx
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


@DIRECTORY.statement("""
INSERT INTO epochs (epoch, lost_from, lost_to, asks_first_until, feed, begun_at, begun_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true
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
