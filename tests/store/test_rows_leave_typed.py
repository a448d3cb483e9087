"""What the store gives is typed: no record of the driver's and no dictionary stands for a row.

A dictionary of whatever JSON says may be one column of a row; several of them in a list are rows.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Coroutine, Iterator, Mapping
from types import ModuleType
from typing import Any, Final, get_args, get_origin, get_type_hints

import asyncpg

import recoup.store

# What says nothing of rows.
EXCEPT: Final[Mapping[str, str]] = {
    "statement.Read.fetch": "the driver's own method, which statements call",
    "statement.Read.fetchrow": "the same",
    "statement.Read.fetchval": "the same",
    "statement.without_none": "gives an annotation",
    "pool.Database.fetch": "for benchmarks and tests, whose statements are their own",
    "pool.Database.fetchrow": "the same",
}


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(recoup.store.__path__, "recoup.store."):
        yield importlib.import_module(found.name)


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Functions and methods, by name."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        path = f"{module.__name__.removeprefix('recoup.store.')}.{name}"
        if inspect.isclass(thing):
            for inner, method in vars(thing).items():
                method = method.fget if isinstance(method, property) else method
                if inspect.isfunction(method) and not inner.startswith("_"):
                    yield f"{path}.{inner}", method
        elif inspect.isfunction(inspect.unwrap(thing)) if callable(thing) else False:
            yield path, thing


def untyped(annotation: Any) -> bool:
    """Whether a driver's record, `Any` or a dictionary of anything stands in it."""
    if annotation is Any or annotation is asyncpg.Record:
        return True
    inner = get_args(annotation)
    return any(map(untyped, inner[2:] if get_origin(annotation) is Coroutine else inner))


def test_no_function_gives_what_is_not_typed() -> None:
    found = {
        path
        for module in modules()
        for path, function in public(module)
        if untyped(get_type_hints(inspect.unwrap(function)).get("return"))
    }
    assert found == set(EXCEPT)
