"""The text below a field of a Struct says what the field is: its description in the schema."""

import ast
import inspect
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import inspect as mi


def say_fields(
    shapes: Iterable[type[msgspec.Struct]], components: Mapping[str, dict[str, Any]]
) -> None:
    """Adds what stands below the fields of these shapes, and of all that they hold, to
    `components`: their schemas by the names of the shapes, or where two have one name by their full
    names."""
    structs = dict[type, None]()
    _reach(mi.multi_type_info(shapes), structs)
    for shape in structs:
        full = f"{shape.__module__}.{shape.__qualname__}"
        properties = components[shape.__name__ if shape.__name__ in components else full][
            "properties"
        ]
        texts = texts_of(shape)
        for field in msgspec.structs.fields(shape):
            if text := texts.get(field.name):
                said = {"description": text}
                properties[field.encode_name] = said | properties[field.encode_name] | said


def _reach(kind: Any, structs: dict[type, None]) -> None:
    """The Structs in a type."""
    if isinstance(kind, tuple | list):
        for inner in kind:
            _reach(inner, structs)
    elif isinstance(kind, mi.StructType):
        if kind.cls not in structs:
            structs[kind.cls] = None
            _reach(kind.fields, structs)
    elif isinstance(kind, mi.Type | mi.Field):
        _reach([getattr(kind, name) for name in kind.__struct_fields__], structs)


def texts_of(shape: type) -> dict[str, str]:
    """Texts by the fields' names; of a field that is declared again only the last one's."""
    texts = dict[str, str]()
    for base in reversed(shape.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            texts |= _texts_in(base.__module__).get(base.__name__, {})
    return texts


@cache
def _texts_in(module: str) -> Mapping[str, dict[str, str]]:
    """Texts by class and field."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        shape.name: dict(map(_text, pairwise([*shape.body, ast.Pass()])))
        for shape in tree.body
        if isinstance(shape, ast.ClassDef)
    }


def _text(lines: tuple[ast.stmt, ast.stmt]) -> tuple[str, str]:
    """A field's name with the text below it, both empty where there is none."""
    match lines:
        case (
            ast.AnnAssign(target=ast.Name(id=name)),
            ast.Expr(value=ast.Constant(value=str() as text)),
        ):
            return name, " ".join(text.split())
        case ast.AnnAssign(target=ast.Name(id=name)), _:
            return name, ""
    return "", ""
