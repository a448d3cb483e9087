"""Made by scripts/make_client.py; do not edit."""

from typing import Any, Literal

from recoup_client import stablecoin_shapes as s
from recoup_client.base import Awaiting, Waiting, segment


class RecoupStablecoin(Waiting):
    """Stablecoin API."""

    def create_charge(self, body: s.ChargeBody) -> s.ChargeAnswer:
        """Create a charge."""
        found: s.ChargeAnswer = self._call("POST", "/api/v1/charges", body=body)
        return found

    def list_orders(
        self,
        *,
        status: Literal["canceled", "created", "expired", "failed", "paid", "partially_refunded", "pending", "refunded"]
        | None = None,
        limit: int | None = None,
        offset: int | None = None,
        merchant_order_id: str | None = None,
    ) -> s.OrderList:
        """List orders."""
        found: s.OrderList = self._call(
            "GET",
            "/api/v1/orders",
            query={"status": status, "limit": limit, "offset": offset, "merchant_order_id": merchant_order_id},
        )
        return found

    def get_order(self, id: str) -> s.OrderAnswer:
        """Retrieve an order."""
        found: s.OrderAnswer = self._call("GET", f"/api/v1/orders/{segment(id)}")
        return found

    def refund_order(self, id: str, body: s.RefundBody, *, idempotency_key: str | None = None) -> s.OrderOnly:
        """Refund an order."""
        found: s.OrderOnly = self._call("POST", f"/api/v1/orders/{segment(id)}/refund", body=body, key=idempotency_key)
        return found

    def cancel_order(self, id: str) -> s.OrderOnly:
        """Cancel an order."""
        found: s.OrderOnly = self._call("POST", f"/api/v1/orders/{segment(id)}/cancel")
        return found

    def checkout_order(self, id: str) -> s.CheckoutAnswer:
        """Get the hosted page."""
        found: s.CheckoutAnswer = self._call("POST", f"/api/v1/orders/{segment(id)}/checkout")
        return found

    def list_channels(self) -> s.ChannelList:
        """List channels."""
        found: s.ChannelList = self._call("GET", "/api/v1/channels")
        return found

    def get_me(self) -> s.Me:
        """Your profile."""
        found: s.Me = self._call("GET", "/api/v1/me")
        return found

    def get_webhook(self) -> s.WebhookAnswer:
        """The webhook."""
        found: s.WebhookAnswer = self._call("GET", "/api/v1/webhook")
        return found

    def set_webhook(self, body: s.WebhookBody) -> s.WebhookAnswer:
        """Set the webhook."""
        found: s.WebhookAnswer = self._call("PUT", "/api/v1/webhook", body=body)
        return found

    def list_wallets(self) -> s.WalletList:
        """List wallets."""
        found: s.WalletList = self._call("GET", "/api/v1/wallets")
        return found

    def get_ledger(self, *, limit: int | None = None, offset: int | None = None) -> s.Ledger:
        """List movements."""
        found: s.Ledger = self._call("GET", "/api/v1/ledger", query={"limit": limit, "offset": offset})
        return found

    def list_payouts(self, *, limit: int | None = None, offset: int | None = None) -> s.PayoutList:
        """List payouts."""
        found: s.PayoutList = self._call("GET", "/api/v1/payouts", query={"limit": limit, "offset": offset})
        return found

    def create_payout(self, body: s.PayoutBody, *, idempotency_key: str | None = None) -> s.PayoutAnswer:
        """Request a payout."""
        found: s.PayoutAnswer = self._call("POST", "/api/v1/payouts", body=body, key=idempotency_key)
        return found

    def create_subscription(
        self, body: s.SubscriptionBody, *, idempotency_key: str | None = None
    ) -> s.SubscriptionAnswer:
        """Create a subscription."""
        found: s.SubscriptionAnswer = self._call("POST", "/api/v1/subscriptions", body=body, key=idempotency_key)
        return found

    def list_subscriptions(
        self,
        *,
        status: Literal["active", "canceled", "completed", "past_due", "paused"] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> s.SubscriptionList:
        """List subscriptions."""
        found: s.SubscriptionList = self._call(
            "GET", "/api/v1/subscriptions", query={"status": status, "limit": limit, "offset": offset}
        )
        return found

    def get_subscription(self, id: str) -> s.SubscriptionAnswer:
        """Retrieve a subscription."""
        found: s.SubscriptionAnswer = self._call("GET", f"/api/v1/subscriptions/{segment(id)}")
        return found

    def pause_subscription(self, id: str) -> s.SubscriptionAnswer:
        """Pause."""
        found: s.SubscriptionAnswer = self._call("POST", f"/api/v1/subscriptions/{segment(id)}/pause")
        return found

    def resume_subscription(self, id: str) -> s.SubscriptionAnswer:
        """Resume."""
        found: s.SubscriptionAnswer = self._call("POST", f"/api/v1/subscriptions/{segment(id)}/resume")
        return found

    def cancel_subscription(self, id: str) -> s.SubscriptionAnswer:
        """Cancel."""
        found: s.SubscriptionAnswer = self._call("POST", f"/api/v1/subscriptions/{segment(id)}/cancel")
        return found


class AsyncRecoupStablecoin(Awaiting):
    """Stablecoin API."""

    async def create_charge(self, body: s.ChargeBody) -> s.ChargeAnswer:
        """Create a charge."""
        found: s.ChargeAnswer = await self._call("POST", "/api/v1/charges", body=body)
        return found

    async def list_orders(
        self,
        *,
        status: Literal["canceled", "created", "expired", "failed", "paid", "partially_refunded", "pending", "refunded"]
        | None = None,
        limit: int | None = None,
        offset: int | None = None,
        merchant_order_id: str | None = None,
    ) -> s.OrderList:
        """List orders."""
        found: s.OrderList = await self._call(
            "GET",
            "/api/v1/orders",
            query={"status": status, "limit": limit, "offset": offset, "merchant_order_id": merchant_order_id},
        )
        return found

    async def get_order(self, id: str) -> s.OrderAnswer:
        """Retrieve an order."""
        found: s.OrderAnswer = await self._call("GET", f"/api/v1/orders/{segment(id)}")
        return found

    async def refund_order(self, id: str, body: s.RefundBody, *, idempotency_key: str | None = None) -> s.OrderOnly:
        """Refund an order."""
        found: s.OrderOnly = await self._call(
            "POST", f"/api/v1/orders/{segment(id)}/refund", body=body, key=idempotency_key
        )
        return found

    async def cancel_order(self, id: str) -> s.OrderOnly:
        """Cancel an order."""
        found: s.OrderOnly = await self._call("POST", f"/api/v1/orders/{segment(id)}/cancel")
        return found

    async def checkout_order(self, id: str) -> s.CheckoutAnswer:
        """Get the hosted page."""
        found: s.CheckoutAnswer = await self._call("POST", f"/api/v1/orders/{segment(id)}/checkout")
        return found

    async def list_channels(self) -> s.ChannelList:
        """List channels."""
        found: s.ChannelList = await self._call("GET", "/api/v1/channels")
        return found

    async def get_me(self) -> s.Me:
        """Your profile."""
        found: s.Me = await self._call("GET", "/api/v1/me")
        return found

    async def get_webhook(self) -> s.WebhookAnswer:
        """The webhook."""
        found: s.WebhookAnswer = await self._call("GET", "/api/v1/webhook")
        return found

    async def set_webhook(self, body: s.WebhookBody) -> s.WebhookAnswer:
        """Set the webhook."""
        found: s.WebhookAnswer = await self._call("PUT", "/api/v1/webhook", body=body)
        return found

    async def list_wallets(self) -> s.WalletList:
        """List wallets."""
        found: s.WalletList = await self._call("GET", "/api/v1/wallets")
        return found

    async def get_ledger(self, *, limit: int | None = None, offset: int | None = None) -> s.Ledger:
        """List movements."""
        found: s.Ledger = await self._call("GET", "/api/v1/ledger", query={"limit": limit, "offset": offset})
        return found

    async def list_payouts(self, *, limit: int | None = None, offset: int | None = None) -> s.PayoutList:
        """List payouts."""
        found: s.PayoutList = await self._call("GET", "/api/v1/payouts", query={"limit": limit, "offset": offset})
        return found

    async def create_payout(self, body: s.PayoutBody, *, idempotency_key: str | None = None) -> s.PayoutAnswer:
        """Request a payout."""
        found: s.PayoutAnswer = await self._call("POST", "/api/v1/payouts", body=body, key=idempotency_key)
        return found

    async def create_subscription(
        self, body: s.SubscriptionBody, *, idempotency_key: str | None = None
    ) -> s.SubscriptionAnswer:
        """Create a subscription."""
        found: s.SubscriptionAnswer = await self._call("POST", "/api/v1/subscriptions", body=body, key=idempotency_key)
        return found

    async def list_subscriptions(
        self,
        *,
        status: Literal["active", "canceled", "completed", "past_due", "paused"] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> s.SubscriptionList:
        """List subscriptions."""
        found: s.SubscriptionList = await self._call(
            "GET", "/api/v1/subscriptions", query={"status": status, "limit": limit, "offset": offset}
        )
        return found

    async def get_subscription(self, id: str) -> s.SubscriptionAnswer:
        """Retrieve a subscription."""
        found: s.SubscriptionAnswer = await self._call("GET", f"/api/v1/subscriptions/{segment(id)}")
        return found

    async def pause_subscription(self, id: str) -> s.SubscriptionAnswer:
        """Pause."""
        found: s.SubscriptionAnswer = await self._call("POST", f"/api/v1/subscriptions/{segment(id)}/pause")
        return found

    async def resume_subscription(self, id: str) -> s.SubscriptionAnswer:
        """Resume."""
        found: s.SubscriptionAnswer = await self._call("POST", f"/api/v1/subscriptions/{segment(id)}/resume")
        return found

    async def cancel_subscription(self, id: str) -> s.SubscriptionAnswer:
        """Cancel."""
        found: s.SubscriptionAnswer = await self._call("POST", f"/api/v1/subscriptions/{segment(id)}/cancel")
        return found
