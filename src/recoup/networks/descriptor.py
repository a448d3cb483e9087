"""The text on a customer's statement, as card schemes and processors take it.

A merchant sets one text for a site, `NAME` or `PREFIX*NAME`; each scheme has a field of its own
length for it, and a prefix stands before its asterisk in 3, 7 or 12 places, filled with blanks.
Source: acquirers' published rules for statement descriptors (5 to 22 characters, Latin, a letter
among them, none of < > \\ ' "; the asterisk parts the fixed from the dynamic half) and for soft
descriptors by card scheme (25 characters with Visa, 22 with Mastercard, 20 with American Express).
Decision 0024.
"""

import re
from typing import Final

from recoup.kernel.problem import Sentence, invalid

LENGTH_MIN, LENGTH_MAX = 5, 22
PREFIX_LENGTHS: Final = (3, 7, 12)
LENGTHS: Final = {
    "visa": 25,
    "mastercard": 22,
    "amex": 20,
}  # of what a statement shows; every other scheme as follows
LENGTH_ELSEWHERE: Final = 22
_TAKEN: Final = re.compile(r"[ -~]+", re.ASCII)
_REFUSED: Final = frozenset("<>\\'\"")
_PADDED: Final = frozenset({"visa", "mastercard"})


def check_descriptor(text: str, field: str = "Descriptor") -> None:
    """Raises: Problem(invalid) saying which rule it breaks."""
    prefix, star, name = text.partition("*")
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        complaint: str = Sentence("must be {0} to {1} characters long", LENGTH_MIN, LENGTH_MAX)
    elif not _TAKEN.fullmatch(text):
        complaint = "must be plain Latin characters"
    elif _REFUSED & set(text):
        complaint = "must not have < > \\ ' or \""
    elif not any(character.isalpha() for character in text):
        complaint = "must have a letter"
    elif star and not (prefix.strip() and name.strip() and "*" not in name):
        complaint = "must have a prefix before its one asterisk and a name after it"
    elif len(prefix.strip()) > PREFIX_LENGTHS[-1] and star:
        complaint = Sentence(
            "must have a prefix of at most {0} characters before its asterisk", PREFIX_LENGTHS[-1]
        )
    else:
        return
    raise invalid(
        Sentence("The field {0} {1}.", field, complaint),
        field,
        "It is what customers see on statements.",
    )


def statement_text(descriptor: str, scheme: str) -> str:
    """The descriptor as a statement of this scheme shows it: upper case, nothing that a scheme
    refuses, cut to its length."""
    plain = "".join(c for c in descriptor.upper() if " " <= c <= "~" and c not in _REFUSED)
    prefix, star, name = (" ".join(part.split()) for part in plain.partition("*"))
    name = " ".join(name.replace("*", " ").split())
    if prefix and name:
        places = next((n for n in PREFIX_LENGTHS if len(prefix) <= n), PREFIX_LENGTHS[-1])
        prefix = prefix[:places].ljust(places) if scheme in _PADDED else prefix[:places]
        plain = f"{prefix}{star}{name}"
    else:
        plain = prefix or name
    return plain[: LENGTHS.get(scheme, LENGTH_ELSEWHERE)].rstrip()
