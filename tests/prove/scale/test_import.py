"""A million attempts out of a file: within a minute on two idle cores, within a gigabyte, and none
twice.

Again: `pytest tests/prove/scale/test_import.py --timeout=0 -s`
"""

import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

ROWS = int(os.environ.get("PROVE_IMPORT_ROWS", "1000000"))
SECONDS_MAX, MEGABYTES_MAX = 60.0, 1_024
HEADER = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted "
    "Amount,Description,Fee,Is Link,Mode,"
    "Payment Source Type,Status,Taxes On Fee,Seller Message,Customer ID,Invoice ID,PaymentIntent "
    "ID,Card Last4,"
    "Card Brand,Card Funding,Card Exp Month,Card Exp Year,Card Issue Country,Card Fingerprint\n"
)
WHY = ("insufficient_funds", "do_not_honor", "expired_card", "generic_decline")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz"


def write(file: Path, rows: int) -> None:
    """As a dashboard writes it: newest or oldest first is all one to the reader."""
    drawn, begin, count = random.Random(7), datetime(2024, 1, 1, tzinfo=UTC), 0  # no secret
    with file.open("w") as out:
        out.write(HEADER)
        while count < rows:
            customer, payment = drawn.randrange(rows // 8), "".join(drawn.choices(LETTERS, k=24))
            at, amount = (
                begin + timedelta(seconds=drawn.randrange(500 * 86_400)),
                drawn.choice(("19.00", "49.90")),
            )
            for day in (0, 3, 7, 12):
                paid, count = drawn.random() < 0.6, count + 1
                why = (
                    "Payment complete."
                    if paid
                    else f"The bank returned the decline code `{drawn.choice(WHY)}`."
                )
                out.write(
                    f"ch_{payment[:20]}{day},{at + timedelta(days=day):%Y-%m-%d %H:%M:%S},"
                    f"{amount},0.00,usd,{paid},"
                    f"{amount},Subscription "
                    f"update,0.84,false,live,card,{'Paid' if paid else 'Failed'},0.00,{why},"
                    f"cus_{customer},in_{payment},pi_{payment},"
                    f"{customer % 10_000:04},Visa,credit,4,2028,US,f\n"
                )
                if paid or count >= rows:
                    break


class Run(NamedTuple):
    """`processor`: seconds of the verb's process, and of the database's that it started and that
    ended, which is most of what they took. `megabytes`: the most memory of the verb's process."""

    told: dict[str, object]
    seconds: float
    processor: tuple[float, float]
    megabytes: int


def run(data: Path, *words: str) -> Run:
    """A verb that prints one object."""
    script = (
        "import resource, runpy, sys\nsys.argv[0] = 'recoup'\n"
        "try:\n  runpy.run_module('recoup.main', run_name='__main__')\n"
        "finally:\n"
        "  own, ended = (resource.getrusage(of) for of in (resource.RUSAGE_SELF, "
        "resource.RUSAGE_CHILDREN))\n"
        "  print(own.ru_utime + own.ru_stime, ended.ru_utime + ended.ru_stime, own.ru_maxrss, "
        "file=sys.stderr)\n"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script, *words, "--data-dir", str(data)],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr[-2_000:]
    own, ended, memory = done.stderr.split()[-3:]
    text = done.stdout.strip().splitlines()[-1]
    told = json.loads(text) if text.startswith("{") else {}
    return Run(told, seconds, (float(own), float(ended)), int(memory) // 1024)


@pytest.mark.timeout(0)
def test_a_million_attempts_within_a_minute(tmp_path: Path) -> None:
    file, data = tmp_path / "payments.csv", tmp_path / "data"
    write(file, ROWS)
    run(data, "bootstrap", "--json")
    first = run(data, "import", str(file), "--json")
    again = run(data, "import", str(file), "--json")
    own, ended = first.processor
    print(
        f"\n{ROWS:,} attempts: {first.seconds:.1f} s, {first.megabytes} MB; processor {own:.1f} + "
        f"{ended:.1f} s"
    )
    print(
        f"again in {again.seconds:.1f} s: {again.told['new']} new, {again.told['changed']} changed"
    )
    assert first.told["new"] == ROWS
    assert (again.told["new"], again.told["changed"]) == (0, 0)
    assert first.megabytes <= MEGABYTES_MAX
    assert first.seconds <= SECONDS_MAX * max(1.0, ROWS / 1_000_000)
