"""Checks of what shows, which key belongs where, and a process that dies between any two calls."""

import asyncio
import io
import logging
import traceback

from recoup_lab.conformance.ask import proof
from recoup_lab.conformance.check import check, hold, same
from recoup_lab.conformance.send import REFUSED_URL
from recoup_lab.conformance.subject import Subject, again

CALLS_MAX = 6


@check(58, "no secret, card number or customer's id shows")
async def _nothing_shows(on: Subject) -> None:
    said, log = io.StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(said), log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        for scenario in ("approved", "declined", "gone"):
            charge = on.charge(scenario)
            for by in (on.connector, on.anew(REFUSED_URL)):
                said.write(repr(by) + repr(await on.send(charge, by)) + repr(charge))
            said.write(repr(await on.inquire(charge)))
    except Exception:  # noqa: BLE001 - its trace is looked through
        said.write(traceback.format_exc())
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
    shown = said.getvalue()
    hold(not any(secret in shown for secret in on.secrets), "one of them shows")


@check(59, "a live key is refused in the sandbox")
async def _live_key(on: Subject) -> None:
    hold(not on.takes_live_key_in_sandbox(), "it is taken")


@check(60, "killed between any two calls, it charges once")
async def _killed(on: Subject) -> None:
    for number in range(1, CALLS_MAX):
        before, charge = on.taken(), on.charge()
        reached = len(on.calls()) + number
        sending = asyncio.ensure_future(on.send(charge, on.anew()))
        # as soon as the call is there
        while not sending.done() and len(on.calls()) < reached:  # noqa: ASYNC110
            await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        on.connector = on.anew()
        found = await proof(on, charge)
        if found.state in ("not_found", "not_sent"):
            found = await on.send(charge if found.state == "not_found" else again(charge))
        same((number, found.state, on.taken() - before), (number, "approved", 1))
