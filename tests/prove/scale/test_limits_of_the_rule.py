"""Ten million sends through the gate's rule, each of which an independent count judges, and the
finished lists again.

Every scheme, several merchants and acceptors of different regions, late and missing answers, bans,
advised waits, days on which a network's number changes, clocks apart and jumping. Rule and count
have to agree in both directions: what may leave, and the very instant at which what is refused may.

Again: `pytest tests/prove/scale/test_limits_of_the_rule.py --timeout=0 -s`; `PROVE_RULE_SENDS` is
how many, `PROVE_PROCESSES` how many side by side. The figures are the same for any number of
processes.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.cards_at_random import play
from tests.gate_findings import Found

SENDS = int(os.environ.get("PROVE_RULE_SENDS", "10000000"))
PROCESSES = int(os.environ.get("PROVE_PROCESSES", "2"))
PART = 50_000
SEED = 20_260_103


def test_ten_million_sends_as_the_count_has_them() -> None:
    began, found = time.monotonic(), Found()
    parts = -(-SENDS // PART)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for one in pool.map(play, range(SEED, SEED + parts), [min(PART, SENDS)] * parts):
            found.add(one)
    seconds = time.monotonic() - began
    print(
        f"\nrule: {found.text()}; {seconds:.0f} s by {PROCESSES} processes "
        f"({found.sends / seconds:,.0f}/s)"
    )
    assert found.breaches.total() == 0, found.breaches
    assert found.too_strict.total() == 0, found.too_strict
    assert found.sends >= SENDS
    full = {name: int(name.split()[1]) for name in found.fullest}
    assert found.fullest == full
