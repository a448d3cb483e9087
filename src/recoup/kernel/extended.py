"""A table of the core that features add to."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeVar

from recoup.kernel.feature import Place, bad

A = TypeVar("A")
V = TypeVar("V")


class Extended(Mapping[str, V]):
    """The core's entries with what features added to `place`, put together when something first
    looks. `of`: the entries of one addition. They stand before the entry `before`, else at the
    end."""

    def __init__(
        self,
        own: Mapping[Any, V],
        place: Place[A],
        of: Callable[[A], Mapping[str, V]],
        before: str | None = None,
    ) -> None:
        self.own, self._place, self._of, self._before = own, place, of, before

    @cached_property
    def _all(self) -> dict[str, V]:
        names = list(self.own)
        at = names.index(self._before) if self._before is not None else len(names)
        added = {
            name: value for addition in self._place for name, value in self._of(addition).items()
        }
        if twice := added.keys() & self.own.keys():
            raise bad(
                f"A feature brings {sorted(twice)[0]}, which is there already.",
                "Give it another name.",
            )
        return (
            {name: self.own[name] for name in names[:at]}
            | added
            | {name: self.own[name] for name in names[at:]}
        )

    def __getitem__(self, name: str) -> V:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)
