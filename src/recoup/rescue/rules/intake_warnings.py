"""Warnings to a caller about a payment that is taken: codes, which are kept, and the sentences that
they mean.

A code may have an argument behind a colon.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from recoup.kernel.money import Money
from recoup.kernel.problem import Sentence
from recoup.networks.codes import unknown_code
from recoup.terms.rules.refunds import items_of, lines_total

SITE_BY_DESCRIPTOR: Final = "site_by_descriptor"
DEFAULT_SITE: Final = "default_site"
UNKNOWN_SITE: Final = frozenset({SITE_BY_DESCRIPTOR, DEFAULT_SITE})
UNKNOWN_CAMPAIGN: Final = "unknown_campaign"
SHORT_EXPIRY: Final = "short_expiry"
HELD_BY_TYPE: Final = "held_by_type"
NO_IP: Final = "no_ip"
NO_CODE: Final = "no_security_code"
STALE: Final = "stale_decline"
FUTURE: Final = "future_decline"
UNREAD_TIME: Final = "unread_time"
UNKNOWN_CODE: Final = "unknown_code"
OTHER_SUM: Final = "items_other_sum"
COUNTS_AS_NOW: Final = frozenset({FUTURE, UNREAD_TIME})
_AHEAD: Final = timedelta(minutes=5)
_SENTENCES: Final[Mapping[str, str]] = MappingProxyType({
    SITE_BY_DESCRIPTOR: "siteUrl is not known; the site with this descriptor was used.",
    DEFAULT_SITE: "siteUrl is not known; the default site was used.",
    UNKNOWN_CAMPAIGN: "campaign is not known; the site {0} itself counts.",
    SHORT_EXPIRY: "expiryDateUtc is under 14 days ahead; live refuses that for recurring payments.",
    HELD_BY_TYPE: "transaction.transactionType says AUTHORIZATION, so the amount is held and waits "
                  "for /capture; to "
    "have it taken, send transactionType PURCHASE beside transaction.",
    NO_IP: "customerIp is missing; send the address that your checkout saw with each payment of a "
           "customer.",
    NO_CODE: "The card was tried without its security code: one given to /tokenize serves one "
             "send, within an hour. "
    "Send paymentMethod.verificationValue.",
    UNKNOWN_CODE: "The responseCode {0} is on no list of its source; the decline was read by its "
                  "text, or as a soft "
    "one.",
    OTHER_SUM: "The orderItems add up to {0}: no refund by items will be taken. The amount of a "
               "line is for all its "
    "pieces; with its tax, less its discount, all lines make the order's amount.",
    STALE: "The decline is older than a day; send declines on the day they happen.",
    FUTURE: "timestampUtc lies in the future; the time of the call counts. Send the time in UTC.",
    UNREAD_TIME: "timestampUtc cannot be read; the time of the call counts. Send it as "
    "2026-03-02T09:14:02Z, or as Unix time in seconds.",
})  # fmt: skip


def unknown_campaign(site: str) -> str:
    """`site`: the name of the one that counts."""
    return f"{UNKNOWN_CAMPAIGN}:{site}"


def of_code(source: str, code: str | None) -> tuple[str, ...]:
    """A warning about one that nobody here knows."""
    unknown = unknown_code(source, code)
    return (f"{UNKNOWN_CODE}:{unknown}",) if unknown else ()


def of_items(items: Sequence[Mapping[str, Any]], order: Money) -> tuple[str, ...]:
    """A warning about lines that do not add up to the order."""
    differing = lines_total(items_of(items), order)
    return (
        (f"{OTHER_SUM}:{differing[0]}, not to {differing[1]} {order.asset}",) if differing else ()
    )


def of_time(at: datetime | None, now: datetime) -> tuple[str, ...]:
    """A warning about a payment that is said to happen after now; a clock may be a little ahead."""
    return (FUTURE,) if at is not None and at > now + _AHEAD else ()


def in_sentences(warnings: Iterable[str]) -> list[str]:
    """Turns codes into English sentences. What is no code was kept as a sentence, before there were
    codes."""
    told = (warning.partition(":") for warning in warnings)
    return [
        Sentence(_SENTENCES[code], argument) if code in _SENTENCES else f"{code}{colon}{argument}"
        for code, colon, argument in told
    ]
