"""Balance of a custodial wallet: nothing leaves it that is not there."""

from dataclasses import dataclass

from recoup.kernel.money import shown
from recoup.kernel.problem import Figure, Problem, Sentence


@dataclass(slots=True)
class Wallet:
    """Balance of one merchant in one asset, read under its lock; `units` leaves out direct money on
    its way. The refunds of one transaction take from the same object."""

    asset: str
    units: int

    def refund(self, units: int, like: str | None = None) -> None:
        """Takes a refund out. Raises: as `check`, and nothing is taken."""
        self.check(units, like)
        self.units -= units

    def check(self, units: int, like: str | None = None) -> None:
        """Checks that a refund could leave now. `like`: the amount as the order's sender wrote it.

        Raises: Problem(wrong_state) with the detail insufficient_balance.
        """
        if units > self.units:
            there = Figure(shown(max(0, self.units), self.asset, like))
            message = Sentence(
                "The wallet holds {0} {1}, and this refund takes {2} from it.",
                there,
                self.asset,
                Figure(shown(units, self.asset, like)),
            )
            cure = "Wait for more payments."
            if self.units > 0:
                cure = Sentence("Refund at most {0}, or wait for more payments.", there)
            raise Problem(
                "wrong_state",
                message,
                field="AmountToRefund",
                cure=cure,
                detail="insufficient_balance",
            )
