"""`recoup backup` and `recoup restore`: copies of the embedded database by Barman, and one of them
in its place."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import click
from msgspec import Meta

from recoup.db.server import find_binaries
from recoup.kernel.problem import Problem, invalid, sentences
from recoup.kernel.time import Clocks
from recoup.kit.cli.command import DataDir, Printed
from recoup.kit.cli.parameters import SHOWN, InFile, OutFolder
from recoup.main.backup.barman import Barman, find_barman, find_programs, fingerprint
from recoup.main.backup.configuration import (
    FILE,
    SERVER,
    Plan,
    allow,
    check_home,
    check_socket,
    write_configuration,
)
from recoup.main.backup.copies import Record, copies_in, read_record, unreadable, write_record
from recoup.main.backup.examined import examined
from recoup.main.backup.restore import WORLDS, Wanted, note_lost, parse_time, restore
from recoup.main.backup.restore import take as take_place
from recoup.main.databases import check_installed, used_databases
from recoup.main.settings import Settings, load_settings
from recoup.merchants.cli import verb

BarmanProgram = Annotated[str | None, "Barman's program. Default: the one on PATH."]


@click.group()
def backup() -> None:
    """Copies of the embedded database by Barman; see docs/backup.md."""


@verb(backup)
def init(
    *,
    to: Annotated[OutFolder | None, "Folder of the copies, on another disk."] = None,
    gpg_key: Annotated[str | None, "Encrypt the copies to this key of gpg."] = None,
    unencrypted: Annotated[
        bool, "Copies in clear: the disk is encrypted, or nobody reads it."
    ] = False,
    days: Annotated[int, Meta(ge=1, le=3650), SHOWN, "How far back."] = 14,
    barman: BarmanProgram = None,
    data_dir: DataDir = None,
) -> str:
    """Writes Barman's configuration and makes its role. Running it again renews both."""
    settings = embedded(data_dir)
    check_installed(settings)
    record = read_record(settings.data_dir) or Record()
    if to is None and not record.home:
        raise invalid(
            "The folder of the copies is not set.", "to", "Add --to FOLDER, on another disk."
        )
    plan = Plan(Path(os.path.abspath(to or record.home)), Path(), "", days, gpg_key or "")
    check_home(plan.home, settings.data_dir)
    if not gpg_key and not unencrypted:
        cure = (
            "Add --gpg-key KEY (its private half on another machine), or --unencrypted on an "
            "encrypted disk."
        )
        raise invalid("It is not said whether the copies shall be encrypted.", "gpg_key", cure)
    program = find_barman(barman or record.barman)
    find_programs(("rsync", "gpg", "file") if gpg_key else ("rsync",))
    if gpg_key:
        plan = plan._replace(gpg_key=fingerprint(gpg_key))
    with used_databases(settings) as databases:
        assert databases.server is not None
        assert databases.admin is not None
        address = databases.server.start()
        check_socket(address, settings.data_dir)
        plan = plan._replace(programs=find_binaries().folder, socket=address.host)
        write_configuration(plan)
        short = asyncio.run(allow(databases.admin))
    write_record(settings.data_dir, Record(str(plan.home), program))
    return _to_do(Barman(program, plan.file), settings, plan, short)


@verb(backup, json="Output as one JSON array.")
def check(*, data_dir: DataDir = None) -> Printed:
    """Runs `barman check`, and says how old the copy is and what it lacks. Exits with 1 if
    something is wrong."""
    settings = load_settings(data_dir=data_dir)
    check_installed(settings)
    with used_databases(settings) as databases:
        findings = asyncio.run(examined(settings.data_dir, databases))
    text = (
        f"{'ok' if check.ok else '!!'}  {check.name}: "
        f"{check.words if check.ok else sentences(check.words, check.cure)}"
        for check in findings
    )
    return Printed(
        [check._asdict() for check in findings],
        text,
        failed=not all(check.ok for check in findings),
    )


# Verbs for copies by other tools.


@verb(backup)
def restored(*, data_dir: DataDir = None) -> str:
    """Notes that another tool has restored the databases: they are quarantined until `recoup
    recover`."""
    settings = load_settings(data_dir=data_dir)
    check_installed(settings)
    with used_databases(settings) as databases:
        there = {name: dsn for name in WORLDS if (dsn := getattr(databases, name))}
        noted = asyncio.run(note_lost(settings.data_dir, there))
    return f"Quarantined: {', '.join(noted)}. Run `recoup recover`."


@verb(backup)
def at(home: OutFolder, *, barman: BarmanProgram = None, data_dir: DataDir = None) -> str:
    """Names the folder of a Barman that copies a server of your own, and its barman.conf."""
    settings = load_settings(data_dir=data_dir)
    home = Path(os.path.abspath(home))
    try:
        (home / FILE).read_bytes()
    except OSError as error:
        raise unreadable(home / FILE, error) from None
    copies_in(home)
    write_record(settings.data_dir, Record(str(home), find_barman(barman or "")))
    return "Noted."


@verb(backup)
def done(*, data_dir: DataDir = None) -> str:
    """Notes that another tool has just made a copy, for `recoup doctor` and /metrics."""
    write_record(load_settings(data_dir=data_dir).data_dir, Record(done=Clocks().wall()))
    return "Noted."


@verb(name="restore")
def restore_verb(
    *,
    to: Annotated[str | None, "A time such as 2026-11-27T14:05:00Z, or latest."] = None,
    backup: Annotated[str, "Id of the copy. Default: the newest from before that time."] = "",
    from_: Annotated[
        OutFolder | None, "Folder of the copies. Default: that of `recoup backup init`."
    ] = None,
    beside: Annotated[
        OutFolder | None, "Folder to restore into. Default: restored, in the data folder."
    ] = None,
    passphrase_file: Annotated[InFile | None, "Of gpg's key."] = None,
    take: Annotated[bool, "Put it in the database's place. Recoup is stopped."] = False,
    unverified: Annotated[bool, "Without `recoup verify`, or although it did not hold."] = False,
    barman: BarmanProgram = None,
    data_dir: DataDir = None,
) -> str:
    """Restores a copy beside the running database and verifies it; --take puts it in its place."""
    settings = embedded(data_dir)
    if to is None and not take:
        raise invalid(
            "It is not said what time to restore to.", "to", "Add --to TIME or --to latest."
        )
    folder = Path(os.path.abspath(beside or settings.data_dir / "restored"))
    if to is not None:
        wanted = Wanted(
            _home(settings, from_),
            folder,
            parse_time(to, Clocks().wall()),
            backup,
            passphrase_file,
        )
        record = read_record(settings.data_dir) or Record()
        program = find_barman(barman or record.barman)
        if not restore(settings, program, wanted, verified=not unverified, say=click.echo):
            message = f"`recoup verify` does not hold in {folder}."
            raise Problem(
                "conflict",
                message,
                cure="Mend what it names above, or restore to another time.",
            )
    if take:
        return _taken(settings, take_place(settings.data_dir, folder, unverified=unverified))
    return "Nothing has changed yet. Stop Recoup, then run `recoup restore --take`."


def _home(settings: Settings, given: Path | None) -> Path:
    record = read_record(settings.data_dir)
    home = given or (Path(record.home) if record is not None and record.home else None)
    if home is None:
        raise invalid("It is not known where the copies are.", "from", "Add --from FOLDER.")
    if not (home / FILE).exists():
        raise invalid(
            f"{home} holds no copies of Recoup.", "from", "Mount its disk, or name another folder."
        )
    return Path(os.path.abspath(home))


def _taken(settings: Settings, former: Path | None) -> str:
    record = read_record(settings.data_dir) or Record()
    known = (
        Barman(record.barman, Path(record.home) / FILE) if record.home and record.barman else None
    )
    copy = f"`{known.words('backup', '--wait', SERVER)}`" if known else "see docs/backup.md"
    was = (
        f"The former database is {former}; remove it when you no longer need it.\n"
        if former
        else ""
    )
    return (
        f"{was}Start Recoup. It is quarantined until `recoup recover` has asked what was charged "
        f"meanwhile.\n"
        f"Then make a new copy: {copy}."
    )


def embedded(data_dir: Path | None) -> Settings:
    """Raises: Problem(invalid) where the databases are on a server of the operator's."""
    settings = load_settings(data_dir=data_dir)
    if settings.database_url or settings.sandbox_database_url:
        message = "The databases are on a server of your own: Recoup does not copy them."
        raise invalid(
            message,
            "database_url",
            "See docs/backup.md for Barman, pgBackRest and managed servers.",
        )
    return settings


def _to_do(barman: Barman, settings: Settings, plan: Plan, short: list[str]) -> str:
    keys = settings.data_dir / "keys"
    lines = [
        f"Barman is configured in {plan.file}. Add to this user's crontab (or timers of systemd):",
        f"  * * * * *  {barman.words('-q', 'cron')}",
        f"  17 3 * * * {barman.words('-q', 'backup', SERVER)}",
        f"Now run: {barman.words('cron')}; then: {barman.words('backup', '--wait', SERVER)}; then: "
        f"recoup backup check",
        f"Copy {keys / 'keyring.json'} after each rotation, and keyring-retired.json beside it "
        f"once it is there, to a",
        "place where the copies are not, and keep each as long as a copy of its time.",
    ]
    if short:
        lines.append(f"Restart Recoup first: the running server has {', '.join(short)}.")
    if plan.home.stat().st_dev == settings.data_dir.stat().st_dev:
        lines.append(f"{plan.home} is on the same disk as the data folder: a lost disk takes both.")
    return "\n".join(lines)
