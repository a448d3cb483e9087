"""`recoup backup` and `recoup restore`: copies of the embedded database by Barman, and one of them
in its place."""

import asyncio
import os
from pathlib import Path

import click

from recoup.db.server import find_binaries
from recoup.kernel.problem import Problem, invalid, sentences
from recoup.kernel.time import Clocks
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
from recoup.main.backup.restore import WORLDS, Wanted, note_lost, parse_time, restore, take
from recoup.main.databases import check_installed, used_databases
from recoup.main.settings import Settings, load_settings
from recoup.merchants.cli import data_dir_option, show

barman_option = click.option(
    "--barman", "program", help="Barman's program. Default: the one on PATH."
)
_path = click.Path(path_type=Path, file_okay=False)
_file = click.Path(path_type=Path, dir_okay=False, exists=True)


def add(cli: click.Group) -> None:
    @cli.group()
    def backup() -> None:
        """Copies of the embedded database by Barman; see docs/backup.md."""

    @backup.command("init")
    @click.option("--to", "home", type=_path, help="Folder of the copies, on another disk.")
    @click.option("--gpg-key", help="Encrypt the copies to this key of gpg.")
    @click.option(
        "--unencrypted",
        is_flag=True,
        help="Copies in clear: the disk is encrypted, or nobody reads it.",
    )
    @click.option(
        "--days", type=click.IntRange(1, 3650), default=14, show_default=True, help="How far back."
    )
    @barman_option
    @data_dir_option
    def init(
        home: Path | None,
        gpg_key: str | None,
        unencrypted: bool,
        days: int,
        program: str | None,
        data_dir: Path | None,
    ) -> None:
        """Writes Barman's configuration and makes its role. Running it again renews both."""
        settings = embedded(data_dir)
        check_installed(settings)
        record = read_record(settings.data_dir) or Record()
        if home is None and not record.home:
            raise invalid(
                "The folder of the copies is not set.", "to", "Add --to FOLDER, on another disk."
            )
        plan = Plan(Path(os.path.abspath(home or record.home)), Path(), "", days, gpg_key or "")
        check_home(plan.home, settings.data_dir)
        if not gpg_key and not unencrypted:
            cure = "Add --gpg-key KEY (its private half on another machine), or --unencrypted on an encrypted disk."
            raise invalid("It is not said whether the copies shall be encrypted.", "gpg_key", cure)
        barman = find_barman(program or record.barman)
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
        write_record(settings.data_dir, Record(str(plan.home), barman))
        click.echo(_to_do(Barman(barman, plan.file), settings, plan, short))

    @backup.command("check")
    @click.option("--json", "as_json", is_flag=True, help="Output as one JSON array.")
    @data_dir_option
    def check(as_json: bool, data_dir: Path | None) -> None:
        """Runs `barman check`, and says how old the copy is and what it lacks. Exits with 1 if something is wrong."""
        settings = load_settings(data_dir=data_dir)
        check_installed(settings)
        with used_databases(settings) as databases:
            found = asyncio.run(examined(settings.data_dir, databases))
        text = (
            f"{'ok' if one.ok else '!!'}  {one.name}: {one.words if one.ok else sentences(one.words, one.cure)}"
            for one in found
        )
        show([one._asdict() for one in found], text, as_json=as_json)
        if not all(one.ok for one in found):
            raise click.exceptions.Exit(1)

    _add_for_others(backup)
    _add_restore(cli)


def _add_for_others(backup: click.Group) -> None:
    """Verbs for copies by other tools."""

    @backup.command("restored")
    @data_dir_option
    def restored(data_dir: Path | None) -> None:
        """Notes that another tool has restored the databases: they are quarantined until `recoup recover`."""
        settings = load_settings(data_dir=data_dir)
        check_installed(settings)
        with used_databases(settings) as databases:
            there = {name: dsn for name in WORLDS if (dsn := getattr(databases, name))}
            noted = asyncio.run(note_lost(settings.data_dir, there))
        click.echo(f"Quarantined: {', '.join(noted)}. Run `recoup recover`.")

    @backup.command("at")
    @click.argument("home", type=_path)
    @barman_option
    @data_dir_option
    def at(home: Path, program: str | None, data_dir: Path | None) -> None:
        """Names the folder of a Barman that copies a server of your own, and its barman.conf."""
        settings = load_settings(data_dir=data_dir)
        home = Path(os.path.abspath(home))
        try:
            (home / FILE).read_bytes()
        except OSError as error:
            raise unreadable(home / FILE, error) from None
        copies_in(home)
        write_record(settings.data_dir, Record(str(home), find_barman(program or "")))
        click.echo("Noted.")

    @backup.command("done")
    @data_dir_option
    def done(data_dir: Path | None) -> None:
        """Notes that another tool has just made a copy, for `recoup doctor` and /metrics."""
        write_record(load_settings(data_dir=data_dir).data_dir, Record(done=Clocks().wall()))
        click.echo("Noted.")


def _add_restore(cli: click.Group) -> None:
    @cli.command("restore")
    @click.option("--to", help="A time such as 2026-11-27T14:05:00Z, or latest.")
    @click.option(
        "--backup",
        "copy",
        default="",
        help="Id of the copy. Default: the newest from before that time.",
    )
    @click.option(
        "--from",
        "home",
        type=_path,
        help="Folder of the copies. Default: that of `recoup backup init`.",
    )
    @click.option(
        "--beside",
        type=_path,
        help="Folder to restore into. Default: restored, in the data folder.",
    )
    @click.option("--passphrase-file", type=_file, help="Of gpg's key.")
    @click.option(
        "--take",
        "is_taken",
        is_flag=True,
        help="Put it in the database's place. Recoup is stopped.",
    )
    @click.option(
        "--unverified", is_flag=True, help="Without `recoup verify`, or although it did not hold."
    )
    @barman_option
    @data_dir_option
    def restore_verb(
        to: str | None,
        copy: str,
        home: Path | None,
        beside: Path | None,
        passphrase_file: Path | None,
        is_taken: bool,
        unverified: bool,
        program: str | None,
        data_dir: Path | None,
    ) -> None:
        """Restores a copy beside the running database and verifies it; --take puts it in its place."""
        settings = embedded(data_dir)
        if to is None and not is_taken:
            raise invalid(
                "It is not said what time to restore to.", "to", "Add --to TIME or --to latest."
            )
        folder = Path(os.path.abspath(beside or settings.data_dir / "restored"))
        if to is not None:
            wanted = Wanted(
                _home(settings, home),
                folder,
                parse_time(to, Clocks().wall()),
                copy,
                passphrase_file,
            )
            record = read_record(settings.data_dir) or Record()
            program = find_barman(program or record.barman)
            if not restore(settings, program, wanted, verified=not unverified, say=click.echo):
                message = f"`recoup verify` does not hold in {folder}."
                raise Problem(
                    "conflict",
                    message,
                    cure="Mend what it names above, or restore to another time.",
                )
        if is_taken:
            click.echo(_taken(settings, take(settings.data_dir, folder, unverified=unverified)))
        else:
            click.echo("Nothing has changed yet. Stop Recoup, then run `recoup restore --take`.")


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
        f"{was}Start Recoup. It is quarantined until `recoup recover` has asked what was charged meanwhile.\n"
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
        f"Now run: {barman.words('cron')}; then: {barman.words('backup', '--wait', SERVER)}; then: recoup backup check",
        f"Copy {keys / 'keyring.json'} after each rotation, and keyring-retired.json beside it once it is there, to a",
        "place where the copies are not, and keep each as long as a copy of its time.",
    ]
    if short:
        lines.append(f"Restart Recoup first: the running server has {', '.join(short)}.")
    if plan.home.stat().st_dev == settings.data_dir.stat().st_dev:
        lines.append(f"{plan.home} is on the same disk as the data folder: a lost disk takes both.")
    return "\n".join(lines)
