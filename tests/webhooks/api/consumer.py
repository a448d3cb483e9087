"""A merchant's consumer of events, as its developer would write it: at least once, in any order,
with catch-up."""

from dataclasses import dataclass, field
from typing import Any

FIELDS = ("Status", "Amount", "RefundedAmount", "Currency", "Reason", "DoNotRetry", "ExpiryDate")


@dataclass
class Consumer:
    """`states`: order id -> (sequence, state). `after`: how far the feed was read."""

    states: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    after: str = "0"

    def take(self, event: dict[str, Any]) -> None:
        """One event, from a webhook or from the feed: of each order the one with the highest
        sequence counts."""
        data = event["EventData"]
        if data["EventId"] in self.seen or "Order" not in data:
            return
        self.seen.add(data["EventId"])
        known, _ = self.states.get(event["OrderId"], (0, {}))
        if data["Sequence"] > known:
            self.states[event["OrderId"]] = (data["Sequence"], data["Order"])

    def catch_up(self, get: Any) -> int:
        """Reads the feed to its end; how many events it gave. `get` calls the API with a query."""
        read = 0
        while True:
            page = get({"after": self.after, "limit": 7})
            for event in page["data"]:
                self.take(event)
            read, self.after = read + len(page["data"]), page["next"]
            if not page["hasMore"]:
                return read

    def state_of(self, order_id: str) -> dict[str, Any]:
        return self.states[order_id][1]


def as_told(order: dict[str, Any]) -> dict[str, Any]:
    """What GET /v1/orders says of an order, in the words of its events."""
    return {
        "Status": order["statusName"],
        "Amount": order["amount"],
        "RefundedAmount": order["refundedAmount"],
        "Currency": order["currencyCode"],
        "Reason": order["reason"],
        "DoNotRetry": order["doNotRetry"],
        "ExpiryDate": order["expiryDate"],
    }
