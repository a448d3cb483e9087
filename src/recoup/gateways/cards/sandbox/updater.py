"""The sandbox's account updater: it answers by the documented test cards."""

from recoup.gateways.cards.updater import CardUpdate, UpdateInquiry
from recoup.rules.network.magic_updates import update_of


class SandboxUpdater:
    """Implements `updater.Updater`."""

    name = "sandbox"

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate:
        card = inquiry.card
        found = update_of(card.pan, card.exp_month, card.exp_year)
        return CardUpdate(found.state, found.number, found.exp_month, found.exp_year)
