"""A card that a network renewed since its decline: where data were wrong it is tried at once, as
the product tries it when a merchant sends a new card."""

from recoup_lab.compare.seam import Choice, Known, SendAt, Stop, is_hard
from recoup_lab.world.port import WorldCard


class NewCards:
    def __init__(self) -> None:
        self._tried: dict[str, WorldCard] = {}

    def settled(self, known: Known) -> Choice | None:
        """The answer where there is nothing to decide: to a hard decline, and for a card that is
        new; else None."""
        if is_hard(known.reading):
            return Stop("hard_decline")
        return SendAt(known.earliest) if self.untried(known) else None

    def untried(self, known: Known) -> bool:
        """True when the last decline was for data that the order's card no longer has."""
        return known.reading.klass == "data" and self.is_new(known)

    def is_new(self, known: Known) -> bool:
        """True when no send of the order was with the card as it is known now."""
        return known.card != self._tried.get(known.order.order_id, known.order.card)

    def note(self, known: Known) -> None:
        self._tried[known.order.order_id] = known.card
