"""Answers of the stand-in's vaulted cards. An amount below 1.00 is declined for any, as on test
accounts there."""

from types import MappingProxyType
from typing import Final, NamedTuple


class Answer(NamedTuple):
    """`response`: 1 approved, 2 declined, 3 an error; `code`: the gateway's own."""

    brand: str = "visa"
    response: str = "1"
    code: str = "100"
    text: str = "SUCCESS"


CARDS: Final = MappingProxyType(
    {
        "visa": Answer(),
        "mastercard": Answer("mastercard"),
        "insufficient_funds": Answer("visa", "2", "202", "Insufficient funds"),
        "do_not_honor": Answer("visa", "2", "201", "Do not honor"),
        "declined": Answer("visa", "2", "200", "DECLINE"),
        "lost_card": Answer("visa", "2", "251", "Lost card"),
        "retry_later": Answer("mastercard", "2", "264", "Declined - Retry in a few days"),
        "stop_recurring": Answer("visa", "2", "261", "Declined - Stop all recurring payments"),
        "unsupported": Answer("visa", "3", "461", "Unsupported card type"),
        "processor_error": Answer("visa", "3", "400", "Transaction error returned by processor"),
    }
)
