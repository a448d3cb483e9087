"""The words, shapes and colours of what orders are, the same on every page. A status is never
colour alone."""

from typing import Final, NamedTuple

from recoup.orders.rules.faces import MEANINGS, face
from recoup.orders.rules.lifecycle import REASONS as BILLED
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.words import SCHEME_WORDS, STATUS_WORDS

# What brought the money of a payment, whichever page counts it.
MEANS: Final[dict[str | None, str]] = {
    "link": "Payment link", "new_card": "New card", "other_card": "Another card on file",
    "retry": "Planned attempt", "part": "Collected in parts", "signal": "Approval elsewhere",
    "merchant": "Requested attempt",
}  # fmt: skip


class Status(NamedTuple):
    """`tone` is the CSS class, `icon` the shape, `meaning` the glossary's line with what may come
    next."""

    code: int
    word: str
    tone: str
    icon: str
    meaning: str


class State(NamedTuple):
    """State of what is no order. `tone` is the CSS class, `icon` the shape."""

    word: str
    tone: str
    icon: str
    meaning: str


_LOOKS: Final[dict[int, tuple[str, str, str]]] = {
    0: ("off", "draft", "Next: processing, or cancelled."),
    1: ("hold", "onhold", "Next: it continues automatically, or a person releases it."),
    2: ("off", "cancelled", "This is an end."),
    3: ("prob", "problem", "Next: a person resolves it, then it continues or ends."),
    4: ("run", "processing", "Next: completed, cancelled, on hold or a problem."),
    5: ("run", "capture", "Next: captured, or cancelled."),
    6: ("off", "returned", "A dispute may still follow."),
    7: ("ok", "completed", "A refund or a dispute may follow."),
    8: ("disp", "chargeback", "Next: if won, completed again."),
}
STATUSES: Final[dict[int, Status]] = {
    code: Status(code, word, *_LOOKS[code][:2], f"{MEANINGS[code]} {_LOOKS[code][2]}")
    for code, word in STATUS_WORDS.items()
}
# The stablecoin API's word -> what the portal calls the same state.
_PART_REFUNDED: Final = "Completed, some refunded"
API_STATES: Final[tuple[tuple[str, str], ...]] = tuple(
    dict.fromkeys(
        (
            face(stage, "stable", 2, refunded, False).stable,
            _PART_REFUNDED
            if refunded == 1
            else STATUSES[face(stage, "stable", 2, refunded, False).status].word,
        )
        for stage in (
            Stage.RECEIVED,
            Stage.PROCESSING,
            Stage.HELD,
            Stage.PROBLEM,
            Stage.COMPLETED,
            Stage.DECLINED,
            Stage.CANCELLED,
            Stage.EXPIRED,
        )
        for refunded in ((0, 1, 2) if stage is Stage.COMPLETED else (0,))
    )
)
CHANNELS: Final[dict[str, tuple[str, str]]] = {
    "mit": ("MIT", "Merchant initiated: renewals, instalments"),
    "cit_web": ("CIT web", "Customer initiated, on the website"),
    "cit_callcenter": ("CIT call-centre", "Customer initiated, by telephone"),
    "stable": ("On-chain", "Stablecoin, paid by the customer"),
}
REASONS: Final[dict[str, str]] = {
    "declined": "It was not approved and there are no further attempts: only a new payment by the "
    "customer helps.",
    "expired": "It expired before an attempt was approved.",
    "merchant_cancelled": "You cancelled it.",
    "paid_elsewhere": "Your own payment for the same order succeeded, so the rescue ended.",
    "capture_window": "It was not captured in time; the authorisation was released.",
    "challenge_failed": "The customer did not pass the bank's check.",
    "challenge_timeout": "The customer did not answer the bank's check in time.",
    **BILLED,
    "payer_refused": "The customer chose not to pay, on the page of the payment link.",
}
DISPUTE_KINDS: Final = {
    "fraud": "Fraud",
    "service": "Service",
    "authorisation": "Authorisation",
    "processing": "Processing error",
    "other": "Not classified",
}
DISPUTE_STAGES: Final = {
    "inquiry": "Inquiry", "first": "First chargeback", "pre_arbitration": "Pre-arbitration",
    "arbitration": "Arbitration",
}  # fmt: skip
DISPUTE_STATES: Final[dict[str, tuple[str, str, str]]] = {  # tone, icon, word
    "open": ("disp", "chargeback", "Open"), "answered": ("run", "processing", "Answered"),
    "won": ("ok", "completed", "Won"), "lost": ("off", "cancelled", "Lost"),
    "accepted": ("off", "cancelled", "Accepted"),
    "expired": ("off", "cancelled", "Lost: not answered"),
}  # fmt: skip
CLASSES: Final[dict[str, str]] = {
    "funds": "Insufficient funds: may be retried.",
    "soft": "Soft: may be retried.",
    "technical": "Technical failure: may be retried soon.",
    "data": "Wrong card data: the same data will not pass again.",
    "sca": "The customer has to confirm with the bank.",
    "fraud": "Suspected fraud: contact the customer first.",
    "hard": "Final: never retried.",
    "configuration": "The merchant's set-up at the acquirer is refused.",
}
SCHEMES: Final = SCHEME_WORDS
