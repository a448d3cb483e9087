"""A network's signal, read strictly: a card was just approved elsewhere. It names the card without
its number."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from recoup.kernel.problem import invalid
from recoup.kernel.time import of_these_days
from recoup.outside.inbound import Moment, SignedKind, read_as

_CURE: Final = "See docs/cards.md for the fields."
_Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class Signal(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=False):
    """Signal of an approval elsewhere. One of the last three names the card, by the words of the
    route that the signal came by."""

    signal_id: Annotated[_Name, Meta(description="The sender's; for their own records.")]
    approved_at: Annotated[Moment, Meta(description="When the card was approved elsewhere.")]
    account_reference: (
        Annotated[
            str,
            Meta(pattern=r"^[0-9A-Za-z]{29}$", description="The payment account reference (PAR)."),
        ]
        | None
    ) = None
    fingerprint: (
        Annotated[_Name, Meta(description="The card's, as the route's processor identifies it.")]
        | None
    ) = None
    method: (
        Annotated[_Name, Meta(description="A stored payment method of the route's processor.")]
        | None
    ) = None


def read_signal(body: bytes) -> Signal:
    """Raises: Problem(malformed) for what is no JSON; Problem(invalid) naming the field."""
    signal = read_as(body, Signal, _CURE)
    approved_at = of_these_days(signal.approved_at)
    if approved_at is None:
        raise invalid(
            "The field approvedAt is no date of these days.",
            "approvedAt",
            "Send the time of the approval.",
        )
    if not (signal.account_reference or signal.fingerprint or signal.method):
        raise invalid(
            "The signal names no card.",
            "accountReference",
            "Send accountReference, fingerprint or method.",
        )
    return msgspec.structs.replace(signal, approved_at=approved_at)


SIGNALS: Final = SignedKind(
    "inbound-signals",
    4_096,
    read_signal,
    "Sign t.body with the route's key for signals; the time may be off by five minutes.",
)
