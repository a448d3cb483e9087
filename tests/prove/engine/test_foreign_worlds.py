"""The engine in worlds that others wrote as programs: from the protocol and published figures
alone, without a look at the engine. What their author's oracle reaches is in the same line. Those
of `unseen` were written last, when the engine was done: nothing was tuned to them, and once they
were looked at they are no more than the others. Of `eight` the four of `sealed` were played once,
when `engine-3` was done.

Again: `pytest tests/prove/engine/test_foreign_worlds.py --timeout=0 -s`; a world alone:

    recoup lab compare --world-command "python tests/foreign_worlds/credit.py" \\
      --arms 4-in-21-days,slots,engine --sends 3
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WORLDS = Path(__file__).parents[2] / "foreign_worlds"
COMPARATORS = ("4-in-21-days", "8-in-2-weeks", "retry-2", "slots")


FIRST = ("salaried", "credit", "odd_jobs", "mixture")
UNSEEN = ("unseen/weekly", "unseen/benefits", "unseen/business", "unseen/abroad")
EIGHT = (
    *(f"eight/seen/{name}" for name in ("mandates", "students", "daily_book", "nothing")),
    *(f"eight/sealed/{name}" for name in ("instant", "reminded", "liars", "halves")),
)


@pytest.mark.parametrize("name", [*FIRST, *UNSEEN, *EIGHT])
def test_no_comparator_is_above_the_engine(name: str) -> None:
    program = [sys.executable, str(WORLDS / f"{name}.py")]
    arms = ",".join((*COMPARATORS, "engine"))
    command = [
        "lab",
        "compare",
        "--world-command",
        shlex.join(program),
        "--arms",
        arms,
        "--sends",
        "3",
        "--json",
    ]
    found = _json([sys.executable, "-m", "recoup.main", *command])
    known = _json([*program, "--oracle", "--sends", "3"])
    oracle = 100 * known.get("upper", known["recovered"])  # at 3 sends that were made
    level = next(one for one in found["levels"] if one["level"] in ("3", "3.0"))
    shares = {row["arm"]: 100 * row["orders"]["value"] for row in level["arms"]}
    beside = next(
        pair
        for pair in level["pairs"]
        if (pair["arm"], pair["against"]) == ("engine", level["best"])
    )
    best = shares[level["best"]]
    print(
        f"\n{name}: engine {shares['engine']:.1f}, {level['best']} {best:.1f}, "
        f"oracle {oracle:.1f}:",
        f"{100 * (shares['engine'] - best) / (oracle - best):.0f} % of the way;",
        f"difference {100 * beside['orders']['low']:.1f} to "
        f"{100 * beside['orders']['high']:.1f} points",
    )
    assert (found["breaches"]["ours"], found["breaches"]["world"]) == (0, 0)
    assert beside["orders"]["high"] >= 0, "significantly below"


def _json(command: list[str]) -> Any:
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
