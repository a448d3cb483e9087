"""The back-test in whole simulated worlds, which are asked over their protocol: of each one logged
run is cut into disjoint samples of 1,000 payers, and each sample's interval is held against what
the policy rescues of other customers of that world. `-s` shows the figures.

At full size, with `--timeout=0 -s`: `PROVE_PLUGGED=20 PROVE_SAMPLES=50`, some seven minutes a
world. `PROVE_TARGETS=engine` asks of the engine alone; `PROVE_FRESH` is how many other customers
there are.
"""

import os
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.prove import plugged

from recoup_lab.plug.program import Program

WORLDS = int(os.environ.get("PROVE_PLUGGED", "3"))
SAMPLES = int(os.environ.get("PROVE_SAMPLES", "8"))
FRESH = int(os.environ.get("PROVE_FRESH", "6000"))
TARGETS = os.environ.get("PROVE_TARGETS", "engine").split(",")
PAYERS = 1_000
FULL = (
    500  # intervals, from which on the bands are held as they are written; below chance widens them
)


@dataclass(slots=True)
class Seen:
    samples: int = 0
    shown: int = 0
    covered: int = 0
    widths: float = 0.0
    missing: Counter[str] = field(default_factory=Counter)


def _world(kind: plugged.Kind) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    wanted = SAMPLES * PAYERS
    with (
        tempfile.TemporaryDirectory() as folder,
        Program(
            plugged.command(kind, wanted + FRESH, Path(folder)), seconds=plugged.ANSWER_SECONDS
        ) as program,
    ):
        world = plugged.opened(kind, program, wanted, FRESH)
        lines = world.log()
        for name, target in plugged.targets(world).items():
            if name not in TARGETS:
                continue
            truth, seen = world.truth(f"truth/{name}", target), Seen()
            for one in plugged.judged(lines, target, PAYERS):
                seen.samples += 1
                seen.missing.update(lack.what for lack in one.whole.missing)
                if one.whole.rescued is not None:
                    low, high = one.whole.rescued.interval
                    seen.shown += 1
                    seen.covered += low <= truth.value <= high
                    seen.widths += one.whole.rescued.half_width
            found[name] = seen
            print(
                f"{kind.title}, {name}: truth {truth.value:.1%} (± {1.645 * truth.error:.1%}, "
                f"{truth.orders:,});",
                f"{seen.shown} of {seen.samples} shown, {seen.covered} cover,",
                f"half-width {seen.widths / max(1, seen.shown):.1%}, missing {dict(seen.missing)}",
                flush=True,
            )
    return found


def test_of_the_intervals_in_plugged_worlds_85_to_95_percent_hold_the_truth() -> None:
    with ProcessPoolExecutor(2) as pool:
        worlds = list(pool.map(_world, plugged.kinds(WORLDS)))
    shown = sum(seen.shown for one in worlds for seen in one.values())
    covered = sum(seen.covered for one in worlds for seen in one.values()) / shown
    near = [seen for one in worlds for name, seen in one.items() if name == "engine"]
    withheld = 1.0 - sum(seen.shown for seen in near) / sum(seen.samples for seen in near)
    print(
        f"{len(worlds)} worlds, {shown:,} shown, {covered:.1%} cover; of the engine {withheld:.1%} "
        f"withheld"
    )
    slack = 0.0 if shown >= FULL else 3 * (0.09 / shown) ** 0.5
    assert 0.85 - slack <= covered <= 0.95 + slack
    assert withheld <= 0.10
    for one in worlds:
        for seen in one.values():
            few = 3 * (0.19 / seen.shown) ** 0.5 if 0 < seen.shown < 50 else 0.0
            assert not seen.shown or seen.covered / seen.shown >= 0.75 - few
