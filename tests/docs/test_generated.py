"""Documents say what the code does: generated parts are current, links lead somewhere, decisions
name a check."""

import re
import subprocess
import sys
from pathlib import Path

from tests.rings import each

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "examples/README.md", *(ROOT / "docs").rglob("*.md")])
EVIDENCE = ROOT / "docs/contributing/evidence.toml"
DECISIONS = sorted((ROOT / "docs/contributing/decisions").glob("*.md"))
HEADINGS = ["Context", "Decision", "Consequence", "Held by"]
WORDS_MAX = 270
COLUMNS_MAX = 140
# pages that other parts of the project write
LATER = {"docs/contributing/state.md", "docs/contributing/evidence.md"}


def test_the_generated_parts_are_current() -> None:
    ran = subprocess.run(
        [sys.executable, "scripts/make_docs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, f"run scripts/make_docs.py: {ran.stdout}{ran.stderr}"


@each("page", PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#][^)]*?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists() or target in LATER, (
                f"{page.name} points at {target}"
            )


@each("page", DECISIONS)
def test_a_decision_is_short_and_names_its_check(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.split()) <= WORDS_MAX
    assert max(map(len, text.splitlines())) <= COLUMNS_MAX
    headings = re.findall(r"^## (.*)$", text, re.M)
    assert [one for one in HEADINGS if one in headings or one != "Consequence"] == headings
    held = text.partition("## Held by")[2]
    named = re.findall(r"`((?:tests|docs|packages)/[^`]+)`", held)
    assert named or "`make " in held or "`recoup " in held, "name the check that holds it"
    for name in named:
        assert (ROOT / name).exists(), f"{page.stem} names {name}"


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [page.name[:4] for page in DECISIONS]
    assert all(number.isdecimal() for number in numbers)
    assert len({*numbers}) == len(numbers)


def test_evidence_names_files_that_exist() -> None:
    named = re.findall(
        r"(?<![\w/.])((?:tests|packages|docs)/[\w./-]*\w)", EVIDENCE.read_text(encoding="utf-8")
    )
    assert named
    missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
    assert not missing, f"evidence.toml names {missing}"
