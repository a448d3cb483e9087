"""A dispute's evidence as PDF: schemes take documents of PDF, JPEG or TIFF alone. One font that every reader has, so
what Latin letters cannot say is a question mark. The same text is the same file: a repeated call compares equal."""

import textwrap
from typing import Final

MEDIA_TYPE: Final = "application/pdf"
WIDTH_MAX: Final = 95  # characters, of ten points on A4
LINES_MAX: Final = 60
_ESCAPED: Final = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})


def pdf_of(text: str) -> bytes:
    lines = [part for line in text.splitlines() or [""] for part in textwrap.wrap(line, WIDTH_MAX) or [""]]
    pages = [lines[begin : begin + LINES_MAX] for begin in range(0, len(lines), LINES_MAX)]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        box = "/MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} /Contents {5 + 2 * number} 0 R >>".encode())
        shown = b"\n".join(_shown(line) for line in page)
        stream = b"BT /F 10 Tf 12.5 TL 50 792 Td\n" + shown + b"\nET"
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream))
    return _file(objects)


def _shown(line: str) -> bytes:
    plain = "".join(one if one.isprintable() else " " for one in line).translate(_ESCAPED)
    return b"(" + plain.encode("cp1252", "replace") + b") '"


def _file(objects: list[bytes]) -> bytes:
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(made))
    return made + head + table + end
