"""The world protocol's history rows, as JSON: their members by plain names, so that they are read as a table's columns
are."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from recoup.kernel.sentence import Sentence
from recoup.rules.files.lines import LINE_MAX
from recoup.rules.files.table import plain
from recoup.rules.uploads.json_rows import JsonRows

LEVELS_MAX: Final = 4
MEMBERS_MAX: Final = 200
Object = tuple[int, Mapping[str, str] | None, str, str]


def objects(texts: Iterator[str]) -> Iterator[Object]:
    """(line, members, code, why). Raises: Problem(invalid) for what is no JSON from its first character on."""
    for record in JsonRows(texts):
        if record.text is None:
            yield record.line, None, record.code, record.why
            continue
        if len(record.text) > LINE_MAX:
            yield record.line, None, "too_long", Sentence("is longer than {0} characters", f"{LINE_MAX:,}")
            continue
        members = dict[str, str]()
        try:
            value = json.loads(record.text)
            fits = _flatten(value, "", members, LEVELS_MAX)
        except (ValueError, RecursionError):
            yield record.line, None, "broken", Sentence("is no JSON that can be read")
            continue
        if not fits:
            yield record.line, None, "broken", Sentence("has more than {0} members", MEMBERS_MAX)
        elif any("\0" in text for text in members.values()):
            yield record.line, None, "broken", Sentence("holds a NUL byte")
        else:
            yield record.line, members, "", ""


def _flatten(value: Any, name: str, into: dict[str, str], levels: int) -> bool:
    """False for too many members. Lists, and objects inside others inside others, are kept as their texts, to be looked
    at for card numbers."""
    if isinstance(value, dict) and levels:
        return all(_flatten(inner, f"{name}{plain(str(key))}", into, levels - 1) for key, inner in value.items())
    if len(into) >= MEMBERS_MAX:
        return False
    if value is None:
        text = ""
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1e20:
        text = str(int(value))
    elif isinstance(value, str | int | float):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=False)
    into.setdefault(name[:200], text)
    return True
