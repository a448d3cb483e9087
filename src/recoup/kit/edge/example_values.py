"""Values that an example cannot hold for ever: ids of things that exist, credentials, dates, keys
that are used once."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.time import WallTime, iso

NAME: Final = re.compile(r"\$([A-Z][A-Z_]*)")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MANAGED_FOR: Final = timedelta(days=21)
# Field in lower case -> the reader's variable, whatever the example says.
_ALWAYS: Final = {
    "appkey": "$APP_KEY", "appsecret": "$APP_SECRET", "refreshtoken": "$REFRESH_TOKEN",
    "mid": "$MID", "siteid": "$SITE_ID", "environment": "$TOKENIZATION_KEY",
}  # fmt: skip
# The same for fields that hold the id of something: only where the example holds one.
_IDS: Final = {"orderid": "$ORDER_ID", "ordersessionkey": "$ORDER_ID", "cardnumber": "$CARD_TOKEN"}


@frozen
class Fresh:
    """Texts of one page: its samples can be pasted as they stand, and pasted twice they are one
    order."""

    number: str
    now: str
    expiry: str

    def in_body(self, value: Any) -> Any:
        """The example with variables (`$ORDER_ID`) and fresh values in place of what does not
        last."""
        if isinstance(value, Mapping):
            return {name: self._member(name, inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.in_body(member) for member in value]
        return value

    def _member(self, name: str, value: Any) -> Any:
        low = name.lower()
        if low in _ALWAYS and isinstance(value, str):
            return _ALWAYS[low]
        if low in _IDS and isinstance(value, str) and _GUID.fullmatch(value):
            return _IDS[low]
        make = _MADE.get(low)
        return make(self) if make is not None and isinstance(value, str) else self.in_body(value)


def fresh_at(now: WallTime) -> Fresh:
    return Fresh(new_id().hex[-10:], iso(now), iso(now + _MANAGED_FOR))


_MADE: Final[Mapping[str, Callable[[Fresh], str]]] = {
    "idempotencykey": lambda fresh: f"key-{fresh.number}",
    "externalid": lambda fresh: f"crm-{fresh.number}",
    "orderid": lambda fresh: f"SUB-{fresh.number}",
    "merchant_order_id": lambda fresh: f"order-{fresh.number}",
    "expirydateutc": lambda fresh: fresh.expiry,
    "timestamputc": lambda fresh: fresh.now,
}


def in_path(path: str) -> str:
    """`/v1/orders/{id}` -> `/v1/orders/$ORDER_ID`: an id is named after what it is an id of."""
    parts = path.split("/")
    for at, part in enumerate(parts):
        if part.startswith("{"):
            owner, own = parts[at - 1].removesuffix("s"), part.strip("{}")
            name = f"{owner}_id" if own == "id" else own
            parts[at] = "$" + re.sub(r"[^A-Za-z0-9]+", "_", name).upper()
    return "/".join(parts)
