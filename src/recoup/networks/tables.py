"""The three dated tables of card knowledge, read once from the package: codes, limits, processor
words.

A region names the narrowest place that is known; a row for a narrower region hides the one for a
wider.
"""

import csv
import hashlib
from collections.abc import Iterable
from datetime import date
from importlib.resources import files
from typing import Any, Final, NamedTuple, TypeVar

# region -> where to look, narrowest first
REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "world": ("world",), "europe_cemea": ("europe_cemea", "world"),
    "europe": ("europe", "europe_cemea", "world"),
    "eea_uk": ("eea_uk", "europe", "europe_cemea", "world"), "us": ("us", "world"),
    "canada": ("canada", "world"),
    "eea": ("eea", "eea_uk", "europe", "europe_cemea", "world"), "brazil": ("brazil", "world"),
    "uk": ("uk", "eea_uk", "europe", "europe_cemea", "world"),
}  # fmt: skip


class CodeRow(NamedTuple):
    scheme: str
    kind: str
    code: str
    meaning: str
    klass: str
    visa_category: int | None
    retry: str
    min_wait_hours: float | None
    wait_by_rule: bool
    needs_advice: bool
    region: str
    valid_from: date
    valid_to: date
    document: str
    edition: str


class LimitRow(NamedTuple):
    """A count of sends, or, of `maximum_sends` 0, what an answer forbids.

    `fee_units`: what each send beyond it costs, in cents of `currency`; None where no source says
    so. `key`: what is counted together, or how far an answer reaches: `order`, `agreement` or
    `card`, and what else has to be the same (`acceptor`, `merchant`, `amount`). Of an answer,
    `answers` are those that forbid, `kinds` the sends that are forbidden: `mit`, `cit`,
    `cit:amount` for one of the same amount. It `lasts` for ever, or as long as its window;
    `own_stops`: a stop at the bank reaches its merchant alone.
    """

    scheme: str
    rule_id: str
    counts: str
    window_hours: float | None
    maximum_sends: int
    key: str
    initiator_split: bool
    region: str
    valid_from: date
    valid_to: date
    fee_units: int | None
    currency: str
    document: str
    source: str
    confidence: str
    answers: tuple[str, ...]
    kinds: tuple[str, ...]
    lasts: bool
    own_stops: bool


class ProcessorRow(NamedTuple):
    source: str
    code: str
    text: str
    kind: str
    target: str
    klass: str
    reason: str


def _text(name: str) -> str:
    return (files("recoup.networks") / "data" / name).read_text("ascii")


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of one of the package's data files."""
    return list(csv.DictReader(_text(name).splitlines()))


def until(text: str) -> date:
    """The last day of a row; one without never ends."""
    return date.fromisoformat(text) if text else date.max


def _code_row(row: dict[str, str]) -> CodeRow:
    read = (
        row
        | _period(row)
        | {
            "klass": row["class"],
            "visa_category": int(row["visa_category"]) if row["visa_category"] else None,
            "min_wait_hours": float(row["min_wait_hours"]) if row["min_wait_hours"] else None,
            "wait_by_rule": row["first_wait_basis"] == "rule",
            "needs_advice": row["needs_advice"] == "yes",
        }
    )
    return CodeRow(**{name: read[name] for name in CodeRow._fields})


_OWN_STOPS: Final = "+own-stops"


def _limit_row(row: dict[str, str]) -> LimitRow:
    read = (
        row
        | _period(row)
        | {
            "window_hours": float(row["window_hours"]) if row["window_hours"] else None,
            "maximum_sends": int(row.get("maximum_sends", 0)),
            "initiator_split": row.get("initiator_split") == "yes",
            "fee_units": _cents(row["fee_per_excess"]),
            "answers": tuple(row.get("answers", "").split()),
            "kinds": tuple(row.get("kinds", "").split()),
            "lasts": row.get("lasts") == "ever",
            "own_stops": row["key"].endswith(_OWN_STOPS),
            "key": row["key"].removesuffix(_OWN_STOPS),
        }
    )
    return LimitRow(**{name: read[name] for name in LimitRow._fields})


def _period(row: dict[str, str]) -> dict[str, Any]:
    begin = row["valid_from"]
    return {
        "valid_from": date.fromisoformat(begin) if begin else date.min,
        "valid_to": until(row["valid_to"]),
    }


def _cents(text: str) -> int | None:
    """All fees are in currencies of two decimals."""
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0")) if text else None


def _processor_row(row: dict[str, str]) -> ProcessorRow:
    kind, target = row["maps_to"].split(":", 1)
    return ProcessorRow(
        row["source"], row["code"].lower(), row["text"], kind, target, row["class"], row["reason"]
    )


_COUNTRIES: Final = {row["country"]: row["region"] for row in read_table("regions.csv")}


def region_of(country: str) -> str:
    """The region of a country, by its two letters (data/regions.csv); empty where none is named."""
    return _COUNTRIES.get(country, "world") if country else ""


CODES: Final[tuple[CodeRow, ...]] = tuple(
    _code_row(row) for row in read_table("response-codes.csv")
)
LIMITS: Final[tuple[LimitRow, ...]] = tuple(
    _limit_row(row)
    for name in ("network-limits.csv", "forbidding-answers.csv")
    for row in read_table(name)
)
PROCESSOR_CODES: Final[tuple[ProcessorRow, ...]] = tuple(
    map(_processor_row, read_table("processor-codes.csv"))
)

_NAMES = (
    "response-codes.csv",
    "network-limits.csv",
    "forbidding-answers.csv",
    "processor-codes.csv",
)
KNOWLEDGE_VERSION: Final = (
    "codes-" + hashlib.sha256("".join(map(_text, _NAMES)).encode()).hexdigest()[:12]
)


_Row = TypeVar("_Row", CodeRow, LimitRow)


def valid_row(rows: Iterable[_Row], on: date, region: str) -> _Row | None:
    """The row that binds on that day: of the narrowest region that has a valid one.

    An unknown region is read as the world.
    """
    valid = {row.region: row for row in rows if row.valid_from <= on <= row.valid_to}
    return next((valid[place] for place in REGIONS.get(region, ("world",)) if place in valid), None)
