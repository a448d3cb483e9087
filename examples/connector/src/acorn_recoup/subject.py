"""Acorn's connector before a stand-in of Acorn, as the conformance kit needs it."""

import json
from typing import Any

from aiohttp import web

from acorn_recoup.connector import Acorn
from recoup.processors.gateways.credential import Credential, Stored
from recoup.processors.gateways.kinds import Connection
from recoup.processors.gateways.port import Processor
from recoup_lab.conformance.subject import Scenario
from recoup_lab.conformance.vendor import VendorSubject
from recoup_lab.processors.serving import Answered, Serving, as_json

KEY = "test_0123456789abcdef"
# What Acorn's test methods are declined with: its code, and the network's.
METHODS = {
    "m_declined": ("insufficient_funds", "51"),
    "m_lost_card": ("lost_card", "41"),
    "m_no_codes": ("declined", None),
    "m_sca": ("payer_wanted", "1A"),
    "m_blocked": ("blocked", None),
    "m_gone": ("no_such_method", None),
}


class StandIn(Serving):
    def answer(self, request: web.Request, call: str, text: str) -> Answered:
        asked = json.loads(text or "{}")
        if request.path.startswith("/orders/"):
            order = request.path.split("/")[2]
            return as_json([one for one in self.book.all("message") if one["order"] == order])
        known = self.book.get("message", asked.get("id") or request.path.rpartition("/")[2])
        if known is None and asked:
            code, network_code = self._done(request.path.split("/")[2:], asked)
            said = {
                "state": "declined" if code else "approved",
                "code": code,
                "network_code": network_code,
            }
            names = {
                "reference": f"ref-{asked['id']}",
                "network_id": None if code else "900000000000001",
            }
            known = self.book.put({"object": "message", **asked, **said, **names})
        return as_json(known or {}, 200 if known else 404)

    def _done(self, path: list[str], asked: dict[str, Any]) -> tuple[str | None, str | None]:
        """Acorn's code, None where it is done, and the network's."""
        units = asked["amount"]
        if not path and asked["method"] in METHODS:
            return METHODS[asked["method"]]
        if not path:
            held, captured = (0, units) if asked["capture"] else (units, 0)
            charge = {"object": "charge", "id": f"charge-{asked['id']}", "amount": units}
            self.book.put(charge | {"held": held, "captured": captured})
            return None, "00"
        charge = self.book.get("charge", f"charge-{path[0]}") or {"held": 0, "captured": 0}
        left = charge["captured" if path[1] == "refund" else "held"]
        if units > left or path[1] == "void" and units != left:
            return "not_possible", None
        captured = {"refund": left - units, "capture": units, "void": 0}[path[1]]
        self.book.put(charge | {"held": 0, "captured": captured})
        return None, None

    def refusal(self, kind: str) -> Answered | None:
        status = {"too_many": 429, "unauthorized": 401, "error_500": 500}.get(kind)
        return as_json({"error": kind}, status) if status else None

    def broken(self, *, status: int) -> Answered:
        return as_json({"error": "on demand"}, status)

    def lied(self, kind: str, said: Answered) -> Answered:
        lies = {"other_id": {"id": "0" * 32}, "other_currency": {"currency": "SEK"}}
        return as_json(json.loads(said.body) | lies.get(kind, {"amount": 1}))


class AcornSubject(VendorSubject[StandIn]):
    kind, server, secrets = "acorn", StandIn, (KEY,)
    paths = {"charge": "POST /charges", "first": "POST /charges", "modify": "/refund"}
    amounts = {"USD": (4590, 4590), "JPY": (500, 500), "BHD": (12345, 12345)}
    golden = {
        "declined": {
            "scheme_code": "51",
            "processor_code": "insufficient_funds",
            "processor_advice": None,
        }
    }
    unlike = {27: "it passes no network's advice on"}

    def _make(self, url: str) -> Processor:
        return Acorn(url, KEY, "acorn", "", self.clocks)

    def credential(self, scenario: Scenario) -> Credential:
        return Stored("acorn", f"m_{scenario}", None, "visa")

    def taken(self) -> int:
        return self.standin.book.count("charge")

    def wire_amounts(self) -> list[int]:
        return [one["amount"] for one in self.standin.book.all("charge")][::-1]

    def live_connection(self) -> Connection:
        return Connection("acorn", key="live_0123456789abcdef", world="sandbox")
