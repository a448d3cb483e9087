#!/usr/bin/env python3
"""Facts of Adyen's OpenAPI documents, as lines for the connector's stand-in: names, what is
required, types, lengths and words. Usage: adyen_published.py DIRECTORY, the `json` folder of
Adyen/adyen-openapi. Rewrites the table in place.
"""

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

PUBLISHED = (
    Path(__file__).parents[1] / "packages/recoup-lab/src/recoup_lab/processors/adyen/published.txt"
)
# What Recoup sends, with everything in it that it fills.
REQUESTS = {
    "CheckoutService-v72": [
        "PaymentRequest",
        "Amount",
        "AuthenticationData",
        "BrowserInfo",
        "CardDetails",
        "ThreeDSecureData",
        "PaymentDetailsRequest",
        "PaymentCompletionDetails",
        "PaymentCaptureRequest",
        "PaymentCancelRequest",
        "PaymentRefundRequest",
        "PaymentReversalRequest",
        "StandalonePaymentCancelRequest",
        "PaymentMethodsRequest",
        "StoredPaymentMethodRequest",
        "PaymentMethodToStore",
        "AdditionalData3DSecure",
        "AdditionalDataCommon",
    ],
    "DisputeService-v30": [
        "AcceptDisputeRequest",
        "DefendDisputeRequest",
        "DefenseReasonsRequest",
        "SupplyDefenseDocumentRequest",
        "DefenseDocument",
    ],
}
NOTICES = {"Webhooks-v1": "events", "TokenizationNotification-v1": "token events"}


def kind_of(member: dict[str, Any], known: list[str]) -> str:
    """`string`, `Amount`, `DefenseDocument[]`; `any` for what Recoup never fills."""
    if "$ref" in member:
        name = str(member["$ref"]).rpartition("/")[2]
        return name if name in known else "any"
    if "oneOf" in member:
        names = [str(one.get("$ref", "")).rpartition("/")[2] for one in member["oneOf"]]
        return next((one for one in names if one in known), "any")
    if member.get("type") == "array":
        return kind_of(member["items"], known) + "[]"
    return "base64" if member.get("format") == "byte" else str(member.get("type", "any"))


def fact_of(name: str, schema: dict[str, Any], known: list[str]) -> str:
    """`name!:string{3,256}=A|B`, where `!` is for what is required."""
    member = schema["properties"][name]
    least, most = member.get("minLength"), member.get("maxLength")
    bounds = (
        f"{{{least or 0},{most if most is not None else ''}}}"
        if (least, most) != (None, None)
        else ""
    )
    words = (
        "=" + "|".join(word.replace(" ", "_") for word in member["enum"])
        if "enum" in member
        else ""
    )
    required = "!" if name in schema.get("required", ()) else ""
    return f"{name}{required}:{kind_of(member, known)}{bounds}{words}"


def main() -> None:
    folder = Path(sys.argv[1])
    lines = []
    for document, names in REQUESTS.items():
        plain = json.loads((folder / f"{document}.json").read_text())
        schemas = plain["components"]["schemas"]
        lines.append(f"# {document}")
        for name in names:
            facts = [fact_of(one, schemas[name], names) for one in schemas[name]["properties"]]
            lines += textwrap.wrap(
                " ".join([f"{name}:", *facts]), 118, subsequent_indent="  ", break_on_hyphens=False
            )
    for document, name in NOTICES.items():
        plain = json.loads((folder / f"{document}.json").read_text())
        events = " ".join(sorted(one.strip("/") for one in plain["webhooks"]))
        lines += [f"# {document}", *textwrap.wrap(f"{name}: {events}", 118, subsequent_indent="  ")]
    head = (
        PUBLISHED.read_text().partition("\n\n")[0]
        if PUBLISHED.exists()
        else "# Adyen/adyen-openapi"
    )
    PUBLISHED.write_text(head + "\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
