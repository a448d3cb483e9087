"""The log of one play of the engine in a small world, with a model that is at hand."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.engine.ground import model

from recoup_lab.compare.arms.engine import EngineArm
from recoup_lab.compare.driver import play
from recoup_lab.compare.ground import survey
from recoup_lab.compare.log import model_row
from recoup_lab.compare.seam import Briefing
from recoup_lab.compare.source import OurWorlds


@cache
def rows(orders: int, holdout: float = 0.2) -> list[dict[str, Any]]:
    """As `recoup lab compare --log` writes them of a play at the engine's own price."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "world.toml"
        file.write_text(f"[world]\norders = {orders}\n[history]\ndays = 1\n")
        with OurWorlds(file).open(5) as opened:
            ground = survey(opened.world, 5)
            briefing = Briefing(ground.hello, ground.history, 5, explore=0.1, holdout=holdout)
            arm = EngineArm(briefing, model(data_from="2026-01-01", data_until="2027-02-28"))
            found: list[dict[str, Any]] = [model_row("engine/1", arm.model, arm.pricing)]
            play(ground, "engine/1", arm, log=lambda row: found.append(dict(row)))
    return [{"seed": 5, "level": "own"} | json.loads(json.dumps(row)) for row in found]


def written(file: Path, found: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in found))
    return file
