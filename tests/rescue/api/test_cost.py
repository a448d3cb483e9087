"""What one hostile body costs: counted in steps of the reader, not in seconds, and the same for
every door."""

import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any
from uuid import UUID

import pytest
from tests.kit.edge.asgi_client import scope_of
from tests.rings import drawn

from recoup.kernel.problem import Problem
from recoup.kit.api.body import COMPLAINTS_MAX, Complaints
from recoup.kit.api.query import Query, QueryValues
from recoup.kit.edge.cookies import cookie_of
from recoup.kit.edge.field_names import fold_keys, folding, names_of
from recoup.kit.edge.json_body import MEMBERS_MAX, decode_json
from recoup.kit.files.lines import Line
from recoup.rescue.api.declined_shapes import EvaluateBody, TransmitBody
from recoup.rescue.api.evaluate import read_declined
from recoup.rescue.api.transmit import read_transmitted
from recoup.stablecoin.api.charges import ChargeBody
from recoup.stablecoin.api.fields import read
from recoup.uploads.api import columns_of, readers
from recoup.uploads.rules.rows import header_of
from recoup.uploads.rules.table import TableRows

MERCHANT = UUID(int=7)
STEPS_MAX = 1_000_000
NEAR = "expiryDateUt"  # a miss by one letter, and each name another one
_FOLDS = {"evaluate": folding(names_of(EvaluateBody)), "transmit": folding(names_of(TransmitBody))}


def steps_of(work: Callable[[], object]) -> int:
    """Calls that were made, of Python's functions and of built-in ones. Ends the work when it is
    far too much."""
    steps = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")
        if steps > 2 * STEPS_MAX:
            sys.setprofile(None)
            raise AssertionError(f"over {steps:,} steps")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    except Problem:
        pass
    finally:
        sys.setprofile(before)
    return steps


def names(kind: str, number: int) -> dict[str, Any]:
    if kind == "near misses":
        return {f"{NEAR}{n:x}": 1 for n in range(number)}
    if kind == "nearly near misses":
        return {f"exprDtUt{n:x}"[:18]: 1 for n in range(number)}
    return {f"{'x' * 18}{n:x}": None for n in range(number)}


KINDS = ("near misses", "nearly near misses", "names")
BODIES = {
    **{f"45,000 {kind}": json.dumps(names(kind, 45_000)).encode() for kind in KINDS},
    **{f"{MEMBERS_MAX} {kind}": json.dumps(names(kind, MEMBERS_MAX)).encode() for kind in KINDS},
    "items": json.dumps(
        {"orderItems": [{"amount": "x", "tax": "x", "quantity": "x"}] * 24_000}
    ).encode(),
    "500 wrong items": json.dumps(
        {"orderItems": [{"amount": "x", "tax": "x", "sku": []}] * 500}
    ).encode(),
    "items of names": json.dumps({"orderItems": [names("names", 40)] * 800}).encode(),
    "a list of lists": b'{"payer":' + b"[" * 30 + b"[]," * 300_000 + b"[]" + b"]" * 30 + b"}",
    "long name": json.dumps({"e" * 900_000: 1, NEAR * 80_000: 2}).encode(),
    "digits": b'{"transaction":{"amount":"'
    + b"9" * 900_000
    + b'","timezoneUtcOffset":"'
    + b"9" * 90_000
    + b'"}}',
}


def evaluate(body: bytes) -> object:
    return read_declined(fold_keys(decode_json(body), _FOLDS["evaluate"]), MERCHANT)


def transmit(body: bytes) -> object:
    return read_transmitted(fold_keys(decode_json(body), _FOLDS["transmit"]), MERCHANT)


def a_row(body: bytes) -> object:
    reader = readers()["evaluate"]
    return reader.read(reader.body(body.decode()), MERCHANT)


def charge(body: bytes) -> object:
    return read(decode_json(body), ChargeBody)


@drawn("fuzz", "name", BODIES, 8)
@drawn("fuzz", "reader", [evaluate, transmit, a_row, charge], 8, ids=lambda one: one.__name__)
def test_no_body_costs_more_than_a_large_honest_one(
    reader: Callable[[bytes], object], name: str
) -> None:
    assert steps_of(lambda: reader(BODIES[name])) < STEPS_MAX


def test_an_object_has_few_members() -> None:
    full = {f"n{n}": 1 for n in range(MEMBERS_MAX)}
    assert decode_json(json.dumps({"in": [full]}).encode())
    for body in ({**full, "one": 1}, {"in": [{**full, "one": 1}]}):
        with pytest.raises(Problem, match="members"):
            decode_json(json.dumps(body).encode())


def test_complaints_are_few_enough_to_read() -> None:
    complaints = Complaints()
    for n in range(10_000):
        complaints.add(f"field{n}", "is wrong")
        complaints.add("same", f"is wrong in way {n}")
    assert len(complaints.errors) == COMPLAINTS_MAX
    assert {len(texts) for texts in complaints.errors.values()} == {1}


def test_a_misspelt_expiry_is_still_asked_about() -> None:
    for name in (
        "expiryDate",
        "expiryDateUTCs",
        "expireDateUtc",
        "expiry_date_utc",
        "ExpirydateUt",
    ):
        with pytest.raises(Problem) as problem:
            evaluate(json.dumps({name: "2027-01-01"}).encode())
        assert "did you mean expiryDateUtc" in str(problem.value.fields), name


def test_a_query_of_names_costs_little() -> None:
    given = QueryValues((f"merchan{'x' * 5000}{n}", "1") for n in range(500))
    assert steps_of(lambda: Query(given, ["merchantId", "orderId", "from", "to"] * 10)) < STEPS_MAX


def test_a_header_of_a_file_costs_little() -> None:
    columns = ",".join(f"{NEAR}{'x' * 900}{n}" for n in range(200))
    assert (
        steps_of(lambda: TableRows([Line(1, columns + ",orderId")], columns_of("evaluate")))
        < STEPS_MAX
    )
    deep: dict[str, Any] = {"kind": "evaluate"}
    for _ in range(5000):
        deep = {"kind": "evaluate", "inside": deep}
    assert steps_of(lambda: header_of(deep)) < 1000


@pytest.mark.parametrize(
    "value", [b'"' + b"\\a" * 30_000 + b'"', b"; " * 30_000, b"recoup=1; " * 6_000, b"=" * 60_000]
)
def test_a_cookie_costs_little(value: bytes) -> None:
    headers = [(b"cookie", b"recoup=" + value)]
    assert steps_of(lambda: cookie_of(scope_of(headers=headers), "recoup")) < STEPS_MAX


def test_the_last_cookie_of_a_name_counts() -> None:
    headers = [(b"cookie", b"other=1; recoup=a; xrecoup=b"), (b"cookie", b" recoup = c ;recoupx=d")]
    assert cookie_of(scope_of(headers=headers), "recoup") == "c"
    assert cookie_of(scope_of(headers=headers), "none") == ""
    assert cookie_of(scope_of(headers=[(b"cookie", b"recoup")]), "recoup") == ""
