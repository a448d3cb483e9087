"""The stand-in's HTTP: form posts answered with forms, questions answered with XML, signed events.
It knows no idempotency, but duplicates of the same card and amount."""

import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

from aiohttp import web

from recoup_lab.processors.faults import Faults
from recoup_lab.processors.nmi import published
from recoup_lab.processors.nmi.account import Account, Plain, Refused
from recoup_lab.processors.nmi.cards import Answer
from recoup_lab.processors.reports import money
from recoup_lab.processors.serving import Answered, Posted, Serving

KEY: Final = "standin-security-key-0123456789"
SECRET: Final = "STANDINSIGNINGKEY"  # noqa: S105 - of a process for tests
_FORM: Final = "text/html"  # as the vendor calls it
OTHER_ID: Final = "00000000-0000-4000-8000-000000000000"


class StandIn(Serving):
    def __init__(
        self,
        path: Path | str,
        *,
        faults: Faults | None = None,
        notices_to: str = "",
        settles_after: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(path, faults=faults, notices_to=notices_to, clock=clock)
        self.account = Account(self.book, clock, settles_after=settles_after)

    async def start(self, port: int = 0) -> "StandIn":
        await super().start(port)
        return self

    @property
    def address(self) -> str:
        return f"{self.url}/api"

    @property
    def shown(self) -> str:
        return f"{self.address}  key {KEY}  signing secret {SECRET}"

    def named(self, request: web.Request, text: str) -> str:
        form = dict(parse_qsl(text))
        return (
            f"{super().named(request, text)} {form.get('type') or form.get('customer_vault', '')}"
        ).strip()

    def refusal(self, kind: str) -> Answered | None:
        errors = {
            "too_many": (200, "Rate limit exceeded REFID:0", "301"),
            "unauthorized": (200, "Authentication Failed", "300"),
            "forbidden": (200, "Authentication Failed: no permission", "300"),
            "in_progress": (200, "Duplicate transaction at processor", "430"),
            "error_500": (500, "Internal error", "300"),
        }
        if kind not in errors:
            return None
        status, text, code = errors[kind]
        return _form("3", code, text, status=status)

    def broken(self, *, status: int) -> Answered:
        return Answered(status, "error=on+demand", _FORM)

    def lied(self, kind: str, answered: Answered) -> Answered:
        body = answered.body
        for pattern, other in _LIES[kind]:
            body = re.sub(pattern, other, body)
        return answered._replace(body=body)

    def answer(self, request: web.Request, call: str, text: str) -> Answered:
        self.account.advance()
        form = dict(parse_qsl(text, keep_blank_values=True))
        asks = request.path.endswith("query.php")
        if form.get("security_key") != KEY:
            refused = "<nm_response><error_response>Invalid key</error_response></nm_response>"
            return (
                Answered(200, refused, "text/xml")
                if asks
                else _form("3", "300", "Authentication Failed")
            )
        if not (asks or request.path.endswith("transact.php")):
            return Answered(404, "not here", _FORM)
        found = published.faults(form, asks=asks)
        self.refused += [f"{call}: {one}" for one in found]
        if found and asks:
            return Answered(
                200,
                f"<nm_response><error_response>{found[0]}</error_response></nm_response>",
                "text/xml",
            )
        if found:
            return _form("3", "300", f"{found[0]} REFID:10", orderid=form.get("orderid", ""))
        return Answered(200, self._found(form), "text/xml") if asks else self._transacted(form)

    def _transacted(self, form: Plain) -> Answered:
        try:
            if "type" not in form:
                vault, said = self.account.keep_customer(form)
                return _form("1", "100", said, customer_vault_id=vault["id"])
            one, answer = _TYPES[form["type"]](self.account, form)
        except Refused as refused:
            return _form("3", refused.code, refused.text, orderid=form.get("orderid", ""))
        more = {
            "authcode": "A1B2C3" if answer.response == "1" else "",
            "transactionid": one["id"],
            "avsresponse": "Y",
            "cvvresponse": "M",
            "orderid": form.get("orderid", one["order_id"]),
            "type": form["type"],
            "customer_vault_id": one["vault"],
        }
        return _form(answer.response, answer.code, answer.text, **more)

    def _found(self, form: Plain) -> str:
        if form.get("report_type") == "customer_vault":
            vault = self.book.get("vault", form.get("customer_vault_id", ""))
            inner = (
                "" if vault is None else f'<customer id="{vault["id"]}">{_vault(vault)}</customer>'
            )
            return f"<nm_response><customer_vault>{inner}</customer_vault></nm_response>"
        found = [one for one in self.book.all("transaction") if _fits(one, form)]
        size, number = int(form.get("result_limit", 100)), int(form.get("page_number", 0))
        inner = "".join(_transaction(one) for one in found[size * number : size * (number + 1)])
        return f'<?xml version="1.0" encoding="UTF-8"?><nm_response>{inner}</nm_response>'

    def moved(self) -> Iterator[Plain]:
        self.account.advance()
        for one in [*self.book.all("transaction")][::-1]:
            for action in one["actions"]:
                back = -1 if one["actions"][0]["action_type"] == "refund" else 1
                amounts = money(back * Decimal(action["amount"]), Decimal(0), one["currency"])
                yield one | action | amounts | {"kind": action["action_type"]}

    def notices(self) -> list[Posted]:
        found, self.account.events = self.account.events, []
        number = self.book.count("event")
        posted = list[Posted]()
        for type, about in found:
            number += 1
            self.book.put({"id": f"event {number}", "object": "event"})
            posted.append(Posted(event(f"00000000-0000-4000-9000-{number:012d}", type, about), {}))
        return posted

    def signed_anew(self, posted: Posted) -> Posted:
        return Posted(posted.body, {"webhook-signature": signature(posted.body)})


_TYPES: Final[Mapping[str, Callable[[Account, Plain], tuple[Plain, Answer]]]] = {
    "sale": Account.sell, "auth": Account.sell, "capture": Account.capture, "void": Account.void,
    "refund": Account.refund,
}  # fmt: skip
_LIES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "other_id": (
        (r"orderid=[^&]*", f"orderid={OTHER_ID}"),
        (r"<order_id>[^<]*", f"<order_id>{OTHER_ID}"),
    ),
    "other_amount": ((r"<amount>", "<amount>1"),),
    "other_currency": ((r"<currency>[^<]*", "<currency>SEK"),),
    "part": ((r"<amount>\d", "<amount>"),),
}


def _form(response: str, code: str, text: str, *, status: int = 200, **more: str) -> Answered:
    return Answered(
        status,
        urlencode({"response": response, "responsetext": text, **more, "response_code": code}),
        _FORM,
    )


def _fits(one: Plain, form: Plain) -> bool:
    if "order_id" in form and one["order_id"] != form["order_id"]:
        return False
    if "order_description" in form and one["description"] != form["order_description"]:
        return False
    if "transaction_id" in form and one["id"] != form["transaction_id"]:
        return False
    if "condition" in form and one["condition"] not in form["condition"].split(","):
        return False
    last = str(one["actions"][-1]["date"]) if one["actions"] else ""
    return str(form.get("start_date", "")) <= last <= str(form.get("end_date", "9"))


def _transaction(one: Plain) -> str:
    facts = {
        "transaction_id": one["id"],
        "transaction_type": "cc",
        "condition": one["condition"],
        "order_id": one["order_id"],
        "currency": one["currency"],
        "authorization_code": "A1B2C3",
        "avs_response": "Y",
        "csc_response": "M",
        "cc_type": one["brand"],
    }
    actions = "".join(f"<action>{_elements(action)}</action>" for action in one["actions"])
    return f"<transaction>{_elements(facts)}{actions}</transaction>"


def _vault(vault: Plain) -> str:
    facts = {
        "cc_number": f"4xxxxxxxxxxx{vault['last4']}",
        "cc_exp": vault["expires"],
        "cc_type": vault["brand"],
    }
    return _elements(facts | {"customer_vault_id": vault["id"]})


def _elements(facts: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in facts.items())


def event(id: str, type: str, about: Plain) -> bytes:
    action = about["actions"][-1] if about.get("actions") else {}
    body = {
        "merchant": {"id": "1234", "name": "Test"},
        "transaction_id": about.get("id"),
        "transaction_type": "cc",
        "condition": about.get("condition"),
        "order_id": about.get("order_id"),
        "action": action,
    }
    return json.dumps({"event_id": id, "event_type": type, "event_body": body}).encode()


def signature(body: bytes, secret: str = SECRET, nonce: str = "bm9uY2U") -> str:
    return (
        f"t={nonce},s={hmac.digest(secret.encode(), nonce.encode() + b'.' + body, 'sha256').hex()}"
    )
