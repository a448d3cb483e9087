"""Reasons for a decline, as an export says them: each code stays in its own field, a text only
names a class."""

import re
from typing import Final, NamedTuple

from recoup.kernel.cached import cached
from recoup.kit.files.table import plain
from recoup.networks.codes import (
    SOURCES,
    UNREADABLE,
    network_of,
    phrase_in,
    plain_advice,
    plain_code,
)
from recoup.networks.decline_code import NETWORK
from recoup.networks.tables import PROCESSOR_CODES

_CODE: Final = re.compile(r"[0-9A-Za-z_.:\-]{1,64}")
_LEADING: Final = re.compile(r"\s*([0-9A-Z]{1,2})\s*(?:[:;\-]|$)")
_QUOTED: Final = re.compile(r"`([a-z_]{3,60})`")
_SCHEME: Final = re.compile(r"[0-9A-Z]{1,3}")
_LISTED: Final = frozenset((row.source, row.code.lower()) for row in PROCESSOR_CODES)
_BY_TEXT: Final = {(row.source, plain(row.text)): row.code for row in reversed(PROCESSOR_CODES)}
# What the processor advises, in words of its own: as the network's advice, whose number is not told.
_ADVICE: Final = {"do_not_try_again": "03", "try_again_later": "02", "confirm_card_data": "01"}
_SOURCES: Final = {
    **{source: source for source in SOURCES}, "checkoutcom": "checkout", "checkout": "checkout", "nmi": "nmi",
}  # fmt: skip


class Reasons(NamedTuple):
    source: str
    scheme_code: str
    advice_code: str
    processor_code: str
    text: str


NOTHING: Final = Reasons("", "", "", "", "")


@cached(4_096)
def reasons_of(
    source: str,
    digits: int,
    processor: str,
    code: str,
    scheme_code: str,
    leading: str,
    advice: str,
    word: str,
    text: str,
    brand: str = "",
) -> Reasons:
    """`source`: whose codes they are, unless the row names its `processor`. `digits`: to which a
    number is padded that a spreadsheet made shorter. `leading`: a text that begins with the
    scheme's code. `word`: the processor's advice. `brand`: that answered, whose field 39 may mean
    what no other's does."""
    source = source or _processor(processor)
    lost = scheme_code if not _scheme(scheme_code) else ""
    scheme_code = _scheme(scheme_code) or _scheme(_first(leading))
    code, phrase = _own(source, code, digits), phrase_in(text, saying_why=False)
    if not code and (quoted := _QUOTED.search(text)) is not None and (source, quoted[1]) in _LISTED:
        code = quoted[1]
    if lost and not code and not scheme_code:
        code = UNREADABLE
    if not advice and word and source == "stripe":
        advice = _ADVICE.get(word.strip().lower(), "")
    if (owner := network_of(brand)) != NETWORK and scheme_code:
        source, code, scheme_code = (source, code, "") if code else (owner, scheme_code, "")
    return Reasons(
        source if code else "", scheme_code, _advice(advice), code, phrase.code if phrase else ""
    )


def _first(text: str) -> str:
    found = _LEADING.match(text)
    return found[1] if found else ""


def _scheme(text: str) -> str:
    """Field 39: two characters, of Amex three digits; one digit is two whose first is a nought."""
    code = plain_code("", text).upper()
    return code.zfill(2) if _SCHEME.fullmatch(code) else ""


def _advice(text: str) -> str:
    """The advice in its own form, or as it came where it has none: it is named among the codes that
    no list has."""
    return plain_advice(text) or text.strip().upper()


def _own(source: str, text: str, digits: int) -> str:
    """The processor's code; a word that it lists for one of its codes is that code."""
    text = plain_code(source, text)
    if not text:
        return ""
    if digits and text.removesuffix(".0").isdecimal():
        text = text.removesuffix(".0").zfill(digits)
    if (source, text.lower()) not in _LISTED and (
        named := _BY_TEXT.get((source, plain(text)))
    ) is not None:
        return named
    return text if _CODE.fullmatch(text) and not re.search(r"[0-9]{7}", text) else UNREADABLE


def _processor(name: str) -> str:
    """A gateway's name, as billing systems write it: `Stripe`, `checkout_com`,
    `adyen_ecommerce`."""
    word = plain(name)
    return (
        next((source for known, source in _SOURCES.items() if word.startswith(known)), "")
        if word
        else ""
    )
