"""`recoup restore`: a copy by Barman, beside the running database, then in its place."""

import os
from pathlib import Path

import click

from recoup.doors.command.verbs import data_dir_option
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.time import Clocks
from recoup.main.backup.barman import Barman, find_barman
from recoup.main.backup.configuration import FILE, SERVER
from recoup.main.backup.copies import Record, read_record
from recoup.main.backup.restore import Wanted, parse_time, restore, take
from recoup.main.backup_verb import barman_option, embedded
from recoup.main.settings import Settings

_folder = click.Path(path_type=Path, file_okay=False)
_file = click.Path(path_type=Path, dir_okay=False, exists=True)


def add(cli: click.Group) -> None:
    @cli.command("restore")
    @click.option("--to", help="A time such as 2026-11-27T14:05:00Z, or latest.")
    @click.option("--backup", "copy", default="", help="Id of the copy. Default: the newest from before that time.")
    @click.option("--from", "home", type=_folder, help="Folder of the copies. Default: that of `recoup backup init`.")
    @click.option("--beside", type=_folder, help="Folder to restore into. Default: restored, in the data folder.")
    @click.option("--passphrase-file", type=_file, help="Of gpg's key.")
    @click.option("--take", "is_taken", is_flag=True, help="Put it in the database's place. Recoup is stopped.")
    @click.option("--unverified", is_flag=True, help="Without `recoup verify`, or although it did not hold.")
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
            raise invalid("It is not said what time to restore to.", "to", "Add --to TIME or --to latest.")
        folder = Path(os.path.abspath(beside or settings.data_dir / "restored"))
        if to is not None:
            wanted = Wanted(_home(settings, home), folder, parse_time(to, Clocks().wall()), copy, passphrase_file)
            record = read_record(settings.data_dir) or Record()
            program = find_barman(program or record.barman)
            if not restore(settings, program, wanted, verified=not unverified, say=click.echo):
                message = f"`recoup verify` does not hold in {folder}."
                raise Problem("conflict", message, cure="Mend what it names above, or restore to another time.")
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
        raise invalid(f"{home} holds no copies of Recoup.", "from", "Mount its disk, or name another folder.")
    return Path(os.path.abspath(home))


def _taken(settings: Settings, former: Path | None) -> str:
    record = read_record(settings.data_dir) or Record()
    known = Barman(record.barman, Path(record.home) / FILE) if record.home and record.barman else None
    copy = f"`{known.words('backup', '--wait', SERVER)}`" if known else "see docs/backup.md"
    was = f"The former database is {former}; remove it when you no longer need it.\n" if former else ""
    return (
        f"{was}Start Recoup. It is quarantined until `recoup recover` has asked what was charged meanwhile.\n"
        f"Then make a new copy: {copy}."
    )
