"""An order's card, as it is known without its number."""

from dataclasses import field
from uuid import UUID

from recoup.kernel.frozen import frozen


@frozen
class StoredMethod:
    """A card that the processor of `route` keeps. `reference` and `customer` are the processor's;
    `is_closed`: it said that the method is gone."""

    route: str
    reference: str = field(repr=False)
    customer: str | None = field(default=None, repr=False)
    fingerprint: str | None = field(default=None, repr=False)
    funding: str | None = None
    country: str | None = None
    is_closed: bool = False


@frozen
class CardFacts:
    """Facts that may be known of the card without opening the vault; `sealed` is what the vault
    keeps, None of a card that its processor keeps: that is `stored`. Of such a card `bin` is empty,
    and what the processor does not say is empty or 0."""

    token_id: UUID
    scheme: str
    bin: str
    last4: str
    magic: str | None
    exp_month: int
    exp_year: int
    sealed: tuple[str, bytes, bytes, bytes] | None = field(repr=False)
    issuer_digits: str = ""  # empty: the card came before they were kept
    stored: StoredMethod | None = None


def sealed_of(
    kek_id: str | None, wrapped_dek: str | None, nonce: str | None, ciphertext: str | None
) -> tuple[str, bytes, bytes, bytes] | None:
    """The sealed card that the vault keeps, as its rows have it."""
    if kek_id is None or wrapped_dek is None or nonce is None or ciphertext is None:
        return None
    wrapped, once, text = (bytes.fromhex(column[2:]) for column in (wrapped_dek, nonce, ciphertext))
    return kek_id, wrapped, once, text
