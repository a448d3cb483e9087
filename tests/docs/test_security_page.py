"""docs/security.md names the tests that hold each defence: they exist, and each line of a defence
has one."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
DEFENCES = PAGE.partition("## What is not defended")[0]


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[^`]+)`", DEFENCES)
    assert len(named) > 30
    assert [name for name in named if not list(ROOT.glob(name))] == []


def test_every_defence_names_its_test() -> None:
    rows = [
        row
        for row in DEFENCES.splitlines()
        if row.startswith("| ") and not row.startswith("| threat: ")
    ]
    assert [row for row in rows if "`tests/" not in row.rpartition(" | ")[2]] == []
