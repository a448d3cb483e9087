"""Keys that end, and which processes know of it. All times are the database's."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import DIRECTORY, Read, Row, Tx
from recoup.kernel.frozen import frozen

CHANNEL: Final = "key_endings"
ENDINGS_MAX: Final = 20_000  # that a process keeps; with more it asks for each


@frozen
class Heard:
    """`ends`: key -> when it ends, None for one that has; None with more of them than are kept.
    `held`: whether the lease had not run out. `at`: all that was committed before is in it."""

    ends: Mapping[str, datetime | None] | None
    held: bool
    at: datetime


class _Heard(Row):
    held: bool
    keys: tuple[str, ...] | None
    ends: tuple[datetime | None, ...] | None
    at: datetime


# What was committed before the statement came is in its snapshot; that it was taken in the next one
# says. `held`: the
# lease before had not run out then, so that a flow that ended a key in between saw it and waits.
@DIRECTORY.statement(f"""
WITH before AS (SELECT lease_until > statement_timestamp() AS held FROM key_listeners
  WHERE listener_id = $1),
me AS (
  INSERT INTO key_listeners VALUES ($1, coalesce($3::timestamptz, '-infinity'),
    statement_timestamp() + $2::interval)
  ON CONFLICT (listener_id) DO UPDATE SET heard_at = EXCLUDED.heard_at,
    lease_until = EXCLUDED.lease_until)
SELECT coalesce((SELECT held FROM before), false) AS held, e.keys, e.ends,
  statement_timestamp() AS at
FROM (SELECT array_agg(key) AS keys, array_agg(ends_at) AS ends
  FROM (SELECT key, ends_at FROM key_endings LIMIT {ENDINGS_MAX + 1}) few) e
""")
async def _hear(
    db: Tx, listener_id: UUID, lease: timedelta, taken_in: datetime | None
) -> _Heard: ...


async def hear(db: Tx, listener_id: UUID, lease: timedelta, taken_in: datetime | None) -> Heard:
    """All endings. A flow that ends keys learns until when the listener uses its memory, and which
    reading."""
    row = await _hear(db, listener_id, lease, taken_in)
    keys = row.keys or ()
    ends = dict(zip(keys, row.ends or (), strict=True)) if len(keys) <= ENDINGS_MAX else None
    return Heard(ends, row.held, row.at)


@DIRECTORY.statement("DELETE FROM key_listeners WHERE listener_id = $1")
async def leave(db: Tx, listener_id: UUID) -> None:
    """Removes a listener: it goes by nothing that it heard any more."""


@DIRECTORY.statement(f"""
WITH woken AS MATERIALIZED (SELECT pg_notify('{CHANNEL}', '')) SELECT clock_timestamp() FROM woken
""")
async def announce(db: Tx) -> datetime:
    """Wakes all listeners, after the commit; answers from when on one that hears has heard of
    it."""


@DIRECTORY.statement("""
SELECT EXISTS (
  SELECT FROM key_listeners WHERE heard_at < $1::timestamptz
    AND lease_until + $2::interval > clock_timestamp())
""")
async def any_behind(db: Read, since: datetime, grace: timedelta) -> bool:
    """True when a listener has not heard since then and might still go by what it heard before."""


async def note_key_endings(db: Tx, ends: Mapping[str, datetime | None]) -> None:
    """Notes the endings of keys ended in the same transaction."""
    if ends:
        await _note_endings(db, list(ends), list(ends.values()))


@DIRECTORY.statement("""
INSERT INTO key_endings (key, ends_at, noted_at)
SELECT key, ends_at, now() FROM unnest($1::text[], $2::timestamptz[]) AS i (key, ends_at)
ON CONFLICT (key) DO UPDATE SET ends_at = EXCLUDED.ends_at, noted_at = EXCLUDED.noted_at
""")
async def _note_endings(db: Tx, keys: Sequence[str], ends: Sequence[datetime | None]) -> None: ...


class KeyEnding(Row):
    """`ends_at` None: it has ended."""

    ends_at: datetime | None


@DIRECTORY.statement("SELECT ends_at FROM key_endings WHERE key = $1")
async def find_ending(db: Read, key: str) -> KeyEnding | None:
    """Finds the ending of a key; None for one that goes on."""


async def forget_endings(db: Tx, after: timedelta) -> None:
    """Deletes endings with which nothing can be shown any more, and listeners that are gone."""
    await _forget_listeners(db, after)
    await _forget_endings(db, after)


@DIRECTORY.statement("DELETE FROM key_listeners WHERE lease_until < now() - $1::interval")
async def _forget_listeners(db: Tx, after: timedelta) -> None: ...


@DIRECTORY.statement("""
DELETE FROM key_endings WHERE noted_at < now() - $1::interval
  AND (ends_at IS NULL OR ends_at < now() - $1)
""")
async def _forget_endings(db: Tx, after: timedelta) -> None: ...
