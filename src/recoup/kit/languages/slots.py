"""Slots of a message, marking what is filled in: `{0}`, `{amount}`; `{1=s?orders|order}` chooses by
what is filled in."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

T = TypeVar("T")
SLOT: Final = re.compile(r"\{(\w+)(?:=([^?{}]*)\?([^|{}]*)\|([^{}]*))?\}")
MARK: Final = re.compile(r"<(/?)(\d+)>")
# Where a message of several sentences ends one: each is a message of its own.
ENDS: Final = re.compile(r"(?<=[.!?]) (?=[A-Z{])|(?<=^\{\w\}) (?=[A-Z])")


def filled(words: str, values: Mapping[str, T], say: Callable[[T], str] = str) -> str:
    """`{1=s?Tage|Tag}` chooses by what stood there in English."""

    def slotted(slot: re.Match[str]) -> str:
        value = values[slot[1]]
        return say(value) if slot[2] is None else slot[3] if str(value) == slot[2] else slot[4]

    return SLOT.sub(slotted, words)


def faults(message: str, translation: str) -> list[str]:
    """Faults that would break a page: a slot that there is not, a mark that is lost or open."""
    known = {match[1] for match in SLOT.finditer(message)}
    wrong = [
        f"{{{match[1]}}} is not in it"
        for match in SLOT.finditer(translation)
        if match[1] not in known
    ]
    if sorted(map("".join, MARK.findall(translation))) != sorted(
        map("".join, MARK.findall(message))
    ):
        wrong.append("its marks are others")
    rest, meant = (
        set('{}<>"') & set(MARK.sub("", SLOT.sub("", text))) for text in (translation, message)
    )
    if rest - meant:
        wrong.append(f"it has {' '.join(sorted(rest - meant))} of its own")
    return wrong
