"""Cards that rows of a file name: this merchant's own are found, any other is an error of its line, whosever it is."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from recoup.flows.method_names import method_id_of, with_route
from recoup.flows.world import World
from recoup.gateways.cards.credential import Stored
from recoup.kernel.ids import parse_id
from recoup.kernel.sentence import Sentence
from recoup.rules.imports.attempt import Attempt, BadLine
from recoup.rules.imports.reader import Outcome
from recoup.store.insight.imported_sends import HeldCard, held_cards_named
from recoup.store.merchants.merchants import MerchantSettings

_UNKNOWN_CARD: Final = Sentence("names a card that is not among the merchant’s tokens and stored methods")
_UNKNOWN_ACCEPTOR: Final = Sentence("names an acceptor id that is not the merchant’s")
NAMED_MAX: Final = 200


class NamedCard(NamedTuple):
    """As an attempt of it counts. `card_id` None: of the sandbox's test cards none counts across orders."""

    card_id: UUID | None
    scheme: str
    acceptor_id: str
    initiator: str


class NamedCards:
    """Of one file."""

    def __init__(self, world: World, merchant: MerchantSettings) -> None:
        self._world, self._merchant_id = world, merchant.merchant.merchant_id
        self._own = merchant.merchant.acceptor_id
        routes = world.routes.terms(world.processors, self._merchant_id)
        self._acceptors = {self._own, *(world.routes.acceptor_of(one.name, self._own) for one in routes)}
        self._held: dict[UUID, HeldCard] = {}

    async def checked(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """With an error in the place of each attempt that names a card or acceptor that is not the merchant's."""
        named = {number: self._token_of(one) for number, one in enumerate(outcomes) if _names(one)}
        if not named:
            return outcomes
        await self._find(token for token in named.values() if token is not None)
        found = list(outcomes)
        for number, token in named.items():
            one = found[number]
            assert isinstance(one, Attempt)
            if token is None or token not in self._held:
                found[number] = BadLine(one.line, "unknown_card", _UNKNOWN_CARD)
            elif (one.acceptor or self._own) not in self._acceptors:
                found[number] = BadLine(one.line, "unknown_acceptor", _UNKNOWN_ACCEPTOR)
        return found

    def of(self, one: Attempt) -> NamedCard | None:
        """Of an attempt that was checked in the last batch; None where it names none."""
        token = self._token_of(one) if _names(one) else None
        if token is None:
            return None
        held = self._held[token]
        card_id = held.pan_id if held.magic is None else None
        return NamedCard(card_id, held.scheme, one.acceptor or self._own, "customer" if one.by_customer else "merchant")

    def _token_of(self, one: Outcome) -> UUID | None:
        """None for what can be no name."""
        assert isinstance(one, Attempt)
        if one.method is None:
            return parse_id(one.token)
        if max(map(len, one.method)) > NAMED_MAX:
            return None
        route, id, customer = one.method
        given = with_route(self._world, self._merchant_id, Stored(route, id, customer or None))
        return method_id_of(self._world, self._merchant_id, given) if given is not None else None

    async def _find(self, tokens: Iterable[UUID]) -> None:
        """Those of the last batch are known already, mostly: a card's attempts stand near each other."""
        wanted = set(tokens)
        self._held = {token: held for token, held in self._held.items() if token in wanted}
        missing = sorted(wanted.difference(self._held))
        if missing:
            self._held |= {
                one.token_id: one for one in await held_cards_named(self._world.db, self._merchant_id, missing)
            }


def _names(one: Outcome) -> bool:
    return isinstance(one, Attempt) and (bool(one.token) or one.method is not None)
