"""Stops that a merchant's copy of a declined payment reports for its card, which may be another
order's. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from recoup.networks.codes import Reading, read_decline, stored_codes
from recoup.networks.decline_code import DeclineCode
from recoup.networks.limits import STOP_ADVICE, STOP_CODES, is_final

_ANY_DAY: Final = date(2026, 1, 1)  # these codes have meant the same since they came


def read_copy(
    code: DeclineCode | None, facts: Mapping[str, Any], *, scheme: str, on: date, region: str
) -> Reading:
    """`facts`: what was kept beside the code."""
    beside = stored_codes(facts.get("beside") or ())
    return read_decline(
        scheme=scheme, code=code, on=on, advice=facts.get("advice"), beside=beside, region=region
    )


def ends_card(code: DeclineCode | None, facts: Mapping[str, Any]) -> bool:
    """True when the code may say that nothing more shall be sent to the card, of whichever network
    that is."""
    scheme = "mastercard" if facts.get("advice") else "generic"
    reading = read_copy(code, facts, scheme=scheme, on=_ANY_DAY, region="world")
    stopped = reading.code in STOP_CODES or reading.advice == STOP_ADVICE
    return stopped or reading.retry == "never" and is_final(reading.klass, reading.code)
