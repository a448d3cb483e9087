"""Places where features add to the rescue API."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

from recoup.kernel.feature import Place
from recoup.orders.store.wire_orders import WholeOrder


class OrderField(NamedTuple):
    """A field of one order, which may be null. `of` makes its value."""

    name: str
    type: Any
    of: Callable[[WholeOrder], Any]


ORDER_FIELD: Final = Place[str]("order_field")  # the module of an `ORDER_FIELD`


def order_fields() -> list[OrderField]:
    return [import_module(module).ORDER_FIELD for module in ORDER_FIELD]
