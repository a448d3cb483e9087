"""XML from outside: elements and text alone. A document type, an entity of its own, or more than is
bounded here is refused; nothing outside the text is read. (defusedxml refuses document types too,
but bounds neither depth nor number.)"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NoReturn
from xml.parsers import expat

DEPTH_MAX: Final = 32
ELEMENTS_MAX: Final = 200_000


class NotPlainError(Exception):
    """Raised for text that is no XML, or more than elements and text."""


@dataclass(slots=True)
class Element:
    """`text`: all that stands in it, without its elements', stripped."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def of(self, name: str) -> Iterator["Element"]:
        return (child for child in self.children if child.name == name)

    def at(self, *path: str) -> "Element | None":
        """The first at this path."""
        here: Element | None = self
        for name in path:
            here = next(here.of(name), None) if here is not None else None
        return here

    def text_at(self, *path: str) -> str:
        found = self.at(*path)
        return found.text if found is not None else ""


def read_xml(body: bytes) -> Element:
    """Raises: NotPlainError."""
    building = _Building()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = building.refuse
    parser.EntityDeclHandler = building.refuse
    parser.ExternalEntityRefHandler = building.refuse
    parser.StartElementHandler = building.begin
    parser.EndElementHandler = building.end
    parser.CharacterDataHandler = building.add
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise NotPlainError(type(error).__name__) from None
    return building.root.children[0]


class _Building:
    def __init__(self) -> None:
        self.root = Element("")
        self._open, self._count = [self.root], 0

    def refuse(self, *_: object) -> NoReturn:
        raise NotPlainError("a document type")

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS_MAX or len(self._open) > DEPTH_MAX:
            raise NotPlainError("too large")
        made = Element(name, attributes)
        self._open[-1].children.append(made)
        self._open.append(made)

    def end(self, _name: str) -> None:
        done = self._open.pop()
        done.text = done.text.strip()

    def add(self, text: str) -> None:
        self._open[-1].text += text
