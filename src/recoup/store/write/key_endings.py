"""Keys that end, and which processes know of it. All times are the database's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

CHANNEL: Final = "key_endings"
ENDINGS_MAX: Final = 20_000  # that a process keeps; with more it asks for each
# What was committed before the statement came is in its snapshot; that it was taken in the next one says. `held`: the
# lease before had not run out then, so that whoever ended a key in between saw it and waits.
_HEAR: Final = """
WITH before AS (SELECT lease_until > statement_timestamp() AS held FROM key_listeners WHERE listener_id = $1),
me AS (
  INSERT INTO key_listeners VALUES ($1, coalesce($4::timestamptz, '-infinity'), statement_timestamp() + $2::interval)
  ON CONFLICT (listener_id) DO UPDATE SET heard_at = EXCLUDED.heard_at, lease_until = EXCLUDED.lease_until)
SELECT coalesce((SELECT held FROM before), false) AS held, e.keys, e.ends, statement_timestamp() AS at
FROM (SELECT array_agg(key) AS keys, array_agg(ends_at) AS ends
  FROM (SELECT key, ends_at FROM key_endings LIMIT $3) few) e
"""
_BEHIND: Final = """
SELECT EXISTS (
  SELECT FROM key_listeners WHERE heard_at < $1::timestamptz AND lease_until + $2::interval > clock_timestamp())
"""
_FORGET: Final = """
WITH gone AS (DELETE FROM key_listeners WHERE lease_until < now() - $1::interval)
DELETE FROM key_endings WHERE noted_at < now() - $1 AND coalesce(ends_at < now() - $1, true)
"""
_ENDING: Final = "SELECT ends_at FROM key_endings WHERE key = $1"


@dataclass(frozen=True, slots=True)
class Heard:
    """`ends`: key -> when it ends, None for one that has; None with more of them than are kept. `held`: whether the
    lease had not run out. `at`: all that was committed before is in it."""

    ends: Mapping[str, datetime | None] | None
    held: bool
    at: datetime


async def hear(
    connection: asyncpg.Connection, listener_id: UUID, lease: timedelta, taken_in: datetime | None
) -> Heard:
    """All endings. Whoever ends keys is told until when the listener goes by its memory, and by which reading."""
    row = await connection.fetchrow(_HEAR, listener_id, lease, ENDINGS_MAX + 1, taken_in)
    keys = row["keys"] or []
    ends = dict(zip(keys, row["ends"] or [], strict=True)) if len(keys) <= ENDINGS_MAX else None
    return Heard(ends, row["held"], row["at"])


async def leave(connection: asyncpg.Connection, listener_id: UUID) -> None:
    """It goes by nothing that it heard any more."""
    await connection.execute("DELETE FROM key_listeners WHERE listener_id = $1", listener_id)


async def announce(connection: asyncpg.Connection) -> datetime:
    """Wakes all listeners, after the commit; answers from when on one that hears has heard of it."""
    sql = "SELECT clock_timestamp() AS now, pg_notify($1, '')"
    return (await connection.fetchrow(sql, CHANNEL))["now"]  # type: ignore[no-any-return]


async def any_behind(connection: asyncpg.Connection, since: datetime, grace: timedelta) -> bool:
    """Whether a listener has not heard since then and might still go by what it heard before."""
    return bool(await connection.fetchval(_BEHIND, since, grace))


async def find_ending(connection: asyncpg.Connection, key: str) -> tuple[datetime | None] | None:
    """(when it ends, None for one that has,); None for a key that goes on."""
    row = await connection.fetchrow(_ENDING, key)
    return (row["ends_at"],) if row else None


async def forget_endings(connection: asyncpg.Connection, after: timedelta) -> None:
    """Those with which nothing can be shown any more, and listeners that are gone."""
    await connection.execute(_FORGET, after)
