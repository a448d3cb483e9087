"""Simulated orders over many seeds, with faults and crashes at every step: no difference anywhere.

Again: `pytest tests/prove/simulate/test_simulate.py --timeout=0 -s`; `PROVE_ORDERS=1000000` is a
night, `PROVE_PROCESSES` seeds are played side by side (as many as there are processors). It may be
cut and started again: seeds that are through are kept in `PROVE_STATE`, for as long as not a byte
of the source has changed.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from recoup.db.server.footing import end_with_parent

ROOT = Path(__file__).parents[3]
ORDERS = int(os.environ.get("PROVE_ORDERS", "100000"))
PROCESSES = int(os.environ.get("PROVE_PROCESSES", str(os.cpu_count() or 2)))
STATE = Path(os.environ.get("PROVE_STATE", ROOT / ".prove"))  # a folder
EACH = 25_000  # orders of a seed
CRASH = (
    "silent=0.02,lost=0.01,late=0.01,duplicate=0.02,"
    "refused=0.01,unprocessed=0.005,garbage=0.005,hidden=0.005,"
    "outage=0.01,crash=0.004,twice=0.01,repeat=0.03"
)


class Kept:
    """What seeds told that are through, of this very source and plan; a line each."""

    def __init__(self, folder: Path, orders: int) -> None:
        of = hashlib.sha256(f"{orders} {CRASH}".encode() + _source()).hexdigest()
        self.path, self._lock = folder / f"simulate-{of[:16]}.jsonl", threading.Lock()
        self.told: dict[int, dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            whole, _, _ = self.path.read_text().rpartition(
                "\n"
            )  # what was cut off in the middle is played again
            self.told = {line["seed"]: line["told"] for line in map(json.loads, whole.splitlines())}
        self._write("w", self.told)

    def keep(self, seed: int, told: dict[str, Any]) -> None:
        with self._lock:
            self.told[seed] = told
            self._write("a", {seed: told})

    def _write(self, mode: str, lines: dict[int, dict[str, Any]]) -> None:
        with self.path.open(mode) as file:
            for seed, told in lines.items():
                file.write(json.dumps({"seed": seed, "told": told}) + "\n")


def _source() -> bytes:
    whole = hashlib.sha256()
    for path in sorted([*(ROOT / "src").rglob("*"), *(ROOT / "packages").glob("*/src/**/*")]):
        if path.is_file() and path.suffix in (".py", ".sql"):
            whole.update(path.read_bytes())
    return whole.digest()


def one(seed: int, orders: int, folder: Path) -> dict[str, Any]:
    asked = [
        "--seed",
        str(seed),
        "--orders",
        str(orders),
        "--merchants",
        "10",
        "--faults",
        CRASH,
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "recoup.main", "simulate", *asked, "--data-dir", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=end_with_parent(),
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-2000:]}"
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["wrong"] is None
    _tell(seed, told, "")
    return told


def _tell(seed: int, told: dict[str, Any], when: str) -> None:
    print(
        f"seed {seed}: {sum(told['stages'].values())} orders, {told['per_second']:.0f}/s,"
        f" {sum(told['deaths'].values())} deaths, {told['hash'][:16]}{when}",
        flush=True,
    )


def test_simulated_orders_hold(tmp_path: Path) -> None:
    each = min(EACH, ORDERS)
    kept = Kept(STATE, each)
    for seed, told in sorted(kept.told.items()):
        _tell(seed, told, ", before")
    wanted = range(1, -(-ORDERS // each) + 1)
    before, begun = len(kept.told), time.perf_counter()
    side_by_side = ThreadPoolExecutor(PROCESSES)
    left = [seed for seed in wanted if seed not in kept.told]
    plays = [
        side_by_side.submit(lambda seed: kept.keep(seed, one(seed, each, tmp_path)), seed)
        for seed in left
    ]
    try:
        wait(plays, return_when=FIRST_EXCEPTION)
    finally:
        side_by_side.shutdown(cancel_futures=True)
    for play in plays:
        if not play.cancelled():
            play.result()
    taken = time.perf_counter() - begun
    _sum([kept.told[seed] for seed in wanted], each * (len(kept.told) - before) / taken)
    kept.path.unlink()


def _sum(found: list[dict[str, Any]], per_second: float) -> None:
    deaths, faults, done = Counter[str](), Counter[str](), Counter[str]()
    for told in found:
        deaths.update(told["deaths"])
        faults.update(told["faults"])
        done.update(told["counts"])
    whole = sum(sum(told["stages"].values()) for told in found)
    print(
        f"\n{whole} orders of {len(found)} seeds, {per_second:.0f}/s; {deaths.total()} deaths at "
        f"{len(deaths)} steps;"
        " 0 differences"
    )
    for counts in (done, faults):
        print("  " + ", ".join(f"{name} {number}" for name, number in sorted(counts.items())))
    assert whole == sum(told["plan"]["orders"] for told in found)
    assert len(deaths) >= min(150, whole // 100), "too few steps at which a process died"


def test_the_same_seed_again_is_the_same_hash(tmp_path: Path) -> None:
    first, second = (one(7, 500, tmp_path) for _ in range(2))
    assert first["hash"] == second["hash"]
