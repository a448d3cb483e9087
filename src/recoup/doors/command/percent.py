"""Percentages as somebody types them."""

import re
from typing import Final

from recoup.kernel.problem import Problem

_PERCENT: Final = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,2})0*)?")


def basis_points(text: str, field: str) -> int:
    """`2.9` is 290. Raises: Problem(invalid) for anything finer than a hundredth of a percent."""
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise Problem(
            "invalid",
            f"The field {field} is no percentage with at most 2 decimal places.",
            field=field,
            cure="Write it like 2.9 or 0.25; a hundredth of a percent is the least.",
        )
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
