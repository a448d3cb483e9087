"""Outcome of one message, as the counterpart gave it and as it may be kept."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from recoup.kernel.counterpart_text import CODE_MAX, REFERENCE_MAX, SENTENCE_MAX, kept
from recoup.kernel.filled import filled
from recoup.kernel.frozen import frozen
from recoup.networks.card_text import masked_numbers
from recoup.networks.codes import phrase_in
from recoup.networks.decline_code import DeclineCode
from recoup.processors.gateways.credential import CredentialNews
from recoup.processors.gateways.payer_page import is_payer_page
from recoup.processors.rules.answers import Fault, State
from recoup.processors.rules.checks import NONE, Checks, risk_level_of

__all__ = ["Fault", "Outcome", "State", "as_requested", "is_taken_part"]


@frozen
class Outcome:
    """Outcome as the processor gave it; what it left out is None.

    `state`: approved; declined; unknown (it may have happened: inquire, never resend blind);
    not_sent (proof that it never left); not_found (answer of an inquiry only); awaits_payer
    (nothing is charged before the customer confirms at `redirect_url`, a page of the processor).
    `withdrawn`: they did not, and it was ended there, so that nothing late can charge. Codes are as
    the processor gave them: `scheme_code` is field 39, `advice_code` Mastercard's MAC,
    `processor_code` and `processor_advice` the processor's own, `further` more of its own about a
    decline; none is filled from another.

    `units` and `currency` as the processor says them, `other_id` when it speaks of another message:
    see `as_requested`. `fault`: whose a refusal is. `reached_network` False: it was stopped before,
    and no limit of a network counts it; `network_attempts`: how many sends it cost there.
    `retries_itself_at`: the processor will. `hold_until`: when it lets an uncaptured authorisation
    go. `risk` is its word for its own risk, `risk_score` its number. `key`, `route`: of a look-up,
    under which key of ours it was found, and where. `ids`: what else the processor calls it, beside
    `reference`.
    """

    state: State
    reference: str | None = None
    scheme_code: str | None = None
    advice_code: str | None = None
    processor_code: DeclineCode | None = None
    text: str | None = None
    network_transaction_id: str | None = None
    latency_ms: int = 0
    units: int | None = None
    currency: str | None = None
    other_id: bool = False
    fault: Fault | None = None
    reached_network: bool | None = None
    network_attempts: int = 1
    sca_wanted: bool = False
    processor_advice: DeclineCode | None = None
    further: tuple[DeclineCode, ...] = ()
    category: str | None = None
    avs: str | None = None
    cvv: str | None = None
    cavv: str | None = None
    risk: str | None = None
    risk_score: int | None = None
    auth_code: str | None = None
    retries_itself_at: datetime | None = None
    hold_until: datetime | None = None
    credential_news: CredentialNews | None = None
    contradicts: bool = False
    result_follows: bool = False
    redirect_url: str | None = None
    withdrawn: bool = False
    key: UUID | None = None
    route: str | None = None
    ids: tuple[str, ...] = ()

    @property
    def own_code(self) -> str | None:
        """The processor's code as it is stored."""
        return str(self.processor_code) if self.processor_code else None

    @property
    def checks(self) -> Checks | None:
        """The checks that it has beside its codes; None where it says nothing."""
        advice = str(self.processor_advice) if self.processor_advice else None
        own = self.processor_code if self.scheme_code else None
        beside = (own, *self.further, phrase_in(self.text)) if self.state == "declined" else ()
        further = tuple(str(code) for code in beside if code)
        held = self.hold_until.isoformat() if self.hold_until is not None else None
        said = filled(
            Checks,
            self,
            risk_level=risk_level_of(self.risk),
            advice=advice,
            further=further,
            hold_until=held,
        )
        return said if said != NONE else None

    def __post_init__(self) -> None:
        """An answer from anywhere, of any size: what is too long is cut, and card numbers in the
        sentence are masked, so that the state is never lost over it."""
        for name, most in _KEPT:
            text = getattr(self, name)
            if text is not None:
                plain = masked_numbers(text) if name == "text" else text
                object.__setattr__(self, name, kept(plain, most))
        object.__setattr__(
            self,
            "ids",
            tuple(id for reference in self.ids if (id := kept(reference, REFERENCE_MAX))),
        )
        if self.redirect_url is not None and not is_payer_page(self.redirect_url):
            object.__setattr__(self, "redirect_url", None)
        if self.risk_score is not None and abs(self.risk_score) > RISK_SCORE_MAX:
            object.__setattr__(self, "risk_score", None)
        if self.retries_itself_at is not None:
            object.__setattr__(self, "retries_itself_at", _plausible(self.retries_itself_at))
        if self.hold_until is not None:
            object.__setattr__(self, "hold_until", _plausible(self.hold_until))
        if not 1 <= self.network_attempts <= NETWORK_ATTEMPTS_MAX:
            object.__setattr__(
                self, "network_attempts", min(NETWORK_ATTEMPTS_MAX, max(1, self.network_attempts))
            )


def _plausible(at: datetime) -> datetime | None:
    """The moment in UTC; a time without a zone is taken for one. None for a year that no payment is
    made in."""
    if not 2000 <= at.year <= 2200:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


NETWORK_ATTEMPTS_MAX: Final = 100
RISK_SCORE_MAX: Final = 1_000_000
_CODES: Final = (
    "scheme_code",
    "advice_code",
    "category",
    "avs",
    "cvv",
    "cavv",
    "risk",
    "auth_code",
    "currency",
)
_KEPT: Final = (
    ("text", SENTENCE_MAX), ("reference", REFERENCE_MAX), ("network_transaction_id", REFERENCE_MAX),
    *((name, CODE_MAX) for name in _CODES),
)  # fmt: skip


def is_taken_part(approved: int, units: int, part_from: int | None) -> bool:
    return part_from is not None and max(1, part_from) <= approved < units


def as_requested(
    outcome: Outcome, units: int, currency: str, part_from: int | None = None
) -> Outcome:
    """An approval of another message, amount or currency, or of a part below `part_from`, is no
    approval of this one: unknown, and `contradicts`."""
    if outcome.state != "approved":
        return replace(outcome, state="unknown", contradicts=True) if outcome.other_id else outcome
    same_units = (
        outcome.units is None
        or outcome.units == units
        or is_taken_part(outcome.units, units, part_from)
    )
    same_currency = outcome.currency is None or outcome.currency.upper() == currency
    if same_units and same_currency and not outcome.other_id:
        return outcome
    return replace(
        outcome, state="unknown", text="the answer is of another charge or amount", contradicts=True
    )
