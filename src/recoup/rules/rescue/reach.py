"""By which way a payer gets a link to pay: mail or SMS. Pure."""

import re
from typing import Final, Literal

SMS: Final = "payment_link_sms"  # the switch that the merchant sets, beside the link's own
Channel = Literal["mail", "sms"]
_SET_APART: Final = re.compile(r"[\s().\-/\u00a0]+")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)


def sms_number(phone: str) -> str:
    """`+` and the number; empty for one without its country's code, which nobody could complete safely."""
    bare = _SET_APART.sub("", phone)
    bare = f"+{bare[2:]}" if bare.startswith("00") else bare
    return bare if _NUMBER.fullmatch(bare) else ""


def way_of(*, address: bool, number: bool, earlier: int) -> Channel | None:
    """A mail first, since it costs nothing; by SMS where there is no address, and what follows an earlier link of the
    order. `number`: one to which an SMS may go. None: there is no way."""
    if number and (earlier or not address):
        return "sms"
    return "mail" if address else None
