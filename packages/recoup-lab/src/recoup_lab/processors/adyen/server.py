"""The stand-in's HTTP: JSON, idempotency as Adyen has it, reports as files, notices signed item by
item."""

import base64
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from aiohttp import web

from recoup.kernel.money import EXPONENTS
from recoup_lab.processors import bank_page
from recoup_lab.processors.adyen import published
from recoup_lab.processors.adyen.account import MERCHANT, Account, Plain, Refused
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.reports import money, report
from recoup_lab.processors.serving import Answered, Posted, Serving, as_json

KEY: Final = "AQEstandin0123456789"
# of a process for tests
SECRET: Final = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"  # noqa: S105
_MODIFY: Final = re.compile(r"/v72/payments/([A-Z0-9]+)/(captures|cancels|refunds|reversals)")
_DISPUTE: Final = re.compile(r"/ca/services/DisputeService/v30/(\w+)")
_REPORT: Final = re.compile(
    rf"/reports/download/MerchantAccount/{MERCHANT}/settlement_detail_report_batch_(\d+)\.csv"
)


class StandIn(Serving):
    """`keys`: each with the roles that it lacks, as parts of `METHOD /path`. One company
    account."""

    keys_kept_for = timedelta(days=7)

    def __init__(
        self,
        path: Path | str,
        *,
        faults: Faults | None = None,
        keys: Mapping[str, tuple[str, ...]] | None = None,
        secret: str = SECRET,
        notices_to: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(path, faults=faults, notices_to=notices_to, clock=clock)
        self.account = Account(self.book, clock)
        self.keys = dict(keys or {KEY: ()})
        self.secret = secret
        self.posted: list[Posted] = []  # all that were ever made

    def payer_page(self, request: web.Request, text: str) -> web.Response | None:
        folder, _, id = request.path.rpartition("/")
        if folder != "/checkoutshopper/threeDS2":
            return None
        waiting = self.book.get("redirect", id)
        if waiting is None or waiting["state"] not in ("waiting", "returned"):
            return bank_page.gone()
        if request.method != "POST":
            amount = waiting["form"]["amount"]
            return bank_page.form(f"{amount['value']} {amount['currency']}")
        url, result = self.account.authenticated(id, passed=bank_page.has_passed(text))
        return bank_page.back(url, redirectResult=result)

    def answer(self, request: web.Request, call: str, text: str) -> Answered:
        self.account.url = self.url
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key and (kept := self.book.answered(key, self.clock())):
            return Answered(kept[1], kept[2])  # whatever it says now: Adyen compares nothing
        said = self._authorised(request, call, text)
        if key and said.status in (200, 201, 422):
            self.book.keep(key, call, said.status, said.body, self.clock())
        return said

    @property
    def shown(self) -> str:
        return f"{self.url}  key {KEY}  merchant account {MERCHANT}  HMAC key {self.secret}"

    def refusal(self, kind: str) -> Answered | None:
        return _REFUSALS.get(kind)

    def broken(self, *, status: int) -> Answered:
        return _error(status, "905", "on demand", "internal")

    def lied(self, kind: str, said: Answered) -> Answered:
        plain = json.loads(said.body)
        return as_json(plain | _LIES[kind](plain), said.status)

    def while_running(self) -> Answered | None:
        return _REFUSALS["in_progress"]

    def _authorised(self, request: web.Request, call: str, text: str) -> Answered:
        key = request.headers.get("x-api-key", "")
        if key not in self.keys:
            return _error(401, "000", "HTTP Status Response - Unauthorized", "security")
        if any(one in call for one in self.keys[key]):
            return _error(403, "010", "Not allowed", "security")
        try:
            form = json.loads(text) if text else {}
        except ValueError:
            return _error(400, "702", "The request is no JSON")
        own = request.headers.get("idempotency-key", "")
        found = published.faults(request.method, request.path, form, key=own, query=request.query)
        self.refused += [f"{call}: {one.message}" for one in found]
        if found:
            return _error(*found[0], "security" if found[0].status == 403 else "validation")
        try:
            return self._do(request, form)
        except Refused as refused:
            return Answered(refused.status, json.dumps(refused.error))

    def _do(self, request: web.Request, form: Plain) -> Answered:
        path, account = request.path, self.account
        if request.method == "GET":
            return self._read(path, dict(request.query))
        if path == "/v72/payments":
            return as_json(account.pay(form))
        if path == "/v72/payments/details":
            return as_json(account.details(form))
        if path == "/v72/cancels":
            return as_json(account.cancel_reference(form), 201)
        if path == "/v72/paymentMethods":
            account.check_account(form)
            return as_json({"paymentMethods": [{"type": "scheme", "name": "Cards"}]}, 200)
        if path == "/v72/storedPaymentMethods":
            account.check_account(form)
            holder = str((form.get("paymentMethod") or {}).get("holderName"))
            stored = account.store(holder, str(form.get("shopperReference")))
            return as_json({"id": stored["id"], "shopperReference": stored["shopper"]}, 201)
        if found := _MODIFY.fullmatch(path):
            return as_json(account.modify(found[1], found[2], form), 201)
        if found := _DISPUTE.fullmatch(path):
            return as_json(account.dispute_call(found[1], form), 200)
        return _error(404, "000", "Not found")

    def _read(self, path: str, query: Plain) -> Answered:
        if path == "/v72/storedPaymentMethods":
            self.account.check_account(query)
            return as_json(self.account.stored_of(str(query.get("shopperReference"))), 200)
        found = _REPORT.fullmatch(path)
        lines = self.account.lines_of(int(found[1])) if found else []
        text = report("adyen", "settlement_detail_report", map(row_of, lines))
        return Answered(200, text, "text/csv") if lines else _error(404, "000", "Not found")

    def moved(self) -> Iterator[Plain]:
        return map(row_of, [*self.book.all("line")][::-1])

    def notices(self) -> list[Posted]:
        items, self.account.items = self.account.items, []
        events, self.account.events = self.account.events, []
        made = [batch([one], self.secret) for one in items] + [
            token_notice(event, self.secret) for event in events
        ]
        self.posted += made
        return made


def _error(status: int, code: str, message: str, type: str = "validation") -> Answered:
    return Answered(
        status,
        json.dumps({"status": status, "errorCode": code, "message": message, "errorType": type}),
    )


def signature(item: Plain, secret: str) -> str:
    """The signature over eight of the item's fields; the others are signed by nobody."""
    amount = item.get("amount") or {}
    names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
    fields = [str(item.get(name, "")) for name in names]
    fields += [
        str(amount.get("value", "")),
        str(amount.get("currency", "")),
        item["eventCode"],
        item["success"],
    ]
    return _mac(":".join(fields).encode(), secret)


def _mac(content: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(bytes.fromhex(secret), content, "sha256")).decode()


def batch(items: list[Plain], secret: str, *, live: bool = False) -> Posted:
    def signed(one: Plain) -> Plain:
        more = (one.get("additionalData") or {}) | {"hmacSignature": signature(one, secret)}
        return {"NotificationRequestItem": one | {"additionalData": more}}

    body = {"live": str(live).lower(), "notificationItems": [signed(one) for one in items]}
    return Posted(json.dumps(body).encode(), {"content-type": "application/json"})


def token_notice(event: Plain, secret: str) -> Posted:
    body = json.dumps(event).encode()
    return Posted(body, {"content-type": "application/json", "hmacsignature": _mac(body, secret)})


def row_of(one: Plain) -> Plain:
    """A line of the account's as its report has it. What is of the account has no gross amount."""
    at, currency = datetime.fromtimestamp(one["created"], UTC), one["currency"]
    places = _WIRE.get(currency, EXPONENTS[currency])
    gross, fee = (
        Decimal(one[name]).scaleb(-places)
        for name in ("gross" if one["payment"] else "net", "cost")
    )
    own = (
        {"gross_currency": currency} if one["payment"] else {"gross_debit": "", "gross_credit": ""}
    )
    return one | money(gross, fee, currency) | own | {"kind": one["type"], "at": f"{at:%F %T}"}


_WIRE: Final = {"CLP": 2, "ISK": 2, "CVE": 0, "IDR": 0}
_REFUSALS: Final = {
    "error_500": _error(500, "905", "on demand", "internal"),
    "too_many": _error(429, "000", "on demand"),
    "unauthorized": _error(401, "000", "on demand", "security"),
    "forbidden": _error(403, "010", "on demand", "security"),
    "in_progress": _error(422, "704", "request already processed or in progress"),
}


def _part(one: Plain) -> Plain:
    amount = one.get("amount") or {}
    less = amount | {"value": max(0, int(amount.get("value", 0)) - 100)}
    return {"resultCode": "PartiallyAuthorised", "amount": less} if amount else {}


def _more(one: Plain) -> Plain:
    amount = one.get("amount") or {}
    return {"amount": amount | {"value": int(amount.get("value", 0)) + 1}} if amount else {}


_LIES: Final[Mapping[str, Callable[[Plain], Plain]]] = {
    "other_id": lambda one: {"merchantReference": "00000000-0000-4000-8000-000000000000"},
    "other_amount": _more,
    "other_currency": lambda one: {"amount": (one.get("amount") or {}) | {"currency": "SEK"}},
    "part": _part,
}
