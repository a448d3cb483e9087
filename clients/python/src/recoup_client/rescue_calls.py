"""Made by scripts/make_client.py; do not edit."""

from typing import Any, Literal

from recoup_client import rescue_shapes as s
from recoup_client.base import Awaiting, Waiting, segment


class Recoup(Waiting):
    """Rescue API."""

    def transmit(self, body: s.TransmitBody) -> s.Transmitted:
        """Copy a processed payment."""
        found: s.Transmitted = self._call("POST", "/v1/transmit", body=body)
        return found

    def change_transmit(self, id: str, body: s.UpdateBody) -> s.Transmitted:
        """Report the outcome of a copy."""
        found: s.Transmitted = self._call("PATCH", f"/v1/transmit/{segment(id)}", body=body)
        return found

    def tokenize(self, body: s.TokenizeBody, *, mid: str | None = None, environment: str | None = None) -> s.Tokenized:
        """Tokenize a card."""
        found: s.Tokenized = self._call(
            "POST", "/v1/tokenize", body=body, query={"mid": mid, "environment": environment}
        )
        return found

    def evaluate(self, body: s.EvaluateBody) -> s.Evaluated:
        """Submit a declined payment."""
        found: s.Evaluated = self._call("POST", "/v1/evaluate", body=body)
        return found

    def check_evaluate(self, body: s.CheckBody) -> s.Checked:
        """Check a declined payment before sending it."""
        found: s.Checked = self._call("POST", "/v1/evaluate/check", body=body)
        return found

    def capture(self, body: s.CaptureBody) -> s.CaptureResult:
        """Capture an authorised order."""
        found: s.CaptureResult = self._call("POST", "/v1/capture", body=body)
        return found

    def outcome(self, body: s.OutcomeBody) -> s.Outcome:
        """Look up an outcome."""
        found: s.Outcome = self._call("POST", "/v1/outcome", body=body)
        return found

    def list_orders(
        self,
        *,
        query: str | None = None,
        status: list[int] | None = None,
        id: list[str] | None = None,
        externalOrderId: list[str] | None = None,
        referenceNumber: list[str] | None = None,
        from_: str | None = None,
        to: str | None = None,
        createdFrom: str | None = None,
        createdTo: str | None = None,
        amountFrom: int | None = None,
        amountTo: int | None = None,
        siteId: str | None = None,
        isMIT: bool | None = None,
        orderSource: str | None = None,
        currency: str | None = None,
        descriptor: str | None = None,
        reason: list[str] | None = None,
        declineCode: str | None = None,
        cardBrand: str | None = None,
        cardBin: str | None = None,
        hasRefund: bool | None = None,
        mid: str | None = None,
        orderBy: str | None = None,
        sort: str | None = None,
        pageSize: int | None = None,
        pageNumber: int | None = None,
    ) -> s.Orders:
        """Orders."""
        found: s.Orders = self._call(
            "GET",
            "/v1/orders",
            query={
                "query": query,
                "status": status,
                "id": id,
                "externalOrderId": externalOrderId,
                "referenceNumber": referenceNumber,
                "from": from_,
                "to": to,
                "createdFrom": createdFrom,
                "createdTo": createdTo,
                "amountFrom": amountFrom,
                "amountTo": amountTo,
                "siteId": siteId,
                "isMIT": isMIT,
                "orderSource": orderSource,
                "currency": currency,
                "descriptor": descriptor,
                "reason": reason,
                "declineCode": declineCode,
                "cardBrand": cardBrand,
                "cardBin": cardBin,
                "hasRefund": hasRefund,
                "mid": mid,
                "orderBy": orderBy,
                "sort": sort,
                "pageSize": pageSize,
                "pageNumber": pageNumber,
            },
        )
        return found

    def get_order(
        self, id: str, *, asOf: str | None = None, asOfRecorded: str | None = None, asOfVersion: int | None = None
    ) -> s.OrderDetail:
        """One order."""
        found: s.OrderDetail = self._call(
            "GET",
            f"/v1/orders/{segment(id)}",
            query={"asOf": asOf, "asOfRecorded": asOfRecorded, "asOfVersion": asOfVersion},
        )
        return found

    def change_order(self, id: str, body: s.AmendBody) -> s.AmendedOrder:
        """Change an open order."""
        found: s.AmendedOrder = self._call("PATCH", f"/v1/orders/{segment(id)}", body=body)
        return found

    def cancel_order(self, id: str, body: s.CancelBody) -> s.Nothing:
        """Cancel an order."""
        found: s.Nothing = self._call("POST", f"/v1/orders/{segment(id)}/cancel", body=body)
        return found

    def list_order_decisions(self, id: str, *, after: str | None = None, limit: int | None = None) -> s.Decisions:
        """Decisions about an order."""
        found: s.Decisions = self._call(
            "GET", f"/v1/orders/{segment(id)}/decisions", query={"after": after, "limit": limit}
        )
        return found

    def refund_order(self, id: str, body: s.RefundBody, *, idempotency_key: str | None = None) -> s.Refunded:
        """Refund an order."""
        found: s.Refunded = self._call("POST", f"/v1/orders/{segment(id)}/refund", body=body, key=idempotency_key)
        return found

    def create_order_dispute_file(self, id: str, dispute: str, body: s.EvidenceFileBody) -> s.EvidenceFileShown:
        """Add an evidence file."""
        found: s.EvidenceFileShown = self._call(
            "POST", f"/v1/orders/{segment(id)}/disputes/{segment(dispute)}/files", body=body
        )
        return found

    def list_order_dispute_files(self, id: str, dispute: str) -> s.EvidenceFiles:
        """Evidence files."""
        found: s.EvidenceFiles = self._call("GET", f"/v1/orders/{segment(id)}/disputes/{segment(dispute)}/files")
        return found

    def get_order_dispute_file(self, id: str, dispute: str, file: str) -> s.EvidenceFileContent:
        """One evidence file."""
        found: s.EvidenceFileContent = self._call(
            "GET", f"/v1/orders/{segment(id)}/disputes/{segment(dispute)}/files/{segment(file)}"
        )
        return found

    def create_upload(
        self, body: s.UploadBody, *, kind: Literal["evaluate", "transmit"] | None = None, filename: str | None = None
    ) -> s.Upload:
        """Upload a file of payments."""
        found: s.Upload = self._call("POST", "/v1/uploads", body=body, query={"kind": kind, "filename": filename})
        return found

    def list_uploads(
        self, *, kind: Literal["evaluate", "transmit"] | None = None, limit: int | None = None, after: str | None = None
    ) -> s.UploadList:
        """Files."""
        found: s.UploadList = self._call("GET", "/v1/uploads", query={"kind": kind, "limit": limit, "after": after})
        return found

    def get_upload(self, id: str) -> s.Upload:
        """One file."""
        found: s.Upload = self._call("GET", f"/v1/uploads/{segment(id)}")
        return found

    def list_upload_answers(self, id: str) -> bytes:
        """Answers of a file."""
        found: bytes = self._call("GET", f"/v1/uploads/{segment(id)}/answers")
        return found

    def stop_upload(self, id: str, body: s.StopBody) -> s.Upload:
        """Stop a file."""
        found: s.Upload = self._call("POST", f"/v1/uploads/{segment(id)}/stop", body=body)
        return found

    def create_import(
        self,
        body: s.ImportBody,
        *,
        filename: str | None = None,
        dryRun: bool | None = None,
        zone: str | None = None,
        order: Literal["day", "month"] | None = None,
        decimal: Literal["comma", "point"] | None = None,
        amounts: Literal["major", "minor"] | None = None,
        profile: str | None = None,
    ) -> s.Import:
        """Import past attempts."""
        found: s.Import = self._call(
            "POST",
            "/v1/imports",
            body=body,
            query={
                "filename": filename,
                "dryRun": dryRun,
                "zone": zone,
                "order": order,
                "decimal": decimal,
                "amounts": amounts,
                "profile": profile,
            },
        )
        return found

    def list_imports(self, *, limit: int | None = None, after: str | None = None) -> s.ImportList:
        """Imports."""
        found: s.ImportList = self._call("GET", "/v1/imports", query={"limit": limit, "after": after})
        return found

    def get_import(self, id: str) -> s.Import:
        """One import."""
        found: s.Import = self._call("GET", f"/v1/imports/{segment(id)}")
        return found

    def list_import_lines(self, id: str, *, limit: int | None = None, after: int | None = None) -> s.ImportLines:
        """Bad lines of an import."""
        found: s.ImportLines = self._call(
            "GET", f"/v1/imports/{segment(id)}/lines", query={"limit": limit, "after": after}
        )
        return found

    def list_import_attempts(self, id: str) -> bytes:
        """Attempts of an import."""
        found: bytes = self._call("GET", f"/v1/imports/{segment(id)}/attempts")
        return found

    def stop_import(self, id: str, body: s.ImportStopBody) -> s.Import:
        """Stop an import."""
        found: s.Import = self._call("POST", f"/v1/imports/{segment(id)}/stop", body=body)
        return found

    def rotate_webhooks(self, body: s.RotateBody) -> s.RotatedKey:
        """Rotate the merchant's key."""
        found: s.RotatedKey = self._call("POST", "/v1/webhooks/rotate", body=body)
        return found

    def rotate_webhook(self, id: str, body: s.RotateBody) -> s.Endpoint:
        """Rotate an endpoint's key."""
        found: s.Endpoint = self._call("POST", f"/v1/webhooks/{segment(id)}/rotate", body=body)
        return found

    def replay_webhook(self, id: str, body: s.ReplayBody, *, idempotency_key: str | None = None) -> s.ReplayShown:
        """Send events again."""
        found: s.ReplayShown = self._call("POST", f"/v1/webhooks/{segment(id)}/replay", body=body, key=idempotency_key)
        return found

    def list_webhook_replays(self, id: str) -> s.Replays:
        """Replays."""
        found: s.Replays = self._call("GET", f"/v1/webhooks/{segment(id)}/replays")
        return found

    def create_webhook(self, body: s.EndpointBody) -> s.Endpoint:
        """Create an endpoint."""
        found: s.Endpoint = self._call("POST", "/v1/webhooks", body=body)
        return found

    def list_webhooks(self) -> s.Endpoints:
        """Endpoints."""
        found: s.Endpoints = self._call("GET", "/v1/webhooks")
        return found

    def get_webhook(self, id: str) -> s.Endpoint:
        """One endpoint."""
        found: s.Endpoint = self._call("GET", f"/v1/webhooks/{segment(id)}")
        return found

    def replace_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Replace an endpoint."""
        found: s.Endpoint = self._call("PUT", f"/v1/webhooks/{segment(id)}", body=body)
        return found

    def change_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Change an endpoint."""
        found: s.Endpoint = self._call("PATCH", f"/v1/webhooks/{segment(id)}", body=body)
        return found

    def delete_webhook(self, id: str) -> None:
        """Delete an endpoint."""
        self._call("DELETE", f"/v1/webhooks/{segment(id)}")

    def test_webhook(self, id: str, body: s.TestBody) -> s.TestAnswer:
        """Send a sample."""
        found: s.TestAnswer = self._call("POST", f"/v1/webhooks/{segment(id)}/test", body=body)
        return found

    def list_webhook_deliveries(self, id: str, *, limit: int | None = None, before: str | None = None) -> s.Deliveries:
        """Deliveries."""
        found: s.Deliveries = self._call(
            "GET", f"/v1/webhooks/{segment(id)}/deliveries", query={"limit": limit, "before": before}
        )
        return found

    def list_events(
        self, *, after: int | None = None, limit: int | None = None, event: list[str] | None = None
    ) -> s.Feed:
        """Events."""
        found: s.Feed = self._call("GET", "/v1/events", query={"after": after, "limit": limit, "event": event})
        return found

    def create_site(self, body: s.SiteBody) -> s.Site:
        """Create a site."""
        found: s.Site = self._call("POST", "/v1/sites", body=body)
        return found

    def list_sites(self) -> s.Sites:
        """Sites."""
        found: s.Sites = self._call("GET", "/v1/sites")
        return found

    def get_site(self, id: str) -> s.Site:
        """One site."""
        found: s.Site = self._call("GET", f"/v1/sites/{segment(id)}")
        return found

    def replace_site(self, id: str, body: s.SiteBody) -> s.Site:
        """Replace a site."""
        found: s.Site = self._call("PUT", f"/v1/sites/{segment(id)}", body=body)
        return found

    def change_site(self, id: str, body: s.SitePatch) -> s.Site:
        """Change a site."""
        found: s.Site = self._call("PATCH", f"/v1/sites/{segment(id)}", body=body)
        return found

    def delete_site(self, id: str) -> None:
        """Retire a site."""
        self._call("DELETE", f"/v1/sites/{segment(id)}")

    def create_site_campaign(self, id: str, body: s.CampaignBody) -> s.Campaign:
        """Create a campaign."""
        found: s.Campaign = self._call("POST", f"/v1/sites/{segment(id)}/campaigns", body=body)
        return found

    def list_site_campaigns(self, id: str) -> s.Campaigns:
        """Campaigns of a site."""
        found: s.Campaigns = self._call("GET", f"/v1/sites/{segment(id)}/campaigns")
        return found

    def get_site_campaign(self, id: str, campaign: str) -> s.Campaign:
        """One campaign."""
        found: s.Campaign = self._call("GET", f"/v1/sites/{segment(id)}/campaigns/{segment(campaign)}")
        return found

    def replace_site_campaign(self, id: str, campaign: str, body: s.CampaignBody) -> s.Campaign:
        """Replace a campaign."""
        found: s.Campaign = self._call("PUT", f"/v1/sites/{segment(id)}/campaigns/{segment(campaign)}", body=body)
        return found

    def change_site_campaign(self, id: str, campaign: str, body: s.CampaignPatch) -> s.Campaign:
        """Change a campaign."""
        found: s.Campaign = self._call("PATCH", f"/v1/sites/{segment(id)}/campaigns/{segment(campaign)}", body=body)
        return found

    def delete_site_campaign(self, id: str, campaign: str) -> None:
        """Retire a campaign."""
        self._call("DELETE", f"/v1/sites/{segment(id)}/campaigns/{segment(campaign)}")

    def list_switches(self) -> s.Switches:
        """Switches."""
        found: s.Switches = self._call("GET", "/v1/switches")
        return found

    def set_switches(self, body: s.SwitchBody) -> s.SwitchedNow:
        """Switch a kind of order on or off."""
        found: s.SwitchedNow = self._call("PUT", "/v1/switches", body=body)
        return found

    def get_switches_history(self, *, limit: int | None = None, after: str | None = None) -> s.History:
        """Changes of switches."""
        found: s.History = self._call("GET", "/v1/switches/history", query={"limit": limit, "after": after})
        return found

    def set_switches_unknown_sites(self, body: s.PolicyBody) -> s.Switches:
        """Set the handling of unknown sites."""
        found: s.Switches = self._call("PUT", "/v1/switches/unknown-sites", body=body)
        return found

    def get_engine(self) -> s.Engine:
        """Settings of the rescue engine."""
        found: s.Engine = self._call("GET", "/v1/engine")
        return found

    def set_engine(self, body: s.EngineBody) -> s.Engine:
        """Set who decides about declined payments."""
        found: s.Engine = self._call("PUT", "/v1/engine", body=body)
        return found

    def stop_engine(self, body: s.EngineStopBody) -> s.Engine:
        """Stop the rescue engine."""
        found: s.Engine = self._call("POST", "/v1/engine/stop", body=body)
        return found

    def resume_engine(self, body: s.EngineResumeBody) -> s.Engine:
        """Start the rescue engine again."""
        found: s.Engine = self._call("POST", "/v1/engine/resume", body=body)
        return found

    def get_policy(self, *, siteId: str | None = None, campaignId: str | None = None) -> s.RetryPolicyShown:
        """Retry policy."""
        found: s.RetryPolicyShown = self._call("GET", "/v1/policy", query={"siteId": siteId, "campaignId": campaignId})
        return found

    def set_policy(self, body: s.RetryPolicyBody) -> s.RetryPolicyShown:
        """Set the retry policy."""
        found: s.RetryPolicyShown = self._call("PUT", "/v1/policy", body=body)
        return found

    def list_policy_versions(
        self,
        *,
        below: int | None = None,
        limit: int | None = None,
        siteId: str | None = None,
        campaignId: str | None = None,
    ) -> s.RetryPolicyVersions:
        """Versions of the retry policy."""
        found: s.RetryPolicyVersions = self._call(
            "GET",
            "/v1/policy/versions",
            query={"below": below, "limit": limit, "siteId": siteId, "campaignId": campaignId},
        )
        return found

    def check_policy(self, body: s.RetryPolicyCheckBody) -> s.RetryPolicyChecked:
        """Check a retry policy."""
        found: s.RetryPolicyChecked = self._call("POST", "/v1/policy/check", body=body)
        return found

    def back_policy(self, body: s.RetryPolicyBackBody) -> s.RetryPolicyShown:
        """Return to an earlier retry policy."""
        found: s.RetryPolicyShown = self._call("POST", "/v1/policy/back", body=body)
        return found

    def get_engine_risk(self) -> s.RiskCheck:
        """Settings of the risk check."""
        found: s.RiskCheck = self._call("GET", "/v1/engine/risk")
        return found

    def set_engine_risk(self, body: s.RiskBody) -> s.RiskCheck:
        """Set the risk check."""
        found: s.RiskCheck = self._call("PUT", "/v1/engine/risk", body=body)
        return found

    def list_engine_cards(self) -> s.CardSettings:
        """Settings of cards."""
        found: s.CardSettings = self._call("GET", "/v1/engine/cards")
        return found

    def set_engine_cards(self, body: s.CardSettingsBody) -> s.CardSettings:
        """Set what is done for cards."""
        found: s.CardSettings = self._call("PUT", "/v1/engine/cards", body=body)
        return found

    def connection_test(self, body: s.TestedBody) -> s.Tested:
        """Test a connection."""
        found: s.Tested = self._call("POST", "/v1/connection-test", body=body)
        return found

    def list_balances(self, *, asOf: str | None = None, asOfRecorded: str | None = None) -> s.Balances:
        """Balances."""
        found: s.Balances = self._call("GET", "/v1/balances", query={"asOf": asOf, "asOfRecorded": asOfRecorded})
        return found

    def list_settlements(
        self,
        *,
        pageNumber: int | None = None,
        pageSize: int | None = None,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.SettlementList:
        """Settlements."""
        found: s.SettlementList = self._call(
            "GET",
            "/v1/settlements",
            query={
                "pageNumber": pageNumber,
                "pageSize": pageSize,
                "from": from_,
                "to": to,
                "currency": currency,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def get_settlement(
        self, id: str, *, asOf: str | None = None, asOfRecorded: str | None = None
    ) -> s.SettlementDetail:
        """One settlement."""
        found: s.SettlementDetail = self._call(
            "GET", f"/v1/settlements/{segment(id)}", query={"asOf": asOf, "asOfRecorded": asOfRecorded}
        )
        return found

    def list_settlement_lines(
        self,
        id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        kind: Literal["adjustment", "amount", "carried", "dispute", "dispute_fee", "fee", "payout", "refund", "reserve"]
        | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.SettlementLines:
        """Lines of a settlement."""
        found: s.SettlementLines = self._call(
            "GET",
            f"/v1/settlements/{segment(id)}/lines",
            query={
                "limit": limit,
                "after": after,
                "kind": kind,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def get_reconciliation(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        id: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        zone: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Reconciliation:
        """Account movements."""
        found: s.Reconciliation = self._call(
            "GET",
            "/v1/reconciliation",
            query={
                "from": from_,
                "to": to,
                "id": id,
                "limit": limit,
                "after": after,
                "zone": zone,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def list_reports_transactions(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Transactions:
        """Results by order."""
        found: s.Transactions = self._call(
            "GET",
            "/v1/reports/transactions",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def list_reports_descriptors(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Descriptors:
        """Results by descriptor."""
        found: s.Descriptors = self._call(
            "GET",
            "/v1/reports/descriptors",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def list_reports_sites(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.SitesReport:
        """Results by site."""
        found: s.SitesReport = self._call(
            "GET",
            "/v1/reports/sites",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def list_reports_campaigns(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.CampaignsReport:
        """Results by campaign."""
        found: s.CampaignsReport = self._call(
            "GET",
            "/v1/reports/campaigns",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def list_reports_means(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.MeansReport:
        """Results by means of recovery."""
        found: s.MeansReport = self._call(
            "GET",
            "/v1/reports/means",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def list_reports_certificates(
        self,
        *,
        month: str | None = None,
        acceptorId: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> s.CertificateList:
        """Compliance certificates."""
        found: s.CertificateList = self._call(
            "GET",
            "/v1/reports/certificates",
            query={"month": month, "acceptorId": acceptorId, "limit": limit, "after": after},
        )
        return found

    def get_reports_certificate(self, id: str) -> s.CertificateDetail:
        """One compliance certificate."""
        found: s.CertificateDetail = self._call("GET", f"/v1/reports/certificates/{segment(id)}")
        return found

    def get_reports_certificate_file(self, id: str) -> bytes:
        """File of a compliance certificate."""
        found: bytes = self._call("GET", f"/v1/reports/certificates/{segment(id)}/file")
        return found

    def get_reports_uplift(self, *, asOf: str | None = None, asOfRecorded: str | None = None) -> s.UpliftReport:
        """What the rescue engine brings."""
        found: s.UpliftReport = self._call(
            "GET", "/v1/reports/uplift", query={"asOf": asOf, "asOfRecorded": asOfRecorded}
        )
        return found

    def list_reports_cohorts(
        self,
        *,
        by: Literal["site", "week"] | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Cohorts:
        """Declined payments by week."""
        found: s.Cohorts = self._call(
            "GET", "/v1/reports/cohorts", query={"by": by, "format": format, "asOf": asOf, "asOfRecorded": asOfRecorded}
        )
        return found

    def set_engine_return(self, body: s.EngineReturnBody) -> s.UpliftReport:
        """Let the engine stop by itself."""
        found: s.UpliftReport = self._call("PUT", "/v1/engine/return", body=body)
        return found

    def create_backtest(self, body: s.BacktestBody) -> s.Backtest:
        """Ask for a back-test."""
        found: s.Backtest = self._call("POST", "/v1/backtests", body=body)
        return found

    def list_backtests(self, *, limit: int | None = None, after: str | None = None) -> s.BacktestList:
        """Back-tests."""
        found: s.BacktestList = self._call("GET", "/v1/backtests", query={"limit": limit, "after": after})
        return found

    def get_backtest(self, id: str) -> s.Backtest:
        """One back-test."""
        found: s.Backtest = self._call("GET", f"/v1/backtests/{segment(id)}")
        return found

    def list_backtest_payments(
        self, id: str, *, limit: int | None = None, after: int | None = None
    ) -> s.BacktestPayments:
        """Payments of a back-test."""
        found: s.BacktestPayments = self._call(
            "GET", f"/v1/backtests/{segment(id)}/payments", query={"limit": limit, "after": after}
        )
        return found

    def get_partner(self) -> s.Partner:
        """Your account."""
        found: s.Partner = self._call("GET", "/v1/partner")
        return found

    def create_partner_merchant(self, body: s.MerchantBody, *, idempotency_key: str | None = None) -> s.MerchantMade:
        """Create a merchant."""
        found: s.MerchantMade = self._call("POST", "/v1/partner/merchants", body=body, key=idempotency_key)
        return found

    def list_partner_merchants(
        self,
        *,
        state: Literal["active", "paused"] | None = None,
        name: str | None = None,
        externalId: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> s.Merchants:
        """Your merchants."""
        found: s.Merchants = self._call(
            "GET",
            "/v1/partner/merchants",
            query={"state": state, "name": name, "externalId": externalId, "limit": limit, "after": after},
        )
        return found

    def create_partner_merchants_switch(self, body: s.SwitchesBody) -> s.SwitchResults:
        """Switch kinds of orders for many merchants."""
        found: s.SwitchResults = self._call("POST", "/v1/partner/merchants/switches", body=body)
        return found

    def get_partner_merchant(self, mid: str) -> s.MerchantStatus:
        """One merchant."""
        found: s.MerchantStatus = self._call("GET", f"/v1/partner/merchants/{segment(mid)}")
        return found

    def change_partner_merchant(self, mid: str, body: s.MerchantPatch) -> s.MerchantStatus:
        """Change a merchant."""
        found: s.MerchantStatus = self._call("PATCH", f"/v1/partner/merchants/{segment(mid)}", body=body)
        return found

    def create_partner_merchant_key(
        self, mid: str, body: s.KeysBody, *, idempotency_key: str | None = None
    ) -> s.NewKeys:
        """Create new keys for a merchant."""
        found: s.NewKeys = self._call(
            "POST", f"/v1/partner/merchants/{segment(mid)}/keys", body=body, key=idempotency_key
        )
        return found

    def get_partner_policy(self) -> s.RetryPolicyShown:
        """Bounds of retry policies."""
        found: s.RetryPolicyShown = self._call("GET", "/v1/partner/policy")
        return found

    def set_partner_policy(self, body: s.PolicyBoundsBody) -> s.RetryPolicyShown:
        """Set the bounds of retry policies."""
        found: s.RetryPolicyShown = self._call("PUT", "/v1/partner/policy", body=body)
        return found

    def list_partner_policy_versions(
        self, *, below: int | None = None, limit: int | None = None
    ) -> s.RetryPolicyVersions:
        """Versions of the bounds."""
        found: s.RetryPolicyVersions = self._call(
            "GET", "/v1/partner/policy/versions", query={"below": below, "limit": limit}
        )
        return found

    def check_partner_policy(self, body: s.PolicyBoundsCheckBody) -> s.PolicyBoundsChecked:
        """Check bounds of retry policies."""
        found: s.PolicyBoundsChecked = self._call("POST", "/v1/partner/policy/check", body=body)
        return found

    def back_partner_policy(self, body: s.PolicyBoundsBackBody) -> s.RetryPolicyShown:
        """Return to earlier bounds."""
        found: s.RetryPolicyShown = self._call("POST", "/v1/partner/policy/back", body=body)
        return found

    def get_partner_report(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        mid: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Report:
        """Report over your merchants."""
        found: s.Report = self._call(
            "GET",
            "/v1/partner/report",
            query={
                "from": from_,
                "to": to,
                "mid": mid,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    def create_partner_webhook(self, body: s.EndpointBody) -> s.Endpoint:
        """Create an endpoint."""
        found: s.Endpoint = self._call("POST", "/v1/partner/webhooks", body=body)
        return found

    def list_partner_webhooks(self) -> s.Endpoints:
        """Endpoints."""
        found: s.Endpoints = self._call("GET", "/v1/partner/webhooks")
        return found

    def get_partner_webhook(self, id: str) -> s.Endpoint:
        """One endpoint."""
        found: s.Endpoint = self._call("GET", f"/v1/partner/webhooks/{segment(id)}")
        return found

    def replace_partner_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Replace an endpoint."""
        found: s.Endpoint = self._call("PUT", f"/v1/partner/webhooks/{segment(id)}", body=body)
        return found

    def change_partner_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Change an endpoint."""
        found: s.Endpoint = self._call("PATCH", f"/v1/partner/webhooks/{segment(id)}", body=body)
        return found

    def delete_partner_webhook(self, id: str) -> None:
        """Delete an endpoint."""
        self._call("DELETE", f"/v1/partner/webhooks/{segment(id)}")

    def test_partner_webhook(self, id: str, body: s.TestBody) -> s.TestAnswer:
        """Send a sample."""
        found: s.TestAnswer = self._call("POST", f"/v1/partner/webhooks/{segment(id)}/test", body=body)
        return found

    def list_partner_webhook_deliveries(
        self, id: str, *, limit: int | None = None, before: str | None = None
    ) -> s.Deliveries:
        """Deliveries."""
        found: s.Deliveries = self._call(
            "GET", f"/v1/partner/webhooks/{segment(id)}/deliveries", query={"limit": limit, "before": before}
        )
        return found

    def rotate_partner_webhook(self, id: str, body: s.RotateBody) -> s.Endpoint:
        """Rotate an endpoint's key."""
        found: s.Endpoint = self._call("POST", f"/v1/partner/webhooks/{segment(id)}/rotate", body=body)
        return found

    def replay_partner_webhook(
        self, id: str, body: s.ReplayBody, *, idempotency_key: str | None = None
    ) -> s.ReplayShown:
        """Send events again."""
        found: s.ReplayShown = self._call(
            "POST", f"/v1/partner/webhooks/{segment(id)}/replay", body=body, key=idempotency_key
        )
        return found

    def list_partner_webhook_replays(self, id: str) -> s.Replays:
        """Replays."""
        found: s.Replays = self._call("GET", f"/v1/partner/webhooks/{segment(id)}/replays")
        return found

    def application_onboarding(self, body: s.ApplicationBody) -> s.ApplicationView:
        """Create an application."""
        found: s.ApplicationView = self._call("POST", "/v1/onboarding/application", body=body)
        return found

    def get_onboarding_application_list(
        self,
        *,
        status: Literal["APPROVED", "CANCELLED", "CONVERTED", "DECLINED", "DRAFT", "SUBMITTED"] | None = None,
        externalId: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> s.Applications:
        """Your applications."""
        found: s.Applications = self._call(
            "GET",
            "/v1/onboarding/application/list",
            query={"status": status, "externalId": externalId, "limit": limit, "after": after},
        )
        return found

    def get_onboarding_application(self, id: str) -> s.ApplicationView:
        """One application."""
        found: s.ApplicationView = self._call("GET", f"/v1/onboarding/application/{segment(id)}")
        return found

    def replace_onboarding_application(self, id: str, body: s.ApplicationBody) -> s.ApplicationView:
        """Replace a draft."""
        found: s.ApplicationView = self._call("PUT", f"/v1/onboarding/application/{segment(id)}", body=body)
        return found

    def submit_onboarding_application(self, id: str, body: s.StepBody) -> s.ApplicationStep:
        """Submit a draft."""
        found: s.ApplicationStep = self._call("POST", f"/v1/onboarding/application/{segment(id)}/submit", body=body)
        return found

    def cancel_onboarding_application(self, id: str, body: s.StepBody) -> s.ApplicationStep:
        """Cancel an application."""
        found: s.ApplicationStep = self._call("POST", f"/v1/onboarding/application/{segment(id)}/cancel", body=body)
        return found

    def convert_onboarding_application(self, id: str, body: s.StepBody) -> s.ConvertedView:
        """Convert into a merchant."""
        found: s.ConvertedView = self._call("POST", f"/v1/onboarding/application/{segment(id)}/convert", body=body)
        return found

    def create_onboarding_application_document(self, id: str, body: s.DocumentBody) -> s.Document:
        """Add a document."""
        found: s.Document = self._call("POST", f"/v1/onboarding/application/{segment(id)}/documents", body=body)
        return found

    def list_onboarding_application_documents(self, id: str) -> s.Documents:
        """Documents of an application."""
        found: s.Documents = self._call("GET", f"/v1/onboarding/application/{segment(id)}/documents")
        return found

    def get_onboarding_application_document(self, id: str, document: str) -> s.DocumentContent:
        """One document."""
        found: s.DocumentContent = self._call(
            "GET", f"/v1/onboarding/application/{segment(id)}/documents/{segment(document)}"
        )
        return found

    def delete_onboarding_application_document(self, id: str, document: str) -> None:
        """Remove a document."""
        self._call("DELETE", f"/v1/onboarding/application/{segment(id)}/documents/{segment(document)}")


class AsyncRecoup(Awaiting):
    """Rescue API."""

    async def transmit(self, body: s.TransmitBody) -> s.Transmitted:
        """Copy a processed payment."""
        found: s.Transmitted = await self._call("POST", "/v1/transmit", body=body)
        return found

    async def change_transmit(self, id: str, body: s.UpdateBody) -> s.Transmitted:
        """Report the outcome of a copy."""
        found: s.Transmitted = await self._call("PATCH", f"/v1/transmit/{segment(id)}", body=body)
        return found

    async def tokenize(
        self, body: s.TokenizeBody, *, mid: str | None = None, environment: str | None = None
    ) -> s.Tokenized:
        """Tokenize a card."""
        found: s.Tokenized = await self._call(
            "POST", "/v1/tokenize", body=body, query={"mid": mid, "environment": environment}
        )
        return found

    async def evaluate(self, body: s.EvaluateBody) -> s.Evaluated:
        """Submit a declined payment."""
        found: s.Evaluated = await self._call("POST", "/v1/evaluate", body=body)
        return found

    async def check_evaluate(self, body: s.CheckBody) -> s.Checked:
        """Check a declined payment before sending it."""
        found: s.Checked = await self._call("POST", "/v1/evaluate/check", body=body)
        return found

    async def capture(self, body: s.CaptureBody) -> s.CaptureResult:
        """Capture an authorised order."""
        found: s.CaptureResult = await self._call("POST", "/v1/capture", body=body)
        return found

    async def outcome(self, body: s.OutcomeBody) -> s.Outcome:
        """Look up an outcome."""
        found: s.Outcome = await self._call("POST", "/v1/outcome", body=body)
        return found

    async def list_orders(
        self,
        *,
        query: str | None = None,
        status: list[int] | None = None,
        id: list[str] | None = None,
        externalOrderId: list[str] | None = None,
        referenceNumber: list[str] | None = None,
        from_: str | None = None,
        to: str | None = None,
        createdFrom: str | None = None,
        createdTo: str | None = None,
        amountFrom: int | None = None,
        amountTo: int | None = None,
        siteId: str | None = None,
        isMIT: bool | None = None,
        orderSource: str | None = None,
        currency: str | None = None,
        descriptor: str | None = None,
        reason: list[str] | None = None,
        declineCode: str | None = None,
        cardBrand: str | None = None,
        cardBin: str | None = None,
        hasRefund: bool | None = None,
        mid: str | None = None,
        orderBy: str | None = None,
        sort: str | None = None,
        pageSize: int | None = None,
        pageNumber: int | None = None,
    ) -> s.Orders:
        """Orders."""
        found: s.Orders = await self._call(
            "GET",
            "/v1/orders",
            query={
                "query": query,
                "status": status,
                "id": id,
                "externalOrderId": externalOrderId,
                "referenceNumber": referenceNumber,
                "from": from_,
                "to": to,
                "createdFrom": createdFrom,
                "createdTo": createdTo,
                "amountFrom": amountFrom,
                "amountTo": amountTo,
                "siteId": siteId,
                "isMIT": isMIT,
                "orderSource": orderSource,
                "currency": currency,
                "descriptor": descriptor,
                "reason": reason,
                "declineCode": declineCode,
                "cardBrand": cardBrand,
                "cardBin": cardBin,
                "hasRefund": hasRefund,
                "mid": mid,
                "orderBy": orderBy,
                "sort": sort,
                "pageSize": pageSize,
                "pageNumber": pageNumber,
            },
        )
        return found

    async def get_order(
        self, id: str, *, asOf: str | None = None, asOfRecorded: str | None = None, asOfVersion: int | None = None
    ) -> s.OrderDetail:
        """One order."""
        found: s.OrderDetail = await self._call(
            "GET",
            f"/v1/orders/{segment(id)}",
            query={"asOf": asOf, "asOfRecorded": asOfRecorded, "asOfVersion": asOfVersion},
        )
        return found

    async def change_order(self, id: str, body: s.AmendBody) -> s.AmendedOrder:
        """Change an open order."""
        found: s.AmendedOrder = await self._call("PATCH", f"/v1/orders/{segment(id)}", body=body)
        return found

    async def cancel_order(self, id: str, body: s.CancelBody) -> s.Nothing:
        """Cancel an order."""
        found: s.Nothing = await self._call("POST", f"/v1/orders/{segment(id)}/cancel", body=body)
        return found

    async def list_order_decisions(self, id: str, *, after: str | None = None, limit: int | None = None) -> s.Decisions:
        """Decisions about an order."""
        found: s.Decisions = await self._call(
            "GET", f"/v1/orders/{segment(id)}/decisions", query={"after": after, "limit": limit}
        )
        return found

    async def refund_order(self, id: str, body: s.RefundBody, *, idempotency_key: str | None = None) -> s.Refunded:
        """Refund an order."""
        found: s.Refunded = await self._call("POST", f"/v1/orders/{segment(id)}/refund", body=body, key=idempotency_key)
        return found

    async def create_order_dispute_file(self, id: str, dispute: str, body: s.EvidenceFileBody) -> s.EvidenceFileShown:
        """Add an evidence file."""
        found: s.EvidenceFileShown = await self._call(
            "POST", f"/v1/orders/{segment(id)}/disputes/{segment(dispute)}/files", body=body
        )
        return found

    async def list_order_dispute_files(self, id: str, dispute: str) -> s.EvidenceFiles:
        """Evidence files."""
        found: s.EvidenceFiles = await self._call("GET", f"/v1/orders/{segment(id)}/disputes/{segment(dispute)}/files")
        return found

    async def get_order_dispute_file(self, id: str, dispute: str, file: str) -> s.EvidenceFileContent:
        """One evidence file."""
        found: s.EvidenceFileContent = await self._call(
            "GET", f"/v1/orders/{segment(id)}/disputes/{segment(dispute)}/files/{segment(file)}"
        )
        return found

    async def create_upload(
        self, body: s.UploadBody, *, kind: Literal["evaluate", "transmit"] | None = None, filename: str | None = None
    ) -> s.Upload:
        """Upload a file of payments."""
        found: s.Upload = await self._call("POST", "/v1/uploads", body=body, query={"kind": kind, "filename": filename})
        return found

    async def list_uploads(
        self, *, kind: Literal["evaluate", "transmit"] | None = None, limit: int | None = None, after: str | None = None
    ) -> s.UploadList:
        """Files."""
        found: s.UploadList = await self._call(
            "GET", "/v1/uploads", query={"kind": kind, "limit": limit, "after": after}
        )
        return found

    async def get_upload(self, id: str) -> s.Upload:
        """One file."""
        found: s.Upload = await self._call("GET", f"/v1/uploads/{segment(id)}")
        return found

    async def list_upload_answers(self, id: str) -> bytes:
        """Answers of a file."""
        found: bytes = await self._call("GET", f"/v1/uploads/{segment(id)}/answers")
        return found

    async def stop_upload(self, id: str, body: s.StopBody) -> s.Upload:
        """Stop a file."""
        found: s.Upload = await self._call("POST", f"/v1/uploads/{segment(id)}/stop", body=body)
        return found

    async def create_import(
        self,
        body: s.ImportBody,
        *,
        filename: str | None = None,
        dryRun: bool | None = None,
        zone: str | None = None,
        order: Literal["day", "month"] | None = None,
        decimal: Literal["comma", "point"] | None = None,
        amounts: Literal["major", "minor"] | None = None,
        profile: str | None = None,
    ) -> s.Import:
        """Import past attempts."""
        found: s.Import = await self._call(
            "POST",
            "/v1/imports",
            body=body,
            query={
                "filename": filename,
                "dryRun": dryRun,
                "zone": zone,
                "order": order,
                "decimal": decimal,
                "amounts": amounts,
                "profile": profile,
            },
        )
        return found

    async def list_imports(self, *, limit: int | None = None, after: str | None = None) -> s.ImportList:
        """Imports."""
        found: s.ImportList = await self._call("GET", "/v1/imports", query={"limit": limit, "after": after})
        return found

    async def get_import(self, id: str) -> s.Import:
        """One import."""
        found: s.Import = await self._call("GET", f"/v1/imports/{segment(id)}")
        return found

    async def list_import_lines(self, id: str, *, limit: int | None = None, after: int | None = None) -> s.ImportLines:
        """Bad lines of an import."""
        found: s.ImportLines = await self._call(
            "GET", f"/v1/imports/{segment(id)}/lines", query={"limit": limit, "after": after}
        )
        return found

    async def list_import_attempts(self, id: str) -> bytes:
        """Attempts of an import."""
        found: bytes = await self._call("GET", f"/v1/imports/{segment(id)}/attempts")
        return found

    async def stop_import(self, id: str, body: s.ImportStopBody) -> s.Import:
        """Stop an import."""
        found: s.Import = await self._call("POST", f"/v1/imports/{segment(id)}/stop", body=body)
        return found

    async def rotate_webhooks(self, body: s.RotateBody) -> s.RotatedKey:
        """Rotate the merchant's key."""
        found: s.RotatedKey = await self._call("POST", "/v1/webhooks/rotate", body=body)
        return found

    async def rotate_webhook(self, id: str, body: s.RotateBody) -> s.Endpoint:
        """Rotate an endpoint's key."""
        found: s.Endpoint = await self._call("POST", f"/v1/webhooks/{segment(id)}/rotate", body=body)
        return found

    async def replay_webhook(self, id: str, body: s.ReplayBody, *, idempotency_key: str | None = None) -> s.ReplayShown:
        """Send events again."""
        found: s.ReplayShown = await self._call(
            "POST", f"/v1/webhooks/{segment(id)}/replay", body=body, key=idempotency_key
        )
        return found

    async def list_webhook_replays(self, id: str) -> s.Replays:
        """Replays."""
        found: s.Replays = await self._call("GET", f"/v1/webhooks/{segment(id)}/replays")
        return found

    async def create_webhook(self, body: s.EndpointBody) -> s.Endpoint:
        """Create an endpoint."""
        found: s.Endpoint = await self._call("POST", "/v1/webhooks", body=body)
        return found

    async def list_webhooks(self) -> s.Endpoints:
        """Endpoints."""
        found: s.Endpoints = await self._call("GET", "/v1/webhooks")
        return found

    async def get_webhook(self, id: str) -> s.Endpoint:
        """One endpoint."""
        found: s.Endpoint = await self._call("GET", f"/v1/webhooks/{segment(id)}")
        return found

    async def replace_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Replace an endpoint."""
        found: s.Endpoint = await self._call("PUT", f"/v1/webhooks/{segment(id)}", body=body)
        return found

    async def change_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Change an endpoint."""
        found: s.Endpoint = await self._call("PATCH", f"/v1/webhooks/{segment(id)}", body=body)
        return found

    async def delete_webhook(self, id: str) -> None:
        """Delete an endpoint."""
        await self._call("DELETE", f"/v1/webhooks/{segment(id)}")

    async def test_webhook(self, id: str, body: s.TestBody) -> s.TestAnswer:
        """Send a sample."""
        found: s.TestAnswer = await self._call("POST", f"/v1/webhooks/{segment(id)}/test", body=body)
        return found

    async def list_webhook_deliveries(
        self, id: str, *, limit: int | None = None, before: str | None = None
    ) -> s.Deliveries:
        """Deliveries."""
        found: s.Deliveries = await self._call(
            "GET", f"/v1/webhooks/{segment(id)}/deliveries", query={"limit": limit, "before": before}
        )
        return found

    async def list_events(
        self, *, after: int | None = None, limit: int | None = None, event: list[str] | None = None
    ) -> s.Feed:
        """Events."""
        found: s.Feed = await self._call("GET", "/v1/events", query={"after": after, "limit": limit, "event": event})
        return found

    async def create_site(self, body: s.SiteBody) -> s.Site:
        """Create a site."""
        found: s.Site = await self._call("POST", "/v1/sites", body=body)
        return found

    async def list_sites(self) -> s.Sites:
        """Sites."""
        found: s.Sites = await self._call("GET", "/v1/sites")
        return found

    async def get_site(self, id: str) -> s.Site:
        """One site."""
        found: s.Site = await self._call("GET", f"/v1/sites/{segment(id)}")
        return found

    async def replace_site(self, id: str, body: s.SiteBody) -> s.Site:
        """Replace a site."""
        found: s.Site = await self._call("PUT", f"/v1/sites/{segment(id)}", body=body)
        return found

    async def change_site(self, id: str, body: s.SitePatch) -> s.Site:
        """Change a site."""
        found: s.Site = await self._call("PATCH", f"/v1/sites/{segment(id)}", body=body)
        return found

    async def delete_site(self, id: str) -> None:
        """Retire a site."""
        await self._call("DELETE", f"/v1/sites/{segment(id)}")

    async def create_site_campaign(self, id: str, body: s.CampaignBody) -> s.Campaign:
        """Create a campaign."""
        found: s.Campaign = await self._call("POST", f"/v1/sites/{segment(id)}/campaigns", body=body)
        return found

    async def list_site_campaigns(self, id: str) -> s.Campaigns:
        """Campaigns of a site."""
        found: s.Campaigns = await self._call("GET", f"/v1/sites/{segment(id)}/campaigns")
        return found

    async def get_site_campaign(self, id: str, campaign: str) -> s.Campaign:
        """One campaign."""
        found: s.Campaign = await self._call("GET", f"/v1/sites/{segment(id)}/campaigns/{segment(campaign)}")
        return found

    async def replace_site_campaign(self, id: str, campaign: str, body: s.CampaignBody) -> s.Campaign:
        """Replace a campaign."""
        found: s.Campaign = await self._call("PUT", f"/v1/sites/{segment(id)}/campaigns/{segment(campaign)}", body=body)
        return found

    async def change_site_campaign(self, id: str, campaign: str, body: s.CampaignPatch) -> s.Campaign:
        """Change a campaign."""
        found: s.Campaign = await self._call(
            "PATCH", f"/v1/sites/{segment(id)}/campaigns/{segment(campaign)}", body=body
        )
        return found

    async def delete_site_campaign(self, id: str, campaign: str) -> None:
        """Retire a campaign."""
        await self._call("DELETE", f"/v1/sites/{segment(id)}/campaigns/{segment(campaign)}")

    async def list_switches(self) -> s.Switches:
        """Switches."""
        found: s.Switches = await self._call("GET", "/v1/switches")
        return found

    async def set_switches(self, body: s.SwitchBody) -> s.SwitchedNow:
        """Switch a kind of order on or off."""
        found: s.SwitchedNow = await self._call("PUT", "/v1/switches", body=body)
        return found

    async def get_switches_history(self, *, limit: int | None = None, after: str | None = None) -> s.History:
        """Changes of switches."""
        found: s.History = await self._call("GET", "/v1/switches/history", query={"limit": limit, "after": after})
        return found

    async def set_switches_unknown_sites(self, body: s.PolicyBody) -> s.Switches:
        """Set the handling of unknown sites."""
        found: s.Switches = await self._call("PUT", "/v1/switches/unknown-sites", body=body)
        return found

    async def get_engine(self) -> s.Engine:
        """Settings of the rescue engine."""
        found: s.Engine = await self._call("GET", "/v1/engine")
        return found

    async def set_engine(self, body: s.EngineBody) -> s.Engine:
        """Set who decides about declined payments."""
        found: s.Engine = await self._call("PUT", "/v1/engine", body=body)
        return found

    async def stop_engine(self, body: s.EngineStopBody) -> s.Engine:
        """Stop the rescue engine."""
        found: s.Engine = await self._call("POST", "/v1/engine/stop", body=body)
        return found

    async def resume_engine(self, body: s.EngineResumeBody) -> s.Engine:
        """Start the rescue engine again."""
        found: s.Engine = await self._call("POST", "/v1/engine/resume", body=body)
        return found

    async def get_policy(self, *, siteId: str | None = None, campaignId: str | None = None) -> s.RetryPolicyShown:
        """Retry policy."""
        found: s.RetryPolicyShown = await self._call(
            "GET", "/v1/policy", query={"siteId": siteId, "campaignId": campaignId}
        )
        return found

    async def set_policy(self, body: s.RetryPolicyBody) -> s.RetryPolicyShown:
        """Set the retry policy."""
        found: s.RetryPolicyShown = await self._call("PUT", "/v1/policy", body=body)
        return found

    async def list_policy_versions(
        self,
        *,
        below: int | None = None,
        limit: int | None = None,
        siteId: str | None = None,
        campaignId: str | None = None,
    ) -> s.RetryPolicyVersions:
        """Versions of the retry policy."""
        found: s.RetryPolicyVersions = await self._call(
            "GET",
            "/v1/policy/versions",
            query={"below": below, "limit": limit, "siteId": siteId, "campaignId": campaignId},
        )
        return found

    async def check_policy(self, body: s.RetryPolicyCheckBody) -> s.RetryPolicyChecked:
        """Check a retry policy."""
        found: s.RetryPolicyChecked = await self._call("POST", "/v1/policy/check", body=body)
        return found

    async def back_policy(self, body: s.RetryPolicyBackBody) -> s.RetryPolicyShown:
        """Return to an earlier retry policy."""
        found: s.RetryPolicyShown = await self._call("POST", "/v1/policy/back", body=body)
        return found

    async def get_engine_risk(self) -> s.RiskCheck:
        """Settings of the risk check."""
        found: s.RiskCheck = await self._call("GET", "/v1/engine/risk")
        return found

    async def set_engine_risk(self, body: s.RiskBody) -> s.RiskCheck:
        """Set the risk check."""
        found: s.RiskCheck = await self._call("PUT", "/v1/engine/risk", body=body)
        return found

    async def list_engine_cards(self) -> s.CardSettings:
        """Settings of cards."""
        found: s.CardSettings = await self._call("GET", "/v1/engine/cards")
        return found

    async def set_engine_cards(self, body: s.CardSettingsBody) -> s.CardSettings:
        """Set what is done for cards."""
        found: s.CardSettings = await self._call("PUT", "/v1/engine/cards", body=body)
        return found

    async def connection_test(self, body: s.TestedBody) -> s.Tested:
        """Test a connection."""
        found: s.Tested = await self._call("POST", "/v1/connection-test", body=body)
        return found

    async def list_balances(self, *, asOf: str | None = None, asOfRecorded: str | None = None) -> s.Balances:
        """Balances."""
        found: s.Balances = await self._call("GET", "/v1/balances", query={"asOf": asOf, "asOfRecorded": asOfRecorded})
        return found

    async def list_settlements(
        self,
        *,
        pageNumber: int | None = None,
        pageSize: int | None = None,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.SettlementList:
        """Settlements."""
        found: s.SettlementList = await self._call(
            "GET",
            "/v1/settlements",
            query={
                "pageNumber": pageNumber,
                "pageSize": pageSize,
                "from": from_,
                "to": to,
                "currency": currency,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def get_settlement(
        self, id: str, *, asOf: str | None = None, asOfRecorded: str | None = None
    ) -> s.SettlementDetail:
        """One settlement."""
        found: s.SettlementDetail = await self._call(
            "GET", f"/v1/settlements/{segment(id)}", query={"asOf": asOf, "asOfRecorded": asOfRecorded}
        )
        return found

    async def list_settlement_lines(
        self,
        id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        kind: Literal["adjustment", "amount", "carried", "dispute", "dispute_fee", "fee", "payout", "refund", "reserve"]
        | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.SettlementLines:
        """Lines of a settlement."""
        found: s.SettlementLines = await self._call(
            "GET",
            f"/v1/settlements/{segment(id)}/lines",
            query={
                "limit": limit,
                "after": after,
                "kind": kind,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def get_reconciliation(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        id: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        zone: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Reconciliation:
        """Account movements."""
        found: s.Reconciliation = await self._call(
            "GET",
            "/v1/reconciliation",
            query={
                "from": from_,
                "to": to,
                "id": id,
                "limit": limit,
                "after": after,
                "zone": zone,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def list_reports_transactions(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Transactions:
        """Results by order."""
        found: s.Transactions = await self._call(
            "GET",
            "/v1/reports/transactions",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def list_reports_descriptors(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Descriptors:
        """Results by descriptor."""
        found: s.Descriptors = await self._call(
            "GET",
            "/v1/reports/descriptors",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def list_reports_sites(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.SitesReport:
        """Results by site."""
        found: s.SitesReport = await self._call(
            "GET",
            "/v1/reports/sites",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def list_reports_campaigns(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.CampaignsReport:
        """Results by campaign."""
        found: s.CampaignsReport = await self._call(
            "GET",
            "/v1/reports/campaigns",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def list_reports_means(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.MeansReport:
        """Results by means of recovery."""
        found: s.MeansReport = await self._call(
            "GET",
            "/v1/reports/means",
            query={
                "from": from_,
                "to": to,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def list_reports_certificates(
        self,
        *,
        month: str | None = None,
        acceptorId: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> s.CertificateList:
        """Compliance certificates."""
        found: s.CertificateList = await self._call(
            "GET",
            "/v1/reports/certificates",
            query={"month": month, "acceptorId": acceptorId, "limit": limit, "after": after},
        )
        return found

    async def get_reports_certificate(self, id: str) -> s.CertificateDetail:
        """One compliance certificate."""
        found: s.CertificateDetail = await self._call("GET", f"/v1/reports/certificates/{segment(id)}")
        return found

    async def get_reports_certificate_file(self, id: str) -> bytes:
        """File of a compliance certificate."""
        found: bytes = await self._call("GET", f"/v1/reports/certificates/{segment(id)}/file")
        return found

    async def get_reports_uplift(self, *, asOf: str | None = None, asOfRecorded: str | None = None) -> s.UpliftReport:
        """What the rescue engine brings."""
        found: s.UpliftReport = await self._call(
            "GET", "/v1/reports/uplift", query={"asOf": asOf, "asOfRecorded": asOfRecorded}
        )
        return found

    async def list_reports_cohorts(
        self,
        *,
        by: Literal["site", "week"] | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Cohorts:
        """Declined payments by week."""
        found: s.Cohorts = await self._call(
            "GET", "/v1/reports/cohorts", query={"by": by, "format": format, "asOf": asOf, "asOfRecorded": asOfRecorded}
        )
        return found

    async def set_engine_return(self, body: s.EngineReturnBody) -> s.UpliftReport:
        """Let the engine stop by itself."""
        found: s.UpliftReport = await self._call("PUT", "/v1/engine/return", body=body)
        return found

    async def create_backtest(self, body: s.BacktestBody) -> s.Backtest:
        """Ask for a back-test."""
        found: s.Backtest = await self._call("POST", "/v1/backtests", body=body)
        return found

    async def list_backtests(self, *, limit: int | None = None, after: str | None = None) -> s.BacktestList:
        """Back-tests."""
        found: s.BacktestList = await self._call("GET", "/v1/backtests", query={"limit": limit, "after": after})
        return found

    async def get_backtest(self, id: str) -> s.Backtest:
        """One back-test."""
        found: s.Backtest = await self._call("GET", f"/v1/backtests/{segment(id)}")
        return found

    async def list_backtest_payments(
        self, id: str, *, limit: int | None = None, after: int | None = None
    ) -> s.BacktestPayments:
        """Payments of a back-test."""
        found: s.BacktestPayments = await self._call(
            "GET", f"/v1/backtests/{segment(id)}/payments", query={"limit": limit, "after": after}
        )
        return found

    async def get_partner(self) -> s.Partner:
        """Your account."""
        found: s.Partner = await self._call("GET", "/v1/partner")
        return found

    async def create_partner_merchant(
        self, body: s.MerchantBody, *, idempotency_key: str | None = None
    ) -> s.MerchantMade:
        """Create a merchant."""
        found: s.MerchantMade = await self._call("POST", "/v1/partner/merchants", body=body, key=idempotency_key)
        return found

    async def list_partner_merchants(
        self,
        *,
        state: Literal["active", "paused"] | None = None,
        name: str | None = None,
        externalId: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> s.Merchants:
        """Your merchants."""
        found: s.Merchants = await self._call(
            "GET",
            "/v1/partner/merchants",
            query={"state": state, "name": name, "externalId": externalId, "limit": limit, "after": after},
        )
        return found

    async def create_partner_merchants_switch(self, body: s.SwitchesBody) -> s.SwitchResults:
        """Switch kinds of orders for many merchants."""
        found: s.SwitchResults = await self._call("POST", "/v1/partner/merchants/switches", body=body)
        return found

    async def get_partner_merchant(self, mid: str) -> s.MerchantStatus:
        """One merchant."""
        found: s.MerchantStatus = await self._call("GET", f"/v1/partner/merchants/{segment(mid)}")
        return found

    async def change_partner_merchant(self, mid: str, body: s.MerchantPatch) -> s.MerchantStatus:
        """Change a merchant."""
        found: s.MerchantStatus = await self._call("PATCH", f"/v1/partner/merchants/{segment(mid)}", body=body)
        return found

    async def create_partner_merchant_key(
        self, mid: str, body: s.KeysBody, *, idempotency_key: str | None = None
    ) -> s.NewKeys:
        """Create new keys for a merchant."""
        found: s.NewKeys = await self._call(
            "POST", f"/v1/partner/merchants/{segment(mid)}/keys", body=body, key=idempotency_key
        )
        return found

    async def get_partner_policy(self) -> s.RetryPolicyShown:
        """Bounds of retry policies."""
        found: s.RetryPolicyShown = await self._call("GET", "/v1/partner/policy")
        return found

    async def set_partner_policy(self, body: s.PolicyBoundsBody) -> s.RetryPolicyShown:
        """Set the bounds of retry policies."""
        found: s.RetryPolicyShown = await self._call("PUT", "/v1/partner/policy", body=body)
        return found

    async def list_partner_policy_versions(
        self, *, below: int | None = None, limit: int | None = None
    ) -> s.RetryPolicyVersions:
        """Versions of the bounds."""
        found: s.RetryPolicyVersions = await self._call(
            "GET", "/v1/partner/policy/versions", query={"below": below, "limit": limit}
        )
        return found

    async def check_partner_policy(self, body: s.PolicyBoundsCheckBody) -> s.PolicyBoundsChecked:
        """Check bounds of retry policies."""
        found: s.PolicyBoundsChecked = await self._call("POST", "/v1/partner/policy/check", body=body)
        return found

    async def back_partner_policy(self, body: s.PolicyBoundsBackBody) -> s.RetryPolicyShown:
        """Return to earlier bounds."""
        found: s.RetryPolicyShown = await self._call("POST", "/v1/partner/policy/back", body=body)
        return found

    async def get_partner_report(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        mid: str | None = None,
        currency: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        format: Literal["csv", "json"] | None = None,
        asOf: str | None = None,
        asOfRecorded: str | None = None,
    ) -> s.Report:
        """Report over your merchants."""
        found: s.Report = await self._call(
            "GET",
            "/v1/partner/report",
            query={
                "from": from_,
                "to": to,
                "mid": mid,
                "currency": currency,
                "limit": limit,
                "after": after,
                "format": format,
                "asOf": asOf,
                "asOfRecorded": asOfRecorded,
            },
        )
        return found

    async def create_partner_webhook(self, body: s.EndpointBody) -> s.Endpoint:
        """Create an endpoint."""
        found: s.Endpoint = await self._call("POST", "/v1/partner/webhooks", body=body)
        return found

    async def list_partner_webhooks(self) -> s.Endpoints:
        """Endpoints."""
        found: s.Endpoints = await self._call("GET", "/v1/partner/webhooks")
        return found

    async def get_partner_webhook(self, id: str) -> s.Endpoint:
        """One endpoint."""
        found: s.Endpoint = await self._call("GET", f"/v1/partner/webhooks/{segment(id)}")
        return found

    async def replace_partner_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Replace an endpoint."""
        found: s.Endpoint = await self._call("PUT", f"/v1/partner/webhooks/{segment(id)}", body=body)
        return found

    async def change_partner_webhook(self, id: str, body: s.EndpointChange) -> s.Endpoint:
        """Change an endpoint."""
        found: s.Endpoint = await self._call("PATCH", f"/v1/partner/webhooks/{segment(id)}", body=body)
        return found

    async def delete_partner_webhook(self, id: str) -> None:
        """Delete an endpoint."""
        await self._call("DELETE", f"/v1/partner/webhooks/{segment(id)}")

    async def test_partner_webhook(self, id: str, body: s.TestBody) -> s.TestAnswer:
        """Send a sample."""
        found: s.TestAnswer = await self._call("POST", f"/v1/partner/webhooks/{segment(id)}/test", body=body)
        return found

    async def list_partner_webhook_deliveries(
        self, id: str, *, limit: int | None = None, before: str | None = None
    ) -> s.Deliveries:
        """Deliveries."""
        found: s.Deliveries = await self._call(
            "GET", f"/v1/partner/webhooks/{segment(id)}/deliveries", query={"limit": limit, "before": before}
        )
        return found

    async def rotate_partner_webhook(self, id: str, body: s.RotateBody) -> s.Endpoint:
        """Rotate an endpoint's key."""
        found: s.Endpoint = await self._call("POST", f"/v1/partner/webhooks/{segment(id)}/rotate", body=body)
        return found

    async def replay_partner_webhook(
        self, id: str, body: s.ReplayBody, *, idempotency_key: str | None = None
    ) -> s.ReplayShown:
        """Send events again."""
        found: s.ReplayShown = await self._call(
            "POST", f"/v1/partner/webhooks/{segment(id)}/replay", body=body, key=idempotency_key
        )
        return found

    async def list_partner_webhook_replays(self, id: str) -> s.Replays:
        """Replays."""
        found: s.Replays = await self._call("GET", f"/v1/partner/webhooks/{segment(id)}/replays")
        return found

    async def application_onboarding(self, body: s.ApplicationBody) -> s.ApplicationView:
        """Create an application."""
        found: s.ApplicationView = await self._call("POST", "/v1/onboarding/application", body=body)
        return found

    async def get_onboarding_application_list(
        self,
        *,
        status: Literal["APPROVED", "CANCELLED", "CONVERTED", "DECLINED", "DRAFT", "SUBMITTED"] | None = None,
        externalId: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> s.Applications:
        """Your applications."""
        found: s.Applications = await self._call(
            "GET",
            "/v1/onboarding/application/list",
            query={"status": status, "externalId": externalId, "limit": limit, "after": after},
        )
        return found

    async def get_onboarding_application(self, id: str) -> s.ApplicationView:
        """One application."""
        found: s.ApplicationView = await self._call("GET", f"/v1/onboarding/application/{segment(id)}")
        return found

    async def replace_onboarding_application(self, id: str, body: s.ApplicationBody) -> s.ApplicationView:
        """Replace a draft."""
        found: s.ApplicationView = await self._call("PUT", f"/v1/onboarding/application/{segment(id)}", body=body)
        return found

    async def submit_onboarding_application(self, id: str, body: s.StepBody) -> s.ApplicationStep:
        """Submit a draft."""
        found: s.ApplicationStep = await self._call(
            "POST", f"/v1/onboarding/application/{segment(id)}/submit", body=body
        )
        return found

    async def cancel_onboarding_application(self, id: str, body: s.StepBody) -> s.ApplicationStep:
        """Cancel an application."""
        found: s.ApplicationStep = await self._call(
            "POST", f"/v1/onboarding/application/{segment(id)}/cancel", body=body
        )
        return found

    async def convert_onboarding_application(self, id: str, body: s.StepBody) -> s.ConvertedView:
        """Convert into a merchant."""
        found: s.ConvertedView = await self._call(
            "POST", f"/v1/onboarding/application/{segment(id)}/convert", body=body
        )
        return found

    async def create_onboarding_application_document(self, id: str, body: s.DocumentBody) -> s.Document:
        """Add a document."""
        found: s.Document = await self._call("POST", f"/v1/onboarding/application/{segment(id)}/documents", body=body)
        return found

    async def list_onboarding_application_documents(self, id: str) -> s.Documents:
        """Documents of an application."""
        found: s.Documents = await self._call("GET", f"/v1/onboarding/application/{segment(id)}/documents")
        return found

    async def get_onboarding_application_document(self, id: str, document: str) -> s.DocumentContent:
        """One document."""
        found: s.DocumentContent = await self._call(
            "GET", f"/v1/onboarding/application/{segment(id)}/documents/{segment(document)}"
        )
        return found

    async def delete_onboarding_application_document(self, id: str, document: str) -> None:
        """Remove a document."""
        await self._call("DELETE", f"/v1/onboarding/application/{segment(id)}/documents/{segment(document)}")
