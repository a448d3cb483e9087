"""References that name a movement in a bank's words: our id or reference wherever it stands, else
the best that the bank has."""

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kit.files.ids import plain_cell

TEXT_MAX: Final = 200
OUR_REFERENCE: Final = re.compile(r"\bRC[0-9A-F]{12}\b")
_OUR_ID: Final = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I
)
_NO_REFERENCE: Final = frozenset(
    {"NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOREF", "NONE", "NULL", "N/A", "0", "-"}
)


def named_by(references: Iterable[str], text: str) -> tuple[UUID | None, str]:
    """Our id and the reference: ours wherever it stands, else the first of the bank's
    `references`."""
    plain = (plain_cell(reference, is_id=True) for reference in references)
    given = [
        reference for reference in plain if reference and reference.upper() not in _NO_REFERENCE
    ]
    everywhere = "\n".join((*given, text))
    match = _OUR_ID.search(everywhere)
    our_id = parse_id(match[0]) if match else None
    ours = OUR_REFERENCE.search(everywhere)
    if ours:
        return our_id, ours[0]
    return our_id, "" if our_id or not given else given[0][:TEXT_MAX]


def is_ours(our_id: UUID | None, reference: str) -> bool:
    return our_id is not None or OUR_REFERENCE.fullmatch(reference) is not None
