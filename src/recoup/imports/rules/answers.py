"""Answers to what a file does not say itself, and questions that have to be asked."""

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from recoup.imports.rules.profile import profile_named
from recoup.kernel.problem import Sentence, invalid
from recoup.kit.files.moments import AMBIGUOUS, Order, zone_named
from recoup.networks.card_text import masked_numbers

Decimal = Literal["", ".", ","]
Units = Literal["", "major", "minor"]
EXAMPLE_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Answers:
    """Empty: not answered. `zone`: of times without one; `order`: of 03/04/2026; `decimal`: of
    amounts; `units`: whether amounts are in major units or the smallest; `profile`: whose export it
    is."""

    zone: str = ""
    order: Order = ""
    decimal: Decimal = ""
    units: Units = ""
    profile: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Answers that were given, by name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}


class Question(NamedTuple):
    """`name`: of the answer in `Answers`; `choices`: empty where any zone may be named; `example`:
    cells of the file."""

    name: str
    text: Sentence
    choices: tuple[str, ...]
    example: str


def check_answers(answers: Answers) -> None:
    """Raises: Problem(invalid) for a zone or profile that there is not."""
    if answers.profile:
        profile_named(answers.profile)
    word = answers.zone.strip()
    if word and zone_named(word) is None:
        two = word.upper() in AMBIGUOUS
        raise invalid(
            Sentence(
                "{0} has two meanings." if two else "{0} is not a time zone.", repr(word[:60])
            ),
            "zone",
            "Write one like Europe/Berlin, or an offset like -06:00.",
        )


def of_zone(words: str) -> Question:
    """`words`: abbreviations with two meanings, or nothing where no zone is named at all."""
    text = (
        Sentence("{0} has more than one meaning. Which time zone is it?", words)
        if words
        else Sentence("The file does not name the time zone of its dates. Which is it?")
    )
    return Question("zone", text, (), words)


def of_order(example: str) -> Question:
    text = Sentence(
        "Every date of the file can be read in two ways. Does the day or the month come first?"
    )
    return Question("order", text, ("day", "month"), _shown(example))


def of_decimal(example: str) -> Question:
    text = Sentence(
        "Amounts of the file can be read in two ways. Which is the decimal sign, point or comma?"
    )
    return Question("decimal", text, (".", ","), _shown(example))


def of_units(example: str) -> Question:
    text = Sentence(
        "Amounts have no decimals. Are they whole units of the currency, or its smallest unit?"
    )
    return Question("units", text, ("major", "minor"), _shown(example))


def _shown(example: str) -> str:
    return masked_numbers(example[:EXAMPLE_MAX])
