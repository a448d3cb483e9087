"""The languages that answers and pages are written in, and what each error code of the stablecoin API means in them.
In English an answer says the particulars instead."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

LANGUAGES: Final = ("en", "de", "es", "fr", "zh")
# language -> code -> text
MESSAGES: Final[Mapping[str, Mapping[str, str]]] = msgspec.json.decode(
    (files("recoup.doors.edge") / "messages.json").read_bytes(), type=dict[str, dict[str, str]]
)


def language_of(accepted: bytes | None) -> str:
    """The first language that we speak, by the caller's weights; else English. Source: RFC 9110 §12.5.4."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate((accepted or b"").decode("latin-1")[:512].split(",")):
        name, _, rest = part.partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            wanted.append((-_weight(rest), place, language))
    best = min(wanted, default=None)
    return best[2] if best is not None and best[0] < 0 else "en"


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return min(1.0, max(0.0, float(value))) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
