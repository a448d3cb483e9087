"""How an issuer words its refusal: the scheme's code, and Mastercard's advice code where it gives
one.

Source: the decline tables of the networks, as src/recoup/networks has them.
"""

from typing import Final, Literal

from recoup_lab.world.customers import Card
from recoup_lab.world.draws import Draws
from recoup_lab.world.money import HOUR, Purse
from recoup_lab.world.parameters import Issuers
from recoup_lab.world.port import Scheme

Cause = Literal[
    "outage",
    "maintenance",
    "closed",
    "lost",
    "revoked",
    "replaced",
    "expired",
    "hold",
    "fraud",
    "funds",
    "dry",
    "limit",
    "coin",
    "mood",
    "unknown_card",
]
STOPS: Final = frozenset({"closed", "lost", "revoked", "replaced"})

_CODES: Final[dict[Scheme, dict[Cause, tuple[str, ...]]]] = {
    "visa": {
        "outage": ("91", "96"),
        "maintenance": ("91", "N0"),
        "closed": ("46", "14", "57"),
        "lost": ("41", "43", "04"),
        "revoked": ("R1", "R0", "R3"),
        "replaced": ("14", "46"),
        "expired": ("54",),
        "hold": ("05", "05", "62", "78", "01"),
        "fraud": ("59", "63"),
        "funds": ("51",),
        "dry": ("51",),
        "limit": ("61", "65"),
        "coin": ("05",),
        "mood": ("05", "59"),
        "unknown_card": ("14",),
    },
    "mastercard": {
        "outage": ("91", "96"),
        "maintenance": ("91", "92"),
        "closed": ("14", "79", "05"),
        "lost": ("41", "43", "04"),
        "revoked": ("05", "79"),
        "replaced": ("79", "14"),
        "expired": ("54",),
        "hold": ("05", "05", "62", "82", "70"),
        "fraud": ("63", "83"),
        "funds": ("51",),
        "dry": ("51",),
        "limit": ("61", "65"),
        "coin": ("05",),
        "mood": ("05", "63"),
        "unknown_card": ("14",),
    },
    "amex": {
        "outage": ("912", "909"),
        "maintenance": ("912", "182"),
        "closed": ("105", "188", "111"),
        "lost": ("200",),
        "revoked": ("119",),
        "replaced": ("187", "111"),
        "expired": ("101",),
        "hold": ("100", "107"),
        "fraud": ("100", "107"),
        "funds": ("116",),
        "dry": ("116",),
        "limit": ("121",),
        "coin": ("100",),
        "mood": ("100",),
        "unknown_card": ("111",),
    },
}
_GENERIC: Final[dict[Scheme, str]] = {"visa": "05", "mastercard": "05", "amex": "100"}
_MASKED: Final = frozenset({"funds", "dry", "limit", "hold", "fraud"})
_ADVICE: Final[dict[Cause, str]] = {
    "closed": "03",
    "lost": "03",
    "revoked": "21",
    "hold": "02",
    "fraud": "02",
    "coin": "02",
    "mood": "02",
    "limit": "02",
    "unknown_card": "03",
}
# hours to wait -> advice code, with response 51
_WAITS: Final = (
    (1, "24"),
    (24, "25"),
    (48, "26"),
    (96, "27"),
    (144, "28"),
    (192, "29"),
    (240, "30"),
)
_LONGEST: Final = "30"


class Codes:
    """A card's issuer says the same of the same cause each time."""

    def __init__(self, settings: Issuers, draws: Draws) -> None:
        self._settings, self._draws = settings, draws

    def of(
        self, cause: Cause, card: Card, instant: int, wait: int | None, new_data: bool
    ) -> tuple[str, str | None]:
        issuer = card.issuer
        n = self._draws.many(b"code " + cause.encode(), card.serial)
        texts = _CODES[issuer.scheme][cause]
        code = texts[int(n[0] * len(texts))]
        ending_masked = self._settings.generic_ending_share if cause in STOPS else 0.0
        if n[1] < (issuer.generic_share if cause in _MASKED else ending_masked):
            code = _GENERIC[issuer.scheme]
        return code, self._advice(cause, code, n, wait, new_data) if issuer.advises else None

    def _advice(
        self, cause: Cause, code: str, n: tuple[float, ...], wait: int | None, new_data: bool
    ) -> str | None:
        if cause in ("replaced", "expired"):
            return "01" if new_data else "03" if cause == "replaced" else None
        if cause in ("funds", "dry") and code == "51":
            if wait is not None and n[2] < self._settings.advice_true_share:
                return next((advice for hours, advice in _WAITS if wait <= hours * HOUR), _LONGEST)
            return ("02", "25", "26", "27")[int(n[3] * 4)]
        return _ADVICE.get(cause)


def advised_wait(purse: Purse, card: Card, instant: int) -> int | None:
    """Seconds until money comes, as the issuer sees it coming."""
    pay = purse.next_pay(card.account, instant)
    return None if pay is None else pay - instant
