"""XML from outside, part by part: elements and text alone, in bounded memory. A document type, an
entity of its own, deep nesting or endless text is refused. What stands in none of the parts is
passed over."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NoReturn
from xml.parsers import expat

from recoup.kernel.problem import Sentence

DEPTH_MAX: Final = 40
OPEN_MAX: Final = 100_000  # elements that are held at once
TEXT_MAX: Final = 4 << 20  # characters that are held at once
SILENT_MAX: Final = (
    1 << 20
)  # bytes without an element or text: an endless name, attribute or comment
ATTRIBUTES_MAX: Final = 128
NAME_MAX: Final = 100  # characters of a name
CHARS_MAX: Final = 4_000  # of one element's text, which no bank's is longer than
VALUE_MAX: Final = 500  # characters of an attribute
_LARGE: Final = Sentence("one entry or header is larger than any of a bank's")


@dataclass(slots=True)
class Element:
    """`name`, and those of its attributes, without prefix; `line` where it begins; `text` is its
    own, stripped."""

    name: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> list["Element"]:
        return [child for child in self.children if child.name == name]

    def at(self, *path: str) -> "Element | None":
        """The first at this path."""
        here: Element | None = self
        for name in path:
            here = (
                next((child for child in here.children if child.name == name), None)
                if here is not None
                else None
            )
        return here

    def said(self, *path: str) -> str:
        """The text of the first at this path; empty without one."""
        part = self.at(*path)
        return part.text if part is not None else ""

    def texts(self) -> Iterator[str]:
        if self.text:
            yield self.text
        for child in self.children:
            yield from child.texts()


class XmlError(Exception):
    """Raised for what is no such XML, with where."""

    def __init__(
        self, kind: Literal["damaged", "declares", "deep", "large", "endless"], line: int, what: str
    ) -> None:
        super().__init__(kind)
        self.kind, self.line, self.what = kind, line, what


def parts(
    chunks: Iterable[bytes],
    cut: Collection[str],
    plain: Collection[str] = (),
    chars: int = CHARS_MAX,
) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """Each element of these names as it ends, with those that it stands in; then it is dropped from
    its parent. `plain`: names of elements whose text is all that is in them, with its blanks.
    `chars`: to which an element's own text is cut.

    Raises: XmlError.
    """
    made = _Parts(cut, plain, chars)
    for chunk in chunks:
        made.feed(chunk, last=False)
        yield from made.take()
    made.feed(b"", last=True)
    yield from made.take()


class _Parts:
    def __init__(self, cut: Collection[str], plain: Collection[str], chars: int) -> None:
        self._cut, self._plain, self._chars = frozenset(cut), frozenset(plain), chars
        self._ready: list[tuple[Element, tuple[Element, ...]]] = []
        self._open: list[Element] = []
        self._count = self._held = self._silent = 0
        self._within = 0  # so many open elements are parts
        self._inner = 0  # so many are open inside a plain one
        self._pieces: list[list[str]] = []
        self._before: list[tuple[int, int]] = []  # of each open one: what was held when it began
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = (
            parser.ExternalEntityRefHandler
        ) = self._declares
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._add

    def feed(self, chunk: bytes, *, last: bool) -> None:
        self._silent += len(chunk)
        try:
            self._parser.Parse(chunk, last)
        except (expat.ExpatError, ValueError, LookupError) as error:
            line = getattr(error, "lineno", self._parser.CurrentLineNumber)
            why = (
                expat.ErrorString(error.code)
                if isinstance(error, expat.ExpatError)
                else "unknown encoding"
            )
            raise XmlError(
                "damaged", line, Sentence("the XML breaks off or is damaged ({0})", why)
            ) from None
        if self._silent > SILENT_MAX:
            self._refuse("endless", Sentence("a name, attribute or comment does not end"))

    def take(self) -> list[tuple[Element, tuple[Element, ...]]]:
        ready, self._ready = self._ready, []
        return ready

    def _refuse(self, kind: Literal["declares", "deep", "large", "endless"], what: str) -> NoReturn:
        raise XmlError(kind, self._parser.CurrentLineNumber, what)

    def _declares(self, *_: object) -> NoReturn:
        self._refuse(
            "declares", Sentence("it declares a document type or entities, which is refused")
        )

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._silent = 0
        if len(self._open) + self._inner >= DEPTH_MAX:
            self._refuse("deep", Sentence("elements are nested deeper than {0}", DEPTH_MAX))
        if self._inner or self._open and self._open[-1].name in self._plain:
            self._inner += 1
            return
        self._before.append((self._count, self._held))
        self._count += 1
        if attributes:
            self._held += sum(map(len, attributes)) + sum(map(len, attributes.values()))
            attributes = {_plain(key): value[:VALUE_MAX] for key, value in attributes.items()}
        if self._count > OPEN_MAX or self._held > TEXT_MAX or len(attributes) > ATTRIBUTES_MAX:
            self._refuse("large", _LARGE)
        made = Element(_plain(name), self._parser.CurrentLineNumber, attributes)
        self._within += made.name in self._cut
        if self._open:
            self._open[-1].children.append(made)
        self._open.append(made)
        self._pieces.append([])

    def _end(self, _name: str) -> None:
        self._silent = 0
        if self._inner:
            self._inner -= 1
            return
        done, text = self._open.pop(), "".join(self._pieces.pop())[: self._chars]
        before = self._before.pop()
        done.text = text if done.name in self._plain else text.strip()
        if done.name in self._cut:
            self._within -= 1
            self._ready.append((done, tuple(self._open)))
        elif self._within:
            return
        if self._open:
            self._open[-1].children.pop()
        self._count, self._held = before

    def _add(self, text: str) -> None:
        self._silent = 0
        if not self._within:
            return
        self._held += len(text)
        if self._held > TEXT_MAX:
            self._refuse("large", _LARGE)
        self._pieces[-1].append(text)


def _plain(name: str) -> str:
    """Name without its prefix."""
    return name.rpartition(":")[2][:NAME_MAX]
