"""The codes that an order's page names: those that were said, with who said them.

A processor's own code is read as a network's, and decisions keep that reading; the page tells it in words.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from recoup.rules.lists.words import SCHEME_WORDS
from recoup.rules.network.codes import SOURCE_NAMES
from recoup.store.read.order_page import OrderPage, Row

_NAMED: Final = re.compile(r" (?:\(code|with advice) (\w+)\)?(?=\.| with advice )")
_WHO: Final = {**SCHEME_WORDS, **SOURCE_NAMES}


def source_word(source: str) -> str:
    """`NMI`, `Visa`; a name that we do not know as the merchant wrote it."""
    return _WHO.get(source.lower(), source)


def in_heard_codes(page: OrderPage) -> OrderPage:
    """The page, whose reasons name no code that nobody said."""
    decline = page.order["facts"].get("decline") or {}
    said = [decline.get("code"), decline.get("advice")]
    said += [a[name] for a in page.attempts for name in ("scheme_code", "processor_code", "advice_code")]
    heard = {str(code).strip().upper().zfill(2) for code in said if code}
    return replace(
        page,
        decisions=tuple(_row(row, heard) for row in page.decisions),
        log=tuple({**line, "body": _row(line["body"], heard)} for line in page.log),
    )


def _row(row: Row, heard: Collection[str]) -> dict[str, Any]:
    news: dict[str, Any] = {}
    if isinstance(row.get("why"), str):
        news["why"] = _plain(row["why"], heard)
    if row.get("reasons"):
        news["reasons"] = [_plain(reason, heard) for reason in row["reasons"]]
    return {**row, **news}


def _plain(reason: str, heard: Collection[str]) -> str:
    return _NAMED.sub(lambda found: found[0] if found[1] in heard else "", reason)
