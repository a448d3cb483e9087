"""Copies of the embedded database: what is written for Barman, what it answers, and what is
refused."""

import asyncio
import configparser
import json
import math
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.rings import each

from recoup.db.server import ServerAddress
from recoup.db.server.copied import system_id_of
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.main.backup.barman import find_barman, findings, said
from recoup.main.backup.configuration import (
    FILE,
    Plan,
    check_home,
    check_socket,
    text_of,
    write_configuration,
)
from recoup.main.backup.copies import (
    RECORD,
    Copy,
    Record,
    age_seconds,
    copies_in,
    copy_of,
    slot_of,
    write_record,
)
from recoup.main.backup.examined import examined
from recoup.main.backup.restore import (
    Restored,
    Wanted,
    _ends,
    _write,
    adapted,
    check_ours,
    check_room,
    choose,
    parse_time,
    read_note,
    take,
)
from recoup.main.cli import cli
from recoup.main.databases import Databases
from recoup.main.live_opening import _copies, _disk
from recoup.main.metrics import scrape

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
INFO = """backup_label='START WAL LOCATION: 0/5000028\\nCHECKPOINT LOCATION: 0/5099BA8\\n'
encryption=None
end_time=2026-11-27 11:00:00.083160+00:00
size=50886841
status=DONE
systemid=7712732018760906384
version=180006
"""


def copy(number: int, ended: datetime = NOON, **more: Any) -> Copy:
    return Copy(
        f"2026112{number}T1100", ended, 1000, "77", 18, is_encrypted=False, is_done=True
    )._replace(**more)


def plan(tmp_path: Path) -> Plan:
    return Plan(tmp_path / "50% off's", Path("/opt/bin"), "/srv/o'data/socket", 14, "ABCD")


def test_barman_reads_what_is_written_for_it(tmp_path: Path) -> None:
    write_configuration(plan(tmp_path))
    path = plan(tmp_path).file
    assert path.stat().st_mode & 0o777 == 0o600
    parser = configparser.ConfigParser()
    parser.read(path)
    server = dict(parser["recoup"])
    assert parser["barman"]["barman_home"] == str(tmp_path / "50% off's")
    assert (
        server["conninfo"]
        == "host='/srv/o\\'data/socket' port=5432 user=recoup_backup dbname=postgres"
    )
    wanted = {
        "immediate_checkpoint": "true",
        "streaming_archiver": "on",
        "create_slot": "auto",
        "encryption": "gpg",
    }
    wanted |= {
        "retention_policy": "RECOVERY WINDOW OF 14 DAYS",
        "last_backup_maximum_age": "26 HOURS",
    }
    assert wanted.items() <= server.items()
    assert "encryption" not in text_of(plan(tmp_path)._replace(gpg_key=""))


def test_what_restores_is_adapted_to_where_it_is(tmp_path: Path) -> None:
    wanted = Wanted(tmp_path / "moved", tmp_path, None, passphrase=Path("/run/it's"))
    parser = configparser.ConfigParser()
    parser.read_string(adapted(text_of(plan(tmp_path)), wanted, Path("/usr/bin")))
    assert parser["barman"]["barman_home"] == str(tmp_path / "moved")
    assert parser["barman"]["path_prefix"] == "/usr/bin"
    assert parser["recoup"]["encryption_passphrase_command"] == "cat '/run/it'\\''s'"


def test_a_copy_never_lies_with_the_data_or_the_keys(tmp_path: Path) -> None:
    data, away = tmp_path / "a/data", tmp_path / "b"
    (data / "keys").mkdir(parents=True)
    for home in (data, data / "copies", tmp_path / "a", tmp_path):
        with pytest.raises(Problem, match="hold each other"):
            check_home(home, data)
    check_home(away / "new", data)
    (away / "old").mkdir(parents=True)
    (away / "old/letter").touch()
    with pytest.raises(Problem, match="is not empty"):
        check_home(away / "old", data)
    (away / "old" / FILE).touch()
    check_home(away / "old", data)
    (away / "old/safe").mkdir()
    (away / "old/safe/keyring-retired.json").touch()
    with pytest.raises(Problem, match="holds keys"):
        check_home(away / "old", data)
    with pytest.raises(Problem, match="too long for a socket"):
        check_socket(ServerAddress("/tmp/recoup-12345678", 5432, "recoup"), data)  # noqa: S108


def test_the_words_of_barman_are_read() -> None:
    one = {"hint": "", "status": "OK"}
    away = {
        "recoup": {
            "postgresql": {"hint": "", "status": "FAILED"},
            "wal_level": {"hint": "x", "status": "FAILED"},
        }
    }
    found = findings(
        json.dumps(
            {
                "recoup": {
                    "receive_wal_running": {"hint": "see", "status": "FAILED"},
                    "directories": one,
                }
            }
        )
    )
    assert [(line.name, line.ok) for line in found] == [
        ("receive wal running", False),
        ("directories", True),
    ]
    assert "barman cron" in found[0].cure
    assert [line.name for line in findings(json.dumps(away))] == ["postgresql"], (
        "the rest only follows from it"
    )
    [failed] = findings(json.dumps({"recoup": {}, "_EXCEPTION": ["gpg:\n no key"]}))
    assert (failed.ok, failed.words) == (False, "gpg: no key")
    assert findings("Traceback") == findings("[]") == []
    assert said("Copying.\nERROR: no room\nEnd\n", "") == "ERROR: no room"
    assert said("", "") == "it said nothing"


def test_the_newest_complete_copy_has_an_age(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    assert age_seconds(data, NOON) is None
    write_record(data, Record(str(home), "/usr/bin/barman"))
    assert age_seconds(data, NOON) == math.inf
    (home / "recoup/meta").mkdir(parents=True)
    (home / "recoup/meta/20261127T1055-backup.info").write_text(INFO)
    (home / "recoup/meta/20261127T1155-backup.info").write_text(INFO.replace("DONE", "STARTED"))
    (home / "recoup/meta/20261127T1159-backup.info").write_text("garbage")
    assert [one.id for one in copies_in(home)] == ["20261127T1055"]
    assert age_seconds(data, NOON) == pytest.approx(3600, abs=1)
    write_record(data, Record(done=NOON - timedelta(minutes=5)))
    assert age_seconds(data, NOON) == 300
    (data / RECORD).write_text("{")
    assert age_seconds(data, NOON) is None
    read = copy_of("x", INFO.splitlines())
    assert read is not None
    assert (read.major, read.size, read.is_encrypted) == (18, 50886841, False)
    assert copy_of("x", INFO.replace("=None", "=gpg").splitlines()) == read._replace(
        is_encrypted=True
    )


def test_a_folder_that_cannot_be_read_is_one_line_and_leaves_the_metrics(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    (home / "recoup").symlink_to("recoup")  # nobody reads a loop, not even root
    words = ["backup", "at", str(home), "--barman", "/bin/true", "--data-dir", str(data)]
    for _ in range(2):
        with pytest.raises(Problem, match="cannot be read") as refused:
            CliRunner().invoke(cli, words, catch_exceptions=False)
        assert "as Recoup's user" in refused.value.sentence()
        (home / FILE).touch()
    write_record(data, Record(str(home), "/bin/true"))
    [line] = asyncio.run(examined(data, Databases("", "", None, None)))
    assert (line.ok, "meta cannot be read" in line.words, "as Recoup's user" in line.cure) == (
        False,
        True,
        True,
    )
    assert _copies(data, Clocks())[:3] == ("copies", "refuse", line.words)
    assert b"recoup_copy_age_seconds +Inf" in asyncio.run(scrape([], data))[0]
    shutil.rmtree(data)
    assert b"recoup_disk_free_bytes 0.0" in asyncio.run(scrape([], data))[0]
    assert _disk(data).verdict == "refuse"


def test_the_slot_is_the_one_of_barmans_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE).write_text("[recoup]\nslot_name = barman\n")
    monkeypatch.chdir(tmp_path)  # a file that only lies where somebody works says nothing
    assert slot_of(tmp_path) == "recoup_backup"
    write_record(tmp_path, Record(str(tmp_path), "/bin/true"))
    assert slot_of(tmp_path) == "barman"
    (tmp_path / FILE).write_text("slot_name")
    assert slot_of(tmp_path) == "recoup_backup"


@each(
    "text, words",
    [
        ("yesterday", "is not a time"),
        ("2026-11-27T11:00:00", "with its zone"),
        ("2026-11-27T12:00:01Z", "lies ahead"),
    ],
)
def test_a_time_says_its_zone_and_lies_behind(text: str, words: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_time(text, NOON)
    assert words in refused.value.sentence()
    assert parse_time("latest", NOON) is None
    assert parse_time("2026-11-27T13:00:00+02:00", NOON) == NOON - timedelta(hours=1)


def test_the_newest_copy_from_before_is_restored(tmp_path: Path) -> None:
    old, new = copy(1, NOON - timedelta(hours=2)), copy(2, NOON)
    wanted = Wanted(tmp_path, tmp_path, None)
    assert choose([old, new], wanted) == new
    assert choose([old, new], wanted._replace(to=NOON - timedelta(hours=1))) == old
    assert choose([old, new], wanted._replace(copy=old.id)) == old
    for refused, words in (
        (
            wanted._replace(to=NOON - timedelta(hours=3)),
            "The first copy was complete at 2026-11-27T10:00:00",
        ),
        (wanted._replace(copy="x"), "There is no copy x"),
        (wanted._replace(to=NOON - timedelta(hours=1), copy=new.id), "after that time"),
    ):
        with pytest.raises(Problem, match=words):
            choose([old, new], refused)
    with pytest.raises(Problem, match="holds no complete copy"):
        choose([], wanted)


def test_a_copy_of_another_installation_or_without_room_is_refused(tmp_path: Path) -> None:
    control = tmp_path / "postgres/global/pg_control"
    assert system_id_of(tmp_path / "postgres") is None
    check_ours(copy(1), tmp_path)
    control.parent.mkdir(parents=True)
    control.write_bytes((77).to_bytes(8, "little") + b"more")
    check_ours(copy(1), tmp_path)
    control.write_bytes((78).to_bytes(8, "little"))
    with pytest.raises(Problem, match="of another installation"):
        check_ours(copy(1), tmp_path)
    check_room(copy(1), tmp_path, tmp_path / "new/folder")
    with pytest.raises(Problem, match="needs 1000000.* GB"):
        check_room(copy(1, size=10**18), tmp_path, tmp_path / "new/folder")
    with pytest.raises(Problem) as missing:
        find_barman(str(tmp_path / "barman"))
    assert "pipx install 'barman==3.19.*'" in missing.value.sentence()


def restored(tmp_path: Path, *, verified: bool | None = True) -> tuple[Path, Path]:
    data, beside, home = tmp_path / "data", tmp_path / "data/restored", tmp_path / "home"
    for folder, words in ((data, "old"), (beside, "new")):
        (folder / "postgres").mkdir(parents=True)
        (folder / "postgres/which").write_text(words)
    (home / "recoup/streaming").mkdir(parents=True)
    (home / "recoup/streaming/000000010000000000000007.partial").touch()
    _write(beside, Restored("20261127T1100", "latest", str(home), "12:00", verified))
    return data, beside


def test_what_was_restored_takes_the_place_of_what_was(tmp_path: Path) -> None:
    data, beside = restored(tmp_path)
    former = take(data, beside, unverified=False)
    assert former is not None
    assert (former / "which").read_text() == "old"
    assert (data / "postgres/which").read_text() == "new"
    assert not beside.exists()
    assert read_note(data) is not None
    assert not list((tmp_path / "home").glob("recoup/streaming/*")), (
        "Barman's receiver would go on in another history"
    )


def test_a_take_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    data, beside = restored(tmp_path)
    (data / "postgres").rename(
        data / "postgres.before-20261127T120000"
    )  # and then the machine stopped
    assert take(data, beside, unverified=False) is None
    assert (data / "postgres/which").read_text() == "new"
    data, beside = restored(tmp_path / "later")
    (data / "postgres").rename(data / "postgres.before-20261127T120000")
    (beside / "postgres").rename(data / "postgres")  # a step later
    take(data, beside, unverified=False)
    assert (data / "postgres/which").read_text() == "new"
    assert not beside.exists()


def test_only_what_was_verified_is_taken(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="Nothing was restored"):
        take(tmp_path, tmp_path / "restored", unverified=False)
    for verified, words in ((None, "was not finished"), (False, "did not hold")):
        data, beside = restored(tmp_path / str(verified), verified=verified)
        with pytest.raises(Problem, match=words):
            take(data, beside, unverified=False)
        assert (data / "postgres/which").read_text() == "old"
        take(data, beside, unverified=True)
        assert (data / "postgres/which").read_text() == "new"


def test_the_end_of_a_copy_is_read_from_the_servers_log(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    line = "LOG:  last completed transaction was at log time 2026-11-27 06:27:05.703897+00"
    log.write_text(f"{line.replace('06:27', '05:00')}\n{line}\nLOG:  ready\n")
    assert _ends(log) == "2026-11-27 06:27:05.703897+00"
