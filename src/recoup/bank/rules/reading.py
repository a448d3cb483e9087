"""Instructions for reading a statement: names of its columns, its currencies, period and zone.

Source: docs/money.md.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from recoup.bank.rules.matching import KINDS
from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Sentence, invalid
from recoup.kit.files.moments import DATES
from recoup.kit.report_spans import zone_of

OTHERS: Final[Any] = tomllib.loads((files(__package__) / "words.toml").read_text("utf-8"))
COLUMNS: Final = tuple(OTHERS["columns"])
_WITH_YEAR: Final = frozenset("cGxyY")
_DIRECTIVES: Final = _WITH_YEAR | frozenset("aAbBdfHIjmMpSuUVwWXzZ")
_SOME: Final = datetime(2026, 11, 20, 13, 14, 15, tzinfo=UTC)
_LATER: Final = (
    "dates",
    "statuses",
    "amounts",
    "signs",
)  # left out where empty, so that known files stay known
MAPPING_MAX: Final = 16_384  # characters
DOTS_MAX: Final = 20  # of a line: what reads TOML takes the square of a name's dots
EVERY: Final = "EVERY"  # among the currencies of a reading: whatever the file holds


@frozen
class Reading:
    """Instructions for reading a file. `columns`: our name -> theirs; `types`: their word -> ours;
    `values`: what stands in no column; `currencies`: those that it may hold, EVERY for all, else
    its first line's. `dates`: which comes first in 03/04/2026. `statuses`: their word -> money or
    none; `amounts`: major or minor units; `signs`: what a minus on money that goes out means, out
    or back. Empty texts are found out, or asked."""

    kind: str = "processor"
    columns: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    currencies: tuple[str, ...] = ()
    period: tuple[datetime, datetime] | None = None
    zone: str = "UTC"
    delimiter: str = ""
    decimal: str = ""
    date_format: str = ""
    encoding: str = ""
    dates: str = ""
    statuses: Mapping[str, str] = field(default_factory=dict)
    amounts: str = ""
    signs: str = ""
    routes: tuple[str, ...] = ()  # those that there are; a line that names another is not taken

    def to_dict(self) -> dict[str, Any]:
        """The reading as a dict of what makes two readings of a file the same."""
        said = asdict(self) | {
            "currencies": sorted(self.currencies),
            "period": [moment.astimezone(UTC).isoformat() for moment in self.period or ()],
        }
        return {
            name: value
            for name, value in said.items()
            if name != "routes" and (value or name not in _LATER)
        }


def reading_of(stored: Mapping[str, Any], currencies: tuple[str, ...]) -> Reading:
    """The opposite of `Reading.to_dict`, with other currencies."""
    period = tuple(datetime.fromisoformat(moment) for moment in stored["period"])
    return Reading(**(dict(stored) | {"currencies": currencies, "period": period or None}))


def mapping_file(text: str) -> dict[str, Any]:
    """A mapping as TOML: tables `columns`, `types`, `statuses`, `values`, `format`. Raises:
    Problem(invalid) naming the mistake."""
    if len(text) > MAPPING_MAX or any(line.count(".") > DOTS_MAX for line in text.split("\n")):
        raise invalid(
            "The mapping is too long, or has a line with too many dots.",
            "mapping",
            Sentence(
                "Write at most {0} characters, and {1} dots in a line.", MAPPING_MAX, DOTS_MAX
            ),
        )
    try:
        mapping = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise invalid(
            Sentence("The mapping is not valid TOML: {0}.", error),
            "mapping",
            "Write lines like amount = 'Gross' under [columns].",
        ) from None
    tables = {
        "columns": COLUMNS,
        "types": None,
        "statuses": None,
        "values": ("type", "currency", "route"),
        "format": (
            "delimiter",
            "decimal",
            "date_format",
            "dates",
            "zone",
            "encoding",
            "amounts",
            "signs",
        ),
    }
    parsed: dict[str, Any] = {}
    for name, table in mapping.items():
        if name not in tables or not isinstance(table, dict):
            raise invalid(
                Sentence("The mapping knows no {0}; it has {1}.", repr(name), ", ".join(tables)),
                "mapping",
                "See docs/money.md for an example.",
            )
        for key, value in table.items():
            allowed = tables[name]
            if allowed is not None and key not in allowed or not isinstance(value, str):
                cure = (
                    Sentence("It knows {0}, each a text.", ", ".join(allowed))
                    if allowed
                    else "Write it as a text."
                )
                raise invalid(
                    Sentence("The mapping's {0}.{1} is unknown or no text.", name, key),
                    "mapping",
                    cure,
                )
            if "\0" in key + value:
                raise invalid(
                    Sentence("In {0} the mapping holds a NUL byte.", name),
                    "mapping",
                    "Write it without.",
                )
        parsed |= table if name == "format" else {name: table}
    return parsed


def check(reading: Reading) -> ZoneInfo:
    """The zone. Raises: Problem(invalid) for options that cannot be."""
    if reading.kind not in KINDS:
        raise invalid(
            Sentence("A file is one of {0}.", ", ".join(KINDS)), "kind", "Choose one of them."
        )
    if reading.delimiter and len(reading.delimiter) != 1:
        raise invalid(
            "A delimiter is one character.", "delimiter", "Write , or ; or \\t for a tab."
        )
    if reading.decimal not in ("", ".", ","):
        raise invalid("The decimal sign is a dot or a comma.", "decimal", "Write . or , alone.")
    if reading.dates not in DATES:
        raise invalid("Dates are dmy or mdy.", "dates", "Write dmy where the day comes first.")
    _check_choices(reading)
    if reading.date_format and not _can_read(reading.date_format):
        raise invalid(
            Sentence("The date format {0} cannot be read.", repr(reading.date_format[:40])),
            "date_format",
            "Write it like %d.%m.%Y %H:%M.",
        )
    for theirs, ours in reading.types.items():
        if ours not in KINDS[reading.kind]:
            known = ", ".join(KINDS[reading.kind])
            raise invalid(
                Sentence(
                    "The type {0} is mapped to {1}; there are {2}.", repr(theirs), repr(ours), known
                ),
                "types",
                "Map it to one of these.",
            )
    if reading.period and reading.period[0] >= reading.period[1]:
        raise invalid("The period ends before it begins.", "period", "Write the earlier day first.")
    named = [asset for asset in reading.currencies if asset != EVERY]
    for asset in (*named, *((reading.values["currency"],) if "currency" in reading.values else ())):
        if asset not in EXPONENTS:
            raise invalid(
                Sentence("The currency {0} is unknown.", repr(asset[:8])),
                "currency",
                "Write three letters, like USD, or a token, like USDC.",
            )
    return zone_of(reading.zone)


def _check_choices(reading: Reading) -> None:
    """Raises: Problem(invalid)."""
    for name, given, known in (
        ("amounts", {reading.amounts}, ("major", "minor")),
        ("signs", {reading.signs}, ("out", "back")),
        ("statuses", {*reading.statuses.values()}, ("money", "none")),
    ):
        if not given <= {"", *known}:
            raise invalid(
                Sentence("{0} can be {1}.", name, " or ".join(known)), name, "Choose one of them."
            )


def _can_read(form: str) -> bool:
    """True when a moment that is written so can be read again, by every Python alike: newer ones
    read more directives."""
    named = {part[:1] for part in form.replace("%%", "").split("%")[1:]}
    if not named <= _DIRECTIVES or not named & _WITH_YEAR:
        return False
    try:
        datetime.strptime(_SOME.strftime(form), form)  # noqa: DTZ007 - nobody reads it
    except (ValueError, re.error):
        return False
    return True
