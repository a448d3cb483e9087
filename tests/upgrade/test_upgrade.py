"""An installation of a former commit goes on with this one: its orders are there, and what was due is done."""

import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.kills.installation import Installation
from tests.upgrade.old_world import COMMITS, restore

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
APPROVED, PROCESSING = 7, 4


def _orders(client: httpx.Client) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for number in range(1, 20):
        page = client.get("/v1/orders", params={"pageSize": 50, "pageNumber": number}).json()["orders"]
        found |= {one["id"]: one for one in page["data"]}
        if not page["hasNextPage"]:
            return found
    raise AssertionError("too many orders")


def _as_merchant(one: Installation, kept: dict[str, Any]) -> httpx.Client:
    asked = {"appKey": kept["app_key"], "appSecret": kept["app_secret"]}
    answer = httpx.post(f"{one.url}/v1/oauth2/token", json=asked, timeout=30)
    assert answer.status_code == 200, answer.text
    bearer = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
    return httpx.Client(base_url=one.url, headers=bearer, timeout=30)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("commit", COMMITS)
def test_an_installation_of_a_former_commit_goes_on(commit: str, tmp_path: Path) -> None:
    kept = restore(commit, tmp_path / "data")
    one = Installation(tmp_path / "data")
    try:
        one.wait_ready()
        _proved(one)
        with _as_merchant(one, kept) as client:
            before = _orders(client)
            assert len(before) >= 30
            _pages_show(one, kept, before)
            paid = [order for order in before.values() if order["status"] == APPROVED]
            _refund(client, paid)
            played = one.run("sandbox", "play", str(EXAMPLES / "customers.jsonl"), "--url", one.url)
            assert played.returncode == 0, played.stderr
            waiting = {key for key, order in before.items() if order["status"] == PROCESSING}
            assert waiting
            moved = one.run("clock", "advance", "31d")
            assert moved.returncode == 0, moved.stderr
            after = _orders(client)
            # Retried until approved or at the end of their time: none of them waits for ever.
            assert not [key for key in waiting if after[key]["status"] == PROCESSING]
            assert set(before) < set(after)
        _proved(one)
    finally:
        one.stop()


def _proved(one: Installation) -> None:
    proved = one.run("verify")
    assert proved.returncode == 0, proved.stdout + proved.stderr


def _pages_show(one: Installation, kept: dict[str, Any], orders: dict[str, dict[str, Any]]) -> None:
    with httpx.Client(base_url=one.url, timeout=30) as portal:
        signed = portal.post("/signin", data={"email": kept["portal_user"], "password": kept["portal_password"]})
        assert signed.status_code == 303, signed.text
        assert re.search(r"[A-Z]{3}-\w+", portal.get("/orders").text)
        for order_id in orders:
            page = portal.get(f"/orders/{order_id}")
            assert page.status_code == 200, (order_id, page.status_code)
        assert portal.get("/readyz").json()["partition_days_left"] >= 6
        for path in ("/overview", "/settlements", "/disputes", "/webhooks", "/invitations"):
            assert portal.get(path).status_code == 200, path


def _refund(client: httpx.Client, paid: list[dict[str, Any]]) -> None:
    answers = [
        client.post(
            f"/v1/orders/{order['id']}/refund",
            json={"amountToRefund": 1},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        ).json()
        for order in paid
    ]
    assert any(answer["success"] and answer["status"] == "SUCCESS" for answer in answers), answers
