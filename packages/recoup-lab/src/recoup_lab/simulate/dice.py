"""Chance that depends on the seed and on what it is about, never on what was drawn before it."""

import random


def dice(*about: object) -> random.Random:
    """The same for the same seed and subject, in whatever order subjects come up."""
    return random.Random("|".join(map(str, about)))
