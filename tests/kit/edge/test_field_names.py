"""Field names in any case."""

from typing import Annotated, Any

import msgspec
import pytest
from tests.rings import each

from recoup.kit.edge.field_names import fold_keys, folding, names_of

FOLD = folding(
    {
        "orderId": None,
        "transaction": {"amount": None, "id": None},
        "items": {"sku": None},
        "zipCode": None,
    }
)


@each(
    ("given", "folded"),
    [
        ({"OrderId": 1, "ORDERID2": 2}, {"orderId": 1, "ORDERID2": 2}),
        ({"Transaction": {"Amount": 1, "Other": 2}}, {"transaction": {"amount": 1, "Other": 2}}),
        ({"Items": [{"SKU": 1}, 2, [{"Sku": 3}]]}, {"items": [{"sku": 1}, 2, [{"sku": 3}]]}),
        ({"zipcode": 1, "ZipCode": 2}, {"zipCode": 2}),
        ({"Transaction": None}, {"transaction": None}),
        ({"Transaction": "text"}, {"transaction": "text"}),
        ({"OrderId": {"Amount": 1}}, {"orderId": {"Amount": 1}}),
        ({"İd": 1}, {"İd": 1}),
        ([], []),
        (None, None),
        (3, 3),
    ],
)
def test_folding(given: Any, folded: Any) -> None:
    assert fold_keys(given, FOLD) == folded


def test_what_came_is_left_as_it_was() -> None:
    given = {"Transaction": {"Amount": 1}}
    fold_keys(given, FOLD)
    assert given == {"Transaction": {"Amount": 1}}


def test_two_names_may_not_differ_in_case_only() -> None:
    with pytest.raises(ValueError, match="case only"):
        folding({"id": None, "Id": None})


class Item(msgspec.Struct, rename="camel"):
    unit_price: int


class Body(msgspec.Struct, rename="camel"):
    order_id: str
    items: list[Item] = []
    first: Item | None = None
    noted: Annotated[Item | None, msgspec.Meta(description="x")] = None
    count: int | None = None


def test_names_are_read_from_structs() -> None:
    inner = {"unitPrice": None}
    assert names_of(Body) == {
        "orderId": None,
        "items": inner,
        "first": inner,
        "noted": inner,
        "count": None,
    }
    folded = fold_keys({"OrderID": "a", "ITEMS": [{"UnitPrice": 1}]}, folding(names_of(Body)))
    assert msgspec.convert(folded, Body) == Body("a", [Item(1)])
