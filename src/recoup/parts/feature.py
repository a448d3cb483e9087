"""Parts of an amount: a declined payment is tried for less than all, where its merchant allows it.

The core knows that an order may have several charges: what is collected and owed, and what books
each. How much an attempt asks for, and whether a part is kept without the rest, stand here.
"""

from pathlib import Path
from typing import Final

from recoup.audit.rules import AUDIT
from recoup.kernel.facet import FACET
from recoup.kernel.feature import Feature
from recoup.kit.cli.verb_group import VERB
from recoup.kit.retention import GOOD, RETENTION, lines
from recoup.parts import flows
from recoup.parts.rules import INPUT, RULE, PartInput, with_part
from recoup.parts.store import OF_MERCHANT
from recoup.parts.words import AUDITS, WITHOUT
from recoup.people.page.feature_parts import PORTAL
from recoup.rescue.rules.amount import AMOUNT, Amount

PARTS: Final = Feature(
    name="parts",
    folder=Path(__file__).parent,
    tables=("part_terms",),
    adds=(
        RETENTION(lines("part_terms", GOOD)),
        FACET(OF_MERCHANT),
        AMOUNT(
            Amount(
                INPUT,
                PartInput,
                RULE,
                flows.parts_of,
                with_part,
                flows.units_of,
                flows.keeps,
                flows.part_from,
                WITHOUT,
            )
        ),
        VERB(
            {
                "terms parts": (
                    "Shows whether a declined payment may be collected in parts, and what becomes "
                    "of a part without "
                    "the rest; an option changes it.",
                    "recoup.parts.cli",
                )
            }
        ),
        AUDIT(AUDITS),
        PORTAL("recoup.parts.page"),
    ),
)
