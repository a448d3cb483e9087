"""Account of the stand-in: one method a call, over the book. A refusal is `Refused`, as Adyen words
it."""

from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final

from recoup_lab.processors.adyen.cards import CARDS, Card
from recoup_lab.processors.book import Book

Plain = dict[str, Any]
MERCHANT: Final = "StandInECOM"
DISPUTE_COST: Final = 750
_NAMES: Final = {"payment": "P", "modification": "M", "stored": "S", "dispute": "D", "line": "L"}
_DONE: Final = ("Authorised", "PartiallyAuthorised")
_ASKING: Final = ("ChallengeShopper", "IdentifyShopper", "RedirectShopper")


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str, type: str = "validation") -> None:
        super().__init__(message)
        self.status = status
        self.error: Plain = {
            "status": status,
            "errorCode": code,
            "message": message,
            "errorType": type,
        }


class Account:
    """`clock`: seconds since 1970. `items`: of notices that nobody took yet, `events`: of stored
    cards. `multicapture`: a payment may be captured several times, and what is left stays held
    until it is cancelled."""

    def __init__(self, book: Book, clock: Callable[[], float]) -> None:
        self.book, self._clock = book, clock
        self.items: list[Plain] = []
        self.url = ""  # where it serves
        self.events: list[Plain] = []
        self.multicapture = False

    def _new(self, kind: str, **values: Any) -> Plain:
        id = f"{_NAMES[kind]}{self.book.count(kind) + 1:015d}"
        return self.book.put({"id": id, "object": kind, "created": int(self._clock())} | values)

    def _need(self, kind: str, id: str, code: str, message: str) -> Plain:
        found = self.book.get(kind, id)
        if found is None:
            raise Refused(422, code, message)
        return found

    def _notify(
        self,
        event: str,
        reference: str,
        amount: Plain,
        *,
        psp: str,
        about: str = "",
        done: bool = True,
    ) -> None:
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        item = {
            "eventCode": event,
            "success": str(done).lower(),
            "pspReference": psp,
            "originalReference": about,
            "merchantReference": reference,
            "merchantAccountCode": MERCHANT,
            "amount": amount,
            "eventDate": at,
            "reason": "",
            "additionalData": {},
        }
        self.items.append(item)

    def check_account(self, form: Plain, member: str = "merchantAccount") -> None:
        if form.get(member) != MERCHANT:
            raise Refused(403, "901", "Invalid Merchant Account", "security")

    def store(self, holder: str = "visa", shopper: str = "shopper-1", **more: Any) -> Plain:
        """A stored card that answers as its holder is called."""
        card = {
            "brand": CARDS[holder].brand,
            "lastFour": "1111",
            "expiryMonth": "03",
            "expiryYear": "2030",
        }
        stored = self._new("stored", holder=holder, shopper=shopper, **card, alias=f"H{holder}")
        self._event("recurring.token.created", stored)
        return stored

    def _event(self, type: str, stored: Plain) -> None:
        data = {
            "merchantAccount": MERCHANT,
            "shopperReference": stored["shopper"],
            "type": stored["brand"],
            "storedPaymentMethodId": stored["id"],
        }
        number = f"EVT{self.book.count('stored'):05d}{len(self.events):05d}{type[-7:]}"
        self.events.append(
            {"type": type, "eventId": number, "environment": "test", "version": "1", "data": data}
        )

    def update(self, id: str, year: str) -> Plain:
        """The issuer gave a new card: its token stays."""
        stored = self.book.put(
            self._need("stored", id, "803", "PaymentDetail not found") | {"expiryYear": year}
        )
        self._event("recurring.token.updated", stored)
        return stored

    def disable(self, id: str) -> None:
        stored = self.book.put(
            self._need("stored", id, "803", "PaymentDetail not found") | {"shopper": None}
        )
        self._event("recurring.token.disabled", stored)

    def stored_of(self, shopper: str) -> Plain:
        names = ("id", "brand", "lastFour", "expiryMonth", "expiryYear", "alias")
        found = [one for one in self.book.all("stored") if one["shopper"] == shopper]
        cards = [{name: one[name] for name in names} | {"type": "scheme"} for one in found]
        return {
            "merchantAccount": MERCHANT,
            "shopperReference": shopper,
            "storedPaymentMethods": cards,
        }

    def pay(self, form: Plain) -> Plain:
        self.check_account(form)
        shopper = form.get("shopperReference")
        stored = self.book.get("stored", str(form["paymentMethod"].get("storedPaymentMethodId")))
        if stored is None or stored["shopper"] is None or stored["shopper"] != shopper:
            raise Refused(422, "803", "PaymentDetail not found")
        more_data = form.get("additionalData") or {}
        card = CARDS[stored["holder"]].claiming(exempt="scaExemption" in more_data)
        if (form.get("authenticationData") or {}).get("attemptAuthentication") == "always":
            return self._ask_payer(form, stored)
        return self._paid(form, stored, card)

    def _ask_payer(self, form: Plain, stored: Plain) -> Plain:
        """Sends the payer to confirm. Nothing is charged before the details of their return have
        come."""
        number = self.book.count("redirect") + 1
        waiting = {"id": f"R{number:015d}", "object": "redirect", "created": int(self._clock())}
        self.book.put(
            waiting | {"form": form, "stored": stored["id"], "state": "waiting", "result": None}
        )
        url = f"{self.url}/checkoutshopper/threeDS2/{waiting['id']}"
        action = {"type": "redirect", "method": "GET", "paymentMethodType": "scheme", "url": url}
        return {
            "resultCode": "RedirectShopper",
            "merchantReference": form["reference"],
            "action": action,
        }

    def authenticated(self, id: str, *, passed: bool) -> tuple[str, str]:
        """Records the payer's result: where they go, and what their browser brings along, which
        only this account reads."""
        waiting = self._need("redirect", id, "702", "unknown")
        result = f"{id}!{'Y' if passed else 'N'}{token_hex(8)}"
        if waiting["state"] == "waiting":
            self.book.put(waiting | {"state": "returned", "result": result})
        return waiting["form"]["returnUrl"], result

    def details(self, form: Plain) -> Plain:
        """The payment goes on with what the payer came to."""
        result = str((form.get("details") or {}).get("redirectResult"))
        waiting = next((one for one in self.book.all("redirect") if one["result"] == result), None)
        if waiting is None or waiting["state"] != "returned":
            raise Refused(422, "702", "Invalid redirectResult")
        self.book.put(waiting | {"state": "done"})
        stored = self._need("stored", waiting["stored"], "803", "PaymentDetail not found")
        card = CARDS[stored["holder"]]
        if "!Y" not in result:
            card = Card(result="Refused", reason=("11", "3D Not Authenticated"), brand=card.brand)
        elif card.result in _ASKING or card.reason and card.reason[0] == "38":
            card = Card(brand=card.brand)
        return self._paid(waiting["form"], stored, card)

    def cancel_reference(self, form: Plain) -> Plain:
        """A technical cancel: of whatever has that reference; what waits for its payer cannot go
        on."""
        self.check_account(form)
        reference = str(form.get("paymentReference"))
        for one in list(self.book.all("redirect")):
            if one["form"]["reference"] == reference and one["state"] != "done":
                self.book.put(one | {"state": "cancelled"})
        own, number = form.get("reference") or "", f"M{self.book.count('modification') + 1:015d}"
        answer = {
            "merchantAccount": MERCHANT,
            "paymentReference": reference,
            "pspReference": number,
        }
        return answer | {"reference": own, "status": "received"}

    def _paid(self, form: Plain, stored: Plain, card: Card) -> Plain:
        amount, shopper, more = (
            form["amount"],
            form["shopperReference"],
            form.get("additionalData") or {},
        )
        if card.result == "PartiallyAuthorised" and more.get("allowPartialAuth") == "true":
            amount = amount | {"value": amount["value"] // 2}
        elif card.result == "PartiallyAuthorised":
            card = CARDS["NOT_ENOUGH_BALANCE"]
        manual = more.get("manualCapture") == "true"
        payment = self._new(
            "payment",
            amount=amount,
            reference=form["reference"],
            result=card.result,
            captured=0,
            refunded=0,
            cancelled=False,
            order=form.get("merchantOrderReference"),
            shopper=shopper,
            manual=manual,
            form=form,
        )
        more = dict(card.more) | {"paymentMethod": card.brand}
        done = card.result in _DONE
        if done:
            more |= {
                "networkTxReference": f"{900000000000000 + self.book.count('payment')}",
                "authCode": "A1B2C3",
            }
            more |= {"cvcResultRaw": "M", "avsResult": "7 Both match", "alias": stored["alias"]}
        if card.raw:
            more |= {"refusalReasonRaw": card.raw}
        answer = {
            "pspReference": payment["id"],
            "resultCode": card.result,
            "merchantReference": form["reference"],
            "additionalData": more,
            "fraudResult": {"accountScore": 100 if stored["holder"] == "FRAUD" else 12},
        }
        if card.reason:
            answer |= {"refusalReasonCode": card.reason[0], "refusalReason": card.reason[1]}
        if done:
            answer["amount"] = amount
        if done and not manual:
            payment["captured"] = amount["value"]
            self.book.put(payment)
            self._line("Settled", payment, amount["value"], amount["value"] * 29 // 1000 + 30)
        if done or card.reason:
            self._notify("AUTHORISATION", form["reference"], amount, psp=payment["id"], done=done)
        return answer

    def modify(self, id: str, verb: str, form: Plain) -> Plain:
        """Received; what comes of it stands in its notice."""
        self.check_account(form)
        payment = self._need(
            "payment", id, "167", "Original pspReference required for this operation"
        )
        amount, reference = form.get("amount") or payment["amount"], form.get("reference") or ""
        made = self._new(
            "modification", payment=id, verb=verb, reference=reference, amount=amount, done=False
        )
        kind, done = self._moved(verb, payment, amount, made)
        self.book.put(made | {"done": done})
        shown = (
            amount
            if verb in ("captures", "refunds")
            else {"value": 0, "currency": amount["currency"]}
        )
        self._notify(kind, reference, shown, psp=made["id"], about=id, done=done)
        answer = {
            "merchantAccount": MERCHANT,
            "paymentPspReference": id,
            "pspReference": made["id"],
            "reference": reference,
            "status": "received",
        }
        return answer | ({"amount": amount} if verb in ("captures", "refunds") else {})

    def _moved(self, verb: str, payment: Plain, amount: Plain, made: Plain) -> tuple[str, bool]:
        """The event of its notice, and whether it was done."""
        if verb == "reversals":
            verb = "refunds" if payment["captured"] else "cancels"
            return "CANCEL_OR_REFUND", self._moved(verb, payment, payment["amount"], made)[1]
        value, same = amount["value"], amount["currency"] == payment["amount"]["currency"]
        held = payment["result"] in _DONE and not payment["cancelled"]
        left = payment["captured"] - payment["refunded"]
        match verb:
            case "captures":
                room = payment["amount"]["value"] - payment["captured"]
                open_ = self.multicapture or not payment["captured"]
                done = held and same and open_ and payment["manual"] and 0 < value <= room
                payment["captured"] += value if done else 0
                if done:
                    self._line("Settled", payment, value, value * 29 // 1000 + 30, by=made)
            case "refunds":
                done = same and 0 < value <= left
                payment["refunded"] += value if done else 0
                if done:
                    self._line("Refunded", payment, -value, 0, by=made)
            case _:
                done = held and (not payment["captured"] or self.multicapture and payment["manual"])
                payment["cancelled"] = payment["cancelled"] or done
        self.book.put(payment)
        return {"captures": "CAPTURE", "refunds": "REFUND"}.get(verb, "CANCELLATION"), done

    def fail_refund(self, id: str) -> None:
        """Days later: the money comes back."""
        made = self._need("modification", id, "167", "unknown")
        payment = self._need("payment", made["payment"], "167", "unknown")
        value = made["amount"]["value"]
        self.book.put(payment | {"refunded": payment["refunded"] - value})
        self.book.put(made | {"done": False})
        self._line("RefundedReversed", payment, value, 0, by=made)
        self._notify(
            "REFUND_FAILED", made["reference"], made["amount"], psp=id, about=payment["id"]
        )

    def dispute(self, id: str) -> Plain:
        payment = self._need("payment", id, "167", "unknown")
        amount = payment["amount"] | {"value": payment["captured"] - payment["refunded"]}
        case = self._new("dispute", payment=id, amount=amount, state="open", documents=[])
        for event in ("NOTIFICATION_OF_CHARGEBACK", "CHARGEBACK"):
            self._notify(event, payment["reference"], amount, psp=case["id"], about=id)
        self._line("Chargeback", payment, -amount["value"], DISPUTE_COST, by=case)
        return case

    def tell(
        self, event: str, case_id: str, payment_id: str, *, original: bool = True, **more: str
    ) -> None:
        """A notice of a case, of any event. `more`: its additional data."""
        payment = self._need("payment", payment_id, "167", "unknown")
        about = payment_id if original else ""
        self._notify(event, payment["reference"], payment["amount"], psp=case_id, about=about)
        self.items[-1]["additionalData"] = dict(more)

    def win(self, case_id: str) -> None:
        case = self._need("dispute", case_id, "167", "unknown")
        payment = self._need("payment", case["payment"], "167", "unknown")
        self.book.put(case | {"state": "won"})
        self._line("ChargebackReversed", payment, case["amount"]["value"], 0, by=case)
        self._notify(
            "CHARGEBACK_REVERSED",
            payment["reference"],
            case["amount"],
            psp=case_id,
            about=payment["id"],
        )

    def lose(self, case_id: str) -> None:
        """Loses a dispute: what was defended is charged back for good."""
        case = self._need("dispute", case_id, "167", "unknown")
        payment = self._need("payment", case["payment"], "167", "unknown")
        self.book.put(case | {"state": "lost"})
        self._notify(
            "SECOND_CHARGEBACK",
            payment["reference"],
            case["amount"],
            psp=case_id,
            about=payment["id"],
        )

    def dispute_call(self, call: str, form: Plain) -> Plain:
        self.check_account(form, "merchantAccountCode")
        case = self.book.get("dispute", str(form.get("disputePspReference")))
        if case is None or case["state"] != "open":
            return {
                "disputeServiceResult": {
                    "success": False,
                    "errorMessage": "Dispute not found or closed",
                }
            }
        done: Plain = {"disputeServiceResult": {"success": True}}
        have = bool(case["documents"])
        if call == "retrieveApplicableDefenseReasons":
            kind = {
                "defenseDocumentTypeCode": "DefenseMaterial",
                "available": have,
                "requirementLevel": "Required",
            }
            reason = {
                "defenseReasonCode": "SupplyDefenseMaterial",
                "satisfied": have,
                "defenseDocumentTypes": [kind],
            }
            return done | {"defenseReasons": [reason]}
        if call == "supplyDefenseDocument":
            self.book.put(case | {"documents": form["defenseDocuments"]})
        elif call == "acceptDispute":
            self.book.put(case | {"state": "accepted"})
        elif (
            call == "defendDispute"
            and have
            and form.get("defenseReasonCode") == "SupplyDefenseMaterial"
        ):
            self.book.put(case | {"state": "defended"})
        else:
            return {
                "disputeServiceResult": {
                    "success": False,
                    "errorMessage": "Defense documents are missing",
                }
            }
        return done

    def _line(
        self, type: str, payment: Plain, gross: int, cost: int, by: Plain | None = None
    ) -> None:
        self._new(
            "line",
            type=type,
            payment=payment["id"],
            reference=payment["reference"],
            gross=gross,
            cost=cost,
            net=gross - cost,
            currency=payment["amount"]["currency"],
            batch=None,
            by=by["id"] if by else "",
            own=by.get("reference", "") if by else "",
        )

    def close_batch(self) -> int:
        """Pays out what moved since the last batch; its report is there."""
        number = max((one["batch"] or 0 for one in self.book.all("line")), default=0) + 1
        for one in list(self.book.all("line")):
            if one["batch"] is None:
                self.book.put(one | {"batch": number})
        name = f"settlement_detail_report_batch_{number}.csv"
        self._notify("REPORT_AVAILABLE", "", {"value": 0, "currency": "EUR"}, psp=name)
        return number

    def lines_of(self, batch: int) -> list[Plain]:
        return [one for one in self.book.all("line") if one["batch"] == batch][::-1]
