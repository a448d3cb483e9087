"""The one shape of an attempt of the past that came in a file, whoever exported it.

This is the common type of imports: the reader of files makes it, the import stores it, the
back-test of a file plays it. `reader.Reader` gives attempts in the file's order;
`payments.payments_of` puts them together to payments.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from recoup.kernel.problem import Sentence

State = Literal["approved", "declined", "not_sent", "unknown"]
STATES: Final[tuple[State, ...]] = ("approved", "declined", "not_sent", "unknown")

IMPORTS_KEPT: Final = timedelta(days=760)  # as long as copies of payments

# How far an attempt's story has come; a later stage is never replaced by an earlier one.
OPEN, ANSWERED, AFTERWARDS = range(3)
STAGES: Final = {"open": OPEN, "answered": ANSWERED, "afterwards": AFTERWARDS}


class Attempt(NamedTuple):
    """An attempt of a card. Texts are empty where nothing is told, and hold no card number.

    `row` counts the file's rows from 1, `line` is where it stands. `ref` is the provider's own id
    of the attempt, one of each in `provider`. `payment` is the provider's link between attempts,
    empty where there is none; `guessed`: it was put together by customer, card and amount.
    `customer`, `card` and `subscription` are labels: of one provider only, never a number of a
    card. `at` is in UTC. `units`: smallest unit of `asset`.

    `token`, or `method` (processor, id, customer), names a card that we hold, empty in all exports
    of others; then `acceptor` counts it, empty for the merchant's own, and `by_customer` says that
    its customer started it.

    `state`: `approved` and `declined` by the issuer; `not_sent`: the issuer was never asked;
    `unknown`: nobody said what became of it. `stage`: `OPEN`, `ANSWERED`, or `AFTERWARDS`
    (refunded, voided, or an approval that failed later: `failed_later`).

    Why it was declined, each in its own field: `scheme_code` (field 39), `advice_code` of the
    network (empty: not told, never "none"), `processor_code` of `source`, and `text`: the phrase of
    our list that stood in a free text.
    """

    row: int
    line: int
    provider: str
    ref: str
    payment: str
    guessed: bool
    customer: str
    card: str
    subscription: str
    token: str
    method: tuple[str, str, str] | None
    acceptor: str
    by_customer: bool
    bin: str  # first six or eight digits
    last4: str
    scheme: str
    funding: str
    country: str
    at: datetime
    units: int
    asset: str
    state: State
    stage: int
    failed_later: bool
    source: str  # whose `processor_code` it is: stripe, adyen, …
    scheme_code: str
    advice_code: str
    processor_code: str
    text: str
    attempt_no: int | None  # in its payment, from 1, where the file says so
    attempt_count: int | None  # of the payment, where the file says so
    utc_offset: int | None  # minutes, of the card holder
    propensity: float | None
    modified_at: datetime | None


class BadLine(NamedTuple):
    """A line from which nothing was taken. `code` for machines, `why` a sentence without a
    subject."""

    line: int
    code: str
    why: str


class Skipped(NamedTuple):
    """A row that is no attempt of a card. `reason`: a key of `SKIPPED`; `method`: by which it was
    paid instead."""

    line: int
    reason: str
    method: str = ""


SKIPPED: Final = {
    "refund": Sentence("refunds and other repayments"),
    "card_check": Sentence("checks of a card without an amount"),
    "no_attempt": Sentence("steps of a payment that are no attempt"),
    "test": Sentence("test transactions"),
    "no_card": Sentence("payments by other means than a card"),
}
