"""Upkeep of one world's database, as the owner of its schema: partitions ahead, retention behind."""

from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from recoup.db.connect import connect
from recoup.db.partitions import DAILY, PARTITIONED, RETENTION_MONTHS, ensure_partitions, partitions_of
from recoup.db.roles import owns_schema
from recoup.db.statement import DIRECTORY, HUB, MERCHANT, Tx, Written

REQUESTS_KEPT: Final = timedelta(days=30)  # the keys by which money moves or is requested stay for ever
BATCH: Final = 5_000
ALERTS_KEPT: Final = timedelta(days=90)
ROUTE_HOURS_KEPT: Final = timedelta(days=60)
TRAININGS_KEPT: Final = timedelta(days=366)
NOTICES_KEPT: Final = timedelta(days=90)
SIGHTINGS_KEPT: Final = timedelta(days=8)  # the longest window and a day


@MERCHANT.statement("""
DELETE FROM requests WHERE ctid IN (
  SELECT ctid FROM requests
  WHERE operation NOT IN ('refund', 'charge', 'payout', 'subscription') AND state = 'answered' AND created_at < $1
  LIMIT $2)
""")
async def _forget_requests(db: Tx, before: datetime, limit: int) -> Written:
    """Keys, and what they were answered."""


@MERCHANT.statement("DELETE FROM alerts WHERE ctid IN (SELECT ctid FROM alerts WHERE created_at < $1 LIMIT $2)")
async def _forget_alerts(db: Tx, before: datetime, limit: int) -> Written:
    """Of merchants."""


@HUB.statement("""
DELETE FROM partner_alerts WHERE ctid IN (
  SELECT ctid FROM partner_alerts WHERE created_at < $1 AND notified_at IS NOT NULL LIMIT $2)
""")
async def _forget_partner_alerts(db: Tx, before: datetime, limit: int) -> Written:
    """Notifications that were sent."""


@DIRECTORY.statement("DELETE FROM trainings WHERE ctid IN (SELECT ctid FROM trainings WHERE began_at < $1 LIMIT $2)")
async def _forget_trainings(db: Tx, before: datetime, limit: int) -> Written:
    """What came of them is kept with their models."""


@MERCHANT.statement(
    "DELETE FROM processor_notices WHERE ctid IN (SELECT ctid FROM processor_notices WHERE received_at < $1 LIMIT $2)"
)
async def _forget_notices(db: Tx, before: datetime, limit: int) -> Written:
    """What they were about is known by then."""


@DIRECTORY.statement("""
DELETE FROM processor_notice_counts WHERE ctid IN (
  SELECT ctid FROM processor_notice_counts WHERE day < ($1::timestamptz AT TIME ZONE 'UTC')::date LIMIT $2)
""")
async def _forget_notice_counts(db: Tx, before: datetime, limit: int) -> Written:
    """With the notices of their days."""


@DIRECTORY.statement("""
DELETE FROM unread_notice_kinds WHERE ctid IN (SELECT ctid FROM unread_notice_kinds WHERE last_at < $1 LIMIT $2)
""")
async def _forget_unread_kinds(db: Tx, before: datetime, limit: int) -> Written:
    """Forgets the kinds that no longer arrive."""


@MERCHANT.statement(
    "DELETE FROM risk_sightings WHERE ctid IN (SELECT ctid FROM risk_sightings WHERE at < $1 ORDER BY at LIMIT $2)"
)
async def _forget_sightings(db: Tx, before: datetime, limit: int) -> Written:
    """Those that no window reaches any more."""


@DIRECTORY.statement("""
DELETE FROM card_route_hours WHERE ctid IN (SELECT ctid FROM card_route_hours WHERE hour < $1 LIMIT $2)
""")
async def _forget_route_hours(db: Tx, before: datetime, limit: int) -> Written:
    """What routes are learned from is of the last weeks."""


@MERCHANT.statement("DELETE FROM api_call_gaps WHERE at < $1")
async def _forget_gaps(db: Tx, before: datetime) -> Written:
    """With the calls of their days."""


async def retain(connection: asyncpg.Connection, now: datetime) -> int:
    """Deletes what has served its time, in batches; answers how many rows and partitions."""
    gone = 0
    for forget, kept in (
        (_forget_requests, REQUESTS_KEPT),
        (_forget_alerts, ALERTS_KEPT),
        (_forget_partner_alerts, ALERTS_KEPT),
        (_forget_trainings, TRAININGS_KEPT),
        (_forget_notices, NOTICES_KEPT),
        (_forget_notice_counts, NOTICES_KEPT),
        (_forget_unread_kinds, NOTICES_KEPT),
        (_forget_sightings, SIGHTINGS_KEPT),
        (_forget_route_hours, ROUTE_HOURS_KEPT),
    ):
        done = BATCH
        while done == BATCH:
            done = await forget(connection, now - kept, BATCH)
            gone += done
    for table in PARTITIONED:
        months = RETENTION_MONTHS[table]
        if months is not None:
            gone += await _drop_old(connection, table, now, months)
    for table, days in DAILY.items():
        gone += await _drop_days(connection, table, now - timedelta(days=days))
    return gone + await _forget_gaps(connection, now - timedelta(days=DAILY["api_calls"]))


async def _drop_old(connection: asyncpg.Connection, table: str, now: datetime, months: int) -> int:
    """Partitions are named table_YYYY_MM; the first, open-ended one stays."""
    oldest = now.year * 12 + now.month - 1 - months
    old = []
    for name in await partitions_of(connection, table):
        year, _, month = name.removeprefix(f"{table}_").partition("_")
        if year.isdigit() and month.isdigit() and int(year) * 12 + int(month) - 1 < oldest:
            old.append(name)
    for name in old:
        await connection.execute(f"DROP TABLE {name}")
    return len(old)


async def _drop_days(connection: asyncpg.Connection, table: str, before: datetime) -> int:
    """Partitions are named table_YYYY_MM_DD; the first, open-ended one stays."""
    first, last = f"{table}_0", f"{table}_{before.astimezone(UTC):%Y_%m_%d}"
    old = [name for name in await partitions_of(connection, table) if first < name < last]
    for name in old:
        await connection.execute(f"DROP TABLE IF EXISTS {name}")
    return len(old)


LOCK_TIMEOUT_SECONDS: Final = 3  # a table in use is waited for so long: who comes behind is held up meanwhile


async def may_keep_up(dsn: str) -> bool:
    """Whether this log-in owns the schema."""
    connection = await connect(dsn)
    try:
        return await owns_schema(connection)
    finally:
        await connection.close()


async def keep_up(owner_dsn: str, now: datetime) -> int:
    """Answers how much was dropped; a table that stays in use ends it, and the next upkeep goes on.

    Raises: asyncpg.LockNotAvailableError, and what else the database does.
    """
    settings = {"lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s", "application_name": "recoup-upkeep"}
    connection = await connect(owner_dsn, **settings)
    try:
        await ensure_partitions(connection, now)
        return await retain(connection, now)
    finally:
        await connection.close()
