"""A stranger explains each story after ten files, and finds each from one that they have read."""

import re
import runpy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/recoup"
COUNTER: dict[str, Any] = runpy.run_path(str(ROOT / "scripts/count_stories.py"))
FILES_MAX = 10


def leads_to(text: str, file: str) -> bool:
    """Whether a file with this text imports the other one, or shows it."""
    if file.endswith(".html"):
        return f'"{file.replace("/page/", "/")}"' in text
    room, _, name = file.removesuffix(".py").replace("/", ".").rpartition(".")
    return bool(
        re.search(rf"^ *from recoup\.{re.escape(room)}\.{name} import ", text, re.M)
        or re.search(rf"^ *from recoup\.{re.escape(room)} import .*\b{name}\b", text, re.M)
    )


def test_a_story_is_told_by_ten_files_each_found_from_one_before() -> None:
    told = COUNTER["stories"]("now")
    assert len(told) == 5
    for story, files in told.items():
        assert len(files) <= FILES_MAX, story
        texts = [(SOURCE / file).read_text() for file in files]
        for number, file in enumerate(files):
            # What is due is taken up by the worker.
            begins = number == 0 or file in ("main/clock.py", "main/feature.py")
            assert begins or any(leads_to(text, file) for text in texts[:number]), (
                f"{story}: nothing leads to {file}"
            )


def test_a_file_that_nothing_names_is_not_found() -> None:
    text = (
        "from recoup.rescue.moves import plan\nfrom recoup.rescue.moves.start import start_order\n"
    )
    assert leads_to(text, "rescue/moves/plan.py")
    assert leads_to(text, "rescue/moves/start.py")
    assert not leads_to(text, "rescue/moves/open.py")
    assert not leads_to(text, "orders/moves/rows.py")


def test_where_a_change_goes_is_there() -> None:
    where = COUNTER["stories"]("changes")
    assert len(where) >= 20
    for wish, files in where.items():
        assert files, wish
        assert [file for file in files if not (SOURCE / file).exists()] == [], wish
