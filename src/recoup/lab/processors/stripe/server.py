"""The stand-in's HTTP: forms with brackets, lists with `has_more`, idempotency as Stripe has it, faults on demand."""

import hmac
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import BasicAuth, web

from recoup.lab.processors import bank_page
from recoup.lab.processors.faults import Faults
from recoup.lab.processors.serving import Answered, Posted, Serving, as_json
from recoup.lab.processors.stripe.account import Account
from recoup.lab.processors.stripe.refusal import Plain, Refused

KEY: Final = "rk_test_standin"
SECRET: Final = "whsec_standin"  # noqa: S105 - of a process for tests
_LISTS: Final = {
    "payment_intents": "payment_intent", "customers": "customer", "invoices": "invoice", "refunds": "refund",
    "disputes": "dispute", "balance_transactions": "balance_transaction", "events": "event", "charges": "charge",
    "webhook_endpoints": "webhook_endpoint", "payment_methods": "payment_method", "subscriptions": "subscription",
}  # fmt: skip
_COMPARED: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "gte": int.__ge__, "gt": int.__gt__, "lte": int.__le__, "lt": int.__lt__,
}  # fmt: skip
_VALIDATION: Final = ("parameter_", "resource_missing")


class StandIn(Serving):
    """`keys`: each with the rights that it lacks, as parts of `METHOD /path`."""

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
        self._number = 0
        if notices_to and notices_to not in {one["url"] for one in self.book.all("webhook_endpoint")}:
            self.account.make_endpoint({"url": notices_to, "enabled_events": ["*"]})

    @property
    def shown(self) -> str:
        return f"{self.url}  key {KEY}  signing secret {self.secret}"

    def payer_page(self, request: web.Request, text: str) -> web.Response | None:
        kind, _, id = request.path.strip("/").partition("/")
        if kind != "authenticate":
            return None
        intent = self.book.get("payment_intent", id)
        redirect = ((intent or {}).get("next_action") or {}).get("redirect_to_url")
        if intent is None or redirect is None:
            return bank_page.gone()
        if request.method != "POST":
            return bank_page.form(f"{intent['amount']} {intent['currency'].upper()}")
        passed = bank_page.has_passed(text)
        self.account.request = {"id": None, "idempotency_key": None}
        self.account.authenticated(id, passed=passed)
        status = "succeeded" if passed else "failed"
        return bank_page.back(redirect["return_url"], payment_intent=id, redirect_status=status)

    def refusal(self, kind: str) -> Answered | None:
        refusals = {
            "error_500": (500, "api_error", None),
            "too_many": (429, "invalid_request_error", "rate_limit"),
            "unauthorized": (401, "invalid_request_error", None),
            "forbidden": (403, "invalid_request_error", None),
            "in_progress": (409, "idempotency_error", "idempotency_key_in_use"),
        }
        if kind not in refusals:
            return None
        status, type_, code = refusals[kind]
        return _error(status, type_, code, "on demand")

    def broken(self, *, status: int) -> Answered:
        return _error(status, "api_error", None, "on demand")

    def lied(self, kind: str, said: Answered) -> Answered:
        plain = json.loads(said.body)
        return as_json(plain | _LIES[kind](plain))

    def answer(self, request: web.Request, call: str, text: str) -> Answered:
        self.account.url = self.url
        form = _nested(parse_qsl(text if request.method == "POST" else request.query_string, keep_blank_values=True))
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        said = f"{call}\n{text}"
        if key and (kept := self.book.answered(key, self.clock())):
            if kept[0] != said:
                return _error(400, "idempotency_error", None, "Keys can only be used with the same parameters.")
            return Answered(kept[1], kept[2])
        self._number += 1
        self.account.request = {"id": f"req_{self._number}", "idempotency_key": key}
        status, body, _ = done = self._authorised(request, call, form)
        code = (json.loads(body).get("error") or {}).get("code") or "" if status >= 400 else ""
        if key and status not in (401, 403, 429) and not code.startswith(_VALIDATION):
            self.book.keep(key, said, status, body, self.clock())
        return done

    def _authorised(self, request: web.Request, call: str, form: Plain) -> Answered:
        key = _key(request.headers.get("authorization", ""))
        if key not in self.keys:
            return _error(401, "invalid_request_error", None, "Invalid API Key provided")
        if any(one in call for one in self.keys[key]):
            return _error(403, "invalid_request_error", None, "The provided key does not have the required permissions")
        try:
            return as_json(self._do(request.method, request.path.strip("/").split("/")[1:], form))
        except Refused as refused:
            return as_json({"error": refused.error}, refused.status)

    def _do(self, method: str, path: list[str], form: Plain) -> Plain:
        kind = _LISTS.get(path[0] if path else "", "")
        if method == "GET" and kind and len(path) == 1:
            return self._list(kind, form)
        if method == "GET" and kind and len(path) == 2:
            return self._expanded(self.account.need(kind, path[1]), form)
        verb = _VERBS.get("/".join("{}" if number == 1 else part for number, part in enumerate(path)))
        if method != "POST" or verb is None:
            raise Refused(404, "invalid_request_error", "resource_missing", "Unrecognized request URL")
        return self._expanded(verb(self.account, path[1] if len(path) > 1 else "", form), form)

    def _expanded(self, plain: Plain, form: Plain) -> Plain:
        wanted = form.get("expand") or []
        if plain["object"] == "payment_intent" and "latest_charge" in wanted and plain["latest_charge"]:
            return plain | {"latest_charge": self.book.get("charge", plain["latest_charge"])}
        if plain["object"] == "balance_transaction" and "data.source" in wanted:
            kinds = {"charge": "charge", "refund": "refund", "refund_failure": "refund", "adjustment": "dispute"}
            return plain | {"source": self.book.get(kinds[plain["type"]], plain["source"])}
        if plain["object"] == "invoice":
            rows = [
                {
                    "object": "invoice_payment",
                    "status": one["status"],
                    "payment": {
                        "type": "payment_intent",
                        "payment_intent": self.book.get("payment_intent", one["intent"]),
                    },
                }
                for one in plain["payments"]
            ]
            return plain | {"payments": {"object": "list", "data": rows, "has_more": False}}
        return plain

    def _list(self, kind: str, form: Plain) -> Plain:
        limit, after, rows = int(form.get("limit", 10)), form.get("starting_after"), list[Plain]()
        for one in self.book.all(kind):
            if after is not None:
                after = None if one["id"] == after else after
            elif _fits(one, form):
                rows.append(self._expanded(one, form))
                if len(rows) > limit:
                    break
        return {"object": "list", "data": rows[:limit], "has_more": len(rows) > limit, "url": f"/v1/{kind}s"}

    def notices(self) -> list[Posted]:
        events, self.account.events = self.account.events, []
        return [Posted(json.dumps(event).encode(), {}) for event in events]

    def signed_anew(self, posted: Posted) -> Posted:
        return Posted(posted.body, {"stripe-signature": signature(posted.body, self.secret, int(self.clock()))})


# A path without its version, its id left out.
_VERBS: Final[Mapping[str, Callable[[Account, str, Plain], Plain]]] = {
    "webhook_endpoints": lambda account, _, form: account.make_endpoint(form),
    "customers": lambda account, _, form: account.make_customer(form),
    "payment_methods/{}/attach": lambda account, id, form: account.attach(id, form),
    "payment_methods/{}/detach": lambda account, id, _: account.detach(id),
    "payment_intents": lambda account, _, form: account.make_intent(form),
    "payment_intents/{}/confirm": lambda account, id, form: account.confirm(id, form),
    "payment_intents/{}/capture": lambda account, id, form: account.capture(id, form),
    "payment_intents/{}/cancel": lambda account, id, _: account.cancel(id),
    "refunds": lambda account, _, form: account.refund(form),
    "refunds/{}": lambda account, id, _: account.need("refund", id),
    "invoices": lambda account, _, form: account.make_invoice(form),
    "invoices/{}": lambda account, id, form: account.change_invoice(id, form),
    "customers/{}": lambda account, id, form: account.change_customer(id, form),
    "subscriptions": lambda account, _, form: account.make_subscription(form),
    "subscriptions/{}/cancel": lambda account, id, _: account.end_subscription(id),
    "invoices/{}/void": lambda account, id, _: account.close_invoice(id, "void"),
    "invoices/{}/mark_uncollectible": lambda account, id, _: account.close_invoice(id, "uncollectible"),
    "invoices/{}/pay": lambda account, id, form: account.pay_invoice(id, form),
    "disputes/{}": lambda account, id, form: account.answer_dispute(id, form),
    "disputes/{}/close": lambda account, id, _: account.close_dispute(id),
}
_LIES: Final[Mapping[str, Callable[[Plain], Plain]]] = {
    "other_id": lambda one: {"metadata": {"recoup_id": "00000000-0000-4000-8000-000000000000"}},
    "other_amount": lambda one: {"amount": one.get("amount", 0) + 1, "amount_received": one.get("amount", 0) + 1},
    "other_currency": lambda one: {"currency": "sek"},
    "part": lambda one: {"amount_received": max(0, one.get("amount", 0) - 100)},
}


def signature(body: bytes, secret: str, at: int) -> str:
    return f"t={at},v1={hmac.digest(secret.encode(), f'{at}.'.encode() + body, 'sha256').hex()}"


def _key(authorization: str) -> str:
    """Stripe takes it as a bearer token or as a user name."""
    kind, _, value = authorization.partition(" ")
    if kind == "Bearer":
        return value
    try:
        return str(BasicAuth.decode(authorization).login)
    except ValueError:
        return ""


def _error(status: int, type: str, code: str | None, message: str) -> Answered:
    return as_json({"error": {"type": type, "code": code, "message": message}}, status)


def _fits(one: Plain, form: Plain) -> bool:
    for name in ("customer", "payment_intent", "status", "collection_method", "type"):
        if name in form and one.get(name) != form[name]:
            return False
    if "types" in form and one.get("type") not in form["types"]:
        return False
    created = form.get("created") or {}
    return all(_COMPARED[how](int(one["created"]), int(limit)) for how, limit in created.items())


def _nested(pairs: list[tuple[str, str]]) -> Plain:
    """`a[b]=1`, `c[]=2` and `c[0]=2` as Stripe reads them."""
    form: Plain = {}
    for name, value in pairs:
        parts = ["" if one.isdigit() else one for one in name.replace("]", "").split("[")]
        here: Any = form
        for part in parts[:-1]:
            here = here.setdefault(part, [] if parts[-1] == "" and part == parts[-2] else {})
        if isinstance(here, list):
            here.append(value)
        else:
            here[parts[-1]] = value
    return form
