"""A merchant's whole day by its OpenAPI document: any operation after any other, bodies as their
schemas allow them. Every answer is one that the document tells; no amount, order or refund is lost,
and the books hold at the end."""

import json
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from tests.door import APPROVES, FUNDS, GONE, HARD, Door, transmit_body
from tests.fuzzing import mixed, queries
from tests.heard import Told

from recoup.insight.flows.verify import verify
from recoup.kit.edge.described import Operation
from recoup.kit.edge.dialect import variables_of
from recoup.main.docs import dialects

TOLD = Told(next(one for one in dialects() if one.name == "rescue"))
BY_NAME = {f"{one.method} {one.path}": one for one in TOLD.dialect.operations}
# What needs no id of its own; a merchant's token may call all of it.
READS = [
    one
    for one in TOLD.dialect.operations
    if one.method == "GET" and not variables_of(one.path) and one.credential != "partner"
]
CARDS = {"approves": APPROVES, "funds": FUNDS, "hard": HARD}
KINDS: dict[str, dict[str, Any]] = {
    "managed": {},
    "sync": {"expiryDateUtc": GONE},
    "at once": {"expiryDateUtc": GONE, "transaction__responseCode": "91"},
    "customer": {"isMIT": False, "expiryDateUtc": GONE, "customerIp": "203.0.113.24"},
    "held": {
        "isMIT": False,
        "expiryDateUtc": GONE,
        "customerIp": "203.0.113.24",
        "transactionType": "AUTHORIZATION",
    },
    "held inside": {
        "isMIT": False,
        "expiryDateUtc": GONE,
        "transaction__transactionType": "Authorization",
    },
}
# status -> what it may be later. An order that is returned or cancelled stays so.
LATER = {
    "DRAFT": {
        "ONHOLD",
        "CANCELLED",
        "PROBLEM",
        "PROCESSING",
        "CAPTUREREQUIRED",
        "COMPLETED",
        "RETURNED",
    },
    "CAPTUREREQUIRED": {"CANCELLED", "COMPLETED", "RETURNED"},
    "COMPLETED": {"RETURNED"},
    "RETURNED": set(),
    "CANCELLED": set(),
}
LATER["PROCESSING"] = LATER["ONHOLD"] = LATER["PROBLEM"] = LATER["DRAFT"] | {"PROCESSING"}


class Day(RuleBasedStateMachine):
    """One new merchant. `asked`: order id -> (external id, amount, what was refunded)."""

    orders: Bundle[str] = Bundle("orders")
    hooks: Bundle[str] = Bundle("hooks")
    sites: Bundle[str] = Bundle("sites")

    def __init__(self, door: Door) -> None:
        super().__init__()
        self.door, self.shop = door, door.shop()
        self.asked: dict[str, tuple[str, int]] = {}
        self.refunded: dict[str, int] = {}
        self.status: dict[str, str] = {}
        self.number = 0

    def send(self, name: str, body: Any = None, *, query: Any = None, **ids: str) -> httpx.Response:
        """Every call of the day: what comes back is what the document tells."""
        operation = BY_NAME[name]
        path = operation.path.removeprefix("/v1")
        for variable, value in ids.items():
            path = path.replace(f"{{{variable}}}", value)
        more: dict[str, Any] = {}
        if body is not None:  # escaped: half of a surrogate pair is no UTF-8
            more = {"content": json.dumps(body), "headers": {"content-type": "application/json"}}
        answer = self.shop.call(operation.method, path, params=query, **more)
        TOLD.check(operation, answer)
        if body is not None and not TOLD.allows(operation, body):
            assert answer.status_code >= 400 or operation.path in LENIENT, (
                f"{name} takes what it is not told to take"
            )
        return answer

    # handing over
    # ----------------------------------------------------------------------------------------------

    @rule(
        target=orders,
        kind=st.sampled_from(sorted(KINDS)),
        card=st.sampled_from(sorted(CARDS)),
        units=st.integers(100, 20_000),
        token=st.booleans(),
    )
    def hand_over(self, kind: str, card: str, units: int, token: bool) -> Any:
        body = self.shop.body(**KINDS[kind], transaction__amount=units)
        number = CARDS[card]
        if token:
            body["paymentMethod"] = {"token": True, "cardNumber": self.shop.token_for(number)}
        else:
            body["paymentMethod"] |= {"cardNumber": number, "verificationValue": "999"}
        checked = self.send("POST /v1/evaluate/check", body).json()
        assert checked["valid"], checked["complaints"]
        answer = self.send("POST /v1/evaluate", body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        if kind.startswith("held"):
            assert told["status"] in ("CAPTUREREQUIRED", "DECLINED", "CHALLENGE"), (
                "no money is taken"
            )
        order_id = str(told["orderId"])
        self.asked[order_id], self.refunded[order_id] = (body["orderId"], units), 0
        assert self.send("POST /v1/evaluate", body).json()["orderId"] == order_id, (
            "a repeat is the same order"
        )
        return order_id

    @rule(data=st.data())
    def hand_over_what_the_schema_allows(self, data: st.DataObject) -> None:
        """Taken, or refused with the field's name; an order that was made counts as every other."""
        operation = BY_NAME["POST /v1/evaluate"]
        assert operation.body is not None
        body = data.draw(mixed(operation.body, self.shop.body()))
        answer = self.send("POST /v1/evaluate", body)
        if answer.status_code == 200:
            self.asked[answer.json()["orderId"]] = (
                body["orderId"].strip(),
                int(body["transaction"]["amount"]),
            )
            self.refunded[answer.json()["orderId"]] = 0

    @rule(declined=st.booleans(), order=st.none() | orders)
    def transmit(self, declined: bool, order: str | None) -> None:
        changes: dict[str, Any] = {"isDeclined": declined}
        if order is not None:
            changes["orderId"] = self.asked[order][0]
        made = self.send("POST /v1/transmit", transmit_body(self.shop, **changes)).json()[
            "transmitId"
        ]
        self.send("PATCH /v1/transmit/{id}", {"outcome": "DECLINED"}, id=made)

    # one order
    # ----------------------------------------------------------------------------------------------

    @rule(order=orders)
    def look(self, order: str) -> None:
        told = self.send("GET /v1/orders/{id}", id=order).json()
        known = (*self.asked[order], self.refunded[order])
        assert (told["externalOrderId"], told["amount"], told["refundedAmount"]) == known
        before, now = self.status.get(order, "DRAFT"), told["statusName"]
        assert now == before or now in LATER[before], f"{before} became {now}"
        self.status[order] = now
        outcome = self.send("POST /v1/outcome", {"orderSessionKey": order}).json()
        assert outcome["confirmationId"] == told["referenceNumber"]
        assert (outcome["status"] == "APPROVED") == (now in ("COMPLETED", "RETURNED")), (
            outcome,
            now,
        )
        found = self.send(
            "GET /v1/orders", query={"referenceNumber": told["referenceNumber"]}
        ).json()["orders"]["data"]
        assert order in [one["id"] for one in found]

    @rule(order=orders, percent=st.integers(1, 130))
    def refund(self, order: str, percent: int) -> None:
        self.number += 1
        units = self.asked[order][1]
        cents = max(1, units * percent // 100)
        body = {
            "amountToRefund": f"{cents // 100}.{cents % 100:02d}",
            "idempotencyKey": f"r-{self.number}",
        }
        answer = self.send("POST /v1/orders/{id}/refund", body, id=order).json()
        again = self.send("POST /v1/orders/{id}/refund", body, id=order).json()
        assert again["status"] == answer["status"], "the key makes it one refund"
        if answer["status"] == "SUCCESS":
            self.refunded[order] += cents
        assert self.refunded[order] <= units
        self.look(order)

    @rule(order=orders, whole=st.booleans())
    def capture(self, order: str, whole: bool) -> None:
        self.number += 1
        body = {
            "idempotencyKey": f"c-{self.number}",
            "orderId": order,
            "currency": "USD",
            "amount": self.asked[order][1] - (not whole),
        }
        told = self.send("POST /v1/capture", body)
        assert whole or told.status_code != 200 or told.json()["status"] == "FAILED", (
            "the whole amount or nothing"
        )
        self.look(order)

    @rule(order=orders)
    def cancel(self, order: str) -> None:
        answer = self.send("POST /v1/orders/{id}/cancel", id=order)
        self.look(order)
        if answer.status_code == 200:
            assert answer.json() == {}
            assert self.status[order] == "CANCELLED"

    @rule(order=orders, stop=st.booleans())
    def amend(self, order: str, stop: bool) -> None:
        self.send(
            "PATCH /v1/orders/{id}", {"metadata": {"day": "one"}, "doNotRetry": stop}, id=order
        )
        self.look(order)

    # the rest of the day
    # ------------------------------------------------------------------------------------------

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.shop.advance(hours=hours)

    @rule(data=st.data(), operation=st.sampled_from(READS))
    def read(self, data: st.DataObject, operation: Operation) -> None:
        query = data.draw(queries(operation.query)) if operation.query is not None else None
        self.send(f"{operation.method} {operation.path}", query=query)

    @rule(target=hooks)
    def make_hook(self) -> Any:
        self.number += 1
        answer = self.send("POST /v1/webhooks", {"url": f"http://127.0.0.1:9/{self.number}"})
        return answer.json()["id"] if answer.status_code == 201 else multiple()

    @rule(hook=consumes(hooks), state=st.sampled_from(["active", "disabled"]))
    def change_and_end_hook(self, hook: str, state: str) -> None:
        assert (
            self.send("PATCH /v1/webhooks/{id}", {"state": state}, id=hook).json()["state"] == state
        )
        self.send("GET /v1/webhooks/{id}/deliveries", id=hook)
        self.send("POST /v1/webhooks/{id}/rotate", id=hook)
        assert self.send("DELETE /v1/webhooks/{id}", id=hook).status_code == 204
        assert self.send("GET /v1/webhooks/{id}", id=hook).status_code == 404

    @rule(target=sites)
    def make_site(self) -> Any:
        self.number += 1
        body = {"url": f"https://s{self.number}.example", "name": "Day", "descriptor": "EXAMPLEDAY"}
        answer = self.send("POST /v1/sites", body)
        return answer.json()["id"] if answer.status_code == 201 else multiple()

    @rule(site=consumes(sites), kind=st.sampled_from(["mit", "cit_web", "cit_callcenter"]))
    def switch_a_site_and_end_it(self, site: str, kind: str) -> None:
        assert (
            self.send("PUT /v1/switches", {"kind": kind, "on": False, "siteId": site}).status_code
            == 200
        )
        off = self.shop.body(
            siteId=site,
            isMIT=kind == "mit",
            expiryDateUtc=GONE,
            orderSource={"cit_callcenter": "callcenter"}.get(kind, "ecommerce"),
        )
        assert self.send("POST /v1/evaluate", off).status_code == 403
        assert self.send("DELETE /v1/sites/{id}", id=site).status_code == 204

    @rule()
    def send_a_file(self) -> None:
        rows = [transmit_body(self.shop) for _ in range(3)]
        upload = self.send("POST /v1/uploads", {"kind": "transmit", "rows": rows}).json()["id"]
        self.door.run(self.shop.shop.run_due())
        assert self.send("GET /v1/uploads/{id}", id=upload).json()["done"] == 3
        assert len(self.send("GET /v1/uploads/{id}/answers", id=upload).text.splitlines()) == 3

    @invariant()
    def no_order_is_lost(self) -> None:
        page = self.send("GET /v1/orders", query={"pageSize": 1}).json()["orders"]
        assert page["totalItemCount"] == len(self.asked)

    def teardown(self) -> None:
        for order in self.asked:
            self.look(order)
        self.door.run(self.shop.shop.settle())
        found = self.door.run(verify(self.door.world, self.shop.shop.merchant_id))
        assert found.difference is None, found.difference


# Clients of the vendor send more than the schema says: numbers as text, other cases of names.
LENIENT = frozenset({"/v1/evaluate", "/v1/transmit", "/v1/evaluate/check"})
