"""Writes what Braintree publishes of the calls that the connector makes and the stand-in answers.

python scripts/make_braintree_facts.py SCHEMA DAY

Source: `schema.graphql` of github.com/braintree/graphql-api, which is no part of this repository;
DAY is that of its commit. Kept are the fields of the types that are named here, and all that their
inputs reach: names, types and choices.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

TARGET = (
    Path(__file__).parent.parent
    / "packages/recoup-lab/src/recoup_lab/processors/braintree/published.json"
)
FIELDS = {
    "Query": "node search idFromLegacyId viewer report ping",
    "Mutation": "chargePaymentMethod authorizePaymentMethod chargeCreditCard authorizeCreditCard "
    "captureTransaction "
    "partialCaptureTransaction refundTransaction reverseTransaction createDisputeTextEvidence "
    "finalizeDispute "
    "acceptDispute createCustomer tokenizeCreditCard vaultPaymentMethod vaultCreditCard",
    "Search": "transactions refunds disputes",
    "Report": "paymentLevelFees",
}
NAMED = (
    "Transaction Refund Dispute PaymentMethod Customer MonetaryAmount CreditCardDetails "
    "CreditCardTransactionDetails "
    "BinRecord RiskData DisbursementDetails PaymentStatusEvent AuthorizedEvent "
    "ProcessorDeclinedEvent FailedEvent "
    "GatewayRejectedEvent SubmittedForSettlementEvent SettledEvent VoidedEvent "
    "SettlementDeclinedEvent "
    "TransactionAuthorizationProcessorResponse PaymentNetworkResponse MerchantAdviceCodeResponse "
    "DisputeStatusEvent "
    "DisputeProcessorResponse DisputeTextEvidence DisputeEvidence Viewer Merchant MerchantAccount "
    "PaymentLevelFeeReport "
    "TransactionPayload RefundTransactionPayload ReverseTransactionPayload "
    "PartialCaptureTransactionPayload "
    "AcceptDisputePayload FinalizeDisputePayload CreateDisputeTextEvidencePayload "
    "CreateCustomerPayload "
    "TokenizeCreditCardPayload VaultPaymentMethodPayload Verification TransactionConnection "
    "TransactionConnectionEdge "
    "RefundConnection RefundConnectionEdge DisputeConnection DisputeConnectionEdge "
    "MerchantAccountConnection "
    "MerchantAccountConnectionEdge PageInfo Node"
)
TYPES = NAMED.split()
WORDS_MAX = 60  # beyond, the lists are of countries and currencies
_BLOCK = re.compile(
    r"^(type|input|enum|interface) (\w+)([^{\n]*)\{(.*?)^\}", re.DOTALL | re.MULTILINE
)
_UNION = re.compile(r"^union (\w+) = (.+)$", re.MULTILINE)
_FIELD = re.compile(r"(\w+)\s*(?:\(([^)]*)\))?\s*:\s*([\w\[\]!]+)")


def main(schema: Path, day: str) -> None:
    facts = Facts(re.sub(r'"""[\s\S]*?"""', "", schema.read_text()))
    for name in ("Query", "Mutation", "Search", "Report", *TYPES):
        facts.take_output(name, only=FIELDS.get(name, "").split())
    plain = {
        "source": "schema.graphql of github.com/braintree/graphql-api",
        "day": day,
        **{
            name: dict(sorted(getattr(facts, name).items()))
            for name in ("outputs", "kinds", "inputs", "enums")
        },
    }
    lines = []
    for group, found in plain.items():
        if isinstance(found, dict):
            rows = ",\n".join(
                f"  {json.dumps(name)}: {json.dumps(one)}" for name, one in found.items()
            )
            lines.append(f" {json.dumps(group)}: {{\n{rows}\n }}")
        else:
            lines.append(f" {json.dumps(group)}: {json.dumps(found)}")
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


class Facts:
    """`outputs`: the fields of a type, each with its type, or with its arguments and its type.
    `kinds`: the types that an interface or a union may be."""

    def __init__(self, text: str) -> None:
        self._blocks = {found[2]: (found[1], found[3], found[4]) for found in _BLOCK.finditer(text)}
        self._unions = {found[1]: re.findall(r"\w+", found[2]) for found in _UNION.finditer(text)}
        self.outputs: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {}
        self.enums: dict[str, list[str]] = {}
        self.kinds: dict[str, list[str]] = {}

    def take_output(self, name: str, only: list[str]) -> None:
        fields = self.outputs[name] = {}
        for found in _FIELD.finditer(self._body(name)):
            field, arguments, type = found.groups()
            if only and field not in only:
                continue
            given = {one[1]: one[3] for one in _FIELD.finditer(arguments or "")}
            for one in given.values():
                self._take_input(_bare(one))
            fields[field] = [given, type] if given else type
            self._take_kinds(_bare(type))
        assert not only or set(only) == set(fields), name

    def _take_kinds(self, name: str) -> None:
        if name in self._unions:
            self.kinds[name] = self._unions[name]
        elif name in self._blocks and self._blocks[name][0] == "interface":
            own = [
                one
                for one, (_, heads, _body) in self._blocks.items()
                if name in re.findall(r"\w+", heads)
            ]
            self.kinds[name] = [one for one in own if one in TYPES] if name == "Node" else own

    def _take_input(self, name: str) -> None:
        kind = self._blocks.get(name, ("", "", ""))[0]
        if kind == "enum" and name not in self.enums:
            words = re.findall(
                r"^\s+(\w+)", re.sub(r"@deprecated\([^)]*\)", "", self._body(name)), re.MULTILINE
            )
            self.enums[name] = words if len(words) <= WORDS_MAX else []
        if kind == "input" and name not in self.inputs:
            fields = self.inputs[name] = {
                one[1]: one[3] for one in _FIELD.finditer(self._body(name))
            }
            for type in fields.values():
                self._take_input(_bare(type))

    def _body(self, name: str) -> str:
        return re.sub(r"@deprecated\(reason: \"[^\"]*\"\)", "", self._blocks[name][2])


def _bare(type: str) -> str:
    return type.strip("[]!")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
