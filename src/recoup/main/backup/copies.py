"""Copies there are and how old: as Barman notes them, without starting it."""

import configparser
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec

from recoup.db.server.folder import write_private
from recoup.kernel.problem import Problem, Sentence
from recoup.main.backup.configuration import FILE, SERVER, SLOT

RECORD: Final = "backup.json"
_COMPLETE: Final = ("DONE", "WAITING_FOR_WALS")
_LAG: Final = """
SELECT wal_status = 'lost' AS lost, pg_wal_lsn_diff(pg_current_wal_lsn(),
  restart_lsn)::float8 AS behind
FROM pg_replication_slots WHERE slot_name = $1
"""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Record in the data folder. `home` and `barman`: of `recoup backup init`; `done`: of a copy by
    another tool."""

    home: str = ""
    barman: str = ""
    done: datetime | None = None


class Copy(NamedTuple):
    """A complete copy. `is_done`: with all of the log that it needs."""

    id: str
    ended: datetime
    size: int
    system_id: str
    major: int
    is_encrypted: bool
    is_done: bool


def read_record(data_dir: Path) -> Record | None:
    """The record; None where it is missing or unreadable."""
    try:
        return msgspec.json.decode((data_dir / RECORD).read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError):
        return None


def write_record(data_dir: Path, record: Record) -> None:
    write_private(data_dir / RECORD, msgspec.json.encode(record).decode() + "\n")


def unreadable(path: Path, error: OSError) -> Problem:
    message = Sentence("{0} cannot be read: {1}.", path, error.strerror or type(error).__name__)
    cure = (
        "Let Barman run as Recoup's user with its barman.conf in its folder, or run `recoup backup "
        "done` after each"
        " copy; see docs/backup.md."
    )
    return Problem("unavailable", message, cure=cure)


def copies_in(home: Path) -> list[Copy]:
    """Complete copies, the oldest first. Raises: Problem(unavailable) where they cannot be read."""
    copies, folder = [], home / SERVER / "meta"
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise unreadable(folder, error) from None
    for name in names:
        if not name.endswith("-backup.info"):
            continue
        try:
            lines = (folder / name).read_text(errors="replace").splitlines()
        except FileNotFoundError:
            continue  # deleted just now
        except OSError as error:
            raise unreadable(folder / name, error) from None
        if (copy := copy_of(name.removesuffix("-backup.info"), lines)) is not None:
            copies.append(copy)
    return sorted(copies, key=lambda copy: (copy.ended, copy.id))


def copy_of(copy_id: str, lines: Sequence[str]) -> Copy | None:
    """Copy from a `backup.info`; None for one that was not completed."""
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    try:
        ended = datetime.fromisoformat(values["end_time"])
        return (
            Copy(
                copy_id,
                ended if ended.tzinfo else ended.replace(tzinfo=UTC),
                int(values["size"]),
                values["systemid"],
                int(values["version"]) // 10000,
                values.get("encryption", "None") != "None",
                values["status"] == "DONE",
            )
            if values["status"] in _COMPLETE
            else None
        )
    except (KeyError, ValueError):
        return None


def age_seconds(data_dir: Path, now: datetime) -> float | None:
    """Age of the newest copy; infinite where none was completed, None where nothing was set up.
    Raises: Problem(unavailable)."""
    record = read_record(data_dir)
    if record is None:
        return None
    ended = (
        [copy.ended for copy in copies_in(Path(record.home)) if copy.is_done] if record.home else []
    )
    if record.done is not None:
        ended.append(record.done)
    return (now - max(ended)).total_seconds() if ended else math.inf


def slot_of(data_dir: Path) -> str:
    """Slot by which Barman receives the log, as its barman.conf names it."""
    record, parser = read_record(data_dir), configparser.RawConfigParser(strict=False)
    if record is None or not record.home:
        return SLOT
    with suppress(configparser.Error, ValueError):
        parser.read(Path(record.home) / FILE)
    return parser.get(SERVER, "slot_name", fallback=SLOT)


async def lag_bytes(connection: Any, slot: str) -> float | None:
    """Bytes of the log that the copy lacks; infinite once some is gone for good, None without a
    slot."""
    row: asyncpg.Record | None = await connection.fetchrow(_LAG, slot)
    if row is None:
        return None
    return math.inf if row["lost"] or row["behind"] is None else float(row["behind"])
