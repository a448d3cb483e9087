"""A world in which the folklore of pay days is wrong: hardly anybody is paid on the 1st, the 15th
or a Friday, and pay is posted in the afternoon. The schedule that tries just then is asked about,
on the log of an engine with a comparison group. What the back-test says in words and numbers is
held against what the schedule rescues of other customers. `-s` shows it.

At full size, with `--timeout=0 -s`: `PROVE_FOLKLORE=10`, two minutes a world.
"""

import json
import os
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from tests.here import Here
from tests.prove import plugged

from recoup.backtest.cli.backtest import backtest
from recoup.backtest.page import meaning
from recoup.backtest.rules.replay import ScheduleTarget
from recoup.policies.rules.policy import RETRY_2
from recoup_lab.plug.program import Program

WORLDS = int(os.environ.get("PROVE_FOLKLORE", "2"))
LOGGED = int(os.environ.get("PROVE_PAYERS", "6000"))
FRESH = 4_000
HOLDOUT = 0.2  # a tenth of so few customers is too little to judge a schedule by


def _asked(file: Path, *more: str) -> str:
    result = CliRunner().invoke(
        backtest, [str(file), "--policy", RETRY_2.version, *more], obj=Here(_nowhere)
    )
    assert result.exit_code == 0, result.output
    return result.output


def _nowhere(_: Any) -> Any:
    raise AssertionError("a file needs no world")


def _said(world: plugged.Plugged, folder: Path) -> tuple[dict[str, Any], str, str, plugged.Truth]:
    """The figures, the command's text, the page's sentences, and what the schedule rescues of other
    customers."""
    file = folder / "decisions.jsonl"
    file.write_bytes(b"\n".join(world.log(holdout=HOLDOUT)))
    truth = world.truth("folklore", ScheduleTarget(RETRY_2))
    found = json.loads(_asked(file, "--json"))
    page = " ".join(one.key.format(*one.parts) for one in meaning(found))
    return found, _asked(file), page, truth


def test_where_folklore_is_wrong_the_back_test_says_that_it_is_worse(tmp_path: Path) -> None:
    shown, covered = 0, 0
    for seed in range(21, 21 + WORLDS):
        kind = plugged.Kind("ours", "folklore", seed)
        command = plugged.command(kind, LOGGED + FRESH, tmp_path)
        with Program(command, seconds=plugged.ANSWER_SECONDS) as program:
            world = plugged.opened(kind, program, LOGGED, FRESH)
            found, text, page, truth = _said(world, tmp_path)
        then, told, more = found["then"], found["rescued"], found["difference"]
        print(
            f"{kind.title}: then {then}, told {told}, difference {more}, missing {found['missing']}"
        )
        print(
            f"  truth {truth.value:.1%} ± {1.645 * truth.error:.1%} of {truth.orders:,}",
            page,
            flush=True,
        )
        assert truth.value + 1.645 * truth.error < then["value"], (
            "the folklore is wrong in this world"
        )
        if told is None:
            continue
        shown += 1
        covered += more["low"] <= truth.value - then["value"] <= more["high"]
        assert more["high"] < 0
        assert found["verdict"] == "worse"
        assert "WORSE than what was done" in text
        assert "It is worse than what was done" in page
    print(
        f"{shown} of {WORLDS} shown, all called worse; {covered} of the differences hold the truth"
    )
    assert shown >= 0.5 * WORLDS
