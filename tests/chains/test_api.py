"""What a merchant's server sees of a charge on a chain,
through the real door and on a real node."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.chains.chain_door import WALLET, ChainDoor, chain_door
from tests.chains.node import Anvil

from recoup.chains import intake
from recoup.chains.artifacts import artifact
from recoup.chains.terms import deposit_address, from_json
from recoup.db.server import ServerAddress
from recoup.stablecoin.rules.addresses import read_address, shown


@pytest.fixture
def chain(server: ServerAddress, anvil: Anvil) -> Iterator[ChainDoor]:
    with chain_door(server, anvil, minimum="1.00") as made:
        yield made


def test_a_charge_is_created_then_pending_then_paid(chain: ChainDoor) -> None:
    charged = chain.charge(amount="49.90")
    instruction, payment = charged["instruction"], charged["payment"]
    order = charged["order"]
    assert (order["status"], order["settlement_mode"], order["channel_code"]) == (
        "created",
        "direct",
        "usdc_base",
    )
    assert instruction["type"] == "crypto_address"
    assert (instruction["amount_due"], instruction["chain"], instruction["asset"]) == (
        "49.90",
        "base",
        "USDC",
    )
    assert (instruction["required_confirmations"], instruction["decimals"]) == (10, 6)
    assert instruction["qr"] == instruction["deposit_address"]
    assert instruction["token_contract"] == shown(chain.usdc, "evm")
    assert instruction["checkout_url"].startswith("http://door.test/checkout/")
    assert instruction["expires_at"] == order["expires_at"]
    terms, factory = from_json(instruction["terms"], "evm"), chain.channels[0].factory
    assert factory is not None
    made = deposit_address("evm", factory, artifact("evm").implementation_of(factory), terms)
    assert made == read_address(instruction["deposit_address"], "evm", "deposit_address"), (
        "the terms open it"
    )
    assert (instruction["terms"]["net"], instruction["terms"]["fee"]) == ("49650500", "249500")
    assert payment["channel_ref"] == ""
    assert (payment["amount_received"], payment["deposits"], payment["exceptions"]) == ("0", [], [])
    assert payment["confirmations"] == {"done": 0, "of": 10}
    again = chain.merchant.post(
        "/charges",
        chain.merchant.body(
            merchant_order_id=order["merchant_order_id"], channel="usdc_base", currency="USDC"
        ),
    )
    assert again.status_code == 200
    assert again.json()["instruction"] == instruction

    chain.poll()
    tx = chain.pay(charged, 49_900_000)
    chain.mine(2)
    chain.poll()
    found = chain.answer(charged)
    payment = found["payment"]
    assert (found["order"]["status"], payment["status"], payment["channel_ref"]) == (
        "pending",
        "processing",
        tx,
    )
    assert (payment["amount_received"], payment["confirmations"]) == ("0", {"done": 3, "of": 10})
    (deposit,) = payment["deposits"]
    assert (deposit["tx_hash"], deposit["amount"], deposit["status"]) == (tx, "49.90", "seen")
    assert (deposit["right_token"], deposit["confirmations"]) == (True, {"done": 3, "of": 10})
    assert deposit["block_at"].endswith("Z")

    chain.mine(7)
    chain.poll()
    found = chain.answer(charged)
    payment = found["payment"]
    assert (found["order"]["status"], payment["status"], payment["channel_ref"]) == (
        "paid",
        "succeeded",
        tx,
    )
    assert (payment["amount_received"], payment["confirmations"]) == (
        "49.90",
        {"done": 10, "of": 10},
    )
    assert (payment["deposits"][0]["status"], payment["exceptions"]) == ("confirmed", [])


def test_what_is_wrong_with_a_payment_is_told(chain: ChainDoor) -> None:
    short, over, wrong = (chain.charge(amount="10.00") for _ in range(3))
    chain.poll()
    chain.pay(short, 4_000_000)
    chain.pay(over, 12_500_000)
    chain.pay(wrong, 10_000_000, chain.usdt)
    chain.mine(10)
    chain.poll()
    chain.poll()
    told = {}
    for name, charged in (("short", short), ("over", over), ("wrong", wrong)):
        found = chain.answer(charged)
        told[name] = (
            found["order"]["status"],
            found["payment"]["amount_received"],
            found["payment"]["exceptions"],
            [
                (one["amount"], one["asset"], one["right_token"])
                for one in found["payment"]["deposits"]
            ],
        )
    assert told == {
        "short": ("pending", "4.00", ["underpaid"], [("4.00", "USDC", True)]),
        "over": ("paid", "12.50", ["overpaid"], [("12.50", "USDC", True)]),
        "wrong": ("created", "0", ["wrong_token"], [("10.00", "USDT", False)]),
    }
    chain.pay(short, 6_000_000)
    chain.poll()
    payment = chain.answer(short)["payment"]
    assert (payment["exceptions"], payment["confirmations"]) == ([], {"done": 1, "of": 10}), (
        "the rest is on its way"
    )


def test_refusals_carry_the_code_of_the_contract(chain: ChainDoor) -> None:
    stranger = chain.door.merchant()

    def refused(merchant: object, **changes: str) -> tuple[int, str]:
        body = stranger.body(**{"channel": "usdc_base", "currency": "USDC"} | changes)
        answer = merchant.post("/charges", body, allow_5xx=True)  # type: ignore[attr-defined]
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
        return answer.status_code, answer.json()["error"]["code"]

    assert refused(stranger) == (400, "settlement_address_required")
    assert refused(chain.merchant, amount="0.99") == (400, "invalid_amount")
    assert refused(chain.merchant, currency="USDT")[0] == 400
    intake.serve([replace(chain.channels[0], minimum=50_000_000)])
    assert refused(chain.merchant) == (400, "invalid_amount"), (
        "below the least that the channel takes"
    )
    intake.serve([replace(chain.channels[0], decimals=2)])
    assert refused(chain.merchant, amount="49.905") == (400, "invalid_amount"), (
        "finer than the token"
    )
    intake.serve([replace(chain.channels[0], factory=None)])
    assert refused(chain.merchant) == (503, "channel_unavailable")


def test_me_names_the_wallet_that_holds(chain: ChainDoor) -> None:
    me = chain.merchant.get("/me").json()["merchant"]
    assert (me["settlement_address"], me["settlement_addresses"]) == (WALLET, {"evm": WALLET})
    me = chain.door.merchant().get("/me").json()["merchant"]
    assert (me["settlement_address"], me["settlement_addresses"]) == ("", {})


def test_an_order_of_another_channel_has_nothing_of_it(chain: ChainDoor) -> None:
    charged = chain.merchant.charge()
    assert set(charged["payment"]) == {
        "id",
        "status",
        "channel_code",
        "channel_ref",
        "amount",
        "currency",
    }
    assert set(charged["instruction"]) == {"type", "redirect_url", "checkout_url", "expires_at"}
