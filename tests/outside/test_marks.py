"""The data folder keeps the highest mark, whoever writes it at once and wherever a process dies."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from recoup.kernel.problem import Problem
from recoup.kernel.standing import Mark, Reached
from recoup.outside.marks import FOLDER, MarkFile

AT = datetime(2026, 11, 27, tzinfo=UTC)


def _keep(folder: Path, start: int) -> None:
    for beat in range(start, 200, 4):
        MarkFile(folder, "live").keep(Reached(Mark(1, beat), AT), Mark(1, 200 - beat))


def test_the_highest_of_several_processes_is_kept(tmp_path: Path) -> None:
    several = [
        multiprocessing.get_context("spawn").Process(target=_keep, args=(tmp_path, n))
        for n in range(4)
    ]
    for one in several:
        one.start()
    for one in several:
        one.join(60)
        assert one.exitcode == 0
    kept = MarkFile(tmp_path, "live").read()
    assert kept is not None
    assert (kept.reached, kept.people) == (Reached(Mark(1, 199), AT), Mark(1, 200))
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["live.json", "lock"]


def test_each_world_has_its_own(tmp_path: Path) -> None:
    MarkFile(tmp_path, "live").keep(Reached(Mark(2, 9), AT), Mark(0, 0))
    assert MarkFile(tmp_path, "sandbox").read() is None


@pytest.mark.parametrize("text", ["", "{}", '{"epoch": 1', '{"epoch": "x", "beat": 1}'])
def test_a_broken_file_is_named_and_takes_nothing_for_whole(tmp_path: Path, text: str) -> None:
    file = MarkFile(tmp_path, "live")
    file.keep(Reached(Mark(2, 9), AT), Mark(0, 0))
    (tmp_path / FOLDER / "live.json").write_text(text)
    with pytest.raises(Problem, match=r"live\.json") as told:
        file.read()
    assert "recoup recover" in told.value.sentence()
    with pytest.raises(Problem):
        file.keep(Reached(Mark(2, 10), AT), Mark(0, 0))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("")
    with pytest.raises(Problem, match=r"live\.json"):
        MarkFile(tmp_path, "live").keep(Reached(Mark(2, 9), AT), Mark(0, 0))


def test_erased_persons_are_kept_and_a_line_that_was_cut_is_none(tmp_path: Path) -> None:
    file, merchant = MarkFile(tmp_path, "live"), UUID(int=1)
    for n, at in enumerate((AT, AT + timedelta(days=1), AT + timedelta(days=1))):
        file.note_erased(merchant, UUID(int=min(n, 1)), at)
    with (tmp_path / FOLDER / "live-erased.jsonl").open("a") as content:
        content.write('{"merchant": "0000')
    assert [one.payer for one in file.erased_since(AT)] == [UUID(int=0), UUID(int=1)]
    assert [one.payer for one in file.erased_since(AT + timedelta(hours=1))] == [UUID(int=1)]
    file.note_erased(merchant, UUID(int=7), AT + timedelta(days=2))
    assert [one.payer for one in file.erased_since(AT + timedelta(days=2))] == [UUID(int=7)], (
        "after one that was cut"
    )
