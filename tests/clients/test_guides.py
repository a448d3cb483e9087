"""The guides' samples by the clients, pasted: what Python prints, TypeScript prints."""

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.clients.test_webhook_checks import KEY
from tests.clients.typescript import TypeScript, typescript
from tests.door import Caller, Door
from tests.kills.installation import free_port
from tests.rescue.api.test_clients import talking
from tests.stablecoin.door import Door as StableDoor
from tests.stablecoin.door import application as stable_application

from recoup.orders.rules.signature import http_date, sign

__all__ = ["typescript"]
ROOT = Path(__file__).resolve().parents[2]


def python(page: str, **variables: str) -> str:
    """What the page's block that imports the client prints."""
    blocks = re.findall(
        "```python\n(.*?)```", (ROOT / f"docs/{page}.md").read_text("utf-8"), re.DOTALL
    )
    [block] = [one for one in blocks if "recoup_client" in one]
    ran = subprocess.run(
        [sys.executable, "-c", block],
        env=os.environ | {"PYTHONPATH": str(ROOT / "clients/python/src")} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_connect_prints_events_and_a_refusal(
    typescript: TypeScript, door: Door, shop: Caller
) -> None:
    keys = shop.shop.keys
    shop.admit()
    door.run(shop.shop.publish())

    def story(port: int) -> tuple[str, str]:
        known = {
            "BASE": f"http://127.0.0.1:{port}",
            "APP_KEY": keys.app_key,
            "APP_SECRET": keys.app_secret,
        }
        return python("connect", **known), typescript.run("connect", **known)

    for printed in talking(door, story):
        first, *_, last = printed.splitlines()
        assert re.match(r"1 order\.\w+ SUB-", first), printed
        assert last.startswith("404101 "), printed


def test_stablecoins_prints_the_paid_orders(
    typescript: TypeScript, stable_door: StableDoor
) -> None:
    merchant = stable_door.merchant()
    paid = merchant.paid()
    keys = merchant.shop.keys

    def story(port: int) -> tuple[str, str]:
        known = {
            "BASE": f"http://127.0.0.1:{port}",
            "KEY_ID": keys.stablecoin_key_id,
            "SECRET": keys.stablecoin_secret,
        }
        return python("stablecoins", **known), typescript.run("stablecoins", **known)

    for printed in talking(stable_door, story, stable_application(stable_door.services)):
        assert printed == f"{paid['merchant_order_id']} {paid['amount']}\n"


BODY = b'{"Event":"order.completed","ExternalOrderId":"SO-1","EventData":{"EventId":"e-1"}}'


def test_a_receiver_in_python_takes_what_is_signed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(
        "```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text("utf-8"), re.DOTALL
    )
    names: dict[str, object] = {}
    exec(next(one for one in blocks if "recoup_client" in one), names)
    monkeypatch.setenv("WEBHOOK_KEY", KEY)
    headers = {
        "Host": "shop.test",
        **sign(KEY, "shop.test", "0" * 32, http_date(datetime.now(UTC)), BODY),
    }
    receive = names["receive"]
    assert callable(receive)
    assert (receive(BODY, headers), receive(BODY + b" ", headers)) == (204, 401)
    assert capsys.readouterr().out.startswith(
        "order.completed SO-1 e-1\nThe signature does not fit."
    )


def test_a_receiver_in_typescript_takes_what_is_signed(typescript: TypeScript) -> None:
    port = free_port()
    known = {"WEBHOOK_KEY": KEY, "PORT": str(port)}
    with subprocess.Popen(
        typescript.command("webhooks"), env=os.environ | known, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            host = f"127.0.0.1:{port}"
            headers = sign(KEY, host, "0" * 32, http_date(datetime.now(UTC)), BODY)
            deadline = time.monotonic() + 30
            while True:
                try:
                    taken = httpx.post(f"http://{host}/", content=BODY, headers=headers)
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            bent = httpx.post(f"http://{host}/", content=BODY + b" ", headers=headers)
            assert (taken.status_code, bent.status_code) == (204, 401)
            assert "The signature does not fit" in bent.text
            assert process.stdout is not None
            assert process.stdout.readline() == "order.completed SO-1 e-1\n"
        finally:
            process.kill()
