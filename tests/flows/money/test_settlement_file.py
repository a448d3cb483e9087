"""A settlement file proves itself without a database: what is changed in it is found and named."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flows.money.settling import DAY, batches, give_back, sold, terms
from tests.worlds import make_shop, sandbox_world

from recoup.flows.money.settlement_report import batch_csv, read_batch, settlement_file
from recoup.rules.money.settlement_file import Proved, Wrong, encoded, prove
from recoup.store.server import ServerAddress


@pytest.fixture(scope="module")
def kept(server: ServerAddress) -> dict[str, Any]:
    """The file of a settlement with orders, fees, refunds, a reserve and something carried, its CSV, and the root that
    the event told."""

    async def story() -> dict[str, Any]:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await terms(shop, period="day", delay_days=1, reserve_basis_points=1_000)
            (first,) = await sold(shop)
            await shop.advance(DAY)
            await give_back(shop, first)
            await shop.advance(3 * DAY)
            other, *_ = await sold(shop, 5)
            await give_back(shop, other, "1.00")
            await shop.advance(3 * DAY)
            batch = await read_batch(shop.world, shop.merchant_id, (await batches(shop))[-1]["batch_id"])
            sql = "SELECT body ->> 'LedgerRoot' FROM outbox WHERE subject_id = $1"
            return {
                "lines": b"".join([part async for part in settlement_file(shop.world, batch)]).splitlines(True),
                "csv": b"".join([part async for part in batch_csv(shop.world, batch)]).decode(),
                "root": await shop.value(sql, batch["batch_id"]), "batch": dict(batch),
            }  # fmt: skip

    return asyncio.run(story())


def told(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def sealed(parts: list[dict[str, Any]]) -> list[bytes]:
    """Written again, with a checksum that fits: what somebody would do who wants to deceive."""
    lines = [encoded(part) + b"\n" for part in parts[:-1]]
    return [*lines, encoded({"type": "end", "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}) + b"\n"]


def test_an_intact_file_is_proved(kept: dict[str, Any]) -> None:
    found = prove(kept["lines"], kept["root"])
    assert isinstance(found, Proved), found
    batch = kept["batch"]
    assert (found.settlement_id, found.payout, found.lines) == (
        str(batch["batch_id"]), batch["payout_units"], batch["lines"])  # fmt: skip
    assert batch["payout_units"] > 0
    assert batch["carried_units"] < 0
    assert batch["reserve_units"] < 0
    assert isinstance(prove(sealed(told(kept["lines"]))), Proved)


def test_the_root_is_the_one_that_the_event_told(kept: dict[str, Any]) -> None:
    wrong = prove(kept["lines"], "00" * 32)
    assert isinstance(wrong, Wrong)
    assert "settlement.closed" in wrong.field


def test_a_dropped_line_is_found(kept: dict[str, Any]) -> None:
    parts = told(kept["lines"])
    for number, part in enumerate(parts[1:-1], 1):
        wrong = prove(sealed(parts[:number] + parts[number + 1 :]))
        assert isinstance(wrong, Wrong), part["type"]
    wrong = prove(kept["lines"][:-1])
    assert isinstance(wrong, Wrong)
    assert "cut off" in wrong.found
    wrong = prove(sealed([*parts[:-1], parts[-2], parts[-1]]))
    assert isinstance(wrong, Wrong)
    assert wrong.field.startswith("entry of line")


def test_an_exchanged_root_is_found_and_named(kept: dict[str, Any]) -> None:
    for number, part in enumerate(told(kept["lines"])):
        for name in ("root", "previousRoot"):
            if name in part:
                parts = told(kept["lines"])
                parts[number][name] = hashlib.sha256(b"another").hexdigest()
                wrong = prove(sealed(parts), kept["root"])
                assert isinstance(wrong, Wrong)
                assert "root" in wrong.field


def test_a_changed_amount_is_found_and_named(kept: dict[str, Any]) -> None:
    for number, part in enumerate(told(kept["lines"])):
        if part["type"] != "line":
            continue
        parts = told(kept["lines"])
        parts[number]["amount"] += 1
        wrong = prove(sealed(parts))
        assert isinstance(wrong, Wrong)
        assert wrong.field == f"units of line {part['lineId']}"
        parts[number]["posting"][6][part["entry"] - 1][2] -= 1
        wrong = prove(sealed(parts))
        assert isinstance(wrong, Wrong)
        assert wrong.field == f"hash of the posting of line {part['lineId']}"
    head = told(kept["lines"])
    head[0]["payout"] += 1
    wrong = prove(sealed(head))
    assert isinstance(wrong, Wrong)
    assert wrong.field == "payout"


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found(kept: dict[str, Any], data: st.DataObject) -> None:
    text = b"".join(kept["lines"])
    place, byte = data.draw(st.integers(0, len(text) - 2)), data.draw(st.integers(32, 126))
    changed = text[:place] + bytes([byte]) + text[place + 1 :]
    found = prove(changed.splitlines(True), kept["root"])
    assert isinstance(found, Wrong) or changed == text


NOTHING = [
    b"", b"{}", b"[]\n", b"\xff\n", b'{"type": "end"}\n', b"[" * 100_000, b"1e999999\n", b'{"type":"settlement"}\n',
]  # fmt: skip


@pytest.mark.parametrize("content", NOTHING)
def test_what_is_no_settlement_file_is_said_to_be_none(content: bytes) -> None:
    assert isinstance(prove(content.splitlines(True)), Wrong)


def test_the_csv_has_each_line_once_and_adds_up_to_nothing(kept: dict[str, Any]) -> None:
    import csv
    import io
    from decimal import Decimal

    rows = list(csv.DictReader(io.StringIO(kept["csv"])))
    assert len(rows) == kept["batch"]["lines"]
    assert len({row["line_id"] for row in rows}) == len(rows)
    assert not sum(Decimal(row["amount"]) for row in rows)
    orders = [row for row in rows if row["kind"] == "amount"]
    assert all(row["external_order_id"].startswith("SUB-") and row["descriptor"] for row in orders)
    assert all(row["date_placed_utc"].endswith("Z") and row["date_booked_utc"].endswith("Z") for row in orders)
