"""Inquiries: they find what happened, and send nothing."""

from dataclasses import replace
from datetime import timedelta

from recoup.kernel.ids import new_id
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import Charge
from recoup_lab.conformance.check import check, hold, same
from recoup_lab.conformance.subject import Subject, again

INQUIRIES_MAX = 3


@check(31, "an approval without an answer is found")
async def _approved(on: Subject) -> None:
    on.break_down("lost")
    charge = on.charge()
    await on.send(charge)
    same((await on.inquire(charge)).state, "approved")


@check(32, "a decline without an answer is found")
async def _declined(on: Subject) -> None:
    on.break_down("lost")
    charge = on.charge("declined")
    await on.send(charge)
    same((await on.inquire(charge)).state, "declined")


async def proof(on: Subject, charge: Charge) -> Outcome:
    """Inquires until something is proved: a decision, not_sent, or not_found twice."""
    found = [await on.inquire(charge) for _ in range(INQUIRIES_MAX)]
    hold(found[-1].state != "unknown", "nothing is proved")
    return found[-1]


@check(33, "what never arrived is proved, then sent once")
async def _never(on: Subject) -> None:
    on.break_down("never")
    charge = on.charge()
    same((await on.send(charge)).state, "unknown")
    found = await proof(on, charge)
    if on.connector.asks == "by_replay":  # the question was the send
        same((found.state, on.taken()), ("approved", 1))
        return
    hold(found.state in ("not_found", "not_sent"), found.state)
    said = await on.send(charge if found.state == "not_found" else again(charge))
    same((said.state, on.taken()), ("approved", 1))


@check(34, "behind the window an inquiry sends nothing")
async def _forgotten(on: Subject) -> None:
    on.break_down("lost")
    charge = on.charge()
    await on.send(charge)
    window = on.connector.idempotency_window + timedelta(hours=1)
    on.clocks.ahead += window
    found = await on.inquire(charge, ago=window)
    hold(found.state in ("approved", "unknown", "not_found"), found.state)
    same(on.taken(), 1)


@check(35, "no search index is believed")
async def _search(on: Subject) -> None:
    charge = on.charge()
    await on.send(charge)
    await on.inquire(charge)
    on.clocks.ahead += on.connector.idempotency_window
    await on.inquire(charge, ago=on.connector.idempotency_window)
    same([call for call in on.calls() if "search" in call], [])


@check(36, "without leave to send an inquiry sends nothing")
async def _barred(on: Subject) -> None:
    on.break_down("never", of="first")
    charge = on.charge()
    await on.send(charge)
    for _ in range(INQUIRIES_MAX):
        await on.inquire(charge, may_send=False)
    same(on.taken(), 0)


@check(61, "a charge is found once its key is forgotten")
async def _forgotten_charge(on: Subject) -> None:
    since, charge = on.clocks.wall(), on.charge()
    same((await on.send(charge)).state, "approved")
    on.forget()
    found = await on.look_up(charge, since)
    same(
        (found.state, found.key, found.units, on.taken()), ("approved", charge.key, charge.units, 1)
    )
    hold(found.reference is not None, "it has no reference")


@check(62, "a look-up finds what its order was charged by another send")
async def _of_the_order(on: Subject) -> None:
    since, charge = on.clocks.wall(), on.charge()
    same((await on.send(charge)).state, "approved")
    on.forget()
    found = await on.look_up(again(charge), since)
    same((found.state, found.key), ("approved", charge.key))
    same((await on.look_up(again(charge), since, frozenset({charge.key}))).state, "not_found")
    other = replace(charge, order_key=new_id(), key=new_id())
    same(((await on.look_up(other, since)).state, on.taken()), ("not_found", 1))


@check(63, "a look-up finds a decline, and nothing that was never sent")
async def _forgotten_decline(on: Subject) -> None:
    since, charge = on.clocks.wall(), on.charge("declined")
    same((await on.look_up(charge, since)).state, "not_found")
    same((await on.send(charge)).state, "declined")
    on.forget()
    same((await on.look_up(charge, since)).state, "declined")
    same(((await on.look_up(again(charge), since)).state, on.taken()), ("not_found", 0))


@check(64, "a refund is found once its key is forgotten")
async def _forgotten_refund(on: Subject) -> None:
    since, charge = on.clocks.wall(), on.charge()
    refund = on.modification(charge, await on.send(charge), "refund")
    same((await on.look_up(refund, since)).state, "not_found")
    same((await on.modify(refund)).state, "approved")
    on.forget()
    same((await on.look_up(refund, since)).state, "approved")


@check(37, "another process answers for what this one sent")
async def _another_process(on: Subject) -> None:
    charge = on.charge()
    await on.send(charge)
    same((await on.inquire(charge, by=on.anew())).state, "approved")
