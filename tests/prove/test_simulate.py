"""A million simulated orders over many seeds, with faults and crashes at every step: no difference anywhere.

Again: `.venv/bin/python -m pytest tests/prove/test_simulate.py --timeout=0 -s`; `RECOUP_PROVE_ORDERS=20000` is shorter.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ORDERS = int(os.environ.get("RECOUP_PROVE_ORDERS", "1000000"))
EACH = 10_000  # orders of a seed
CRASH = "silent=0.02,lost=0.01,late=0.01,duplicate=0.02,refused=0.01,unprocessed=0.005,garbage=0.005,hidden=0.005," \
        "outage=0.01,crash=0.004,twice=0.01,repeat=0.03"  # fmt: skip


def one(seed: int, orders: int, folder: Path) -> dict[str, Any]:
    asked = ["--seed", str(seed), "--orders", str(orders), "--merchants", "10", "--faults", CRASH, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "recoup.main", "simulate", *asked, "--data-dir", str(folder)], capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-2000:]}"
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"seed {seed}: {orders} orders, {told['per_second']:.0f}/s, {sum(told['deaths'].values())} deaths,"
          f" {told['hash'][:16]}", flush=True)  # fmt: skip
    return told


def test_a_million_orders_hold(tmp_path: Path) -> None:
    each = min(EACH, ORDERS)
    seeds = range(1, -(-ORDERS // each) + 1)
    begun = time.perf_counter()
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2)) as side_by_side:
        found = list(side_by_side.map(lambda seed: one(seed, each, tmp_path), seeds))
    taken = time.perf_counter() - begun
    assert all(told["wrong"] is None for told in found)
    deaths, faults, done = Counter[str](), Counter[str](), Counter[str]()
    for told in found:
        deaths.update(told["deaths"])
        faults.update(told["faults"])
        done.update(told["told"])
    whole = sum(sum(told["stages"].values()) for told in found)
    print(f"\n{whole} orders of {len(found)} seeds in {taken:.0f} s, {whole / taken:.0f}/s; {deaths.total()} deaths at"
          f" {len(deaths)} steps; 0 differences")  # fmt: skip
    for counts in (done, faults):
        print("  " + ", ".join(f"{name} {number}" for name, number in sorted(counts.items())))
    assert whole == each * len(found)
    assert len(deaths) >= min(150, whole // 100), "too few steps at which a process died"


def test_the_same_seed_again_is_the_same_hash(tmp_path: Path) -> None:
    first, second = (one(7, 500, tmp_path) for _ in range(2))
    assert first["hash"] == second["hash"]
