"""Declines as the product reads them, each kind once a day of the world."""

from datetime import date
from functools import lru_cache

from recoup.rules.network.codes import Reading, read_decline


@lru_cache(maxsize=65_536)
def read(scheme: str, code: str | None, advice: str | None, on: date) -> Reading:
    return read_decline(scheme=scheme, source=None, code=code, text=None, advice=advice, on=on)
