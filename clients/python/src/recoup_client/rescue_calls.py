"""Made by scripts/make_client.py; do not edit."""

from typing import Any, Literal

from recoup_client import rescue_shapes as s
from recoup_client.base import Awaiting, Waiting


class Recoup(Waiting):
    """Rescue API."""

    def transmit(self, body: s.TransmitBody) -> s.Transmitted:
        """Copy a processed payment."""
        found: s.Transmitted = self._call("POST", "/v1/transmit", body=body)
        return found

    def change_transmit(self, id: str, body: s.UpdateBody) -> s.Transmitted:
        """Tell what became of a copy."""
        found: s.Transmitted = self._call("PATCH", f"/v1/transmit/{id}", body=body)
        return found

    def tokenize(self, body: s.TokenizeBody, *, mid: str | None = None, environment: str | None = None) -> s.Tokenized:
        """Keep a card."""
        found: s.Tokenized = self._call("POST", "/v1/tokenize", body=body, query={"mid": mid, "environment": environment})
        return found

    def evaluate(self, body: s.EvaluateBody) -> s.Evaluated:
        """Hand a declined payment over."""
        found: s.Evaluated = self._call("POST", "/v1/evaluate", body=body)
        return found

    def check_evaluate(self, body: s.CheckBody) -> s.Checked:
        """Check a declined payment before sending it."""
        found: s.Checked = self._call("POST", "/v1/evaluate/check", body=body)
        return found

    def capture(self, body: s.CaptureBody) -> s.CaptureTold:
        """Capture an authorised order."""
        found: s.CaptureTold = self._call("POST", "/v1/capture", body=body)
        return found

    def outcome(self, body: s.OutcomeBody) -> s.Outcome:
        """How a rescue stands."""
        found: s.Outcome = self._call("POST", "/v1/outcome", body=body)
        return found

    def list_orders(self, *, query: str | None = None, status: list[int] | None = None, id: list[str] | None = None, externalOrderId: list[str] | None = None, from_: str | None = None, to: str | None = None, createdFrom: str | None = None, createdTo: str | None = None, amountFrom: int | None = None, amountTo: int | None = None, siteId: str | None = None, isMIT: bool | None = None, orderSource: str | None = None, currency: str | None = None, descriptor: str | None = None, hasRefund: bool | None = None, mid: str | None = None, orderBy: str | None = None, sort: str | None = None, pageSize: int | None = None, pageNumber: int | None = None) -> s.Orders:
        """Orders."""
        found: s.Orders = self._call("GET", "/v1/orders", query={"query": query, "status": status, "id": id, "externalOrderId": externalOrderId, "from": from_, "to": to, "createdFrom": createdFrom, "createdTo": createdTo, "amountFrom": amountFrom, "amountTo": amountTo, "siteId": siteId, "isMIT": isMIT, "orderSource": orderSource, "currency": currency, "descriptor": descriptor, "hasRefund": hasRefund, "mid": mid, "orderBy": orderBy, "sort": sort, "pageSize": pageSize, "pageNumber": pageNumber})
        return found

    def get_order(self, id: str) -> s.OrderDetail:
        """One order."""
        found: s.OrderDetail = self._call("GET", f"/v1/orders/{id}")
        return found

    def change_order(self, id: str, body: s.AmendBody) -> s.AmendedOrder:
        """Change an open order."""
        found: s.AmendedOrder = self._call("PATCH", f"/v1/orders/{id}", body=body)
        return found

    def cancel_order(self, id: str, body: s.CancelBody) -> s.Nothing:
        """Call an order off."""
        found: s.Nothing = self._call("POST", f"/v1/orders/{id}/cancel", body=body)
        return found

    def refund_order(self, id: str, body: s.RefundBody) -> s.Refunded:
        """Pay an order back."""
        found: s.Refunded = self._call("POST", f"/v1/orders/{id}/refund", body=body)
        return found

    def create_webhook(self, body: s.EndpointBody) -> s.Endpoint:
        """Make an endpoint."""
        found: s.Endpoint = self._call("POST", "/v1/webhooks", body=body)
        return found

    def list_webhooks(self) -> s.Endpoints:
        """Endpoints."""
        found: s.Endpoints = self._call("GET", "/v1/webhooks")
        return found

    def get_webhook(self, id: str) -> s.Endpoint:
        """One endpoint."""
        found: s.Endpoint = self._call("GET", f"/v1/webhooks/{id}")
        return found

    def replace_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Replace an endpoint."""
        found: s.Endpoint = self._call("PUT", f"/v1/webhooks/{id}", body=body)
        return found

    def change_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Change an endpoint."""
        found: s.Endpoint = self._call("PATCH", f"/v1/webhooks/{id}", body=body)
        return found

    def delete_webhook(self, id: str) -> None:
        """Delete an endpoint."""
        self._call("DELETE", f"/v1/webhooks/{id}")

    def test_webhook(self, id: str, body: s.TestBody) -> s.TestAnswer:
        """Send a sample."""
        found: s.TestAnswer = self._call("POST", f"/v1/webhooks/{id}/test", body=body)
        return found

    def list_webhook_deliveries(self, id: str, *, limit: int | None = None, before: str | None = None) -> s.Deliveries:
        """What was sent there."""
        found: s.Deliveries = self._call("GET", f"/v1/webhooks/{id}/deliveries", query={"limit": limit, "before": before})
        return found

    def create_site(self, body: s.SiteBody) -> s.Site:
        """Make a site."""
        found: s.Site = self._call("POST", "/v1/sites", body=body)
        return found

    def list_sites(self) -> s.Sites:
        """Sites."""
        found: s.Sites = self._call("GET", "/v1/sites")
        return found

    def get_site(self, id: str) -> s.Site:
        """One site."""
        found: s.Site = self._call("GET", f"/v1/sites/{id}")
        return found

    def replace_site(self, id: str, body: s.SiteBody) -> s.Site:
        """Replace a site."""
        found: s.Site = self._call("PUT", f"/v1/sites/{id}", body=body)
        return found

    def change_site(self, id: str, body: s.SitePatch) -> s.Site:
        """Change a site."""
        found: s.Site = self._call("PATCH", f"/v1/sites/{id}", body=body)
        return found

    def delete_site(self, id: str) -> None:
        """Retire a site."""
        self._call("DELETE", f"/v1/sites/{id}")

    def list_settlements(self, *, pageNumber: int | None = None, pageSize: int | None = None, from_: str | None = None, to: str | None = None, currency: str | None = None) -> s.SettlementList:
        """Settlements."""
        found: s.SettlementList = self._call("GET", "/v1/settlements", query={"pageNumber": pageNumber, "pageSize": pageSize, "from": from_, "to": to, "currency": currency})
        return found

    def get_settlement(self, id: str) -> s.SettlementDetail:
        """One settlement."""
        found: s.SettlementDetail = self._call("GET", f"/v1/settlements/{id}")
        return found

    def list_settlement_lines(self, id: str, *, limit: int | None = None, after: str | None = None, kind: Literal["adjustment", "amount", "carried", "dispute", "dispute_fee", "fee", "payout", "refund", "reserve"] | None = None, format: Literal["csv", "json"] | None = None) -> s.SettlementLines:
        """What a settlement is made up of."""
        found: s.SettlementLines = self._call("GET", f"/v1/settlements/{id}/lines", query={"limit": limit, "after": after, "kind": kind, "format": format})
        return found

    def get_reconciliation(self, *, from_: str | None = None, to: str | None = None, id: str | None = None, limit: int | None = None, after: str | None = None, zone: str | None = None, format: Literal["csv", "json"] | None = None) -> s.Reconciliation:
        """What moved on your account."""
        found: s.Reconciliation = self._call("GET", "/v1/reconciliation", query={"from": from_, "to": to, "id": id, "limit": limit, "after": after, "zone": zone, "format": format})
        return found


class AsyncRecoup(Awaiting):
    """Rescue API."""

    async def transmit(self, body: s.TransmitBody) -> s.Transmitted:
        """Copy a processed payment."""
        found: s.Transmitted = await self._call("POST", "/v1/transmit", body=body)
        return found

    async def change_transmit(self, id: str, body: s.UpdateBody) -> s.Transmitted:
        """Tell what became of a copy."""
        found: s.Transmitted = await self._call("PATCH", f"/v1/transmit/{id}", body=body)
        return found

    async def tokenize(self, body: s.TokenizeBody, *, mid: str | None = None, environment: str | None = None) -> s.Tokenized:
        """Keep a card."""
        found: s.Tokenized = await self._call("POST", "/v1/tokenize", body=body, query={"mid": mid, "environment": environment})
        return found

    async def evaluate(self, body: s.EvaluateBody) -> s.Evaluated:
        """Hand a declined payment over."""
        found: s.Evaluated = await self._call("POST", "/v1/evaluate", body=body)
        return found

    async def check_evaluate(self, body: s.CheckBody) -> s.Checked:
        """Check a declined payment before sending it."""
        found: s.Checked = await self._call("POST", "/v1/evaluate/check", body=body)
        return found

    async def capture(self, body: s.CaptureBody) -> s.CaptureTold:
        """Capture an authorised order."""
        found: s.CaptureTold = await self._call("POST", "/v1/capture", body=body)
        return found

    async def outcome(self, body: s.OutcomeBody) -> s.Outcome:
        """How a rescue stands."""
        found: s.Outcome = await self._call("POST", "/v1/outcome", body=body)
        return found

    async def list_orders(self, *, query: str | None = None, status: list[int] | None = None, id: list[str] | None = None, externalOrderId: list[str] | None = None, from_: str | None = None, to: str | None = None, createdFrom: str | None = None, createdTo: str | None = None, amountFrom: int | None = None, amountTo: int | None = None, siteId: str | None = None, isMIT: bool | None = None, orderSource: str | None = None, currency: str | None = None, descriptor: str | None = None, hasRefund: bool | None = None, mid: str | None = None, orderBy: str | None = None, sort: str | None = None, pageSize: int | None = None, pageNumber: int | None = None) -> s.Orders:
        """Orders."""
        found: s.Orders = await self._call("GET", "/v1/orders", query={"query": query, "status": status, "id": id, "externalOrderId": externalOrderId, "from": from_, "to": to, "createdFrom": createdFrom, "createdTo": createdTo, "amountFrom": amountFrom, "amountTo": amountTo, "siteId": siteId, "isMIT": isMIT, "orderSource": orderSource, "currency": currency, "descriptor": descriptor, "hasRefund": hasRefund, "mid": mid, "orderBy": orderBy, "sort": sort, "pageSize": pageSize, "pageNumber": pageNumber})
        return found

    async def get_order(self, id: str) -> s.OrderDetail:
        """One order."""
        found: s.OrderDetail = await self._call("GET", f"/v1/orders/{id}")
        return found

    async def change_order(self, id: str, body: s.AmendBody) -> s.AmendedOrder:
        """Change an open order."""
        found: s.AmendedOrder = await self._call("PATCH", f"/v1/orders/{id}", body=body)
        return found

    async def cancel_order(self, id: str, body: s.CancelBody) -> s.Nothing:
        """Call an order off."""
        found: s.Nothing = await self._call("POST", f"/v1/orders/{id}/cancel", body=body)
        return found

    async def refund_order(self, id: str, body: s.RefundBody) -> s.Refunded:
        """Pay an order back."""
        found: s.Refunded = await self._call("POST", f"/v1/orders/{id}/refund", body=body)
        return found

    async def create_webhook(self, body: s.EndpointBody) -> s.Endpoint:
        """Make an endpoint."""
        found: s.Endpoint = await self._call("POST", "/v1/webhooks", body=body)
        return found

    async def list_webhooks(self) -> s.Endpoints:
        """Endpoints."""
        found: s.Endpoints = await self._call("GET", "/v1/webhooks")
        return found

    async def get_webhook(self, id: str) -> s.Endpoint:
        """One endpoint."""
        found: s.Endpoint = await self._call("GET", f"/v1/webhooks/{id}")
        return found

    async def replace_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Replace an endpoint."""
        found: s.Endpoint = await self._call("PUT", f"/v1/webhooks/{id}", body=body)
        return found

    async def change_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Change an endpoint."""
        found: s.Endpoint = await self._call("PATCH", f"/v1/webhooks/{id}", body=body)
        return found

    async def delete_webhook(self, id: str) -> None:
        """Delete an endpoint."""
        await self._call("DELETE", f"/v1/webhooks/{id}")

    async def test_webhook(self, id: str, body: s.TestBody) -> s.TestAnswer:
        """Send a sample."""
        found: s.TestAnswer = await self._call("POST", f"/v1/webhooks/{id}/test", body=body)
        return found

    async def list_webhook_deliveries(self, id: str, *, limit: int | None = None, before: str | None = None) -> s.Deliveries:
        """What was sent there."""
        found: s.Deliveries = await self._call("GET", f"/v1/webhooks/{id}/deliveries", query={"limit": limit, "before": before})
        return found

    async def create_site(self, body: s.SiteBody) -> s.Site:
        """Make a site."""
        found: s.Site = await self._call("POST", "/v1/sites", body=body)
        return found

    async def list_sites(self) -> s.Sites:
        """Sites."""
        found: s.Sites = await self._call("GET", "/v1/sites")
        return found

    async def get_site(self, id: str) -> s.Site:
        """One site."""
        found: s.Site = await self._call("GET", f"/v1/sites/{id}")
        return found

    async def replace_site(self, id: str, body: s.SiteBody) -> s.Site:
        """Replace a site."""
        found: s.Site = await self._call("PUT", f"/v1/sites/{id}", body=body)
        return found

    async def change_site(self, id: str, body: s.SitePatch) -> s.Site:
        """Change a site."""
        found: s.Site = await self._call("PATCH", f"/v1/sites/{id}", body=body)
        return found

    async def delete_site(self, id: str) -> None:
        """Retire a site."""
        await self._call("DELETE", f"/v1/sites/{id}")

    async def list_settlements(self, *, pageNumber: int | None = None, pageSize: int | None = None, from_: str | None = None, to: str | None = None, currency: str | None = None) -> s.SettlementList:
        """Settlements."""
        found: s.SettlementList = await self._call("GET", "/v1/settlements", query={"pageNumber": pageNumber, "pageSize": pageSize, "from": from_, "to": to, "currency": currency})
        return found

    async def get_settlement(self, id: str) -> s.SettlementDetail:
        """One settlement."""
        found: s.SettlementDetail = await self._call("GET", f"/v1/settlements/{id}")
        return found

    async def list_settlement_lines(self, id: str, *, limit: int | None = None, after: str | None = None, kind: Literal["adjustment", "amount", "carried", "dispute", "dispute_fee", "fee", "payout", "refund", "reserve"] | None = None, format: Literal["csv", "json"] | None = None) -> s.SettlementLines:
        """What a settlement is made up of."""
        found: s.SettlementLines = await self._call("GET", f"/v1/settlements/{id}/lines", query={"limit": limit, "after": after, "kind": kind, "format": format})
        return found

    async def get_reconciliation(self, *, from_: str | None = None, to: str | None = None, id: str | None = None, limit: int | None = None, after: str | None = None, zone: str | None = None, format: Literal["csv", "json"] | None = None) -> s.Reconciliation:
        """What moved on your account."""
        found: s.Reconciliation = await self._call("GET", "/v1/reconciliation", query={"from": from_, "to": to, "id": id, "limit": limit, "after": after, "zone": zone, "format": format})
        return found
