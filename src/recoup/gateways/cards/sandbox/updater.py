"""The sandbox's account updater: it answers by the documented test cards."""

from recoup.gateways.cards.credential import Card
from recoup.gateways.cards.updater import UNKNOWN, CardUpdate, UpdateInquiry
from recoup.rules.network.magic_updates import update_of


class SandboxUpdater:
    """Implements `updater.Updater`."""

    name = "sandbox"
    acceptor_id = ""
    knows_numbers = True
    routes = ("sandbox",)

    def keeps(self, route: str) -> bool:
        return False

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate:
        card = inquiry.card
        if not isinstance(card, Card):
            return UNKNOWN
        found = update_of(card.pan, card.exp_month, card.exp_year)
        return CardUpdate(found.state, found.number, found.exp_month, found.exp_year)
