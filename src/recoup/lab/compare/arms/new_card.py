"""A card that a network renewed since its decline: where data were wrong it is tried at once, as the product tries it
when a merchant sends a new card.
"""

from recoup.lab.compare.seam import Known
from recoup.lab.world.port import WorldCard


class NewCards:
    def __init__(self) -> None:
        self._tried: dict[str, WorldCard] = {}

    def untried(self, known: Known) -> bool:
        """Whether the last decline was for data that the order's card no longer has."""
        order = known.order
        return known.reading.klass == "data" and known.card != self._tried.get(order.order_id, order.card)

    def note(self, known: Known) -> None:
        self._tried[known.order.order_id] = known.card
