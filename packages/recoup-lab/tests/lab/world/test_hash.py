"""Figures are said of one world: its files and parameters, by the hash that
docs/contributing/evidence.md names."""

import re
from pathlib import Path

from recoup_lab.world.world import world_hash

EVIDENCE = Path(__file__).resolve().parents[5] / "docs/contributing/evidence.md"


def test_the_world_is_the_one_that_the_figures_are_said_of() -> None:
    named = re.search(r"The world: `([0-9a-f]{16})`", EVIDENCE.read_text("utf-8"))
    assert named is not None
    assert named[1] == world_hash(), (
        "measure the bands anew (tests/prove/engine/test_world.py), then name it"
    )
