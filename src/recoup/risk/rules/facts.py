"""Facts of a payment whose customer waits, beside card and decline: counts, results of checks,
flags. Pure.

Nothing of it names a person: who came how often is counted under keyed hashes, and only the counts
come here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from recoup.kernel.stored import Stored

Name = Literal["card", "payer", "device", "address", "ip"]
NAMES: Final[tuple[Name, ...]] = ("card", "payer", "device", "address", "ip")
Check = Literal["match", "partial", "mismatch", "unknown"]

_AVS: Final[Mapping[str, Check]] = {
    **dict.fromkeys(("Y", "X", "D", "F", "M", "V", "H"), "match"),
    **dict.fromkeys(("A", "B", "P", "W", "Z", "L", "K", "O", "T"), "partial"),
    **dict.fromkeys(("N", "C"), "mismatch"),
}  # fmt: skip
_CVV: Final[Mapping[str, Check]] = {"M": "match", "Y": "match", "N": "mismatch"}


@dataclass(frozen=True, slots=True)
class Seen:
    """Other orders under one name at this merchant, at most 50. `cards`: different other
    cards among those of the day."""

    hour: int = 0
    day: int = 0
    week: int = 0
    cards: int = 0


@dataclass(frozen=True, slots=True)
class RiskFacts(Stored):
    """The inputs of a score. `usual_units`: the median of the merchant's last payments in the
    currency, None where there are too few. `seen`: by name, those that the payment has.
    `paid_before`: paid orders of the same customer with the same card, at most 20.
    `decline`: the reason word of the decline that came in. `authenticated`: the merchant's own 3-D
    Secure succeeded. `processor_risk`: low, elevated, high or unknown."""

    units: int
    currency: str
    usual_units: int | None = None
    seen: Mapping[str, Seen] = field(default_factory=dict)
    avs: Check = "unknown"
    cvv: Check = "unknown"
    decline: str = ""
    shipped_abroad: bool = False
    foreign_card: bool = False
    code_given: bool = True
    authenticated: bool = False
    paid_before: int = 0
    processor_risk: str = "unknown"


def avs_of(code: str | None) -> Check:
    """The address check by the result code that a network or processor gave."""
    return _AVS.get(
        (code or "").strip().upper()[:1] if len((code or "").strip()) == 1 else "", "unknown"
    )


def cvv_of(code: str | None) -> Check:
    plain = (code or "").strip().upper()
    return _CVV.get(plain, "unknown")


def is_authenticated(three_d_secure: Mapping[str, Any] | None) -> bool:
    """True when the electronic commerce indicator says that the customer passed."""
    eci = (three_d_secure or {}).get("ecommerceIndicator") or (three_d_secure or {}).get(
        "ecommerce_indicator"
    )
    return str(eci or "").strip().lstrip("0") in ("2", "5")
