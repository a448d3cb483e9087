"""XML from outside, part by part: elements and text alone, in bounded memory. A document type, an entity of its own,
deep nesting or endless text is refused."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn
from xml.parsers import expat

from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.banks.entries import AGAIN, complaint

DEPTH_MAX: Final = 40
OPEN_MAX: Final = 100_000  # elements that are held at once
TEXT_MAX: Final = 4 << 20  # characters that are held at once
SILENT_MAX: Final = 1 << 20  # bytes without an element or text: an endless name, attribute or comment
ATTRIBUTES_MAX: Final = 32
_LARGE: Final = Sentence("one entry or header is larger than any of a bank's")


@dataclass(slots=True)
class Element:
    """`name` without its prefix; `line` where it begins; `text` is its own, stripped when it ends."""

    name: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)
    weight: int = 0

    def all(self, name: str) -> list["Element"]:
        return [one for one in self.children if one.name == name]

    def at(self, *path: str) -> "Element | None":
        """The first at this path."""
        here: Element | None = self
        for name in path:
            here = next((one for one in here.children if one.name == name), None) if here is not None else None
        return here

    def said(self, *path: str) -> str:
        """The text of the first at this path; empty without one."""
        found = self.at(*path)
        return found.text if found is not None else ""

    def texts(self) -> Iterator[str]:
        if self.text:
            yield self.text
        for child in self.children:
            yield from child.texts()


class Ended(Exception):  # noqa: N818 - it ends the parser, and is never seen outside
    """A problem found inside a handler."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


def parts(chunks: Iterable[bytes], cut: Collection[str]) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """Each element of these names as it ends, with those that it stands in; then it is dropped from its parent.

    Raises: Problem(invalid) with the line, for what is no such XML.
    """
    made = _Parts(cut)
    for chunk in chunks:
        made.feed(chunk, last=False)
        yield from made.take()
    made.feed(b"", last=True)
    yield from made.take()


class _Parts:
    def __init__(self, cut: Collection[str]) -> None:
        self._cut, self._ready = frozenset(cut), list[tuple[Element, tuple[Element, ...]]]()
        self._open: list[Element] = []
        self._count = self._held = self._silent = 0
        self._pieces: list[list[str]] = []
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = self._refuse
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._add

    def feed(self, chunk: bytes, *, last: bool) -> None:
        self._silent += len(chunk)
        try:
            self._parser.Parse(chunk, last)
        except Ended as ended:
            raise ended.problem from None
        except (expat.ExpatError, ValueError, LookupError) as error:
            line = getattr(error, "lineno", self._parser.CurrentLineNumber)
            why = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else "unknown encoding"
            raise complaint_at(line, Sentence("the XML breaks off or is damaged ({0})", why)) from None
        if self._silent > SILENT_MAX:
            raise complaint_at(self._parser.CurrentLineNumber, "a name, attribute or comment does not end")

    def take(self) -> list[tuple[Element, tuple[Element, ...]]]:
        ready, self._ready = self._ready, []
        return ready

    def _refuse(self, *_: object) -> NoReturn:
        raise Ended(
            complaint_at(self._parser.CurrentLineNumber, "it declares a document type or entities, which is refused")
        )

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._silent, line = 0, self._parser.CurrentLineNumber
        self._count += 1
        held = sum(len(key) + len(value) for key, value in attributes.items())
        self._held += held
        if len(self._open) >= DEPTH_MAX:
            raise Ended(complaint_at(line, Sentence("elements are nested deeper than {0}", DEPTH_MAX)))
        if self._count > OPEN_MAX or self._held > TEXT_MAX or len(attributes) > ATTRIBUTES_MAX:
            raise Ended(complaint_at(line, _LARGE))
        made = Element(name.rpartition(":")[2], line, attributes, weight=held)
        if self._open:
            self._open[-1].children.append(made)
        self._open.append(made)
        self._pieces.append([])

    def _end(self, _name: str) -> None:
        self._silent = 0
        done = self._open.pop()
        done.text = "".join(self._pieces.pop()).strip()
        if done.name in self._cut:
            if self._open:
                self._open[-1].children.pop()
            self._ready.append((done, tuple(self._open)))
            self._drop(done)

    def _drop(self, done: Element) -> None:
        self._count -= 1
        self._held -= done.weight
        for child in done.children:
            self._drop(child)

    def _add(self, text: str) -> None:
        self._silent = 0
        if not self._open:
            return
        self._held += len(text)
        self._open[-1].weight += len(text)
        if self._held > TEXT_MAX:
            raise Ended(complaint_at(self._parser.CurrentLineNumber, _LARGE))
        self._pieces[-1].append(text)


def complaint_at(line: int, what: str) -> Problem:
    return complaint(Sentence("Line {0}", line), what, AGAIN)
