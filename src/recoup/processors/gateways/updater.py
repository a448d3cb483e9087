"""Port for an account updater: the card networks' word on what became of a card that an issuer
replaced."""

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Literal, Protocol
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.processors.gateways.credential import Card, Stored

UpdateState = Literal["updated", "unchanged", "closed", "contact", "unknown"]


@frozen
class UpdateInquiry:
    """A question about one card, or one that a processor keeps. `id` is ours and the idempotency
    key: repeated, it is answered, and billed, once. `route`: by which the card was sent last, None
    where it was not."""

    id: UUID
    merchant_id: UUID
    acceptor_id: str
    card: Card | Stored
    timeout_seconds: float
    route: str | None = None


@frozen
class CardUpdate:
    """`updated`: `pan` and expiry are the card's from now on, `pan` None where the number stays;
    `unchanged`: nothing newer is known; `closed`: the account is; `contact`: the issuer leaves it
    to the cardholder to say; `unknown`: no answer that could be read, or no such card. `pan`
    reaches no repr."""

    state: UpdateState
    pan: str | None = field(default=None, repr=False)
    exp_month: int | None = None
    exp_year: int | None = None


UNKNOWN = CardUpdate("unknown")


class Updater(Protocol):
    """Account updater. No method raises for anything that a network or a counterpart does: that is
    `unknown`."""

    name: str

    @property
    def routes(self) -> tuple[str, ...]:
        """Routes that it is reached by."""
        ...

    @property
    def knows_numbers(self) -> bool:
        """True when it can be asked about a card number."""
        ...

    def keeps(self, route: str) -> bool:
        """True when it can be asked about what that route's processor keeps."""
        ...

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate: ...


class RouteUpdater(Protocol):
    """Updater that a route's processor offers."""

    acceptor_id: str

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate: ...


class RouteUpdaters:
    """Updaters of several routes, in the order of preference, none twice. A card is asked about
    where it was sent last, or else by the first that takes card numbers; what a processor keeps
    only by that processor."""

    name = "routes"

    def __init__(self, by_route: Mapping[str, RouteUpdater], of_numbers: frozenset[str]) -> None:
        """Joins the updaters of the routes. `of_numbers`: the routes that take card numbers."""
        self._by_route, self._of_numbers = by_route, of_numbers

    @property
    def routes(self) -> tuple[str, ...]:
        return tuple(self._by_route)

    def keeps(self, route: str) -> bool:
        return route in self._by_route and route not in self._of_numbers

    @property
    def knows_numbers(self) -> bool:
        return any(name in self._of_numbers for name in self._by_route)

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate:
        able = [
            name
            for name in self._by_route
            if (name in self._of_numbers) is isinstance(inquiry.card, Card)
            and (isinstance(inquiry.card, Card) or name == inquiry.card.route)
        ]
        if not able:
            return UNKNOWN
        name = inquiry.route if inquiry.route in able else able[0]
        updater = self._by_route[name]
        if name != inquiry.route:
            inquiry = replace(
                inquiry, acceptor_id=updater.acceptor_id or inquiry.acceptor_id, route=name
            )
        return await updater.update_of(inquiry)
