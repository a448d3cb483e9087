"""What a route costs while nothing is sent by it."""

import subprocess
import sys

MOST_KB = 3 * 1024
PROGRAM = """
import asyncio, resource
from recoup.gateways.cards.bridge import Bridge

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024

async def main():
    bridge = Bridge("https://bridge.example", secret="-" * 32, acceptor_id="a")
    before = resident()
    from recoup.gateways.cards.kinds import KINDS, Connection
    made = KINDS["stripe"].make(Connection("s", "https://stripe.example", "rk_test_0123456789abcdef"), None)
    print(resident() - before)
    await made.close()
    await bridge.close()

asyncio.run(main())
"""


def test_an_idle_connector_beside_the_bridge_takes_little() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert int(run.stdout) <= MOST_KB, run.stdout
