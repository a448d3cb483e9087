"""Declines as the product reads them, each kind once a day of the world."""

from datetime import date
from functools import lru_cache
from typing import Final

from recoup.networks.codes import Reading, code_of, read_decline
from recoup_lab.world.port import HistoryRow

UNLISTED_MAX: Final = 100


@lru_cache(maxsize=65_536)
def read(scheme: str, code: str | None, advice: str | None, on: date) -> Reading:
    return read_decline(scheme=scheme, code=code_of(None, code), advice=advice, on=on)


def reading_of(row: HistoryRow) -> Reading:
    """The reading of a past decline."""
    return read(row.card.scheme, row.scheme_code, row.advice_code, row.at.date())


def note_unlisted(names: set[str], scheme: str, reading: Reading) -> None:
    """Keeps a code or advice that no list has, to be told at the end; so many at most."""
    found = [f"{scheme} {reading.unlisted_code}"] if reading.unlisted_code else []
    if reading.unlisted_advice:
        found.append(f"{scheme} advice {reading.unlisted_advice}")
    if not found and not reading.is_listed:
        found.append(f"{scheme} without a code")
    if found and len(names) < UNLISTED_MAX:
        names.update(found)
