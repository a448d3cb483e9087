"""What a pattern does on a text, counted step by step: a backtracking matcher after Python's own,
which is slow enough to be counted and says the same on every machine."""

import re
from collections.abc import Callable
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

REPEATS: Final = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
SINGLE: Final = (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN)
CATEGORIES: Final = {
    op.CATEGORY_DIGIT: str.isdecimal, op.CATEGORY_NOT_DIGIT: lambda one: not one.isdecimal(),
    op.CATEGORY_SPACE: str.isspace, op.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
    op.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
    op.CATEGORY_NOT_WORD: lambda one: not one.isalnum() and one != "_",
}  # fmt: skip
Then = Callable[[int], bool]
Try = Callable[[int, Then], bool]


class TooManyError(Exception):
    """More steps than may be."""


def fits(part: Any, letter: str) -> bool:
    """Whether a letter is one of a part of a class."""
    what, value = part
    if what is op.RANGE:
        return bool(value[0] <= ord(letter) <= value[1])
    if what is op.CATEGORY:
        return CATEGORIES[value](letter)
    return bool(what is op.LITERAL and chr(value) == letter)


class Counted:
    """`steps`: letters looked at, and ways tried."""

    def __init__(self, pattern: re.Pattern[str] | re.Pattern[bytes]) -> None:
        self._tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        self._flags = pattern.flags
        self._ours: dict[int, dict[str, bool]] = {}
        self._try = self._sequence(list(self._tree))
        self.steps = self._most = 0
        self._text = ""
        self._groups: dict[int, tuple[int, int]] = {}

    def count(self, method: str, text: str, most: int) -> tuple[int, list[tuple[int, int]]]:
        """Steps, and what was found where. Raises: TooManyError."""
        self.steps, self._most, self._text, at = 0, most, text, 0
        whole, once, places = method == "fullmatch", method in ("fullmatch", "match"), []
        while at <= len(text):
            found = [-1]

            def end(place: int, found: list[int] = found) -> bool:
                found[0] = place
                return not whole or place == len(text)

            self._groups.clear()
            if self._try(at, end):
                places.append((at, found[0]))
                at = max(found[0] - 1, at)
            if once:
                break
            at += 1
        return self.steps, places

    def _step(self) -> None:
        self.steps += 1
        if self.steps > self._most:
            raise TooManyError

    def _is(self, item: Any, at: int) -> bool:
        """Whether the letter there is of this item, which takes one."""
        self._step()
        if at >= len(self._text):
            return False
        letter, known = self._text[at], self._ours.setdefault(id(item), {})
        if letter not in known:
            known[letter] = self._letter(item, letter)
        return known[letter]

    def _letter(self, item: Any, letter: str) -> bool:
        what, value = item
        if what is op.ANY:
            return letter != "\n" or bool(self._flags & re.DOTALL)
        same = {letter}
        if self._flags & re.IGNORECASE:
            same |= {one for one in (letter.lower(), letter.upper()) if len(one) == 1}
        if what is op.LITERAL:
            return chr(value) in same
        if what is op.NOT_LITERAL:
            return chr(value) not in same
        negated = value[0][0] is op.NEGATE
        return any(fits(part, one) for part in value[negated:] for one in same) != negated

    def _sequence(self, items: list[Any]) -> Try:
        tries = [self._item(one) for one in items]

        def go(at: int, then: Then, number: int = 0) -> bool:
            if number == len(tries):
                return then(at)
            return tries[number](at, lambda place: go(place, then, number + 1))

        return go

    def _item(self, item: Any) -> Try:
        what, value = item
        if what in SINGLE:
            return lambda at, then: self._is(item, at) and then(at + 1)
        if what is op.SUBPATTERN:
            return self._group(value[0], self._sequence(list(value[3])))
        if what is op.BRANCH:
            ways = [self._sequence(list(one)) for one in value[1]]
            return lambda at, then: self._first(ways, at, then)
        if what in REPEATS:
            inner = list(value[2])
            if len(inner) == 1 and inner[0][0] in SINGLE:
                return self._letters(what, value[0], value[1], inner[0])
            return self._repeat(what, value[0], value[1], self._sequence(inner))
        if what is op.ATOMIC_GROUP:
            return self._atomic(self._sequence(list(value)))
        if what in (op.ASSERT, op.ASSERT_NOT):
            return self._look(value[0], self._sequence(list(value[1])), wanted=what is op.ASSERT)
        if what is op.AT:
            return lambda at, then: self._place(value, at) and then(at)
        assert what is op.GROUPREF, f"{what} is not counted yet"
        return lambda at, then: self._again(value, at, then)

    def _first(self, ways: list[Try], at: int, then: Then) -> bool:
        for way in ways:  # and not any(): a way may go as deep as the text is long
            self._step()
            if way(at, then):
                return True
        return False

    def _on(self, at: int, then: Then) -> bool:
        self._step()
        return then(at)

    def _group(self, number: int | None, inner: Try) -> Try:
        if number is None:
            return inner

        def go(at: int, then: Then) -> bool:
            def close(place: int) -> bool:
                before = self._groups.get(number)
                self._groups[number] = (at, place)
                if then(place):
                    return True
                if before is not None:
                    self._groups[number] = before
                return False

            return inner(at, close)

        return go

    def _again(self, number: int, at: int, then: Then) -> bool:
        begin, end = self._groups.get(number, (0, -1))
        self.steps += max(end - begin, 0)
        return (
            end >= 0 and self._text.startswith(self._text[begin:end], at) and then(at + end - begin)
        )

    def _letters(self, what: Any, least: int, most: int, item: Any) -> Try:
        def go(at: int, then: Then) -> bool:
            end, last = at, min(at + most, len(self._text))
            if what is op.MIN_REPEAT:
                while end - at < least:
                    if not self._is(item, end):
                        return False
                    end += 1
                while not self._on(end, then):
                    if end >= last or not self._is(item, end):
                        return False
                    end += 1
                return True
            while end < last and self._is(item, end):
                end += 1
            if what is op.POSSESSIVE_REPEAT:
                return end - at >= least and then(end)
            for place in range(end, at + least - 1, -1):  # noqa: SIM110 - as above
                if self._on(place, then):
                    return True
            return False

        return go

    def _repeat(self, what: Any, least: int, most: int, inner: Try) -> Try:
        if what is op.POSSESSIVE_REPEAT:
            greedy = self._repeat(op.MAX_REPEAT, least, most, inner)
            return self._atomic(greedy)

        def go(at: int, then: Then, times: int = 0) -> bool:
            self._step()

            def more(place: int) -> bool:
                return (place > at or times < least) and go(place, then, times + 1)

            if times < least:
                return inner(at, more)
            if what is op.MIN_REPEAT:
                return then(at) or (times < most and inner(at, more))
            return (times < most and inner(at, more)) or then(at)

        return go

    def _atomic(self, inner: Try) -> Try:
        def go(at: int, then: Then) -> bool:
            ends: list[int] = []
            return inner(at, lambda place: ends.append(place) is None) and then(ends[0])

        return go

    def _look(self, direction: int, inner: Try, *, wanted: bool) -> Try:
        def go(at: int, then: Then) -> bool:
            if direction > 0:
                found = inner(at, lambda _: True)
            else:
                found = any(
                    inner(at - back, lambda place: place == at) for back in range(min(at, 2) + 1)
                )
            return found is wanted and then(at)

        return go

    def _place(self, which: Any, at: int) -> bool:
        self._step()
        text = self._text
        if which in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
            return at == 0 or bool(
                self._flags & re.MULTILINE and text[at - 1] == "\n" and which is op.AT_BEGINNING
            )
        if which is op.AT_END_STRING:
            return at == len(text)
        if which is op.AT_END:
            return text[at:] in ("", "\n") or bool(self._flags & re.MULTILINE and text[at] == "\n")
        word = CATEGORIES[op.CATEGORY_WORD]
        edge = (at > 0 and word(text[at - 1])) != (at < len(text) and word(text[at]))
        return edge is (which is op.AT_BOUNDARY)
