"""Folding into one spelling, of whatever people write and whatever they type to find it again: the
same function makes the text that orders are found by and reads the query. Pure. Source: decision
0081.

`fold` drops case, accents, quotes and invisible signs, and brings together what looks or sounds
like one letter: widths, kana, dashes, final forms, digits. `coded` writes what is left in ASCII,
for the index. `search_text` adds the spellings that are words of their own: German `ue` for `ü`,
Latin for Cyrillic and Greek, names written together or the family name first.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

# the version of these rules, as order_search.fold keeps it; rows of another one are folded again
FOLDED: Final = 1
_36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_DIGITS_3: Final = 36**3
_QUOTES: Final = "'\"`´‘’‚‛“”„‟′″‵ʹʺʻʼʽʾʿˈ׳״「」『』«»‹›＇＂｀"
_DASHES: Final = "‐‑‒–—―−﹘﹣－"
_LETTERS: Final = {
    # Latin
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h",
    "ŧ": "t", "ŋ": "ng", "ə": "e", "ĸ": "k", "ɨ": "i",
    # Cyrillic, Hebrew, Arabic
    "ґ": "г", "ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ", "ى": "ي", "ی": "ي", "ې": "ي",
    "ة": "ه", "ہ": "ه", "ک": "ك", "ٱ": "ا", "ـ": "", "ء": "",
    # between the words of a foreign name
    "・": " ", "·": " ", "‧": " ",
}  # fmt: skip
_KANA: Final = {chr(code): chr(code + 0x60) for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}
_PLAIN: Final = str.maketrans(dict.fromkeys(_QUOTES, "") | dict.fromkeys(_DASHES, "-"))
_ALIKE: Final = str.maketrans(_LETTERS | _KANA)
_ASCII: Final = str.maketrans(dict.fromkeys("'\"`", ""))
_NUKTA, _TONE, _FIRST_ACCENT = 7, 107, 200
_POINTS: Final = range(10, 36)  # Hebrew and Arabic
_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_LATIN: Final = str.maketrans({
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "ye",
    "ж": "zh", "з": "z", "и": "i", "і": "i", "ї": "yi", "й": "y", "к": "k", "л": "l", "м": "m",
    "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ў": "u", "ф": "f",
    "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e",
    "ю": "yu", "я": "ya", "ђ": "dj", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz", "α": "a",
    "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k",
    "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s",
    "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
})  # fmt: skip


def fold(text: str) -> str:
    """Folds a text to one line, its words apart by one space."""
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII).split())
    plain = unicodedata.normalize(
        "NFKD", unicodedata.normalize("NFKD", text.translate(_PLAIN)).casefold()
    )
    letters = "".join(_digit(letter) for letter in plain if not _is_dropped(letter))
    return " ".join(
        unicodedata.normalize("NFC", letters).translate(_ALIKE).translate(_PLAIN).split()
    )


def _is_dropped(letter: str) -> bool:
    """Accents, points and signs that nobody sees; vowels that are signs, and the marks of kana, are
    letters."""
    if letter < "\u00ad":
        return False
    mark = unicodedata.combining(letter)
    if mark:
        return mark >= _FIRST_ACCENT or mark in _POINTS or mark in (1, _NUKTA, _TONE)
    return unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"


def _digit(letter: str) -> str:
    """The digits of every script as ours."""
    return (
        str(unicodedata.decimal(letter)) if not letter.isascii() and letter.isdecimal() else letter
    )


def joined(text: str) -> str:
    """Drops what may stand between the parts of a name: `de la Cruz` and `DelaCruz`, `Jean-Luc` and
    `Jean Luc`."""
    return "".join(letter for letter in fold(text) if unicodedata.category(letter)[0] in "LNM")


def whole_name(text: str) -> str:
    """A name in the form that is found only when all of it was typed; empty for no name."""
    together = joined(text)
    return f"={together}=" if together else ""


def search_text(first_name: str, last_name: str, others: Iterable[str | None]) -> str:
    """The text that finds an order: names in every spelling, then the rest. `others`: e-mail,
    references, texts."""
    words: dict[str, None] = {}
    for first, last in _spellings(first_name, last_name):
        words |= dict.fromkeys(f"{fold(first)} {fold(last)}".split())
        ways = (
            ((first, last), (last, first)) if _has_no_capitals(first + last) else ((first, last),)
        )
        words |= dict.fromkeys(whole for way in ways if (whole := whole_name(" ".join(way))))
    return coded(
        " ".join([*words, *(folded for other in others if other and (folded := fold(other)))])
    )


def _spellings(*names: str) -> Iterator[tuple[str, ...]]:
    yield names
    if "".join(names).isascii():
        return
    for spelt in (_german, _latin):
        other = tuple(map(spelt, names))
        if [*map(fold, other)] != [*map(fold, names)]:
            yield other


def _german(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().translate(_GERMAN)


def _latin(name: str) -> str:
    """Letters whose accent makes them another letter first, the others without theirs."""
    spelt = fold(unicodedata.normalize("NFC", name).casefold().translate(_LATIN)).translate(_LATIN)
    return (
        spelt.replace("oy", "ou") if any("α" <= letter <= "ω" for letter in fold(name)) else spelt
    )


def _has_no_capitals(name: str) -> bool:
    """Tells scripts in which family names often come first and words may not be separated."""
    return not name.isascii() and any(
        letter.isalpha() and letter.lower() == letter.upper() for letter in name
    )


def coded(folded: str) -> str:
    """Writes folded text as the database keeps it: each non-ASCII character as a capital and three
    more characters. Its trigram index knows letters of other scripts only where its locale does,
    and ignores words of two characters; a code begins nowhere but at its capital."""
    return (
        folded
        if folded.isascii()
        else "".join(letter if letter.isascii() else _code(ord(letter)) for letter in folded)
    )


def _code(number: int) -> str:
    first, rest = divmod(number, _DIGITS_3)
    return chr(65 + first) + _36[rest // 1296] + _36[rest // 36 % 36] + _36[rest % 36]
