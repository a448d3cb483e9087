"""Direct and custodial money: settlements, wallets, the ledger, payouts."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.stablecoin.api.test_signatures import refused
from tests.stablecoin.door import Door, Merchant
from tests.stablecoin.signer import written

from recoup.kernel.time import WallTime
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

TRON = "T9yD14Nj9j7xAB4dbGeiX9h8upfCg3PBbY"
AWAY = {"amount": "20.00", "currency": "USDT", "destination": f"tron:{TRON}"}


def fault(door: Door, kind: str | None) -> None:
    """Switches a fault of the sandbox on, or all off."""
    issuer: SandboxProcessor = door.world.processors["sandbox"]
    until = WallTime(door.world.clocks.wall() + timedelta(minutes=5))
    door.run(issuer.misbehave(kind, until) if kind else issuer.behave())  # type: ignore[arg-type]


def balance(merchant: Merchant, currency: str = "USDT") -> str:
    found = {one["currency"]: one for one in merchant.get("/wallets").json()["data"]}
    return str(found[currency]["balance"]) if currency in found else "none"


def movements(merchant: Merchant) -> list[tuple[str, str, str]]:
    return [
        (one["type"], one["amount"], one["balance_after"])
        for one in merchant.get("/ledger").json()["data"]
    ]


def test_a_direct_order_leaves_nothing_behind(merchant: Merchant) -> None:
    merchant.fees(basis_points=50)
    order = merchant.paid(channel="mock_direct", amount="50.00")
    assert order["settlement_mode"] == "direct"
    assert merchant.order(order["id"])["settlements"][0]["status"] == "pending"
    assert balance(merchant) == "49.75"
    merchant.run_due()
    [settlement] = merchant.order(order["id"])["settlements"]
    assert settlement["id"].startswith("stl_")
    assert (settlement["status"], settlement["amount"], settlement["fee"]) == (
        "confirmed",
        "49.75",
        "0.25",
    )
    assert settlement["tx_hash"].startswith("0x")
    assert settlement["network"] == "mock_direct"
    assert balance(merchant) == "0"
    assert movements(merchant) == [
        ("settlement", "-49.75", "0"),
        ("fee", "-0.25", "49.75"),
        ("credit", "50", "50"),
    ]
    newest = merchant.get("/ledger", "limit=1").json()
    assert (newest["total"], newest["data"][0]["reference"]) == (3, settlement["tx_hash"])
    assert newest["data"][0]["order_id"] == order["id"]
    merchant.door.verified(merchant)


def test_a_custodial_order_fills_the_wallet_and_refunds_empty_it(merchant: Merchant) -> None:
    order = merchant.paid(amount="49.90")
    assert balance(merchant) == "49.9"
    merchant.post(f"/orders/{order['id']}/refund", {"amount": "9.90", "reason": "too dear"})
    assert balance(merchant) == "40"
    merchant.settle()
    assert merchant.order(order["id"])["settlements"] == []
    assert movements(merchant) == [("debit", "-9.9", "40"), ("credit", "49.9", "49.9")]
    assert merchant.get("/ledger").json()["data"][0]["reference"] == "too dear"
    merchant.door.verified(merchant)


def test_the_book_says_the_same_before_and_after_its_page_is_closed(merchant: Merchant) -> None:
    for amount in ("10.00", "20.00", "30.00"):
        merchant.paid(amount=amount)
    before, ledger = merchant.get("/wallets").json()["data"][0]["balance"], movements(merchant)
    merchant.door.run(merchant.shop.close_pages())
    assert movements(merchant) == ledger
    merchant.paid(amount="1.00")
    assert (before, balance(merchant)) == ("60", "61")
    assert movements(merchant) == [("credit", "1", "61"), *ledger]
    page = merchant.get("/ledger", "limit=2&offset=1").json()
    assert [one["balance_after"] for one in page["data"]] == ["60", "30"]
    merchant.door.run(merchant.shop.close_pages())
    merchant.door.verified(merchant)


def test_card_money_is_not_in_the_wallet(merchant: Merchant) -> None:
    merchant.door.run(merchant.shop.admit())
    merchant.advance(days=3)
    assert merchant.get("/wallets").json() == {"data": []}
    assert merchant.get("/ledger").json()["total"] == 0


# payouts
# --------------------------------------------------------------------------------------------------


def test_a_payout_debits_at_once_and_is_paid(merchant: Merchant) -> None:
    merchant.paid(amount="49.90")
    answer = merchant.post("/payouts", AWAY)
    assert answer.status_code == 201, answer.text
    payout = answer.json()["payout"]
    assert payout["id"].startswith("po_")
    assert payout["status"] == "requested"
    assert balance(merchant) == "29.9"
    merchant.run_due()
    [paid] = merchant.get("/payouts").json()["data"]
    assert (paid["id"], paid["status"]) == (payout["id"], "paid")
    assert paid["reference"].startswith("0x")
    assert movements(merchant)[0] == ("debit", "-20", "29.9")
    merchant.door.verified(merchant)


def test_a_payout_that_fails_comes_back(merchant: Merchant) -> None:
    merchant.paid(amount="49.90")
    merchant.post("/payouts", AWAY | {"destination": "mock:fail"})
    merchant.run_due()
    [payout] = merchant.get("/payouts").json()["data"]
    assert (payout["status"], payout["reason"]) == ("failed", "refused_by_destination")
    assert balance(merchant) == "49.9"
    assert movements(merchant)[:2] == [("credit", "20", "49.9"), ("debit", "-20", "29.9")]
    merchant.door.verified(merchant)


def test_no_more_leaves_than_is_there(merchant: Merchant) -> None:
    refused(merchant.post("/payouts", AWAY), 409, "insufficient_balance")
    merchant.paid(amount="49.90")
    error = refused(
        merchant.post("/payouts", AWAY | {"amount": "49.91"}), 409, "insufficient_balance"
    )
    assert "49.90 USDT" in error["message"]
    refused(merchant.post("/payouts", AWAY | {"currency": "USDC"}), 409, "insufficient_balance")


def test_direct_money_is_not_paid_out_while_its_settlement_is_on_the_way(
    merchant: Merchant,
) -> None:
    merchant.paid(channel="mock_direct", amount="50.00")
    assert balance(merchant) == "50"
    error = refused(
        merchant.post("/payouts", AWAY | {"amount": "50.00"}), 409, "insufficient_balance"
    )
    assert "0 USDT can be paid out" in error["message"]
    merchant.paid(amount="30.00")
    refused(merchant.post("/payouts", AWAY | {"amount": "30.01"}), 409, "insufficient_balance")
    assert merchant.post("/payouts", AWAY | {"amount": "30.00"}).status_code == 201
    merchant.run_due()
    assert balance(merchant) == "0"
    merchant.door.verified(merchant)


def test_of_many_payouts_at_once_only_what_is_there_leaves(merchant: Merchant) -> None:
    merchant.paid(amount="100.00")
    bodies = [
        written(AWAY | {"amount": "30.00", "destination": f"mock:T{n:030}"}) for n in range(12)
    ]
    headers = [merchant.signer.headers("POST", "/api/v1/payouts", "", body) for body in bodies]

    async def together() -> list[int]:
        client = merchant.door.client
        calls = (
            client.post("/api/v1/payouts", content=b, headers=h)
            for b, h in zip(bodies, headers, strict=True)
        )
        return sorted(answer.status_code for answer in await asyncio.gather(*calls))

    assert merchant.door.run(together()) == [201] * 3 + [409] * 9
    assert balance(merchant) == "10"
    merchant.run_due()
    merchant.door.verified(merchant)


def test_a_key_makes_a_repeated_payout_one(merchant: Merchant) -> None:
    merchant.paid(amount="49.90")
    key = {"idempotency-key": "once"}
    ids = {merchant.post("/payouts", AWAY, headers=key).json()["payout"]["id"] for _ in range(3)}
    assert len(ids) == 1
    assert balance(merchant) == "29.9"
    refused(
        merchant.post("/payouts", AWAY | {"amount": "1.00"}, headers=key),
        409,
        "idempotency_conflict",
    )


def test_a_key_for_payouts_in_two_currencies_at_once_is_a_conflict(merchant: Merchant) -> None:
    merchant.paid(amount="50.00")
    merchant.paid(amount="50.00", currency="USDC")

    async def together(key: str) -> list[int]:
        calls = []
        for currency in ("USDT", "USDC"):
            body = written(AWAY | {"currency": currency, "amount": "1.00"})
            headers = merchant.signer.headers("POST", "/api/v1/payouts", "", body) | {
                "Idempotency-Key": key
            }
            calls.append(
                merchant.door.client.post("/api/v1/payouts", content=body, headers=headers)
            )
        return sorted(answer.status_code for answer in await asyncio.gather(*calls))

    for number in range(6):
        assert merchant.door.run(together(f"same-{number}")) == [201, 409]
    merchant.run_due()
    merchant.door.verified(merchant)


def test_nothing_leaves_while_the_merchant_is_killed(merchant: Merchant) -> None:
    merchant.paid(amount="50.00")
    assert merchant.post("/payouts", AWAY).status_code == 201
    merchant.set(killed=True)
    merchant.run_due()
    assert merchant.get("/payouts").json()["data"][0]["status"] == "requested"
    merchant.door.verified(merchant)
    merchant.set(killed=False)
    merchant.door.run(merchant.door.services.merchants.get(merchant.shop.merchant_id))
    merchant.door.sql(
        "UPDATE merchants SET killed = true WHERE merchant_id = $1", merchant.shop.merchant_id
    )
    refused(
        merchant.post("/payouts", AWAY), 403, "merchant_suspended"
    )  # at once, whatever is still known
    merchant.set(killed=False)
    merchant.door.sql(
        "UPDATE due_work SET due_at = now() WHERE merchant_id = $1 AND kind = 'payout'",
        merchant.shop.merchant_id,
    )
    merchant.run_due()
    assert merchant.get("/payouts").json()["data"][0]["status"] == "paid"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 20}, "invalid_amount"),
        ({"amount": "-1"}, "invalid_amount"),
        ({"currency": "XXX"}, "invalid_request"),
        ({"destination": "x"}, "invalid_request"),
        ({"destination_type": "cash"}, "invalid_request"),
    ],
)
def test_payouts_that_are_not_allowed(
    merchant: Merchant, change: dict[str, Any], code: str
) -> None:
    refused(merchant.post("/payouts", AWAY | change), 400, code)


def test_another_merchants_money_is_not_shown(merchant: Merchant, other: Merchant) -> None:
    other.paid()
    other.post("/payouts", AWAY)
    for path in ("/wallets", "/payouts", "/ledger"):
        assert merchant.get(path).json()["data"] == []


# a channel that misbehaves
# --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["outage", "duplicate", "silent"])
def test_money_leaves_once_whatever_the_channel_does(door: Door, kind: str) -> None:
    merchant = door.merchant()
    order = merchant.paid(amount="50.00")
    direct = merchant.paid(amount="50.00", channel="mock_direct")
    merchant.post(f"/orders/{order['id']}/refund", {"amount": "10.00"})
    merchant.post("/payouts", AWAY)
    try:
        fault(door, kind)
        merchant.run_due()
    finally:
        fault(door, None)
    door.sql(
        "UPDATE due_work SET due_at = now(), lease_until = NULL WHERE merchant_id = $1 AND wall",
        merchant.shop.merchant_id,
    )
    merchant.settle()
    merchant.run_due()
    assert merchant.order(direct["id"])["settlements"][0]["status"] == "confirmed"
    assert merchant.get("/payouts").json()["data"][0]["status"] == "paid"
    assert balance(merchant) == "20"
    sums = door.sql(
        "SELECT kind, sum(t.units)::bigint AS units FROM mock_channel.transfers t JOIN "
        "mock_channel.payments p"
        " ON p.id = t.payment_id WHERE p.merchant_id = $1 GROUP BY kind ORDER BY kind",
        merchant.shop.merchant_id,
    )
    assert [tuple(row) for row in sums] == [("refund", 10_000_000), ("sweep", 50_000_000)]
    door.verified(merchant)


def test_a_settlement_that_the_channel_refuses_for_good_is_stuck_and_sent_no_more(
    door: Door,
) -> None:
    merchant = door.merchant()
    order = merchant.paid(channel="mock_direct", amount="50.00")
    changed = "UPDATE mock_channel.payments SET currency = $2 WHERE merchant_id = $1"
    door.sql(changed, merchant.shop.merchant_id, "USDC")
    merchant.run_due()
    [settlement] = merchant.order(order["id"])["settlements"]
    assert (settlement["status"], settlement["tx_hash"]) == ("failed", "")
    mine = "SELECT kind FROM due_work WHERE merchant_id = $1"
    left = f"{mine} AND kind NOT IN ('settlement', 'reconciliation', 'certificate')"
    assert door.sql(left, merchant.shop.merchant_id) == []
    assert balance(merchant) == "50", "still the merchant's"
    refused(merchant.post("/payouts", AWAY), 409, "insufficient_balance")
    head = door.sql(
        "SELECT attention FROM order_heads WHERE merchant_id = $1", merchant.shop.merchant_id
    )
    assert head[0]["attention"] == "settlement_stuck"
    door.sql(changed, merchant.shop.merchant_id, "USDT")
    door.verified(merchant)


def test_a_payer_hears_when_the_channel_is_away_and_pays_later(door: Door) -> None:
    merchant = door.merchant()
    charged = merchant.charge()
    try:
        fault(door, "outage")
        assert merchant.press_raw(charged).status_code == 503
    finally:
        fault(door, None)
    assert merchant.order(charged["order"]["id"])["order"]["status"] == "created"
    assert merchant.press(charged).status_code == 303
    assert merchant.order(charged["order"]["id"])["order"]["status"] == "paid"


def test_the_most_that_can_be_refunded_stands_in_the_order(merchant: Merchant) -> None:
    """After a fee the wallet holds less than was paid: a refund of all was refused, and nothing
    said how much goes."""
    merchant.fees(basis_points=50)
    order = merchant.paid(amount="50.00")
    assert order["max_refundable"] == "49.75"
    where = f"/orders/{order['id']}/refund"
    error = refused(merchant.post(where, {}), 409, "insufficient_balance")
    assert "49.75" in error["message"]
    part = merchant.post(where, {"amount": order["max_refundable"]}).json()["order"]
    assert (part["refunded_amount"], part["max_refundable"]) == ("49.75", "0")
    merchant.paid(amount="10.00")
    assert merchant.order(order["id"])["order"]["max_refundable"] == "0.25"
    whole = merchant.post(where, {}).json()["order"]
    assert (whole["status"], whole["max_refundable"]) == ("refunded", "0")
    merchant.run_due()
    for body in ({}, {"amount": "0.01"}):
        refused(merchant.post(where, body), 409, "order_not_refundable")
    assert "max_refundable" not in merchant.get("/orders").json()["data"][0]
    direct = merchant.paid(channel="mock_direct", amount="50.00")
    assert direct["max_refundable"] == "0"


EVM = "0x" + "ab" * 20


@pytest.mark.parametrize(
    "destination",
    [
        TRON,
        "tron:TDemoXnotAReaLAddressXdoNotPayXQw8",  # its checksum does not fit
        "tron:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",  # Bitcoin's prefix
        "base:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD".replace(
            "aA", "Aa"
        ),  # capitals that do not fit
        "my wallet",
        "doge:D8vFz4p1L37jdg47HXKtSHA5uYLYxbGgPD",
        "tron:",
        "tron:x",
        ":xyz",
        f"tron:{EVM}",
        f"base:{TRON}",
        f"base:{EVM}0",
        f"base:{EVM[:-1]}g",
        "tron:" + "T" * 400,
        f"tron:{TRON[:-1]}0",
        f"BASE:{EVM}",
        f" base:{EVM}",
        f"base:{EVM}\n",
        f"base: {EVM}",
    ],
)
def test_money_is_not_paid_out_to_what_is_no_address(merchant: Merchant, destination: str) -> None:
    merchant.paid(amount="49.90")
    error = refused(
        merchant.post("/payouts", AWAY | {"destination": destination}), 400, "invalid_request"
    )
    assert error["param"] == "destination"
    assert "For example: mock:" in error["message"] or "for example" in error["message"], error
    assert balance(merchant) == "49.9"


@pytest.mark.parametrize(
    "destination",
    [
        f"base:{EVM}",
        f"ethereum:{EVM.upper().replace('X', 'x')}",
        "mock:my-wallet",
        "bsc:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    ],
)
def test_money_is_paid_out_to_an_address_of_each_kind(merchant: Merchant, destination: str) -> None:
    merchant.paid(amount="49.90")
    assert merchant.post("/payouts", AWAY | {"destination": destination}).status_code == 201


def test_a_bank_account_is_the_banks_words(merchant: Merchant) -> None:
    merchant.paid(amount="49.90")
    bank = AWAY | {
        "destination_type": "bank",
        "destination": "Demo Bank, account 12 of Brightleaf Tea",
    }
    assert merchant.post("/payouts", bank).status_code == 201
    error = refused(
        merchant.post("/payouts", bank | {"destination": "    "}), 400, "invalid_request"
    )
    assert error["param"] == "destination"


def test_an_error_shows_amounts_as_they_were_sent(merchant: Merchant) -> None:
    order = merchant.paid(amount="49.90")
    over = refused(
        merchant.post(f"/orders/{order['id']}/refund", {"amount": "60.5"}),
        400,
        "refund_exceeds_balance",
    )
    assert "(60.50)" in over["message"]
    assert "(49.90)" in over["message"]
