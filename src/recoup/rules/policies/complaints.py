"""What is wrong about a line of a policy, and what it could be instead."""

from collections.abc import Callable
from dataclasses import dataclass

from recoup.rules.policies.terms import PolicyTerms


@dataclass(frozen=True, slots=True)
class Complaint:
    """`line`: its key, `tries.soft`. `why`: a sentence. `mend`: makes of terms the nearest that could stand there."""

    line: str
    why: str
    mend: Callable[[PolicyTerms], PolicyTerms]
