"""The deposit contract on a real EVM: both proofs, the split, awkward tokens, batches, and what
they cost."""

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from tests.chains.node import ROOT, Anvil, Mode, RpcError, started
from tests.rings import each

from recoup.chains import abi
from recoup.chains.abi import from_hex as raw
from recoup.chains.abi import to_hex as text
from recoup.chains.artifacts import DEPLOYER, Artifact, artifact
from recoup.chains.dev_node import Receipt
from recoup.chains.terms import Terms, deposit_address

MERCHANT, TREASURY = bytes.fromhex("11" * 20), bytes.fromhex("22" * 20)
NET, FEE = 49_650_000, 250_000
DUE = NET + FEE
# The limits of gas: a first sweep and a repeat when the receivers hold the token, and each of
# twenty.
FIRST_MAX, REPEAT_MAX, EACH_MAX = 145_000, 70_000, 100_000


@dataclass(frozen=True, slots=True)
class Chain:
    node: Anvil
    factory: bytes

    def deposit(self, terms: Terms) -> bytes:
        """Derived here, without the chain."""
        return deposit_address(
            "evm", self.factory, artifact("evm").implementation_of(self.factory), terms
        )

    async def pay(self, token: bytes, terms: Terms, value: int) -> bytes:
        await self.node.mint(token, self.deposit(terms), value)
        return self.deposit(terms)

    async def sweep(self, token: bytes, terms: Terms) -> Receipt:
        return await self.node.send(self.factory, abi.sweep(terms.encoded(), token))

    async def sweep_many(self, token: bytes, many: list[Terms], gas: int = 6_000_000) -> Receipt:
        return await self.node.send(
            self.factory, abi.sweep_many([terms.encoded() for terms in many], token), gas=gas
        )

    def swept(self, receipt: Receipt) -> list[tuple[bytes, bytes, int, int]]:
        """Order, deposit address, to the merchant, to the treasury: of each sweep."""
        return [
            (raw(log["topics"][1]), raw(log["topics"][3])[12:], *_two(raw(log["data"])))
            for log in receipt.logs
            if raw(log["address"]) == self.factory and raw(log["topics"][0]) == SWEPT
        ]

    async def holds(self, token: bytes, *holders: bytes) -> list[int]:
        return [await self.node.held(token, holder) for holder in holders]


SWEPT, FAILED = abi.SWEPT, abi.FAILED
Story = Callable[[Chain], Awaitable[None]]


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with started() as node:
        yield Chain(node, asyncio.run(node.deploy_factory()))


def ordered(number: int, **others: object) -> Terms:
    terms = Terms(order=UUID(int=number), merchant=MERCHANT, treasury=TREASURY, net=NET, fee=FEE)
    return replace(terms, **others)  # type: ignore[arg-type]


def _two(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")


# Artifacts
# --------------------------------------------------------------------------------------------------


@each("kind", ["evm", "tron"])
def test_the_artifacts_are_of_this_source(kind: str) -> None:
    """That they are what it gives, to the byte, a family shows."""
    sources = artifact(kind).sources  # type: ignore[arg-type]
    now = {
        name: hashlib.sha256((ROOT / "contracts" / name).read_bytes()).hexdigest()
        for name in sources
    }
    assert sources == now, "make contracts"


@pytest.mark.prove("fuzz")
@pytest.mark.timeout(900)
def test_the_artifacts_are_what_the_source_gives_to_the_byte() -> None:
    assert (
        subprocess.run(
            [sys.executable, "contracts/build.py", "check"], cwd=ROOT, check=False
        ).returncode
        == 0
    )


@pytest.mark.prove("fuzz")
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_sequences_are_the_closed_form() -> None:
    assert (
        subprocess.run(
            [sys.executable, "contracts/build.py", "prove"], cwd=ROOT, check=False
        ).returncode
        == 0
    )


def test_only_the_prefix_differs_between_the_builds() -> None:
    """0xff and 0x41 where an address is computed;
    TRON's library looks for code before it deploys."""
    builds = {kind: artifact(kind) for kind in ("evm", "tron")}  # type: ignore[arg-type]
    there = bytes(20)
    evm, tron = (build.runtime_with(there) for build in builds.values())
    assert len(evm.implementation) == len(tron.implementation)
    assert builds["evm"].implementation_of(there) != builds["tron"].implementation_of(there)
    before, behind = bytes.fromhex("5af43d82803e903d91602b57fd5bf3"), (b"\xff", b"\x41")
    assert [before + prefix in code.factory for code in (evm, tron) for prefix in behind] == [
        True,
        False,
        False,
        True,
    ]


def test_a_factory_on_tron_has_no_address_before_it_is_deployed() -> None:
    with pytest.raises(ValueError, match="EVM networks only"):
        artifact("tron").factory_address()


def test_an_address_has_twenty_bytes() -> None:
    for wrong in (b"", bytes(19), bytes(21), bytes(32)):
        with pytest.raises(ValueError, match="20 bytes"):
            artifact("evm").runtime_with(wrong)


# Proofs
# --------------------------------------------------------------------------------------------------


async def code_is_the_artifact(chain: Chain) -> None:
    built: Artifact = artifact("evm")
    assert chain.factory == built.factory_address()
    implementation = built.implementation_of(chain.factory)
    assert (
        abi.read_address(await chain.node.read(chain.factory, abi.selector("implementation()")))
        == implementation
    )
    codes = [
        raw(await chain.node.call("eth_getCode", text(at), "latest"))
        for at in (chain.factory, implementation)
    ]
    assert codes == list(built.runtime_with(chain.factory))
    assert codes != list(built.runtime_with(DEPLOYER))


async def both_proofs_give_the_derivation(chain: Chain) -> None:
    for terms in (
        ordered(1),
        ordered(2, net=0, fee=0),
        ordered(3, merchant=DEPLOYER, net=(1 << 128) - 1, fee=0),
    ):
        derived = chain.deposit(terms)
        for call in (abi.address_of, abi.deploy):
            assert (
                abi.read_address(await chain.node.read(chain.factory, call(terms.encoded())))
                == derived
            )
        assert (
            await chain.node.call("eth_getCode", text(derived), "latest") == "0x"
        )  # a dry run only


async def a_deposit_elsewhere_is_another_address(chain: Chain) -> None:
    base = chain.deposit(ordered(1))
    others = [
        ordered(2),
        ordered(1, merchant=TREASURY),
        ordered(1, treasury=MERCHANT),
        ordered(1, net=1),
        ordered(1, fee=1),
    ]
    assert len({base, *map(chain.deposit, others)}) == 1 + len(others)


# Sweeps
# --------------------------------------------------------------------------------------------------


async def is_split(chain: Chain, mode: Mode, order: int, decimals: int = 6) -> None:
    token, unit = await chain.node.deploy_token(decimals, mode), 10 ** (decimals - 6)
    terms = ordered(order, net=NET * unit, fee=FEE * unit)
    deposit = await chain.pay(token, terms, DUE * unit)
    receipt = await chain.sweep(token, terms)
    assert receipt.ok
    assert chain.swept(receipt) == [(terms.encoded()[:32], deposit, NET * unit, FEE * unit)]
    assert await chain.holds(token, MERCHANT, TREASURY, deposit) == [NET * unit, FEE * unit, 0]
    paid = abi.read_paid(await chain.node.read(chain.factory, abi.paid(deposit, token)))
    assert (paid.merchant, paid.treasury) == (NET * unit, FEE * unit)


async def whatever_a_transfer_returns(chain: Chain) -> None:
    for order, mode in enumerate((Mode.TRUE, Mode.NOTHING, Mode.FALSE), 10):
        await is_split(chain, mode, order)
    await is_split(chain, Mode.TRUE, 13, decimals=18)


async def in_parts_and_too_much(chain: Chain) -> None:
    token, terms = await chain.node.deploy_token(), ordered(20)
    given = [
        (40_000_000, (40_000_000, 0)),
        (9_800_000, (9_650_000, 150_000)),
        (5_100_000, (5_000_000, 100_000)),
    ]
    for value, (merchant, treasury) in given:
        await chain.pay(token, terms, value)
        assert chain.swept(await chain.sweep(token, terms))[0][2:] == (merchant, treasury)
    empty = await chain.sweep(token, terms)
    assert (empty.ok, empty.logs) == (True, [])
    assert await chain.holds(token, MERCHANT, TREASURY) == [54_650_000, FEE]


async def a_frozen_treasury_waits(chain: Chain) -> None:
    token, terms = await chain.node.deploy_token(), ordered(30)
    deposit = await chain.pay(token, terms, DUE)
    await chain.node.freeze(token, TREASURY)
    assert chain.swept(await chain.sweep(token, terms))[0][2:] == (NET, 0)
    await chain.pay(token, terms, 1_000)  # too much: the merchant's, and not the fee's
    assert chain.swept(await chain.sweep(token, terms))[0][2:] == (1_000, 0)
    await chain.node.freeze(token, TREASURY, False)
    assert chain.swept(await chain.sweep(token, terms))[0][2:] == (0, FEE)
    assert await chain.holds(token, MERCHANT, TREASURY, deposit) == [NET + 1_000, FEE, 0]


async def a_frozen_merchant_refuses(chain: Chain) -> None:
    token, terms = await chain.node.deploy_token(), ordered(40)
    deposit = await chain.pay(token, terms, DUE)
    await chain.node.freeze(token, MERCHANT)
    with pytest.raises(RpcError) as refused:
        await chain.node.read(chain.factory, abi.sweep(terms.encoded(), token))
    assert refused.value.data == text(abi.selector("NotPaid()"))
    assert not (await chain.sweep(token, terms)).ok
    assert await chain.holds(token, deposit) == [DUE]


async def money_that_an_issuer_destroyed_blocks_nothing(chain: Chain) -> None:
    """The fee was left behind by a frozen treasury, and destroyed there: what comes next is less
    than is owed."""
    token, terms = await chain.node.deploy_token(), ordered(45)
    deposit = await chain.pay(token, terms, DUE + 1_000_000)
    await chain.node.freeze(token, TREASURY)
    await chain.sweep(token, terms)
    await chain.node.wipe(token, deposit, FEE)
    await chain.node.freeze(token, TREASURY, False)
    await chain.pay(token, terms, 1_000)
    assert chain.swept(await chain.sweep(token, terms))[0][2:] == (0, 1_000)


async def one_bad_of_many(chain: Chain) -> None:
    token, frozen = await chain.node.deploy_token(), bytes.fromhex("33" * 20)
    many = [ordered(50), ordered(51, merchant=frozen), ordered(52)]
    for terms in many:
        await chain.pay(token, terms, DUE)
    await chain.node.freeze(token, frozen)
    receipt = await chain.sweep_many(token, many)
    assert receipt.ok
    assert [deposit for _, deposit, *_ in chain.swept(receipt)] == [
        chain.deposit(many[0]),
        chain.deposit(many[2]),
    ]
    failed = [log for log in receipt.logs if raw(log["topics"][0]) == FAILED]
    assert [raw(log["topics"][3])[12:] for log in failed] == [chain.deposit(many[1])]
    assert await chain.holds(token, chain.deposit(many[1])) == [DUE]


async def an_estimate_of_gas_pays_all(chain: Chain) -> None:
    """The node looks for the least gas with which the batch succeeds: with less than all need it
    must not."""
    token, many = await chain.node.deploy_token(), [ordered(number) for number in range(60, 63)]
    for terms in many:
        await chain.pay(token, terms, DUE)
    data = abi.sweep_many([terms.encoded() for terms in many], token)
    sent = {"from": text(await chain.node.account()), "to": text(chain.factory), "data": text(data)}
    estimate = int(await chain.node.call("eth_estimateGas", sent), 16)
    assert len(chain.swept(await chain.sweep_many(token, many, gas=estimate))) == len(many)


async def made_up_terms_move_nothing_of_an_order(chain: Chain) -> None:
    token, terms, thief = await chain.node.deploy_token(), ordered(70), bytes.fromhex("44" * 20)
    deposit = await chain.pay(token, terms, DUE)
    made_up = replace(terms, merchant=thief)
    await chain.pay(token, made_up, DUE)
    ((order, named, *_),) = chain.swept(await chain.sweep(token, made_up))
    assert order == terms.encoded()[:32]
    assert named == chain.deposit(made_up) != deposit
    assert await chain.holds(token, deposit, thief) == [DUE, NET]


async def coins_and_other_tokens_leave_too(chain: Chain) -> None:
    terms = ordered(80, merchant=bytes.fromhex("55" * 20), treasury=bytes.fromhex("66" * 20))
    deposit, coin = chain.deposit(terms), bytes(20)
    await chain.node.send(deposit, value=DUE)
    assert chain.swept(await chain.sweep(coin, terms))[0][1:] == (deposit, NET, FEE)
    await chain.node.send(deposit, value=7, gas=100_000)  # now that there is code
    assert chain.swept(await chain.sweep(coin, terms))[0][1:] == (deposit, 7, 0)
    assert [await chain.node.held(None, holder) for holder in (terms.merchant, terms.treasury)] == [
        NET + 7,
        FEE,
    ]
    assert not (await chain.sweep_many(coin, [terms])).ok


@each(
    "story",
    [
        code_is_the_artifact,
        both_proofs_give_the_derivation,
        a_deposit_elsewhere_is_another_address,
        whatever_a_transfer_returns,
        in_parts_and_too_much,
        a_frozen_treasury_waits,
        a_frozen_merchant_refuses,
        money_that_an_issuer_destroyed_blocks_nothing,
        one_bad_of_many,
        an_estimate_of_gas_pays_all,
        made_up_terms_move_nothing_of_an_order,
        coins_and_other_tokens_leave_too,
    ],
)
def test_the_contract(chain: Chain, story: Story) -> None:
    asyncio.run(story(chain))  # type: ignore[arg-type]


def test_what_sweeps_cost(chain: Chain) -> None:
    async def run() -> tuple[int, int, float]:
        token = await chain.node.deploy_token()
        for holder in (MERCHANT, TREASURY):
            await chain.node.mint(token, holder, 1)
        terms, many = ordered(100), [ordered(number) for number in range(101, 121)]
        await chain.pay(token, terms, DUE)
        first = await chain.sweep(token, terms)
        await chain.pay(token, terms, DUE)
        repeat = await chain.sweep(token, terms)
        for each_of_many in many:
            await chain.pay(token, each_of_many, DUE)
        batch = await chain.sweep_many(token, many)
        assert len(chain.swept(batch)) == len(many)
        return first.gas, repeat.gas, batch.gas / len(many)

    first, repeat, each_of_many = asyncio.run(run())
    print(f"gas: first {first}, repeat {repeat}, each of 20 {each_of_many:.0f}")
    assert first <= FIRST_MAX
    assert repeat <= REPEAT_MAX
    assert each_of_many <= EACH_MAX


def test_the_node_reorganises(anvil: Anvil) -> None:
    """A payment vanishes, or comes again in another block; deeper than the chain is refused."""

    async def run() -> None:
        token = await anvil.deploy_token()
        gone = await anvil.transfer(token, MERCHANT, 5)
        await anvil.mine(3)
        before = (await anvil.block(gone.block))["hash"]
        await anvil.reorg(4)
        assert await anvil.call("eth_getTransactionReceipt", gone.tx) is None
        assert (await anvil.block(gone.block))["hash"] != before
        assert await anvil.held(token, MERCHANT) == 0
        moved = await anvil.transfer(token, MERCHANT, 5)
        await anvil.mine(3)
        await anvil.reorg(4, {moved.tx: 2})
        assert (await anvil.receipt(moved.tx)).block == moved.block + 2
        assert await anvil.held(token, MERCHANT) == 5
        head = await anvil.head()
        assert [int((await anvil.block(tag))["number"], 16) for tag in ("safe", "finalized")] == [
            head - 2,
            head - 4,
        ]
        with pytest.raises(RpcError):
            await anvil.reorg(head + 1)
        await anvil.automine(False)
        waiting = await anvil.post(token, abi.transfer(MERCHANT, 0))
        assert await anvil.call("eth_getTransactionReceipt", waiting) is None
        await anvil.mine(1, seconds=60)
        assert (await anvil.receipt(waiting)).ok

    asyncio.run(run())
