"""A token service's notice, read strictly: something became of a network token. What, the service
is asked."""

from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from recoup.outside.inbound import SignedKind, read_as

_Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]
_CURE: Final = "See docs/cards.md for the fields."


class TokenNotice(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=False):
    """Ids are those of the request by which the token was made."""

    notice_id: Annotated[_Name, Meta(description="The sender's; for their own records.")]
    merchant_id: Annotated[UUID, Meta(description="As the request for the token named it.")]
    token_id: Annotated[UUID, Meta(description="The id of the request for the token.")]


def read_token_notice(body: bytes) -> TokenNotice:
    """Raises: Problem(malformed) for what is no JSON; Problem(invalid) naming the field."""
    return read_as(body, TokenNotice, _CURE)


TOKEN_NOTICES: Final = SignedKind(
    "inbound-network-tokens",
    4_096,
    read_token_notice,
    "Sign t.body with the route's key for network tokens; the time may be off by five minutes.",
)
