"""A million attempts out of a file: within a minute on two idle cores, within a gigabyte, and none twice.

Again: `.venv/bin/python -m pytest tests/prove/test_import.py --timeout=0 -s`
"""

import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROWS = int(os.environ.get("RECOUP_IMPORT_ROWS", "1000000"))
SECONDS_MAX, MEGABYTES_MAX = 60.0, 1_024
HEADER = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Description,Fee,Is Link,Mode,"
    "Payment Source Type,Status,Taxes On Fee,Seller Message,Customer ID,Invoice ID,PaymentIntent ID,Card Last4,"
    "Card Brand,Card Funding,Card Exp Month,Card Exp Year,Card Issue Country,Card Fingerprint\n"
)
WHY = ("insufficient_funds", "do_not_honor", "expired_card", "generic_decline")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz"


def write(file: Path, rows: int) -> None:
    """As a dashboard writes it: newest or oldest first is all one to the reader."""
    drawn, begin, count = random.Random(7), datetime(2024, 1, 1, tzinfo=UTC), 0  # noqa: S311 - no secret
    with file.open("w") as out:
        out.write(HEADER)
        while count < rows:
            customer, payment = drawn.randrange(rows // 8), "".join(drawn.choices(LETTERS, k=24))
            at, amount = begin + timedelta(seconds=drawn.randrange(500 * 86_400)), drawn.choice(("19.00", "49.90"))
            for day in (0, 3, 7, 12):
                paid, count = drawn.random() < 0.6, count + 1
                why = "Payment complete." if paid else f"The bank returned the decline code `{drawn.choice(WHY)}`."
                out.write(
                    f"ch_{payment[:20]}{day},{at + timedelta(days=day):%Y-%m-%d %H:%M:%S},{amount},0.00,usd,{paid},"
                    f"{amount},Subscription update,0.84,false,live,card,{'Paid' if paid else 'Failed'},0.00,{why},"
                    f"cus_{customer},in_{payment},pi_{payment},{customer % 10_000:04},Visa,credit,4,2028,US,f\n"
                )
                if paid or count >= rows:
                    break


def run(data: Path, *words: str) -> tuple[dict[str, object], float, int]:
    """The verb's object, its seconds, and the most memory that it took, in megabytes."""
    script = (
        "import resource, runpy, sys\nsys.argv[0] = 'recoup'\n"
        "try:\n  runpy.run_module('recoup.main', run_name='__main__')\n"
        "finally:\n  print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script, *words, "--data-dir", str(data)], capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr[-2_000:]
    memory = int(done.stderr.split()[-1]) // 1024
    text = done.stdout.strip().splitlines()[-1]
    return (json.loads(text) if text.startswith("{") else {}), seconds, memory


@pytest.mark.timeout(0)
def test_a_million_attempts_within_a_minute(tmp_path: Path) -> None:
    file, data = tmp_path / "payments.csv", tmp_path / "data"
    write(file, ROWS)
    run(data, "bootstrap", "--json")
    first, seconds, memory = run(data, "import", str(file), "--json")
    again, again_seconds, _ = run(data, "import", str(file), "--json")
    print(f"\n{ROWS:,} attempts in {seconds:.1f} s, {memory} MB; again in {again_seconds:.1f} s: {again['new']} new")
    assert first["new"] == ROWS
    assert (again["new"], again["changed"]) == (0, 0)
    assert memory <= MEGABYTES_MAX
    assert seconds <= SECONDS_MAX * max(1.0, ROWS / 1_000_000)
