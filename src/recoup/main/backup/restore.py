"""Restores a copy into a folder of its own, verifies it there, and on a second command puts it in
place."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
import msgspec

from recoup.db.connect import connect
from recoup.db.operation.standing import world_mark
from recoup.db.server import EmbeddedServer, ServerAddress, find_binaries
from recoup.db.server.cluster import cluster_folder
from recoup.db.server.copied import give_cluster, system_id_of
from recoup.db.server.folder import write_private
from recoup.db.server.locks import locked
from recoup.db.server.postmaster import find_postmaster
from recoup.kernel.private_files import sync_folder
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.standing import Mark, Reached
from recoup.kernel.time import Clocks
from recoup.main.backup.barman import RESTORE_SECONDS_MAX, Barman, find_programs, said
from recoup.main.backup.configuration import FILE, SERVER, user_name
from recoup.main.backup.copies import Copy, copies_in
from recoup.main.settings import Settings, settings_file
from recoup.main.up import BASE, only_one
from recoup.outside.keys.files import load
from recoup.outside.keys.keyring import ENVIRONMENT, given_keys
from recoup.outside.keys.material import to_text
from recoup.outside.marks import MarkFile

NOTE: Final = "restored.json"
WORLDS: Final = ("sandbox", "live")
JOBS: Final = 4  # of rsync
SLACK_BYTES: Final = 256 * 1024**2
PROMOTED_SECONDS_MAX: Final = 3600.0
_ENDS: Final = re.compile(r"last completed transaction was at log time (\S+ \S+)")
_TOO_LATE: Final = "recovery ended before configured recovery target was reached"
_SAFE: Final = re.compile(r"[\w./+-]+")  # safe in Barman's restore_command
_LEFT: Final = ("restore_command", "recovery_end_command", "recovery_target_timeline",
"recovery_target_time",
                "recovery_target_action")  # fmt: skip


class Restored(msgspec.Struct, frozen=True):
    """`ends`: of the last transaction, as PostgreSQL's log has it. `verified`: None until it was
    tried."""

    copy: str
    to: str
    home: str
    ends: str = ""
    verified: bool | None = None
    seconds: dict[str, float] = {}


class Wanted(NamedTuple):
    """Copy to restore. `to`: None for all there is."""

    home: Path
    beside: Path
    to: datetime | None
    copy: str = ""
    passphrase: Path | None = None


def parse_time(text: str, now: datetime) -> datetime | None:
    """The moment; None for `latest`. Raises: Problem(invalid)."""
    if text == "latest":
        return None
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise invalid(
            f"{text!r} is not a time.",
            "to",
            "Write it like 2026-11-27T14:05:00Z, with its zone, or latest.",
        )
    if at > now:
        raise invalid(f"{text} lies ahead.", "to", "Write an earlier time, or latest.")
    return at


def choose(copies: Sequence[Copy], wanted: Wanted) -> Copy:
    """The newest that was complete before the time. Raises: Problem(invalid)."""
    if not copies:
        raise invalid(
            f"{wanted.home} holds no complete copy.", "from", "Name the folder of the copies."
        )
    usable = [copy for copy in copies if wanted.to is None or copy.ended <= wanted.to]
    if wanted.copy:
        named = next((copy for copy in copies if copy.id == wanted.copy), None)
        if named is None:
            there = ", ".join(copy.id for copy in copies)
            raise invalid(f"There is no copy {wanted.copy}.", "backup", f"There are {there}.")
        if named not in usable:
            message = (
                f"The copy {named.id} was complete at {named.ended.isoformat()}, after that time."
            )
            raise invalid(message, "to", "Write a later time, or leave --backup away.")
        return named
    if not usable:
        message = f"The first copy was complete at {copies[0].ended.isoformat()}, after that time."
        raise invalid(message, "to", "Write a later time: there is nothing from before.")
    return usable[-1]


def check_ours(copy: Copy, data_dir: Path) -> None:
    """Raises: Problem(invalid) for a copy of another installation than the one whose database lies
    there."""
    own = system_id_of(cluster_folder(data_dir))
    if own is not None and own != copy.system_id:
        raise invalid(
            f"The copy {copy.id} is of another installation than {data_dir}.",
            "from",
            "Name this one's folder of copies, or the other's --data-dir.",
        )


def check_room(copy: Copy, home: Path, beside: Path) -> None:
    """Raises: Problem(no_space)."""
    log = sum(
        path.stat().st_size
        for path in (home / SERVER).glob("*/**/0000*")
        if path.is_file() and _is_log(path)
    )
    needed = copy.size * (2 if copy.is_encrypted else 1) + log + SLACK_BYTES
    place = next(folder for folder in (beside, *beside.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        message = (
            f"The restored database needs {needed / 1e9:.1f} GB, and {place} has {free / 1e9:.1f}."
        )
        raise Problem(
            "no_space", message, cure="Free some, or name a folder of another disk with --beside."
        )


def _is_log(path: Path) -> bool:
    return path.parent.name == "streaming" or "wals" in path.parts


def restore(
    settings: Settings, program: str, wanted: Wanted, *, verified: bool, say: Callable[[str], None]
) -> bool:
    """Restores; answers whether `recoup verify` holds, where asked for. Raises: Problem."""
    data_dir, beside = settings.data_dir, wanted.beside
    if beside.exists() and any(beside.iterdir()):
        cure = (
            f"Remove it (rm -r {beside}), or name another with --beside; --take puts it in the "
            f"database's place."
        )
        raise Problem("conflict", f"{beside} is not empty.", field="beside", cure=cure)
    if not _SAFE.fullmatch(str(beside)):
        raise invalid(
            f"Barman cannot restore into {beside}.",
            "beside",
            "Use letters, digits and ./+-_ alone.",
        )
    copy = choose(copies_in(wanted.home), wanted)
    check_ours(copy, data_dir)
    find_binaries(copy.major)
    find_programs(("rsync", "gpg", "file") if copy.is_encrypted else ("rsync",))
    check_room(copy, wanted.home, beside)
    if not given_keys(os.environ):
        load(data_dir / "keys")
    to = wanted.to.isoformat() if wanted.to else "latest"
    say(f"Restoring the copy {copy.id} to {to} into {beside} ...")
    beside.mkdir(mode=0o700, parents=True, exist_ok=True)
    seconds, begun = dict[str, float](), time.monotonic()
    try:
        _recover(program, copy, wanted)
        seconds["copied"] = time.monotonic() - begun
        give_cluster(beside)
        server = EmbeddedServer(beside)
        try:
            address = server.start()
            worlds = asyncio.run(_marked(beside, address))
            seconds["ready"] = time.monotonic() - begun
            note = Restored(copy.id, to, str(wanted.home), _ends(server.log), None, seconds)
            _write(beside, note)
            ends = note.ends or "the end of the copy"
            say(f"Its last transaction was at {ends}; ready after {seconds['ready']:.1f} s.")
            if not verified:
                return True
            holds = _verified(settings, beside, address, worlds, say)
            seconds["verified"] = time.monotonic() - begun
            _write(beside, msgspec.structs.replace(note, verified=holds))
            return holds
        finally:
            server.stop()
    except BaseException as error:
        log = beside / "postgres.log"
        is_late = log.exists() and _TOO_LATE in log.read_text(errors="replace")
        ends = _ends(log) if is_late else ""
        if not (beside / NOTE).exists():
            shutil.rmtree(beside, ignore_errors=True)
        if not is_late or not isinstance(error, Problem):
            raise
        raise invalid(
            f"The copy ends before {to}: its last transaction was at "
            f"{ends or 'the end of the copy itself'}.",
            "to",
            "Write that time or an earlier one, or latest.",
        ) from None


def _recover(program: str, copy: Copy, wanted: Wanted) -> None:
    """Raises: Problem(unavailable) with Barman's reason."""
    words = [
        "recover",
        "--partial-wal",
        "--no-get-wal",
        "--target-action",
        "promote",
        "--target-tli",
        "latest",
    ]
    words += ["--jobs", str(JOBS)]
    words += ["--target-time", wanted.to.isoformat(" ")] if wanted.to else []
    words += ["--staging-path", str(wanted.beside)] if copy.is_encrypted else []
    with tempfile.TemporaryDirectory(prefix="recoup-restore-") as folder:
        file = Path(folder) / FILE
        file.write_text(
            adapted((wanted.home / FILE).read_text(), wanted, find_binaries(copy.major).folder)
        )
        barman = Barman(program, file)
        barman.run(
            "archive-wal", SERVER, seconds_max=RESTORE_SECONDS_MAX
        )  # what was received in whole, not filed yet
        place = str(cluster_folder(wanted.beside))
        done = barman.run(*words, SERVER, copy.id, place, seconds_max=RESTORE_SECONDS_MAX)
    if done.returncode:
        message = f"Barman did not restore the copy {copy.id}: {said(done.stdout, done.stderr)}"
        cure = (
            "Encrypted copies want --passphrase-file."
            if copy.is_encrypted and not wanted.passphrase
            else None
        )
        raise Problem(
            "unavailable", message, cure=cure or f"Its log is {wanted.home / 'barman.log'}."
        )


def adapted(text: str, wanted: Wanted, programs: Path) -> str:
    """The configuration for this machine: the folder may have moved, and its user have another
    name."""
    own = {
        "barman_user": user_name(),
        "barman_home": str(wanted.home),
        "log_file": str(wanted.home / "barman.log"),
        "path_prefix": str(programs),
    }
    lines = []
    for line in text.splitlines():
        name = line.split("=")[0].strip()
        lines.append(f"{name} = {own[name].replace('%', '%%')}" if name in own else line)
    if wanted.passphrase is not None:
        path = str(wanted.passphrase).replace("'", "'\\''").replace("%", "%%")
        lines.append(f"encryption_passphrase_command = cat '{path}'")
    return "\n".join(lines) + "\n"


async def _promoted(address: ServerAddress) -> None:
    """Raises: Problem(unavailable) when it ends on the way."""
    until = time.monotonic() + PROMOTED_SECONDS_MAX
    while time.monotonic() < until:
        try:
            connection = await connect(address.dsn("postgres"))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, Problem):
            # A Problem: it answers, as a replica until all of its log is read.
            if find_postmaster(Path(address.host).parent / "postgres") is None:
                break
        else:
            try:
                for name in _LEFT:
                    await connection.execute(f"ALTER SYSTEM RESET {name}")
                return
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pass
            finally:
                connection.terminate()
        await asyncio.sleep(0.2)
    raise Problem(
        "unavailable", "The restored server ended before it had read the log of the copy."
    )


def _ends(log: Path) -> str:
    ends = _ENDS.findall(log.read_text(errors="replace"))
    return ends[-1] if ends else ""


def _write(folder: Path, note: Restored) -> None:
    write_private(folder / NOTE, msgspec.json.encode(note).decode() + "\n")


def _verified(
    settings: Settings,
    beside: Path,
    address: ServerAddress,
    worlds: Sequence[str],
    say: Callable[[str], None],
) -> bool:
    """`recoup verify` of each world, by the installation's keys and settings, on the restored
    databases."""
    environment = dict(os.environ)
    if not given_keys(environment):
        environment[ENVIRONMENT] = to_text(load(settings.data_dir / "keys"))
    environment["RECOUP_CONFIG"] = str(settings_file(settings.data_dir))
    for world in ("people", "sandbox", "live"):
        environment[f"RECOUP_{world.upper()}_DATABASE_URL"] = address.dsn(f"recoup_{world}")
    holds = True
    for world in worlds:
        command = [
            *BASE,
            *(["--live"] if world == "live" else []),
            "verify",
            "--data-dir",
            str(beside),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        say(f"verify {world}: {said(done.stdout, done.stderr) if done.returncode else 'ok'}")
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
            holds = False
    return holds


async def _marked(beside: Path, address: ServerAddress) -> list[str]:
    """Waits for the restored worlds, and has them quarantined when they are opened. Raises:
    Problem."""
    await _promoted(address)
    return await note_lost(beside, {world: address.dsn(f"recoup_{world}") for world in WORLDS})


async def note_lost(data_dir: Path, databases: Mapping[str, str]) -> list[str]:
    """Notes that each world got further, by a beat at least: commits in the moments after its last
    beat are lost, and nothing else knows of them."""
    noted, now = list[str](), Clocks().wall()
    for world, dsn in databases.items():
        try:
            connection = await connect(dsn)
        except asyncpg.InvalidCatalogNameError:
            continue
        try:
            epoch, beat = (await world_mark(connection)).reached.mark
        finally:
            await connection.close()
        MarkFile(data_dir, world).keep(Reached(Mark(epoch, beat + 1), now), Mark(0, 0))
        noted.append(world)
    return noted


def take(data_dir: Path, beside: Path, *, unverified: bool) -> Path | None:
    """Puts the restored database in the place of the former one; answers where that is now. The
    installation is stopped; a take that was cut off can be repeated. Raises: Problem."""
    note = read_note(beside)
    if note is None:
        raise invalid(
            f"Nothing was restored in {beside}.",
            "beside",
            "Run `recoup restore --to latest` first.",
        )
    if note.verified is not True and not unverified:
        was = "did not hold" if note.verified is False else "was not finished"
        cure = "Restore to another time; or add --unverified, and look into it afterwards."
        raise Problem("conflict", f"`recoup verify` of the restored database {was}.", cure=cure)
    with only_one(data_dir), locked(data_dir / "postgres.starting") as free:
        own, new = cluster_folder(data_dir), cluster_folder(beside)
        if not free or find_postmaster(own) or find_postmaster(new):
            message = f"A server runs on {own if find_postmaster(own) else new}."
            raise Problem(
                "conflict", message, cure="Stop Recoup first: `recoup up`, `serve`, `worker`."
            )
        if new.exists() and new.stat().st_dev != data_dir.stat().st_dev:
            message = f"{beside} is on another disk than {data_dir}."
            cure = (
                f"Move it: mv {new} {data_dir / 'postgres.restored'}; then name that disk's "
                f"folder with --beside."
            )
            raise Problem("conflict", message, cure=cure)
        for world in WORLDS:
            if (kept := MarkFile(beside, world).read()) is not None:
                MarkFile(data_dir, world).keep(kept.reached, kept.people)
        _write(data_dir, note)
        former = own.with_name(f"{own.name}.before-{Clocks().wall():%Y%m%dT%H%M%S}")
        if new.exists():
            if own.exists():
                own.rename(former)
            new.rename(own)
            sync_folder(data_dir)
        _set_aside(Path(note.home))
        shutil.rmtree(beside)
    return former if former.exists() else None


def read_note(beside: Path) -> Restored | None:
    try:
        return msgspec.json.decode((beside / NOTE).read_bytes(), type=Restored)
    except (OSError, msgspec.MsgspecError):
        return None


def _set_aside(home: Path) -> None:
    """Moves away what Barman was receiving of the former server: its receiver would continue
    another history."""
    for path in (home / SERVER / "streaming").glob("*.partial"):
        aside = home / SERVER / "set-aside"
        aside.mkdir(mode=0o700, exist_ok=True)
        path.rename(aside / f"{path.name}.{Clocks().wall():%Y%m%dT%H%M%S}")
