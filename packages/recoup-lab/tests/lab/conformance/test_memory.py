"""What a route costs while nothing is sent by it."""

import subprocess
import sys

import pytest

MOST_KB = 3 * 1024
PROGRAM = """
import asyncio, resource, sys
from recoup.processors.gateways.bridge import Bridge

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024

async def main():
    bridge = Bridge("https://bridge.example", secret="-" * 32, acceptor_id="a")
    before = resident()
    from recoup.processors.gateways.kinds import KINDS, Connection
    key, account = sys.argv[2:]
    made = KINDS[sys.argv[1]].make(Connection("s", "https://vendor.example", key, account=account),
      None)
    print(resident() - before)
    await made.close()
    await bridge.close()

asyncio.run(main())
"""


MADE = {
    "adyen": ("a-key-of-sixteen-letters", "Merchant"),
    "stripe": ("rk_test_0123456789abcdef", ""),
    "nmi": ("0123456789abcdef0123456789abcdef", ""),
    "braintree": ("public:private0123456789", "USD=acme"),
}


@pytest.mark.parametrize("kind", sorted(MADE))
def test_an_idle_connector_beside_the_bridge_takes_little(kind: str) -> None:
    program = [sys.executable, "-c", PROGRAM, kind, *MADE[kind]]
    run = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    assert int(run.stdout) <= MOST_KB, run.stdout
