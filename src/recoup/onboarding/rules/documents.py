"""Type of a document, by its own first bytes: names and declared types are only words. Pure.

Source: ISO 32000-1 §7.5.2 (PDF), W3C PNG §5.2, ITU-T T.81 (JPEG).
"""

import re
from typing import Final

from recoup.kernel.problem import Sentence, invalid

BYTES_MAX: Final = 700 << 10
COUNT_MAX: Final = 20
NAME_MAX: Final = 120
_ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    "application/pdf": (".pdf",), "image/png": (".png",), "image/jpeg": (".jpg", ".jpeg"),
    "text/plain": (".txt",),
}  # fmt: skip
_PDF_WITHIN: Final = 1024  # readers look for the trailer in the last kilobyte
_MARK: Final = b"\xef\xbb\xbf"  # some programs begin a PDF with it
_UNSAFE: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')


def media_type(content: bytes) -> str:
    """Raises: Problem(invalid) for what is empty, too large, or none of the three."""
    if not content:
        raise invalid("The document is empty.", "Content")
    if len(content) > BYTES_MAX:
        raise invalid(
            Sentence("The document is larger than {0} KiB.", BYTES_MAX >> 10),
            "Content",
            "Scan it at a lower resolution, or send it in parts.",
        )
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    begin = content.removeprefix(_MARK).lstrip()[:8]
    if re.fullmatch(rb"%PDF-[12]\.[0-9]", begin) and b"%%EOF" in content[-_PDF_WITHIN:]:
        return "application/pdf"
    raise invalid(
        "The document is not a complete PDF, PNG or JPEG file.",
        "Content",
        "Send one of these formats.",
    )


def download_name(name: str, media_type: str) -> str:
    """The name with the ending of what the document is, so that no program opens it as something
    else."""
    endings = _ENDINGS[media_type]
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return plain if plain.lower().endswith(endings) else plain + endings[0]


def file_name(given: str) -> str:
    """Its last part, without what a file system or header would read. Raises: Problem(invalid)."""
    name = _UNSAFE.sub("_", given.replace("\\", "/").rpartition("/")[2]).strip(" ._")
    name = "".join(letter for letter in name if letter.isprintable())
    if not name:
        raise invalid("The document has no name.", "Name")
    return name[-NAME_MAX:].strip(" ._") or "document"
