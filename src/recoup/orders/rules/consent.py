"""Consent as a charge states it: where its customer gave it, which charge of the agreement this is,
why no strong authentication is needed; and whether its merchant takes less than the whole. Pure.

An issuer approves more of what names the transaction in which its customer consented. It is decided
once for each attempt and kept with it: the same id is sent again with the same words, whatever was
learned meanwhile.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.texts import parse_whole
from recoup.networks.exemptions import Exemption

WhyExempt = Literal["mit", "moto"] | Exemption
SEQUENCE_MAX: Final = 9_999


@frozen
class KeptIds:
    """Ids that a merchant's earlier charges left of this card: how many were approved, the
    network's id of the first that its customer started, and of the latest."""

    approvals: int = 0
    first_network_id: str | None = None
    latest_network_id: str | None = None


NOTHING_KEPT: Final = KeptIds()


@frozen
class Consent:
    """Consent as a charge states it; see `processors.gateways.port.Charge`. `sequence`: 1 starts an
    agreement, what follows is 2 or more. `exemption`: `mit` of a payment under an agreement that
    stands, `moto` of an order by mail or telephone; else what the risk check claims. `part_from`:
    the least units of a partial approval that are taken."""

    first_network_id: str | None = None
    latest_network_id: str | None = None
    sequence: int | None = None
    exemption: WhyExempt | None = None
    part_from: int | None = None


def consent_of(
    facts: Mapping[str, Any],
    kept: KeptIds,
    *,
    by_customer: bool,
    by_phone: bool,
    is_replaced: bool,
    claimed: Exemption | None = None,
) -> Consent:
    """`facts`: of the order. What the merchant says of this payment goes before what earlier
    charges of the card left; it says nothing of another card that took its place (`is_replaced`).
    `claimed`: by the risk check; the payment that starts an agreement is exempt from nothing."""
    first = (None if is_replaced else facts.get("network_transaction_id")) or kept.first_network_id
    if by_customer:
        starts = facts.get("agreement") is not None and not kept.approvals
        known = not is_replaced and facts.get("three_d_secure") is not None
        exemption: WhyExempt | None = "moto" if by_phone else None if known or starts else claimed
        return Consent(first, kept.latest_network_id, 1 if starts else None, exemption)
    stands = first is not None or facts.get("agreement") is not None
    return Consent(
        first,
        kept.latest_network_id,
        max(2, _number(facts), kept.approvals + 1),
        "mit" if stands else None,
    )


def _number(facts: Mapping[str, Any]) -> int:
    """The number of the subscription's payment, as the merchant says; 0 where it does not say
    so."""
    text = str((facts.get("subscription") or {}).get("paymentNumber") or "").strip()
    return parse_whole(text, len(str(SEQUENCE_MAX))) or 0
