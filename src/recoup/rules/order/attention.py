"""What only people can settle about an order: no answer of a processor makes it go away."""

from typing import Final

PAID_TWICE: Final = "Paid twice: the merchant's own payment succeeded too. Refund one of them."
PAID_TOO: Final = "The same customer paid the same amount with this card under another order id."
FOR_PEOPLE: Final = (PAID_TWICE, PAID_TOO)
