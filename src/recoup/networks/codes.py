"""Meaning of a decline: a dated, region-aware look-up that never guesses more than its source says.

Trust goes advice code, scheme code, processor code, text; of what a vendor says beside them the
stricter counts. What none of them knows, and an approval code on a decline, is read as a generic
soft decline.

Source: the decline data and its look-up rules; rescue contract §17.1.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from recoup.kernel.cached import cached
from recoup.kernel.counterpart_text import CODE_MAX, kept
from recoup.kernel.frozen import frozen
from recoup.networks.decline_code import ADVICE, NETWORK, TEXT, DeclineCode, code_by
from recoup.networks.phrases import Phrases
from recoup.networks.reasons import REASONS, UNCLEAR, cure_of, reason_of
from recoup.networks.tables import CODES, PROCESSOR_CODES, CodeRow, ProcessorRow, valid_row


@frozen
class Reading:
    """Meaning of a single decline.

    `code` is the scheme's code, `advice` Mastercard's. `klass` is funds, soft, technical, data,
    sca, fraud, hard or configuration. `retry` is yes, never, or what has to come first
    (after_contact, …). `min_wait_hours` is the floor before the next send, `wait_by_rule` says that
    the network set it. `document` and `edition` name the source. `unlisted_code`,
    `unlisted_advice`: what came and is on none of our lists of that day, as it may be shown.
    `decided_by`: what the processor said beside its code, where that is stricter than the code,
    which is then `overruled`.
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
    decided_by: str | None = None
    overruled: str | None = None

    @property
    def terminal(self) -> bool:
        """True for a hard decline, which alone ends a rescue at once; everything else can still be
        cured or waits for its expiry."""
        return self.klass == "hard"

    @property
    def is_listed(self) -> bool:
        """True when any list has its code: another one is read as a generic soft decline."""
        return self.document != _UNLISTED

    @property
    def is_generic(self) -> bool:
        """A no that says nothing more."""
        return (self.klass, self.reason) == ("soft", "do_not_honor")


_VISA_UNLISTED: Final = 4
_CARTES_BANCAIRES: Final = "cartes_bancaires"
_ITS_BRANDS: Final = frozenset({"cb", "cartesbancaires", "cartebancaire", "cartebleue"})
_UNLISTED: Final = "our reading of unknown codes"
UNREADABLE: Final = "unreadable"
_NAME: Final = re.compile(r"(?!.*[0-9]{7})[0-9A-Z_.:-]{1,32}")  # a longer number is none of a code
# `43 : Stolen card`, `51 - Insufficient funds`, `05 Do not honor`; `nmi:202` is a code whole.
_WITH_WORDS: Final = re.compile(
    r"([0-9A-Za-z_.]{1,32})(?:\s*[:;|\u2013\u2014-]\s+|\s+[:;|\u2013\u2014-]\s*)\S.*"
    r"|([A-Za-z]?[0-9][0-9A-Za-z.]{0,7})\s+\S.*",
    re.DOTALL,
)
_DECIMAL: Final = re.compile(r"(?<![0-9])([0-9]+)\.0+")
_WIDE: Final = re.compile(r"0+([0-9]{2})")
_ADVICE_READ: Final = 64  # characters; what follows is words
# `03`, `3`, `021`, `MAC 03`, and `7903`, which has the response code before it.
_ADVICE_FORM: Final = re.compile(r"(?:MAC[\s:-]*)?(?:(?:79|82|83)([0-9]{2})|0?([0-9]{2})|([0-9]))")
_FIELD_39: Final = re.compile(r"[0-9A-Z]{2}|[0-9]|[0-9]{3}")
_ADVICE_AS_SCA: Final = {
    "65",
    "83",
}  # beside these, "new account information" asks for authentication

_ROWS: Final[dict[tuple[str, str, str], list[CodeRow]]] = defaultdict(list)
for _row in CODES:
    _ROWS[_row.scheme, _row.kind, _row.code].append(_row)
_RESPONSES: Final = frozenset(code for _, kind, code in _ROWS if kind == "response")
_PROCESSOR: Final[dict[tuple[str, str], ProcessorRow]] = {
    (row.source, row.code): row for row in PROCESSOR_CODES
}
_RANGES: Final = [
    (row.source, int(low), int(high), row)
    for row in PROCESSOR_CODES
    for low, dash, high in [row.code.partition("-")]
    if dash and low.isdigit() and high.isdigit()
]
SOURCES: Final = tuple(sorted({row.source for row in PROCESSOR_CODES} - {TEXT}))
SOURCE_NAMES: Final = {
    "adyen": "Adyen", "braintree": "Braintree", "cartes_bancaires": "Cartes Bancaires",
    "checkout": "Checkout.com", "nmi": "NMI", "stripe": "Stripe",
}  # fmt: skip
SCHEMES: Final = tuple(sorted({row.scheme for row in CODES} - {"generic"}))
_PHRASES: Final = Phrases(row for row in PROCESSOR_CODES if row.source == TEXT)


def read_decline(
    *,
    scheme: str,
    code: DeclineCode | None,
    on: date,
    text: str | None = None,
    advice: str | None = None,
    beside: Iterable[DeclineCode] = (),
    region: str = "world",
) -> Reading:
    """Reads a decline of that day for a card of that scheme. Never raises: the unknown is generic
    soft. `advice`: Mastercard's. `beside`: what the processor says in further codes, its own advice
    among them."""
    field39, entry, beside = _field_39(scheme, code), _entry(code), tuple(beside)
    advice = plain_advice(advice) or _clean(advice).upper() or None
    advised = None
    if advice and scheme == "mastercard":
        advised = valid_row(_ROWS.get((scheme, "advice", advice), ()), on, region)
    row = _scheme_row(scheme, field39, on, region) if field39 else None
    listed = row or entry
    texts = [text, *(other.code for other in beside if other.owner == TEXT)]
    phrase = _PHRASES.found(*texts, code.code if code and not listed else None)
    if advised:
        reading = _from_advice(scheme, field39, advised)
    elif row and field39:
        reading = (
            _generic(scheme, field39)
            if row.klass == "approved"
            else _from_code(scheme, field39, advice, row)
        )
    elif own_row := entry or phrase:
        reading = _from_processor(scheme, field39, own_row, on, region)
    else:
        reading = _generic(scheme, field39)
    if phrase and phrase.reason != UNCLEAR and reading.is_generic:
        beside += (DeclineCode(TEXT, phrase.code),)
    reading = _stricter(reading, code, beside, on, region)
    strange = [other for other in beside if other.owner in SOURCES and _entry(other) is None]
    if code and not listed and not _PHRASES.exact(code.code):
        strange.insert(0, code)
    if not strange and not (advice and not advised):
        return reading
    return replace(
        reading,
        unlisted_code=_named(strange[0].code.upper()) if strange else None,
        unlisted_advice=_named(advice) if advice and not advised else None,
    )


def read_kept(
    decline: Mapping[str, Any], *, scheme: str, on: date, region: str = "world"
) -> Reading:
    """A decline as it is kept with its order."""
    return read_decline(
        scheme=scheme,
        code=code_of(decline.get("source"), decline.get("code")),
        on=on,
        text=decline.get("text"),
        advice=decline.get("advice"),
        beside=stored_codes(decline.get("beside") or ()),
        region=region,
    )


def code_of(source: str | None, came: str | None) -> DeclineCode | None:
    """The code that a merchant, a file or a bridge gives with its `source`; `nmi:202` names its
    owner itself. What is not on the list of its source and has the form of field 39 is the
    network's: many send that with the processor's name."""
    owner = _clean(source).lower()
    code = kept(plain_code(owner, came), CODE_MAX) or ""
    named, colon, own = code.partition(":")
    if colon and named.lower() in (*SOURCES, TEXT):
        return DeclineCode(named.lower(), own) if own else None
    if not code:
        return None
    is_network = (
        owner in SCHEMES
        or _entry(DeclineCode(owner, code)) is None
        and _FIELD_39.fullmatch(code.upper())
    )
    return DeclineCode(NETWORK if is_network else owner, code)


def network_of(brand: str | None) -> str:
    """The network whose field 39 it is, where a card of several brands was answered by a network
    with codes of its own; else `network`."""
    letters = "".join(letter for letter in (brand or "").lower() if letter.isalpha())
    return _CARTES_BANCAIRES if letters in _ITS_BRANDS else NETWORK


def by_network(code: str | None, brand: str | None) -> tuple[str | None, tuple[DeclineCode, ...]]:
    """A raw answer as field 39, or as a code of the brand that answered, to be read beside the
    vendor's own."""
    owner = network_of(brand)
    named = code_by(owner, code) if owner != NETWORK else None
    return (None, (named,)) if named is not None else (code, ())


def source_by_brand(source: str | None, came: str | None, brand: str | None) -> str | None:
    """The source by which a declined payment's code is read: the brand's that answered, where the
    code is a network's and not the source's own."""
    code, named = code_of(source, came), network_of(brand)
    return named if named != NETWORK and code is not None and code.owner == NETWORK else source


def stored_codes(texts: Iterable[str | None]) -> list[DeclineCode]:
    """Codes as they were stored; a bare one is what was said without an owner."""
    return [code for text in texts if (code := code_of(None, text)) is not None]


def answered_code(
    scheme_code: str | None, processor_code: str | None, source: str | None = None
) -> DeclineCode | None:
    """The code by which an answer is read: the network's, else the processor's as it was stored, or
    of that source."""
    return DeclineCode(NETWORK, scheme_code) if scheme_code else code_of(source, processor_code)


def phrase_in(text: str | None, *, saying_why: bool = True) -> DeclineCode | None:
    """The phrase of our list that says most of a processor's sentence; None of a no that does not
    say why."""
    phrase = _PHRASES.found(text)
    is_generic = phrase is not None and (phrase.klass, phrase.reason) == ("soft", "do_not_honor")
    return DeclineCode(TEXT, phrase.code) if phrase and not (saying_why and is_generic) else None


def plain_code(source: str, came: str | None) -> str:
    """The code alone, as it is listed: of `43 : Stolen card` its beginning, `41` for the `41.0` and
    `041` of a spreadsheet or a fixed width. What is listed as it came stays."""
    code = _clean(came)
    if not code or _is_listed(source, code):
        return code
    if (worded := _WITH_WORDS.fullmatch(code)) is not None:
        code = worded[1] or worded[2]
    code = _DECIMAL.sub(r"\1", code)
    if not _is_listed(source, code) and (wide := _WIDE.fullmatch(code)) is not None:
        code = wide[1]
    return code


def plain_advice(came: str | None) -> str | None:
    """Mastercard's two digits, in whichever form a vendor gives them; None for what is in none of
    them."""
    text = _clean(came)[:_ADVICE_READ].upper()
    if (worded := _WITH_WORDS.fullmatch(text)) is not None:
        text = worded[1] or worded[2]
    match = _ADVICE_FORM.fullmatch(_DECIMAL.sub(r"\1", text))
    return next(group for group in match.groups() if group).zfill(2) if match else None


@cached(4_096)
def unknown_code(source: str, came: str | None) -> str | None:
    """A code that is on no list of a network or of its source, as it may be shown; else None."""
    code = code_of(source, came)
    if (
        code is None
        or _is_listed(code.owner, code.code)
        or _is_listed(code.owner, code.code.zfill(2))
    ):
        return None
    return None if _PHRASES.exact(code.code) else _named(code.code.upper())


def _is_listed(source: str, code: str) -> bool:
    return code.upper() in _RESPONSES or _entry(DeclineCode(source, code)) is not None


def _named(came: str) -> str:
    """The code as it may be shown: its sender may have sent anything."""
    return came if _NAME.fullmatch(came.upper()) else UNREADABLE


def _clean(value: str | None) -> str:
    return (value or "").strip()


def _field_39(scheme: str, code: DeclineCode | None) -> str | None:
    """The code as the network's own; one digit is two whose first is a nought."""
    if code is None or code.owner != NETWORK:
        return None
    plain = code.code.strip().upper()
    fits = len(plain) in (1, 2) or (scheme, "response", plain) in _ROWS
    return plain.zfill(2) if plain.isalnum() and plain.isascii() and fits else None


def _scheme_row(scheme: str, code: str, on: date, region: str) -> CodeRow | None:
    own = valid_row(_ROWS.get((scheme, "response", code), ()), on, region)
    return own or valid_row(_ROWS.get(("generic", "response", code), ()), on, region)


def _entry(code: DeclineCode | None) -> ProcessorRow | None:
    """The row of a vendor's own code."""
    if code is None or code.owner == NETWORK:
        return None
    entry = _PROCESSOR.get((code.owner, code.code.strip().lower()))
    if entry or not code.code.isdecimal():
        return entry
    number = int(code.code)
    return next(
        (row for name, low, high, row in _RANGES if name == code.owner and low <= number <= high),
        None,
    )


def _stricter(
    reading: Reading, code: DeclineCode | None, beside: Iterable[DeclineCode], on: date, region: str
) -> Reading:
    """The strictest of what was said. A vendor's mere word that nothing more shall be sent leaves
    the code its reason, and gives way to one that other data or the payer can cure."""
    strictest = reading
    for other in beside:
        entry = _entry(other)
        if entry is None or entry.reason == UNCLEAR:
            continue
        own = _from_processor(reading.scheme, reading.code, entry, on, region)
        if _rank(own.retry, own.reason) <= _rank(strictest.retry, strictest.reason):
            continue
        if own.reason == "do_not_honor":
            helped = cure_of(strictest.reason, "hard")
            own = replace(
                strictest,
                klass="hard",
                retry="never",
                min_wait_hours=None,
                wait_by_rule=False,
                cure=helped,
            )
        strictest = replace(own, advice=reading.advice, decided_by=str(other).replace(ADVICE, ""))
    if strictest is reading:
        return reading
    overruled = f"advice {reading.advice}" if reading.advice else str(code) if code else "declined"
    return replace(strictest, overruled=_named(overruled))


def _rank(retry: str, reason: str = "") -> int:
    """Strictness of a reading: the higher, the less may be sent after it."""
    if retry == "never":
        return 2 if reason == "do_not_honor" else 3
    return {"yes": 0, "after_contact": 1, "after_review": 1}.get(retry, 2)


def _category(scheme: str, row: CodeRow | None) -> int | None:
    if scheme != "visa":
        return None
    return (row.visa_category if row else None) or _VISA_UNLISTED


def _from_code(
    scheme: str,
    code: str | None,
    advice: str | None,
    row: CodeRow,
    reason: str | None = None,
    retry: str | None = None,
) -> Reading:
    klass = "sca" if retry else row.klass
    reason = reason or reason_of(row.kind, row.code, klass)
    return Reading(
        scheme,
        code,
        advice,
        row.meaning,
        klass,
        _category(scheme, row),
        retry or row.retry,
        row.min_wait_hours,
        row.wait_by_rule,
        reason,
        row.document,
        row.edition,
        cure_of(reason, klass),
    )


def _from_advice(scheme: str, code: str | None, row: CodeRow, reason: str | None = None) -> Reading:
    if row.code == "01" and code in _ADVICE_AS_SCA:
        return _from_code(scheme, code, row.code, row, retry="after_authentication")
    return _from_code(scheme, code, row.code, row, reason)


def _from_processor(
    scheme: str, code: str | None, entry: ProcessorRow, on: date, region: str
) -> Reading:
    """A processor's word through the row that it maps to, which may be stricter than the word
    itself, never milder."""
    if entry.klass == "approved":
        return _generic(scheme, code)
    if entry.kind == "advice":
        row = valid_row(_ROWS.get(("mastercard", "advice", entry.target), ()), on, region)
        if row:
            return _from_advice(scheme, code, row, entry.reason)
    plain = _plain(scheme, code, entry.klass, entry.reason)
    if entry.kind == "response":
        row = _scheme_row(scheme, entry.target, on, region)
        if row and _rank(row.retry) >= _rank(plain.retry):
            fits = entry.reason if row.klass == entry.klass else None
            return _from_code(scheme, entry.target, None, row, fits)
        plain = replace(plain, code=entry.target)
    return plain


# class -> (retry, hours before the next send) where only a processor's word is known
_RETRY: Final[dict[str, tuple[str, float | None]]] = {
    "funds": ("yes", 24.0), "soft": ("yes", 24.0), "technical": ("yes", 1.0),
    "data": ("after_data_change", None), "sca": ("after_authentication", None),
    "fraud": ("after_contact", 24.0),
    "hard": ("never", None), "configuration": ("after_configuration", None),
}  # fmt: skip


def _plain(
    scheme: str,
    code: str | None,
    klass: str,
    reason: str,
    document: str = "list of the processor's codes",
) -> Reading:
    """The reading where no network says more."""
    retry, wait = ("after_review", None) if reason == UNCLEAR else _RETRY[klass]
    meaning = (
        "declined without a code that says why" if document == _UNLISTED else REASONS[reason][0]
    )
    category, cure = _category(scheme, None), cure_of(reason, klass)
    return Reading(
        scheme, code, None, meaning, klass, category, retry, wait, False, reason, document, "", cure
    )


def _generic(scheme: str, code: str | None) -> Reading:
    return _plain(scheme, code, "soft", "do_not_honor", _UNLISTED)
