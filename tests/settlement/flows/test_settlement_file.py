"""A settlement file proves itself without a database: what is changed in it is found and named."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each
from tests.settling import DAY, batches, give_back, sold, terms
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kit.proved_file import Wrong
from recoup.settlement.flows.settlement_report import batch_csv, read_batch, settlement_file
from recoup.settlement.rules.settlement_file import Proved, encoded, page_root, prove


@pytest.fixture(scope="module")
def kept(server: ServerAddress) -> dict[str, Any]:
    """The file of a settlement with orders, fees, refunds, a reserve and something carried, its
    CSV, and the root that the event told."""

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
            batch = await read_batch(
                shop.world, shop.merchant_id, (await batches(shop))[-1]["batch_id"]
            )
            event = await shop.value(
                "SELECT body FROM outbox WHERE subject_id = $1", batch.batch_id
            )
            return {
                "lines": b"".join(
                    [part async for part in settlement_file(shop.world, batch)]
                ).splitlines(True),
                "csv": b"".join([part async for part in batch_csv(shop.world, batch)]).decode(),
                "root": event["LedgerRoot"],
                "amount": event["Amount"],
                "batch": batch,
            }

    return asyncio.run(story())


def told(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def sealed(parts: list[dict[str, Any]]) -> list[bytes]:
    """Written again, with a checksum that fits: what somebody would do who wants to deceive."""
    lines = [encoded(part) + b"\n" for part in parts[:-1]]
    return [
        *lines,
        encoded({"type": "end", "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}) + b"\n",
    ]


def test_an_intact_file_is_proved(kept: dict[str, Any]) -> None:
    found = prove(kept["lines"], kept["root"])
    assert isinstance(found, Proved), found
    batch = kept["batch"]
    assert (found.settlement_id, found.payout, found.lines) == (
        str(batch.batch_id),
        batch.payout_units,
        batch.lines,
    )
    assert batch.payout_units > 0
    assert batch.carried_units < 0
    assert batch.reserve_units < 0
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


def _forged(parts: list[dict[str, Any]], page: int) -> list[bytes]:
    """A fee more and a payout less, in pages after the one whose root was told, chained as the
    closer would."""
    head, pages = parts[0], [p for p in parts if p["type"] == "page"]
    last = pages[-1]
    paid = next(p for p in parts if p.get("kind") == "payout")
    fee = json.loads(json.dumps(next(p for p in parts if p.get("kind") == "fee")))
    sign = 1 if fee["posting"][6][0][0] == "merchant_payable" else -1
    fee["posting"][6][0][2], fee["posting"][6][1][2] = 100 * sign, -100 * sign
    last["postings"].append(hashlib.sha256(encoded(fee["posting"])).hexdigest())
    fee |= {
        "lineId": "a-fee.1",
        "amount": -100,
        "page": last["page"],
        "position": len(last["postings"]),
    }
    for entry in paid["posting"][6]:
        entry[2] -= 100 if entry[2] > 0 else -100
    paid["amount"] += 100
    its = next(p for p in pages if p["page"] == paid["page"])
    its["postings"][paid["position"] - 1] = hashlib.sha256(encoded(paid["posting"])).hexdigest()
    head |= {"payout": head["payout"] - 100, "lines": head["lines"] + 1, "page": page}
    head["amounts"]["fee"] -= 100
    before = None
    for part in pages:
        part["previousRoot"] = before or part["previousRoot"]
        if part["page"] > parts[0]["page"] or before:
            part["root"] = page_root(
                part["previousRoot"], part["page"], part["postings"], part["sums"]
            )
            before = part["root"]
    return sealed([*parts[:-1], fee, parts[-1]])


def test_a_fee_forged_after_the_page_whose_root_was_told_is_found(kept: dict[str, Any]) -> None:
    parts = told(kept["lines"])
    wrong = prove(_forged(parts, parts[0]["page"]), kept["root"])
    assert isinstance(wrong, Wrong), wrong
    assert wrong.field == "page of line a-fee.1"


def _without_an_order(parts: list[dict[str, Any]]) -> list[bytes]:
    """A line in the merchant's favour left out, and the payout as much less, in a page after the
    root that was told."""
    head, pages = parts[0], {p["page"]: p for p in parts if p["type"] == "page"}
    left_out = next(p for p in parts if p.get("kind") == "amount")
    paid = next(p for p in parts if p.get("kind") == "payout")
    for entry in paid["posting"][6]:
        entry[2] -= left_out["amount"] * (1 if entry[2] > 0 else -1)
    paid["amount"] += left_out["amount"]
    its = pages[paid["page"]]
    its["postings"][paid["position"] - 1] = hashlib.sha256(encoded(paid["posting"])).hexdigest()
    before = its["previousRoot"]
    for number in range(paid["page"], max(pages) + 1):
        page = pages[number]
        page["previousRoot"] = before
        before = page["root"] = page_root(before, number, page["postings"], page["sums"])
    head |= {"payout": head["payout"] - left_out["amount"], "lines": head["lines"] - 1}
    head["amounts"]["amount"] -= left_out["amount"]
    return sealed([p for p in parts if p is not left_out])


def test_a_line_that_was_left_out_is_found_by_the_amount_that_was_told(
    kept: dict[str, Any],
) -> None:
    assert isinstance(prove(kept["lines"], kept["root"], kept["amount"]), Proved)
    forged = _without_an_order(told(kept["lines"]))
    assert isinstance(prove(forged, kept["root"]), Proved), "the root alone does not say it"
    wrong = prove(forged, kept["root"], kept["amount"])
    assert isinstance(wrong, Wrong), wrong
    assert wrong.field == "amount that the event settlement.closed told"


def test_a_settlement_that_pays_nothing_tells_what_is_owed(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await terms(shop, period="day", delay_days=0)
            (first,) = await sold(shop)
            await shop.advance(DAY)
            await give_back(shop, first)
            await shop.advance(DAY)
            batch = await read_batch(
                shop.world, shop.merchant_id, (await batches(shop))[-1]["batch_id"]
            )
            lines = b"".join(
                [part async for part in settlement_file(shop.world, batch)]
            ).splitlines(True)
            event = await shop.value(
                "SELECT body FROM outbox WHERE subject_id = $1", batch.batch_id
            )
            assert event["Amount"] == -4590
            assert isinstance(prove(lines, event["LedgerRoot"], event["Amount"]), Proved)
            assert isinstance(prove(lines, event["LedgerRoot"], 0), Wrong)

    asyncio.run(story())


def test_a_settlement_that_names_no_page_of_its_root_is_not_proved(kept: dict[str, Any]) -> None:
    wrong = prove(_forged(told(kept["lines"]), 0), kept["root"])
    assert isinstance(wrong, Wrong), wrong


@given(data=st.data())
def test_any_changed_byte_is_found(kept: dict[str, Any], data: st.DataObject) -> None:
    text = b"".join(kept["lines"])
    place, byte = data.draw(st.integers(0, len(text) - 2)), data.draw(st.integers(32, 126))
    changed = text[:place] + bytes([byte]) + text[place + 1 :]
    found = prove(changed.splitlines(True), kept["root"])
    assert isinstance(found, Wrong) or changed == text


NOTHING = [
    b"",
    b"{}",
    b"[]\n",
    b"\xff\n",
    b'{"type": "end"}\n',
    b"[" * 100_000,
    b"1e999999\n",
    b'{"type":"settlement"}\n',
]


@each("content", NOTHING)
def test_what_is_no_settlement_file_is_said_to_be_none(content: bytes) -> None:
    assert isinstance(prove(content.splitlines(True)), Wrong)


def test_the_csv_has_each_line_once_and_adds_up_to_nothing(kept: dict[str, Any]) -> None:
    import csv
    import io
    from decimal import Decimal

    rows = list(csv.DictReader(io.StringIO(kept["csv"])))
    assert len(rows) == kept["batch"].lines
    assert len({row["line_id"] for row in rows}) == len(rows)
    assert not sum(Decimal(row["amount"]) for row in rows)
    orders = [row for row in rows if row["kind"] == "amount"]
    assert all(row["external_order_id"].startswith("SUB-") and row["descriptor"] for row in orders)
    assert all(
        row["date_placed_utc"].endswith("Z") and row["date_booked_utc"].endswith("Z")
        for row in orders
    )
