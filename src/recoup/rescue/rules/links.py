"""A link to pay as a way beside the tries of a plan: now, after the next try, or once nothing more
is planned. Pure.

A link costs a contact with the payer, whoever pays in the end; one that waits costs it only where
the tries before it fail, but is paid the less the older the decline is. Chances are rough priors
from published figures until a merchant's own links say more. Source: knowledge on published figures
(mail on the day of the failure).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from recoup.kernel.steady import total
from recoup.rescue.rules.facts import hours_of, instant_of

NOW, NEXT, LAST = "link_now", "link_after_next", "link_last"
LATER: Final = "link_waits"  # a rule
_DAY: Final = 24.0
_HALVINGS_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """`chance`: that a link which is mailed at the decline is paid, weighed as so many links of the
    merchant's own (`weight`). It halves each `half_life_days`, and falls where less than
    `reach_hours` are left to pay. `contact_units`: what a contact costs, in minor units, and
    `least_price`, as a chance, at least."""

    version: str
    chance: float = 0.13
    weight: float = 50.0
    half_life_days: float = 10.0
    reach_hours: float = 72.0
    contact_units: int = 50
    least_price: float = 0.005

    def chance_at_once(self, sent: int, paid: int) -> float:
        """Chance by the prior and the merchant's links together."""
        return (self.weight * self.chance + paid) / (self.weight + sent)

    def price(self, units: int) -> float:
        return max(self.least_price, self.contact_units / max(units, 1))


LINKS_1: Final = LinkPolicy("links-1")
LINK_POLICIES: Final[Mapping[str, LinkPolicy]] = {policy.version: policy for policy in (LINKS_1,)}


@dataclass(frozen=True, slots=True)
class LinkInput:
    """`sent`: the merchant's latest links whose payers have had their time, and how many of them
    were `paid`."""

    policy: str
    sent: int = 0
    paid: int = 0


class Try(NamedTuple):
    """`adds`: what it adds to the chance of the tries that were chosen before it."""

    at: float
    chance: float
    adds: float


class LinkOffer(NamedTuple):
    """`chance` that such a link is paid, by whom the tries did not bring; `worth`: what it adds to
    the chance of the tries, net of the contact, as a chance."""

    name: str
    at: datetime
    chance: float
    worth: float


def link_offers(
    link: LinkInput,
    tries: Sequence[Try],
    *,
    declined_at: datetime,
    now: datetime,
    end: datetime,
    units: int,
) -> list[LinkOffer]:
    """The best first; of equal ones the one that waits. `tries` are those planned, oldest first;
    `end`: the order's."""
    policy = LINK_POLICIES[link.policy]
    at_once, price = policy.chance_at_once(link.sent, link.paid), policy.price(units)
    first, last = hours_of(declined_at), hours_of(end)
    together = min(1.0, total([attempt.adds for attempt in tries]))

    def chance(at: float) -> float:
        """Chance of a link that is mailed then."""
        age, left = max(0.0, at - first) / _DAY, max(0.0, last - at)
        return at_once * _halved(age / policy.half_life_days) * min(1.0, left / policy.reach_hours)

    def offer(name: str, at: float, brought: float) -> LinkOffer:
        """`brought`: by the tries before it."""
        paid = chance(at)
        return LinkOffer(
            name,
            instant_of(at).astimezone(UTC),
            paid,
            paid * (1.0 - together) - price * (1.0 - brought),
        )

    offers = [offer(NOW, hours_of(now), 0.0)]
    if tries:
        offers.append(offer(LAST, tries[-1].at, together))
    if len(tries) > 1:
        offers.append(offer(NEXT, tries[0].at, min(together, tries[0].adds)))
    return sorted(offers, key=lambda link: (-link.worth, link.name == NOW))


def _halved(times: float) -> float:
    """Remainder of one after so many halvings, straight lines between them: a power differs by
    machine."""
    left, whole = 1.0, min(int(times), _HALVINGS_MAX)
    for _ in range(whole):
        left *= 0.5
    return left * (1.0 - 0.5 * min(1.0, times - whole))
