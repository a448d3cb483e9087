"""Sending: what proves that nothing left, what proves nothing, and what is no approval."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from recoup.kernel.time import Clocks
from recoup_lab.conformance.check import check, hold, same
from recoup_lab.conformance.subject import UNITS, Scenario, Subject, gathered

REFUSED_URL = "http://127.0.0.1:1"


@check(1, "an approval is read")
async def _approved(on: Subject) -> None:
    charge = on.charge()
    said = await on.send(charge)
    same((said.state, bool(said.reference), on.taken()), ("approved", True, 1))


@check(2, "a decline is read")
async def _declined(on: Subject) -> None:
    said = await on.send(on.charge("declined"))
    same((said.state, on.taken()), ("declined", 0))


_CONSENTS: Final[Sequence[Mapping[str, Any]]] = (
    {},
    {"first_network_id": "900000000000001", "sequence": 2, "exemption": "mit"},
    {"initiator": "customer", "mit_reason": None, "sequence": 1},
    {"initiator": "customer", "mit_reason": None, "exemption": "moto"},
    {"initiator": "customer", "mit_reason": None, "exemption": "low_value"},
    {"initiator": "customer", "mit_reason": None, "exemption": "transaction_risk_analysis"},
)


@check(3, "the same id twice is one charge, whatever it says of the payer's consent")
async def _twice(on: Subject) -> None:
    for number, consent in enumerate(_CONSENTS, 1):
        charge = on.charge(units=UNITS + number, **consent)
        said = [await on.send(charge) for _ in range(2)]
        same(([one.state for one in said], on.taken()), (["approved"] * 2, number))


@check(4, "the same id four times at once is one charge")
async def _at_once(on: Subject) -> None:
    charge = on.charge()
    said = await gathered([on.send(charge) for _ in range(4)])
    hold("approved" in [one.state for one in said], "none approved")
    same(on.taken(), 1)


@check(5, "another amount under the same id is not charged")
async def _other_amount(on: Subject) -> None:
    charge = on.charge()
    await on.send(charge)
    said = await on.send(replace(charge, units=UNITS + 100))
    hold(said.state != "approved", "approved")
    same(on.taken(), 1)


@check(6, "a refused connection is proof that nothing was sent")
async def _refused(on: Subject) -> None:
    said = await on.send(on.charge(), on.anew(REFUSED_URL))
    same(said.state, "not_sent")


@check(7, "a failed TLS handshake is proof that nothing was sent")
async def _tls(on: Subject) -> None:
    said = await on.send(on.charge(), on.anew(on.url.replace("http://", "https://")))
    same((said.state, on.taken()), ("not_sent", 0))


@check(8, "nothing leaves after its time")
async def _too_late(on: Subject) -> None:
    said = await on.send(on.charge(send_before_monotonic=Clocks().monotonic() - 1))
    same((said.state, on.taken()), ("not_sent", 0))


async def _proves_nothing(on: Subject, kind: str) -> None:
    on.break_down(kind)
    said = await on.send(on.charge())
    same(said.state, "unknown")


@check(9, "a time-out after the first byte proves nothing")
async def _time_out(on: Subject) -> None:
    await _proves_nothing(on, "late")


@check(10, "an answer cut in the middle proves nothing")
async def _cut(on: Subject) -> None:
    await _proves_nothing(on, "cut")


@check(11, "an HTML page proves nothing")
async def _html(on: Subject) -> None:
    await _proves_nothing(on, "html")


@check(12, "an error with the status 200 proves nothing")
async def _error_200(on: Subject) -> None:
    await _proves_nothing(on, "error_200")


@check(13, "a 5xx proves nothing")
async def _error_500(on: Subject) -> None:
    await _proves_nothing(on, "error_500")
    await _proves_nothing(on, "saved_500")


@check(14, "too many calls: not sent, and it waits")
async def _too_many(on: Subject) -> None:
    on.break_down("too_many")
    said = await on.send(on.charge())
    same((said.state, said.fault, on.taken()), ("not_sent", "rate", 0))


@check(15, "a refused key is the account's fault")
async def _unauthorized(on: Subject) -> None:
    on.break_down("unauthorized")
    said = await on.send(on.charge())
    same((said.state, said.fault, on.taken()), ("not_sent", "account", 0))


@check(16, "a redirect is not followed")
async def _redirect(on: Subject) -> None:
    await _proves_nothing(on, "redirect")
    hold(not [call for call in on.calls() if call.endswith("/elsewhere")], "it was followed")


@check(17, "a body without an end is not read to its end")
async def _endless(on: Subject) -> None:
    await _proves_nothing(on, "endless")


@check(18, "an approval whose answer came too late is found")
async def _late_approval(on: Subject) -> None:
    on.break_down("lost")
    charge = on.charge()
    said = await on.send(charge)
    found = await on.inquire(charge)
    same((said.state, found.state, on.taken()), ("unknown", "approved", 1))


async def _contradicts(on: Subject, kind: str) -> None:
    on.break_down(kind)
    said = await on.send(on.charge())
    same((said.state, said.contradicts), ("unknown", True))


@check(19, "an approval of another id is none")
async def _other_id(on: Subject) -> None:
    await _contradicts(on, "other_id")


@check(20, "an approval of another amount is none")
async def _lying_amount(on: Subject) -> None:
    await _contradicts(on, "other_amount")


@check(21, "an approval in another currency is none")
async def _lying_currency(on: Subject) -> None:
    await _contradicts(on, "other_currency")


@check(22, "an approval of a part is none")
async def _part(on: Subject) -> None:
    await _contradicts(on, "part")


@check(
    23, "a wish for the payer is a decline, and nothing stays open, whatever exemption is claimed"
)
async def _sca(on: Subject) -> None:
    for consent in _CONSENTS:
        said = await on.send(on.charge("sca", **consent))
        same((said.state, said.sca_wanted, on.left_open(), on.taken()), ("declined", True, 0, 0))


@check(24, "a credential that is gone is named")
async def _gone(on: Subject) -> None:
    scenario: Scenario = "gone"
    said = await on.send(on.charge(scenario))
    hold(said.state in ("declined", "not_sent"), said.state)
    same((said.fault, on.taken()), ("credential", 0))
