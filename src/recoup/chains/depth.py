"""Depth at which a block must lie before its money counts: so many confirmations, or the chain's
own word `safe` or `finalized`, by the amount. Two endpoints are asked; the one that is behind
counts."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from recoup.kernel.frozen import frozen
from recoup.kernel.money import shown

Tag = Literal["safe", "finalized"]
Required = int | Tag


class Step(NamedTuple):
    """Step of the required depth. `from_units`: the least amount that it holds for, in book
    units."""

    from_units: int
    required: Required


Steps = tuple[Step, ...]
"""Rising, the first from 0."""


@frozen
class Heights:
    """Numbers of blocks, as one endpoint gives them. None: it does not know the tag."""

    head: int
    safe: int | None = None
    finalized: int | None = None

    def of(self, tag: Tag) -> int | None:
        return self.safe if tag == "safe" else self.finalized


def lower(heads: Sequence[Heights]) -> Heights:
    """The lowest of all endpoints; a tag that one does not know is None."""
    if not heads:
        raise ValueError("no endpoint")
    return Heights(
        min(head.head for head in heads),
        _least([head.safe for head in heads]),
        _least([head.finalized for head in heads]),
    )


def _least(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return min(known) if len(known) == len(numbers) else None


def required(steps: Steps, units: int) -> Required:
    """The depth required for an amount in book units. Partial payments use the amount of their
    order."""
    return next(step.required for step in reversed(steps) if units >= step.from_units)


def confirmations(block: int, heads: Heights) -> int:
    """The block itself is the first."""
    return max(heads.head - block + 1, 0)


def is_deep(block: int, wanted: Required, heads: Heights) -> bool:
    """True when the block has the required depth. Never for a block above the head, whatever a tag
    says."""
    count = confirmations(block, heads)
    if isinstance(wanted, int):
        return count >= max(wanted, 1)
    reached = heads.of(wanted)
    return count > 0 and reached is not None and block <= reached


class Progress(NamedTuple):
    """`3 of 10`. All of them exactly when the block is deep."""

    done: int
    of: int


def progress(block: int, wanted: Required, heads: Heights, usual: Mapping[Tag, int]) -> Progress:
    """`usual`: how many blocks a tag stays behind the head, on this chain, as a rule: only for
    people."""
    of = max(blocks_of(wanted, usual), 1)
    if is_deep(block, wanted, heads):
        return Progress(of, of)
    return Progress(min(confirmations(block, heads), of - 1), of)


def blocks_of(wanted: Required, usual: Mapping[Tag, int]) -> int:
    """The number that stands for it where only a number can be said."""
    return wanted if isinstance(wanted, int) else usual[wanted]


def text_of(steps: Steps, asset: str) -> str:
    """`10; from 1000 safe`, for settings and people."""
    return "; ".join(
        f"from {shown(step.from_units, asset, '')} {step.required}"
        if step.from_units
        else str(step.required)
        for step in steps
    )
