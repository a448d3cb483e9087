"""The field names of this dialect in their canonical case; clients write them in any. Source: contract §4, §5.3."""

from typing import Final

from recoup.doors.edge.keys import Names

_ADDRESS: Final[Names] = dict.fromkeys((
    "firstName", "lastName", "country", "countryCode", "addressLine1", "addressLine2", "city", "state", "zipcode",
    "phone",
))  # fmt: skip
_TRANSACTION: Final[Names] = dict.fromkeys((
    "id", "timestampUtc", "timestamp", "timezoneUtcOffset", "transactionType", "amount", "currency", "responseCode",
    "responseCodeSource", "responseDescription", "responseStatus", "responseSubStatus", "processorName", "adviceCode",
    "avsResultCode", "cvvResultCode", "cavvResultCode", "cardNotPresent", "dynamicDescriptor", "descriptor",
    "networkTransactionId",
))  # fmt: skip
_PAYMENT_METHOD: Final[Names] = dict.fromkeys((
    "holderName", "cardType", "cardBrand", "cardCountry", "expirationMonth", "expirationYear", "cardBinNumber",
    "cardLast4Digits", "cardNumber", "token", "cardIssuer", "cardLevel", "cardFingerprint", "verificationValue",
))  # fmt: skip
_SUBSCRIPTION: Final[Names] = dict.fromkeys(
    ("subscriptionId", "interval", "price", "currency", "paymentNumber", "totalPayments")
)
_THREE_D_SECURE: Final[Names] = dict.fromkeys((
    "threeDsVersion", "ecommerceIndicator", "authenticationValue", "directoryServerTransactionId", "xid",
    "authenticationValueAlgorithm", "directoryResponseStatus", "authenticationResponseStatus", "enrolled",
))  # fmt: skip
_ITEM: Final[Names] = dict.fromkeys(
    ("sku", "name", "description", "amount", "discountAmount", "discountType", "tax", "quantity")
)
_PAYER: Final[Names] = dict.fromkeys(("id", "email", "phone", "birthdate"))

EVALUATE: Final[Names] = {
    **dict.fromkeys((
        "isDeclined", "transactionType", "mid", "orderId", "idempotencyKey", "siteId", "siteUrl", "customerIp",
        "orderSource", "senseKey", "isMIT", "isRecurring", "expiryDateUtc", "correlationId", "source", "extraData",
        "additionalFields", "merchant", "deviceDetails",
    )),
    "transaction": _TRANSACTION, "payer": _PAYER, "billingInformation": _ADDRESS, "shippingInformation": _ADDRESS,
    "paymentMethod": _PAYMENT_METHOD, "subscription": _SUBSCRIPTION, "threeDSecure": _THREE_D_SECURE,
    "orderItems": _ITEM,
}  # fmt: skip
TRANSMIT: Final[Names] = {
    **EVALUATE, "sequenceNumber": None, "transmitId": None, "outcome": None, "refund": None, "chargeback": None,
}  # fmt: skip
TOKENIZE: Final[Names] = {
    "mid": None,
    "environment": None,
    "payment_method": {
        "email": None,
        "sense_key": None,
        "credit_card": dict.fromkeys(
            ("first_name", "last_name", "full_name", "number", "verification_value", "month", "year")
        ),
    },
    "payment": {
        "method": {
            "creditCard": dict.fromkeys(("firstName", "lastName", "number", "verificationValue", "month", "year"))
        }
    },
}
