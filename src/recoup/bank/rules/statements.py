"""A bank's statement by its format, read as it comes in."""

import codecs
from collections.abc import Callable, Iterable
from typing import Final

from recoup.bank.rules.bai2 import read_bai2
from recoup.bank.rules.camt import read_camt
from recoup.bank.rules.entries import BankStatement, Parts
from recoup.bank.rules.mt940 import read_mt940
from recoup.bank.rules.reading import Reading
from recoup.kit.files.lines import Line, lines

_OF_LINES: Final[dict[str, Callable[[Iterable[Line]], Parts]]] = {
    "MT940": read_mt940,
    "BAI2": read_bai2,
}


def bank_statement(
    named: str, head: bytes, chunks: Iterable[bytes], reading: Reading
) -> BankStatement:
    """`named`: one of STATEMENTS."""
    if named in _OF_LINES:
        return BankStatement(named, lambda: _OF_LINES[named](bank_lines(head, chunks)), reading)
    return BankStatement(named, lambda: read_camt(chunks), reading)


def bank_lines(head: bytes, chunks: Iterable[bytes]) -> Iterable[Line]:
    """Lines of a statement. These formats are ASCII; other letters stand in texts, whose encoding
    no bank names."""
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    mark = head.startswith(codecs.BOM_UTF8)
    return lines(chunks, "utf-16" if wide else "utf-8-sig" if mark else "iso-8859-1")
