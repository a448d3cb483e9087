"""Credential that a charge is made with: a card, or a reference to one that a processor keeps."""

from dataclasses import field

from recoup.kernel.frozen import frozen
from recoup.processors.rules.credential import TOKEN, TokenState


@frozen
class Card:
    """A card as a processor needs it. `pan` and `cvv` never reach a repr, a log or an error. In an
    inquiry `pan` is empty unless the processor asks by replay: no vault is opened for a
    question."""

    pan: str = field(repr=False)
    exp_month: int
    exp_year: int
    scheme: str
    cvv: str | None = field(default=None, repr=False)

    kind = "card"


@frozen
class Stored:
    """A card that the processor of `route` keeps: no number, no vault. `id` and `customer` are the
    processor's; `fingerprint` as it identifies the card, `account_reference` (PAR) of the account
    behind it, None where it does not say. None of them reaches a repr."""

    route: str
    id: str = field(repr=False)
    customer: str | None = field(default=None, repr=False)
    scheme: str = "generic"
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    funding: str | None = None
    country: str | None = None
    fingerprint: str | None = field(default=None, repr=False)
    account_reference: str | None = field(default=None, repr=False)

    kind = "stored"


@frozen
class Token:
    """A number in a card's place, with an expiry of its own. `requestor_id`: on whose behalf its
    network made it. `cryptogram`: the proof for this one charge, None where there is none. Neither
    number nor cryptogram reaches a repr."""

    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    scheme: str
    requestor_id: str | None = None
    cryptogram: str | None = field(default=None, repr=False)

    kind = TOKEN


Credential = Card | Stored | Token


@frozen
class CredentialNews:
    """News that an answer has of the credential itself: a newer expiry or id, the account behind
    the card (PAR), the fingerprint that it has among the processor's stored cards, or that it is
    closed; of a network token how it stands."""

    exp_month: int | None = None
    exp_year: int | None = None
    id: str | None = field(default=None, repr=False)
    account_reference: str | None = field(default=None, repr=False)
    fingerprint: str | None = field(default=None, repr=False)
    is_closed: bool = False
    standing: TokenState | None = None
