"""A file's bytes as numbered lines, whatever it was written with; none is longer than a line of a
table can be."""

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple

from recoup.kernel.problem import Sentence, figure, invalid

LINE_MAX: Final = 65_536  # characters
ENDS_WITHIN: Final = 4_096  # characters in which a file shows how its lines end
ENCODINGS: Final = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "iso-8859-1", "iso-8859-15", "cp1250",
    "cp1251", "shift_jis", "gb18030", "big5", "euc-kr",
)  # fmt: skip
_NO_TEXT: Final = {
    b"PK\x03\x04": "a ZIP or XLSX file", b"\x1f\x8b": "a gzip file", b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an XLS file",
}  # fmt: skip
_LOST: Final = "\N{REPLACEMENT CHARACTER}"


class Line(NamedTuple):
    """`text` None: it cannot be read, `why` says so and `code` for machines."""

    number: int
    text: str | None
    code: str = ""
    why: str = ""


def encoding_of(head: bytes, named: str = "") -> str:
    """Encoding by the file's first bytes, unless it was named; UTF-8 when nothing speaks against
    it.

    Raises: Problem(invalid) for what is no text, and for an encoding that is not known.
    """
    for magic, what in _NO_TEXT.items():
        if head.startswith(magic):
            raise invalid(
                Sentence("This is {0}, not a CSV.", what), "file", "Export it as CSV, unpacked."
            )
    if named:
        wanted = named.lower().replace("_", "-").replace("shift-jis", "shift_jis")
        if wanted not in ENCODINGS:
            raise invalid(
                Sentence("The encoding {0} is not known.", repr(named[:40])),
                "encoding",
                Sentence("Name one of {0}.", ", ".join(ENCODINGS)),
            )
        if wanted != "utf-16":
            return "utf-8-sig" if wanted == "utf-8" else wanted
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise invalid("The file is UTF-32.", "file", "Save it as UTF-8.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[0:400:2].count(0), head[1:400:2].count(0)
    if odd > 20 and not even:
        return "utf-16-le"
    if even > 20 and not odd:
        return "utf-16-be"
    return "utf-16-le" if named else "utf-8-sig"


def lines(chunks: Iterable[bytes], encoding: str) -> Iterator[Line]:
    """Numbered from 1. They end with LF, CRLF, or, where the file's beginning shows no other end,
    with CR alone. One that is too long is passed over without being kept."""
    texts, head = decoded(chunks, encoding), ""
    for text in texts:
        head += text
        if len(head) >= ENDS_WITHIN:
            break
    end = "\r" if "\r" in head[:-1] and "\n" not in head else "\n"
    number, kept, over = 0, "", False
    for text in chain([head], texts):
        *whole, rest = (kept + text).split(end)
        for line in whole:
            number += 1
            yield _line(number, line, over, encoding)
            over = False
        kept, over = (rest, over) if len(rest) <= LINE_MAX else ("", True)
    if kept or over:
        yield _line(number + 1, kept, over, encoding)


def decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Decodes; bytes that the encoding does not have become a mark."""
    decode = codecs.getincrementaldecoder(encoding)(errors="replace").decode
    for chunk in chunks:
        yield decode(chunk)
    yield decode(b"", True)


def _line(number: int, text: str, over: bool, encoding: str) -> Line:
    text = text.removesuffix("\r")
    if over or len(text) > LINE_MAX:
        return Line(
            number, None, "too_long", Sentence("is longer than {0} characters", figure(LINE_MAX))
        )
    if _LOST in text:
        name = encoding.removesuffix("-sig").upper()
        why = Sentence(
            "holds bytes that are not {0}; save the file as UTF-8, or name its encoding (cp1252 is "
            "common)",
            name,
        )
        return Line(number, None, "wrong_encoding", why)
    if "\0" in text:
        return Line(
            number,
            None,
            "broken",
            "holds a NUL byte; if the file is UTF-16, name that as its encoding",
        )
    return Line(number, text)
