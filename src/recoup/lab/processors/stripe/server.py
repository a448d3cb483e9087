"""The stand-in's HTTP: forms with brackets, lists with `has_more`, idempotency as Stripe has it, faults on demand."""

import asyncio
import hmac
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from recoup.lab.processors.faults import Fault, Faults
from recoup.lab.processors.spoil import QUIET, cut, streamed
from recoup.lab.processors.stripe.account import Account, Plain, Refused
from recoup.lab.processors.stripe.book import Book

KEY: Final = "rk_test_standin"
SECRET: Final = "whsec_standin"  # noqa: S105 - of a process for tests
NOTICE_TRIES: Final = 3
_LISTS: Final = {
    "payment_intents": "payment_intent", "customers": "customer", "invoices": "invoice", "refunds": "refund",
    "disputes": "dispute", "balance_transactions": "balance_transaction", "events": "event", "charges": "charge",
    "payment_methods": "payment_method", "subscriptions": "subscription",
}  # fmt: skip
_COMPARED: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "gte": int.__ge__, "gt": int.__gt__, "lte": int.__le__, "lt": int.__lt__,
}  # fmt: skip
_VALIDATION: Final = ("parameter_", "resource_missing")


class StandIn:
    """Make it inside a running loop. `keys`: each with the rights that it lacks, as parts of `METHOD /path`."""

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
        self.book, self._clock = Book(path), clock
        self.account = Account(self.book, clock)
        self.faults = faults or Faults()
        self.keys = dict(keys or {KEY: ()})
        self.secret, self.notices_to = secret, notices_to
        self.calls: list[str] = []
        self.url = ""
        self._number = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> "StandIn":
        app = web.Application(client_max_size=1_048_576)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None, logger=QUIET)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        for task in self._sending:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        self.book.close()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        call = f"{request.method} {request.path}"
        self.calls.append(call)
        fault = self.faults.of(call)
        text = (await request.read()).decode()
        if fault is not None and (early := self._instead(fault, request)) is not None:
            return early
        form = _nested(parse_qsl(text if request.method == "POST" else request.query_string, keep_blank_values=True))
        status, body = self._once(request, call, text, form)
        self._send_notices(doubled=fault is not None and fault.kind == "doubled")
        return await self._spoiled(fault, request, status, body)

    def _instead(self, fault: Fault, request: web.Request) -> web.StreamResponse | None:
        """What is answered in place of doing it."""
        refusals = {
            "error_500": (500, "api_error", None),
            "too_many": (429, "invalid_request_error", "rate_limit"),
            "unauthorized": (401, "invalid_request_error", None),
            "forbidden": (403, "invalid_request_error", None),
            "in_progress": (409, "idempotency_error", "idempotency_key_in_use"),
        }
        if fault.kind == "never":
            cut(request)
        if fault.kind == "redirect":
            raise web.HTTPTemporaryRedirect(f"{self.url}/elsewhere")
        if fault.kind in refusals:
            status, type_, code = refusals[fault.kind]
            return web.json_response({"error": {"type": type_, "code": code, "message": "on demand"}}, status=status)
        return None

    async def _spoiled(self, fault: Fault | None, request: web.Request, status: int, body: str) -> web.StreamResponse:
        """The answer's way back."""
        kind = fault.kind if fault is not None else ""
        if kind == "late" and fault is not None:
            await asyncio.sleep(fault.seconds)
        if kind == "lost":
            cut(request)
        if kind == "html":
            return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
        if kind == "error_200":
            return web.json_response({"error": {"type": "api_error", "message": "on demand"}})
        if kind == "saved_500":
            return web.json_response({"error": {"type": "api_error", "message": "on demand"}}, status=500)
        if kind in ("cut", "endless"):
            return await streamed(request, body, endless=kind == "endless")
        if kind in _LIES and status == 200:
            body = json.dumps(json.loads(body) | _LIES[kind](json.loads(body)))
        return web.Response(text=body, status=status, content_type="application/json")

    def _once(self, request: web.Request, call: str, text: str, form: Plain) -> tuple[int, str]:
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        said = f"{call}\n{text}"
        if key and (kept := self.book.answered(key, self._clock())):
            if kept[0] != said:
                return _error(400, "idempotency_error", None, "Keys can only be used with the same parameters.")
            return kept[1], kept[2]
        self._number += 1
        self.account.request = {"id": f"req_{self._number}", "idempotency_key": key}
        self.book.begin()
        try:
            status, body = self._authorised(request, call, form)
            code = (json.loads(body).get("error") or {}).get("code") or "" if status >= 400 else ""
            if key and status not in (401, 403, 429) and not code.startswith(_VALIDATION):
                self.book.keep(key, said, status, body, self._clock())
        except BaseException:
            self.book.undo()
            raise
        self.book.done()
        return status, body

    def _authorised(self, request: web.Request, call: str, form: Plain) -> tuple[int, str]:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.keys:
            return _error(401, "invalid_request_error", None, "Invalid API Key provided")
        if any(one in call for one in self.keys[key]):
            return _error(403, "invalid_request_error", None, "The provided key does not have the required permissions")
        try:
            return 200, json.dumps(self._do(request.method, request.path.strip("/").split("/")[1:], form))
        except Refused as refused:
            return refused.status, json.dumps({"error": refused.error})

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

    def _send_notices(self, *, doubled: bool) -> None:
        events, self.account.events = self.account.events, []
        if not self.notices_to:
            return
        for event in events * (2 if doubled else 1):
            task = asyncio.get_running_loop().create_task(self._notify(json.dumps(event).encode()))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _notify(self, body: bytes) -> None:
        async with ClientSession(timeout=ClientTimeout(5)) as session:
            for number in range(NOTICE_TRIES):
                headers = {"stripe-signature": signature(body, self.secret, int(self._clock()))}
                try:
                    async with session.post(self.notices_to, data=body, headers=headers) as response:
                        if response.status < 300:
                            return
                except (ClientError, TimeoutError):
                    pass
                await asyncio.sleep(0.2 * 2**number)


# A path without its version, its id left out.
_VERBS: Final[Mapping[str, Callable[[Account, str, Plain], Plain]]] = {
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


def _error(status: int, type: str, code: str | None, message: str) -> tuple[int, str]:
    return status, json.dumps({"error": {"type": type, "code": code, "message": message}})


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
