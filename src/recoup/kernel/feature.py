"""Features, and the places of the core that they add to. A place stands beside whoever asks it, who
imports no feature.

All features stand in one list, `recoup.main.features.FEATURES`, in the order in which they are
consulted; packages that the settings name come behind it. Nothing is discovered: what no list names
is not loaded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, NewType, TypeVar

from recoup.kernel.extensions import added, load
from recoup.kernel.problem import Problem

T = TypeVar("T")
LIST: Final = "recoup.main.features"
GROUP: Final = "recoup.features"  # entry points of packages
FeatureDue = NewType("FeatureDue", str)
"""A kind of due work that a feature brings."""


@dataclass(frozen=True, eq=False)
class Place(Generic[T]):
    """A place where an asker lets features add. Iterating gives what they added, in their order."""

    name: str

    def __call__(self, value: T) -> "Addition":
        return Addition(self, value)

    def __iter__(self) -> Iterator[T]:
        return iter(_values(self, features()))

    def first(self) -> T | None:
        return next(iter(self), None)


class Addition(NamedTuple):
    """An addition of a feature to a place."""

    place: Place[Any]
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feature:
    """`folder` holds its templates and its `schema.sql`, which makes `tables`; None: it has
    neither. `needs`: features that stand before it in the list. `adds`: to places of subjects
    below."""

    name: str
    folder: Path | None = None
    needs: tuple[str, ...] = ()
    adds: tuple[Addition, ...] = ()
    tables: tuple[str, ...] = ()

    def added(self, place: Place[T]) -> list[T]:
        return [addition.value for addition in self.adds if addition.place is place]


@cache
def _values(place: Place[Any], of: tuple[Feature, ...]) -> tuple[Any, ...]:
    return tuple(value for feature in of for value in feature.added(place))


_features: tuple[Feature, ...] | None = None


def features() -> tuple[Feature, ...]:
    """All of them, in the order in which they are consulted."""
    return _features if _features is not None else install()


def install(names: Iterable[str] = ()) -> tuple[Feature, ...]:
    """Takes the list and the named packages' features into use, before anything asks. Raises:
    Problem, in one line."""
    global _features
    for name in (name for name in names if name not in added(GROUP)):
        raise bad(
            f"The setting features names {name}, which no package here brings.",
            "Install its package, or remove it.",
        )
    _features = checked(
        (*import_module(LIST).FEATURES, *(load(added(GROUP)[name], Feature) for name in names))
    )
    return _features


def checked(features: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """Raises: Problem(invalid) for one that is listed twice, comes before what it needs, or adds to
    no place."""
    names: list[str] = []
    for feature in features:
        if feature.name in names:
            raise bad(f"The feature {feature.name} is listed twice.", "List it once.")
        for missing in (name for name in feature.needs if name not in names):
            raise bad(
                f"The feature {feature.name} needs {missing}, which is not listed before it.",
                f"List {missing} first.",
            )
        for wrong in (given for given in feature.adds if not isinstance(given, Addition)):
            raise bad(
                f"The feature {feature.name} adds {wrong!r:.80} to no place.",
                "Add by calling a place.",
            )
        names.append(feature.name)
    return features


def bad(message: str, cure: str) -> Problem:
    return Problem("invalid", message, cure)
