"""A real installation under load loses a part five times, and nothing that was promised. `make prove`: a hundred."""

from pathlib import Path

import pytest
from tests.kills.story import play

pytestmark = pytest.mark.prove("kills")


@pytest.mark.timeout(300)
def test_five_kills_lose_nothing(tmp_path: Path) -> None:
    figures = play(tmp_path, kills=5, seed=5, rest=(0.5, 1.5), hurry=True)
    print(figures.text())
    assert sum(figures.kills.values()) == 5
    assert figures.orders >= 10
    assert figures.left_behind == 0
