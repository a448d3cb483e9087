"""The text on a customer's statement, as card schemes and processors take it.

Source: acquirers' published rules for statement descriptors: 5 to 22 characters, Latin, a letter among them, none of
< > \\ ' ". The asterisk is taken: it parts the fixed from the dynamic half.
"""

import re
from typing import Final

from recoup.kernel.problem import Problem

LENGTH_MIN, LENGTH_MAX = 5, 22
_TAKEN: Final = re.compile(r"[ -~]+", re.ASCII)
_REFUSED: Final = frozenset("<>\\'\"")


def check_descriptor(text: str, field: str = "Descriptor") -> None:
    """Raises: Problem(invalid) saying which rule it breaks."""
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        told = f"must be {LENGTH_MIN} to {LENGTH_MAX} characters long"
    elif not _TAKEN.fullmatch(text):
        told = "must be plain Latin characters"
    elif _REFUSED & set(text):
        told = "must not have < > \\ ' or \""
    elif not any(one.isalpha() for one in text):
        told = "must have a letter"
    else:
        return
    raise Problem("invalid", f"The field {field} {told}.", field=field, cure="It is what customers see on statements.")
