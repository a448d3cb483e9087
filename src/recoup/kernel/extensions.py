"""Additions of other packages: entry points of a group, listed without being imported and loaded
when they are used."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from recoup.kernel.problem import Problem

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


@cache
def added(group: str) -> "Mapping[str, EntryPoint]":
    """The group's entry points by name, in alphabetical order."""
    from importlib.metadata import entry_points  # forty modules that most verbs never need

    return {
        point.name: point
        for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value))
    }


def load_all(group: str, kind: type[T]) -> tuple[Mapping[str, T], tuple[Problem, ...]]:
    """The objects of a group by name, and why others cannot be used."""
    usable, broken = dict[str, T](), list[Problem]()
    for name, point in added(group).items():
        try:
            usable[name] = load(point, kind)
        except Problem as problem:
            broken.append(problem)
    return usable, tuple(broken)


def load(point: "EntryPoint", kind: type[T]) -> T:
    """The object that the entry point names. Raises: Problem(unavailable) in one line, when the
    package raises or the object is missing or no `kind`."""
    try:
        made = point.load()
    except Exception as error:  # noqa: BLE001 - somebody else's code
        why = f"{type(error).__name__}: {error}"
    else:
        if isinstance(made, kind):
            return made
        why = f"it is no {kind.__name__}"
    package = point.dist.name if point.dist is not None else point.module
    message = (
        f"The package {package} adds {point.name!r} to {point.group}, but {point.value} "
        f"cannot be used ({why})."
    )
    raise Problem(
        "unavailable", message, f"Install a release of {package} for this Recoup, or remove it."
    )
