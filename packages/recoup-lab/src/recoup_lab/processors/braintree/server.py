"""The stand-in's HTTP: one address for GraphQL, a key for thirty days whose repeat gives the
present state, reports of fees, notices as signed forms."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from hashlib import sha1
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from aiohttp import web

from recoup_lab.processors.braintree import published
from recoup_lab.processors.braintree.account import Account, Plain, Refused, global_id
from recoup_lab.processors.braintree.graphql import Selected, filled, operation_of, projected
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.reports import money, report
from recoup_lab.processors.serving import Answered, Posted, Serving, as_json

PUBLIC: Final = "standinpublic"
PRIVATE: Final = "standinprivate0123456789"
ACCOUNTS: Final = {
    "acme_usd": "USD",
    "acme_eur": "EUR",
    "acme_jpy": "JPY",
    "acme_bhd": "BHD",
    "acme_isk": "ISK",
    "acme_huf": "HUF",
}
KEY_LIVES: Final = timedelta(days=30) / timedelta(seconds=1)
_WORDS: Final = {
    "charge": "sale",
    "refund": "credit",
    "dispute": "chargeback",
    "dispute_won": "chargeback_reversal",
}
_KINDS: Final = {"transactions": "transaction", "refunds": "refund", "disputes": "dispute"}


class StandIn(Serving):
    """`knows_keys`: whether the account has the vendor's idempotency; without it duplicates are
    checked instead."""

    def __init__(
        self,
        path: Path | str,
        *,
        faults: Faults | None = None,
        notices_to: str = "",
        settles_after: float = 0.0,
        knows_keys: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(path, faults=faults, notices_to=notices_to, clock=clock)
        self.account = Account(
            self.book, clock, settles_after=settles_after, merchant_accounts=dict(ACCOUNTS)
        )
        self.knows_keys = knows_keys

    async def start(self, port: int = 0) -> "StandIn":
        await super().start(port)
        return self

    @property
    def address(self) -> str:
        return f"{self.url}/graphql"

    @property
    def shown(self) -> str:
        accounts = " ".join(f"{currency}={id}" for id, currency in ACCOUNTS.items())
        return f'{self.address}  key {PUBLIC}:{PRIVATE}  account "{accounts}"'

    def named(self, request: web.Request, text: str) -> str:
        call = super().named(request, text)
        try:
            return f"{call} {json.loads(text)['operationName']}"
        except (ValueError, KeyError, TypeError):
            return call

    def refusal(self, kind: str) -> Answered | None:
        classes = {
            "error_500": (500, "INTERNAL", None),
            "too_many": (200, "RESOURCE_LIMIT", None),
            "unauthorized": (401, "AUTHENTICATION", None),
            "forbidden": (200, "AUTHORIZATION", None),
            "in_progress": (200, "VALIDATION", "915233"),
        }
        if kind not in classes:
            return None
        status, name, code = classes[kind]
        return as_json({"data": None, "errors": [Refused(name, "on demand", code).error]}, status)

    def broken(self, *, status: int) -> Answered:
        return as_json({"data": None, "errors": [Refused("INTERNAL", "on demand").error]}, status)

    def lied(self, kind: str, said: Answered) -> Answered:
        plain = json.loads(said.body)
        for answer in (plain.get("data") or {}).values():
            for one in (answer or {}).values():
                if isinstance(one, dict) and isinstance(one.get("amount"), dict):
                    _LIES[kind](one)
        return as_json(plain)

    def answer(self, request: web.Request, call: str, text: str) -> Answered:
        self.account.advance()
        if request.method == "GET":
            return self._report(request.path)
        basic = base64.b64encode(f"{PUBLIC}:{PRIVATE}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            error = Refused("AUTHENTICATION", "Authentication credentials are invalid.").error
            return as_json({"data": None, "errors": [error]}, 401)
        try:
            message = json.loads(text)
            variables = message.get("variables") or {}
            operation, wrong = (
                operation_of(message["query"]),
                published.faults(message["query"], variables),
            )
            (field,) = operation.fields
        except (ValueError, KeyError, TypeError, AttributeError):
            return as_json(
                {"errors": [Refused("VALIDATION", "The document cannot be read.").error]}
            )
        if wrong:
            self.refused += [f"{field.name}: {one.message}" for one in wrong]
            return as_json({"data": None, "errors": [_refused(one) for one in wrong]})
        field = field._replace(arguments=filled(field.arguments, variables))
        try:
            made = self._once(operation.kind, field, message)
        except Refused as refused:
            return as_json(
                {"data": {field.name: None}, "errors": [refused.error | {"path": [field.name]}]}
            )
        data = {field.name: projected(made, field.fields)}
        self.refused += published.differences(operation.kind.title(), operation.fields, data)
        return as_json({"data": data, "extensions": {"requestId": "r"}})

    def _once(self, kind: str, selected: Selected, message: Plain) -> Any:
        more = message.get("extensions")
        key = more.get("apiRequestKey") if self.knows_keys and isinstance(more, dict) else None
        name, arguments = selected.name, selected.arguments
        if kind == "query":
            return self._read(selected, message.get("variables") or {})
        if name not in _MUTATIONS:
            raise Refused("NOT_IMPLEMENTED", f"The stand-in has no {name}.")
        field, do = _MUTATIONS[name]
        said = json.dumps([name, arguments], sort_keys=True)
        kept = self.book.get("key", f"key {key}") if key else None
        if kept is not None and kept["at"] > self.clock() - KEY_LIVES:
            if kept["said"] != said:
                raise Refused(
                    "VALIDATION", "The key can be reused only with the same request.", "915232"
                )
            return {field: self.book.get(kept["kind"], kept["of"]) or kept["made"]}
        made = do(self.account, arguments["input"], key is not None)
        if key:
            row = {
                "id": f"key {key}",
                "object": "key",
                "at": self.clock(),
                "said": said,
                "made": made,
            }
            self.book.put(row | {"kind": made.get("object", ""), "of": made["id"]})
        return {field: made}

    def _read(self, selected: Selected, variables: Plain) -> Any:
        name, given = selected.name, selected.arguments
        inner = selected.fields[0] if selected.fields else Selected("")
        if name == "search":
            return self._search(inner.name, filled(inner.arguments, variables))
        if name == "ping":
            return "pong"
        if name == "idFromLegacyId":
            return global_id(str(given["type"]).lower(), str(given["legacyId"]))
        if name == "viewer":
            accounts = [
                {"id": id, "currencyCode": of, "status": "ACTIVE"} for id, of in ACCOUNTS.items()
            ]
            return {
                "merchant": {"id": "m", "status": "ACTIVE", "merchantAccounts": _edges(accounts)}
            }
        if name == "report":
            day = filled(inner.arguments, variables)["date"]
            return {"paymentLevelFees": {"url": f"{self.url}/reports/{day}.csv"}}
        for kind in ("transaction", "dispute", "payment_method", "refund", "customer"):
            if (found := self.book.get(kind, str(given["id"]))) is not None:
                return (
                    found | {"refunds": self._refunds_of(found)} if kind == "transaction" else found
                )
        raise Refused("NOT_FOUND", "An object with this ID was not found.")

    def _refunds_of(self, transaction: Plain) -> list[Plain]:
        return [one for one in self.book.all("refund") if one["of"] == transaction["id"]]

    def _search(self, field: str, given: Plain) -> Any:
        found = [one for one in self.book.all(_KINDS[field]) if _fits(one, given["input"])]
        first, after = int(given.get("first") or 50), int(given.get("after") or 0)
        page = _edges(found[after : after + first])
        more = len(found) > after + first
        return {field: page | {"pageInfo": {"hasNextPage": more, "endCursor": str(after + first)}}}

    def _report(self, path: str) -> Answered:
        day = path.rpartition("/")[2].removesuffix(".csv")
        rows = (row for row in self.moved() if row["day"] == day)
        return Answered(200, report("braintree", "transaction_level_fees", rows), "text/csv")

    def moved(self) -> Iterator[Plain]:
        self.account.advance()
        for one in [*self.book.all("movement")][::-1]:
            about = next(
                found for kind in _KINDS.values() if (found := self.book.get(kind, one["of"]))
            )
            charge = about.get("transaction") or about.get("refundedTransaction") or {}
            amounts = money(Decimal(one["amount"]), Decimal(one["fee"]), one["currency"])
            more = {
                "order": about.get("orderId") or charge.get("orderId"),
                "charge": charge.get("legacyId", ""),
            }
            yield about | amounts | more | {"kind": _WORDS[one["type"]], "day": one["day"]}

    def notices(self) -> list[Posted]:
        found, self.account.notices = self.account.notices, []
        return [
            posted(notification(kind, about, self.account.now().timestamp()))
            for kind, about in found
        ]


def _refused(fault: published.Fault) -> Plain:
    path = fault.path.split("/")
    return {
        "message": fault.message,
        "extensions": {
            "errorClass": "VALIDATION",
            "errorType": "developer_error",
            "inputPath": path,
        },
    }


_MUTATIONS: Final[Mapping[str, tuple[str, Callable[[Account, Plain, bool], Plain]]]] = {
    "chargePaymentMethod": (
        "transaction",
        lambda on, form, keyed: on.charge(form, capture=True, keyed=keyed),
    ),
    "authorizePaymentMethod": (
        "transaction",
        lambda on, form, keyed: on.charge(form, capture=False, keyed=keyed),
    ),
    "chargeCreditCard": (
        "transaction",
        lambda on, form, keyed: on.charge(form, capture=True, keyed=keyed),
    ),
    "authorizeCreditCard": (
        "transaction",
        lambda on, form, keyed: on.charge(form, capture=False, keyed=keyed),
    ),
    "captureTransaction": ("transaction", lambda on, form, _: on.capture(form)),
    "refundTransaction": ("refund", lambda on, form, _: on.refund(form)),
    "reverseTransaction": ("reversal", lambda on, form, _: on.reverse(form)),
    "createDisputeTextEvidence": ("evidence", lambda on, form, _: on.add_evidence(form)),
    "finalizeDispute": ("dispute", lambda on, form, _: on.end_dispute(form, "DISPUTED")),
    "createCustomer": ("customer", lambda on, form, _: on.make_customer(form)),
    "tokenizeCreditCard": ("paymentMethod", lambda on, form, _: on.tokenize(form)),
    "vaultPaymentMethod": ("paymentMethod", lambda on, form, _: on.vault(form)),
    "vaultCreditCard": ("paymentMethod", lambda on, form, _: on.vault(form)),
    "acceptDispute": ("dispute", lambda on, form, _: on.end_dispute(form, "ACCEPTED")),
}


def _lie(**changes: Callable[[str], str]) -> Callable[[Plain], None]:
    def lie(one: Plain) -> None:
        for name, change in changes.items():
            at = one if name == "orderId" else one["amount"]
            at[name] = change(at[name])

    return lie


_LIES: Final[Mapping[str, Callable[[Plain], None]]] = {
    "other_id": _lie(orderId=lambda _: "00000000-0000-4000-8000-000000000000"),
    "other_amount": _lie(value=lambda text: f"1{text}"),
    "other_currency": _lie(currencyCode=lambda _: "SEK"),
    "part": _lie(value=lambda text: text[1:]),
}


def _edges(nodes: list[Plain]) -> Plain:
    return {"edges": [{"node": node} for node in nodes]}


def _fits(one: Plain, wanted: Plain) -> bool:
    if "orderId" in wanted and not _fits_text(one.get("orderId") or "", wanted["orderId"]):
        return False
    if "status" in wanted and one["status"] not in wanted["status"]["in"]:
        return False
    if "createdAt" in wanted and one["createdAt"] < wanted["createdAt"]["greaterThanOrEqualTo"]:
        return False
    if "statusTransition" in wanted and one["status"] != "VOIDED":
        return False
    return all(_in(_days(one, name), wanted[name]) for name in _DAYS if name in wanted)


def _fits_text(text: str, wanted: Plain) -> bool:
    return text == wanted["is"] if "is" in wanted else text.startswith(wanted["startsWith"])


_DAYS: Final = ("disbursementDate", "receivedDate", "effectiveDate")


def _days(one: Plain, name: str) -> list[str]:
    if name == "disbursementDate":
        return [one["disbursementDetails"]["date"]] if one["disbursementDetails"] else []
    if name == "receivedDate":
        return [one["receivedDate"]]
    return [change["effectiveDate"] for change in one["statusHistory"]]


def _in(days: list[str], wanted: Plain) -> bool:
    return any(wanted["greaterThanOrEqualTo"] <= day <= wanted["lessThanOrEqualTo"] for day in days)


def signature(payload: bytes, *, private: str = PRIVATE, public: str = PUBLIC) -> str:
    key = sha1(private.encode(), usedforsecurity=False).digest()
    return f"{public}|{hmac.digest(key, payload, 'sha1').hex()}"


def notification(kind: str, about: Plain, at: float) -> bytes:
    """The notification as XML, with the ids of the older API."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    order = (about.get("transaction") or about).get("orderId") or ""
    name = about.get("object", "transaction")
    inner = f"<id>{escape(about['legacyId'])}</id>"
    if name == "refund":
        refunded = about["refundedTransaction"]["legacyId"]
        inner += f"<refunded-transaction-id>{refunded}</refunded-transaction-id>"
    if name == "dispute":
        charge = about["transaction"]["legacyId"]
        inner += f"<transaction><id>{charge}</id><order-id>{order}</order-id></transaction>"
    else:
        amount = about.get("amount") or {"value": "0.00", "currencyCode": "USD"}
        inner += f"<order-id>{escape(order)}</order-id>"
        inner += f"<status>{about.get('status', 'SETTLED').lower()}</status>"
        inner += f"<amount>{amount['value']}</amount>"
        inner += f"<currency-iso-code>{amount['currencyCode']}</currency-iso-code>"
        inner += (
            '<tax-amount nil="true"/><discount-amount nil="true"/><shipping-amount nil="true"/>'
        )
    subject = f"<{name}>{inner}</{name}>"
    return (
        f'<notification><timestamp type="datetime">{moment}</timestamp><kind>{kind}</kind>'
        f"<subject>{subject}</subject></notification>"
    ).encode()


def posted(xml: bytes, signed: str | None = None) -> Posted:
    payload = base64.encodebytes(xml)
    form = {"bt_signature": signed or signature(payload), "bt_payload": payload.decode()}
    return Posted(urlencode(form).encode(), {"content-type": "application/x-www-form-urlencoded"})
