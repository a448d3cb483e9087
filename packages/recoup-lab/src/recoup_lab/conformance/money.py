"""Amounts, and what follows a charge."""

from dataclasses import replace

from recoup.kernel.money import EXPONENTS
from recoup_lab.conformance.check import check, hold, same
from recoup_lab.conformance.subject import UNITS, Subject, gathered


@check(38, "amounts have the decimals of the processor")
async def _exponents(on: Subject) -> None:
    for currency, (units, wire) in on.amounts.items():
        hold(on.connector.carries(units, currency), f"{units} {currency} is not carried")
        decimals, ours = on.connector.exponent(currency), EXPONENTS[currency]
        shown = (
            ours + len(wire.replace(".", "")) - len(str(units)) if isinstance(wire, str) else None
        )
        same(
            (currency, decimals),
            (currency, ours + len(str(wire)) - len(str(units)) if shown is None else shown),
        )
        said = await on.send(on.charge(units=units, currency=currency))
        same((currency, said.state, said.units), (currency, "approved", units))
        same((currency, on.wire_amounts()[-1]), (currency, wire))
    known = [exponent for exponent in EXPONENTS if on.connector.exponent(exponent) is not None]
    hold(len(known) > 2, "no currency is known")


@check(39, "a hold is captured, whole, in part and in parts")
async def _capture(on: Subject) -> None:
    for units in (UNITS, UNITS - 1000):
        charge = on.charge(capture=False)
        held = await on.send(charge)
        said = await on.modify(on.modification(charge, held, "capture", units))
        same((held.state, said.state), ("approved", "approved"))
    if on.connector.multicapture:
        await _in_parts(on)


async def _in_parts(on: Subject) -> None:
    """Checks that a capture before the last part leaves the rest held, and that the last part
    leaves nothing."""
    charge = on.charge(capture=False)
    held = await on.send(charge)
    before, states = 0, []
    for units in (1500, 1000, UNITS - 3000):
        final = units == UNITS - 3000
        part = on.modification(charge, held, "capture", units)
        part = replace(
            part, final_part=final and not on.connector.keeps_rest, captured_before=before
        )
        said = await on.modify(part)
        again = await on.modify(part)
        states += [said.state, again.state]
        before += units
    same(states, ["approved"] * 6)
    more = on.modification(charge, held, "capture", 501 if on.connector.keeps_rest else 1)
    same((await on.modify(replace(more, captured_before=before))).state, "declined")


@check(40, "a hold is captured once")
async def _capture_twice(on: Subject) -> None:
    charge = on.charge(capture=False)
    held = await on.send(charge)
    capture = on.modification(charge, held, "capture")
    same([(await on.modify(capture)).state for _ in range(2)], ["approved"] * 2)
    same((await on.modify(on.modification(charge, held, "capture"))).state, "declined")


@check(41, "a part is refunded, then the rest, and no more")
async def _refund(on: Subject) -> None:
    charge = on.charge()
    said = await on.send(charge)
    parts = [on.modification(charge, said, "refund", units) for units in (1000, UNITS - 1000, 1)]
    same([(await on.modify(part)).state for part in parts], ["approved", "approved", "declined"])


@check(42, "two refunds at once give back no more than was charged")
async def _race(on: Subject) -> None:
    charge = on.charge()
    said = await on.send(charge)
    parts = [on.modification(charge, said, "refund", UNITS * 3 // 5) for _ in range(2)]
    states = sorted(one.state for one in await gathered([on.modify(part) for part in parts]))
    same(states, ["approved", "declined"])


@check(43, "what was captured is not voided")
async def _void(on: Subject) -> None:
    charge = on.charge()
    said = await on.send(charge)
    same((await on.modify(on.modification(charge, said, "void"))).state, "declined")


@check(44, "a refund that fails later is found so")
async def _fails_later(on: Subject) -> None:
    charge = on.charge()
    said = await on.send(charge)
    refund = on.modification(charge, said, "refund", 1000)
    same((await on.modify(refund)).state, "approved")
    on.fail_last_refund()
    same((await on.inquire(refund)).state, "declined")


@check(45, "the book's lines add up, with the fee apart")
async def _lines(on: Subject) -> None:
    charge = on.charge()
    said = await on.send(charge)
    await on.modify(on.modification(charge, said, "refund", 1000))
    lines, book = await on.booked()
    same(lines - book, 0)
