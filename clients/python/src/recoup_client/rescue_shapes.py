"""Made by scripts/make_client.py; do not edit."""

from typing import Any, Literal, NotRequired, TypedDict

Address = TypedDict(
    "Address",
    {
        "firstName": NotRequired[str | None],
        "lastName": NotRequired[str | None],
        "country": NotRequired[str | None],
        "countryCode": NotRequired[str | None],
        "addressLine1": NotRequired[str | None],
        "addressLine2": NotRequired[str | None],
        "city": NotRequired[str | None],
        "state": NotRequired[str | None],
        "zipcode": NotRequired[str | None],
        "phone": NotRequired[str | None],
    },
)
"""A postal address with a name."""

AmendBody = TypedDict(
    "AmendBody",
    {
        "cardToken": NotRequired[str | None],
        "expiryDateUtc": NotRequired[str | None],
        "metadata": NotRequired[dict[str, str | None] | None],
        "doNotRetry": NotRequired[bool | None],
    },
)
"""What may be changed of an open order; what is left out stays."""

AmendedOrder = TypedDict(
    "AmendedOrder",
    {
        "id": str,
        "referenceNumber": str,
        "status": int,
        "statusName": str,
        "orderPlacedDate": str,
        "currencyCode": str,
        "currencySymbol": str,
        "orderId": str,
        "externalOrderId": str,
        "siteId": str,
        "campaignId": str,
        "placedDate": str,
        "customer": str,
        "isMIT": bool,
        "orderSource": str,
        "descriptor": str,
        "amount": int,
        "refundedAmount": int,
        "doNotRetry": bool,
        "metadata": dict[str, str],
        "billingAddress": dict[str, str],
        "firstName": str,
        "lastName": str,
        "email": str,
        "phone": str,
        "shippingAddress": dict[str, str] | None,
        "secondaryEmail": str,
        "correlationId": str | None,
        "expiryDate": str | None,
        "createdDate": str | None,
        "reason": str | None,
        "nextAttemptAt": str | None,
        "attemptCount": int | None,
        "collectedAmount": int,
        "items": list["Item"],
        "refunds": list["RefundShown"],
        "attempts": list["AttemptShown"],
        "disputes": list["DisputeShown"],
        "challengeUrl": str | None,
        "mandateRevoked": "MandateRevoked | None",
        "asOf": "AsOf",
        "customProperties": dict[str, str],
    },
)
"""The order as it is now, and what should be known besides."""

ApplicationBody = TypedDict(
    "ApplicationBody",
    {
        "externalId": NotRequired[str | None],
        "legalName": NotRequired[str | None],
        "tradingName": NotRequired[str | None],
        "country": NotRequired[str | None],
        "registrationNumber": NotRequired[str | None],
        "businessCategory": NotRequired[str | None],
        "contact": NotRequired["Contact | None"],
        "volumes": NotRequired["Volumes | None"],
        "kinds": NotRequired[list[str] | None],
        "sites": NotRequired[list["ApplicationSite"] | None],
    },
)
"""A draft may leave anything out; what is there must be well formed. PUT replaces all of it."""

ApplicationSite = TypedDict(
    "ApplicationSite",
    {
        "url": NotRequired[str | None],
        "name": NotRequired[str | None],
        "descriptor": NotRequired[str | None],
        "supportContact": NotRequired[str | None],
    },
)
"""A site of the merchant to be; the first is the default."""

ApplicationStep = TypedDict(
    "ApplicationStep",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "status": str | None,
        "id": str,
        "applicationStatus": Literal["APPROVED", "CANCELLED", "CONVERTED", "DECLINED", "DRAFT", "SUBMITTED"],
    },
)
"""`status` SUCCESS, or FAILED: then `errors` names everything that is missing. `statusCode` 200 or six digits."""

ApplicationView = TypedDict(
    "ApplicationView",
    {
        "id": str,
        "status": Literal["APPROVED", "CANCELLED", "CONVERTED", "DECLINED", "DRAFT", "SUBMITTED"],
        "externalId": str,
        "legalName": str,
        "tradingName": str,
        "country": str,
        "registrationNumber": str,
        "businessCategory": str,
        "contact": "Contact",
        "volumes": "Volumes",
        "kinds": list[str],
        "sites": list["ApplicationSite"],
        "documents": list["Document"],
        "missing": list[str],
        "reason": str | None,
        "note": str | None,
        "mid": str | None,
        "createdDate": str,
        "changedDate": str,
        "submittedDate": str | None,
        "decidedDate": str | None,
        "success": bool,
    },
)
"""An application."""

Applications = TypedDict(
    "Applications",
    {
        "data": list["ApplicationView"],
        "next": str | None,
        "success": bool,
    },
)
"""A page of your applications."""

AsOf = TypedDict(
    "AsOf",
    {
        "version": int,
        "at": str,
        "recordedAt": str,
        "decisionId": str | None,
        "balances": list["AsOfBalance"],
    },
)
"""Which moment of its past is shown: the one after this line of its log."""

AsOfBalance = TypedDict(
    "AsOfBalance",
    {
        "account": str,
        "amount": int,
    },
)
"""What the order had booked on an account; debit is positive."""

AttemptShown = TypedDict(
    "AttemptShown",
    {
        "id": str,
        "number": int,
        "status": str,
        "dueAt": str,
        "sentAt": str | None,
        "responseCode": str | None,
        "adviceCode": str | None,
        "responseText": str | None,
        "cure": str | None,
        "networkTransactionId": str | None,
        "checks": "ChecksShown | None",
        "retriesItselfAt": str | None,
        "byNetworkToken": bool,
        "fault": str | None,
    },
)
"""A try of the card, planned, under way or over."""

AvoidedFee = TypedDict(
    "AvoidedFee",
    {
        "scheme": str,
        "rule": str,
        "region": str,
        "sends": int,
        "fee": int,
        "amount": int,
        "currency": str,
        "document": str,
        "sources": str,
        "confidence": str,
        "validFrom": str | None,
        "validTo": str | None,
    },
)
"""Fees that those refusals avoided, by one row of the tariff."""

Backtest = TypedDict(
    "Backtest",
    {
        "id": str,
        "requestedAt": str,
        "requestedBy": str,
        "purpose": Literal["draft", "request"],
        "decider": str,
        "scope": Literal["campaign", "merchant", "site"],
        "subjectId": str,
        "version": int | None,
        "policy": dict[str, Any] | None,
        "days": int,
        "importId": str | None,
        "savedAs": int | None,
        "madeAt": str | None,
        "failed": str | None,
        "payments": int,
        "report": "BacktestReport | None",
        "history": "BacktestHistory | None",
        "success": bool,
    },
)
"""One back-test."""

BacktestBody = TypedDict(
    "BacktestBody",
    {
        "decider": NotRequired[Literal["engine", "retry-1", "retry-2"] | None],
        "policy": NotRequired[dict[str, Any] | None],
        "version": NotRequired[int | None],
        "days": NotRequired[int],
        "importId": NotRequired[str | None],
        "windowDays": NotRequired[int],
        "siteId": NotRequired[str | None],
        "campaignId": NotRequired[str | None],
        "mid": NotRequired[str | None],
    },
)
"""What is asked."""

BacktestBounds = TypedDict(
    "BacktestBounds",
    {
        "atLeast": float,
        "atMost": float,
    },
)
"""What happened then says so much, and nothing is assumed."""

BacktestCalibration = TypedDict(
    "BacktestCalibration",
    {
        "error": float,
        "plusMinus": float | None,
        "tenths": list[list[float]],
    },
)
"""How far a model is off at tries that it has not seen."""

BacktestExperiment = TypedDict(
    "BacktestExperiment",
    {
        "orders": int,
        "compared": float,
        "plusMinus": float,
    },
)
"""What a comparison on your own payments would show."""

BacktestFeeBounds = TypedDict(
    "BacktestFeeBounds",
    {
        "currency": str,
        "atLeast": int,
        "atMost": int,
    },
)
"""Fees of sends that the policy does not make, in minor units; below 0: it makes more."""

BacktestFees = TypedDict(
    "BacktestFees",
    {
        "currency": str,
        "units": int,
    },
)
"""Of sends that the policy does not make, in minor units; below 0: it makes more."""

BacktestGroup = TypedDict(
    "BacktestGroup",
    {
        "orders": int,
        "rescuedThen": int,
        "then": "BacktestShare | None",
        "rescued": "BacktestShare | None",
        "difference": "BacktestShare | None",
        "missing": list["BacktestMissing"],
        "sends": float | None,
        "sendsThen": float,
        "days": float | None,
        "daysThen": float | None,
        "daysEarlier": float | None,
        "feesAvoided": list["BacktestFees"],
        "name": str,
    },
)
"""Orders of one class of decline, issuer, country or band of amounts."""

BacktestHistory = TypedDict(
    "BacktestHistory",
    {
        "basis": Literal["history"],
        "policy": str,
        "orders": int,
        "declined": int,
        "begunBefore": int,
        "openAfter": int,
        "attempts": int,
        "sampledOf": int | None,
        "from": str | None,
        "until": str | None,
        "missing": list["BacktestMissing"],
        "then": "BacktestShare | None",
        "sendsThen": float | None,
        "daysThen": float | None,
        "bounds": "BacktestBounds | None",
        "plannedOf": list[int] | None,
        "sends": float | None,
        "calibration": "BacktestCalibration | None",
        "rangeOfModels": "BacktestModels | None",
        "whyNoModels": str,
        "note": str | None,
        "experiments": list["BacktestExperiment"],
        "sendCost": int | None,
        "whole": "BacktestHistoryFigures | None",
        "groups": dict[str, list["BacktestHistoryFigures"]],
    },
)
"""Of imported attempts, which have no probabilities: no interval but that of what happened."""

BacktestHistoryFigures = TypedDict(
    "BacktestHistoryFigures",
    {
        "name": str,
        "orders": int,
        "rescuedThen": int,
        "sendsThen": float | None,
        "daysThen": float | None,
        "rescued": "BacktestBounds | None",
        "models": "BacktestModels | None",
        "sends": "BacktestBounds | None",
        "daysEarlier": "BacktestBounds | None",
        "feesAvoided": list["BacktestFeeBounds"],
    },
)
"""Payments of an import: all, or those of one class of decline, issuer, country or band of amounts."""

BacktestList = TypedDict(
    "BacktestList",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "data": list["BacktestShown"],
        "next": str | None,
    },
)
"""The newest first. The newest 25 that were asked for are kept, 15 that versions name, and 5 other drafts."""

BacktestMissing = TypedDict(
    "BacktestMissing",
    {
        "what": Literal[
            "attempts",
            "clipped",
            "days",
            "declined",
            "guessed",
            "not_rescued",
            "one_payer",
            "only_successes",
            "rescued",
            "support",
            "weight",
            "width",
        ],
        "have": float | None,
        "needed": float,
    },
)
"""Why there is no figure: what there is, and what is needed."""

BacktestModels = TypedDict(
    "BacktestModels",
    {
        "lowest": float,
        "highest": float,
    },
)
"""The lowest and highest that several models expect: their word, no interval."""

BacktestMoney = TypedDict(
    "BacktestMoney",
    {
        "currency": str,
        "orders": int,
        "declined": int,
        "rescuedThen": int,
        "rescued": int | None,
        "netThen": int,
        "net": int | None,
        "netDifference": dict[str, int | None],
        "feesAvoided": int | None,
    },
)
"""One currency, in minor units, over all orders."""

BacktestOverlap = TypedDict(
    "BacktestOverlap",
    {
        "effectivePayers": float,
        "followed": float,
        "unsupported": float,
        "clipped": float,
        "largestPayer": float,
    },
)
"""How much the orders say about the policy."""

BacktestPayment = TypedDict(
    "BacktestPayment",
    {
        "order": str,
        "declinedAt": str,
        "amount": int,
        "currency": str,
        "class": str,
        "issuer": str,
        "country": str,
        "rescuedThen": bool,
        "sendsThen": int,
        "verdict": str | None,
        "plan": list[str],
        "chance": float | None,
        "why": list[str],
    },
)
"""A declined payment, what was done, and what the policy would have planned."""

BacktestPayments = TypedDict(
    "BacktestPayments",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "data": list["BacktestPayment"],
        "next": int | None,
    },
)
"""The latest decline first; at most 20,000 are kept."""

BacktestReport = TypedDict(
    "BacktestReport",
    {
        "orders": int,
        "rescuedThen": int,
        "then": "BacktestShare | None",
        "rescued": "BacktestShare | None",
        "difference": "BacktestShare | None",
        "missing": list["BacktestMissing"],
        "sends": float | None,
        "sendsThen": float,
        "days": float | None,
        "daysThen": float | None,
        "daysEarlier": float | None,
        "feesAvoided": list["BacktestFees"],
        "basis": Literal["propensities"],
        "policy": str,
        "from": str | None,
        "until": str | None,
        "sampledOf": int | None,
        "open": int,
        "unread": int,
        "payers": int,
        "verdict": Literal["better", "not_told", "worse"],
        "overlap": "BacktestOverlap",
        "money": list["BacktestMoney"],
        "groups": dict[str, list["BacktestGroup"]],
        "sendCost": int,
    },
)
"""Of own orders, whose decisions have probabilities."""

BacktestShare = TypedDict(
    "BacktestShare",
    {
        "value": float,
        "low": float,
        "high": float,
    },
)
"""A share of all orders with its 90 % interval."""

BacktestShown = TypedDict(
    "BacktestShown",
    {
        "id": str,
        "requestedAt": str,
        "requestedBy": str,
        "purpose": Literal["draft", "request"],
        "decider": str,
        "scope": Literal["campaign", "merchant", "site"],
        "subjectId": str,
        "version": int | None,
        "policy": dict[str, Any] | None,
        "days": int,
        "importId": str | None,
        "savedAs": int | None,
        "madeAt": str | None,
        "failed": str | None,
        "payments": int,
        "report": "BacktestReport | None",
        "history": "BacktestHistory | None",
    },
)
"""A question, and its figures once they are made."""

Balance = TypedDict(
    "Balance",
    {
        "currency": str,
        "card": int,
        "wallet": int,
        "reserve": int,
        "scheduled": int,
        "payouts": int,
        "total": int,
    },
)
"""In one currency; positive is in your favour."""

Balances = TypedDict(
    "Balances",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "data": list["Balance"],
    },
)
"""By currency; none where nothing is owed."""

Campaign = TypedDict(
    "Campaign",
    {
        "id": str,
        "siteId": str,
        "key": str,
        "name": str,
        "descriptor": str,
        "citWeb": bool,
        "citCallcenter": bool,
        "mit": bool,
        "createdDate": str,
    },
)
"""A campaign of a site."""

CampaignBody = TypedDict(
    "CampaignBody",
    {
        "name": NotRequired[str | None],
        "descriptor": NotRequired[str | None],
        "citWeb": NotRequired[bool | None],
        "citCallcenter": NotRequired[bool | None],
        "mit": NotRequired[bool | None],
        "key": str,
    },
)
"""A campaign."""

CampaignPatch = TypedDict(
    "CampaignPatch",
    {
        "name": NotRequired[str | None],
        "descriptor": NotRequired[str | None],
        "citWeb": NotRequired[bool | None],
        "citCallcenter": NotRequired[bool | None],
        "mit": NotRequired[bool | None],
        "key": NotRequired[str | None],
    },
)
"""Missing fields stay unchanged."""

CampaignRow = TypedDict(
    "CampaignRow",
    {
        "currency": str,
        "approved": int,
        "refunded": int,
        "chargebacks": int,
        "fees": int,
        "chargebackFees": int,
        "adjusted": int,
        "net": int,
        "disputed": int,
        "approvals": int,
        "refunds": int,
        "disputes": int,
        "siteId": str | None,
        "site": str | None,
        "campaignId": str | None,
        "campaign": str | None,
        "name": str | None,
    },
)
"""All orders of a campaign; those of the site that name none have a row of their own."""

Campaigns = TypedDict(
    "Campaigns",
    {
        "data": list["Campaign"],
        "success": bool,
    },
)
"""All of the site that take orders."""

CampaignsReport = TypedDict(
    "CampaignsReport",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "from": str,
        "to": str,
        "totals": list["Sums"] | None,
        "next": str | None,
        "data": list["CampaignRow"],
    },
)
"""By campaign."""

CancelBody = TypedDict("CancelBody", {})
"""Nothing is read."""

CaptureBody = TypedDict(
    "CaptureBody",
    {
        "idempotencyKey": str,
        "orderId": str,
        "amount": int,
        "currency": str,
        "finalCapture": NotRequired[bool | None],
        "mid": NotRequired[str | None],
    },
)
"""The whole of what is held; with `finalCapture` a part of it."""

CaptureResult = TypedDict(
    "CaptureResult",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "status": str | None,
        "orderId": str,
        "captureStatus": str,
        "transactionId": str | None,
        "capturedAmount": int | None,
        "heldAmount": int | None,
    },
)
"""`status` and `captureStatus` say the same: SUCCESS, or FAILED with nothing taken."""

CardMethod = TypedDict(
    "CardMethod",
    {
        "credit_card": "CreditCard",
        "email": NotRequired[str | None],
        "sense_key": NotRequired[str | None],
    },
)
"""The card and the cardholder."""

CardSetting = TypedDict(
    "CardSetting",
    {
        "on": bool,
        "available": bool,
    },
)
"""One of them. `available`: a card route of this environment offers it."""

CardSettings = TypedDict(
    "CardSettings",
    {
        "cardUpdates": "CardSetting",
        "networkTokens": "CardSetting",
        "otherCards": "CardSetting",
        "success": bool,
    },
)
"""What is done for this merchant's cards."""

CardSettingsBody = TypedDict(
    "CardSettingsBody",
    {
        "cardUpdates": NotRequired[bool | None],
        "networkTokens": NotRequired[bool | None],
        "otherCards": NotRequired[bool | None],
        "mid": NotRequired[str | None],
    },
)
"""Missing fields stay unchanged."""

Certificate = TypedDict(
    "Certificate",
    {
        "id": str,
        "month": str,
        "acceptorId": str,
        "number": int,
        "reasons": list[str],
        "sends": int,
        "refusals": int,
        "breaches": int,
        "recountedBy": Literal["issuer", "none", "statement"],
        "root": str,
        "madeDate": str,
    },
)
"""One month of one acceptor."""

CertificateDetail = TypedDict(
    "CertificateDetail",
    {
        "id": str,
        "month": str,
        "acceptorId": str,
        "number": int,
        "reasons": list[str],
        "sends": int,
        "refusals": int,
        "breaches": int,
        "recountedBy": Literal["issuer", "none", "statement"],
        "root": str,
        "madeDate": str,
        "from": str,
        "to": str,
        "region": str,
        "knowledge": str,
        "corrects": str | None,
        "corrected": bool,
        "previousRoot": str,
        "reported": int,
        "beyond": int,
        "schemes": list["CertificateScheme"],
        "rules": list["CertificateRule"],
        "excess": list[dict[str, Any]],
        "refused": list["CertificateRefusal"],
        "fees": list["AvoidedFee"],
        "editions": list[dict[str, Any]],
        "unseen": list[dict[str, Any]],
        "recount": "CertificateRecount",
        "differences": list[dict[str, Any]],
        "changes": list[dict[str, Any]],
    },
)
"""With its content, as the file has it."""

CertificateLine = TypedDict(
    "CertificateLine",
    {
        "type": str,
    },
)
"""A line of the file: the certificate, its content line by line, an end; each kind has members of its own."""

CertificateList = TypedDict(
    "CertificateList",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "data": list["Certificate"],
        "next": str | None,
    },
)
"""Newest first."""

CertificateRecount = TypedDict(
    "CertificateRecount",
    {
        "by": Literal["issuer", "none", "statement"],
        "sends": int,
        "approved": int,
        "matched": int,
        "countedOnly": int,
        "differing": int,
    },
)
"""By somebody who counts apart from us."""

CertificateRefusal = TypedDict(
    "CertificateRefusal",
    {
        "scheme": str,
        "rule": str,
        "postponed": int,
        "refused": int,
        "orders": int,
    },
)
"""What the gate refused by a rule."""

CertificateRule = TypedDict(
    "CertificateRule",
    {
        "scheme": str,
        "rule": str,
        "windowHours": int | None,
        "limit": int,
        "gateLimit": int,
        "key": str,
        "sends": int,
        "reported": int,
        "carried": int,
        "bans": int,
        "closest": "ClosestApproach | None",
        "closestSent": "ClosestApproach | None",
        "closestRecounted": "ClosestApproach | None",
        "beyond": dict[str, int],
        "region": str,
        "document": str,
        "sources": str,
        "validFrom": str | None,
        "validTo": str | None,
    },
)
"""A dated limit and what the month came to under it."""

CertificateScheme = TypedDict(
    "CertificateScheme",
    {
        "scheme": str,
        "sends": int,
        "approved": int,
        "declined": int,
        "unanswered": int,
        "repeated": int,
        "notSent": int,
        "reported": int,
        "cards": int,
    },
)
"""A scheme's sends of the month."""

Change = TypedDict(
    "Change",
    {
        "at": str,
        "by": str,
        "why": str,
        "requestId": str,
    },
)
"""One change of a switch. Who: the kind of caller and its id."""

Changed = TypedDict(
    "Changed",
    {
        "at": str,
        "by": str,
        "why": str,
        "requestId": str,
        "level": Literal["campaign", "merchant", "site"],
        "id": str,
        "name": str,
        "kind": Literal["cit_callcenter", "cit_web", "mit"],
        "on": bool,
        "siteId": str | None,
        "key": str | None,
    },
)
"""A change, and of what."""

CheckBody = TypedDict(
    "CheckBody",
    {
        "isDeclined": bool,
        "orderId": str,
        "isMIT": NotRequired[bool | None],
        "mid": NotRequired[str | None],
        "orderSource": NotRequired[str | None],
        "siteId": NotRequired[str | None],
        "siteUrl": NotRequired[str | None],
        "campaign": NotRequired[str | None],
        "customerIp": NotRequired[str | None],
        "senseKey": NotRequired[str | None],
        "isRecurring": NotRequired[bool | None],
        "subscription": NotRequired["Subscription | None"],
        "payer": NotRequired["Payer | None"],
        "billingInformation": NotRequired["Address | None"],
        "shippingInformation": NotRequired["Address | None"],
        "orderItems": NotRequired[list["OrderItem"] | None],
        "merchant": NotRequired["PayloadMerchant | None"],
        "deviceDetails": NotRequired[dict[str, Any] | None],
        "additionalFields": NotRequired[list[Any] | None],
        "correlationId": NotRequired[str | None],
        "source": NotRequired[str | None],
        "extraData": NotRequired[Any | None],
        "idempotencyKey": str,
        "transaction": "Transaction",
        "paymentMethod": "PaymentMethod",
        "attemptCount": NotRequired[int | None],
        "transactionType": NotRequired[str | None],
        "expiryDateUtc": NotRequired[str | None],
        "threeDSecure": NotRequired["ThreeDSecure | None"],
    },
)
"""What /evaluate takes; it may be incomplete."""

Checked = TypedDict(
    "Checked",
    {
        "valid": bool,
        "score": int,
        "complaints": list["Complaint"],
        "improvements": list["Improvement"],
        "remarks": list[str],
        "decline": "ReadDecline | None",
    },
)
"""`score` of 100."""

ChecksShown = TypedDict(
    "ChecksShown",
    {
        "avsResultCode": str | None,
        "cvvResultCode": str | None,
        "cavvResultCode": str | None,
        "risk": str | None,
        "riskScore": int | None,
        "category": str | None,
        "authCode": str | None,
        "processorAdvice": str | None,
    },
)
"""What the processor said beside its codes, as it said it; null: nothing."""

ClosestApproach = TypedDict(
    "ClosestApproach",
    {
        "count": int,
        "limit": int,
        "at": str,
        "card": str,
        "sendId": str,
    },
)
"""Right after the send, the window held `count` of `limit`."""

Cohort = TypedDict(
    "Cohort",
    {
        "orders": int,
        "closed": int,
        "rescued": int,
        "rate": float | None,
        "units": dict[str, int],
        "rescuedUnits": dict[str, int],
        "week": str,
        "curve": list[float | None],
    },
)
"""One week of declines."""

CohortPlace = TypedDict(
    "CohortPlace",
    {
        "orders": int,
        "closed": int,
        "rescued": int,
        "rate": float | None,
        "units": dict[str, int],
        "rescuedUnits": dict[str, int],
        "engine": "PlaceArm",
        "holdout": "PlaceArm",
        "difference": float | None,
        "low": float | None,
        "high": float | None,
        "siteId": str,
        "site": str,
        "campaignId": str | None,
        "campaign": str | None,
    },
)
"""One site, and one campaign of it."""

Cohorts = TypedDict(
    "Cohorts",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "madeAt": str | None,
        "curveDays": list[int],
        "weeks": list["Cohort"],
        "places": list["CohortPlace"],
    },
)
"""The last 26 weeks of declined payments without a customer present."""

Complaint = TypedDict(
    "Complaint",
    {
        "field": str,
        "rank": Literal["Required"],
        "text": str,
    },
)
"""What /evaluate would refuse."""

Contact = TypedDict(
    "Contact",
    {
        "name": NotRequired[str | None],
        "email": NotRequired[str | None],
        "phone": NotRequired[str | None],
    },
)
"""Contact for the operator's questions."""

ConvertedView = TypedDict(
    "ConvertedView",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "status": str | None,
        "id": str,
        "applicationStatus": Literal["APPROVED", "CANCELLED", "CONVERTED", "DECLINED", "DRAFT", "SUBMITTED"],
        "mid": str,
        "siteIds": list[str],
        "credentials": "Credentials | None",
        "handoverUrl": str | None,
    },
)
"""The merchant that it became. `credentials` come with the first answer only."""

Credentials = TypedDict(
    "Credentials",
    {
        "mid": str,
        "siteId": str,
        "appKey": str,
        "appSecret": str,
        "tokenizationKey": str,
        "webhookKey": str,
        "stablecoinKeyId": str,
        "stablecoinSecret": str,
        "stablecoinWebhookSecret": str,
    },
)
"""Shown once. Empty ones are unchanged."""

CreditCard = TypedDict(
    "CreditCard",
    {
        "number": str,
        "month": str,
        "year": str,
        "first_name": NotRequired[str | None],
        "last_name": NotRequired[str | None],
        "full_name": NotRequired[str | None],
        "verification_value": NotRequired[str | None],
    },
)
"""The card."""

DecisionAlternative = TypedDict(
    "DecisionAlternative",
    {
        "name": str,
        "chance": float | None,
        "at": str | None,
        "price": float | None,
        "probability": float | None,
        "taken": bool,
    },
)
"""One way that was open."""

DecisionArm = TypedDict(
    "DecisionArm",
    {
        "arm": str,
        "settingsVersion": int | None,
        "share": int | None,
        "holdout": int | None,
        "explore": int | None,
    },
)
"""The comparison that the order belongs to."""

DecisionShown = TypedDict(
    "DecisionShown",
    {
        "id": str,
        "at": str,
        "verdict": str,
        "reasons": list[str],
        "rules": list[str],
        "plan": list[str],
        "versions": "DecisionVersions",
        "arm": "DecisionArm | None",
        "alternatives": list["DecisionAlternative"],
        "restsOn": list[str],
        "terms": list["DecisionTerm"],
        "whatIf": list["DecisionWhatIf"],
        "repeats": bool | None,
    },
)
"""One decision."""

DecisionTerm = TypedDict(
    "DecisionTerm",
    {
        "group": Literal["code", "day", "hour", "issuer", "payer", "tries"],
        "logit": float,
        "without": float,
    },
)
"""One thing that raises or lowers the model's chance, found by taking it away."""

DecisionVersions = TypedDict(
    "DecisionVersions",
    {
        "decider": str | None,
        "policy": str | None,
        "policies": str | None,
        "knowledge": str | None,
        "model": str | None,
        "bounds": str | None,
    },
)
"""What decided, each by its version."""

DecisionWhatIf = TypedDict(
    "DecisionWhatIf",
    {
        "change": str,
        "text": str,
        "verdict": str,
        "nextAttemptAt": str | None,
        "tries": int,
        "chance": float | None,
        "differs": bool,
    },
)
"""The decision made again with one input changed: what would have been planned, not what the bank would answer."""

Decisions = TypedDict(
    "Decisions",
    {
        "data": list["DecisionShown"],
        "next": str | None,
        "hasMore": bool,
        "success": bool,
    },
)
"""A page of decisions."""

Deliveries = TypedDict(
    "Deliveries",
    {
        "data": list["Delivery"],
        "next": str | None,
        "success": bool,
    },
)
"""A page of tries."""

Delivery = TypedDict(
    "Delivery",
    {
        "id": str,
        "event": str,
        "eventId": str,
        "orderId": str,
        "externalOrderId": str | None,
        "mid": str,
        "sequence": int,
        "isResent": bool,
        "isSample": bool,
        "attempt": int,
        "at": str,
        "result": str,
        "latencyMs": int,
        "answer": str,
        "status": int | None,
        "error": str | None,
    },
)
"""One try."""

DescriptorRow = TypedDict(
    "DescriptorRow",
    {
        "currency": str,
        "approved": int,
        "refunded": int,
        "chargebacks": int,
        "fees": int,
        "chargebackFees": int,
        "adjusted": int,
        "net": int,
        "disputed": int,
        "approvals": int,
        "refunds": int,
        "disputes": int,
        "descriptor": str | None,
    },
)
"""All orders with this text on customers' statements."""

Descriptors = TypedDict(
    "Descriptors",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "from": str,
        "to": str,
        "totals": list["Sums"] | None,
        "next": str | None,
        "data": list["DescriptorRow"],
    },
)
"""By descriptor."""

DisputeShown = TypedDict(
    "DisputeShown",
    {
        "id": str,
        "number": int,
        "kind": str,
        "stage": str,
        "status": str,
        "amount": int,
        "reasonCode": str,
        "reason": str,
        "borneBy": str,
        "createdDate": str,
        "respondBy": str | None,
        "closedDate": str | None,
    },
)
"""What the cardholder's bank takes back, or asks about."""

Document = TypedDict(
    "Document",
    {
        "id": str,
        "kind": str,
        "name": str,
        "mediaType": str,
        "bytes": int,
        "sha256": str,
        "addedDate": str,
    },
)
"""What is told of a document."""

DocumentBody = TypedDict(
    "DocumentBody",
    {
        "kind": Literal["bank", "identity", "other", "processing", "registration"],
        "name": str,
        "content": str,
    },
)
"""A document: PDF, PNG or JPEG, told by its bytes."""

DocumentContent = TypedDict(
    "DocumentContent",
    {
        "id": str,
        "kind": str,
        "name": str,
        "mediaType": str,
        "bytes": int,
        "sha256": str,
        "addedDate": str,
        "content": str,
    },
)
"""With its content."""

Documents = TypedDict(
    "Documents",
    {
        "data": list["Document"],
        "success": bool,
    },
)
"""Of one application, in the order of their coming."""

Endpoint = TypedDict(
    "Endpoint",
    {
        "id": str,
        "url": str,
        "events": list[str],
        "format": str,
        "state": str,
        "createdDate": str,
        "signingKey": str,
        "encrypt": bool,
        "ownKey": bool,
        "previousKeyUntil": str | None,
        "health": "Health",
        "why": str | None,
    },
)
"""An endpoint."""

EndpointBody = TypedDict(
    "EndpointBody",
    {
        "url": str,
        "events": NotRequired[list[str] | None],
        "format": NotRequired[str | None],
        "ownKey": NotRequired[bool | None],
        "encrypt": NotRequired[bool | None],
        "mid": NotRequired[str | None],
    },
)
"""Where events go."""

EndpointChange = TypedDict(
    "EndpointChange",
    {
        "url": NotRequired[str | None],
        "events": NotRequired[list[str] | None],
        "format": NotRequired[str | None],
        "state": NotRequired[str | None],
        "encrypt": NotRequired[bool | None],
    },
)
"""PATCH: what is left out stays. PUT: what is left out becomes as of a new one; `url` is needed."""

Endpoints = TypedDict(
    "Endpoints",
    {
        "data": list["Endpoint"],
        "success": bool,
    },
)
"""All of the merchant's."""

Engine = TypedDict(
    "Engine",
    {
        "data": list["EngineSettings"],
        "model": str | None,
        "whyNone": str,
        "stops": list["EngineStop"],
        "lastTraining": "EngineTraining | None",
        "success": bool,
    },
)
"""The merchant's settings, then those of each site."""

EngineBody = TypedDict(
    "EngineBody",
    {
        "mode": Literal["inherit", "off", "shadow", "share"],
        "siteId": NotRequired[str | None],
        "share": NotRequired[int | None],
        "holdout": NotRequired[int | None],
        "explore": NotRequired[int | None],
        "exploreMax": NotRequired[dict[str, int] | None],
        "mid": NotRequired[str | None],
    },
)
"""Settings of the merchant or of one site. Missing fields stay unchanged."""

EngineChange = TypedDict(
    "EngineChange",
    {
        "at": str,
        "by": str,
    },
)
"""The latest change of the settings."""

EngineInForce = TypedDict(
    "EngineInForce",
    {
        "mode": Literal["inherit", "off", "shadow", "share"],
        "share": int,
        "by": list[Literal["campaign", "merchant", "operator", "partner", "site"]],
    },
)
"""What retry policies leave of the settings."""

EngineResumeBody = TypedDict(
    "EngineResumeBody",
    {
        "mid": NotRequired[str | None],
    },
)
"""No field is required."""

EngineReturnBody = TypedDict(
    "EngineReturnBody",
    {
        "onHarm": bool,
        "mid": NotRequired[str | None],
    },
)
"""Whether the engine stops by itself."""

EngineSettings = TypedDict(
    "EngineSettings",
    {
        "siteId": str | None,
        "name": str,
        "mode": Literal["inherit", "off", "shadow", "share"],
        "share": int,
        "holdout": int,
        "explore": int,
        "exploreMax": dict[str, int],
        "inForce": "EngineInForce | None",
        "lastChange": "EngineChange | None",
    },
)
"""Settings of the merchant or of one site, for new orders."""

EngineStop = TypedDict(
    "EngineStop",
    {
        "allMerchants": bool,
        "at": str,
        "by": str,
        "why": str,
    },
)
"""While it lasts, the fixed schedule applies to every order, open ones included."""

EngineStopBody = TypedDict(
    "EngineStopBody",
    {
        "why": str,
        "mid": NotRequired[str | None],
    },
)
"""Why the engine is stopped."""

EngineTraining = TypedDict(
    "EngineTraining",
    {
        "at": str,
        "result": Literal["candidate", "failed", "not_better", "taken", "too_little"],
    },
)
"""What the nightly training found."""

ErrorTuple = TypedDict(
    "ErrorTuple",
    {
        "item1": str,
        "item2": str,
        "item3": str,
        "item4": bool,
    },
)
"""One thing that was wrong."""

EvaluateBody = TypedDict(
    "EvaluateBody",
    {
        "isDeclined": bool,
        "orderId": str,
        "isMIT": NotRequired[bool | None],
        "mid": NotRequired[str | None],
        "orderSource": NotRequired[str | None],
        "siteId": NotRequired[str | None],
        "siteUrl": NotRequired[str | None],
        "campaign": NotRequired[str | None],
        "customerIp": NotRequired[str | None],
        "senseKey": NotRequired[str | None],
        "isRecurring": NotRequired[bool | None],
        "subscription": NotRequired["Subscription | None"],
        "payer": NotRequired["Payer | None"],
        "billingInformation": NotRequired["Address | None"],
        "shippingInformation": NotRequired["Address | None"],
        "orderItems": NotRequired[list["OrderItem"] | None],
        "merchant": NotRequired["PayloadMerchant | None"],
        "deviceDetails": NotRequired[dict[str, Any] | None],
        "additionalFields": NotRequired[list[Any] | None],
        "correlationId": NotRequired[str | None],
        "source": NotRequired[str | None],
        "extraData": NotRequired[Any | None],
        "idempotencyKey": str,
        "transaction": "Transaction",
        "paymentMethod": "PaymentMethod",
        "attemptCount": NotRequired[int | None],
        "transactionType": NotRequired[str | None],
        "expiryDateUtc": NotRequired[str | None],
        "threeDSecure": NotRequired["ThreeDSecure | None"],
    },
)
"""A declined payment to be rescued."""

Evaluated = TypedDict(
    "Evaluated",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "status": str | None,
        "orderSessionKey": str,
        "orderId": str,
        "senseKey": str | None,
        "reason": str | None,
        "final": bool,
        "cause": Literal[
            "approved_late",
            "capture_window",
            "challenge_failed",
            "challenge_timeout",
            "declined",
            "expired",
            "hard_decline",
            "in_progress",
            "merchant_cancelled",
            "no_answer",
            "not_sent",
            "outcome_unknown",
            "paid_elsewhere",
            "retry_planned",
            "soft_decline",
        ]
        | None,
        "nextAttemptAt": str | None,
        "challengeUrl": str | None,
    },
)
"""Where the rescue stands."""

EventShown = TypedDict(
    "EventShown",
    {
        "Number": int,
        "Event": str,
        "TimeStamp": str,
        "EventData": dict[str, Any],
        "ExternalOrderId": str | None,
        "OrderId": str | None,
        "ConfirmationId": str | None,
        "IsTestMode": bool,
        "IsResent": bool,
    },
)
"""An event as its webhook says it, and its number."""

EvidenceFileBody = TypedDict(
    "EvidenceFileBody",
    {
        "name": str,
        "content": str,
    },
)
"""A file of evidence: PDF, PNG, JPEG or plain text, told by its bytes."""

EvidenceFileContent = TypedDict(
    "EvidenceFileContent",
    {
        "id": str,
        "name": str,
        "mediaType": str,
        "bytes": int,
        "sha256": str,
        "addedDate": str,
        "content": str,
    },
)
"""With its content."""

EvidenceFileShown = TypedDict(
    "EvidenceFileShown",
    {
        "id": str,
        "name": str,
        "mediaType": str,
        "bytes": int,
        "sha256": str,
        "addedDate": str,
    },
)
"""What is told of a file of evidence."""

EvidenceFiles = TypedDict(
    "EvidenceFiles",
    {
        "data": list["EvidenceFileShown"],
        "success": bool,
    },
)
"""Of one dispute, in the order of their coming."""

Feed = TypedDict(
    "Feed",
    {
        "data": list["EventShown"],
        "next": str,
        "hasMore": bool,
        "success": bool,
    },
)
"""A page of events."""

Handover = TypedDict(
    "Handover",
    {
        "url": str,
        "expiresDate": str,
    },
)
"""A page that shows the credentials once, to the first person who opens it."""

Happened = TypedDict(
    "Happened",
    {
        "id": NotRequired[str | None],
        "amount": NotRequired[int | None],
        "reason": NotRequired[str | None],
        "status": NotRequired[str | None],
    },
)
"""A refund or chargeback of a transmitted transaction."""

Happening = TypedDict(
    "Happening",
    {
        "sequence": int,
        "happening": str,
        "at": str,
        "route": str,
        "routeReason": str,
        "text": str,
    },
)
"""A line of the order's log. Of an attempt that several card processors could have taken: `route`, the one that
    it went to, and `routeReason`, why."""

Health = TypedDict(
    "Health",
    {
        "state": str,
        "since": str | None,
        "failures": int,
        "lastError": str | None,
        "nextTryAt": str | None,
        "waitingEvents": int,
    },
)
"""Health of deliveries."""

History = TypedDict(
    "History",
    {
        "data": list["Changed"],
        "next": str | None,
        "success": bool,
    },
)
"""A page of changes."""

Hop = TypedDict(
    "Hop",
    {
        "name": str,
        "state": Literal["failed", "ok", "skipped"],
        "told": str,
        "cure": str | None,
        "latencyMs": int,
    },
)
"""One step of the way."""

Import = TypedDict(
    "Import",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "id": str | None,
        "profile": str,
        "fileName": str,
        "status": Literal["checked", "completed", "received", "stopped", "working"],
        "rows": int,
        "attempts": int,
        "bad": int,
        "done": int,
        "new": int,
        "changed": int,
        "counted": int,
        "stopping": bool,
        "questions": list["ImportQuestion"],
        "lines": list["ImportLine"],
        "report": "ImportReport | None",
        "notes": list[str],
        "receivedDate": str | None,
        "finishedDate": str | None,
        "repeated": bool,
    },
)
"""A file of past attempts and how far it is."""

ImportBody = TypedDict(
    "ImportBody",
    {
        "rows": list[dict[str, Any]],
    },
)
"""A file in JSON: rows of Recoup's history. A list of rows alone, one row a line (JSON lines), and CSV exports of
    processors are taken too, packed with gzip or in a ZIP as well."""

ImportLine = TypedDict(
    "ImportLine",
    {
        "line": int,
        "code": str,
        "reason": str,
    },
)
"""A line from which nothing was taken. Nothing of its content is stored."""

ImportLines = TypedDict(
    "ImportLines",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "data": list["ImportLine"],
        "next": int | None,
    },
)
"""In the file's order."""

ImportList = TypedDict(
    "ImportList",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "data": list["Import"],
        "next": str | None,
    },
)
"""Newest first."""

ImportQuestion = TypedDict(
    "ImportQuestion",
    {
        "parameter": str,
        "question": str,
        "choices": list[str],
        "example": str,
    },
)
"""What has to be answered before the file can be imported."""

ImportReport = TypedDict(
    "ImportReport",
    {
        "states": dict[str, int],
        "skipped": dict[str, int],
        "bad": dict[str, int],
        "payments": int,
        "declined": int,
        "rescued": int | None,
        "guessed": int,
        "begunBefore": int,
        "openAfter": int,
        "missing": int,
        "onlySuccesses": bool,
        "first": str | None,
        "last": str | None,
    },
)
"""What the file holds."""

ImportStopBody = TypedDict(
    "ImportStopBody",
    {
        "reason": NotRequired[str | None],
    },
)
"""Nothing needs to be said."""

Improvement = TypedDict(
    "Improvement",
    {
        "field": str,
        "rank": Literal["Critical", "High", "Low", "Medium"],
        "points": int,
        "why": str,
    },
)
"""A field that is left out."""

Item = TypedDict(
    "Item",
    {
        "line": int,
        "sku": str | None,
        "name": str | None,
        "amount": int | None,
        "quantity": int | None,
    },
)
"""A line of the order; what is known of it."""

KeysBody = TypedDict(
    "KeysBody",
    {
        "overlapHours": NotRequired[int],
        "kinds": NotRequired[list[Literal["api", "stablecoin", "tokenization"]] | None],
    },
)
"""Which keys, and how long the old ones live on."""

MandateRevoked = TypedDict(
    "MandateRevoked",
    {
        "scope": str,
        "responseCode": str,
        "revokedAt": str,
        "orderId": str | None,
    },
)
"""What the customer has revoked at the bank; nothing of it is sent until they agree anew."""

MeansReport = TypedDict(
    "MeansReport",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "from": str,
        "to": str,
        "totals": list["Sums"] | None,
        "next": str | None,
        "data": list["MeansRow"],
    },
)
"""By means of recovery."""

MeansRow = TypedDict(
    "MeansRow",
    {
        "currency": str,
        "approved": int,
        "refunded": int,
        "chargebacks": int,
        "fees": int,
        "chargebackFees": int,
        "adjusted": int,
        "net": int,
        "disputed": int,
        "approvals": int,
        "refunds": int,
        "disputes": int,
        "means": Literal["link", "merchant", "new_card", "other_card", "part", "retry", "signal"] | None,
        "share": float | None,
    },
)
"""All rescued orders whose money was brought by the same means."""

Merchant = TypedDict(
    "Merchant",
    {
        "mid": str,
        "name": str,
        "externalId": str | None,
        "state": Literal["active", "paused"],
        "citWeb": bool,
        "citCallcenter": bool,
        "mit": bool,
        "sites": int,
        "createdDate": str,
    },
)
"""A merchant in the list."""

MerchantBody = TypedDict(
    "MerchantBody",
    {
        "name": str,
        "site": "PartnerSite",
        "externalId": NotRequired[str | None],
    },
)
"""A merchant with its first site."""

MerchantKey = TypedDict(
    "MerchantKey",
    {
        "id": str | None,
        "kind": str,
        "lastFour": str,
        "createdDate": str,
        "endsDate": str | None,
    },
)
"""A key, without its secret."""

MerchantMade = TypedDict(
    "MerchantMade",
    {
        "mid": str,
        "credentials": "Credentials | None",
        "handover": "Handover | None",
        "success": bool,
    },
)
"""With its credentials, the first time."""

MerchantOrder = TypedDict(
    "MerchantOrder",
    {
        "id": str,
        "placedDate": str,
    },
)
"""The order, and when it was placed."""

MerchantPatch = TypedDict(
    "MerchantPatch",
    {
        "name": NotRequired[str | None],
        "state": NotRequired[Literal["active", "paused"] | None],
    },
)
"""Missing fields stay unchanged."""

MerchantSite = TypedDict(
    "MerchantSite",
    {
        "id": str,
        "url": str,
        "name": str,
        "descriptor": str,
        "citWeb": bool,
        "citCallcenter": bool,
        "mit": bool,
        "isDefault": bool,
    },
)
"""One of its sites."""

MerchantStatus = TypedDict(
    "MerchantStatus",
    {
        "mid": str,
        "name": str,
        "externalId": str | None,
        "state": Literal["active", "paused"],
        "citWeb": bool,
        "citCallcenter": bool,
        "mit": bool,
        "sites": int,
        "createdDate": str,
        "siteList": list["MerchantSite"],
        "keys": list["MerchantKey"],
        "webhooks": list["MerchantWebhook"],
        "firstOrder": "MerchantOrder | None",
        "lastOrder": "MerchantOrder | None",
        "missing": list["MissingStep"],
        "success": bool,
    },
)
"""All about one merchant."""

MerchantWebhook = TypedDict(
    "MerchantWebhook",
    {
        "id": str,
        "url": str,
        "state": str,
        "health": str,
        "why": str | None,
        "lastTriedDate": str | None,
        "lastStatus": int | None,
        "lastDeliveredDate": str | None,
    },
)
"""An endpoint, and how its deliveries go."""

Merchants = TypedDict(
    "Merchants",
    {
        "data": list["Merchant"],
        "next": str | None,
        "success": bool,
    },
)
"""A page of them."""

MissingStep = TypedDict(
    "MissingStep",
    {
        "code": str,
        "text": str,
    },
)
"""What a merchant still needs before it goes live."""

Movement = TypedDict(
    "Movement",
    {
        "id": str,
        "kind": Literal[
            "adjustment", "amount", "carried", "dispute", "dispute_fee", "fee", "payout", "refund", "reserve"
        ],
        "placedDate": str | None,
        "bookedDate": str,
        "amount": int,
        "fee": int,
        "net": int,
        "currency": str,
        "balance": Literal["card", "wallet"],
        "orderId": str | None,
        "externalOrderId": str | None,
        "siteId": str | None,
        "site": str | None,
        "descriptor": str | None,
        "settlementId": str | None,
        "reference": str | None,
    },
)
"""One entry of the ledger on your account, with the fee that was booked with it."""

MovementTotal = TypedDict(
    "MovementTotal",
    {
        "currency": str,
        "balance": Literal["card", "wallet"],
        "kinds": dict[str, int],
        "net": int,
    },
)
"""What one balance moved by in the period, from the ledger itself: the sum of all lines' `net`."""

NewKeys = TypedDict(
    "NewKeys",
    {
        "credentials": "Credentials | None",
        "handover": "Handover | None",
        "oldKeysEnd": str,
        "success": bool,
    },
)
"""New keys; those that sign webhooks stay. Without secrets when this Idempotency-Key came before; the link shows
    them while nobody has opened it."""

Nothing = TypedDict("Nothing", {})
"""`{}`: any member would read as a failure to existing clients."""

OlderCard = TypedDict(
    "OlderCard",
    {
        "number": str,
        "month": str,
        "year": str,
        "firstName": NotRequired[str | None],
        "lastName": NotRequired[str | None],
        "verificationValue": NotRequired[str | None],
    },
)
"""The card in the older spelling."""

OlderMethod = TypedDict(
    "OlderMethod",
    {
        "creditCard": "OlderCard",
    },
)
"""Contains the card."""

OlderPayment = TypedDict(
    "OlderPayment",
    {
        "method": "OlderMethod",
    },
)
"""Older form of the card."""

Order = TypedDict(
    "Order",
    {
        "id": str,
        "referenceNumber": str,
        "status": int,
        "statusName": str,
        "orderPlacedDate": str,
        "currencyCode": str,
        "currencySymbol": str,
        "orderId": str,
        "externalOrderId": str,
        "siteId": str,
        "campaignId": str,
        "placedDate": str,
        "customer": str,
        "isMIT": bool,
        "orderSource": str,
        "descriptor": str,
        "amount": int,
        "refundedAmount": int,
        "doNotRetry": bool,
        "metadata": dict[str, str],
        "billingAddress": dict[str, str],
        "firstName": str,
        "lastName": str,
        "email": str,
        "phone": str,
        "shippingAddress": dict[str, str] | None,
        "secondaryEmail": str,
        "correlationId": str | None,
        "expiryDate": str | None,
        "createdDate": str | None,
        "reason": str | None,
        "nextAttemptAt": str | None,
    },
)
"""An order. Times are business time; amounts minor units unless said otherwise."""

OrderDetail = TypedDict(
    "OrderDetail",
    {
        "id": str,
        "referenceNumber": str,
        "status": int,
        "statusName": str,
        "orderPlacedDate": str,
        "currencyCode": str,
        "currencySymbol": str,
        "orderId": str,
        "externalOrderId": str,
        "siteId": str,
        "campaignId": str,
        "placedDate": str,
        "customer": str,
        "isMIT": bool,
        "orderSource": str,
        "descriptor": str,
        "amount": int,
        "refundedAmount": int,
        "doNotRetry": bool,
        "metadata": dict[str, str],
        "billingAddress": dict[str, str],
        "firstName": str,
        "lastName": str,
        "email": str,
        "phone": str,
        "shippingAddress": dict[str, str] | None,
        "secondaryEmail": str,
        "correlationId": str | None,
        "expiryDate": str | None,
        "createdDate": str | None,
        "reason": str | None,
        "nextAttemptAt": str | None,
        "attemptCount": int | None,
        "collectedAmount": int,
        "items": list["Item"],
        "refunds": list["RefundShown"],
        "attempts": list["AttemptShown"],
        "disputes": list["DisputeShown"],
        "challengeUrl": str | None,
        "mandateRevoked": "MandateRevoked | None",
        "asOf": "AsOf",
    },
)
"""One order with its lines, refunds, attempts and disputes."""

OrderItem = TypedDict(
    "OrderItem",
    {
        "sku": NotRequired[str | None],
        "name": NotRequired[str | None],
        "description": NotRequired[str | None],
        "amount": NotRequired[int | None],
        "discountAmount": NotRequired[int | None],
        "discountType": NotRequired[str | None],
        "tax": NotRequired[int | None],
        "quantity": NotRequired[int | None],
    },
)
"""A line of the order; refunds may name it. Amounts in minor units, for the whole line."""

OrderList = TypedDict(
    "OrderList",
    {
        "firstItemOnPage": int,
        "lastItemOnPage": int,
        "pageNumber": int,
        "pageSize": int,
        "pageCount": int,
        "totalItemCount": int,
        "isFirstPage": bool,
        "isLastPage": bool,
        "hasPreviousPage": bool,
        "hasNextPage": bool,
        "data": list["Order"],
    },
)
"""One page, with its position in the list."""

Orders = TypedDict(
    "Orders",
    {
        "orders": "OrderList",
        "statuses": dict[str, str],
        "success": bool,
    },
)
"""The page, and what each status is called."""

Outcome = TypedDict(
    "Outcome",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "status": str | None,
        "confirmationId": str | None,
        "orderId": str,
        "externalOrderId": str,
        "reason": str | None,
        "nextAttemptAt": str | None,
        "refundedAmount": int,
        "history": list["Happening"],
    },
)
"""How the order stands, and how it got there; `NOTFOUND` for an unknown key."""

OutcomeBody = TypedDict(
    "OutcomeBody",
    {
        "orderSessionKey": NotRequired[str],
        "orderId": NotRequired[str],
        "mid": NotRequired[Any | None],
    },
)
"""Which order: one of both names it."""

Partner = TypedDict(
    "Partner",
    {
        "id": str,
        "name": str,
        "state": Literal["active", "paused"],
        "createdDate": str,
        "quota": "Quota",
        "success": bool,
    },
)
"""The partner itself."""

PartnerSite = TypedDict(
    "PartnerSite",
    {
        "url": str,
        "name": str,
        "descriptor": str,
    },
)
"""The first site; create more with the merchant's own key."""

PastAttempt = TypedDict(
    "PastAttempt",
    {
        "ref": str,
        "provider": str,
        "orderId": str,
        "customerId": str | None,
        "at": str,
        "amount": int,
        "currency": str,
        "approved": bool,
        "state": Literal["approved", "declined", "not_sent", "unknown"],
        "propensity": float | None,
    },
)
"""An attempt of an import, as a row of Recoup's history; one such object a line. Members without a value are left
    out, and there may be more."""

Payer = TypedDict(
    "Payer",
    {
        "id": NotRequired[str | None],
        "email": NotRequired[str | None],
        "phone": NotRequired[str | None],
        "birthdate": NotRequired[str | None],
    },
)
"""The payer."""

PayloadMerchant = TypedDict(
    "PayloadMerchant",
    {
        "id": NotRequired[str | None],
        "name": NotRequired[str | None],
        "mcc": NotRequired[int | None],
        "country": NotRequired[str | None],
    },
)
"""The merchant, as the partner names it."""

PaymentMethod = TypedDict(
    "PaymentMethod",
    {
        "holderName": NotRequired[str | None],
        "cardType": NotRequired[str | None],
        "cardBrand": NotRequired[str | None],
        "cardCountry": NotRequired[str | None],
        "expirationMonth": NotRequired[int | None],
        "expirationYear": NotRequired[int | None],
        "cardBinNumber": NotRequired[str | None],
        "cardLast4Digits": NotRequired[str | None],
        "cardIssuer": NotRequired[str | None],
        "cardLevel": NotRequired[str | None],
        "cardFingerprint": NotRequired[str | None],
        "cardNumber": NotRequired[str | None],
        "token": NotRequired[bool | None],
        "verificationValue": NotRequired[str | None],
        "processor": NotRequired[str | None],
        "id": NotRequired[str | None],
        "customer": NotRequired[str | None],
    },
)
"""The card: a token of /tokenize, a card number, or a method that a processor stores."""

PaymentMethodCopy = TypedDict(
    "PaymentMethodCopy",
    {
        "holderName": NotRequired[str | None],
        "cardType": NotRequired[str | None],
        "cardBrand": NotRequired[str | None],
        "cardCountry": NotRequired[str | None],
        "expirationMonth": NotRequired[int | None],
        "expirationYear": NotRequired[int | None],
        "cardBinNumber": NotRequired[str | None],
        "cardLast4Digits": NotRequired[str | None],
        "cardIssuer": NotRequired[str | None],
        "cardLevel": NotRequired[str | None],
        "cardFingerprint": NotRequired[str | None],
        "cardNumber": NotRequired[str | None],
        "token": NotRequired[bool | None],
        "verificationValue": NotRequired[str | None],
    },
)
"""The card of a copy: its first six and last four digits."""

PlaceArm = TypedDict(
    "PlaceArm",
    {
        "orders": int,
        "payers": int,
        "rescued": int,
    },
)
"""Of one of the two groups, orders whose window has closed, since the comparison began."""

PolicyBody = TypedDict(
    "PolicyBody",
    {
        "unknownSites": Literal["refuse", "use_default"],
    },
)
"""`use_default`: such orders are taken for the default site, with a warning. `refuse`: they are refused."""

PolicyBoundsAtMerchant = TypedDict(
    "PolicyBoundsAtMerchant",
    {
        "mid": str,
        "name": str,
        "madeAt": str | None,
        "failed": str | None,
        "report": "BacktestReport | None",
    },
)
"""What the orders of one merchant would have brought of the last 90 days, inside its own policies."""

PolicyBoundsBackBody = TypedDict(
    "PolicyBoundsBackBody",
    {
        "reason": str,
        "to": NotRequired[int | None],
        "version": NotRequired[int | None],
    },
)
"""Which version becomes a new one."""

PolicyBoundsBody = TypedDict(
    "PolicyBoundsBody",
    {
        "policy": dict[str, Any],
        "reason": str,
        "version": NotRequired[int | None],
        "startsAt": NotRequired[str | None],
    },
)
"""The whole policy, as a new version."""

PolicyBoundsCheckBody = TypedDict(
    "PolicyBoundsCheckBody",
    {
        "policy": dict[str, Any],
    },
)
"""A policy that is not saved."""

PolicyBoundsChecked = TypedDict(
    "PolicyBoundsChecked",
    {
        "canBeSaved": bool,
        "complaints": list["RetryPolicyComplaint"],
        "nearest": dict[str, Any],
        "changes": list["RetryPolicyChange"],
        "backtestId": str | None,
        "success": bool,
        "merchants": list["PolicyBoundsAtMerchant"],
        "merchantsInAll": int,
    },
)
"""Whether they could be saved, what they would change and would have brought."""

Quota = TypedDict(
    "Quota",
    {
        "merchantsMax": int,
        "merchants": int,
        "callsPerMinute": int,
        "callsThisMinute": int,
    },
)
"""Quotas of a partner, and their usage."""

ReadDecline = TypedDict(
    "ReadDecline",
    {
        "code": str | None,
        "meaning": str,
        "kind": str,
        "retry": str,
        "waitHours": float | None,
        "source": str,
    },
)
"""The meaning of the response code."""

Reconciliation = TypedDict(
    "Reconciliation",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "from": str,
        "to": str,
        "totals": list["MovementTotal"] | None,
        "data": list["Movement"],
        "next": str | None,
    },
)
"""In the order of booking."""

RefreshBody = TypedDict(
    "RefreshBody",
    {
        "refreshToken": str,
    },
)
"""A refresh token works once, for a day."""

RefundBody = TypedDict(
    "RefundBody",
    {
        "amountToRefund": NotRequired[str | None],
        "items": NotRequired[list["RefundItem"] | None],
        "refundMessage": NotRequired[str | None],
        "idempotencyKey": NotRequired[str | None],
        "currency": NotRequired[str | None],
        "mid": NotRequired[str | None],
        "isPartialRefund": NotRequired[bool | None],
        "transactionId": NotRequired[str | None],
    },
)
"""`amountToRefund` or `items`."""

RefundItem = TypedDict(
    "RefundItem",
    {
        "sku": NotRequired[str | None],
        "line": NotRequired[int | None],
        "quantity": NotRequired[int | None],
        "amount": NotRequired[int | None],
    },
)
"""A line to pay back, by sku or line."""

RefundShown = TypedDict(
    "RefundShown",
    {
        "id": str,
        "number": int,
        "status": str,
        "amount": int,
        "createdDate": str,
        "message": str,
        "reference": str | None,
        "kind": str,
        "state": str,
        "items": list["RefundedItem"],
        "history": list["RefundStep"],
    },
)
"""A refund of the order, a part of it that went back with its end, or a hold that was let go instead."""

RefundStep = TypedDict(
    "RefundStep",
    {
        "happening": str,
        "at": str,
    },
)
"""Something that happened to a refund."""

Refunded = TypedDict(
    "Refunded",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "status": str | None,
        "responseCode": str,
        "responseMessage": str,
        "orderId": str,
        "transactionId": str | None,
    },
)
"""`status` says whether: SUCCESS when it is owed from now on, FAILED when it is refused."""

RefundedItem = TypedDict(
    "RefundedItem",
    {
        "line": int,
        "quantity": int,
        "amount": int,
    },
)
"""What a refund took of a line."""

ReplayBody = TypedDict(
    "ReplayBody",
    {
        "fromNumber": NotRequired[int | None],
        "toNumber": NotRequired[int | None],
        "since": NotRequired[str | None],
        "until": NotRequired[str | None],
        "events": NotRequired[list[str] | None],
        "idempotencyKey": NotRequired[str | None],
    },
)
"""What shall be sent again: what is left out bounds nothing."""

ReplayShown = TypedDict(
    "ReplayShown",
    {
        "id": str,
        "state": str,
        "asked": dict[str, Any],
        "found": int,
        "ordersLeft": int,
        "createdDate": str,
    },
)
"""A replay."""

Replays = TypedDict(
    "Replays",
    {
        "data": list["ReplayShown"],
        "success": bool,
    },
)
"""The last fifty, newest first."""

Report = TypedDict(
    "Report",
    {
        "from": str,
        "to": str,
        "data": list["ReportRow"],
        "next": str | None,
        "success": bool,
    },
)
"""A page of it."""

ReportRow = TypedDict(
    "ReportRow",
    {
        "mid": str,
        "name": str,
        "day": str,
        "currency": str,
        "kind": str,
        "count": int,
        "amount": int,
    },
)
"""Of one merchant, day, currency and kind."""

RetryPolicyBackBody = TypedDict(
    "RetryPolicyBackBody",
    {
        "reason": str,
        "to": NotRequired[int | None],
        "version": NotRequired[int | None],
        "siteId": NotRequired[str | None],
        "campaignId": NotRequired[str | None],
        "mid": NotRequired[str | None],
    },
)
"""Which version becomes a new one."""

RetryPolicyBody = TypedDict(
    "RetryPolicyBody",
    {
        "policy": dict[str, Any],
        "reason": str,
        "version": NotRequired[int | None],
        "startsAt": NotRequired[str | None],
        "siteId": NotRequired[str | None],
        "campaignId": NotRequired[str | None],
        "mid": NotRequired[str | None],
    },
)
"""The whole policy, as a new version."""

RetryPolicyBound = TypedDict(
    "RetryPolicyBound",
    {
        "name": str,
        "policy": dict[str, Any],
    },
)
"""A wider policy that this one lies in."""

RetryPolicyChange = TypedDict(
    "RetryPolicyChange",
    {
        "line": str,
        "before": str | None,
        "after": str | None,
    },
)
"""A line that differs from the newest version. Null: it is not set."""

RetryPolicyCheckBody = TypedDict(
    "RetryPolicyCheckBody",
    {
        "policy": dict[str, Any],
        "siteId": NotRequired[str | None],
        "campaignId": NotRequired[str | None],
        "mid": NotRequired[str | None],
    },
)
"""A policy that is not saved."""

RetryPolicyChecked = TypedDict(
    "RetryPolicyChecked",
    {
        "canBeSaved": bool,
        "complaints": list["RetryPolicyComplaint"],
        "nearest": dict[str, Any],
        "changes": list["RetryPolicyChange"],
        "backtestId": str | None,
        "success": bool,
    },
)
"""Whether it could be saved, and what it would change."""

RetryPolicyClip = TypedDict(
    "RetryPolicyClip",
    {
        "line": str,
        "set": str | None,
        "holds": str | None,
        "by": list[Literal["merchant", "operator", "partner", "site"]],
    },
)
"""A line that is wider than a policy that it lies in; the wider scope wins."""

RetryPolicyComplaint = TypedDict(
    "RetryPolicyComplaint",
    {
        "line": str,
        "why": str,
    },
)
"""Why the policy cannot be saved."""

RetryPolicyShown = TypedDict(
    "RetryPolicyShown",
    {
        "scope": Literal["campaign", "merchant", "partner", "site"],
        "version": int,
        "inForce": int | None,
        "newest": "RetryPolicyVersionShown | None",
        "bounds": list["RetryPolicyBound"],
        "clipped": list["RetryPolicyClip"],
        "success": bool,
    },
)
"""The newest version of a scope, and what it lies in."""

RetryPolicyVersionShown = TypedDict(
    "RetryPolicyVersionShown",
    {
        "number": int,
        "policy": dict[str, Any],
        "reason": str,
        "author": str,
        "startsAt": str,
        "savedAt": str,
    },
)
"""One version."""

RetryPolicyVersions = TypedDict(
    "RetryPolicyVersions",
    {
        "data": list["RetryPolicyVersionShown"],
        "hasMore": bool,
        "success": bool,
    },
)
"""The newest first."""

RiskBody = TypedDict(
    "RiskBody",
    {
        "mode": NotRequired[Literal["off", "shadow", "share"] | None],
        "share": NotRequired[int | None],
        "holdout": NotRequired[int | None],
        "margin": NotRequired[int | None],
        "mid": NotRequired[str | None],
    },
)
"""Settings of the risk check. Missing fields stay unchanged."""

RiskChanged = TypedDict(
    "RiskChanged",
    {
        "at": str,
        "by": str,
    },
)
"""The latest change of the settings."""

RiskCheck = TypedDict(
    "RiskCheck",
    {
        "mode": Literal["off", "shadow", "share"],
        "share": int,
        "holdout": int,
        "margin": int,
        "lastChange": "RiskChanged | None",
        "weights": "RiskWeights | None",
        "success": bool,
    },
)
"""The merchant's settings, and the weights in use."""

RiskWeights = TypedDict(
    "RiskWeights",
    {
        "version": int,
        "name": str,
        "at": str,
        "payments": int,
        "frauds": int,
        "heldPayments": int | None,
        "heldFrauds": int | None,
        "score": float | None,
        "comparedScore": float | None,
    },
)
"""Weights that were learned from outcomes of this installation's payments. The scores are mean log losses of the
    held-out payments; lower is better."""

RotateBody = TypedDict(
    "RotateBody",
    {
        "overlapHours": NotRequired[int],
    },
)
"""How long the old key stays good."""

RotatedKey = TypedDict(
    "RotatedKey",
    {
        "signingKey": str,
        "previousKeyUntil": str | None,
        "success": bool,
    },
)
"""The merchant's new key."""

RowAnswer = TypedDict(
    "RowAnswer",
    {
        "row": int,
        "line": int,
        "sequenceNumber": str,
        "orderId": str | None,
        "orderSessionKey": str | None,
        "transmitId": str | None,
        "status": str,
        "code": str | None,
        "errors": list["RowError"],
        "warning": str | None,
    },
)
"""What became of one row; one such object a line."""

RowError = TypedDict(
    "RowError",
    {
        "field": str,
        "message": str,
        "cure": str | None,
    },
)
"""Why a row was not taken."""

Settlement = TypedDict(
    "Settlement",
    {
        "id": str,
        "status": Literal["approved", "carried", "created", "paid", "returned", "sent"],
        "payoutState": Literal["approved", "carried", "confirmed", "returned", "scheduled", "sent"],
        "periodFrom": str,
        "periodTo": str,
        "closedDate": str,
        "payoutDate": str | None,
        "paymentRef": str | None,
        "currency": str,
        "totalValue": int,
        "fees": int,
        "chargebackFees": int,
        "chargebacks": int,
        "returns": int,
        "adjustment": int,
        "reserve": int,
        "carried": int,
        "payout": int,
        "lines": int,
        "ledgerPage": int,
        "ledgerRoot": str,
    },
)
"""One period in one currency. The amounts add up to the payout."""

SettlementDetail = TypedDict(
    "SettlementDetail",
    {
        "id": str,
        "status": Literal["approved", "carried", "created", "paid", "returned", "sent"],
        "payoutState": Literal["approved", "carried", "confirmed", "returned", "scheduled", "sent"],
        "periodFrom": str,
        "periodTo": str,
        "closedDate": str,
        "payoutDate": str | None,
        "paymentRef": str | None,
        "currency": str,
        "totalValue": int,
        "fees": int,
        "chargebackFees": int,
        "chargebacks": int,
        "returns": int,
        "adjustment": int,
        "reserve": int,
        "carried": int,
        "payout": int,
        "lines": int,
        "ledgerPage": int,
        "ledgerRoot": str,
        "success": bool,
    },
)
"""One, with `success` as every answer."""

SettlementLine = TypedDict(
    "SettlementLine",
    {
        "id": str,
        "kind": Literal[
            "adjustment", "amount", "carried", "dispute", "dispute_fee", "fee", "payout", "refund", "reserve"
        ],
        "amount": int,
        "currency": str,
        "orderId": str | None,
        "externalOrderId": str | None,
        "siteId": str | None,
        "descriptor": str | None,
        "placedDate": str | None,
        "bookedDate": str,
        "source": str,
        "sourceId": str,
        "note": str | None,
    },
)
"""One entry of the ledger on your account. An entry is in one settlement at most."""

SettlementLines = TypedDict(
    "SettlementLines",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "data": list["SettlementLine"],
        "next": str | None,
    },
)
"""In the order of booking."""

SettlementList = TypedDict(
    "SettlementList",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "pageNumber": int,
        "pageSize": int,
        "pageCount": int,
        "totalItemCount": int,
        "hasPreviousPage": bool,
        "hasNextPage": bool,
        "data": list["Settlement"],
    },
)
"""A page of them."""

SharedCards = TypedDict(
    "SharedCards",
    {
        "shared": int,
        "cards": int,
        "tooMany": bool,
    },
)
"""Cards that customers of both groups hold: their allowance is shared."""

Site = TypedDict(
    "Site",
    {
        "id": str,
        "url": str,
        "name": str,
        "descriptor": str,
        "citWeb": bool,
        "citCallcenter": bool,
        "mit": bool,
        "isDefault": bool,
        "createdDate": str,
        "supportContact": str,
    },
)
"""A site."""

SiteBody = TypedDict(
    "SiteBody",
    {
        "citWeb": NotRequired[bool | None],
        "citCallcenter": NotRequired[bool | None],
        "mit": NotRequired[bool | None],
        "isDefault": NotRequired[bool | None],
        "supportContact": NotRequired[str | None],
        "url": str,
        "name": str,
        "descriptor": str,
    },
)
"""A site or campaign."""

SitePatch = TypedDict(
    "SitePatch",
    {
        "citWeb": NotRequired[bool | None],
        "citCallcenter": NotRequired[bool | None],
        "mit": NotRequired[bool | None],
        "isDefault": NotRequired[bool | None],
        "supportContact": NotRequired[str | None],
        "url": NotRequired[str | None],
        "name": NotRequired[str | None],
        "descriptor": NotRequired[str | None],
    },
)
"""Missing fields stay unchanged."""

SiteRow = TypedDict(
    "SiteRow",
    {
        "currency": str,
        "approved": int,
        "refunded": int,
        "chargebacks": int,
        "fees": int,
        "chargebackFees": int,
        "adjusted": int,
        "net": int,
        "disputed": int,
        "approvals": int,
        "refunds": int,
        "disputes": int,
        "siteId": str | None,
        "site": str | None,
        "url": str | None,
    },
)
"""All orders of a site."""

Sites = TypedDict(
    "Sites",
    {
        "data": list["Site"],
        "success": bool,
    },
)
"""All that take orders."""

SitesReport = TypedDict(
    "SitesReport",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "from": str,
        "to": str,
        "totals": list["Sums"] | None,
        "next": str | None,
        "data": list["SiteRow"],
    },
)
"""By site."""

StepBody = TypedDict(
    "StepBody",
    {
        "note": NotRequired[str | None],
    },
)
"""May be left out."""

StopBody = TypedDict(
    "StopBody",
    {
        "reason": NotRequired[str | None],
    },
)
"""Nothing needs to be said."""

StoredMethod = TypedDict(
    "StoredMethod",
    {
        "token": str,
        "created_at": str,
        "updated_at": str,
        "last_four_digits": str,
        "first_six_digits": str,
        "card_type": str,
        "month": int,
        "year": int,
        "test": bool,
        "email": str | None,
        "first_name": str | None,
        "last_name": str | None,
        "full_name": str | None,
        "storage_state": str,
        "payment_method_type": str,
        "errors": list[Any],
        "data": None,
        "metadata": None,
        "address1": None,
        "address2": None,
        "city": None,
        "state": None,
        "zip": None,
        "country": None,
        "phone_number": None,
        "company": None,
        "fingerprint": None,
        "verification_value": None,
        "number": None,
    },
)
"""Non-sensitive card data; store `token`."""

Subscription = TypedDict(
    "Subscription",
    {
        "subscriptionId": NotRequired[str | None],
        "interval": NotRequired[str | None],
        "price": NotRequired[str | None],
        "currency": NotRequired[str | None],
        "paymentNumber": NotRequired[str | None],
        "totalPayments": NotRequired[str | None],
    },
)
"""The agreement of a recurring payment."""

SubscriptionCopy = TypedDict(
    "SubscriptionCopy",
    {
        "subscriptionId": NotRequired[str | None],
        "interval": NotRequired[str | None],
        "price": NotRequired[str | None],
        "currency": NotRequired[str | None],
        "paymentNumber": NotRequired[str | None],
        "totalPayments": NotRequired[str | None],
    },
)
"""The agreement of a recurring payment that was processed."""

Sums = TypedDict(
    "Sums",
    {
        "currency": str,
        "approved": int,
        "refunded": int,
        "chargebacks": int,
        "fees": int,
        "chargebackFees": int,
        "adjusted": int,
        "net": int,
        "disputed": int,
        "approvals": int,
        "refunds": int,
        "disputes": int,
    },
)
"""What was booked in the period. `net` is the sum of the six amounts before it."""

Switch = TypedDict(
    "Switch",
    {
        "level": Literal["campaign", "merchant", "site"],
        "id": str,
        "name": str,
        "kind": Literal["cit_callcenter", "cit_web", "mit"],
        "on": bool,
        "createdDate": str,
        "siteId": str | None,
        "key": str | None,
        "lastChange": "Change | None",
    },
)
"""One kind of order at one level. An order is accepted when its kind is on at every level that applies to it."""

SwitchBody = TypedDict(
    "SwitchBody",
    {
        "kind": Literal["cit_callcenter", "cit_web", "mit"],
        "on": bool,
        "siteId": NotRequired[str | None],
        "campaignId": NotRequired[str | None],
        "why": NotRequired[str | None],
        "mid": NotRequired[str | None],
    },
)
"""What shall be switched, and how."""

SwitchResult = TypedDict(
    "SwitchResult",
    {
        "mid": str,
        "changed": list[str],
        "result": str,
        "reason": str | None,
    },
)
"""What became of it at one merchant."""

SwitchResults = TypedDict(
    "SwitchResults",
    {
        "data": list["SwitchResult"],
        "changed": int,
        "success": bool,
    },
)
"""One for each mid, in their order."""

SwitchedNow = TypedDict(
    "SwitchedNow",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "switch": "Switch",
        "changed": bool,
    },
)
"""How it stands."""

Switches = TypedDict(
    "Switches",
    {
        "data": list["Switch"],
        "unknownSites": Literal["refuse", "use_default"],
        "success": bool,
    },
)
"""The merchant's three, then each site's with its campaigns'."""

SwitchesBody = TypedDict(
    "SwitchesBody",
    {
        "mids": list[str],
        "citWeb": NotRequired[bool | None],
        "citCallcenter": NotRequired[bool | None],
        "mit": NotRequired[bool | None],
        "why": NotRequired[str | None],
    },
)
"""What is left out stays as it is at each."""

TestAnswer = TypedDict(
    "TestAnswer",
    {
        "success": bool,
        "event": str,
        "eventId": str,
        "status": int,
        "latencyMs": int,
        "answer": str,
    },
)
"""What the receiver said."""

TestBody = TypedDict(
    "TestBody",
    {
        "event": NotRequired[str | None],
    },
)
"""Which event; a completed payment when none is named."""

Tested = TypedDict(
    "Tested",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "kind": Literal["cit_callcenter", "cit_web", "mit"],
        "world": Literal["live", "sandbox"],
        "hops": list["Hop"],
    },
)
"""`success`: no step failed. No card is charged, and no order is made."""

TestedBody = TypedDict(
    "TestedBody",
    {
        "kind": Literal["cit_callcenter", "cit_web", "mit"],
        "siteId": NotRequired[str | None],
        "campaign": NotRequired[str | None],
        "mid": NotRequired[str | None],
    },
)
"""Which way is tried."""

ThreeDSecure = TypedDict(
    "ThreeDSecure",
    {
        "threeDsVersion": NotRequired[str | None],
        "ecommerceIndicator": NotRequired[str | None],
        "authenticationValue": NotRequired[str | None],
        "directoryServerTransactionId": NotRequired[str | None],
        "xid": NotRequired[str | None],
        "authenticationValueAlgorithm": NotRequired[str | None],
        "directoryResponseStatus": NotRequired[str | None],
        "authenticationResponseStatus": NotRequired[str | None],
        "enrolled": NotRequired[str | None],
    },
)
"""The authentication of the original transaction."""

Token = TypedDict(
    "Token",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "status": str | None,
        "accessToken": str,
        "refreshToken": str,
        "expires": int,
        "id": str,
        "session": None,
        "daysToEnforceMFA": None,
        "skipAvailable": None,
    },
)
"""`accessToken` lives ten minutes: keep it until a call says 401."""

TokenBody = TypedDict(
    "TokenBody",
    {
        "appKey": str,
        "appSecret": str,
    },
)
"""A merchant's key with its secret; a partner's (`ppk_…`) for /v1/partner."""

TokenizeBody = TypedDict(
    "TokenizeBody",
    {
        "payment_method": NotRequired["CardMethod | None"],
        "payment": NotRequired["OlderPayment | None"],
        "mid": NotRequired[str | None],
        "environment": NotRequired[str | None],
    },
)
"""The card, in today's place or in the older one."""

Tokenized = TypedDict(
    "Tokenized",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "status": str | None,
        "transaction": "VaultTransaction",
        "cardBinInfo": None,
    },
)
"""The stored card: `transaction.payment_method.token` is what /evaluate takes."""

Transaction = TypedDict(
    "Transaction",
    {
        "currency": str,
        "timestampUtc": NotRequired[str | None],
        "timestamp": NotRequired[str | None],
        "timezoneUtcOffset": NotRequired[int | None],
        "transactionType": NotRequired[str | None],
        "responseDescription": NotRequired[str | None],
        "responseStatus": NotRequired[str | None],
        "responseSubStatus": NotRequired[str | None],
        "processorName": NotRequired[str | None],
        "adviceCode": NotRequired[str | None],
        "cardNotPresent": NotRequired[bool | None],
        "dynamicDescriptor": NotRequired[str | None],
        "descriptor": NotRequired[str | None],
        "networkTransactionId": NotRequired[str | None],
        "id": str,
        "amount": int,
        "responseCode": str,
        "responseCodeSource": str,
        "avsResultCode": str,
        "cvvResultCode": str,
        "cavvResultCode": str,
    },
)
"""The declined transaction at the merchant's processor."""

TransactionCopy = TypedDict(
    "TransactionCopy",
    {
        "currency": str,
        "timestampUtc": NotRequired[str | None],
        "timestamp": NotRequired[str | None],
        "timezoneUtcOffset": NotRequired[int | None],
        "transactionType": NotRequired[str | None],
        "responseDescription": NotRequired[str | None],
        "responseStatus": NotRequired[str | None],
        "responseSubStatus": NotRequired[str | None],
        "processorName": NotRequired[str | None],
        "adviceCode": NotRequired[str | None],
        "cardNotPresent": NotRequired[bool | None],
        "dynamicDescriptor": NotRequired[str | None],
        "descriptor": NotRequired[str | None],
        "networkTransactionId": NotRequired[str | None],
        "amount": int,
        "id": NotRequired[str | None],
        "responseCode": NotRequired[str | None],
        "responseCodeSource": NotRequired[str | None],
        "avsResultCode": NotRequired[str | None],
        "cvvResultCode": NotRequired[str | None],
        "cavvResultCode": NotRequired[str | None],
    },
)
"""Any transaction at the merchant's processor."""

TransactionRow = TypedDict(
    "TransactionRow",
    {
        "currency": str,
        "approved": int,
        "refunded": int,
        "chargebacks": int,
        "fees": int,
        "chargebackFees": int,
        "adjusted": int,
        "net": int,
        "disputed": int,
        "approvals": int,
        "refunds": int,
        "disputes": int,
        "orderId": str | None,
        "externalOrderId": str | None,
        "orderType": str | None,
        "placedDate": str | None,
        "siteId": str | None,
        "site": str | None,
        "campaign": str | None,
        "descriptor": str | None,
    },
)
"""One order. Ids are null in a last row, of what is about no single order."""

TransactionUpdate = TypedDict(
    "TransactionUpdate",
    {
        "responseCode": NotRequired[str | None],
        "responseStatus": NotRequired[str | None],
    },
)
"""What the processor said in the end."""

Transactions = TypedDict(
    "Transactions",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "from": str,
        "to": str,
        "totals": list["Sums"] | None,
        "next": str | None,
        "data": list["TransactionRow"],
    },
)
"""By order."""

TransmitBody = TypedDict(
    "TransmitBody",
    {
        "isDeclined": bool,
        "orderId": str,
        "isMIT": NotRequired[bool | None],
        "mid": NotRequired[str | None],
        "orderSource": NotRequired[str | None],
        "siteId": NotRequired[str | None],
        "siteUrl": NotRequired[str | None],
        "campaign": NotRequired[str | None],
        "customerIp": NotRequired[str | None],
        "senseKey": NotRequired[str | None],
        "isRecurring": NotRequired[bool | None],
        "subscription": NotRequired["SubscriptionCopy | None"],
        "payer": NotRequired["Payer | None"],
        "billingInformation": NotRequired["Address | None"],
        "shippingInformation": NotRequired["Address | None"],
        "orderItems": NotRequired[list["OrderItem"] | None],
        "merchant": NotRequired["PayloadMerchant | None"],
        "deviceDetails": NotRequired[dict[str, Any] | None],
        "additionalFields": NotRequired[list[Any] | None],
        "correlationId": NotRequired[str | None],
        "source": NotRequired[str | None],
        "extraData": NotRequired[Any | None],
        "transaction": "TransactionCopy",
        "paymentMethod": NotRequired["PaymentMethodCopy | None"],
        "transmitId": NotRequired[str | None],
        "outcome": NotRequired["str | Happened | None"],
        "refund": NotRequired["str | Happened | None"],
        "chargeback": NotRequired["str | Happened | None"],
        "sequenceNumber": NotRequired[str | None],
        "transactionType": NotRequired[str | None],
        "threeDSecure": NotRequired["ThreeDSecure | None"],
        "expiryDateUtc": NotRequired[str | None],
        "idempotencyKey": NotRequired[str | None],
    },
)
"""A copy of a processed transaction, approved or declined; or, with `transmitId`, what became of one."""

Transmitted = TypedDict(
    "Transmitted",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "transmitId": str,
        "status": int,
    },
)
"""The transmission's id, under which it may be updated."""

UpdateBody = TypedDict(
    "UpdateBody",
    {
        "isDeclined": NotRequired[bool | None],
        "outcome": NotRequired["str | Happened | None"],
        "refund": NotRequired["str | Happened | None"],
        "chargeback": NotRequired["str | Happened | None"],
        "transaction": NotRequired["TransactionUpdate | None"],
    },
)
"""What became of a transmitted transaction, told later; one of these at least."""

Uplift = TypedDict(
    "Uplift",
    {
        "orders": "UpliftOrders",
        "arms": "UpliftArms",
        "expected": int,
        "looks": list["UpliftLook"],
        "byAmount": dict[str, "UpliftAmount"],
        "ordersMissing": int | None,
        "alarm": Literal["gone", "harm"] | None,
        "others": list["UpliftOther"],
        "sharedCards": "SharedCards",
        "payersInBothArms": int,
    },
)
"""Engine and comparison group, as they were assigned."""

UpliftAmount = TypedDict(
    "UpliftAmount",
    {
        "difference": float | None,
        "low": float | None,
        "high": float | None,
        "engine": "UpliftSums",
        "holdout": "UpliftSums",
    },
)
"""Of one currency: what was declined and rescued, and the difference of both shares."""

UpliftArm = TypedDict(
    "UpliftArm",
    {
        "orders": int,
        "payers": int,
        "rescued": float | None,
        "by": dict[str, int],
    },
)
"""One of the two groups."""

UpliftArms = TypedDict(
    "UpliftArms",
    {
        "engine": "UpliftArm",
        "holdout": "UpliftArm",
    },
)
"""The engine's customers, and the comparison group."""

UpliftLook = TypedDict(
    "UpliftLook",
    {
        "difference": float | None,
        "low": float | None,
        "high": float | None,
        "on": str,
        "engine": int,
        "holdout": int,
    },
)
"""After all windows that had closed by then."""

UpliftOrders = TypedDict(
    "UpliftOrders",
    {
        "closed": int,
        "open": int,
        "other": int,
        "oneIn": int,
    },
)
"""Which orders were compared."""

UpliftOther = TypedDict(
    "UpliftOther",
    {
        "difference": float | None,
        "low": float | None,
        "high": float | None,
        "name": Literal["customers_lost", "disputes", "orders_per_payer", "sends"],
        "engine": float,
        "holdout": float,
        "harm": bool,
    },
)
"""What else the engine may change, with an interval of its own."""

UpliftReport = TypedDict(
    "UpliftReport",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "madeAt": str | None,
        "until": str | None,
        "returnOnHarm": bool,
        "data": "Uplift | None",
    },
)
"""As last computed."""

UpliftSums = TypedDict(
    "UpliftSums",
    {
        "declined": int,
        "rescued": int,
    },
)
"""Of one group, in minor units."""

Upload = TypedDict(
    "Upload",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "id": str,
        "kind": Literal["evaluate", "transmit"],
        "form": Literal["csv", "json"],
        "fileName": str,
        "status": Literal["completed", "received", "stopped", "working"],
        "rows": int,
        "done": int,
        "refused": int,
        "stopping": bool,
        "notes": list[str],
        "receivedDate": str,
        "finishedDate": str | None,
        "repeated": bool,
    },
)
"""A file and how far its rows are."""

UploadBody = TypedDict(
    "UploadBody",
    {
        "kind": NotRequired[Literal["evaluate", "transmit"] | None],
        "mid": NotRequired[str | None],
        "authorizationToken": NotRequired[str | None],
        "expiryDateUtc": NotRequired[str | None],
        "rows": list[dict[str, Any]],
    },
)
"""A file in JSON: its configuration, then its rows. A list of rows alone, one row a line (JSON lines) and CSV are
    taken too."""

UploadList = TypedDict(
    "UploadList",
    {
        "success": bool,
        "result": str | None,
        "statusCode": str | None,
        "errors": list["ErrorTuple"],
        "customProperties": dict[str, str],
        "data": list["Upload"],
        "next": str | None,
    },
)
"""Newest first."""

VaultTransaction = TypedDict(
    "VaultTransaction",
    {
        "on_test_gateway": bool,
        "created_at": str,
        "updated_at": str,
        "token": str,
        "payment_method": "StoredMethod",
        "email": str | None,
        "succeeded": bool,
        "state": str,
        "transaction_type": str,
        "amount": int,
        "payment_method_added": bool,
        "message_key": str,
        "message": str,
        "order_id": None,
        "ip": None,
        "description": None,
        "merchant_name_descriptor": None,
        "merchant_location_descriptor": None,
        "gateway_specific_fields": None,
        "gateway_specific_response_fields": None,
        "gateway_transaction_id": None,
        "gateway_latency_ms": None,
        "currency_code": None,
        "retain_on_success": None,
        "response": None,
    },
)
"""The tokenization, as a transaction."""

Volumes = TypedDict(
    "Volumes",
    {
        "currency": NotRequired[str | None],
        "monthlyAmount": NotRequired[int | None],
        "averageAmount": NotRequired[int | None],
    },
)
"""Expected sales."""
