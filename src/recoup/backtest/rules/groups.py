"""Groups of payments in a back-test's tables: the largest groups, and the rest as one. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Literal

GROUPS_MAX: Final = 8  # of a kind; the rest is one
OTHERS: Final = ""
BANDS: Final = 4
By = Literal["class", "issuer", "country", "amount"]


def grouped(names: Sequence[str]) -> Iterator[tuple[str, list[bool]]]:
    """The largest first: each with whether it has the one at that place."""
    counted = Counter(names)
    largest = [name for name, _ in counted.most_common(GROUPS_MAX)]
    for name in largest:
        yield name, [group == name for group in names]
    if len(counted) > len(largest):
        kept = set(largest)
        yield OTHERS, [group not in kept for group in names]


def bands(amounts: Sequence[tuple[str, int]]) -> list[str]:
    """Quarters of the amounts of each currency: `USD/1299/2499`, in minor units, 0 where it is
    open. `amounts`: currency and minor units."""
    edges: dict[str, list[int]] = {}
    for asset in {amount[0] for amount in amounts}:
        units = sorted(amount[1] for amount in amounts if amount[0] == asset)
        edges[asset] = [units[(len(units) - 1) * place // BANDS] for place in range(1, BANDS)]
    parts = []
    for asset, amount in amounts:
        band = sum(amount > edge for edge in edges[asset])
        low = edges[asset][band - 1] if band else 0
        high = edges[asset][band] if band < BANDS - 1 else 0
        parts.append(f"{asset}/{low}/{high}")
    return parts
