"""`[[channels]]`: what the file may say, what is refused at start in one line; no key of a node is
ever shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from recoup.chains.channels import NETWORK_PRESETS, PRESETS, read_channels, without_secrets
from recoup.chains.depth import Step
from recoup.kernel.problem import Problem
from recoup.main.cli import cli
from recoup.main.settings import load_settings
from recoup.stablecoin.rules.addresses import read_address
from recoup.stablecoin.rules.addresses import shown as shown_address
from recoup.stablecoin.rules.channels import CHANNELS, LIVE_CODES, NETWORKS, choose, serve

SECRET = "5up3r5ecretK3yOfTheNode"
ONE, TWO = (
    f"https://one.example/v2/{SECRET}",
    f"https://user:{SECRET}@two.example/rpc?apikey={SECRET}",
)
FACTORY, TREASURY, CUSTODY = (shown_address(bytes([n]) * 20, "evm") for n in (0xF1, 0xA2, 0xC3))
LIVE = {
    "world": "live",
    "code": "usdc_base",
    "endpoints": [ONE, TWO],
    "factory": FACTORY,
    "treasury": TREASURY,
}
TRON = LIVE | {
    "code": "usdt_trc20",
    "factory": shown_address(b"\xf1" * 20, "tron"),
    "treasury": shown_address(b"\xa2" * 20, "tron"),
}
NODE = "http://127.0.0.1:8545"
TEST = LIVE | {
    "world": "sandbox",
    "endpoints": [NODE],
    "chain_id": 31337,
    "decimals": 6,
    "token": shown_address(b"\x70" * 20, "evm"),
}
OWN = LIVE | {
    "code": "usdc_own",
    "network": "base",
    "currency": "USDC",
    "chain_id": 84532,
    "decimals": 6,
    "token": shown_address(b"\x70" * 20, "evm"),
}


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = serve(())
    serve(before)
    yield
    serve(before)


def test_every_code_of_the_contract_has_a_preset() -> None:
    assert set(PRESETS) == LIVE_CODES - {"stripe"}
    assert set(NETWORK_PRESETS) == set(NETWORKS)
    assert len({network.chain_id for network in NETWORK_PRESETS.values()}) == len(NETWORKS)
    for code, token in PRESETS.items():
        assert read_address(token.address, NETWORK_PRESETS[token.network].kind, code)
        assert token.decimals == (18 if token.network == "bsc" else 6)


def test_the_usual_channel_is_its_code_nodes_and_addresses() -> None:
    base, tron = read_channels([LIVE, TRON])
    assert (base.network, base.chain_id, base.asset, base.decimals) == ("base", 8453, "USDC", 6)
    assert shown_address(base.token, "evm") == "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
    assert base.confirmations == (
        Step(0, 10),
        Step(1_000_000_000, "safe"),
        Step(10_000_000_000, "finalized"),
    )
    assert (base.settlement, base.minimum, base.explorer) == ("direct", 0, "https://basescan.org")
    assert (tron.kind, tron.confirmations, tron.token.hex()[:6]) == (
        "tron",
        (Step(0, "finalized"),),
        "a614f8",
    )
    row = base.channel
    assert (row.name, row.kind, row.test, row.currencies) == (
        "USDC on Base",
        "crypto",
        False,
        ("USDC",),
    )
    assert (row.network, row.requires_watcher, row.chain, row.supports_refund) == (
        "base",
        True,
        "evm",
        False,
    )
    assert row.confirmations == "10; from 1000 safe; from 10000 finalized"
    tx = b"\x9f" * 32
    assert base.link("tx", tx) == f"https://basescan.org/tx/0x{tx.hex()}"
    assert tron.link("tx", tx) == f"https://tronscan.org/#/transaction/{tx.hex()}"
    assert (
        tron.link("address", tron.token)
        == "https://tronscan.org/#/address/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    )


def test_tokens_that_are_taken_for_a_channels_own_are_watched() -> None:
    def alike(**listed: Any) -> dict[str, str]:
        (one,) = read_channels([LIVE | listed])
        return {shown_address(token, one.kind): name for token, name in one.lookalikes.items()}

    bridged = "0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8"
    more = shown_address(b"\x88" * 20, "evm")
    assert alike() == {}
    assert alike(code="usdt_arbitrum") == {}
    assert alike(code="usdc_arbitrum") == {bridged: "USDC.e"}
    assert alike(code="usdc_arbitrum", lookalikes=[more, bridged]) == {
        bridged: "USDC.e",
        more: more,
    }
    assert alike(code="usdc_polygon").popitem()[1] == "USDC.e"
    for wrong in ([PRESETS["usdc_base"].address], [f"0x{'0' * 40}"], ["0x12"]):
        with pytest.raises(Problem, match="lookalikes"):
            alike(lookalikes=wrong)


def test_a_channel_of_ones_own_says_all() -> None:
    more = {
        "settlement": "custodial",
        "custody": CUSTODY,
        "minimum": "1.00",
        "confirmations": {"1000": "safe", "0": 3},
    }
    (own,) = read_channels(
        [OWN | more | {"name": "USDC on my chain", "explorer": "https://scan.example/"}]
    )
    assert (own.chain_id, own.minimum, own.custody) == (84532, 1_000_000, b"\xc3" * 20)
    assert own.confirmations == (Step(0, 3), Step(1_000_000_000, "safe"))
    assert (own.channel.supports_refund, own.channel.pays_out_to, own.channel.minimum) == (
        True,
        ("base",),
        1_000_000,
    )
    assert (own.channel.name, own.explorer) == ("USDC on my chain", "https://scan.example")


def test_a_test_channel_is_on_a_node_of_this_machine() -> None:
    (test,) = read_channels([TEST])
    assert (test.channel.test, test.chain_id, test.explorer) == (True, 31337, "")
    assert test.link("tx", bytes(32)) == ""
    assert read_channels([TEST | {"chain_id": 8453, "token": PRESETS["usdc_base"].address}])
    assert read_channels([less(TEST, "factory")])[0].factory is None


def test_several_networks_stand_side_by_side() -> None:
    polygon = LIVE | {"code": "usdt_polygon"}
    assert (
        len(
            read_channels(
                [
                    LIVE,
                    TRON,
                    polygon,
                    polygon | {"code": "usdc_polygon"},
                    TEST | {"code": "try_it", "network": "base", "currency": "USDC"},
                ]
            )
        )
        == 5
    )


OTHER = OWN | {"code": "b", "token": shown_address(b"\x71" * 20, "evm")}
NATIVE = PRESETS["usdc_base"].address


def less(listed: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: value for name, value in listed.items() if name != member}


REFUSED: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "no code": ([less(LIVE, "code")], "1.code", "is missing"),
    "a code with capitals": ([LIVE | {"code": "USDC"}], "USDC.code", "needs a code"),
    "a mock's code": ([LIVE | {"code": "mock"}], "mock.code", "another channel"),
    "no world": ([less(LIVE, "world")], "usdc_base.world", "is missing"),
    "another world": ([LIVE | {"world": "test"}], "usdc_base.world", "sandbox or live"),
    "an unknown member": ([LIVE | {"gas": 3}], "usdc_base.gas", "no setting"),
    "a key": ([LIVE | {"private_key": SECRET}], "usdc_base.private_key", "in the clear"),
    "a number for a text": ([LIVE | {"factory": 1}], "usdc_base.factory", "`str"),
    "a text for a number": ([LIVE | {"chain_id": "1"}], "usdc_base.chain_id", "`int"),
    "true for a number": ([LIVE | {"decimals": True}], "usdc_base.decimals", "`int"),
    "no nodes": ([LIVE | {"endpoints": []}], "usdc_base.endpoints", "length >= 1"),
    "nodes as a text": ([LIVE | {"endpoints": ONE}], "usdc_base.endpoints", "`array`"),
    "one node": ([LIVE | {"endpoints": [ONE]}], "usdc_base.endpoints", "two nodes"),
    "two nodes of one host": (
        [LIVE | {"endpoints": [ONE, ONE + "2"]}],
        "usdc_base.endpoints",
        "two nodes",
    ),
    "this machine twice": (
        [LIVE | {"endpoints": [NODE, "http://localhost:1"]}],
        "usdc_base.endpoints",
        "two",
    ),
    "a node twice": ([LIVE | {"endpoints": [ONE, ONE, TWO]}], "usdc_base.endpoints", "twice"),
    "five nodes": (
        [LIVE | {"endpoints": [f"{ONE}{n}" for n in range(5)]}],
        "usdc_base.endpoints",
        "length <= 4",
    ),
    "plain http": (
        [LIVE | {"endpoints": [ONE, f"http://two.example/{SECRET}"]}],
        "usdc_base.endpoints",
        "2 is",
    ),
    "a socket": (
        [LIVE | {"endpoints": [ONE, f"wss://two.example/{SECRET}"]}],
        "usdc_base.endpoints",
        "2 is",
    ),
    "no address": ([LIVE | {"endpoints": [ONE, "https://[::1"]}], "usdc_base.endpoints", "2 is"),
    "a mistyped factory": ([LIVE | {"factory": FACTORY.lower()}], "usdc_base.factory", "one case"),
    "a treasury on TRON": (
        [LIVE | {"treasury": TRON["treasury"]}],
        "usdc_base.treasury",
        "on TRON",
    ),
    "no treasury": ([less(LIVE, "treasury")], "usdc_base.treasury", "its fees"),
    "the factory as treasury": ([LIVE | {"treasury": FACTORY}], "usdc_base.treasury", "is lost"),
    "the token as treasury": ([LIVE | {"treasury": NATIVE}], "usdc_base.treasury", "lost"),
    "another network": ([LIVE | {"network": "polygon"}], "usdc_base.network", "is base"),
    "another currency": ([LIVE | {"currency": "USDT"}], "usdc_base.currency", "is USDC"),
    "another token": ([LIVE | {"token": FACTORY}], "usdc_base.token", "is 0x8335"),
    "other decimals": ([LIVE | {"decimals": 18}], "usdc_base.token", "6 decimals"),
    "bridged for native": (
        [LIVE | {"code": "usdc_arbitrum", "token": "0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8"}],
        "usdc_arbitrum.token",
        "is 0xaf88",
    ),
    "real money in the sandbox": (
        [TEST | {"chain_id": 1, "endpoints": [ONE]}],
        "usdc_base.chain_id",
        "real",
    ),
    "a test without its chain": ([less(TEST, "chain_id")], "usdc_base.chain_id", "test"),
    "a chain of no number": ([OWN | {"chain_id": 0}], "usdc_own.chain_id", ">= 1"),
    "an own code without its chain": ([less(OWN, "chain_id")], "usdc_own.chain_id", "its chain"),
    "an own code without its token": ([less(OWN, "token")], "usdc_own.token", "contract"),
    "an own code without decimals": ([less(OWN, "decimals")], "usdc_own.decimals", "how many"),
    "an own code without a network": ([less(OWN, "network")], "usdc_own.network", "one of"),
    "another asset": ([OWN | {"currency": "EUR"}], "usdc_own.currency", "USDT or USDC"),
    "too many decimals": ([OWN | {"decimals": 99}], "usdc_own.decimals", "<= "),
    "custodial without custody": (
        [LIVE | {"settlement": "custodial"}],
        "usdc_base.custody",
        "needs the wallet",
    ),
    "direct with custody": (
        [LIVE | {"custody": CUSTODY}],
        "usdc_base.custody",
        "belongs to custodial",
    ),
    "no confirmations": ([LIVE | {"confirmations": 0}], "usdc_base.confirmations", ">= 1"),
    "an unknown tag": ([LIVE | {"confirmations": "latest"}], "usdc_base.confirmations", "'latest'"),
    "true confirmations": ([LIVE | {"confirmations": True}], "usdc_base.confirmations", "`bool`"),
    "an empty table": ([LIVE | {"confirmations": {}}], "usdc_base.confirmations", "whole amounts"),
    "a table without 0": (
        [LIVE | {"confirmations": {"5": 3}}],
        "usdc_base.confirmations",
        "the first of them 0",
    ),
    "a table of words": (
        [LIVE | {"confirmations": {"much": 3}}],
        "usdc_base.confirmations",
        "whole amounts",
    ),
    "safe on TRON": (
        [TRON | {"confirmations": "safe"}],
        "usdt_trc20.confirmations",
        "no safe block",
    ),
    "a minimum too fine": (
        [LIVE | {"minimum": "0.0000001"}],
        "usdc_base.minimum",
        "an amount of USDC",
    ),
    "a negative minimum": ([LIVE | {"minimum": -1}], "usdc_base.minimum", "an amount of USDC"),
    "an inexact minimum": ([LIVE | {"minimum": 1.5}], "usdc_base.minimum", "`float`"),
    "an explorer in the clear": (
        [LIVE | {"explorer": "http://scan.example"}],
        "usdc_base.explorer",
        "https",
    ),
    "an empty name": ([LIVE | {"name": " "}], "usdc_base.name", "has letters"),
    "a code twice": ([LIVE, LIVE], "usdc_base.code", "two channels"),
    "a code in both worlds": ([LIVE, TEST], "usdc_base.code", "two channels"),
    "a token twice": (
        [LIVE, OWN | {"chain_id": 8453, "token": NATIVE}],
        "usdc_own.token",
        "already",
    ),
    "a chain by two names": ([OWN, OTHER | {"network": "polygon"}], "b.network", "network differs"),
    "a chain with other nodes": (
        [OWN, OTHER | {"endpoints": [ONE, TWO + "2"]}],
        "b.endpoints",
        "endpoints differs",
    ),
    "a chain with two factories": (
        [OWN, OTHER | {"factory": CUSTODY}],
        "b.factory",
        "factory differs",
    ),
}


def test_what_is_refused_is_named_with_its_cure_and_without_its_key() -> None:
    wrong = []
    for name, (listed, member, words) in REFUSED.items():
        try:
            read_channels(listed)
            wrong.append(f"{name}: taken")
        except Problem as refused:
            said = refused.sentence()
            code, _, named = member.partition(".")
            if (
                refused.field != f"channels[{code}].{named}"
                or words not in said
                and words not in (refused.cure or "")
            ):
                wrong.append(f"{name}: {refused.field} {said}")
            if SECRET in said or not refused.cure or "\n" in said:
                wrong.append(f"{name}: {said}")
    assert not wrong, "\n".join(wrong)


def test_what_is_no_list_of_tables() -> None:
    for listed, words in (
        ("usdc_base", "must be tables"),
        (["usdc_base"], "must be tables"),
        ([LIVE] * 33, "at most"),
    ):
        with pytest.raises(Problem, match=words):
            read_channels(listed)


def test_no_key_of_a_node_is_shown() -> None:
    (channel,) = read_channels([LIVE])
    said = str(channel)
    assert "one.example" in said
    assert "two.example" in said
    assert SECRET not in said + repr(channel) + repr(channel.channel)
    assert [without_secrets(url) for url in (ONE, TWO, "https://[::1]:8545/x", "https://[bad")] == [
        "one.example",
        "two.example",
        "[::1]:8545",
        "***",
    ]


FILE = f"""
[[channels]]
world = "live"
code = "usdc_base"
endpoints = ["{ONE}", "{TWO}"]
factory = "{FACTORY}"
treasury = "{TREASURY}"
confirmations = {{ 0 = 10, 1000 = "safe" }}

[[channels]]
world = "sandbox"
code = "usdc_try"
network = "base"
currency = "USDC"
chain_id = 31337
token = "{shown_address(bytes([0x70]) * 20, "evm")}"
decimals = 6
endpoints = ["{NODE}"]
treasury = "{TREASURY}"
"""


def test_the_settings_serve_what_the_file_lists(tmp_path: Path) -> None:
    (tmp_path / "recoup.toml").write_text(FILE)
    loaded = load_settings(data_dir=tmp_path)
    assert [one.code for one in loaded.channels] == ["usdc_base", "usdc_try"]
    assert [*CHANNELS] == ["mock", "mock_direct", "usdc_base", "usdc_try"]
    assert choose(None, "base", "USDC", test=False) is CHANNELS["usdc_base"]
    assert SECRET not in repr(loaded)
    printed = CliRunner().invoke(cli, ["settings", "--data-dir", str(tmp_path)])
    assert printed.exit_code == 0
    assert SECRET not in printed.output
    assert "no factory yet" in printed.output
    assert "two.example" in printed.output


def test_without_channels_there_are_the_mock_ones(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).channels == ()
    assert [*CHANNELS] == ["mock", "mock_direct"]


def test_coins_are_shown_with_their_name_and_to_six_digits() -> None:
    base, tron = read_channels([TEST, TRON])
    texts = {
        0: "0 ETH",
        2_100_000_000_000_000: "0.0021 ETH",
        652_556_343_502_887: "0.000652556 ETH",
        10**19: "10 ETH",
    }
    assert {units: base.coins(units) for units in texts} == texts
    assert (base.chain, tron.coins("12300000")) == ("Base (31337)", "12.3 TRX")
