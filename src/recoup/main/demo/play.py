"""Plays an examples file through the HTTP API, as its merchant would: tokens, copies, declines,
refunds, cancellations.

With a clock the whole story is played, each line at its moment; without one only the first day, all
at once, now.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from recoup.kernel.time import Clocks
from recoup.main.demo.clients import RescueClient, StableClient, said
from recoup.main.demo.example import (
    Line,
    Vaulted,
    by_methods,
    card_key,
    card_number,
    cards_in,
    fill,
)

PRESSES: Final = ("pay", "fail")


class StablePlayer:
    """`orders`: the merchant's ids of stablecoin orders in the file; `suffix` is appended to
    each."""

    def __init__(self, client: StableClient, lines: Sequence[Line], suffix: str) -> None:
        self._client, self._suffix = client, suffix
        self.orders = frozenset(line.order for line in lines if line.do == "charge")

    async def send(
        self, line: Line, body: dict[str, Any], key: str
    ) -> tuple[int, str, dict[str, Any]]:
        """(status, what became of it, the answer). What an earlier, broken play has done already is
        not done twice."""
        name = line.order + self._suffix
        if line.do == "charge":
            charge = {**body, "merchant_order_id": name}
            status, answer = await self._client.call("POST", "/api/v1/charges", charge)
            return (200 if status == 201 else status), _word(status, answer), answer
        status, page = await self._client.call(
            "GET", "/api/v1/orders", None, f"merchant_order_id={name}"
        )
        if status != 200 or not page["data"]:
            return 404, "unknown", {"result": "no such charge was made"}
        path = f"/api/v1/orders/{page['data'][0]['id']}"
        if line.do in PRESSES:
            _, order = await self._client.call("GET", path, None)
            pressed = await self._client.press(order["checkout_url"], line.do)
            return (
                (200 if pressed in (303, 409) else pressed),
                "done" if pressed == 303 else "KNOWN",
                {},
            )
        status, answer = await self._client.call("POST", f"{path}/{line.do}", body, key=key)
        return status, _word(status, answer), answer


def _word(status: int, answer: dict[str, Any]) -> str:
    return str(answer["order"]["status"]).upper() if status in (200, 201) else str(status)


DAY: Final = timedelta(days=1)
COMPLAINTS_MAX: Final = 5
TELL_SECONDS: Final = 1.0
Clock = Callable[[timedelta], Awaitable[datetime]]
Tell = Callable[[timedelta, str], None]  # how far it is, and in words


@dataclass
class Played:
    """Counts of what was sent and what was answered."""

    tokens: int = 0
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, do: str, answer: str) -> None:
        self.answers.setdefault(do, Counter())[answer] += 1

    def to_dict(self) -> dict[str, Any]:
        return {
            "tokenized": self.tokens,
            **{do: dict(c) for do, c in self.answers.items()},
            "complaints": self.complaints,
            "seconds": round(self.seconds, 1),
        }


async def play(
    lines: Sequence[Line],
    base_url: str,
    credentials: dict[str, Any],
    *,
    clock: Clock | None = None,
    now: datetime | None = None,
    tell: Tell = lambda at, text: None,
    run: str = "",
    after: timedelta | None = None,
    done: Callable[[timedelta], None] = lambda at: None,
    stored: bool = False,
) -> Played:
    """Sends the lines of examples files. `clock(at)` moves the merchant's clock to that point of
    them, and answers its time. Without it `now` is the merchant's time, from which dates are
    counted; default: the wall's.

    `run` is appended to the order ids, so that the same file can be sent again. `after`: lines up
    to there were sent by an earlier, broken play of the same run; `done(at)` is called for each
    point that is over. Order ids are looked up again. `stored`: cards are sent as methods that the
    sandbox stores, not as tokens. Raises: Problem invalid, unauthenticated, unavailable.
    """
    clocks, played = Clocks(), Played()
    started = clocks.monotonic()
    wanted = [
        line
        for line in lines
        if (after is None or line.at > after) and (clock is not None or line.at < DAY)
    ]
    days = max((line.at // DAY + 1 for line in wanted), default=0)
    async with (
        RescueClient(base_url, credentials) as client,
        StableClient(base_url, credentials) as stable,
    ):
        await client.wait_until_up(5)
        lines = [replace(line, body=by_methods(line.body)) for line in lines] if stored else lines
        wanted = (
            [replace(line, body=by_methods(line.body)) for line in wanted] if stored else wanted
        )
        player = _Player(client, stable, played, run, lines)
        if after is not None:
            await player.find_orders()
        if clock is None:
            await player.tokenize(wanted)
            await player.send(wanted, now or clocks.wall())
        else:
            reported_at = clocks.monotonic()
            for at, moment in groupby(
                sorted(wanted, key=lambda line: line.at), key=lambda line: line.at
            ):
                sent, now = list(moment), await clock(at)
                await player.tokenize(sent)
                await player.send(sent, now)
                done(at)
                if clocks.monotonic() - reported_at > TELL_SECONDS:
                    reported_at = clocks.monotonic()
                    orders = played.answers.get("evaluate", Counter()).total()
                    tell(at, f"day {at // DAY + 1} of {days}, {orders:,} orders")
    played.seconds = clocks.monotonic() - started
    return played


class _Player:
    def __init__(
        self,
        client: RescueClient,
        stable: StableClient,
        played: Played,
        run: str,
        lines: Sequence[Line],
    ) -> None:
        self._client, self._played = client, played
        self._suffix = f"-{run}" if run else ""
        self._stable = StablePlayer(stable, lines, self._suffix)
        self._vaulted: dict[str, Vaulted] = {}
        self._orders: dict[str, str] = {}

    async def find_orders(self) -> None:
        """The ids of orders that are there already, by the merchant's own ids."""
        number, more = 1, True
        while more and number <= 1000:
            _, body = await self._client.get(
                "/v1/orders", {"pageSize": "200", "pageNumber": str(number)}
            )
            page = body["orders"]
            self._orders |= {order["externalOrderId"]: order["id"] for order in page["data"]}
            number, more = number + 1, page["hasNextPage"]

    async def tokenize(self, lines: Sequence[Line]) -> None:
        """Each card once, if it is not yet. Names and expiry are of the first line that uses it."""
        first: dict[str, tuple[dict[str, Any], Line]] = {}
        for line in lines:
            for card in cards_in(line.body):
                if card_key(card) not in self._vaulted:
                    first.setdefault(card_key(card), (card, line))

        async def store_card(key: str, card: dict[str, Any], line: Line) -> None:
            who = line.body.get("paymentMethod", {})
            given, _, family = str(who.get("holderName", "")).partition(" ")
            made = await self._client.tokenize(
                {
                    "first_name": given or "Test",
                    "last_name": family or "Card",
                    "number": card_number(card),
                    "month": f"{who.get('expirationMonth', 12):02d}",
                    "year": str(Clocks().wall().year + 3),
                }
            )
            self._vaulted[key] = Vaulted(
                made["token"], made["first_six_digits"], made["last_four_digits"]
            )

        await asyncio.gather(
            *(store_card(key, *card_and_line) for key, card_and_line in first.items())
        )
        self._played.tokens += len(first)

    async def send(self, lines: Sequence[Line], moment: datetime) -> None:
        """Side by side, but what speaks of one order in the order of the file."""
        by_order: dict[str, list[Line]] = {}
        for line in lines:
            by_order.setdefault(line.order, []).append(line)

        async def in_turn(several: list[Line]) -> None:
            for line in several:
                await self._one(line, moment)

        await asyncio.gather(*(in_turn(several) for several in by_order.values()))

    async def _one(self, line: Line, moment: datetime) -> None:
        order = line.order + self._suffix
        body = fill(line.body, moment, self._vaulted)
        if line.do in ("transmit", "evaluate"):
            body |= {"orderId": order, "mid": self._client.mid}
        match "stable" if line.order in self._stable.orders else line.do:
            case "stable":
                key = self._key(line.do, order, str(line.number))
                status, word, answer = await self._stable.send(line, body, key)
            case "transmit":
                status, answer = await self._client.post("/v1/transmit", body)
                word = str(answer.get("result")) if status == 200 else str(status)
            case "evaluate":
                status, word, answer = await self._evaluate(order, body)
            case _:
                status, word, answer = await self._follow_up(line, order, body)
        self._played.count(line.do, word)
        if status != 200 and len(self._played.complaints) < COMPLAINTS_MAX:
            self._played.complaints.append(
                f"line {line.number}, {line.do} {order}: {status} {said(answer)}"
            )

    async def _evaluate(self, order: str, body: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        if order in self._orders:
            return 200, "KNOWN", {}
        body["idempotencyKey"] = self._key("evaluate", order)
        status, answer = await self._client.post("/v1/evaluate", body)
        if status == 200:
            self._orders[order] = str(answer["orderId"])
        return status, str(answer.get("status")) if status == 200 else str(status), answer

    async def _follow_up(
        self, line: Line, order: str, body: dict[str, Any]
    ) -> tuple[int, str, dict[str, Any]]:
        """Refund or cancel, by the id that /evaluate answered."""
        order_id = self._orders.get(order)
        if order_id is None:
            return 404, "unknown", {"result": "no such order was sent"}
        key = self._key(line.do, order, str(line.number)) if line.do == "refund" else None
        status, answer = await self._client.post(f"/v1/orders/{order_id}/{line.do}", body, key=key)
        return status, str(answer.get("status") or "done") if status == 200 else str(status), answer

    def _key(self, *parts: str) -> str:
        """The same for the same call of the same run, whichever process sends it."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join((self._client.mid, *parts))))
