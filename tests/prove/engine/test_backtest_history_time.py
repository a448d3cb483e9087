"""A back-test of a long history, the engine asked: 20,000 declined payments within a minute on two idle cores, 100,000
within five. Of customers who have one or two such payments each, as subscribers do.

Again: `pytest -n 0 tests/prove/engine/test_backtest_history_time.py --timeout=0 -s`
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.doors.command import test_backtest_history as story
from tests.doors.command.test_backtest_history import written

SIZES = [int(one) for one in os.environ.get("PROVE_HISTORY", "20000,100000").split(",")]
EACH = float(os.environ.get("PROVE_PAYMENTS_EACH", "1.5"))  # of a customer
SECONDS_MAX = {20_000: 60.0, 100_000: 300.0}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("payments", SIZES)
def test_a_long_history_is_back_tested_while_one_waits(
    payments: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "PAYMENTS", payments)
    customers = int(payments / EACH)
    rows = (
        row | {"customerId": f"c{int(row['orderId'][1:]) % customers}"} for row in story.history.__wrapped__(days=300)
    )
    file, out = written(tmp_path / "history.csv", list(rows)), tmp_path / "said.json"
    began = time.monotonic()
    with out.open("w") as said:
        words = [sys.executable, "-m", "recoup.main", "backtest", str(file), "--policy", "engine", "--json"]
        subprocess.run(words, stdout=said, check=True)
    seconds, found = time.monotonic() - began, json.loads(out.read_text())
    off, planned = found["calibration"]["error"], found["plannedOf"][0]
    print(f"{payments:,} payments of {customers:,} customers: {seconds:.1f} s; off by {off:.1%}, {planned:,} planned")
    assert found["declined"] == payments
    assert found["rangeOfModels"] is not None
    assert seconds <= SECONDS_MAX.get(payments, float("inf"))
