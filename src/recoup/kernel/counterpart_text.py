"""Text that a counterpart wrote, as it may be kept: codes are short, references fit, and nothing
breaks a page."""

from typing import Final

CODE_MAX: Final = 64
REFERENCE_MAX: Final = 128
SENTENCE_MAX: Final = 200


def kept(text: str | None, most: int) -> str | None:
    """The first `most` characters, each that cannot be shown as a blank; None for what says
    nothing."""
    if text is None or (len(text) <= most and text.isprintable() and text):
        return text
    return (
        "".join(letter if letter.isprintable() else " " for letter in text[:most]).strip() or None
    )
