"""Reads the parameters of a query, collects every complaint, and names each as it is written."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Final
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.nearest import Nearest
from recoup.kit.api.body import Complaints, pascal
from recoup.kit.api.field_rules import GUID, TEXT_MAX, parse_moment

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
STRANGERS_NAMED_MAX: Final = 5


class QueryValues(dict[str, list[str]]):
    """The values by name in lower case; `spelt`: each name as the caller first wrote it."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.spelt: dict[str, str] = {}
        for name, value in pairs:
            self.spelt.setdefault(name.lower(), name)
            self.setdefault(name.lower(), []).append(value)


class Query:
    """Names in any case; of a name that comes twice the first counts, unless all are read. Empty is absent. `names`:
    the known ones, where a misspelt filter would show everything: it is refused instead. `elsewhere`: what other lists
    call it -> what it is called here."""

    __slots__ = ("_complaints", "_given")

    def __init__(
        self,
        values: QueryValues,
        names: Iterable[str] | None = None,
        elsewhere: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._given = values
        self._complaints = Complaints()
        if names is not None:
            self._refuse_unknown(names, elsewhere)

    @property
    def errors(self) -> Mapping[str, list[str]]:
        return self._complaints.errors

    def complain(self, name: str, what: str = "", *, text: str | None = None) -> None:
        self._complaints.add(pascal(name), what, text=text)

    def raise_if_any(self) -> None:
        """Ends the reading: all complaints at once. Raises: Problem(invalid)."""
        self._complaints.raise_if_any()

    def _refuse_unknown(self, names: Iterable[str], elsewhere: Mapping[str, str]) -> None:
        known = {name.lower(): name for name in names}
        others = {name.lower(): (name, own_name) for name, own_name in elsewhere.items()}
        complaints, like = [], Nearest()
        for given in islice((one for one in self._given if one not in known), STRANGERS_NAMED_MAX):
            if given in others:
                name, own_name = others[given]
                complaints.append(
                    f"The parameter {name!r} is not known here. This list has {own_name} for it."
                )
            else:
                near, spelt = like.of(given, known, cutoff=0.5), self._given.spelt[given][:64]
                cure = (
                    f"Did you mean {known[near]}?"
                    if near
                    else "Known are " + ", ".join(known.values()) + "."
                )
                complaints.append(f"The parameter {spelt!r} is not known. {cure}")
        if complaints:
            self.complain("query", text=" ".join(complaints))

    def one(self, name: str, *, maximum: int = TEXT_MAX) -> str:
        text = (self._given.get(name.lower()) or [""])[0].strip()
        if len(text) > maximum:
            self.complain(name, f"must be at most {maximum} characters long")
            return ""
        return text

    def many(self, name: str, *, maximum: int) -> list[str]:
        """All values of a name, each once."""
        found = list(dict.fromkeys(text.strip() for text in self._given.get(name.lower(), ())))
        if len(found) > maximum:
            self.complain(name, f"may come at most {maximum} times")
            return []
        return found

    def number(self, name: str, default: int | None, low: int, high: int) -> int | None:
        text = self.one(name)
        if text and not (
            text.isascii() and text.isdigit() and len(text) < 14 and low <= int(text) <= high
        ):
            self.complain(name, f"must be a whole number between {low} and {high}")
            return default
        return int(text) if text else default

    def instant(self, name: str) -> datetime | None:
        text = self.one(name)
        found = parse_moment(text.replace(" ", "+")) if text else None
        if text and found is None:
            self.complain(name, "must be an ISO 8601 date like 2026-03-02T00:00:00Z")
        return found

    def guid(self, name: str) -> UUID | None:
        text = self.one(name)
        found = parse_id(text) if text else None
        if text and found is None:
            self.complain(name, GUID)
        return found

    def truth(self, name: str) -> bool | None:
        text = self.one(name).lower()
        if text and text not in _FLAGS:
            self.complain(name, "must be true or false")
        return _FLAGS.get(text)

    def choice(self, name: str, among: Mapping[str, object], default: str) -> str:
        """Reads one of the names in any case. The keys of `among` are in lower case."""
        text = self.one(name).lower() or default
        if text not in among:
            self.complain(
                name, "must be one of " + ", ".join(str(word) for word in among.values() if word)
            )
            return default
        return text
