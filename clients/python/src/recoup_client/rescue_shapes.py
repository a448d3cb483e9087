"""Made by scripts/make_client.py; do not edit."""

from typing import Any, Literal, NotRequired, TypedDict

Address = TypedDict("Address", {
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
})
"""A postal address with its person."""

AmendBody = TypedDict("AmendBody", {
    "cardToken": NotRequired[str | None],
    "expiryDateUtc": NotRequired[str | None],
    "metadata": NotRequired[dict[str, str | None] | None],
    "doNotRetry": NotRequired[bool | None],
})
"""What may be changed of an open order; what is left out stays."""

AmendedOrder = TypedDict("AmendedOrder", {
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
    "items": list["Item"],
    "refunds": list["RefundShown"],
    "attempts": list["AttemptShown"],
    "disputes": list["DisputeShown"],
    "challengeUrl": str | None,
    "customProperties": dict[str, str],
})
"""The order as it is now, and what should be known besides."""

AttemptShown = TypedDict("AttemptShown", {
    "id": str,
    "number": int,
    "status": str,
    "dueAt": str,
    "sentAt": str | None,
    "responseCode": str | None,
    "adviceCode": str | None,
    "responseText": str | None,
    "cure": str | None,
})
"""A try of the card, planned, under way or over."""

CancelBody = TypedDict("CancelBody", {})
"""Nothing is read."""

CaptureBody = TypedDict("CaptureBody", {
    "idempotencyKey": str,
    "orderId": str,
    "amount": int,
    "currency": str,
    "mid": NotRequired[str | None],
})
"""The whole of what is held."""

CaptureTold = TypedDict("CaptureTold", {
    "success": bool,
    "result": str | None,
    "statusCode": str | None,
    "errors": list["ErrorTuple"],
    "customProperties": dict[str, str],
    "status": str | None,
    "orderId": str,
    "captureStatus": str,
    "transactionId": str | None,
})
"""`status` and `captureStatus` say the same: SUCCESS, or FAILED with nothing taken."""

CardMethod = TypedDict("CardMethod", {
    "credit_card": "CreditCard",
    "email": NotRequired[str | None],
    "sense_key": NotRequired[str | None],
})
"""The card and whom it belongs to."""

CheckBody = TypedDict("CheckBody", {
    "isDeclined": bool,
    "orderId": str,
    "isMIT": NotRequired[bool | None],
    "mid": NotRequired[str | None],
    "orderSource": NotRequired[str | None],
    "siteId": NotRequired[str | None],
    "siteUrl": NotRequired[str | None],
    "customerIp": NotRequired[str | None],
    "senseKey": NotRequired[str | None],
    "isRecurring": NotRequired[bool | None],
    "subscription": NotRequired["Subscription | None"],
    "payer": NotRequired["Payer | None"],
    "billingInformation": NotRequired["Address | None"],
    "shippingInformation": NotRequired["Address | None"],
    "orderItems": NotRequired[list["OrderItem"] | None],
    "merchant": NotRequired["MerchantTold | None"],
    "deviceDetails": NotRequired[dict[str, Any] | None],
    "additionalFields": NotRequired[list[Any] | None],
    "correlationId": NotRequired[str | None],
    "source": NotRequired[str | None],
    "extraData": NotRequired[Any | None],
    "idempotencyKey": str,
    "transaction": "Transaction",
    "paymentMethod": "PaymentMethod",
    "transactionType": NotRequired[str | None],
    "expiryDateUtc": NotRequired[str | None],
    "threeDSecure": NotRequired["ThreeDSecure | None"],
})
"""What /evaluate takes; it may be incomplete."""

Checked = TypedDict("Checked", {
    "valid": bool,
    "score": int,
    "complaints": list["Complaint"],
    "improvements": list["Improvement"],
    "remarks": list[str],
    "decline": "ReadDecline | None",
})
"""`score` of 100."""

Complaint = TypedDict("Complaint", {
    "field": str,
    "text": str,
})
"""What /evaluate would refuse."""

CreditCard = TypedDict("CreditCard", {
    "number": str,
    "month": str,
    "year": str,
    "first_name": NotRequired[str | None],
    "last_name": NotRequired[str | None],
    "full_name": NotRequired[str | None],
    "verification_value": NotRequired[str | None],
})
"""The card."""

Deliveries = TypedDict("Deliveries", {
    "data": list["Delivery"],
    "next": str | None,
    "success": bool,
})
"""A page of tries."""

Delivery = TypedDict("Delivery", {
    "id": str,
    "event": str,
    "eventId": str,
    "orderId": str,
    "externalOrderId": str | None,
    "sequence": int,
    "isSample": bool,
    "attempt": int,
    "at": str,
    "result": str,
    "latencyMs": int,
    "answer": str,
    "status": int | None,
    "error": str | None,
})
"""One try."""

DisputeShown = TypedDict("DisputeShown", {
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
})
"""What the cardholder's bank takes back, or asks about."""

Endpoint = TypedDict("Endpoint", {
    "id": str,
    "url": str,
    "events": list[str],
    "format": str,
    "state": str,
    "createdDate": str,
    "signingKey": str,
    "encrypt": bool,
    "why": str | None,
})
"""An endpoint."""

EndpointBody = TypedDict("EndpointBody", {
    "url": str,
    "events": NotRequired[list[str] | None],
    "format": NotRequired[str | None],
    "ownKey": NotRequired[bool | None],
    "encrypt": NotRequired[bool | None],
    "mid": NotRequired[str | None],
})
"""Where events go."""

EndpointChange = TypedDict("EndpointChange", {
    "url": NotRequired[str | None],
    "events": NotRequired[list[str] | None],
    "format": NotRequired[str | None],
    "state": NotRequired[str | None],
    "encrypt": NotRequired[bool | None],
})
"""PATCH: what is left out stays. PUT: what is left out becomes as of a new one; `url` is needed."""

Endpoints = TypedDict("Endpoints", {
    "data": list["Endpoint"],
    "success": bool,
})
"""All of the merchant's."""

ErrorTuple = TypedDict("ErrorTuple", {
    "item1": str,
    "item2": str,
    "item3": str,
    "item4": bool,
})
"""One thing that was wrong."""

EvaluateBody = TypedDict("EvaluateBody", {
    "isDeclined": bool,
    "orderId": str,
    "isMIT": NotRequired[bool | None],
    "mid": NotRequired[str | None],
    "orderSource": NotRequired[str | None],
    "siteId": NotRequired[str | None],
    "siteUrl": NotRequired[str | None],
    "customerIp": NotRequired[str | None],
    "senseKey": NotRequired[str | None],
    "isRecurring": NotRequired[bool | None],
    "subscription": NotRequired["Subscription | None"],
    "payer": NotRequired["Payer | None"],
    "billingInformation": NotRequired["Address | None"],
    "shippingInformation": NotRequired["Address | None"],
    "orderItems": NotRequired[list["OrderItem"] | None],
    "merchant": NotRequired["MerchantTold | None"],
    "deviceDetails": NotRequired[dict[str, Any] | None],
    "additionalFields": NotRequired[list[Any] | None],
    "correlationId": NotRequired[str | None],
    "source": NotRequired[str | None],
    "extraData": NotRequired[Any | None],
    "idempotencyKey": str,
    "transaction": "Transaction",
    "paymentMethod": "PaymentMethod",
    "transactionType": NotRequired[str | None],
    "expiryDateUtc": NotRequired[str | None],
    "threeDSecure": NotRequired["ThreeDSecure | None"],
})
"""A declined payment to be rescued."""

Evaluated = TypedDict("Evaluated", {
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
    "nextAttemptAt": str | None,
    "challengeUrl": str | None,
})
"""Where the rescue stands."""

Happened = TypedDict("Happened", {
    "id": NotRequired[str | None],
    "amount": NotRequired[int | None],
    "reason": NotRequired[str | None],
    "status": NotRequired[str | None],
})
"""A refund or chargeback of a transmitted transaction."""

Happening = TypedDict("Happening", {
    "sequence": int,
    "happening": str,
    "at": str,
})
"""A line of the order's log."""

Improvement = TypedDict("Improvement", {
    "field": str,
    "points": int,
    "why": str,
})
"""A field that is left out."""

Item = TypedDict("Item", {
    "line": int,
    "sku": str | None,
    "name": str | None,
    "amount": int | None,
    "quantity": int | None,
})
"""A line of the order; what is known of it."""

MerchantTold = TypedDict("MerchantTold", {
    "id": NotRequired[str | None],
    "name": NotRequired[str | None],
    "mcc": NotRequired[int | None],
    "country": NotRequired[str | None],
})
"""The merchant, as partners name it."""

Movement = TypedDict("Movement", {
    "id": str,
    "kind": Literal["adjustment", "amount", "carried", "dispute", "dispute_fee", "fee", "payout", "refund", "reserve"],
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
})
"""One entry of the ledger on your account, with the fee that was booked with it."""

MovementTotal = TypedDict("MovementTotal", {
    "currency": str,
    "balance": Literal["card", "wallet"],
    "kinds": dict[str, int],
    "net": int,
})
"""What one balance moved by in the period, from the ledger itself: the sum of all lines' `net`."""

Nothing = TypedDict("Nothing", {})
"""`{}`: any member would read as a failure to existing clients."""

OlderCard = TypedDict("OlderCard", {
    "number": str,
    "month": str,
    "year": str,
    "firstName": NotRequired[str | None],
    "lastName": NotRequired[str | None],
    "verificationValue": NotRequired[str | None],
})
"""The card in its older spelling."""

OlderMethod = TypedDict("OlderMethod", {
    "creditCard": "OlderCard",
})
"""Holds the card."""

OlderPayment = TypedDict("OlderPayment", {
    "method": "OlderMethod",
})
"""The older place of the card."""

Order = TypedDict("Order", {
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
})
"""An order. Times are business time; amounts minor units unless said otherwise."""

OrderDetail = TypedDict("OrderDetail", {
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
    "items": list["Item"],
    "refunds": list["RefundShown"],
    "attempts": list["AttemptShown"],
    "disputes": list["DisputeShown"],
    "challengeUrl": str | None,
})
"""One order with its lines, refunds, attempts and disputes."""

OrderItem = TypedDict("OrderItem", {
    "sku": NotRequired[str | None],
    "name": NotRequired[str | None],
    "description": NotRequired[str | None],
    "amount": NotRequired[int | None],
    "discountAmount": NotRequired[int | None],
    "discountType": NotRequired[str | None],
    "tax": NotRequired[int | None],
    "quantity": NotRequired[int | None],
})
"""A line of the order; refunds may name it. Amounts in minor units, for the whole line."""

OrderList = TypedDict("OrderList", {
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
})
"""One page, and where it lies in the whole."""

Orders = TypedDict("Orders", {
    "orders": "OrderList",
    "statuses": dict[str, str],
    "success": bool,
})
"""The page, and what each status is called."""

Outcome = TypedDict("Outcome", {
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
    "history": list["Happening"],
})
"""How the order stands, and how it got there; `NOTFOUND` for an unknown key."""

OutcomeBody = TypedDict("OutcomeBody", {
    "orderSessionKey": str,
    "mid": NotRequired[Any | None],
})
"""Which order."""

Payer = TypedDict("Payer", {
    "id": NotRequired[str | None],
    "email": NotRequired[str | None],
    "phone": NotRequired[str | None],
    "birthdate": NotRequired[str | None],
})
"""Who pays."""

PaymentMethod = TypedDict("PaymentMethod", {
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
    "cardNumber": str,
    "token": NotRequired[bool | None],
    "verificationValue": NotRequired[str | None],
})
"""The card: by a token of /tokenize, or by its number."""

PaymentMethodCopy = TypedDict("PaymentMethodCopy", {
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
})
"""The card of a copy: its first six and last four digits."""

ReadDecline = TypedDict("ReadDecline", {
    "code": str | None,
    "meaning": str,
    "kind": str,
    "retry": str,
    "waitHours": float | None,
    "source": str,
})
"""What the response code means here."""

Reconciliation = TypedDict("Reconciliation", {
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
})
"""In the order of booking."""

RefreshBody = TypedDict("RefreshBody", {
    "refreshToken": str,
})
"""A refresh token works once, for a day."""

RefundBody = TypedDict("RefundBody", {
    "amountToRefund": NotRequired[str | None],
    "items": NotRequired[list["RefundItem"] | None],
    "refundMessage": NotRequired[str | None],
    "idempotencyKey": NotRequired[str | None],
    "currency": NotRequired[str | None],
    "mid": NotRequired[str | None],
    "isPartialRefund": NotRequired[bool | None],
    "transactionId": NotRequired[str | None],
})
"""`amountToRefund` or `items`."""

RefundItem = TypedDict("RefundItem", {
    "sku": NotRequired[str | None],
    "line": NotRequired[int | None],
    "quantity": NotRequired[int | None],
    "amount": NotRequired[int | None],
})
"""A line to pay back, by sku or line."""

RefundShown = TypedDict("RefundShown", {
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
})
"""A refund of the order, or of a hold that was let go instead."""

RefundStep = TypedDict("RefundStep", {
    "happening": str,
    "at": str,
})
"""Something that happened to a refund."""

Refunded = TypedDict("Refunded", {
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
})
"""`status` says whether: SUCCESS when it is owed from now on, FAILED when it is refused."""

RefundedItem = TypedDict("RefundedItem", {
    "line": int,
    "quantity": int,
    "amount": int,
})
"""What a refund took of a line."""

Settlement = TypedDict("Settlement", {
    "id": str,
    "status": Literal["approved", "carried", "created", "paid", "returned", "sent"],
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
})
"""One period in one currency. The amounts add up to the payout."""

SettlementDetail = TypedDict("SettlementDetail", {
    "id": str,
    "status": Literal["approved", "carried", "created", "paid", "returned", "sent"],
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
})
"""One, with `success` as every answer."""

SettlementLine = TypedDict("SettlementLine", {
    "id": str,
    "kind": Literal["adjustment", "amount", "carried", "dispute", "dispute_fee", "fee", "payout", "refund", "reserve"],
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
})
"""One entry of the ledger on your account. An entry is in one settlement at most."""

SettlementLines = TypedDict("SettlementLines", {
    "success": bool,
    "result": str | None,
    "statusCode": str | None,
    "errors": list["ErrorTuple"],
    "customProperties": dict[str, str],
    "data": list["SettlementLine"],
    "next": str | None,
})
"""In the order of booking."""

SettlementList = TypedDict("SettlementList", {
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
})
"""A page of them."""

Site = TypedDict("Site", {
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
})
"""A site."""

SiteBody = TypedDict("SiteBody", {
    "citWeb": NotRequired[bool | None],
    "citCallcenter": NotRequired[bool | None],
    "mit": NotRequired[bool | None],
    "isDefault": NotRequired[bool | None],
    "supportContact": NotRequired[str | None],
    "url": str,
    "name": str,
    "descriptor": str,
})
"""A site or campaign."""

SitePatch = TypedDict("SitePatch", {
    "citWeb": NotRequired[bool | None],
    "citCallcenter": NotRequired[bool | None],
    "mit": NotRequired[bool | None],
    "isDefault": NotRequired[bool | None],
    "supportContact": NotRequired[str | None],
    "url": NotRequired[str | None],
    "name": NotRequired[str | None],
    "descriptor": NotRequired[str | None],
})
"""What is left out stays."""

Sites = TypedDict("Sites", {
    "data": list["Site"],
    "success": bool,
})
"""All that take orders."""

StoredMethod = TypedDict("StoredMethod", {
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
})
"""What may be known of the card; `token` is what clients keep."""

Subscription = TypedDict("Subscription", {
    "subscriptionId": NotRequired[str | None],
    "interval": NotRequired[str | None],
    "price": NotRequired[str | None],
    "currency": NotRequired[str | None],
    "paymentNumber": NotRequired[str | None],
    "totalPayments": NotRequired[str | None],
})
"""The agreement under which a recurring payment is made."""

TestAnswer = TypedDict("TestAnswer", {
    "success": bool,
    "event": str,
    "eventId": str,
    "status": int,
    "latencyMs": int,
    "answer": str,
})
"""What the receiver said."""

TestBody = TypedDict("TestBody", {
    "event": NotRequired[str | None],
})
"""Which event; a completed payment when none is named."""

ThreeDSecure = TypedDict("ThreeDSecure", {
    "threeDsVersion": NotRequired[str | None],
    "ecommerceIndicator": NotRequired[str | None],
    "authenticationValue": NotRequired[str | None],
    "directoryServerTransactionId": NotRequired[str | None],
    "xid": NotRequired[str | None],
    "authenticationValueAlgorithm": NotRequired[str | None],
    "directoryResponseStatus": NotRequired[str | None],
    "authenticationResponseStatus": NotRequired[str | None],
    "enrolled": NotRequired[str | None],
})
"""The authentication of the original transaction."""

Token = TypedDict("Token", {
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
})
"""`accessToken` lives ten minutes: keep it until a call says 401."""

TokenBody = TypedDict("TokenBody", {
    "appKey": str,
    "appSecret": str,
})
"""The merchant's key with its secret, also for partners."""

TokenizeBody = TypedDict("TokenizeBody", {
    "payment_method": NotRequired["CardMethod | None"],
    "payment": NotRequired["OlderPayment | None"],
    "mid": NotRequired[str | None],
    "environment": NotRequired[str | None],
})
"""The card, in today's place or in the older one."""

Tokenized = TypedDict("Tokenized", {
    "success": bool,
    "result": str | None,
    "statusCode": str | None,
    "errors": list["ErrorTuple"],
    "customProperties": dict[str, str],
    "status": str | None,
    "transaction": "VaultTransaction",
    "cardBinInfo": None,
})
"""The stored card: `transaction.payment_method.token` is what /evaluate takes."""

Transaction = TypedDict("Transaction", {
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
})
"""The declined transaction with the merchant's processor."""

TransactionCopy = TypedDict("TransactionCopy", {
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
})
"""Any transaction with the merchant's processor."""

TransmitBody = TypedDict("TransmitBody", {
    "isDeclined": bool,
    "orderId": str,
    "isMIT": NotRequired[bool | None],
    "mid": NotRequired[str | None],
    "orderSource": NotRequired[str | None],
    "siteId": NotRequired[str | None],
    "siteUrl": NotRequired[str | None],
    "customerIp": NotRequired[str | None],
    "senseKey": NotRequired[str | None],
    "isRecurring": NotRequired[bool | None],
    "subscription": NotRequired["Subscription | None"],
    "payer": NotRequired["Payer | None"],
    "billingInformation": NotRequired["Address | None"],
    "shippingInformation": NotRequired["Address | None"],
    "orderItems": NotRequired[list["OrderItem"] | None],
    "merchant": NotRequired["MerchantTold | None"],
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
})
"""A copy of a processed transaction, approved or declined; or, with `transmitId`, what became of one."""

Transmitted = TypedDict("Transmitted", {
    "success": bool,
    "result": str | None,
    "statusCode": str | None,
    "errors": list["ErrorTuple"],
    "customProperties": dict[str, str],
    "transmitId": str,
    "status": int,
})
"""The transmission's id, under which it may be updated."""

UpdateBody = TypedDict("UpdateBody", {
    "isDeclined": NotRequired[bool | None],
    "outcome": NotRequired["str | Happened | None"],
    "refund": NotRequired["str | Happened | None"],
    "chargeback": NotRequired["str | Happened | None"],
    "transaction": NotRequired["TransactionCopy | None"],
})
"""What became of a transmitted transaction, told later; one of these at least."""

VaultTransaction = TypedDict("VaultTransaction", {
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
})
"""The storing, told as a transaction."""
