"""How much of all may be one owner's, so that nobody who has, or invents, very many payments decides for the others."""

from collections.abc import Iterable
from math import inf

import numpy as np

from recoup.features.engine.learn.attempts import Attempts, Column, chosen


def most_of_each(counts: Iterable[int], parts: int, least: int) -> float:
    """Up to how many of each owner's are taken, so that nobody's are more than one of `parts` of all that are taken.
    Where the others have too few for that, as many as it takes to have `least` of all. An only owner's are all taken.

    `counts`: how many each owner has.
    """
    sizes = sorted((int(one) for one in counts if one), reverse=True)
    rest = sum(sizes)
    if rest <= least or len(sizes) < 2:
        return inf
    for larger, size in enumerate(sizes):
        by_share = rest / (parts - larger) if larger < parts else 0.0
        by_least = (least - rest) / larger if larger else 0.0
        if size <= max(by_share, by_least):
            return max(by_share, by_least)
        rest -= size
    return least / len(sizes)


def shared_out(data: Attempts, parts: int, least: int) -> Attempts:
    """Without customers of owners who have more than `most_of_each` of the attempts."""
    counts = np.bincount(data.payer)
    most = most_of_each(np.bincount(data.owner).tolist(), parts, least)
    owner = data.owner[np.searchsorted(data.payer, np.arange(len(counts)))]
    within = payers_within(owner, counts, most)
    return data if within.all() else chosen(data, within[data.payer])


def payers_within(owner: Column, counts: Column, most: float) -> Column:
    """A mask of payers: of each owner the first, as they are numbered, who have no more than `most` together. Nobody
    who has more than that alone is among them.

    `owner`, `counts`: by payer, whose customer it is, and how many attempts are theirs.
    """
    by_owner = np.argsort(owner, kind="stable")
    fits = counts[by_owner] <= most
    sums = np.cumsum(np.where(fits, counts[by_owner], 0))
    first = np.searchsorted(owner[by_owner], owner[by_owner])
    before = np.where(first > 0, sums[first - 1], 0)
    taken = np.zeros(len(owner), bool)
    taken[by_owner] = fits & (sums - before <= most)
    return taken
