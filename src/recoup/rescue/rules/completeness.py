"""Completeness of a declined payment: what it states that helps its rescue, and what it leaves out.
Pure.

Weights are ours; why each field matters stands beside it. Source: contract §5.2, §5.3, seed 004,
network rules.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from recoup.kernel.frozen import frozen

Kind = Literal["mit", "cit"]
_BOTH: Final = frozenset[Kind]({"mit", "cit"})
Rank = Literal["Critical", "High", "Medium", "Low"]
_RANKS: Final[tuple[tuple[int, Rank], ...]] = (
    (10, "Critical"),
    (6, "High"),
    (4, "Medium"),
    (0, "Low"),
)
WEEKS_WANTED: Final = timedelta(days=20)
LATE_AFTER: Final = timedelta(hours=24)


@frozen
class Wish:
    """A field by its dotted name, what it adds (points), and why."""

    field: str
    points: int
    why: str
    kinds: frozenset[Kind] = _BOTH

    @property
    def rank(self) -> Rank:
        """The rank in the vendor's words, by how our engine and deciders use the field: the
        vendor's own may differ."""
        return next(rank for least, rank in _RANKS if self.points >= least)


@frozen
class Score:
    """`points` of 100; `missing` with what each would add, most first."""

    points: int
    missing: tuple[Wish, ...]


CONSENT: Final = "transaction.networkTransactionId"
_MIT: Final = frozenset[Kind]({"mit"})
_CIT: Final = frozenset[Kind]({"cit"})
WISHES: Final[tuple[Wish, ...]] = (
    Wish(
        "expiryDateUtc",
        20,
        "The rescue can wait for the right day only until then: send about three weeks.",
        _MIT,
    ),
    Wish(CONSENT, 10, "It proves the customer's first consent to the issuer.", _MIT),
    Wish(
        "subscription.subscriptionId",
        6,
        "An agreement that the issuer knows is approved more often.",
        _MIT,
    ),
    Wish("isRecurring", 4, "Recurring payments have rules of their own.", _MIT),
    Wish(
        "paymentMethod.verificationValue",
        14,
        "The issuer sees that the customer holds the card.",
        _CIT,
    ),
    Wish(
        "transaction.avsResultCode",
        3,
        "A match speaks for the cardholder; a mismatch is weighed.",
        _CIT,
    ),
    Wish("transaction.cvvResultCode", 3, "A match shows that the customer held the card.", _CIT),
    Wish("customerIp", 8, "It tells the customer's own order from a stranger's.", _CIT),
    Wish(
        "threeDSecure.authenticationValue",
        8,
        "An authentication that was made need not be made again.",
        _CIT,
    ),
    Wish("senseKey", 2, "It ties the payment to the visit in which it was made.", _CIT),
    Wish("transaction.timestampUtc", 10, "Waiting times count from the decline."),
    Wish("attemptCount", 6, "The issuer has refused the payment so often already."),
    Wish("transaction.responseDescription", 3, "It decides what an unclear code means."),
    Wish(
        "transaction.timezoneUtcOffset",
        4,
        "The next attempt comes at a good hour for the cardholder.",
    ),
    Wish("transaction.adviceCode", 3, "The scheme itself says how long to wait."),
    Wish("transaction.dynamicDescriptor", 4, "A name that customers know is disputed less."),
    Wish("siteUrl", 5, "It picks the site, and with it the descriptor."),
    Wish("payer.id", 5, "Limits and history are kept by customer."),
    Wish("payer.email", 6, "The customer can be asked, and told of the charge."),
    Wish("payer.phone", 3, "A second way to reach the customer."),
    Wish("billingInformation.zipcode", 8, "Issuers compare it with the address they know."),
    Wish("billingInformation.addressLine1", 4, "Compared like the post code."),
    Wish("billingInformation.countryCode", 4, "It says which rules hold, and the hour there."),
    Wish("paymentMethod.cardType", 3, "Debit cards are tried near pay days."),
    Wish("paymentMethod.holderName", 2, "Some issuers compare it."),
    Wish("orderItems", 3, "Lines can be refunded by themselves, and answer disputes."),
)
# Either name will do.
_ALSO: Final = {"transaction.timestampUtc": "transaction.timestamp", "siteUrl": "siteId",
                "transaction.dynamicDescriptor": "transaction.descriptor"}  # fmt: skip


def score(body: Mapping[str, Any], is_mit: bool, *, kept: frozenset[str] = frozenset()) -> Score:
    """`body` as the contract writes its names. A value that says nothing counts as left out.
    `kept`: fields that earlier payments have left."""
    kind: Kind = "mit" if is_mit else "cit"
    wanted = [wish for wish in WISHES if kind in wish.kinds]
    missing = [
        wish
        for wish in wanted
        if wish.field not in kept
        and not (_told(body, wish.field) or _told(body, _ALSO.get(wish.field, "")))
    ]
    whole, lost = sum(wish.points for wish in wanted), sum(wish.points for wish in missing)
    return Score(
        100 * (whole - lost) // whole, tuple(sorted(missing, key=lambda wish: -wish.points))
    )


def remarks(
    is_mit: bool, declined_at: datetime | None, expires_at: datetime | None, now: datetime
) -> tuple[str, ...]:
    """Remarks on what is given, but could be better. Times are aware, `now` the merchant's business
    time."""
    texts = []
    if declined_at is not None and now - declined_at > LATE_AFTER:
        texts.append(
            "The decline is older than a day: hand payments over on the day on which they fail."
        )
    if is_mit and expires_at is not None and expires_at - now < WEEKS_WANTED:
        days = max(0, (expires_at - now) // timedelta(days=1))
        texts.append(f"The expiry leaves {days} days: about three weeks let most pay days pass.")
    return tuple(texts)


def _told(body: Mapping[str, Any], dotted: str) -> bool:
    value: Any = body
    for name in dotted.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value is not None and value not in ("", "NA", [], {})
