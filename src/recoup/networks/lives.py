"""Lifetime of an authorisation: by network, kind of payment and region, as dated rows of
authorisation-lives.csv. Pure. What the processor says of a hold goes before, where it is
shorter."""

from datetime import date, timedelta
from typing import Final, NamedTuple

from recoup.networks.limits import Initiator
from recoup.networks.tables import REGIONS, read_table, until

_KINDS: Final = {"merchant": "mit", "customer": "cit"}


class LifeRow(NamedTuple):
    scheme: str
    kind: str
    region: str
    life: timedelta
    valid_from: date
    valid_to: date


def _row(row: dict[str, str]) -> LifeRow:
    begin = date.fromisoformat(row["valid_from"]) if row["valid_from"] else date.min
    life = timedelta(hours=int(row["hours"]))
    return LifeRow(row["scheme"], row["kind"], row["region"], life, begin, until(row["valid_to"]))


LIVES: Final = tuple(map(_row, read_table("authorisation-lives.csv")))


def life_of(scheme: str, initiator: Initiator, region: str, on: date) -> timedelta:
    """The lifetime of a hold, from the authorisation on; of an unknown network as of one that says
    nothing."""
    known = scheme if any(row.scheme == scheme for row in LIVES) else "generic"
    lives = {
        row.region: row.life
        for row in LIVES
        if (row.scheme, row.kind) == (known, _KINDS[initiator])
        and row.valid_from <= on <= row.valid_to
    }
    return next(lives[place] for place in REGIONS.get(region, ("world",)) if place in lives)
