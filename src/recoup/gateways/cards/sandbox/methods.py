"""The simulated processor's store of cards: each documented id stands for a test card."""

import hashlib
from dataclasses import replace
from typing import Final

from recoup.gateways.cards.credential import Card, CredentialNews, Stored
from recoup.gateways.cards.outcome import Outcome
from recoup.rules.network.card import last4, scheme_of
from recoup.rules.network.magic_methods import method_of

GONE: Final = Outcome(
    "not_sent",
    processor_code="method_gone",
    text="the payment method is no longer stored",
    fault="credential",
    credential_news=CredentialNews(is_closed=True),
)


def described(stored: Stored) -> Stored | None:
    """None for an id that stands for no card. A card has one fingerprint under all its ids."""
    method = method_of(stored.id)
    if method is None:
        return None
    return replace(
        stored,
        scheme=scheme_of(method.number),
        last4=last4(method.number),
        fingerprint=hashlib.sha256(b"fingerprint" + method.number.encode()).hexdigest()[:16],
    )


def card_of(stored: Stored) -> Card | None:
    """What the issuer is sent; None for a method that is gone."""
    method = method_of(stored.id)
    if method is None or method.is_gone:
        return None
    scheme = scheme_of(method.number)
    return Card(method.number, stored.exp_month or 0, stored.exp_year or 0, scheme)
