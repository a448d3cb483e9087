"""A bridge that stands for an operator's: the wire of docs/processors.md over its own book, with
faults on demand. What a charge hears is named by its `agreement`."""

import asyncio
import hmac
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from recoup_lab.processors import bank_page
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.spoil import QUIET, cut, streamed

SECRET: Final = "a-secret-of-both-sides-0123456789abcdef"  # noqa: S105 - of a process for tests
Plain = dict[str, Any]
DECLINES: Final[Mapping[str, Plain]] = MappingProxyType(
    {
        "declined": {
            "schemeCode": "51",
            "processorCode": "2001",
            "processorAdvice": "later",
            "cvv": "M",
        },
        "lost_card": {"schemeCode": "41", "processorCode": "2012"},
        "no_codes": {},
        "advice": {"schemeCode": "05", "adviceCode": "03"},
        "sca": {"schemeCode": "1A", "scaWanted": True},
        "blocked": {"reachedNetwork": False, "processorCode": "blocked"},
        "gone": {"fault": "credential", "credentialNews": {"closed": True}},
    }
)
_LISTED: Final = re.compile(r"/orders/([0-9a-f-]{36})/messages$")
_REFUSED: Final = {"too_many": "rate", "unauthorized": "account"}


class BridgeStandIn:
    """Make it inside a running loop."""

    def __init__(self, faults: Faults) -> None:
        self.faults, self.calls = faults, list[str]()
        self.charges: dict[str, Plain] = {}
        self.messages: dict[str, Plain] = {}
        self.done: dict[str, tuple[str, Plain]] = {}  # by id: of which order, and what was answered
        self.waiting: dict[str, Plain] = {}  # for their payers
        self.results: dict[str, str] = {}  # that the bank came to
        self.page = ""  # in place of its own, where it lies
        self.lists = True  # what it has of an order; a bridge of before does not
        self.guarded = set[str]()  # card numbers whose bank wants its customer to confirm
        self.url = ""

    async def start(self) -> "BridgeStandIn":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None, logger=QUIET)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/pay"
        return self

    def forget(self) -> None:
        """The memory of ids; the book stays."""
        self.messages = {id: said for id, said in self.messages.items() if id in self.waiting}

    def _of_order(self, order: str) -> Plain:
        found = [
            self.messages.get(id, said) | {"id": id}
            for id, (of, said) in self.done.items()
            if of == order
        ]
        return {"id": order, "messages": found}

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        call = f"{request.method} {request.path}"
        body = await request.read()
        if request.path.startswith("/bank/"):
            return self._bank(request.method, request.path.rpartition("/")[2], body.decode())
        self.calls.append(call)
        signed = (
            f"{request.headers['x-recoup-timestamp']}.{request.method} {request.path}.".encode()
            + body
        )
        if (
            request.headers["x-recoup-signature"]
            != hmac.digest(SECRET.encode(), signed, "sha256").hex()
        ):
            return web.json_response({}, status=401)
        if (order := _LISTED.search(request.path)) is not None:
            if not self.lists:
                return web.Response(status=404)
            return web.json_response(self._of_order(order[1]))
        fault = self.faults.of(call)
        kind = fault.kind if fault is not None else ""
        message = json.loads(body) if body else {"id": request.path.rpartition("/")[2]}
        if kind == "never":
            cut(request)
        if kind == "redirect":
            raise web.HTTPTemporaryRedirect("/pay/elsewhere")
        if kind == "error_500":
            return web.Response(status=500)
        if kind in _REFUSED:
            return web.json_response(
                {"id": message["id"], "state": "not_processed", "fault": _REFUSED[kind]}
            )
        answer = self._answer(request.path.rpartition("/")[2] if body else "", message) | {
            "id": message["id"]
        }
        if kind == "late" and fault is not None:
            await asyncio.sleep(fault.seconds)
        return await _spoiled(kind, request, answer)

    def _answer(self, path: str, message: Plain) -> Plain:
        id = message["id"]
        if not path:
            return self.messages.get(id, {"state": "not_found"})
        if path in ("finish", "withdraw"):
            return self._finished(path, message)
        if id not in self.messages:
            done = {"charges": self._charged, "authentications": self._begun}.get(
                path, self._modified
            )
            charge = self.charges.get(message.get("chargeId", ""), {})
            self.messages[id] = done(message)
            self.done[id] = (message.get("orderId") or charge.get("orderId", ""), self.messages[id])
        return self.messages[id]

    def _begun(self, message: Plain) -> Plain:
        """A payer at hand is sent to the bank where that was asked for, or the card wants it."""
        guarded = (message.get("card") or {}).get("number") in self.guarded
        if not message["authenticate"] and message["agreement"] != "sca" and not guarded:
            return self._charged(message)
        self.waiting[message["id"]] = message
        page = self.page or f"{self.url.removesuffix('/pay')}/bank/{message['id']}"
        return {
            "state": "awaiting_payer",
            "redirectUrl": page,
            "reference": f"ref-{message['id'][-6:]}",
        }

    def _bank(self, method: str, id: str, text: str) -> web.Response:
        message = self.waiting.get(id)
        if message is None:
            return bank_page.gone()
        if method != "POST":
            return bank_page.form(f"{message['amount']} {message['currency']}")
        self.results[id] = "passed" if bank_page.has_passed(text) else "failed"
        return bank_page.back(message["returnUrl"], result=f"{id}.{self.results[id]}")

    def _finished(self, verb: str, message: Plain) -> Plain:
        """Compares what the browser brought back with what the bank said; it charges nothing by
        itself."""
        id = message["id"]
        begun = self.waiting.get(id)
        if begun is None or self.messages[id]["state"] != "awaiting_payer":
            return self.messages.get(id, {"state": "not_found"})
        passed = self.results.get(id) == "passed" and f"{id}.passed" in message.get("returned", "")
        if verb == "finish" and id not in self.results:
            return self.messages[id]
        if verb == "finish" and passed:
            self.messages[id] = self._charged(begun | {"agreement": None, "confirmed": True})
        else:
            refused = {"schemeCode": None, "scaWanted": True, "reachedNetwork": False}
            self.messages[id] = {
                "state": "declined",
                "reference": self.messages[id]["reference"],
            } | refused
        return self.messages[id]

    def _charged(self, message: Plain) -> Plain:
        guarded = (message.get("card") or {}).get(
            "number"
        ) in self.guarded and "confirmed" not in message
        decline = DECLINES.get("sca" if guarded else message["agreement"])
        if decline is not None:
            return {"state": "declined", "reference": f"ref-{message['id'][-6:]}"} | decline
        captured = message["amount"] if message["capture"] else 0
        parts = [captured] if captured else []
        self.charges[message["id"]] = message | {
            "captured": captured,
            "refunded": 0,
            "closed": False,
            "parts": parts,
        }
        return {
            "state": "approved",
            "reference": f"ref-{message['id'][-6:]}",
            "schemeCode": "00",
            "amount": message["amount"],
            "currency": message["currency"],
            "networkTransactionId": "012345678901234",
            "reachedNetwork": True,
        }

    def _modified(self, message: Plain) -> Plain:
        charge = self.charges.get(message["chargeId"])
        units, kind = message["amount"], message["kind"]
        if charge is None:
            return {"state": "declined", "processorCode": "no_such_charge"}
        left = charge["captured"] - charge["refunded"]
        held = 0 if charge["capture"] or charge["closed"] else charge["amount"] - charge["captured"]
        if not (
            units <= left
            if kind == "refund"
            else units == held
            if kind == "void"
            else units <= held
        ):
            return {"state": "declined", "processorCode": "not_possible"}
        charge["refunded"] += units if kind == "refund" else 0
        if kind == "capture":
            charge["captured"] += units
            charge["parts"].append(units)
        charge["closed"] = (
            charge["closed"] or kind == "void" or kind == "capture" and message["finalPart"]
        )
        return {
            "state": "approved",
            "amount": units,
            "currency": message["currency"],
            "reference": "done",
        }


async def _spoiled(kind: str, request: web.Request, answer: Plain) -> web.StreamResponse:
    if kind == "lost":
        cut(request)
    if kind in ("cut", "endless"):
        return await streamed(request, json.dumps(answer), endless=kind == "endless")
    if kind == "html":
        return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
    if kind in ("error_200", "saved_500"):
        return web.json_response({"error": "on demand"}, status=200 if kind == "error_200" else 500)
    lies: dict[str, Plain] = {
        "other_id": {"id": "00000000-0000-4000-8000-000000000000"},
        "other_amount": {"amount": answer.get("amount", 0) + 1},
        "other_currency": {"currency": "SEK"},
        "part": {"amount": answer.get("amount", 0) - 100},
    }
    return web.json_response(answer | lies.get(kind, {}))
