"""Facets: what a feature knows of an order."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from msgspec import convert

from recoup.kernel.feature import Place
from recoup.kernel.frozen import frozen

R = TypeVar("R")


@frozen
class Facet(Generic[R]):
    """`sql`: reads it as JSON, of an order `o`; `row`: what it is read as, `none` where there is
    nothing. `needs`: without all of which it is not read under the lock, see
    `rescue/store/evidence`. `then`: as it was at a business time; None: it is read under the lock
    alone, and `sql` may name the card `v`."""

    name: str
    sql: str
    row: type[R]
    none: R
    needs: frozenset[str]
    then: Callable[[R, datetime], R] | None = None

    def of(self, facets: Mapping[str, Any] | None) -> R:
        """Reads it of the facets of an order, as they were stored."""
        stored = (facets or {}).get(self.name)
        return (
            self.none
            if stored is None
            else convert(stored, self.row)
            if stored.__class__ in (list, dict)
            else stored
        )


FACET: Final = Place[Facet[Any]]("facet")


def facets_sql(wanted: Callable[[Facet[Any]], bool] = lambda facet: facet.then is not None) -> str:
    """SQL for what features know of an order `o`, as one JSON by the name of the facet."""
    pairs = ", ".join(f"'{facet.name}', {facet.sql}" for facet in FACET if wanted(facet))
    return f"jsonb_build_object({pairs})" if pairs else "NULL::jsonb"


def facets_then(facets: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Facets as they were at that business time."""
    return {
        facet.name: facet.then(facet.of(facets), at) for facet in FACET if facet.then is not None
    }
