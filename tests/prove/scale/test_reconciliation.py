"""A statement of 100,000 lines with known differences: exactly those are found, none of them by
chance, in time.

Again: `pytest tests/prove/scale/test_reconciliation.py --timeout=0 -s`
"""

import asyncio
import os
import random
import time
from collections import Counter
from datetime import timedelta

from tests.comparing import compare, person, verdicts
from tests.planting import Moved, plant
from tests.worlds import make_shop, sandbox_world

from recoup.bank.rules.reading import Reading
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.reconciliation.flows.book_differences import book_lines

LINES = int(os.environ.get("PROVE_LINES", "100000"))
EACH = LINES // 500  # of each kind of difference
SECONDS_MAX = 60.0
HEADER = "id,reference,type,amount,currency,date"


def test_a_hundred_thousand_lines_and_exactly_their_differences(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            now = await shop.now()
            moved = await plant(shop, LINES, now - timedelta(days=30), timedelta(days=28))
            lines, expected = _edited(moved)
            reading = Reading(period=(now - timedelta(days=31), now))
            began = time.monotonic()
            ran = await compare(shop, lines, reading)
            seconds = time.monotonic() - began
            rows = await verdicts(shop, ran)
            # Every line, by what it is about: its number in the file, or the id that is missing
            # there.
            found = {row.line_no or row.our_id: row.outcome for row in rows}
            assert {key: found[key] for key in expected} == expected
            wrong = {
                key: outcome
                for key, outcome in found.items()
                if expected.get(key, "matched") != outcome
            }
            assert wrong == {}
            began = time.monotonic()
            assert (await compare(shop, lines, reading)).before
            again = time.monotonic() - began
            waiting = sum(row.recipe is not None for row in rows)
            began = time.monotonic()
            assert (
                await book_lines(shop.world, person(shop), ran.run.run_id, None, "proved")
            ).now == waiting
            booking = time.monotonic() - began
            counts = ", ".join(f"{n} {name}" for name, n in sorted(Counter(found.values()).items()))
            lines_a_second = ran.run.lines / seconds
            print(
                f"\nreconciliation: {ran.run.lines} lines in {seconds:.1f} s "
                f"({lines_a_second:.0f}/s); {counts};"
                f" false matches 0; the same again {again:.2f} s; {waiting} booked in "
                f"{booking:.2f} s"
            )
            assert seconds <= SECONDS_MAX

    asyncio.run(story())


def _edited(moved: list[Moved]) -> tuple[list[str], dict[object, str]]:
    """The file's lines, and what each that is not simply matched must come to. Half have only the
    reference."""
    dice = random.Random(20_261_120)
    picked = dice.sample(range(len(moved)), 4 * EACH)
    lost, other, doubled, strange = (set(picked[n * EACH : (n + 1) * EACH]) for n in range(4))
    told: list[tuple[str, str]] = []
    expected: dict[object, str] = {}
    for n, one in enumerate(moved):
        change = {"id": ""} if n % 2 else {}
        if n in lost:
            expected[one.id] = "missing_there"
            continue
        if n in other:
            told.append((one.line(**change, units=one.units + 1), "amount_differs"))
            continue
        told.append((one.line(**change), "matched"))
        if n in doubled:
            told.append((one.line(**change), "duplicate"))
        if (
            n in strange
        ):  # the same amount, type and day as one of ours, under ids that nobody knows
            told.append((one.line(id=new_id(), reference=f"strange-{n}"), "missing_here"))
    told += [("this line is broken", "refused")] * EACH
    dice.shuffle(told)
    # Of two lines that say the same the first counts.
    seen: set[str] = set()
    for number, (text, outcome) in enumerate(told, 2):
        if outcome in ("matched", "duplicate"):
            outcome = "duplicate" if text in seen else "matched"
            seen.add(text)
        if outcome != "matched":
            expected[number] = outcome
    return [HEADER, *(text for text, _ in told)], expected
