"""Plays the lines of an examples file that are about stablecoin orders: the merchant calls, payers press buttons."""

from collections.abc import Sequence
from typing import Any, Final

from recoup.main.demo.example import Line
from recoup.main.demo.stable_client import StableClient

PRESSES: Final = ("pay", "fail")
VERBS: Final = ("charge", *PRESSES, "refund", "cancel")


class StablePlayer:
    """`orders`: the merchant's ids of stablecoin orders in the file; `suffix` is appended to each."""

    def __init__(self, client: StableClient, lines: Sequence[Line], suffix: str) -> None:
        self._client, self._suffix = client, suffix
        self.orders = frozenset(line.order for line in lines if line.do == "charge")

    async def send(self, line: Line, body: dict[str, Any], key: str) -> tuple[int, str, dict[str, Any]]:
        """(status, what became of it, the answer). What an earlier, broken play has done already is not done twice."""
        name = line.order + self._suffix
        if line.do == "charge":
            charge = {**body, "merchant_order_id": name}
            status, answer = await self._client.call("POST", "/api/v1/charges", charge)
            return (200 if status == 201 else status), _word(status, answer), answer
        status, found = await self._client.call("GET", "/api/v1/orders", None, f"merchant_order_id={name}")
        if status != 200 or not found["data"]:
            return 404, "unknown", {"result": "no such charge was made"}
        path = f"/api/v1/orders/{found['data'][0]['id']}"
        if line.do in PRESSES:
            _, order = await self._client.call("GET", path, None)
            pressed = await self._client.press(order["checkout_url"], line.do)
            return (200 if pressed in (303, 409) else pressed), "done" if pressed == 303 else "KNOWN", {}
        status, answer = await self._client.call("POST", f"{path}/{line.do}", body, key=key)
        return status, _word(status, answer), answer


def _word(status: int, answer: dict[str, Any]) -> str:
    return str(answer["order"]["status"]).upper() if status in (200, 201) else str(status)
