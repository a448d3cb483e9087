"""A sentence for people that keeps what it was made of: whoever shows it in another language needs no search.

    Problem("invalid", Sentence("An order has at most {0} notes.", NOTES_MAX))

It is its English text wherever a text is read. What is done to it as to a text, such as a slice, is a plain text.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

Part = str | int | date
"""A `Sentence` is said by its own key, a `datetime` in the reader's zone, a `date` as the reader writes it."""


class NearDay(date):
    """A day whose year goes without saying."""


_SLOT: Final = re.compile(r"\{(\w+)\}")


class Sentence(str):
    """`key`: the English text with `{0}`, `{1}` … where `parts` are filled in; or with names in their order. Equal and
    hashed as its text."""

    __slots__ = ("key", "parts")
    key: str
    parts: tuple[Part, ...]

    def __new__(cls, key: str, *parts: object) -> "Sentence":
        """Raises: IndexError for a slot without a part."""
        held = tuple(map(_part, parts))
        slots = _slots(key, held)
        made = super().__new__(cls, _SLOT.sub(lambda slot: text_of(slots[slot[1]]), key))
        made.key, made.parts = key, held
        return made

    @property
    def slots(self) -> Mapping[str, Part]:
        """What is filled in where."""
        return _slots(self.key, self.parts)

    def __reduce__(self) -> tuple[object, ...]:
        return Sentence, (self.key, *self.parts)


def _slots(key: str, parts: Sequence[Part]) -> dict[str, Part]:
    names = dict.fromkeys(_SLOT.findall(key))
    return {name: parts[int(name) if name.isdigit() else number] for number, name in enumerate(names)}


def shaped(key: str, **parts: Part) -> Sentence:
    """`{amount} refunded`: of the parts those that it names."""
    return Sentence(key, *(parts[name] for name in dict.fromkeys(_SLOT.findall(key))))


def _part(value: object) -> Part:
    """Whatever else is filled in is its text."""
    if isinstance(value, Sentence | date) or type(value) in (str, int):
        return value  # type: ignore[return-value]
    return format(value)


def text_of(part: Part) -> str:
    """In English and UTC."""
    if isinstance(part, datetime):
        return noted(part)
    if isinstance(part, date):
        return f"{part:%-d %b}" if isinstance(part, NearDay) else f"{part:%-d %b %Y}"
    return str(part)


def noted(moment: datetime) -> str:
    """`2026-11-20 17:30 UTC`: nobody knows yet in which zone it is read."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def joined(parts: Iterable[Part], between: str = " ") -> Sentence:
    """Sentences one after another, or words of a list; nothing of none."""
    held = tuple(parts)
    return Sentence(between.join(f"{{{number}}}" for number in range(len(held))), *held)


def cut(text: str, most: int) -> str:
    """At most so many characters; a sentence that is longer becomes a plain text."""
    return text if len(text) <= most else text[:most]


def changed(text: str, change: Callable[[str], str]) -> str:
    """The sentence with `change` done to each text that is filled in, or to the plain text."""
    if not isinstance(text, Sentence):
        return change(text)
    return Sentence(text.key, *(changed(part, change) if isinstance(part, str) else part for part in text.parts))
