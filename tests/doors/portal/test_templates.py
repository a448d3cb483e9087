"""A door goes on by the templates that it began with, whatever becomes of the files beneath it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recoup.doors.portal.templates import FOLDER, _environment, ago


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_file_is_read_once_the_process_runs(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    made = _environment.__wrapped__(language)
    names = [file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*.html")]

    def replaced(*_: object, **__: object) -> str:
        raise AssertionError("read while running")

    for way in ("open", "read_text", "read_bytes"):
        monkeypatch.setattr(Path, way, replaced)
    monkeypatch.setattr("builtins.open", replaced)
    for name in names:
        assert made.get_template(name).filename == str(FOLDER / name)
    assert len(names) > 100


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "under a minute ago"),
        (-130, "2 h 10 min ago"),
        (-1440 * 3, "3 days ago"),
        (90, "1 h 30 min from now"),
        (1440, "1 day from now"),
    ],
)
def test_how_long_ago_stands_beside_a_moment(minutes: int, said: str) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert ago(now + timedelta(minutes=minutes), now) == said
