"""The card routes of a world: what each carries, and how each stands."""

from collections.abc import Iterable, Mapping, Sequence

from recoup.rules.rescue.route_by_worth import Candidate
from recoup.rules.rescue.route_terms import RouteTerms


class CardRoutes:
    """One a world and process. `terms`: of the routes in the settings, in their order. `retired`: those that left the
    settings, for inquiries and reversals only. A processor without terms carries anything."""

    def __init__(self, terms: Iterable[RouteTerms] = (), retired: Iterable[str] = ()) -> None:
        self._terms: Mapping[str, RouteTerms] = {one.name: one for one in terms}
        self.retired = frozenset(retired)

    async def ready(self) -> None:
        """To be awaited before `candidates`, outside of transactions."""

    def terms(self, names: Iterable[str]) -> Sequence[RouteTerms]:
        """Of those that take new charges, in the settings' order."""
        given = [self._terms.get(name) or RouteTerms(name, stored=True) for name in names if name not in self.retired]
        order = list(self._terms)
        return sorted(given, key=lambda one: order.index(one.name) if one.name in self._terms else len(order))

    def candidates(self, names: Iterable[str]) -> tuple[Candidate, ...]:
        return tuple(Candidate(terms) for terms in self.terms(names))

    def acceptor_of(self, route: str | None, own: str) -> str:
        """By which a route's sends are counted. `own`: the merchant's, for a route that has none."""
        terms = self._terms.get(route or "")
        return terms.acceptor if terms is not None and terms.acceptor else own
