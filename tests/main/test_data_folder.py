"""A data folder that was there before `recoup up`: closed to others, or refused with a line that
says what to do."""

import fcntl
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.db.server import EmbeddedServer
from recoup.db.server.folder import close_folder, write_private
from recoup.db.server.locks import try_lock
from recoup.kernel.problem import Problem
from recoup.main.cli import _addresses, cli
from recoup.main.databases import find_databases
from recoup.main.settings import load_settings
from recoup.main.up import only_one


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def closed(folder: Path) -> bool:
    """Root lets the database's user pass through, without listing or writing."""
    return not mode(folder) & (0o077 if os.geteuid() else 0o066)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    return made


@pytest.mark.parametrize("was", [0o755, 0o775, 0o750, 0o777, 0o700])
def test_an_existing_folder_is_closed_to_others(folder: Path, was: int) -> None:
    folder.chmod(was)
    only_one(folder).close()
    assert closed(folder)
    assert mode(folder / "up.lock") == 0o600


def test_every_way_to_the_folder_closes_it(tmp_path: Path) -> None:
    for name in ("up", "file", "server"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
    only_one(tmp_path / "up").close()
    write_private(tmp_path / "file" / "bootstrap.json", "{}")
    EmbeddedServer(tmp_path / "server")._prepare_folder()
    assert [closed(tmp_path / name) for name in ("up", "file", "server")] == [True] * 3


def test_settings_and_chains_that_others_could_read_are_closed_with_their_folder(
    folder: Path,
) -> None:
    """`recoup.toml` had the processor's secret, and mode 0644."""
    files = [folder / "recoup.toml", folder / "bootstrap.json", folder / "chain" / "8453.json"]
    files[2].parent.mkdir()
    for file in files:
        file.write_text("")
        file.chmod(0o644)
    only_one(folder).close()
    close_folder(folder / "chain")
    assert [mode(file) for file in files] == [0o600] * 3


@pytest.mark.parametrize("name", ["up.lock", "postgres.owner"])
def test_a_lock_that_others_could_hold_is_taken_back(folder: Path, name: str) -> None:
    """Whoever may read a file may lock it, and Recoup would not start any more."""
    (folder / name).touch(mode=0o644)
    (folder / name).chmod(0o644)
    lock = only_one(folder) if name == "up.lock" else try_lock(folder / name)
    assert lock is not None
    assert mode(folder / name) == 0o600
    with (folder / name).open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.close()


def test_a_folder_that_anybody_could_write_to_is_refused(folder: Path) -> None:
    folder.chmod(0o777)
    (folder / "bootstrap.json").write_text("{}")
    with pytest.raises(Problem) as told:
        only_one(folder)
    assert f"chmod 700 {folder}" in told.value.cure
    assert mode(folder) == 0o777, "nothing is changed there"


def test_a_lock_that_leads_elsewhere_is_refused(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (folder / "up.lock").symlink_to(target)
    with pytest.raises(Problem, match=r"up\.lock"):
        only_one(folder)
    assert not target.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_folder_is_refused(folder: Path) -> None:
    os.chown(folder, 12345, 12345)
    child = os.fork()
    if not child:
        said = ""
        try:
            os.chdir(folder)
            os.setuid(12346)
            only_one(Path())
        except Problem as problem:
            said = problem.message
        finally:
            os._exit(0 if "another user" in said else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match="cannot be made"):
        only_one(tmp_path / "file" / "data")


def test_passwords_are_printed_at_the_first_start_only(tmp_path: Path) -> None:
    kept = {
        "portal_user": "sandbox@recoup.test",
        "portal_password": "first secret",
        "operator_user": "operator@recoup.test",
        "operator_password": "second secret",
    }
    settings = load_settings(data_dir=tmp_path)
    first, later = (_addresses(settings, kept, is_new=is_new) for is_new in (True, False))
    assert "first secret" in first
    assert "second secret" in first
    assert "secret" not in later
    assert "operator@recoup.test" in later
    assert "recoup bootstrap" in later


@pytest.mark.parametrize("left", ["keys/keyring.json", "bootstrap.json"])
def test_a_database_that_is_gone_is_not_made_anew(folder: Path, left: str) -> None:
    """As when its volume is not mounted: an empty one would charge again whatever
    callers repeat."""
    (folder / "keys").mkdir()
    (folder / left).write_text("{}")
    with pytest.raises(Problem, match=f"{Path(left).name} is there, postgres is not") as refused:
        find_databases(load_settings(data_dir=folder))
    assert "Mount its volume" in (refused.value.cure or "")
    assert not (folder / "postgres").exists()
    assert (
        find_databases(
            replace(load_settings(data_dir=folder), database_url="postgresql://one@db/x")
        ).server
        is None
    )


def test_a_verb_that_looks_makes_no_installation(tmp_path: Path) -> None:
    """One that looks in a wrong folder would find a new, empty database in order, and leave it
    there."""
    verbs = [
        "doctor",
        "schema check",
        "live check",
        "recover --look",
        "backup check",
        "backup restored",
        "verify",
    ]
    for verb in verbs:
        ended = CliRunner().invoke(cli, [*verb.split(), "--data-dir", str(tmp_path / "wrong")])
        assert ended.exit_code, verb
        said = ended.output + str(ended.exception)
        assert f"There is no installation in {tmp_path / 'wrong'}" in said, (verb, said)
        assert not (tmp_path / "wrong" / "postgres").exists(), verb
