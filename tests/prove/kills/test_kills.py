"""A hundred kills -9 of supervisor, doors, worker and database under load: nothing that was
promised is lost.

Again: `pytest tests/prove/kills/test_kills.py --timeout=0 -s`
"""

import os
from pathlib import Path

from tests.kills.story import play

KILLS = int(os.environ.get("PROVE_KILLS", "100"))


def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    figures = play(tmp_path, kills=KILLS, seed=20_260_102, rest=(0.2, 3.0))
    print("\n" + figures.text())
    assert sum(figures.kills.values()) == KILLS
    assert all(figures.kills.values())
    assert figures.orders >= KILLS
    assert figures.left_behind == 0
