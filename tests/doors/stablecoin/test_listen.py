"""`recoup listen`: what a developer sees of both APIs' webhooks, and of forged ones."""

from datetime import UTC, datetime

import httpx
from tests.doors.stablecoin.door import Door

from recoup.doors.command.listen import RESCUE, STABLECOIN, receiver
from recoup.kernel.ids import new_id
from recoup.rules.messages.events import Event, render
from recoup.rules.messages.stable_events import render_stable

KEY = "c2VjcmV0" * 8
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def event(name: str, **data: object) -> Event:
    return Event(new_id(), new_id(), new_id(), new_id(), "order-1", name, 3, NOW, dict(data), test_mode=True)


def hear(door: Door, path: str, headers: dict[str, str], body: bytes) -> tuple[int, list[str]]:
    lines: list[str] = []

    async def post() -> int:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=receiver(KEY, KEY, lines.append)))
        async with client:
            sent = {**headers, "host": "127.0.0.1:9"}
            return (await client.post(f"http://127.0.0.1:9{path}", content=body, headers=sent)).status_code

    return door.run(post()), lines


def test_webhooks_of_the_stablecoin_api_are_verified_and_told(door: Door) -> None:
    sent = render_stable(event("order.completed", merchant_order_id="order-1", status="paid"), KEY, NOW, encrypt=False)
    assert sent
    status, [line] = hear(door, STABLECOIN, sent.headers, sent.body)
    assert status == 200
    assert line.startswith("ok")
    assert "payment.succeeded" in line
    assert "order-1" in line
    status, [line] = hear(door, STABLECOIN, sent.headers, sent.body + b" ")
    assert (status, line[:6]) == (401, "FORGED")


def test_webhooks_of_the_rescue_api_are_still_told(door: Door) -> None:
    sent = render(event("order.completed", amount=1), "rescue", [KEY], "127.0.0.1:9", "0" * 32, NOW)
    status, [line] = hear(door, RESCUE, sent.headers, sent.body)
    assert (status, line[:2]) == (200, "ok")
    assert "order.completed" in line
    status, [line] = hear(door, STABLECOIN, sent.headers, sent.body)
    assert (status, line[:6]) == (401, "FORGED")
