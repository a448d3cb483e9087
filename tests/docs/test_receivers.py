"""The receivers under examples/ take real deliveries, refuse a wrong signature, and know a repeat."""

import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.doors.rescue.door import GONE, Door, opened_door

from recoup.rules.messages.signature import sign
from recoup.store.server import ServerAddress

RECEIVERS = Path(__file__).resolve().parents[2] / "examples/receivers"
AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}
COMMANDS = {
    "python": [sys.executable, "receiver.py", "{port}"], "node": ["node", "receiver.mjs", "{port}"],
    "php": ["php", "-S", "127.0.0.1:{port}", "receiver.php"],
}  # fmt: skip
HERE = [name for name, command in COMMANDS.items() if shutil.which(command[0])]


@pytest.fixture(scope="module")
def door(server: ServerAddress) -> Iterator[Door]:
    with opened_door(server) as door:
        yield door


@contextmanager
def running(name: str, key: str) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [part.format(port=port) for part in COMMANDS[name]]
    env = {"PATH": os.environ["PATH"], "WEBHOOK_KEY": key}
    process = subprocess.Popen(command, cwd=RECEIVERS, env=env, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(200):
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port, process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", HERE)
def test_it_takes_what_is_signed_and_nothing_else(door: Door, name: str) -> None:
    shop = door.shop()
    other_key = base64.b64encode(bytes(64)).decode()
    with running(name, f"{other_key},{shop.shop.webhook_key}") as (port, process):
        url = f"http://127.0.0.1:{port}/hooks"
        made = shop.post("/webhooks", {"url": url, "events": ["order.completed"]}).json()
        order_id = shop.admit(**AT_ONCE)
        door.run(shop.shop.publish())
        [tried] = shop.get(f"/webhooks/{made['id']}/deliveries").json()["data"]
        assert (tried["result"], tried["status"]) == ("delivered", 200)
        assert process.stdout is not None
        assert process.stdout.readline().split() == ["order.completed", order_id]
        assert httpx.post(url, content=b"{}").status_code == 401
        wrong = sign(base64.b64encode(b"x" * 64).decode(), f"127.0.0.1:{port}", "0" * 32, "now", b"{}")
        assert httpx.post(url, content=b"{}", headers=wrong).status_code == 401


def test_the_php_receiver_signs_as_the_contract_does() -> None:
    """Where php is not installed its one function is read line by line: what it hashes, in which order, with what."""
    text = (RECEIVERS / "receiver.php").read_text()
    body = re.search(r"function signature.*?\{(.*?)\n\}", text, re.S)
    assert body is not None
    assert "hash('sha512', $body, true)" in body[1]
    assert 'hash_hmac(\'sha512\', "POST\\n$nonce;$date;$host;$content", base64_decode($key), true)' in body[1]
    assert "hash_equals(" in text
