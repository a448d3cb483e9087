"""The stand-in's HTTP: forms with brackets, lists with `has_more`, idempotency as Stripe has it,
faults on demand."""

import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import BasicAuth, web

from recoup.kernel.money import EXPONENTS
from recoup_lab.processors import bank_page
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.reports import money
from recoup_lab.processors.serving import Answered, Posted, Serving, as_json
from recoup_lab.processors.stripe import published
from recoup_lab.processors.stripe.account import Account
from recoup_lab.processors.stripe.refusal import Plain, Refused, bad

KEY: Final = "rk_test_standin"
SECRET: Final = "whsec_standin"  # noqa: S105 - of a process for tests
_LISTS: Final = {
    "payment_intents": "payment_intent",
    "customers": "customer",
    "invoices": "invoice",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "events": "event",
    "charges": "charge",
    "webhook_endpoints": "webhook_endpoint",
    "payment_methods": "payment_method",
    "subscriptions": "subscription",
    "credit_notes": "credit_note",
}
_WIRE: Final = {"isk": 2, "ugx": 2, "mga": 0}  # decimals, where they differ from ISO 4217
_SOURCES: Final = ("charge", "refund", "dispute")
_COMPARED: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "gte": int.__ge__, "gt": int.__gt__, "lte": int.__le__, "lt": int.__lt__,
}  # fmt: skip


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
        if notices_to and notices_to not in {
            one["url"] for one in self.book.all("webhook_endpoint")
        }:
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
        pairs = parse_qsl(
            text if request.method == "POST" else request.query_string, keep_blank_values=True
        )
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        said = f"{call}\n{text}"
        if key and (kept := self.book.answered(key, self.clock())):
            if kept[0] != said:
                return _error(
                    400,
                    "idempotency_error",
                    None,
                    "Keys can only be used with the same parameters.",
                )
            return Answered(kept[1], kept[2])
        self._number += 1
        self.account.request = {"id": f"req_{self._number}", "idempotency_key": key}
        try:
            self._look_at(request, call, pairs, key or "")
            status, plain = 200, self._done(request, _nested(pairs), key, said)
        except Refused as refused:
            status, plain = refused.status, {"error": _worded(refused.error)}
        self.refused += published.differences(plain)
        return as_json(plain, status)

    def _look_at(
        self, request: web.Request, call: str, pairs: list[tuple[str, str]], idempotency_key: str
    ) -> None:
        """Raises: Refused, before anything is done: no such answer is kept under a key."""
        key = _key(request.headers.get("authorization", ""))
        if key not in self.keys:
            raise Refused(401, "invalid_request_error", None, "Invalid API Key provided")
        if any(one in call for one in self.keys[key]):
            raise Refused(
                403,
                "invalid_request_error",
                None,
                "The provided key does not have the required permissions",
            )
        if len(idempotency_key) > published.KEY_MAX:
            raise bad(None, f"Idempotency keys must be at most {published.KEY_MAX} characters.")
        kind = published.call_of(request.method, request.path)
        if kind not in published.CALLS:
            self.refused.append(f"{kind}: there is no such call")
        found = published.faults(kind, _nested(pairs))
        self.refused += [f"{kind}: {one.message}" for one in found]
        if found:
            raise bad(found[0].code, found[0].message, param=found[0].param)

    def _done(self, request: web.Request, form: Plain, key: str | None, said: str) -> Plain:
        """Raises: Refused."""
        try:
            plain = self._do(request.method, request.path.strip("/").split("/")[1:], form)
        except Refused as refused:
            if key and refused.error.get("code") != "resource_missing":
                self.book.keep(
                    key,
                    said,
                    refused.status,
                    json.dumps({"error": _worded(refused.error)}),
                    self.clock(),
                )
            raise
        if key:
            self.book.keep(key, said, 200, json.dumps(plain), self.clock())
        return plain

    def _do(self, method: str, path: list[str], form: Plain) -> Plain:
        kind = _LISTS.get(path[0] if path else "", "")
        if method == "GET" and kind and len(path) == 1:
            return self._list(kind, form, path[0])
        if method == "GET" and kind and len(path) == 2:
            return self._expanded(self.account.need(kind, path[1]), form)
        place = "/".join("{}" if number == 1 else part for number, part in enumerate(path))
        verb = _VERBS.get(f"{method} {place}")
        if verb is None:
            message = f"Unrecognized request URL ({method}: /v1/{'/'.join(path)})."
            raise Refused(404, "invalid_request_error", None, message)
        return self._expanded(verb(self.account, path[1] if len(path) > 1 else "", form), form)

    def _expanded(self, plain: Plain, form: Plain, prefix: str = "") -> Plain:
        """Expands what the call asks for."""
        found = published.shown(plain)
        for wanted in form.get("expand") or []:
            path = wanted.removeprefix(prefix).split(".")
            if not wanted.startswith(prefix) or not self._expand(found, path):
                raise bad(None, f"This property cannot be expanded ({wanted}).", param="expand")
        return found

    def _expand(self, plain: Plain, path: list[str]) -> bool:
        """Expands a property; False where there is none of that name."""
        name, *rest = path
        if name == "payments" and plain.get("object") == "invoice":
            plain[name] = self.account.payments_of(self.account.need("invoice", plain["id"]))
            return (
                not rest
                or rest[0] == "data"
                and all(self._expand(one, rest[1:]) for one in plain[name]["data"])
            )
        if name not in plain:
            return False
        if isinstance(plain[name], str):
            kind = next(
                (kind for kind in published.ANSWERS if self.book.get(kind, plain[name])), None
            )
            if kind is None:
                return False
            plain[name] = published.shown(self.account.need(kind, plain[name]))
        return not rest or plain[name] is None or self._expand(plain[name], rest)

    def _list(self, kind: str, form: Plain, path: str) -> Plain:
        limit, after, rows = int(form.get("limit", 10)), form.get("starting_after"), list[Plain]()
        if after is not None:
            self.account.need(kind, after, "starting_after")
        for one in self.book.all(kind):
            if after is not None:
                after = None if one["id"] == after else after
            elif _fits(one, form):
                rows.append(self._expanded(one, form, "data."))
                if len(rows) > limit:
                    break
        return {
            "object": "list",
            "data": rows[:limit],
            "has_more": len(rows) > limit,
            "url": f"/v1/{path}",
        }

    def moved(self) -> Iterator[Plain]:
        for one in [*self.book.all("balance_transaction")][::-1]:
            about = next(
                (found for kind in _SOURCES if (found := self.book.get(kind, one["source"]))), {}
            )
            places = _WIRE.get(one["currency"], EXPONENTS[one["currency"].upper()])
            gross, fee = (Decimal(one[name]).scaleb(-places) for name in ("amount", "fee"))
            more = {
                "charge": about.get("charge", one["source"]),
                "intent": about.get("payment_intent", ""),
            }
            at = f"{datetime.fromtimestamp(one['created'], UTC):%F %T}"
            yield (
                one
                | money(gross, fee, one["currency"])
                | more
                | {"kind": one["reporting_category"], "at": at}
            )

    def notices(self) -> list[Posted]:
        events, self.account.events = self.account.events, []
        return [Posted(json.dumps(event).encode(), {}) for event in events]

    def signed_anew(self, posted: Posted) -> Posted:
        return Posted(
            posted.body,
            {"stripe-signature": signature(posted.body, self.secret, int(self.clock()))},
        )


# The path without its version and its id.
_VERBS: Final[Mapping[str, Callable[[Account, str, Plain], Plain]]] = {
    "GET account": lambda *_: {"id": "acct_standin", "object": "account", "country": "US"},
    "POST webhook_endpoints": lambda account, _, form: account.make_endpoint(form),
    "POST customers": lambda account, _, form: account.make_customer(form),
    "POST payment_methods/{}/attach": lambda account, id, form: account.attach(id, form),
    "POST payment_methods/{}/detach": lambda account, id, _: account.detach(id),
    "POST payment_intents": lambda account, _, form: account.make_intent(form),
    "POST payment_intents/{}/confirm": lambda account, id, form: account.confirm(id, form),
    "POST payment_intents/{}/capture": lambda account, id, form: account.capture(id, form),
    "POST payment_intents/{}/cancel": lambda account, id, _: account.cancel(id),
    "POST refunds": lambda account, _, form: account.refund(form),
    "POST refunds/{}": lambda account, id, _: account.need("refund", id),
    "POST invoices": lambda account, _, form: account.draft_invoice(form),
    "POST invoiceitems": lambda account, _, form: account.make_item(form),
    "POST invoices/{}/finalize": lambda account, id, _: account.finalize(id),
    "POST invoices/{}": lambda account, id, form: account.change_invoice(id, form),
    "POST customers/{}": lambda account, id, form: account.change_customer(id, form),
    "POST subscriptions": lambda account, _, form: account.subscribe(form),
    "POST subscriptions/{}": lambda account, id, form: account.change_subscription(id, form),
    "DELETE subscriptions/{}": lambda account, id, _: account.end_subscription(id),
    "POST invoices/{}/void": lambda account, id, _: account.close_invoice(id, "void"),
    "POST invoices/{}/mark_uncollectible": lambda account, id, _: account.close_invoice(
        id, "uncollectible"
    ),
    "POST invoices/{}/pay": lambda account, id, form: account.pay_invoice(id, form),
    "POST credit_notes": lambda account, _, form: account.credit(form),
    "POST credit_notes/{}/void": lambda account, id, _: account.void_credit(id),
    "POST disputes/{}": lambda account, id, form: account.answer_dispute(id, form),
    "POST disputes/{}/close": lambda account, id, _: account.close_dispute(id),
}
_LIES: Final[Mapping[str, Callable[[Plain], Plain]]] = {
    "other_id": lambda one: {"metadata": {"recoup_id": "00000000-0000-4000-8000-000000000000"}},
    "other_amount": lambda one: {
        "amount": one.get("amount", 0) + 1,
        "amount_received": one.get("amount", 0) + 1,
    },
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
    return as_json({"error": Refused(status, type, code, message).error}, status)


def _worded(error: Plain) -> Plain:
    return {
        name: published.shown(one) if name == "payment_intent" else one
        for name, one in error.items()
    }


def _fits(one: Plain, form: Plain) -> bool:
    for name in ("customer", "payment_intent", "status", "collection_method", "type"):
        if name in form and one.get(name) != form[name]:
            return False
    if "types" in form and one.get("type") not in form["types"]:
        return False
    created = form.get("created") or {}
    return all(_COMPARED[how](int(one["created"]), int(limit)) for how, limit in created.items())


def _nested(pairs: list[tuple[str, str]]) -> Plain:
    """`a[b]=1`, `c[]=2` and `c[0]=2` as Stripe reads them. Raises: Refused for names that
    contradict each other."""
    form: Plain = {}
    for name, value in pairs:
        here, parts = form, name.replace("]", "").split("[")
        for number, part in enumerate(parts):
            part = part or str(len(here))  # `c[]`: the list's next
            is_last = number + 1 == len(parts)
            here[part] = value if is_last else here.get(part, {})
            here = here[part]
            if not is_last and (not isinstance(here, dict) or _mixed(here, parts[number + 1])):
                raise bad("parameter_invalid_hash", "Invalid object", param=name)
    return {name: _listed(value) for name, value in form.items()}


def _mixed(here: Plain, part: str) -> bool:
    """True when it would be a list and a hash at once."""
    return any(one.isdigit() != (part == "" or part.isdigit()) for one in here)


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        return [_listed(value[name]) for name in sorted(value, key=int)]
    return {name: _listed(one) for name, one in value.items()}
