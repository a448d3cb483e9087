"""Documents say what the code does: generated parts are current, links lead somewhere, decisions name a check."""

import re
import subprocess
import sys
from pathlib import Path

from tests.rings import each

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "examples/README.md", *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs/contributing/decisions").glob("*.md"))
HEADINGS = ["Context", "Decision", "Consequence", "Held by"]
LINES_MAX = 40
# pages that other parts of the project write
LATER = {"docs/contributing/state.md", "docs/contributing/evidence.md"}


def test_the_generated_parts_are_current() -> None:
    ran = subprocess.run([sys.executable, "scripts/make_docs.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, f"run scripts/make_docs.py: {ran.stdout}{ran.stderr}"


@each("page", PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#][^)]*?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists() or target in LATER, f"{page.name} points at {target}"


@each("page", DECISIONS)
def test_a_decision_is_short_and_names_its_check(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES_MAX
    assert re.findall(r"^## (.*)$", text, re.M) == HEADINGS
    held = text.partition("## Held by")[2]
    named = re.findall(r"`((?:tests|docs|packages)/[^`]+)`", held)
    assert named or "`make " in held or "`recoup " in held, "name the check that holds it"
    for name in named:
        assert (ROOT / name).exists(), f"{page.stem} names {name}"


def test_decisions_are_numbered_without_gaps() -> None:
    assert [page.name[:4] for page in DECISIONS] == [f"{n:04d}" for n in range(1, len(DECISIONS) + 1)]
