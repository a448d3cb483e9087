"""Phrases by which gateways without a list of codes say why they declined. The table is data; what
sounds final and is in no phrase that is sure is unclear: a case for a person."""

from collections.abc import Iterable, Sequence
from typing import Final

from recoup.networks.reasons import UNCLEAR
from recoup.networks.tables import ProcessorRow

_SAY_NOTHING: Final = (
    "a an and are as at be been by for from has have her his in is it of on or our that the their "
    "this to was were with"
    " your"
)
_FILLERS: Final = frozenset(_SAY_NOTHING.split())
_SPELT: Final = (("dont ", "do not "), ("don t ", "do not "), ("do not honour", "do not honor"))
_NO_REASON: Final = "do not honor"  # whose words say something else than `do not` before others
_NEGATIONS: Final = frozenset({"not", "no", "never"})
_SAID: Final = frozenset(
    {"requested", "reported", "said", "told", "asked"}
)  # may stand behind a negation
_FOR_NOW: Final = frozenset(
    {"before", "until", "today", "yet", "within", "immediately", "now"}
)  # not for ever
_FORBIDS: Final = (
    "do_not_honor"  # the reason of a hard phrase that says to send nothing more, and not why
)
_GAP: Final = 5  # words that may stand in place of a `*`


def words_of(text: str) -> str:
    """The words alone, in lower case and without those that say nothing: `CardLost`, `card_lost`
    and `The card was lost.` are `card lost`."""
    pairs = zip(" " + text, text, strict=False)
    spaced = "".join(
        f" {character}" if character.isupper() and before.islower() else character
        for before, character in pairs
    )
    words = (
        "".join(
            character if character.isalnum() or character == "*" else " " for character in spaced
        )
        .lower()
        .split()
    )
    plain = " ".join(word for word in words if word not in _FILLERS)
    for other, usual in _SPELT:
        plain = plain.replace(other, usual)
    return plain.replace(_NO_REASON, _NO_REASON.replace(" ", ""))


class Phrases:
    """A phrase counts where its words stand in a text side by side, or some others in place of its
    `*`."""

    def __init__(self, rows: Iterable[ProcessorRow]) -> None:
        self._rows = {words_of(row.code): row for row in rows}
        self._parts = [(*_parts(phrase), len(phrase), row) for phrase, row in self._rows.items()]
        self._unclear = next(row for row in self._rows.values() if row.reason == UNCLEAR)

    def exact(self, text: str) -> ProcessorRow | None:
        """The phrase that is the whole text."""
        return self._rows.get(words_of(text))

    def found(self, *texts: str | None) -> ProcessorRow | None:
        """The phrase that decides: what ends it goes before what names another reason, that before
        what only sounds final, and that before a no without a reason; of several the longest."""
        hits: list[tuple[int, int, ProcessorRow]] = []
        for words in (f" {words_of(text)} " for text in texts if text):
            for head, tail, length, row in self._parts:
                if head not in words:
                    continue
                before, _, after = words.partition(head)
                following = after.split(maxsplit=_GAP + 1)[: _GAP + 1]
                if not tail or tail in following:
                    between = following[: following.index(tail)] if tail else []
                    is_denied = _is_denied(before.rsplit(maxsplit=2)[-2:], between)
                    is_for_now = row.reason == _FORBIDS and not _FOR_NOW.isdisjoint(following)
                    meant = (
                        self._unclear if row.klass == "hard" and (is_denied or is_for_now) else row
                    )
                    hits.append((_weight(meant), length, meant))
        return max(hits, key=lambda hit: hit[:2])[2] if hits else None


def _is_denied(before: Sequence[str], between: Sequence[str]) -> bool:
    """True when the words around a phrase deny it. `before`: the two words in front of it;
    `between`: what stands for its `*`."""
    *earlier, last = ("", *before)
    denied = last in _NEGATIONS or last in _SAID and earlier[-1] in _NEGATIONS
    return denied or not _NEGATIONS.isdisjoint(between)


def _parts(phrase: str) -> tuple[str, str]:
    """The words of a phrase that stand side by side, and the word after its `*`."""
    head, _, tail = phrase.partition(" * ")
    return f" {head} ", tail


def _weight(row: ProcessorRow) -> int:
    if row.klass in ("hard", "configuration"):  # whose account is closed, the longer phrase says
        return 3
    return {UNCLEAR: 1, "do_not_honor": 0}.get(row.reason, 2)
