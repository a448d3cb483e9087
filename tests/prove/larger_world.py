"""A world that somebody else wrote, with more payers and orders than it has: `larger_world.py NAME
FACTOR SEED`."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

WORLDS = Path(__file__).parents[1] / "foreign_worlds"
NAMES = ("salaried", "credit", "odd_jobs", "mixture")


def larger(name: str, factor: int) -> Any:
    """Its class; the first payers and their payments are those of the world itself."""
    sys.path.insert(0, str(WORLDS))
    module, common = importlib.import_module(name), importlib.import_module("common")
    kinds = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, common.World)
    ]
    world: Any = next(one for one in kinds if one is not common.World)
    world.payers_n, world.judged = world.payers_n * factor, world.judged * factor
    return world


if __name__ == "__main__":
    _, wanted, times, seed = sys.argv
    os.environ["WORLD_SEED"] = seed
    found = larger(wanted, int(times))
    sys.argv = sys.argv[:1]
    importlib.import_module("common").main(found)
