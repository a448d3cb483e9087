"""What the database finds in sets is what the pure matcher finds in memory, whatever the file and
the ledger hold."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

from tests.comparing import compare, verdicts
from tests.plain_matcher import match
from tests.planting import Moved, plant
from tests.worlds import make_shop, sandbox_world

from recoup.bank.rules.matching import Ours, Theirs
from recoup.bank.rules.reading import Reading
from recoup.bank.rules.statement import Statement
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kit.files.lines import lines as numbered

HEADER = "id,reference,type,amount,currency,date"


def test_the_sets_and_the_pure_matcher_agree(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            for seed in range(12):
                shop = await make_shop(*made)
                now = await shop.now()
                moved = await plant(shop, 40, now - timedelta(days=100), timedelta(days=98))
                text = "\n".join(_file(moved, random.Random(seed)))
                period = (now - timedelta(days=40), now - timedelta(days=5))
                ran = await compare(shop, text.encode(), Reading())
                period = (ran.run.period_from, ran.run.period_to)
                read = Statement(
                    lambda text=text: numbered([text.encode()], "utf-8"),
                    Reading(),
                )  # type: ignore[misc]
                lines = [x for x in read if isinstance(x, Theirs)]
                ours = [
                    Ours((m.id, 1), m.id, m.type, m.reference, m.units, "USD", m.at) for m in moved
                ]
                pure, missing = match("processor", lines, ours, period, "sandbox")
                rows = await verdicts(shop, ran)
                told = {
                    row.line_no: (row.outcome, row.reason, row.finding, row.recipe)
                    for row in rows
                    if row.line_no and row.outcome != "refused"
                }
                assert told == {
                    line.number: (
                        v.outcome,
                        v.reason,
                        v.text,
                        v.posting.recipe if v.posting else None,
                    )
                    for line, v in zip(lines, pure, strict=True)
                }
                assert [(r.our_id, r.reason) for r in rows if not r.line_no] == [
                    (o.source_id, v.reason) for o, v in sorted(missing, key=lambda pair: pair[0].at)
                ]

    asyncio.run(story())


def _file(moved: list[Moved], dice: random.Random) -> list[str]:
    """Right lines and lines of every kind of mistake, some of them twice."""
    lines = [HEADER]
    for _ in range(60):
        one, two = dice.choice(moved), dice.choice(moved)
        change = dice.choice(
            [
                {},
                {},
                {},
                {"id": ""},
                {"reference": ""},
                {"units": two.units},
                {"reference": two.reference},
                {"id": two.id},
                {"id": new_id()},
                {"type": two.type},
                {"id": "", "reference": "nobody"},
                {"id": UUID(int=7), "reference": "nobody"},
                {"id": "", "reference": ""},
            ]
        )
        lines += [one.line(**change)] * dice.choice([1, 1, 1, 2])
        if one.units % 2 == 0 and dice.random() < 0.3:  # captured in two equal parts
            lines += [one.line(units=one.units // 2)] * dice.choice([2, 3])
    return lines
