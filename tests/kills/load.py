"""Merchants' calls against an installation that keeps dying, with the promises that it made; and a
webhook receiver.

A merchant repeats a call with its key until it is answered. Whatever was answered is held against
the installation.
"""

import asyncio
import json
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from tests.kills.installation import Installation

from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import DECLINE_CARD, FAULT_CARDS, script_card

CARDS = (
    # pan, amounts, sync
    (script_card("visa", "51", 0), (4590,), False),
    (script_card("visa", "51", 1), (4590,), False),
    (script_card("visa", "51", 99), (4590,), False),
    (script_card("visa", "04", 99), (4590,), False),
    (APPROVE_CARDS[2], (4590, 990), True),
    (APPROVE_CARDS[1], (12_345,), True),
    (DECLINE_CARD, (4590,), True),
    (FAULT_CARDS["visa"], (80_001, 80_002, 80_003, 80_004, 80_007, 80_011), True),
)
PATIENCE_SECONDS = 150.0


@dataclass
class Promise:
    """One order as its merchant knows it: what was sent, and every answer that came."""

    external_id: str
    body: dict[str, Any]
    order_id: str = ""
    words: list[tuple[str, str | None]] = field(default_factory=list)
    cancelled: bool = False
    refunded: int = 0


@dataclass
class Told:
    """`strange`: answers that should never be given."""

    promises: list[Promise] = field(default_factory=list)
    calls: int = 0
    repeats: int = 0
    strange: list[str] = field(default_factory=list)


class Load:
    """Several merchants' developers side by side, all of one merchant."""

    def __init__(self, installation: Installation, seed: int) -> None:
        self._keys = installation.credentials()
        self._dice = random.Random(seed)
        self.told = Told()
        self.stopping = False
        headers = {"authorization": f"ApiKey {self._keys['app_key']}:{self._keys['app_secret']}"}
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(
            base_url=installation.url, headers=headers, timeout=15, limits=limits
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Until it is answered. 429 and 5xx that ask for it are repeated; a bare 500 is noted."""
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            self.told.calls += 1
            try:
                answer = await self._client.request(method, path, json=body)
                if answer.status_code == 500:
                    self.told.strange.append(f"{method} {path}: 500 {answer.text[:200]}")
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            except httpx.HTTPError:
                pass
            assert asyncio.get_running_loop().time() < until, f"{method} {path} is not answered"
            self.told.repeats += 1
            await asyncio.sleep(self._dice.uniform(0.05, 0.3))

    async def work(self) -> None:
        while not self.stopping:
            roll = self._dice.random()
            known = [p for p in self.told.promises if p.order_id]
            if roll < 0.6 or not known:
                await self.evaluate()
            elif roll < 0.7:
                await self.cancel(self._dice.choice(known))
            elif roll < 0.8:
                await self.transmit(self._dice.choice(known))
            elif roll < 0.95:
                await self.refund(self._dice.choice(known))
            else:
                await self.repeat(self._dice.choice(known))

    async def evaluate(self) -> None:
        pan, amounts, sync = self._dice.choice(CARDS)
        number = uuid.uuid4().hex[:12]
        units = self._dice.choice(amounts)
        body = {
            "isDeclined": True,
            "isMIT": True,
            "mid": self._keys["mid"],
            "orderId": f"SUB-{number}",
            "idempotencyKey": str(uuid.uuid4()),
            "siteId": self._keys["site_id"],
            "transaction": {
                "id": f"psp-{number}",
                "amount": units,
                "currency": "USD",
                "responseCode": "05" if sync else "51",
                "responseCodeSource": "visa",
                "avsResultCode": "NA",
                "cvvResultCode": "NA",
                "cavvResultCode": "NA",
            },
            "payer": {"email": f"ana-{number}@example.test"},
            "paymentMethod": {
                "holderName": "Ana Roe",
                "expirationMonth": 9,
                "expirationYear": 2031,
                "cardNumber": pan,
            },
        }
        if not sync:
            # Days after the moved clock's day, well inside what is allowed.
            body["expiryDateUtc"] = (datetime.now(UTC) + timedelta(days=20)).isoformat()
        promise = Promise(str(body["orderId"]), body)
        self.told.promises.append(promise)
        await self.repeat(promise)

    async def repeat(self, promise: Promise) -> None:
        answer = await self.call("POST", "/v1/evaluate", promise.body)
        if answer.status_code != 200:
            self.told.strange.append(f"evaluate: {answer.status_code} {answer.text[:200]}")
            return
        said = answer.json()
        if promise.order_id and promise.order_id != said["orderSessionKey"]:
            self.told.strange.append(f"{promise.external_id} became two orders")
        promise.order_id = said["orderSessionKey"]
        promise.words.append((said["status"], said["reason"]))

    async def cancel(self, promise: Promise) -> None:
        answer = await self.call("POST", f"/v1/orders/{promise.order_id}/cancel")
        if answer.status_code == 200:
            promise.cancelled = True
        elif answer.status_code != 409:
            self.told.strange.append(f"cancel: {answer.status_code} {answer.text[:200]}")

    async def transmit(self, promise: Promise) -> None:
        body = {
            "isDeclined": False,
            "orderId": promise.external_id,
            "mid": self._keys["mid"],
            "transaction": {
                "id": f"own-{uuid.uuid4().hex[:10]}",
                "amount": promise.body["transaction"]["amount"],
                "currency": "USD",
                "responseCode": "00",
                "responseCodeSource": "visa",
            },
        }
        answer = await self.call("POST", "/v1/transmit", body)
        if answer.status_code != 200:
            self.told.strange.append(f"transmit: {answer.status_code} {answer.text[:200]}")

    async def refund(self, promise: Promise) -> None:
        units = self._dice.randint(1, 60)
        body = {"amountToRefund": f"{units / 100:.2f}", "idempotencyKey": str(uuid.uuid4())}
        answer = await self.call("POST", f"/v1/orders/{promise.order_id}/refund", body)
        if answer.status_code != 200:
            self.told.strange.append(f"refund: {answer.status_code} {answer.text[:200]}")
        elif answer.json()["status"] == "SUCCESS":
            promise.refunded += units


@dataclass
class Receiver:
    """Every delivery as it came: event id, order, number."""

    port: int = 0
    got: list[tuple[str, str, int]] = field(default_factory=list)

    def numbers(self) -> dict[str, list[int]]:
        """Of each order the numbers in the order of their first coming."""
        found: dict[str, list[int]] = defaultdict(list)
        for _, order_id, number in self.got:
            if number not in found[order_id]:
                found[order_id].append(number)
        return found


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            told = json.loads(await reader.readexactly(length))
            data = told["EventData"]
            receiver.got.append((data["EventId"], str(told["OrderId"]), data["Sequence"]))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
