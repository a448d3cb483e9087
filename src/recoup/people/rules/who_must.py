"""People who must have a second factor. Somebody without one who must is led to set one up before
anything else."""

from collections.abc import Sequence

from recoup.kernel.frozen import frozen


@frozen
class Bound:
    """`required_by`: names of the partners and merchants of theirs that require one. `is_staff`:
    belongs to the operator, in whatever role."""

    has: bool
    required_by: Sequence[str]
    is_staff: bool


def must_have(bound: Bound, *, staff_must: bool) -> bool:
    """`staff_must`: the world's policy about the operator's people."""
    return bool(bound.required_by) or (bound.is_staff and staff_must)


def must_set_up(bound: Bound, *, staff_must: bool) -> bool:
    return must_have(bound, staff_must=staff_must) and not bound.has
