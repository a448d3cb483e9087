"""The card holder's offset as the engine counts with it: told, or else the country's easternmost on
the mainland, so that no posting comes before its day in our count; what hours mean where it is not
told is learned apart."""

from typing import Final

from recoup.kit import slots

_EAST: Final = {"US": -300, "CA": -240, "MX": -300, "BR": -180, "AU": 600, "ID": 540}


def easternmost(country: str) -> int | None:
    """Minutes east of UTC on its mainland; None for a country that is not known here."""
    return _EAST.get(country.upper(), slots.westernmost(country))


def offset_minutes(given: float | str | None, country: str | None) -> tuple[int, bool]:
    """Minutes east of UTC, and whether they are the card holder's own."""
    if given is not None and given != "":
        return slots.offset_minutes(given, country), True
    east = _EAST.get((country or "US").upper())
    return (slots.offset_minutes(None, country) if east is None else east), False
