"""Whole units spread over parts so that nothing is lost: the largest remainders get what is left over."""

from collections.abc import Sequence


def allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """`total` in the proportion of `weights` (none below zero, one above): the parts add up to it exactly, and none is
    a whole unit away from its exact share. Of equal remainders the earlier part gets the unit."""
    whole = sum(weights)
    if total < 0 or whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("a total and weights that are not below zero, and one weight above it")
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return tuple(parts)


def pieces_units(units: int, quantity: int, first: int, count: int) -> int:
    """What `count` pieces of a line are worth, after the first `first` of them: all `quantity` add up to `units`."""
    each, more = divmod(units, quantity)

    def until(n: int) -> int:
        return n * each + min(n, more)

    return until(first + count) - until(first)
