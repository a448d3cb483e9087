"""What a decline means: a dated, region-aware look-up that never guesses more than its source says.

Trust goes advice code, scheme code, processor code, text. What none of them knows, and an approval code on a
decline, is read as a generic soft decline.

Source: the decline data and its look-up rules; rescue contract §17.1.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from recoup.kernel.cached import cached
from recoup.rules.network.reasons import REASONS, cure_of, reason_of
from recoup.rules.network.tables import CODES, PROCESSOR_CODES, CodeRow, ProcessorRow, valid_row


@dataclass(frozen=True, slots=True)
class Reading:
    """One decline, read.

    `code` is the scheme's code, `advice` Mastercard's. `klass` is funds, soft, technical, data, sca, fraud,
    hard or configuration. `retry` is yes, never, or what has to come first (after_contact, …).
    `min_wait_hours` is the floor before the next send, `wait_by_rule` says that the network set it.
    `document` and `edition` name the source. `unlisted_code`, `unlisted_advice`: what came and is on none of our
    lists of that day, as it may be shown.
    """

    scheme: str
    code: str | None
    advice: str | None
    meaning: str
    klass: str
    visa_category: int | None
    retry: str
    min_wait_hours: float | None
    wait_by_rule: bool
    reason: str
    document: str
    edition: str
    cure: str
    unlisted_code: str | None = None
    unlisted_advice: str | None = None

    @property
    def terminal(self) -> bool:
        """Only a hard decline ends a rescue at once; everything else can still be cured or waits for its
        expiry.
        """
        return self.klass == "hard"

    @property
    def is_listed(self) -> bool:
        """Whether any list has its code: another one is read as a generic soft decline."""
        return self.document != _UNLISTED


_GENERIC_SOFT_WAIT_HOURS: Final = 24.0
_VISA_UNLISTED: Final = 4
_UNLISTED: Final = "our reading of unknown codes"
UNREADABLE: Final = "unreadable"
_NAME: Final = re.compile(r"(?!.*[0-9]{7})[0-9A-Z_.:-]{1,32}")  # a longer number is none of a code
# `43 : Stolen card`, `51 - Insufficient funds`, `05 Do not honor`; `nmi:202` is a code whole.
_WITH_WORDS: Final = re.compile(
    r"([0-9A-Za-z_.]{1,32})(?:\s*[:;|\u2013\u2014-]\s+|\s+[:;|\u2013\u2014-]\s*)\S.*|([A-Za-z]?[0-9][0-9A-Za-z.]{0,7})\s+\S.*",
    re.DOTALL,
)
_DECIMAL: Final = re.compile(r"(?<![0-9])([0-9]+)\.0+")
_WIDE: Final = re.compile(r"0+([0-9]{2})")
_ADVICE_AS_SCA: Final = {"65", "83"}  # beside these, "new account information" asks for authentication

_ROWS: Final[dict[tuple[str, str, str], list[CodeRow]]] = defaultdict(list)
for _row in CODES:
    _ROWS[_row.scheme, _row.kind, _row.code].append(_row)
_RESPONSES: Final = frozenset(code for _, kind, code in _ROWS if kind == "response")
_PROCESSOR: Final[dict[tuple[str, str], ProcessorRow]] = {(row.source, row.code): row for row in PROCESSOR_CODES}
_RANGES: Final = [
    (row.source, int(low), int(high), row)
    for row in PROCESSOR_CODES
    for low, dash, high in [row.code.partition("-")]
    if dash and low.isdigit() and high.isdigit()
]
SOURCES: Final = tuple(sorted({row.source for row in PROCESSOR_CODES} - {"text"}))
SOURCE_NAMES: Final = {
    "adyen": "Adyen", "braintree": "Braintree", "checkout": "Checkout.com", "nmi": "NMI", "stripe": "Stripe",
}  # fmt: skip
SCHEMES: Final = tuple(sorted({row.scheme for row in CODES} - {"generic"}))
_PHRASES: Final = sorted((row for row in PROCESSOR_CODES if row.source == "text"), key=lambda row: -len(row.code))


def read_decline(
    *,
    scheme: str,
    code: str | None,
    on: date,
    source: str | None = None,
    text: str | None = None,
    advice: str | None = None,
    region: str = "world",
) -> Reading:
    """What the decline of that day means for a card of that scheme. Never raises: the unknown is generic
    soft.

    `source` names the processor whose code it is (nmi, stripe, adyen, braintree, checkout). A two-character
    code is the scheme's own whatever the source; so are Amex's three digits, unless the named processor lists
    them as its own. A code that names its processor is that processor's: `nmi:202`, `adyen:12`.
    """
    source = (source or "").strip().lower()
    code = plain_code(source, code).upper() or None
    named, colon, own = (code or "").partition(":")
    is_named = bool(colon) and named.lower() in SOURCES
    if is_named:
        code, source = own or None, named.lower()
    field39 = None if is_named else _scheme_code(scheme, source, code)
    advice = _clean(advice).upper().zfill(2) if _clean(advice) else None
    advised = None
    if advice and scheme == "mastercard":
        advised = valid_row(_ROWS.get((scheme, "advice", advice), ()), on, region)
    row = _scheme_row(scheme, field39, on, region) if field39 else None
    entry = None if field39 else _processor_entry(source, code)
    if advised:
        reading = _from_advice(scheme, field39, advised)
    elif row and field39:
        reading = _generic(scheme, field39) if row.klass == "approved" else _from_code(scheme, field39, advice, row)
    elif phrase := entry or _phrase(text) or (None if field39 else _worded(code)):
        reading = _from_processor(scheme, field39, phrase, on, region)
    else:
        reading = _generic(scheme, field39)
    known = row or entry or (None if field39 else _worded(code))
    strange_code, strange_advice = bool(code) and not known, bool(advice) and not advised
    if not strange_code and not strange_advice:
        return reading
    return replace(
        reading,
        unlisted_code=_named(code) if strange_code else None,
        unlisted_advice=_named(advice) if strange_advice else None,
    )


def read_kept(decline: Mapping[str, Any], *, scheme: str, on: date, region: str = "world") -> Reading:
    """A decline as it is kept with its order."""
    given = {name: decline.get(name) for name in ("code", "source", "text", "advice")}
    return read_decline(scheme=scheme, on=on, region=region, **given)


def plain_code(source: str, came: str | None) -> str:
    """The code alone, as it is listed: of `43 : Stolen card` its beginning, `41` for the `41.0` and `041` of a
    spreadsheet or a fixed width. What is listed as it came stays."""
    code = _clean(came)
    if not code or _is_listed(source, code):
        return code
    if (worded := _WITH_WORDS.fullmatch(code)) is not None:
        code = worded[1] or worded[2]
    code = _DECIMAL.sub(r"\1", code)
    if not _is_listed(source, code) and (wide := _WIDE.fullmatch(code)) is not None:
        code = wide[1]
    return code


@cached(4_096)
def unknown_code(source: str, came: str | None) -> str | None:
    """A code that is on no list of a network or of its source, as it may be shown; else None."""
    source = source.strip().lower()
    code = plain_code(source, came)
    named, colon, own = code.partition(":")
    if colon and named.lower() in SOURCES:
        source, code = named.lower(), own
    known = not code or _is_listed(source, code) or _is_listed(source, code.zfill(2)) or _worded(code) is not None
    return None if known else _named(code.upper())


def _is_listed(source: str, code: str) -> bool:
    return code.upper() in _RESPONSES or _processor_entry(source, code) is not None


def _named(came: str | None) -> str:
    """As it may be shown: its sender may have sent anything."""
    return came if came and _NAME.fullmatch(came) else UNREADABLE


def _clean(value: str | None) -> str:
    return (value or "").strip()


def _scheme_code(scheme: str, source: str, code: str | None) -> str | None:
    """The code as the scheme's own, or None when it is a processor's. One digit that no processor claims is
    padded.
    """
    if code is None:
        return None
    if re.fullmatch(r"[0-9A-Z]{2}", code):
        return code
    if (source, code.lower()) in _PROCESSOR:
        return None
    if re.fullmatch(r"[0-9]", code):
        return "0" + code
    if re.fullmatch(r"[0-9]{3}", code) and (scheme, "response", code) in _ROWS:
        return code
    return None


def _scheme_row(scheme: str, code: str, on: date, region: str) -> CodeRow | None:
    own = valid_row(_ROWS.get((scheme, "response", code), ()), on, region)
    return own or valid_row(_ROWS.get(("generic", "response", code), ()), on, region)


def _processor_entry(source: str, code: str | None) -> ProcessorRow | None:
    if not code:
        return None
    entry = _PROCESSOR.get((source, code.lower()))
    if entry or not code.isdecimal():
        return entry
    return next((row for name, low, high, row in _RANGES if name == source and low <= int(code) <= high), None)


def _phrase(text: str | None) -> ProcessorRow | None:
    words = " ".join((text or "").lower().split())
    return next((row for row in _PHRASES if row.code in words), None) if words else None


def _worded(code: str | None) -> ProcessorRow | None:
    """The row of a code that is exactly a phrase of our list."""
    return _PROCESSOR.get(("text", " ".join((code or "").lower().split())))


def _category(scheme: str, row: CodeRow | None) -> int | None:
    if scheme != "visa":
        return None
    return (row.visa_category if row else None) or _VISA_UNLISTED


def _from_code(scheme: str, code: str, advice: str | None, row: CodeRow, reason: str | None = None) -> Reading:
    reason = reason or reason_of("response", code, row.klass)
    return Reading(
        scheme,
        code,
        advice,
        row.meaning,
        row.klass,
        _category(scheme, row),
        row.retry,
        row.min_wait_hours,
        row.wait_by_rule,
        reason,
        row.document,
        row.edition,
        cure_of(reason, row.klass),
    )


def _from_advice(scheme: str, code: str | None, row: CodeRow, reason: str | None = None) -> Reading:
    klass, retry = row.klass, row.retry
    if row.code == "01" and code in _ADVICE_AS_SCA:
        klass, retry = "sca", "after_authentication"
    reason = reason_of("advice", row.code, klass) if klass == "sca" or not reason else reason
    return Reading(
        scheme,
        code,
        row.code,
        row.meaning,
        klass,
        _category(scheme, None),
        retry,
        row.min_wait_hours,
        row.wait_by_rule,
        reason,
        row.document,
        row.edition,
        cure_of(reason, klass),
    )


def _from_processor(scheme: str, code: str | None, entry: ProcessorRow, on: date, region: str) -> Reading:
    """A processor's word through the row that it maps to; its own class only where no network code fits."""
    if entry.klass == "approved":
        return _generic(scheme, code)
    if entry.kind == "advice":
        row = valid_row(_ROWS.get(("mastercard", "advice", entry.target), ()), on, region)
        if row:
            return _from_advice(scheme, code, row, entry.reason)
    if entry.kind == "response":
        row = _scheme_row(scheme, entry.target, on, region)
        if row:
            fits = entry.reason if row.klass == entry.klass else None
            return _from_code(scheme, entry.target, None, row, fits)
    retry, wait = _RETRY[entry.klass]
    return Reading(
        scheme,
        code,
        None,
        REASONS[entry.reason][0],
        entry.klass,
        _category(scheme, None),
        retry,
        wait,
        False,
        entry.reason,
        "list of the processor's codes",
        "",
        cure_of(entry.reason, entry.klass),
    )


# class -> (retry, hours before the next send) where only a processor's word is known
_RETRY: Final[dict[str, tuple[str, float | None]]] = {
    "funds": ("yes", 24.0), "soft": ("yes", _GENERIC_SOFT_WAIT_HOURS), "technical": ("yes", 1.0),
    "data": ("after_data_change", None), "sca": ("after_authentication", None), "fraud": ("after_contact", 24.0),
    "hard": ("never", None), "configuration": ("after_configuration", None),
}  # fmt: skip


def _generic(scheme: str, code: str | None) -> Reading:
    return Reading(
        scheme,
        code,
        None,
        "declined without a code that says why",
        "soft",
        _category(scheme, None),
        "yes",
        _GENERIC_SOFT_WAIT_HOURS,
        False,
        "do_not_honor",
        _UNLISTED,
        "",
        cure_of("do_not_honor", "soft"),
    )
