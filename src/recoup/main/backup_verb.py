"""`recoup backup`: copies of the embedded database by Barman."""

import asyncio
import os
from pathlib import Path

import click

from recoup.doors.command.verbs import data_dir_option, show
from recoup.kernel.problem import invalid, sentences
from recoup.kernel.time import Clocks
from recoup.main.backup.barman import Barman, find_barman, find_programs, fingerprint
from recoup.main.backup.configuration import FILE, SERVER, Plan, allow, check_home, check_socket, write_configuration
from recoup.main.backup.copies import Record, copies_in, read_record, unreadable, write_record
from recoup.main.backup.examined import examined
from recoup.main.backup.restore import WORLDS, note_lost
from recoup.main.databases import check_installed, used_databases
from recoup.main.settings import Settings, load_settings
from recoup.store.server import find_binaries

barman_option = click.option("--barman", "program", help="Barman's program. Default: the one on PATH.")
_path = click.Path(path_type=Path, file_okay=False)


def add(cli: click.Group) -> None:
    @cli.group()
    def backup() -> None:
        """Copies of the embedded database by Barman; see docs/backup.md."""

    @backup.command("init")
    @click.option("--to", "home", type=_path, help="Folder of the copies, on another disk.")
    @click.option("--gpg-key", help="Encrypt the copies to this key of gpg.")
    @click.option("--unencrypted", is_flag=True, help="Copies in clear: the disk is encrypted, or nobody reads it.")
    @click.option("--days", type=click.IntRange(1, 3650), default=14, show_default=True, help="How far back.")
    @barman_option
    @data_dir_option
    def init(
        home: Path | None, gpg_key: str | None, unencrypted: bool, days: int, program: str | None, data_dir: Path | None
    ) -> None:
        """Writes Barman's configuration and makes its role. Running it again renews both."""
        settings = embedded(data_dir)
        check_installed(settings)
        record = read_record(settings.data_dir) or Record()
        if home is None and not record.home:
            raise invalid("The folder of the copies is not set.", "to", "Add --to FOLDER, on another disk.")
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


def embedded(data_dir: Path | None) -> Settings:
    """Raises: Problem(invalid) where the databases are on a server of the operator's."""
    settings = load_settings(data_dir=data_dir)
    if settings.database_url or settings.sandbox_database_url:
        message = "The databases are on a server of your own: Recoup does not copy them."
        raise invalid(message, "database_url", "See docs/backup.md for Barman, pgBackRest and managed servers.")
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
