"""Reasons an endpoint is switched off: codes, which are kept, and the sentences that they mean.

A code may have an argument behind a colon.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from recoup.kernel.problem import Sentence

BY_MERCHANT: Final = "by_merchant"
GONE: Final = "gone"
NOTHING_TAKEN: Final = "nothing_taken"
_SENTENCES: Final[Mapping[str, str]] = MappingProxyType({
    BY_MERCHANT: "Switched off by the merchant.",
    GONE: "The receiver answered 410 Gone.",
    NOTHING_TAKEN: "Nothing was taken for {0} days.",
})  # fmt: skip


def nothing_taken(days: int) -> str:
    return f"{NOTHING_TAKEN}:{days}"


def sentence_of(why: str) -> str:
    code, _, argument = why.partition(":")
    return Sentence(_SENTENCES[code], argument)
