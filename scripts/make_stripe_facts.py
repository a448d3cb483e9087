"""Writes what Stripe publishes of the calls that the connector makes, at the version that it pins.

Source: the types of the `stripe` library on PyPI whose API version is that one. It is older than
the library that the tests use, so it is installed apart:

    python3 -m venv /tmp/pin
    /tmp/pin/bin/pip install stripe==12.0.1
    /tmp/pin/bin/python scripts/make_stripe_facts.py

The types are read, not imported: names, types, what is required, the values of choices, and the
lengths that the descriptions name.
"""

import ast
import importlib.metadata
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

TARGET = (
    Path(__file__).parent.parent
    / "packages/recoup-lab/src/recoup_lab/processors/stripe/published.json"
)
FILES = {
    "Charge": "_charge",
    "PaymentIntent": "_payment_intent",
    "Customer": "_customer",
    "PaymentMethod": "_payment_method",
    "Refund": "_refund",
    "Invoice": "_invoice",
    "InvoiceItem": "_invoice_item",
    "InvoicePayment": "_invoice_payment",
    "CreditNote": "_credit_note",
    "Subscription": "_subscription",
    "Dispute": "_dispute",
    "WebhookEndpoint": "_webhook_endpoint",
    "BalanceTransaction": "_balance_transaction",
    "Event": "_event",
    "Account": "_account",
}
LISTS = {
    "payment_intents": "PaymentIntent",
    "customers": "Customer",
    "invoices": "Invoice",
    "refunds": "Refund",
    "disputes": "Dispute",
    "balance_transactions": "BalanceTransaction",
    "events": "Event",
    "charges": "Charge",
    "webhook_endpoints": "WebhookEndpoint",
    "payment_methods": "PaymentMethod",
    "subscriptions": "Subscription",
}
WRITES = {
    "POST /v1/webhook_endpoints": "WebhookEndpoint.CreateParams",
    "POST /v1/customers": "Customer.CreateParams",
    "POST /v1/customers/{}": "Customer.ModifyParams",
    "POST /v1/payment_methods/{}/attach": "PaymentMethod.AttachParams",
    "POST /v1/payment_methods/{}/detach": "PaymentMethod.DetachParams",
    "POST /v1/payment_intents": "PaymentIntent.CreateParams",
    "POST /v1/payment_intents/{}/confirm": "PaymentIntent.ConfirmParams",
    "POST /v1/payment_intents/{}/capture": "PaymentIntent.CaptureParams",
    "POST /v1/payment_intents/{}/cancel": "PaymentIntent.CancelParams",
    "POST /v1/refunds": "Refund.CreateParams",
    "POST /v1/refunds/{}": "Refund.ModifyParams",
    "POST /v1/invoiceitems": "InvoiceItem.CreateParams",
    "POST /v1/invoices": "Invoice.CreateParams",
    "POST /v1/invoices/{}": "Invoice.ModifyParams",
    "POST /v1/invoices/{}/finalize": "Invoice.FinalizeInvoiceParams",
    "POST /v1/invoices/{}/void": "Invoice.VoidInvoiceParams",
    "POST /v1/invoices/{}/mark_uncollectible": "Invoice.MarkUncollectibleParams",
    "POST /v1/invoices/{}/pay": "Invoice.PayParams",
    "POST /v1/credit_notes": "CreditNote.CreateParams",
    "POST /v1/credit_notes/{}/void": "CreditNote.VoidCreditNoteParams",
    "POST /v1/subscriptions": "Subscription.CreateParams",
    "POST /v1/subscriptions/{}": "Subscription.ModifyParams",
    "DELETE /v1/subscriptions/{}": "Subscription.CancelParams",
    "POST /v1/disputes/{}": "Dispute.ModifyParams",
    "POST /v1/disputes/{}/close": "Dispute.CloseParams",
}
# Beyond these only the name is held: what other kinds of payment say of themselves is of no call of
# ours.
FOLLOWED = {
    "PaymentMethodOptions": ("card",),
    "PaymentMethodDetails": ("card", "type"),
    "PaymentMethodData": (),
    "DestinationDetails": ("card", "type"),
    "NextAction": ("redirect_to_url", "type"),
    "Wallet": ("type",),
    "EnhancedEvidence": ("visa_compelling_evidence_3",),
    "EnhancedEligibility": (),
    "Account": ("id", "country"),
    "PaymentMethod": (
        "allow_redisplay",
        "billing_details",
        "card",
        "created",
        "customer",
        "id",
        "livemode",
        "metadata",
        "object",
        "type",
    ),
}
WORDS_MAX = 60  # beyond, the lists are of events, countries and taxes
OWN = (
    "idempotency_key",
    "stripe_account",
    "stripe_context",
    "stripe_version",
    "api_key",
    "max_network_retries",
)
LONGEST = re.compile(
    r"[Mm]ax(?:imum)?(?: length of| character count of"
    r"|imum of)? (?:is )?([\d,]{1,7})(?: characters|\.)"
)
PRIMITIVES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def main() -> None:
    TARGET.write_text(text())
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


def text() -> str:
    facts = Facts(Path(str(files("stripe"))))
    takes = WRITES | {"GET /v1/account": "Customer.RetrieveParams"}  # it has none of its own
    for path, kind in LISTS.items():
        takes |= {
            f"GET /v1/{path}": f"{kind}.ListParams",
            f"GET /v1/{path}/{{}}": f"{kind}.RetrieveParams",
        }
    for name in (*takes.values(), *FILES):
        facts.take(name)
    source = f"stripe {importlib.metadata.version('stripe')} (PyPI)"
    plain: dict[str, Any] = {
        "source": source,
        "version": facts.version(),
        "takes": dict(sorted(takes.items())),
        "answers": {facts.object_of(kind): kind for kind in FILES},
        "types": dict(sorted(facts.types.items())),
    }
    lines = [
        f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in plain.pop("types").items()
    ]
    return json.dumps(plain, indent=1)[:-2] + ',\n "types": {\n' + ",\n".join(lines) + "\n }\n}\n"


class Facts:
    """The types that are reached, by name: members with their types. A name ends with `!` where it
    is required, of an answer with `?` where it may be null."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.types = folder, dict[str, dict[str, Any]]()
        self._classes, self._within = dict[str, ast.ClassDef](), ""
        for name, file in FILES.items():
            tree = ast.parse((folder / f"{file}.py").read_text())
            self._list(
                "",
                next(
                    one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name
                ),
            )

    def version(self) -> str:
        found = re.search(r"CURRENT = \"(.+)\"", (self.folder / "_api_version.py").read_text())
        assert found is not None
        return found[1]

    def object_of(self, kind: str) -> str:
        """`PaymentIntent` -> `payment_intent`."""
        name = self._classes[kind]
        for one in name.body:
            if isinstance(one, ast.AnnAssign) and ast.unparse(one.target) == "OBJECT_NAME":
                return str(ast.literal_eval(one.value))  # type: ignore[arg-type]
        raise ValueError(kind)

    def _list(self, prefix: str, found: ast.ClassDef) -> None:
        name = f"{prefix}{found.name}"
        self._classes[name] = found
        for one in found.body:
            if isinstance(one, ast.ClassDef):
                self._list(f"{name}.", one)

    def take(self, name: str) -> None:
        if name in self.types:
            return
        members = self.types[name] = dict[str, Any]()
        body = self._classes[name].body
        follow = next(
            (only for end, only in FOLLOWED.items() if name.split(".")[-1].endswith(end)), None
        )
        for number, one in enumerate(body):
            self._within = name
            if not isinstance(one, ast.AnnAssign) or ast.unparse(one.annotation).startswith(
                "ClassVar"
            ):
                continue
            member = ast.unparse(one.target)
            if (
                (member in OWN and "Params" in name)
                or member == "deleted"
                or member.startswith("_")
            ):
                continue
            after = body[number + 1] if number + 1 < len(body) else None
            said = (
                after.value.value
                if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                else ""
            )
            annotation, mark = _bare(one.annotation, params="Params" in name)
            type = self._type(annotation) if follow is None or member in follow else "any"
            longest = LONGEST.search(str(said))
            if type == "string" and longest:
                type = f"string {longest[1].replace(',', '')}"
            members[member + mark] = type

    def _type(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._type(ast.parse(node.value, mode="eval").body)
        if isinstance(node, ast.BinOp):
            return _either([self._type(node.left), self._type(node.right)])
        if isinstance(node, ast.Subscript):
            return self._generic(ast.unparse(node.value), node.slice)
        name = ast.unparse(node)
        if name in PRIMITIVES:
            return PRIMITIVES[name]
        if name in FILES:
            return {"object": self.object_of(name)}
        parts = self._within.split(".")
        scopes = [".".join([*parts[:depth], name]) for depth in range(len(parts), -1, -1)]
        if (found := next((one for one in scopes if one in self._classes), None)) is not None:
            self.take(found)
            return {"of": found}
        return "any"

    def _generic(self, name: str, inner: ast.expr) -> Any:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if name == "Literal":
            words = [ast.literal_eval(one) for one in parts]
            return {"one": words} if len(words) <= WORDS_MAX else "string"
        if name in ("List", "list"):
            return {"list": self._type(parts[0])}
        if name == "ListObject":
            return {"page": self._type(parts[0])}
        if name in ("Dict", "dict"):
            return {"map": self._type(parts[1])}
        if name == "ExpandableField":
            kind = ast.unparse(parts[0]).strip("'\"")
            return (
                {"id": self.object_of(kind)}
                if kind in FILES
                else "any"
                if kind.startswith("Union")
                else "string"
            )
        if name in ("Union", "Optional"):
            return _either([self._type(one) for one in parts])
        return "any"


def _bare(node: ast.expr, *, params: bool) -> tuple[ast.expr, str]:
    """The annotation without what says whether it must be there, and the mark of that."""
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("NotRequired", "Optional"):
        return node.slice, "" if params else "?"
    return node, "!" if params else ""


def _either(found: list[Any]) -> Any:
    flat = [
        one
        for each in found
        for one in (each["either"] if isinstance(each, dict) and "either" in each else [each])
    ]
    words = [word for one in flat if isinstance(one, dict) and "one" in one for word in one["one"]]
    rest = [one for one in flat if not (isinstance(one, dict) and "one" in one)]
    flat = [*([{"one": words}] if words else []), *rest]
    return flat[0] if len(flat) == 1 else "any" if "any" in flat else {"either": flat}


if __name__ == "__main__":
    main()
