"""A file's bytes, however it was packed and written: gzip, a ZIP that holds one file, a spreadsheet
as its CSV; UTF-8, UTF-16 or Windows-1252."""

import codecs
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final
from zlib import error as ZlibError

from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.stop import look_up
from recoup.kit.files.lines import encoding_of
from recoup.kit.files.sheet import is_sheet, sheet_lines
from recoup.kit.files.unpack import Unpacked, check_unpacked

CHUNK: Final = 1 << 18
HEAD: Final = 4_096
ZIP: Final = b"PK\x03\x04"
ENTRIES_MAX: Final = 1_000
# Those that unpack a piece at a time: of others a few bytes come out as gigabytes at once.
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
Source = Callable[[], Iterable[bytes]]


def source_of(content: BinaryIO) -> Source:
    """Reads it from the beginning, as often as it is called. Raises: Problem(invalid) for a ZIP of
    none or several files; when it is read, Problem(too_large), and Problem(invalid) for one whose
    packing is damaged."""
    content.seek(0)
    if content.read(4) == ZIP:
        name = _only_entry(content)
        return lambda: _unzipped(content, name) if name else _of_sheet(content)
    return lambda: _plain(content)


def unpacked(content: BinaryIO) -> Iterable[bytes]:
    """Reads it once, a gzip file up to where it ends early. Raises: as `source_of`."""
    content.seek(0)
    return source_of(content)() if content.read(4) == ZIP else Unpacked(pieces(content))


def is_workbook(content: BinaryIO) -> bool:
    """Raises: as `source_of`."""
    content.seek(0)
    return content.read(4) == ZIP and not _only_entry(content)


def pieces(content: BinaryIO) -> Iterator[bytes]:
    content.seek(0)
    while chunk := content.read(CHUNK):
        yield chunk


def _plain(content: BinaryIO) -> Iterator[bytes]:
    plain = Unpacked(pieces(content))
    yield from plain
    if plain.broken:
        raise invalid(
            "The gzip file is damaged or ends early.", "file", "Unpack it, and send the file."
        )


def _of_sheet(content: BinaryIO) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(content) as packed:
            yield from sheet_lines(packed)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise _damaged() from None


def _only_entry(content: BinaryIO) -> str:
    """Its name; nothing for a workbook."""
    try:
        with zipfile.ZipFile(content) as packed:
            entries = packed.infolist()
            if len(entries) <= ENTRIES_MAX and is_sheet([entry.filename for entry in entries]):
                return ""
            names = [entry.filename for entry in entries[:ENTRIES_MAX] if _is_file(entry.filename)]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise _damaged() from None
    if len(names) != 1 or len(entries) > ENTRIES_MAX:
        raise invalid(
            Sentence("The ZIP holds {0} files, not one.", len(names)),
            "file",
            "Unpack it, and send the file of transactions.",
        )
    if next(entry.compress_type for entry in entries if entry.filename == names[0]) not in METHODS:
        raise invalid(
            "The ZIP is packed by another method than Deflate.",
            "file",
            "Unpack it, and send the file.",
        )
    return names[0]


def _is_file(name: str) -> bool:
    return (
        not name.endswith("/")
        and not name.startswith("__MACOSX/")
        and not name.rpartition("/")[2].startswith(".")
    )


def _unzipped(content: BinaryIO, name: str) -> Iterator[bytes]:
    made = 0
    try:
        with zipfile.ZipFile(content) as packed, packed.open(name) as entry:
            sent = max(1, packed.getinfo(name).compress_size)
            while piece := entry.read(CHUNK):
                look_up()
                made += len(piece)
                check_unpacked(made, sent)
                yield piece
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        ZlibError,
    ):
        raise _damaged() from None


def _damaged() -> Problem:
    return invalid("The ZIP is damaged or encrypted.", "file", "Unpack it, and send the file.")


def encoding_in(source: Source, named: str = "") -> str:
    """The encoding as named, else by mark, first bytes and whole content: text without any valid
    UTF-8 is Windows-1252.

    Raises: Problem(invalid) for what is no text, and for an encoding that is not known.
    """
    head = b""
    for piece in source():
        head += piece
        if len(head) >= HEAD:
            break
    encoding = encoding_of(head, named)
    if named or encoding != "utf-8-sig" or head.startswith(codecs.BOM_UTF8):
        return encoding
    good = bad = 0
    for line in _lines_beyond_ascii(source()):
        try:
            line.decode()
            good += 1
        except UnicodeDecodeError:
            bad += 1
        if good > 100:
            break
    return "cp1252" if bad and not good else "utf-8-sig"


def encoding_note(encoding: str) -> list[str]:
    """A note where it was found out and may be wrong."""
    return (
        [Sentence("The file is not UTF-8; it was read as Windows-1252.")]
        if encoding == "cp1252"
        else []
    )


def _lines_beyond_ascii(pieces: Iterable[bytes]) -> Iterator[bytes]:
    kept = b""
    for piece in pieces:
        if kept.isascii() and piece.isascii():
            kept = piece[-1:] if piece[-1:] not in (b"\n", b"") else b""
            continue
        *whole, kept = (kept + piece).split(b"\n")
        kept = kept[-CHUNK:]
        yield from (line for line in whole if not line.isascii())
    if not kept.isascii():
        yield kept
