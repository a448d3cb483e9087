"""The language of a country, where nearly everybody there reads the same one of ours; elsewhere nothing is guessed."""

from collections.abc import Mapping
from typing import Final

from recoup.rules.languages.catalogues import ENGLISH

# ISO 3166 alpha-2. Left out: where several are official, and where Chinese is written otherwise than our catalogue.
_SPOKEN: Final = {
    "de": ("AT", "DE", "LI"),
    "es": ("AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GT", "HN", "MX", "NI", "PA", "PE", "PY", "SV", "UY",
           "VE"),
    "fr": ("FR", "GF", "GP", "MC", "MQ", "NC", "PF", "PM", "RE", "YT"),
    "zh": ("CN",),
}  # fmt: skip
_LANGUAGE: Final[Mapping[str, str]] = {one: language for language, codes in _SPOKEN.items() for one in codes}


def language_in(country: str) -> str:
    """English where it is not known, and for what is no code of a country."""
    return _LANGUAGE.get(country.strip().upper(), ENGLISH)
