"""A refund of an order that was charged in several payments, spread over them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID


def over_charges(rooms: Sequence[tuple[UUID, int]], units: int) -> list[tuple[UUID, int]]:
    """Divides units over charges, the first ones first, none more than it has left. `rooms`: the
    charges, oldest first, with what each has left. Raises: ValueError where together they have
    less."""
    charges, left = [], units
    for charge_id, room in rooms:
        taken = min(max(0, room), left)
        if taken:
            charges.append((charge_id, taken))
            left -= taken
    if left:
        raise ValueError(f"the charges of the order have {left} units less than are to be refunded")
    return charges


def over_pieces(
    items: Sequence[Mapping[str, Any]], pieces: Sequence[int]
) -> list[list[dict[str, Any]]]:
    """Divides a refund's items over its pieces, line after line. A line that lies in two pieces has
    its quantity in the first; together they are what was requested."""
    left = [dict(line) for line in items]
    lines: list[list[dict[str, Any]]] = []
    for piece in pieces:
        mine: list[dict[str, Any]] = []
        while left and piece > 0:
            line = left[0]
            taken = min(piece, line["units"])
            mine.append({**line, "units": taken})
            piece -= taken
            if taken == line["units"]:
                left.pop(0)
            else:
                left[0] = {**line, "units": line["units"] - taken, "quantity": 0}
        lines.append(mine)
    return lines
