"""Port for a way out for SMS."""

from typing import Protocol
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.outside.mail.port import Posted


@frozen
class Sms:
    """`id` is ours and stays the same however often it is sent. `to`: `+` and the number with its
    country's code."""

    id: UUID
    to: str
    sender_name: str
    text: str


class SmsSender(Protocol):
    """Way out for SMS. No method raises for anything a network or counterpart does: that is a
    Posted."""

    async def send_sms(self, sms: Sms, timeout_seconds: float) -> Posted: ...
