"""Faults of the copies, for `recoup backup check` and `recoup doctor`."""

import asyncio
import math
from datetime import timedelta
from pathlib import Path
from typing import Final

import asyncpg

from recoup.db.connect import connect
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.main.backup.barman import Barman, Finding, find_barman
from recoup.main.backup.configuration import AGE_HOURS_MAX, FILE, SERVER, keys_in
from recoup.main.backup.copies import age_seconds, lag_bytes, read_record, slot_of
from recoup.main.databases import Databases, has_live

LAG_BYTES_MAX: Final = 64 * 1024**2
SET_UP: Final = (
    "Run `recoup backup init`; on a server of your own `recoup backup at FOLDER` for its Barman, or"
    " `recoup backup done` after each copy by another tool. See docs/backup.md."
)


async def examined(data_dir: Path, databases: Databases) -> list[Finding]:
    """Raises: Problem(unavailable)."""
    record = read_record(data_dir)
    if record is None:
        return [Finding("copy", not await has_live(databases), "none was set up", SET_UP)]
    home = Path(record.home)
    barman = Barman(record.barman, home / FILE)
    try:
        findings = [_age(data_dir, barman.words("backup", SERVER) if record.home else "")]
    except Problem as problem:
        return [Finding("copy", False, str(problem.message), str(problem.cure or ""))]
    if record.home:
        findings += [
            Finding("keys", False, f"{path} lies beside the copy", "Move it elsewhere.")
            for path in keys_in(home)
        ]
        findings.append(await _lag(databases, barman, slot_of(data_dir)))
        find_barman(record.barman)
        wrong = [finding for finding in await asyncio.to_thread(barman.check) if not finding.ok]
        findings += wrong or [Finding("barman", True, "in order", "")]
    return findings


def _age(data_dir: Path, command: str) -> Finding:
    age = age_seconds(data_dir, Clocks().wall())
    assert age is not None
    words = (
        "none is complete"
        if math.isinf(age)
        else f"the newest is {timedelta(seconds=round(age))} old"
    )
    cure = (
        f"Make one every day: `{command}`."
        if command
        else "Does what copies the databases still run?"
    )
    return Finding("copy", age <= AGE_HOURS_MAX * 3600, words, cure)


async def _lag(databases: Databases, barman: Barman, slot: str) -> Finding:
    """Lag of the copy: how much of the log is on this machine alone."""
    try:
        connection = await connect(databases.people)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return Finding(
            "log", False, f"not read: {type(error).__name__}", "See the lines on databases."
        )
    try:
        lag = await lag_bytes(connection, slot)
    finally:
        await connection.close()
    if lag is None:
        return Finding(
            "log",
            False,
            f"nobody receives it by the slot {slot}",
            f"Run every minute: `{barman.words('cron')}`.",
        )
    if math.isinf(lag):
        words, command = "some is gone that the copy lacks", barman.words("backup", SERVER)
        return Finding("log", False, words, f"Make a new copy at once: `{command}`.")
    words = f"{lag / 1e6:.1f} MB are not in the copy yet"
    return Finding(
        "log",
        lag <= LAG_BYTES_MAX,
        words,
        "Does Barman's cron run every minute, and has the disk room?",
    )
