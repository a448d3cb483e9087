"""A declined order as an estimator reads it: the decisions that were made about it, and what
another policy would have done at each of them. Pure.

Source: the doubly robust estimator for each decision, decision 0078.
"""

from typing import NamedTuple


class Features(NamedTuple):
    """An order's history with one way to go on. `bins`: which of the columns are 1; `chance`: a
    model's of it."""

    bins: tuple[int, ...]
    chance: float


class Step(NamedTuple):
    """Step of one decision. `taken`: the way that was taken, None for stopping; `named`: the one
    that the policy names, None where it stops. `same`: both are the same. `arms`: with which
    probability each arm takes what was taken, here; `could`: what the policy names. `reward`: 1
    where a send of this decision was approved, `days` after the decline. `sends`: 1 where it was
    sent."""

    taken: Features | None
    named: Features | None
    same: bool
    arms: tuple[float, ...]
    could: tuple[float, ...]
    reward: float
    sends: float = 1.0
    days: float = 0.0


class Episode(NamedTuple):
    """`payer`: orders of one go together. `shares`: of the arms when it came in, in the order in
    which steps have them; they add up to 1."""

    payer: str
    shares: tuple[float, ...]
    steps: tuple[Step, ...]
