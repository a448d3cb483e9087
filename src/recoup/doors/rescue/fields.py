"""Reads the fields of a body, collects every complaint, and names each field as the contract does: `Transaction.Id`."""

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from uuid import UUID

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import of_these_days
from recoup.kernel.unseen import has_unseen

TEXT_MAX = 256
COMPLAINTS_MAX = 100  # fields that are complained about
UNKNOWN_MAX = 200
_DIGITS = re.compile(r"-?[0-9]{1,18}", re.ASCII)
GUID = "must be a GUID like 5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41"
_NO_DATE = " is invalid."
DATE_CURE = "Send an ISO 8601 date and time like 2026-03-23T00:00:00Z."


class Fields:
    """One object of the body. `raise_if_any` ends the reading: all complaints at once."""

    __slots__ = ("_field", "_outer", "_prefix", "_raw", "errors")

    def __init__(
        self, raw: Any, prefix: str = "", errors: dict[str, list[str]] | None = None, *,
        outer: "Fields | None" = None, field: str = "",
    ) -> None:  # fmt: skip
        """`prefix`: the object's own name; or `outer` and `field`, from which it is made when there is a complaint."""
        self.errors: dict[str, list[str]] = {} if errors is None else errors
        self._prefix, self._outer, self._field = prefix, outer, field
        if type(raw) is not dict and not isinstance(raw, Mapping):
            if raw is not None:
                self.complain("", "must be an object in braces: {…}")
            raw = {}
        self._raw: Mapping[str, Any] = raw

    @property
    def raw(self) -> Mapping[str, Any]:
        """As it came; nothing where no object came."""
        return self._raw

    def name(self, field: str) -> str:
        pascal = "".join(word[:1].upper() + word[1:] for word in field.split("_"))
        prefix = self._outer.name(self._field) if self._outer is not None else self._prefix
        return f"{prefix}.{pascal}".rstrip(".") if prefix else pascal or "Body"

    def complain(self, field: str, what: str = "is invalid", *, text: str | None = None) -> None:
        """The first complaint of a field stands alone, as in the vendor's answers; of many fields nobody reads all."""
        name = self.name(field)
        if name not in self.errors and len(self.errors) >= COMPLAINTS_MAX:
            return
        last = name.rpartition(".")[2]
        self.errors.setdefault(name, [text or f"The field {last} {what}."])

    def missing(self, field: str) -> None:
        last = self.name(field).rpartition(".")[2]
        self.complain(field, text=f"The {last} field is required.")

    def raise_if_any(self) -> None:
        if self.errors:
            first = next(iter(self.errors.values()))[0]
            hints = {name: DATE_CURE for name, texts in self.errors.items() if texts[0].endswith(_NO_DATE)}
            raise Problem("invalid", first, fields=self.errors, hints=hints)

    def get(self, field: str) -> Any:
        return self._raw.get(field)

    def has(self, field: str) -> bool:
        return self._raw.get(field) is not None

    def is_empty(self) -> bool:
        """Nothing was sent here."""
        return not self._raw

    def unknown(self, names: Mapping[str, Any]) -> list[str]:
        """Fields that this dialect does not know, the first of them."""
        return list(islice((name for name in self._raw if name not in names), UNKNOWN_MAX))

    def base64(self, field: str, *, maximum: int) -> bytes:
        """Bytes that are required, from at most `maximum` characters."""
        try:
            return b64decode(self.text(field, required=True, maximum=maximum), validate=True)
        except ValueError:
            self.complain(field, "must be base64, with the alphabet of RFC 4648 §4 and its padding")
            return b""

    def object(self, field: str) -> "Fields":
        return Fields(self._raw.get(field), errors=self.errors, outer=self, field=field)

    def text(self, field: str, *, required: bool = False, maximum: int = TEXT_MAX) -> str:
        """A string; a JSON number is taken as its text. Empty and blank count as missing."""
        value = self._raw.get(field)
        if value is None and not required:
            return ""
        if type(value) is int:
            value = str(value)
        if value is not None and not isinstance(value, str):
            self.complain(field, "must be text in quotes")
            return ""
        value = (value or "").strip()
        if not value and required:
            self.missing(field)
        if len(value) > maximum:
            self.complain(field, f"must be at most {maximum} characters long")
            return ""
        return value

    def reference(self, field: str, *, required: bool = False, maximum: int = TEXT_MAX) -> str:
        """An id that the caller chose, which people read and programs print."""
        value = self.text(field, required=required, maximum=maximum)
        if has_unseen(value):
            self.complain(field, "contains control characters")
            return ""
        return value

    def flag(self, field: str, *, required: bool = False) -> bool | None:
        value = self._raw.get(field)
        if value is None:
            if required:
                self.missing(field)
            return None
        if not isinstance(value, bool):
            self.complain(field, "must be true or false")
            return None
        return value

    def units(self, field: str, *, low: int, high: int, required: bool = False) -> int | None:
        """An amount in minor units."""
        return self.whole(field, low=low, high=high, required=required, what="a whole number of cents: 4590 for 45.90")

    def whole(
        self, field: str, *, low: int, high: int, required: bool = False, what: str = "a whole number"
    ) -> int | None:
        """A whole number within bounds, or its digits in a string, as the vendor takes them."""
        value = self._raw.get(field)
        if isinstance(value, str):
            text = value.strip()
            value = int(text) if _DIGITS.fullmatch(text) else value if text else None
        if value is None:
            if required:
                self.missing(field)
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.complain(field, f"must be {what}")
            return None
        if not low <= value <= high:
            self.complain(field, f"must be between {low} and {high}")
            return None
        return value

    def currency(self, field: str) -> str:
        value = self.text(field, required=True).upper()
        if value and value not in EXPONENTS:
            self.complain(field,
                          text=f"The currency {value[:8]!r} is not an ISO 4217 code like USD.")  # fmt: skip
            return ""
        return value

    def identifier(self, field: str, what: str = GUID) -> UUID | None:
        value = self._raw.get(field)
        if value is None or value == "":
            return None
        found = parse_id(value) if isinstance(value, str) else None
        if found is None:
            self.complain(field, what)
        return found

    def moment(self, field: str, *, quiet: bool = False) -> datetime | None:
        """ISO 8601 or RFC 1123, without a zone UTC. `quiet` reads nonsense as absent."""
        value = self._raw.get(field)
        if value is None:
            return None
        found = parse_moment(value) if isinstance(value, str) else None
        if found is None and not quiet:
            self.complain(field)  # the vendor's sentence; what to do is a hint
        return found

    def objects(self, field: str, *, maximum: int) -> list["Fields"]:
        value = self._raw.get(field)
        if value is None:
            return []
        if not isinstance(value, list):
            self.complain(field, "must be a list in brackets: […]")
            return []
        if len(value) > maximum:
            self.complain(field, f"may have at most {maximum} entries")
            return []
        return [Fields(one, f"{self.name(field)}[{index}]", self.errors) for index, one in enumerate(value)]

    def plain(self, field: str, names: tuple[str, ...], *, maximum: int = TEXT_MAX) -> dict[str, str]:
        """Named texts of an object that is kept as it came."""
        inner = self.object(field)
        return {name: text for name in names if (text := inner.text(name, maximum=maximum))}


def parse_moment(text: str) -> datetime | None:
    text = text.strip()
    if len(text) > 64:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return of_these_days(found)
