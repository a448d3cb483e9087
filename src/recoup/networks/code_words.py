"""The codes that somebody means who writes what they stand for: `insufficient funds` is 51, and
processors' own."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

from recoup.networks.reasons import REASONS, reason_of
from recoup.networks.tables import CODES, PROCESSOR_CODES


def _all() -> Mapping[str, str]:
    """Whole, and without the note behind the semicolon. Of rows with the same text the first
    counts."""
    meanings: dict[str, str] = {}
    for row in CODES:
        plain = REASONS[reason_of(row.kind, row.code, row.klass)][0]
        for text in (row.meaning, row.meaning.partition(";")[0]):
            meanings.setdefault(text, plain)
    return meanings


PLAIN_MEANINGS: Final = _all()


_RANGE_MAX: Final = 100


class CodesOfReason(NamedTuple):
    """Codes in lower case. `own`: `source:code`, a processor's own; `others`: those that are
    written as one of `codes` but mean something else there."""

    codes: tuple[str, ...]
    own: tuple[str, ...]
    others: tuple[str, ...]

    def every(self) -> list[str]:
        """Codes alone, whoever's they are."""
        return sorted({*self.codes, *(pair.partition(":")[2] for pair in self.own)})


def reason_in_words(text: str) -> str | None:
    """The shared reason that these words name: its own name, our words for it, or those of a
    network or processor."""
    return _WORDS.get(_letters(text))


def codes_of_reason(reason: str) -> CodesOfReason:
    codes = _SCHEME[reason]
    others = sorted(
        pair for pair, of in _OWN.items() if of != reason and pair.partition(":")[2] in codes
    )
    return CodesOfReason(
        tuple(sorted(codes)),
        tuple(sorted(pair for pair, of in _OWN.items() if of == reason)),
        tuple(others),
    )


def _letters(text: str) -> str:
    return re.sub("[^a-z]", "", text.lower())


def _scheme_codes() -> Mapping[str, set[str]]:
    codes: dict[str, set[str]] = defaultdict(set)
    for row in CODES:
        if row.kind == "response":
            codes[reason_of(row.kind, row.code, row.klass)].add(row.code.lower())
    return codes


def _own_codes() -> Mapping[str, str]:
    reasons: dict[str, str] = {}
    for row in PROCESSOR_CODES:
        if row.source == "text":
            continue
        low, dash, high = row.code.partition("-")
        ranged = dash and low.isdigit() and high.isdigit() and int(high) - int(low) < _RANGE_MAX
        for code in map(str, range(int(low), int(high) + 1)) if ranged else (row.code,):
            reasons.setdefault(f"{row.source}:{code}", row.reason)
    return reasons


def _words() -> Mapping[str, str]:
    """Names first, then texts; what one network calls so counts before another's use of the same
    words."""
    reasons: dict[str, str] = {}
    texts = [(text, reason) for reason, (plain, _) in REASONS.items() for text in (reason, plain)]
    texts += [
        (row.code if row.source == "text" else row.text, row.reason) for row in PROCESSOR_CODES
    ]
    texts += [(row.code, row.reason) for row in PROCESSOR_CODES if "_" in row.code]
    texts += [
        (text, reason_of(row.kind, row.code, row.klass))
        for row in CODES
        for text in (row.meaning, row.meaning.partition(";")[0])
    ]
    for text, reason in texts:
        if len(key := _letters(text)) > 3 and reason in REASONS and reason != "approved":
            reasons.setdefault(key, reason)
    return reasons


_SCHEME: Final = _scheme_codes()
_OWN: Final = _own_codes()
_WORDS: Final = _words()
