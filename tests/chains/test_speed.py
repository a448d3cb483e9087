"""How fast a block full of payments is paid, and what a charge on a chain costs beside one that is
not."""

import asyncio
import time

import pytest
from tests.chains.chain_door import chain_door
from tests.chains.node import Anvil, Settings, text
from tests.chains.test_money import DUE, address
from tests.chains.test_story import ground

from recoup.chains import abi
from recoup.db.server import ServerAddress

pytestmark = pytest.mark.prove("chains")
DEPOSITS, PAID_SECONDS = 1_000, 5.0
CHARGES, SHARE = 60, 0.8
PAID = "SELECT count(*) FROM current_orders WHERE stage = 'completed'"


@pytest.mark.parametrize("anvil", [Settings(automine=False)], indirect=True)
def test_a_thousand_deposits_of_one_block_are_paid_in_five_seconds(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story() -> None:
        await anvil.automine(True)
        async with ground(server, anvil) as made:
            await anvil.mint(made.token, await anvil.account(), DUE * DEPOSITS)
            names = range(DEPOSITS)
            orders = await asyncio.gather(*(made.charge(order=f"order-{name}") for name in names))
            await made.poll()
            await anvil.automine(False)
            sender = text(await anvil.account())
            nonce = int(await anvil.call("eth_getTransactionCount", sender, "latest"), 16)
            transfers = [
                (
                    "eth_sendTransaction",
                    [
                        {
                            "from": sender,
                            "to": text(made.token),
                            "data": text(abi.transfer(address(order), DUE)),
                            "gas": hex(120_000),
                            "nonce": hex(nonce + place),
                        }
                    ],
                )
                for place, order in enumerate(orders)
            ]
            await anvil.batch(transfers)
            await anvil.mine(10)
            assert len((await anvil.block(await anvil.head() - 9))["transactions"]) == DEPOSITS
            began = time.monotonic()
            polls = 0
            while await made.shop.value(PAID) < DEPOSITS:
                await made.poll()
                polls += 1
            took = time.monotonic() - began
            print(f"{DEPOSITS} deposits paid in {took:.2f} s, {polls} polls")
            assert took <= PAID_SECONDS

    asyncio.run(story())


def test_a_charge_on_a_chain_is_nearly_as_fast_as_another(
    server: ServerAddress, anvil: Anvil
) -> None:
    """Through the door, in turns: each call is signed, checked, admitted and answered."""
    with chain_door(server, anvil) as at:
        seconds: dict[str, list[float]] = {"mock": [], "usdc_base": []}
        for turn in range(10):
            for channel in seconds if turn % 2 else reversed(seconds):
                began = time.perf_counter()
                for number in range(CHARGES):
                    order = f"{channel}-{turn}-{number}"
                    answer = at.merchant.charge(
                        channel=channel, currency="USDC", merchant_order_id=order
                    )
                    assert answer["order"]["status"] == "created"
                seconds[channel].append(time.perf_counter() - began)
    rate = {channel: CHARGES / min(took) for channel, took in seconds.items()}
    share = rate["usdc_base"] / rate["mock"]
    print(
        f"charges a second: mock {rate['mock']:.0f}, on a chain {rate['usdc_base']:.0f}: "
        f"{share:.2f}"
    )
    assert share >= SHARE
