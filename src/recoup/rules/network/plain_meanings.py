"""What a network's words for a code come to, in the words that are translated: the code beside them stays exact."""

from collections.abc import Mapping
from typing import Final

from recoup.rules.network.reasons import REASONS, reason_of
from recoup.rules.network.tables import CODES


def _all() -> Mapping[str, str]:
    """Whole, and without the note behind the semicolon. Of rows with the same text the first counts."""
    found: dict[str, str] = {}
    for row in CODES:
        plain = REASONS[reason_of(row.kind, row.code, row.klass)][0]
        for text in (row.meaning, row.meaning.partition(";")[0]):
            found.setdefault(text, plain)
    return found


PLAIN_MEANINGS: Final = _all()
