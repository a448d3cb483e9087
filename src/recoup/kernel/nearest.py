"""What somebody meant who wrote a word that nobody knows: a bounded comparison with the known ones."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

WORD_MAX: Final = 32
KNOWN_MAX: Final = 500


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word with the fewest letters to change: one in a short word, two in one of five letters or more. What
    is longer than WORD_MAX is near to nothing, and only KNOWN_MAX words are looked at."""
    word = word.casefold()
    if not 2 <= len(word) <= WORD_MAX:
        return None
    best, most = None, 1 if len(word) < 5 else 2
    for one in islice(known, KNOWN_MAX):
        if len(one) <= WORD_MAX and (apart := _apart(word, one.casefold(), most)) <= most:
            best, most = one, apart - 1
            if most < 0:
                break
    return best


def _apart(one: str, other: str, most: int) -> int:
    """Letters to change, add, leave out or exchange with the next; more than `most` are `most` + 1."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        earlier, before, row = before, row, [at]
        for to, known in enumerate(other, 1):
            least = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != known))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == known:
                least = min(least, earlier[to - 2] + 1)
            row.append(least)
        if min(row) > most:
            return most + 1
    return row[-1]
