"""Faults of a stand-in: for some calls, so often, or for a share of them, drawn by a seed."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from recoup.kernel.problem import Problem

# lost: done, and nothing answered; never: not even done; late: done, answered after `seconds`; cut:
# half an answer.
KINDS: Final = (
    "lost",
    "never",
    "late",
    "cut",
    "html",
    "error_200",
    "error_500",
    "saved_500",
    "too_many",
    "unauthorized",
    "forbidden",
    "redirect",
    "endless",
    "other_id",
    "other_amount",
    "other_currency",
    "part",
    "in_progress",
    "doubled",
)


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """Fault of a call. `on`: part of `METHOD /path`. `times`: None for always. `share`: of those
    calls."""

    kind: str
    on: str = ""
    times: int | None = 1
    share: float = 1.0
    seconds: float = 1.0


@dataclass
class Faults:
    """Faults that are left, in their order; at most one for each call."""

    seed: int = 0
    left: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._draws = random.Random(self.seed)

    def add(
        self,
        kind: str,
        on: str = "",
        *,
        times: int | None = 1,
        share: float = 1.0,
        seconds: float = 1.0,
    ) -> None:
        self.left.append(Fault(kind, on, times, share, seconds))

    def of(self, call: str) -> Fault | None:
        for one in self.left:
            if one.on not in call or one.times == 0 or self._draws.random() >= one.share:
                continue
            if one.times is not None:
                one.times -= 1
            return one
        return None


def read_faults(path: Path | None, seed: int) -> Faults:
    """Raises: Problem(invalid) for a file that cannot be read, or a fault that there is not."""
    try:
        left = msgspec.json.decode(path.read_bytes(), type=list[Fault]) if path is not None else []
    except (OSError, msgspec.MsgspecError) as error:
        raise Problem(
            "invalid", "The file of faults cannot be read.", field="faults", cure=str(error)
        ) from None
    for one in left:
        if one.kind not in KINDS:
            raise Problem(
                "invalid", "There is no such fault.", field="faults", cure=", ".join(KINDS)
            )
    return Faults(seed, left)
