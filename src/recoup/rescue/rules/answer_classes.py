"""The kinds of answers that decisions count, and the code by which issuers' habits are learned."""

from typing import Final

from recoup.networks.codes import Reading

APPROVED, FUNDS, SOFT, TECHNICAL, LIMIT, HARD = range(6)
CLASSES: Final = ("approved", "funds", "soft", "technical", "limit", "hard")


def class_of(reading: Reading) -> int:
    """An unknown code is read as its knowledge reads it: generic, and so soft."""
    if reading.terminal:
        return HARD
    if reading.reason == "limit_exceeded":
        return LIMIT
    if reading.klass == "funds":
        return FUNDS
    return TECHNICAL if reading.klass == "technical" else SOFT


def key_of(reading: Reading) -> str:
    """The code with its advice, by which issuers' habits are learned: `51`, `05/02`. An advice that
    no list has may be anything that a merchant sends: it makes no key of its own."""
    code = reading.code or reading.reason
    return f"{code}/{reading.advice}" if reading.advice and not reading.unlisted_advice else code
