"""One of the sender's two nodes lies: nothing goes twice, and no gas is spent beyond need."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.chains.node import Anvil
from tests.chains.test_sender import CHAIN, COIN, CUSTODY, Sending, run, want_sweep

from recoup.chains import abi, sends_store
from recoup.chains.abi import to_hex
from recoup.chains.deploy import deploy_factory
from recoup.chains.rpc import AwayError, Endpoint, Refused
from recoup.chains.send import LOST_BLOCKS, Sender
from recoup.chains.terms import from_json
from recoup.chains.watch import HaltError, networks_of
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem

Twist = Callable[[str, Any], Any]
GWEI = 10**9


class Twisting(Endpoint):
    """The node, whose answers are changed on their way."""

    def __init__(self, node: Endpoint, twist: Twist) -> None:
        self.name, self.node, self.twist = "twisting.example", node, twist

    async def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        said = await self.node.batch(calls)
        return [self.twist(method, answer) for (method, _), answer in zip(calls, said, strict=True)]


def sender_with(made: Sending, twist: Twist, first: bool) -> Sender:  # noqa: FBT001
    nodes = [made.ground.node, Twisting(made.ground.node, twist)]
    (network,) = networks_of([made.ground.channel])
    one = Sender(
        made.ground.shop.world, network, nodes[::-1] if first else nodes, CUSTODY, 200 * GWEI
    )
    made.ground.senders.append(one)
    return one


def reverted(method: str, answer: Any) -> Any:
    return (
        answer | {"status": "0x0"} if method == "eth_getTransactionReceipt" and answer else answer
    )


def without_logs(method: str, answer: Any) -> Any:
    return answer | {"logs": []} if method == "eth_getTransactionReceipt" and answer else answer


def ahead(method: str, answer: Any) -> Any:
    """A head that is far ahead."""
    return answer | {"number": "0xfffff"} if method == "eth_getBlockByNumber" and answer else answer


def greedy(method: str, answer: Any) -> Any:
    return hex(190 * GWEI) if method == "eth_maxPriorityFeePerGas" else answer


def hungry(method: str, answer: Any) -> Any:
    return hex(1 << 40) if method == "eth_estimateGas" else answer


def swallowing(method: str, answer: Any) -> Any:
    return Refused(-32000, "no") if method == "eth_sendRawTransaction" else answer


def test_the_factory_is_not_paid_at_any_price(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One node alone says what its gas costs."""

    async def story(made: Sending) -> None:
        real = Endpoint.batch

        async def greedily(node: Endpoint, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
            said = await real(node, calls)
            return [_dear(method, answer) for (method, _), answer in zip(calls, said, strict=True)]

        def _dear(method: str, answer: Any) -> Any:
            if method == "eth_getCode" and not deployed:
                deployed.append(True)
                return "0x"
            return hex(5_000 * GWEI) if method == "eth_maxPriorityFeePerGas" else answer

        deployed: list[bool] = []
        monkeypatch.setattr(Endpoint, "batch", greedily)
        world = made.ground.shop.world
        with pytest.raises(Problem, match="is the most"):
            await deploy_factory(made.ground.channel, world, CUSTODY, 200 * GWEI)
        assert await anvil.held(None, CUSTODY.address) == COIN

    run(server, anvil, story)


FIRST = pytest.mark.parametrize("first", [False, True])


@FIRST
@pytest.mark.parametrize("twist", [reverted, without_logs])
def test_a_transfer_that_went_is_not_failed_by_one_node(
    server: ServerAddress,
    anvil: Anvil,
    twist: Twist,
    first: bool,  # noqa: FBT001
) -> None:
    """Failed, its refund would be sent once more under another id."""

    async def story(made: Sending) -> None:
        lies = [True]
        one = sender_with(made, lambda *said: twist(*said) if lies[0] else said[1], first)
        send_id, to = await made.want(1_000_000)
        for _ in range(3):
            await one.work()
            await made.anvil.mine(4)
        assert ((await made.send(send_id)).state, await made.held(to)) == ("signed", 1_000_000)
        assert "do not agree" in (await made.trouble() or "")
        lies[0] = False
        await made.finish(one)
        assert ((await made.send(send_id)).state, await made.held(to), await made.trouble()) == (
            "done",
            1_000_000,
            None,
        )

    run(server, anvil, story)


@FIRST
def test_depth_and_patience_are_not_one_nodes_word(
    server: ServerAddress, anvil: Anvil, first: bool
) -> None:  # noqa: FBT001
    async def story(made: Sending) -> None:
        one = sender_with(made, ahead, first)
        send_id, _ = await made.want(1_000_000)
        await made.anvil.automine(False)
        for _ in range(4):
            await one.work()
        assert len(await made.transactions()) == 1, "none dearer"
        await made.anvil.mine(1)
        await one.work()
        assert (await made.send(send_id)).state == "signed", "one block deep, of three"
        await made.anvil.mine(2)
        await one.work()
        assert (await made.send(send_id)).state == "done"

    run(server, anvil, story)


@FIRST
def test_sweeps_that_one_node_refuses_hold_up_none_behind_them(
    server: ServerAddress,
    anvil: Anvil,
    first: bool,  # noqa: FBT001
) -> None:
    async def story(made: Sending) -> None:
        blocked: list[str] = []

        class Refusing(Twisting):
            async def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
                said = await super().batch(calls)
                dry = [
                    bool(asks) and any(word in str(asks[0]) for word in blocked)
                    for _, asks in calls
                ]
                return [
                    Refused(3, "no") if refused else answer
                    for refused, answer in zip(dry, said, strict=True)
                ]

        one = made.sender
        nodes = [made.ground.node, Refusing(made.ground.node, lambda _, answer: answer)]
        one.together, one._nodes = 2, nodes[::-1] if first else nodes
        wanted = []
        for number in range(6):
            send_id, to = await want_sweep(made, 1_000_000)
            wanted.append((send_id, to))
            send = await made.send(send_id)
            if number < 3:
                blocked.append(from_json(send.terms, "evm").encoded().hex())
        await made.finish(one)
        states = [(await made.send(send_id)).state for send_id, _ in wanted]
        assert states == ["wanted"] * 3 + ["done"] * 3
        blocked.clear()
        await made.finish(one)
        assert {(await made.send(send_id)).state for send_id, _ in wanted} == {"done"}

    run(server, anvil, story)


@FIRST
def test_a_transfer_of_more_than_there_is_waits(
    server: ServerAddress, anvil: Anvil, first: bool
) -> None:  # noqa: FBT001
    """By the balance of a node that is behind it would run dry, and fail."""

    async def story(made: Sending) -> None:
        class Rich(Twisting):
            async def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
                said, asked = await super().batch(calls), to_hex(abi.balance_of(CUSTODY.address))
                is_asked = [
                    method == "eth_call" and asks[0]["data"] == asked for method, asks in calls
                ]
                return [
                    to_hex(abi.uint_word(1 << 64)) if yes else one
                    for yes, one in zip(is_asked, said, strict=True)
                ]

        nodes = [made.ground.node, Rich(made.ground.node, lambda _, answer: answer)]
        made.sender._nodes = nodes[::-1] if first else nodes
        send_id, _ = await made.want(1_000_000_001)
        assert await made.sender.work() == 0
        assert ((await made.send(send_id)).state, "wallet lacks" in str(await made.trouble())) == (
            "wanted",
            True,
        )

    run(server, anvil, story)


def behind(method: str, answer: Any) -> Any:
    """None of the key's transactions."""
    if method == "eth_getTransactionReceipt":
        return None
    return "0x0" if method == "eth_getTransactionCount" else answer


def far_behind(method: str, answer: Any) -> Any:
    """Blocks that were before the key's transactions."""
    return (
        answer | {"number": "0x1"}
        if method == "eth_getBlockByNumber" and answer
        else behind(method, answer)
    )


@pytest.mark.parametrize(("twist", "count"), [(behind, 1), (far_behind, 1), (far_behind, 2)])
@FIRST
def test_nodes_that_lag_take_nothing_back(
    server: ServerAddress,
    anvil: Anvil,
    twist: Twist,
    count: int,
    first: bool,  # noqa: FBT001
) -> None:
    async def story(made: Sending) -> None:
        send_id, _ = await made.want(1_000_000)
        await made.finish()
        await made.sender.close()
        one = sender_with(made, twist, first)
        if count > 1:
            one._nodes = [Twisting(made.ground.node, twist)] * 2
        for _ in range(3):
            with pytest.raises(AwayError, match="is behind"):
                await one.work()
            await anvil.mine(LOST_BLOCKS)
        (row,) = await made.transactions()
        assert ((await made.send(send_id)).state, row["state"]) == ("done", "mined")

    run(server, anvil, story)


@FIRST
def test_the_lower_tip_is_paid(server: ServerAddress, anvil: Anvil, first: bool) -> None:
    async def story(made: Sending) -> None:
        await made.want(1_000_000)
        await made.finish(sender_with(made, greedy, first))
        (row,) = await made.transactions()
        assert row["tip_per_gas"] < 10 * GWEI
        assert COIN - await anvil.held(None, CUSTODY.address) < COIN // 1_000

    run(server, anvil, story)


@FIRST
def test_gas_is_what_both_nodes_estimate_about_alike(
    server: ServerAddress, anvil: Anvil, first: bool
) -> None:  # noqa: FBT001
    """More than a block takes would never be mined, and hold up all that comes after it."""

    async def story(made: Sending) -> None:
        send_id, _ = await made.want(1_000_000)
        assert await sender_with(made, hungry, first).work() == 0
        assert (await made.send(send_id)).state == "wanted"
        assert "what gas it needs" in (await made.trouble() or "")

    run(server, anvil, story)


@FIRST
def test_what_one_node_keeps_to_itself_another_hands_on(
    server: ServerAddress, anvil: Anvil, first: bool
) -> None:  # noqa: FBT001
    async def story(made: Sending) -> None:
        class Deaf(Twisting):
            async def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
                if calls[0][0] == "eth_sendRawTransaction":
                    return ["0x" + "00" * 32]
                return await super().batch(calls)

        nodes = [made.ground.node, Deaf(made.ground.node, lambda _, answer: answer)]
        (network,) = networks_of([made.ground.channel])
        one = Sender(
            made.ground.shop.world, network, nodes[::-1] if first else nodes, CUSTODY, 200 * GWEI
        )
        made.ground.senders.append(one)
        send_id, to = await made.want(1_000_000)
        await made.finish(one)
        assert ((await made.send(send_id)).state, await made.held(to)) == ("done", 1_000_000)

    run(server, anvil, story)


@FIRST
def test_a_restored_backup_is_known_by_either_node(
    server: ServerAddress, anvil: Anvil, first: bool
) -> None:  # noqa: FBT001
    """A node that is behind as far as the backup says nothing against it."""

    def old(method: str, answer: Any) -> Any:
        return "0x0" if method == "eth_getTransactionCount" else answer

    async def story(made: Sending) -> None:
        fees = {"gas": 100_000, "maxFeePerGas": 10 * GWEI, "maxPriorityFeePerGas": GWEI}
        gone = {
            "type": 2,
            "chainId": CHAIN,
            "nonce": 0,
            "to": b"\x11" * 20,
            "value": 1,
            "data": b"",
            **fees,
        }
        await made.anvil.call("eth_sendRawTransaction", "0x" + CUSTODY.sign(gone).raw.hex())
        await made.anvil.mine(1)
        await made.want(1_000_000)
        with pytest.raises(HaltError):
            await sender_with(made, old, first).work()

    run(server, anvil, story)


@FIRST
@pytest.mark.parametrize(
    "twist",
    [
        lambda method, answer: (
            answer | {"timestamp": hex(3 * 10**11)} if method == "eth_getBlockByNumber" else answer
        ),
        lambda method, answer: (
            answer | {"number": hex(1 << 70)} if method == "eth_getBlockByNumber" else answer
        ),
        lambda method, answer: (
            answer | {"gasUsed": hex(1 << 255), "effectiveGasPrice": hex(1 << 255)}
            if method == "eth_getTransactionReceipt" and answer
            else answer
        ),
        lambda method, answer: (
            answer | {"logs": [{"topics": 5, "address": "0x" + "11" * 20}]}
            if method == "eth_getTransactionReceipt" and answer
            else answer
        ),
    ],
)
def test_what_no_chain_has_is_garbage(
    server: ServerAddress, anvil: Anvil, twist: Twist, first: bool
) -> None:  # noqa: FBT001
    """Anything but AwayError would end the process, and with it the sender of every other chain."""

    async def story(made: Sending) -> None:
        await made.want(1_000_000)
        await made.sender.work()
        await made.sender.close()
        await made.anvil.mine(4)
        with pytest.raises(AwayError):
            await sender_with(made, twist, first).work()
        assert await sends_store.open_transactions(made.db, CHAIN, CUSTODY.address)

    run(server, anvil, story)
