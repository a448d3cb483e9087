"""A back-test of a long history, the engine asked: 20,000 declined payments within a minute on two
idle cores, 100,000 within five. Of customers who have one or two such payments each, as subscribers
do. With `PROVE_SHARED=1` seconds on both processors are judged.

Again: `pytest -n 0 tests/prove/engine/test_backtest_history_time.py --timeout=0 -s`
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.backtest.cli import test_backtest_history as story
from tests.backtest.cli.test_backtest_history import written

SIZES = [int(one) for one in os.environ.get("PROVE_HISTORY", "20000,100000").split(",")]
EACH = float(os.environ.get("PROVE_PAYMENTS_EACH", "1.5"))  # of a customer
SECONDS_MAX = {20_000: 60.0, 100_000: 300.0}
CORES = 2
SHARED = os.environ.get("PROVE_SHARED", "") == "1"


@pytest.mark.timeout(0)
@pytest.mark.parametrize("payments", SIZES)
def test_a_long_history_is_back_tested_while_one_waits(
    payments: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "PAYMENTS", payments)
    customers = int(payments / EACH)
    rows = (
        row | {"customerId": f"c{int(row['orderId'][1:]) % customers}"}
        for row in story.history.__wrapped__(days=300)
    )
    file, out = written(tmp_path / "history.csv", list(rows)), tmp_path / "said.json"
    began, worked = time.monotonic(), _worked()
    with out.open("w") as said:
        words = [
            sys.executable,
            "-m",
            "recoup.main",
            "backtest",
            str(file),
            "--policy",
            "engine",
            "--json",
        ]
        subprocess.run(words, stdout=said, check=True)
    seconds, work, found = time.monotonic() - began, _worked() - worked, json.loads(out.read_text())
    off, planned = found["calibration"]["error"], found["plannedOf"][0]
    took = f"{seconds:.1f} s, {work:.1f} s of work"
    print(
        f"{payments:,} payments of {customers:,} customers: {took}; off by {off:.1%}, {planned:,} "
        f"planned"
    )
    assert found["declined"] == payments
    assert found["rangeOfModels"] is not None
    assert (work / CORES if SHARED else seconds) <= SECONDS_MAX.get(payments, float("inf"))


def _worked() -> float:
    """Seconds of processor time that ended children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
