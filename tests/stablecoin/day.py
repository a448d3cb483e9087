"""A merchant's whole day of the stablecoin API by its OpenAPI document: any operation after any
other. Every answer is one that the document tells; no wallet falls below zero, nothing goes back
twice, and the books hold at the end."""

from decimal import Decimal
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from tests.fuzzing import mixed
from tests.heard import Told
from tests.stablecoin.door import Door
from tests.stablecoin.fuzzing import subscription_of

from recoup.main.docs import dialects

TOLD = Told(next(one for one in dialects() if one.name == "stablecoin"))
BY_NAME = {
    f"{one.method} {one.path.removeprefix('/api/v1')}": one for one in TOLD.dialect.operations
}
# status -> what it may be later
LATER = {
    "created": {
        "pending",
        "paid",
        "expired",
        "canceled",
        "failed",
        "partially_refunded",
        "refunded",
    },
    "paid": {"partially_refunded", "refunded"},
    "partially_refunded": {"refunded"},
    "expired": {"paid"},
}
LATER["pending"] = LATER["created"]


class Day(RuleBasedStateMachine):
    """One new merchant. `charged`: order id -> what the charge answered."""

    orders: Bundle[str] = Bundle("orders")
    subscriptions: Bundle[str] = Bundle("subscriptions")

    def __init__(self, door: Door) -> None:
        super().__init__()
        self.door, self.merchant = door, door.merchant()
        self.charged: dict[str, Any] = {}
        self.status: dict[str, str] = {}
        self.refunded: dict[str, Decimal] = {}
        self.number = 0

    def send(
        self, name: str, body: Any = None, *, query: str = "", id: str = "", **more: Any
    ) -> httpx.Response:
        operation = BY_NAME[name]
        self.number += 1  # no two calls of a second have one signature
        headers = {"Idempotency-Key": f"k-{self.number}"} | more.pop("headers", {})
        path = operation.path.removeprefix("/api/v1").replace("{id}", id)
        query = query or (f"n={self.number}" if operation.method == "GET" else "")
        answer = self.merchant.call(operation.method, path, body, query, headers=headers)
        TOLD.check(operation, answer)
        if operation.body is not None and not TOLD.allows(operation, body):
            assert answer.status_code >= 400, f"{name} takes what it is not told to take: {body}"
        return answer

    @rule(
        target=orders,
        channel=st.sampled_from(["mock", "mock_direct"]),
        cents=st.integers(1, 10**7),
        currency=st.sampled_from(["USDT", "USDC"]),
        pays=st.booleans(),
    )
    def charge(self, channel: str, cents: int, currency: str, pays: bool) -> Any:
        amount = f"{cents // 100}.{cents % 100:02d}"
        body = self.merchant.body(channel=channel, amount=amount, currency=currency)
        answer = self.send("POST /charges", body)
        assert answer.status_code == 201, answer.text
        again = self.merchant.post(
            "/charges", body | {"subject": body["subject"]}, headers={"x-n": str(self.number)}
        )
        assert again.status_code in (200, 401), (
            "a repeat is the same order; signed in one second it is a replay"
        )
        made = answer.json()
        order_id = str(made["order"]["id"])
        self.charged[order_id], self.refunded[order_id] = made, Decimal(0)
        if pays:
            self.the_payer_presses(order_id, "pay")
        return order_id

    @rule(data=st.data())
    def charge_what_the_schema_allows(self, data: st.DataObject) -> None:
        shape = BY_NAME["POST /charges"].body
        assert shape is not None
        answer = self.send("POST /charges", data.draw(mixed(shape, self.merchant.body())))
        if answer.status_code == 201:
            order_id = answer.json()["order"]["id"]
            self.charged[order_id], self.refunded[order_id] = answer.json(), Decimal(0)

    @rule(order=orders, button=st.sampled_from(["pay", "pay", "pay", "fail"]))
    def the_payer_presses(self, order: str, button: str) -> None:
        self.merchant.press(self.charged[order], button)
        self.look(order)

    @rule(order=orders)
    def look(self, order: str) -> None:
        told = self.send("GET /orders/{id}", id=order).json()["order"]
        before, now = self.status.get(order, "created"), told["status"]
        assert now == before or now in LATER.get(before, ()), f"{before} became {now}"
        assert Decimal(told["refunded_amount"]) == self.refunded[order] <= Decimal(told["amount"])
        assert told["amount"] == self.charged[order]["order"]["amount"]
        self.status[order] = now

    @rule(order=orders, percent=st.none() | st.integers(1, 130))
    def refund(self, order: str, percent: int | None) -> None:
        self.look(order)
        whole = Decimal(self.charged[order]["order"]["amount"])
        amount = (
            None
            if percent is None
            else max(Decimal("0.01"), (whole * percent / 100).quantize(Decimal("0.01")))
        )
        body = {} if amount is None else {"amount": f"{amount:f}", "reason": "day"}
        answer = self.send("POST /orders/{id}/refund", body, id=order)
        if answer.status_code == 200:
            now = Decimal(answer.json()["order"]["refunded_amount"])
            assert now == (whole if amount is None else self.refunded[order] + amount)
            self.refunded[order] = now
        self.look(order)

    @rule(order=orders)
    def cancel(self, order: str) -> None:
        self.send("POST /orders/{id}/cancel", id=order)
        self.look(order)

    @rule(cents=st.integers(1, 10**7), currency=st.sampled_from(["USDT", "USDC"]))
    def pay_out(self, cents: int, currency: str) -> None:
        amount = f"{cents // 100}.{cents % 100:02d}"
        before = self.balances().get(currency, Decimal(0))
        answer = self.send(
            "POST /payouts", {"amount": amount, "currency": currency, "destination": "mock:wallet"}
        )
        assert (answer.status_code == 201) <= (Decimal(amount) <= before), "at most what is there"
        self.send("GET /payouts")

    @rule(target=subscriptions)
    def subscribe(self) -> Any:
        return subscription_of(self.merchant)

    @rule(subscription=subscriptions, verb=st.sampled_from(["pause", "resume"]))
    def pause_or_resume(self, subscription: str, verb: str) -> None:
        self.send(f"POST /subscriptions/{{id}}/{verb}", id=subscription)
        self.send("GET /subscriptions/{id}", id=subscription)

    @rule(subscription=consumes(subscriptions))
    def end_subscription(self, subscription: str) -> None:
        assert self.send("POST /subscriptions/{id}/cancel", id=subscription).status_code == 200

    @rule(minutes=st.integers(1, 3000))
    def time_passes(self, minutes: int) -> None:
        self.merchant.advance(minutes=minutes)

    @rule(
        name=st.sampled_from(["/orders", "/subscriptions", "/ledger", "/payouts"]),
        limit=st.integers(0, 300),
    )
    def page(self, name: str, limit: int) -> None:
        self.number += 1
        answer = self.send(f"GET {name}", query=f"limit={limit}&n={self.number}")
        assert (answer.status_code == 400) == (limit == 0)
        if limit and name == "/orders":
            assert answer.json()["limit"] == min(limit, 200)

    @rule(name=st.sampled_from(["/channels", "/me"]))
    def read(self, name: str) -> None:
        self.send(f"GET {name}")

    def balances(self) -> dict[str, Decimal]:
        wallets = self.send("GET /wallets").json()["data"]
        return {wallet["currency"]: Decimal(wallet["balance"]) for wallet in wallets}

    @invariant()
    def no_wallet_is_below_zero(self) -> None:
        assert all(balance >= 0 for balance in self.balances().values()), self.balances()

    def teardown(self) -> None:
        self.merchant.settle()
        for order in self.charged:
            self.look(order)
        self.door.verified(self.merchant)
