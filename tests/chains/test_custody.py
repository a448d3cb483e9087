"""Custodial money on a real node: it is gathered, and leaves as refunds and payouts."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from tests.chains.chain_door import WALLET, ChainDoor, chain_door
from tests.chains.node import Anvil
from tests.chains.test_story import MERCHANT
from tests.here import Here
from tests.left_processes import Killer, dying_process, kills, run_until_killed
from tests.refunds.flows.test_refund_requests import agree, ask, limit
from tests.rings import deep
from tests.stablecoin.door import URL
from tests.stablecoin.flows import deciding as late
from tests.worlds import Shop

from recoup.chains import cli
from recoup.chains.artifacts import artifact
from recoup.chains.cli import chain
from recoup.chains.keystore import Account, KeySigner
from recoup.chains.rpc import Endpoint
from recoup.chains.send import Sender
from recoup.chains.transfers import give_address, tell
from recoup.chains.watch import Network, networks_of
from recoup.db.server import ServerAddress
from recoup.kernel.ids import parse_wire_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.orders.rules.lifecycle import Stage
from recoup.people.page.feature_parts import refunds_to
from recoup.processors.gateways.transport import Transport
from recoup.refunds.flows.send import send_modification
from recoup.stablecoin.flows.payouts import decide_payout
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.stable_orders import StableOrder, stable_order

CUSTODY = KeySigner(Account.from_key(b"\x07" * 32))
PAYER = bytes.fromhex("3c" * 20)
TO = shown(PAYER, "evm")
CUSTODIAL = {"settlement": "custodial", "custody": shown(CUSTODY.address, "evm")}


class Custody:
    """A door whose channel `usdc_base` keeps what is paid, with the custody wallet's sender."""

    def __init__(self, door: ChainDoor) -> None:
        self.chain, self.door, self.merchant = door, door.door, door.merchant
        self.network = networks_of(door.channels)[0]

        async def made() -> tuple[Transport, Endpoint]:
            transport = Transport(self.door.world.clocks, 1 << 22)
            return transport, Endpoint(door.anvil.url, transport, self.door.world.clocks)

        self.transport, self.node = self.door.run(made())
        self.door.run(door.anvil.set_coins(CUSTODY.address, 10**18))
        self.sender = self.another()

    def another(self, **more: Any) -> Sender:
        return Sender(self.door.world, self.network, [self.node], CUSTODY, 10**12, **more)

    def paid(self, amount: str = "49.90", units: int = 49_900_000) -> dict[str, Any]:
        """A paid order whose money is in the custody wallet."""
        charged = self.chain.charge(amount=amount)
        self.chain.pay(charged, units)
        self.go_on()
        return charged

    def order(self, charged: dict[str, Any]) -> StableOrder:
        order_id = parse_wire_id("ord", charged["order"]["id"])
        assert order_id is not None
        order = self.door.run(
            stable_order(self.door.world.db, self.merchant.shop.merchant_id, order_id)
        )
        assert order is not None
        return cast("StableOrder", order)

    def go_on(self) -> None:
        """All that is to happen: due work, sends, blocks and what is read of them."""
        for _ in range(3):
            self.door.run(self.merchant.shop.run_due())
            self.door.run(self.sender.work())
            self.chain.mine(12)
            self.door.run(self.sender.work())
            self.chain.poll()
            self.door.run(tell(self.door.world, self.door.orders, 31337))

    def held(self, holder: bytes) -> int:
        return self.door.run(self.chain.anvil.held(self.chain.usdc, holder))

    def refund(self, charged: dict[str, Any], *, key: str | None = None, **body: Any) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.merchant.post(f"/orders/{charged['order']['id']}/refund", body, headers=headers)

    def sends(self, kind: str) -> list[Any]:
        return self.door.sql(
            "SELECT * FROM chain.sends WHERE subject_kind = $1 ORDER BY wanted_at", kind
        )

    def close(self) -> None:
        self.door.run(self.sender.close())
        self.door.run(self.transport.close())


@pytest.fixture
def custody(server: ServerAddress, anvil: Anvil) -> Iterator[Custody]:
    with chain_door(server, anvil, **CUSTODIAL) as door:
        made = Custody(door)
        try:
            yield made
        finally:
            made.close()


def test_refunds_go_to_the_named_wallet_each_once(custody: Custody) -> None:
    first, charged = custody.paid(), custody.paid()
    assert charged["instruction"]["terms"]["merchant"] == CUSTODIAL["custody"]
    order = custody.chain.answer(charged)
    assert (order["order"]["status"], order["order"]["settlement_mode"]) == ("paid", "custodial")
    assert custody.held(CUSTODY.address) == 2 * 49_650_500, "gathered, without the fees"
    answer = custody.refund(charged, amount="10.00", to_address=TO)
    assert (answer.status_code, answer.json()["order"]["status"]) == (200, "partially_refunded")
    again = custody.refund(charged, amount="10.00", to_address=TO)
    assert again.json() == answer.json(), "the same call, as long as the first is open"
    custody.go_on()
    assert custody.held(PAYER) == 10_000_000
    (send,) = custody.sends("refund")
    assert (send["state"], send["receiver"]) == ("done", PAYER)
    (refund,) = custody.door.sql("SELECT state, reference FROM modifications WHERE kind = 'refund'")
    assert (refund["state"], refund["reference"]) == ("done", "0x" + send["hash"].hex())
    answer = custody.refund(charged, to_address=TO)
    assert answer.json()["order"]["status"] == "refunded", answer.text
    custody.go_on()
    assert custody.held(PAYER) == 49_900_000
    assert custody.held(CUSTODY.address) == 49_401_000
    assert custody.chain.answer(first)["order"]["status"] == "paid"
    custody.door.verified()


def test_what_comes_too_much_or_later_is_gathered_too(custody: Custody) -> None:
    charged = custody.paid(units=50_000_000)
    assert custody.held(CUSTODY.address) == 49_750_500
    custody.chain.pay(charged, 1_000_000)
    custody.go_on()
    assert custody.held(CUSTODY.address) == 50_750_500
    assert [one["state"] for one in custody.sends("custody")] == ["done", "done"]


def test_a_refund_without_an_address_says_how_to_give_one(custody: Custody) -> None:
    charged = custody.paid()
    before = custody.door.counts() | {"wallets": 1}
    answer = custody.refund(charged, amount="1.00")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400,
        "refund_destination_required",
        "to_address",
    )
    assert "to_address" in error["message"], "the cure"
    assert custody.door.counts() == before


def test_only_wallets_of_others_get_refunds(custody: Custody) -> None:
    charged, channel = custody.paid(), custody.chain.channels[0]
    assert channel.factory is not None
    lower = "0x" + bytes.fromhex("ab" * 20).hex()
    mistyped = shown(bytes.fromhex("ab" * 20), "evm").swapcase().replace("0X", "0x")
    wrong = {
        "nothing": "",
        "no checksum": lower,
        "mistyped": mistyped,
        "too short": TO[:-1],
        "on TRON": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        "nobody's": "0x" + 40 * "0",
        "a token": shown(channel.token, "evm"),
        "another token": shown(custody.chain.usdt, "evm"),
        "the factory": shown(channel.factory, "evm"),
        "the deposit contract": shown(artifact("evm").implementation_of(channel.factory), "evm"),
        "the custody wallet": CUSTODIAL["custody"],
        "the treasury": shown(channel.treasury, "evm"),
        "the order's own address": charged["instruction"]["deposit_address"],
    }
    for name, text in wrong.items():
        answer = custody.refund(charged, amount="1.00", to_address=text)
        assert (answer.status_code, answer.json()["error"].get("param")) == (400, "to_address"), (
            name,
            answer.text,
        )
    assert not custody.sends("refund")
    assert custody.chain.answer(charged)["order"]["status"] == "paid"


def page(custody: Custody, charged: dict[str, Any], **form: str) -> Any:
    url = charged["instruction"]["checkout_url"].removeprefix("http://door.test")
    return custody.door.call("POST", url, data=form) if form else custody.door.call("GET", url)


def test_the_payer_gives_an_address_on_the_page_and_another_than_theirs_needs_the_merchants_yes(
    custody: Custody,
) -> None:
    charged = custody.paid()
    payer = custody.door.run(custody.chain.anvil.account())
    assert "Address for a refund" in page(custody, charged).text
    answer = page(custody, charged, to_address=TO[:-1])
    assert (answer.status_code, "wrong length" in answer.text) == (400, True)
    answer = page(custody, charged, to_address=TO)
    assert answer.status_code == 303
    assert "Saved." in custody.door.call("GET", answer.headers["location"]).text
    answer = custody.refund(charged, amount="1.00")
    assert (answer.status_code, TO in answer.json()["error"]["message"]) == (400, True), (
        "money came from elsewhere"
    )
    page(custody, charged, to_address=f" {shown(payer, 'evm')} ")
    assert f'value="{shown(payer, "evm")}"' in page(custody, charged).text
    assert custody.refund(charged, amount="1.00").status_code == 200
    page(custody, charged, to_address=TO)
    custody.go_on()
    (send,) = custody.sends("refund")
    assert (send["receiver"], send["state"]) == (payer, "done"), "as it was when it was refunded"
    assert custody.refund(charged, amount="1.00", to_address=TO).status_code == 200, (
        "the merchant's yes"
    )
    custody.go_on()
    assert custody.held(PAYER) == 1_000_000


def test_the_merchants_word_in_the_portal_is_enough(custody: Custody) -> None:
    charged, world, shop = custody.paid(), custody.door.world, custody.merchant.shop
    order = custody.order(charged)
    with pytest.raises(Problem, match="mistyped"):
        custody.door.run(give_address(world, order, TO.swapcase().replace("0X", "0x"), shop.scope))
    custody.door.run(give_address(world, order, TO, shop.scope))
    (line,) = custody.door.sql(
        "SELECT facts FROM audit_lines WHERE action = 'refund_address.named'"
    )
    assert json.loads(line["facts"])["address"] == TO
    assert custody.refund(charged, amount="1.00").status_code == 200
    custody.go_on()
    assert custody.held(PAYER) == 1_000_000


def test_what_a_second_person_approved_goes_where_it_was_asked_for(custody: Custody) -> None:
    charged, world, shop = custody.paid(), custody.door.world, custody.merchant.shop
    order = custody.order(charged)
    custody.door.run(give_address(world, order, TO, shop.scope))
    custody.door.run(limit(shop, second=1, asset="USDC"))
    asked = custody.door.run(ask(shop, order.order_id, "1.00"))
    assert asked.waits
    other = custody.door.run(custody.chain.anvil.account(3))
    with pytest.raises(Problem, match="already waiting for approval"):
        custody.door.run(give_address(world, order, shown(other, "evm"), shop.scope))
    assert page(custody, charged, to_address=shown(other, "evm")).status_code == 409
    shows = custody.door.run(refunds_to(world.db.reader, shop.merchant_id, [order.order_id]))
    assert shows == {asked.refund_id: TO}, "what the second person sees"
    custody.door.sql(
        "UPDATE deposit_addresses SET refund_to = $1", other
    )  # as one that was saved in between
    custody.door.run(agree(shop, asked.refund_id))
    custody.door.run(give_address(world, order, shown(other, "evm"), shop.scope))
    custody.go_on()
    assert (custody.held(PAYER), custody.held(other)) == (1_000_000, 0)
    custody.door.verified()


def test_who_only_has_the_link_gets_no_refund_for_a_little_money(custody: Custody) -> None:
    """They send the smallest amount from their wallet, and give that wallet on the page."""
    charged = custody.paid()
    stranger = custody.door.run(custody.chain.anvil.account(3))
    to = bytes.fromhex(charged["instruction"]["deposit_address"][2:])
    custody.door.run(custody.chain.anvil.mint(custody.chain.usdc, stranger, 1))
    custody.door.run(custody.chain.anvil.transfer(custody.chain.usdc, to, 1, account=3))
    custody.go_on()
    assert page(custody, charged, to_address=shown(stranger, "evm")).status_code == 303
    answer = custody.refund(charged)
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        400,
        "refund_destination_required",
    )
    custody.go_on()
    assert not custody.sends("refund")
    payer = custody.door.run(custody.chain.anvil.account())
    assert page(custody, charged, to_address=shown(payer, "evm")).status_code == 303
    assert custody.refund(charged, amount="1.00").status_code == 200, "the whole came from there"


def test_the_page_does_not_replace_the_merchants_word(custody: Custody) -> None:
    charged, world, shop = custody.paid(), custody.door.world, custody.merchant.shop
    payer = custody.door.run(custody.chain.anvil.account())
    order = custody.order(charged)
    custody.door.run(give_address(world, order, TO, shop.scope))
    assert "Address for a refund" not in page(custody, charged).text
    assert page(custody, charged, to_address=shown(payer, "evm")).status_code == 409
    assert custody.refund(charged, amount="1.00").status_code == 200
    custody.go_on()
    assert (custody.held(PAYER), len(custody.sends("refund"))) == (1_000_000, 1)


def test_too_little_is_given_back_to_a_named_wallet(custody: Custody) -> None:
    charged, world, shop = custody.chain.charge(), custody.door.world, custody.merchant.shop
    custody.chain.pay(charged, 4_000_000)
    custody.door.run(shop.advance(timedelta(minutes=31)))
    custody.chain.mine(12)
    custody.go_on()
    order = custody.order(charged)
    assert order.stage is Stage.EXPIRED
    orders, scope = custody.door.orders, shop.scope
    with pytest.raises(Problem, match="address that it goes to"):
        custody.door.run(late.give_back(world, orders, scope, order.order_id))
    with pytest.raises(Problem, match="mistyped"):
        custody.door.run(
            late.give_back(world, orders, scope, order.order_id, TO.swapcase().replace("0X", "0x"))
        )
    custody.door.run(give_address(world, order, TO, scope))  # the page of deposits takes it, too
    custody.door.run(late.give_back(world, orders, scope, order.order_id, TO))
    custody.door.run(late.give_back(world, orders, scope, order.order_id))
    custody.go_on()
    assert custody.held(PAYER) == 4_000_000
    custody.door.verified()


def test_direct_orders_are_not_refunded_here(server: ServerAddress, anvil: Anvil) -> None:
    with chain_door(server, anvil) as chain:
        charged = chain.charge()
        chain.pay(charged, 49_900_000)
        chain.mine(12)
        chain.poll()
        for body in ({"amount": "1.00"}, {"amount": "1.00", "to_address": TO}):
            answer = chain.merchant.post(f"/orders/{charged['order']['id']}/refund", body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (
                409,
                "refund_unsupported",
            )
        url = charged["instruction"]["checkout_url"].removeprefix("http://door.test")
        assert "Address for a refund" not in chain.door.call("GET", url).text
        assert chain.door.call("POST", url, data={"to_address": TO}).status_code == 409
        (network,) = networks_of(chain.channels)
        assert not chain.door.sql("SELECT * FROM deposit_addresses WHERE refund_to IS NOT NULL"), (
            network
        )


def test_an_address_belongs_to_orders_on_a_chain(custody: Custody) -> None:
    charged = custody.merchant.charge()
    custody.merchant.press(charged)
    answer = custody.merchant.post(
        f"/orders/{charged['order']['id']}/refund", {"amount": "1.00", "to_address": TO}
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "to_address")


# Payouts
# --------------------------------------------------------------------------------------------------


def ask_payout(custody: Custody, amount: str = "20.00", to: str = f"base:{WALLET}") -> Any:
    return custody.merchant.post(
        "/payouts", {"amount": amount, "currency": "USDC", "destination": to}
    )


def payout(custody: Custody) -> dict[str, Any]:
    found: dict[str, Any] = custody.merchant.get("/payouts").json()["data"][0]
    return found


def decide(custody: Custody, who: str, *, approve: bool) -> None:
    payout_id = parse_wire_id("po", payout(custody)["id"])
    assert payout_id is not None
    scope = Scope(custody.merchant.shop.merchant_id, Actor.of(who), "test")
    custody.door.run(decide_payout(custody.door.world, scope, payout_id, approve=approve))


def test_a_payout_leaves_for_the_settlement_address_once_a_second_person_agrees(
    custody: Custody,
) -> None:
    custody.paid()
    other = ask_payout(custody, to=f"base:{TO}")
    assert (other.status_code, other.json()["error"]["param"]) == (400, "destination")
    assert WALLET in other.json()["error"]["message"], "the cure names it"
    assert ask_payout(custody, "49.66").json()["error"]["code"] == "insufficient_balance"
    assert ask_payout(custody).json()["payout"]["status"] == "requested"
    custody.go_on()
    assert payout(custody)["status"] == "requested", "nobody has approved it"
    (alert,) = custody.door.sql("SELECT facts FROM alerts WHERE kind = 'chain_sender'")
    assert json.loads(alert["facts"])["what"] == "payout"
    (row,) = custody.door.sql("SELECT actor FROM payouts")
    with pytest.raises(Problem, match="second person"):
        decide(custody, row["actor"], approve=True)
    decide(custody, "operator:olga", approve=True)
    custody.go_on()
    (send,) = custody.sends("payout")
    assert (payout(custody)["status"], payout(custody)["reference"]) == (
        "paid",
        "0x" + send["hash"].hex(),
    )
    assert custody.held(MERCHANT) == 20_000_000
    with pytest.raises(Problem, match="nothing is to be decided"):
        decide(custody, "operator:olga", approve=False)
    custody.door.verified()


def test_a_payout_that_is_refused_or_whose_address_is_withdrawn_is_back_in_the_wallet(
    custody: Custody,
) -> None:
    custody.paid()
    ask_payout(custody)
    decide(custody, "operator:olga", approve=False)
    assert payout(custody)["status"] == "rejected"
    ask_payout(custody)
    custody.door.sql("UPDATE settlement_addresses SET withdrawn_at = now()")
    decide(custody, "operator:olga", approve=True)
    custody.go_on()
    assert (payout(custody)["status"], payout(custody)["reason"]) == (
        "failed",
        "no_settlement_address",
    )
    assert custody.merchant.get("/wallets").json()["data"][0]["balance"] == "49.6505"
    assert not custody.sends("payout")
    custody.door.verified()


@pytest.mark.parametrize("held", [False, True])
def test_a_payout_that_waits_stops_when_its_address_is_withdrawn(
    custody: Custody,
    held: bool,  # noqa: FBT001
) -> None:
    custody.paid()
    ask_payout(custody)
    decide(custody, "operator:olga", approve=True)
    custody.door.run(custody.merchant.shop.run_due())
    if held:
        custody.door.sql("UPDATE chain.sends SET state = 'held' WHERE subject_kind = 'payout'")
    (send,) = custody.sends("payout")
    assert send["state"] == ("held" if held else "wanted")
    custody.door.sql("UPDATE settlement_addresses SET withdrawn_at = now()")
    if held:
        verb(custody, "send", "--again", str(send["send_id"]))
    custody.go_on()
    assert (payout(custody)["status"], payout(custody)["reason"]) == (
        "failed",
        "no_settlement_address",
    )
    assert custody.merchant.get("/wallets").json()["data"][0]["balance"] == "49.6505"
    assert custody.held(MERCHANT) == 0
    (send,) = custody.sends("payout")
    assert (send["state"], send["why"]) == ("failed", "the address is withdrawn")
    (alert,) = custody.door.sql(
        "SELECT facts FROM alerts WHERE kind = 'chain_sender' ORDER BY alert_id DESC LIMIT 1"
    )
    assert json.loads(alert["facts"])["what"] == "failed"
    custody.door.verified()


# What failed
# --------------------------------------------------------------------------------------------------


def verb(custody: Custody, *words: str) -> str:
    """`recoup chain` with these words: what it printed, or the refusal."""

    async def does(work: Any) -> Any:
        door = custody.door
        return await work(
            Opened(door.world, Services(door.orders, door.deliveries), Path("/nowhere"), URL)
        )

    done = CliRunner().invoke(
        chain,
        list(words),
        obj=Here(lambda work: custody.door.run(does(work))),
        standalone_mode=False,
    )
    if isinstance(done.exception, Problem):
        return f"refused: {done.exception.message}"
    assert done.exception is None, done.exception
    return done.output


def test_a_refund_that_the_token_refuses_is_a_case_and_goes_once_a_person_says_so(
    custody: Custody,
) -> None:
    charged = custody.paid()
    custody.refund(charged, amount="10.00", to_address=TO)
    custody.door.run(custody.chain.anvil.freeze(custody.chain.usdc, PAYER))
    custody.go_on()
    (send,) = custody.sends("refund")
    assert (send["state"], "frozen" in send["why"]) == ("failed", True)
    (refund,) = custody.door.sql("SELECT state FROM modifications WHERE kind = 'refund'")
    (order,) = custody.door.sql("SELECT attention FROM order_heads")
    assert (refund["state"], order["attention"]) == ("stuck", "refund_stuck")
    custody.go_on()
    assert len(custody.sends("refund")) == 1, "no blind repeat"
    listed = json.loads(verb(custody, "sends", "--json"))
    assert [(one["id"], one["for"], one["state"]) for one in listed["stuck"]] == [
        (str(send["send_id"]), "refund", "failed")
    ]
    custody.door.run(custody.chain.anvil.freeze(custody.chain.usdc, PAYER, False))
    verb(custody, "send", "--again", str(send["send_id"]))
    custody.go_on()
    assert custody.held(PAYER) == 10_000_000
    assert [one["state"] for one in custody.sends("refund")] == ["failed", "done"]
    custody.door.verified()


def test_a_sweep_that_the_token_refuses_is_a_case_too(custody: Custody) -> None:
    charged = custody.chain.charge()
    custody.door.run(custody.chain.anvil.freeze(custody.chain.usdc, CUSTODY.address))
    custody.chain.pay(charged, 49_900_000)
    custody.go_on()
    (send,) = custody.sends("custody")
    assert (send["state"], custody.chain.answer(charged)["order"]["status"]) == ("failed", "paid")
    (alert,) = custody.door.sql("SELECT facts FROM alerts WHERE kind = 'chain_sender'")
    assert json.loads(alert["facts"])["what"] == "failed"
    custody.door.run(custody.chain.anvil.freeze(custody.chain.usdc, CUSTODY.address, False))
    verb(custody, "send", "--again", str(send["send_id"]))
    custody.go_on()
    assert custody.held(CUSTODY.address) == 49_650_500


def test_a_payout_that_failed_is_requested_anew(custody: Custody) -> None:
    custody.paid()
    ask_payout(custody)
    decide(custody, "operator:olga", approve=True)
    custody.door.run(custody.chain.anvil.freeze(custody.chain.usdc, MERCHANT))
    custody.go_on()
    (send,) = custody.sends("payout")
    assert (payout(custody)["status"], send["state"]) == ("failed", "failed")
    assert "back in the wallet" in verb(custody, "send", "--again", str(send["send_id"]))
    assert custody.merchant.get("/wallets").json()["data"][0]["balance"] == "49.6505"
    custody.door.verified()


def test_the_sender_says_in_one_line_what_it_lacks(
    custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOUP_CHAIN_PASSWORD", "none")
    refusals = {
        ("send",): "Name one key",
        ("send", "--again", "x"): "no such send",
        ("send", "--again", str(uuid4())): "no such send",
        ("send", "--key", "/nowhere/key.json"): "cannot be opened",
    }
    for words, said in refusals.items():
        answer = verb(custody, *words)
        assert answer.startswith("refused: "), words
        assert said in answer, words
        assert "\n" not in answer, words


def test_no_error_ends_the_loop_of_a_chain_or_shows_a_nodes_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "PAUSE_SECONDS", 0.0)
    turns = iter(
        [ValueError("https://node.example/KEY"), KeyError("KEY"), asyncio.CancelledError()]
    )

    async def once() -> None:
        raise next(turns)

    network = Network(31337, "evm", bytes(20), {})
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cli._forever(network, once))
    assert capsys.readouterr().err == "chain 31337: ValueError\nchain 31337: KeyError\n"


@deep("kills")
def test_a_refund_whose_processes_die_at_any_step_goes_once(custody: Custody) -> None:
    """The worker that wants it sent, and the one that hears of its end; the sender's own deaths:
    test_sender.py."""
    door, shop = custody.door, custody.merchant.shop
    charged, count = custody.paid(), 0

    async def life(dying: Shop) -> None:
        await dying.run_due()
        await custody.sender.work()
        await custody.chain.anvil.mine(12)
        await custody.sender.work()
        await tell(dying.world, dying.orders, 31337)

    async def killed(killer: Killer) -> None:
        async with dying_process(shop, killer) as dying:
            answer = await run_until_killed(killer, life(dying))
        assert answer is None, answer

    async def recovered(modification_id: UUID) -> None:
        """As the due work does once the dead worker's lease is over."""
        await send_modification(door.world, door.orders, shop.merchant_id, modification_id)

    for killer in kills("a refund on a chain", least=15, most=120):
        if count and count % 90 == 0:
            charged = custody.paid()
        answer = custody.refund(charged, amount="0.10", to_address=TO, key=f"refund-{count}")
        assert answer.status_code == 200, answer.text
        door.run(killed(killer))
        newest = (
            "SELECT modification_id, state FROM modifications WHERE kind = 'refund' "
            "ORDER BY business_at DESC LIMIT 1"
        )
        door.run(recovered(door.sql(newest)[0]["modification_id"]))
        custody.go_on()
        count += 1
        assert custody.held(PAYER) == count * 100_000
        assert door.sql(newest)[0]["state"] == "done"
    assert [one["state"] for one in custody.sends("refund")] == ["done"] * count
    door.verified()
