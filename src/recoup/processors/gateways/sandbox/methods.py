"""The simulated processor's store of cards: each documented id stands for a test card."""

import hashlib
from dataclasses import replace
from typing import Final

from recoup.networks.card import last4, scheme_of
from recoup.networks.decline_code import our_code
from recoup.networks.magic import COUNTING_CARDS
from recoup.networks.magic_methods import method_of
from recoup.networks.magic_updates import update_of
from recoup.processors.gateways.credential import Card, CredentialNews, Stored
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.updater import UNKNOWN, CardUpdate, UpdateInquiry


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
        update = update_of(card.pan, card.exp_month, card.exp_year)
        return CardUpdate(update.state, update.number, update.exp_month, update.exp_year)


GONE: Final = Outcome(
    "not_sent",
    processor_code=our_code("method_gone"),
    text="the payment method is no longer stored",
    fault="credential",
    credential_news=CredentialNews(is_closed=True),
)


def described(stored: Stored) -> Stored | None:
    """The method described; None for an id that stands for no card. A card has one fingerprint
    under all its ids."""
    method = method_of(stored.id)
    if method is None:
        return None
    return replace(
        stored,
        scheme=scheme_of(method.number),
        last4=last4(method.number),
        fingerprint=hashlib.sha256(b"fingerprint" + method.number.encode()).hexdigest()[:16],
        account_reference=account_reference_of(method.number),
    )


def account_reference_of(number: str) -> str | None:
    """The account reference of the cards that count over all orders alone: the others have nothing
    to share."""
    if number not in COUNTING_CARDS:
        return None
    return "TEST" + hashlib.sha256(b"account" + number.encode()).hexdigest()[:25].upper()


def with_news(outcome: Outcome, card: Card) -> Outcome:
    """The outcome with what the network says of the card beside its answer."""
    reference = (
        account_reference_of(card.pan) if outcome.state in ("approved", "declined") else None
    )
    return (
        replace(outcome, credential_news=CredentialNews(account_reference=reference))
        if reference
        else outcome
    )


def card_of(stored: Stored) -> Card | None:
    """The card that the issuer is sent; None for a method that is gone."""
    method = method_of(stored.id)
    if method is None or method.is_gone:
        return None
    scheme = scheme_of(method.number)
    return Card(method.number, stored.exp_month or 0, stored.exp_year or 0, scheme)
