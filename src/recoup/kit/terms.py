"""Terms of a merchant, each declared once as a field of a dataclass: what it may be, what the
command says of it, how the merchant's page shows it.

    delay_days: Annotated[int, Whole("Days until the settlement.", low=0, high=90)] = 2

Its table has a column of the same name (`db.statement.columns_of`), its verb an option
(`kit/cli/term_options.py`). What a change leaves out stays as it was.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar, get_type_hints

from msgspec import Meta

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS, money, to_text
from recoup.kernel.problem import Figure, Part, Problem, Sentence, invalid, joined, shaped

T = TypeVar("T")


class PageRow(NamedTuple):
    """A row of the merchant's page. `words` name fields of the terms, and `{s}` ends what is more
    than one; `none`: the words for nothing. `last`: below the others."""

    label: str
    words: str
    none: str = ""
    last: bool = False


@frozen
class Field:
    """`help`: what the command and the API say of it. `option`: where that is not called as the
    field."""

    help: str = ""
    option: str = ""
    page: PageRow | None = None

    def holds(self, value: Any) -> bool:
        """True for a value that it may have."""
        return True

    def refusal(self, name: str) -> Problem:
        """Names the field and what it may be."""
        raise NotImplementedError

    def said(self, value: Any) -> Part:
        """The value in a sentence."""
        part: Part = value
        return part


@frozen
class Whole(Field):
    """A whole number from `low` to `high`."""

    low: int = 0
    high: int = 0

    def holds(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high

    def refusal(self, name: str) -> Problem:
        message = Sentence("The {0} is from {1} to {2}.", _words(name), self.low, self.high)
        return invalid(message, name, "Name a number in between.")


class BasisPoints(Whole):
    """A part of the whole, said in percent."""

    def said(self, value: int) -> Part:
        return Figure(to_text(value, 2))


class Percent(BasisPoints):
    """Typed and shown in percent: `2.9`."""


class Units(Field):
    """An amount of the currency that the terms are about."""


@frozen
class Choice(Field):
    """One of some words, typed with `-` for `_`."""

    values: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        return value in self.values

    def refusal(self, name: str) -> Problem:
        message = Sentence("A {0} is one of {1}.", _words(name), ", ".join(self.values))
        return invalid(message, name, "Choose one of them.")


class Amounts(Field):
    """Units by currency, typed like `USD=25.00`."""

    def holds(self, value: Any) -> bool:
        return all(asset in EXPONENTS and units >= 0 for asset, units in value.items())

    def refusal(self, name: str) -> Problem:
        message = Sentence("The {0} are amounts of known currencies, 0 or more.", _words(name))
        return invalid(message, name, "Write them like USD=25.00.")

    def said(self, value: Mapping[str, int]) -> Part:
        return joined(
            [
                Sentence("{0} {1}", Figure(money(units, asset)), asset)
                for asset, units in value.items()
            ],
            ", ",
        )


def fields_of(kind: Any) -> Mapping[str, Field]:
    """The declared fields by name, in their order."""
    return {
        name: declared
        for name, hint in get_type_hints(kind, include_extras=True).items()
        for declared in getattr(hint, "__metadata__", ())
        if isinstance(declared, Field)
    }


def check(terms: Any) -> None:
    """Raises: Problem(invalid) for the first field that cannot be."""
    for name, field in fields_of(type(terms)).items():
        if not field.holds(getattr(terms, name)):
            raise field.refusal(name)


def described(kind: type, name: str) -> Meta:
    """Bounds and words of a field, as the API documents it."""
    field = fields_of(kind)[name]
    low, high = getattr(field, "low", None), getattr(field, "high", None)
    return Meta(ge=low, le=high, description=field.help)


def values(terms: Any) -> dict[str, Any]:
    """What the terms say, by field."""
    return {name: getattr(terms, name) for name in fields_of(type(terms))}


def changed(terms: T, change: Mapping[str, Any]) -> T:
    """The terms with what `change` gives; None leaves a field as it is."""
    given = {name: value for name, value in change.items() if value is not None}
    return replace(terms, **given)  # type: ignore[type-var]


def page_rows(terms: Any) -> list[tuple[str, str]]:
    """Labels and words of the merchant's page."""
    fields, rows = fields_of(type(terms)), []
    parts = {name: field.said(getattr(terms, name)) for name, field in fields.items()}
    for name, field in fields.items():
        if (row := field.page) is not None:
            value = getattr(terms, name)
            words = row.none if row.none and not value else row.words
            said = shaped(words, **parts, s="" if value == 1 else "s")
            rows.append((row.last, row.label, said))
    return [(label, said) for _, label, said in sorted(rows, key=lambda row: row[0])]


def _words(name: str) -> str:
    return name.replace("_", " ")
