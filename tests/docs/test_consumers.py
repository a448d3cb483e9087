"""The consumer that the documentation gives away, as a process of its own: it takes what is signed,
once."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.docs.docs_server import Documented, documented
from tests.docs.operations import own_dialects
from tests.webhooks.rules.test_signature import BODY, KEY, NONCE

from recoup.db.server import ServerAddress
from recoup.docs.routes import CONSUMERS
from recoup.kernel.time import Clocks
from recoup.orders.rules.signature import http_date, sign

LINES_MAX = 25
TAKEN = BODY.replace(
    b'"EventData":null', b'"EventData":{"EventId":"01a1f82c-7c10-7d22-9a3e-0d9c4b7f1e55"}'
)
OTHER = TAKEN.replace(b"7f1e55", b"7f1e56")
SAID = "signed: order.completed SUB-7731-2026-03"


@dataclass
class Consumer:
    process: "subprocess.Popen[str]"
    url: str

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        return httpx.post(self.url, content=body, headers=headers, timeout=10).status_code

    def line(self) -> str:
        assert self.process.stdout is not None
        return next(line for line in self.process.stdout if "signed:" in line).strip()

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


@contextmanager
def running(key: str, folder: Path) -> Iterator[Consumer]:
    environment = os.environ | {"WEBHOOK_KEY": key, "TMPDIR": str(folder)}
    with subprocess.Popen(
        [sys.executable, str(CONSUMERS["consumer.py"])],
        env=environment,
        text=True,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            assert process.stdout is not None
            found = next(
                filter(
                    None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
                )
            )
            yield Consumer(process, found[0] + "/")
        finally:
            process.kill()


def signed(
    host: str, body: bytes, *, key: str = KEY, ago: timedelta = timedelta(0)
) -> dict[str, str]:
    return sign(key, host, NONCE, http_date(Clocks().wall() - ago), body)


def test_it_prints_each_event_once_and_refuses_what_is_not_signed(tmp_path: Path) -> None:
    with running(KEY, tmp_path) as consumer:
        _refuses_and_prints(consumer)


def _refuses_and_prints(consumer: Consumer) -> None:
    host, foreign = consumer.host, base64.b64encode(b"x" * 64).decode()
    good = signed(host, TAKEN)
    bad: list[tuple[bytes, dict[str, str]]] = [
        (TAKEN, {}),
        (TAKEN + b" ", good),
        (TAKEN, signed(host, TAKEN, key=foreign)),
        (b"", {}),
        (b"{}", good),
        (TAKEN, signed("hooks.example", TAKEN)),
        (TAKEN, signed(host, TAKEN, ago=timedelta(minutes=6))),
        (TAKEN, signed(host, TAKEN, ago=timedelta(minutes=-6))),
        (TAKEN, good | {"x-fc-authorization": "Signature"}),
        (TAKEN, good | {"x-fc-date": "yesterday"}),
        (TAKEN, {k: v for k, v in good.items() if k != "x-fc-nonce"}),
        (TAKEN, good | {"x-fc-authorization": good["x-fc-authorization"] + "A"}),
    ]
    assert [consumer.post(body, headers) for body, headers in bad] == [401] * len(bad)
    assert [consumer.post(TAKEN, signed(host, TAKEN)) for _ in range(3)] == [204] * 3
    assert consumer.post(OTHER, signed(host, OTHER)) == 204
    assert [consumer.line().endswith(SAID) for _ in range(2)] == [True, True]
    consumer.process.terminate()
    assert consumer.process.stdout is not None
    assert "signed:" not in consumer.process.stdout.read(), "what came three times is printed once"


@pytest.fixture(scope="module")
def site(server: ServerAddress) -> Iterator[Documented]:
    with documented(server, own_dialects()) as made:
        yield made


def test_it_takes_what_recoup_sends(site: Documented, tmp_path: Path) -> None:
    """By the endpoint's own key; with another one it refuses."""
    keys = {"AppKey": site.keys.app_key, "AppSecret": site.keys.app_secret}
    token = httpx.post(f"{site.address}/v1/oauth2/token", json=keys, timeout=20).json()[
        "accessToken"
    ]
    with httpx.Client(
        base_url=site.address, headers={"authorization": f"Bearer {token}"}, timeout=20
    ) as api:
        made = api.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/"}).json()
        for key, status in ((KEY, 401), (made["signingKey"], 204)):
            with running(key, tmp_path) as consumer:
                api.patch(f"/v1/webhooks/{made['id']}", json={"url": consumer.url})
                sent = api.post(
                    f"/v1/webhooks/{made['id']}/test", json={"event": "order.completed"}
                ).json()
                assert (sent["success"], sent["status"]) == (status == 204, status)
                assert status == 401 or consumer.line().endswith("signed: order.completed SAMPLE")
