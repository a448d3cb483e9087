"""Parts of a file, however it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from recoup.kernel.problem import Sentence, figure, invalid, too_large

KINDS: Final = ("transmit", "evaluate")
ROW_CHARS_MAX: Final = 256 * 1024
ROWS_MAX: Final = 250_000
LEVELS_MAX: Final = 4  # of objects in the configuration
NOTHINGS_MAX: Final = (
    250_000  # empty lines, parts of a configuration: what takes time and is no row
)


class Record(NamedTuple):
    """A row as it stands in the file. `number` counts rows from 1, `line` is where it begins.
    `text` is its JSON, or `cells` are its fields; neither: it cannot be read, `why` says so and
    `code` for machines."""

    number: int
    line: int
    text: str | None = None
    cells: tuple[str, ...] | None = None
    code: str = ""
    why: str = ""


def check_nothings(count: int) -> None:
    """Raises: Problem(too_large) for a file of which nearly nothing is rows."""
    if count > NOTHINGS_MAX:
        raise too_large(
            Sentence("The file has over {0} places that are no rows.", figure(NOTHINGS_MAX)),
            "Leave out empty lines and repeated configurations.",
        )


@dataclass(frozen=True, slots=True)
class Header:
    """The part of a file that is about all its rows; a bearer token in it is passed over.

    `mid`, `kind` and `expires` as they are written, empty where nothing is said.
    """

    kind: str = ""
    mid: str = ""
    expires: str = ""

    def joined(self, other: "Header") -> "Header":
        """Raises: Problem(invalid) when two parts contradict each other."""
        for name in ("kind", "mid", "expires"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine and theirs and mine != theirs:
                raise invalid(
                    Sentence(
                        "The file's configuration names its {0} twice, differently.",
                        _WIRE_NAMES[name],
                    ),
                    _WIRE_NAMES[name],
                    "Say it once, before the rows.",
                )
        return Header(self.kind or other.kind, self.mid or other.mid, self.expires or other.expires)


_WIRE_NAMES: Final = {"kind": "kind", "mid": "mid", "expires": "expiryDateUtc"}
# name in lower case -> ours; what carries a credential has no name here, so that it is never read
_NAMES: Final = {"kind": "kind", "mid": "mid", "expirydateutc": "expires"}
_HEADS: Final = frozenset({*_NAMES, "authorizationtoken", "authorization", "bearer", "bearertoken", "token",
                           "accesstoken"})  # fmt: skip
_ROW: Final = frozenset({"orderid", "transaction", "transmitid", "paymentmethod"})


def is_row(value: Mapping[str, Any]) -> bool:
    """True when an object is a payment, not the configuration."""
    return any(name.lower() in _ROW for name in value)


def is_header(value: Mapping[str, Any]) -> bool:
    return not is_row(value) and any(name.lower() in _HEADS for name in value)


def header_of(value: Mapping[str, Any], levels: int = LEVELS_MAX) -> Header:
    """Header from the members of the configuration, also of objects inside it, so many levels deep.

    Raises: Problem(invalid) for a member that is no text.
    """
    texts: dict[str, str] = {}
    for name, inner in value.items():
        ours = _NAMES.get(name.lower())
        if isinstance(inner, dict) and ours is None and levels and not is_row(inner):
            below = header_of(inner, levels - 1)
            texts |= {
                key: text
                for key in _WIRE_NAMES
                if (text := getattr(below, key)) and not texts.get(key)
            }
        elif ours is not None and inner is not None:
            if not isinstance(inner, str) or len(inner) > 64:
                raise invalid(
                    Sentence("The configuration's {0} must be a short text.", _WIRE_NAMES[ours]),
                    _WIRE_NAMES[ours],
                )
            texts[ours] = inner.strip()
    return Header(**texts)
