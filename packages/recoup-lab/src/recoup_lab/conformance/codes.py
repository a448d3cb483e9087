"""Checks of declines: each code in its own field, none made up."""

from recoup.networks.decline_code import DeclineCode
from recoup_lab.conformance.check import check, hold, same
from recoup_lab.conformance.subject import Subject


@check(25, "each code stands where the table says")
async def _golden(on: Subject) -> None:
    for scenario, wanted in on.golden.items():
        said = await on.send(on.charge(scenario))
        same({name: _as_stored(getattr(said, name)) for name in wanted}, dict(wanted))


def _as_stored(found: object) -> object:
    return str(found) if isinstance(found, DeclineCode) else found


@check(26, "the network's advice is filled from no other field")
async def _advice(on: Subject) -> None:
    said = await on.send(on.charge("declined"))
    same(_as_stored(said.processor_advice), on.golden["declined"]["processor_advice"])
    same(said.advice_code, None)


@check(27, "Mastercard's advice on another network's card is no advice")
async def _of_visa(on: Subject) -> None:
    said = await on.send(on.charge("advice_of_visa"))
    same((said.state, said.advice_code), ("declined", None))
    said = await on.send(on.charge("advice"))
    same((said.state, said.advice_code), ("declined", "03"))


@check(28, "codes that are missing stay missing")
async def _missing(on: Subject) -> None:
    said = await on.send(on.charge("no_codes"))
    same((said.state, said.scheme_code, said.advice_code), ("declined", None, None))


@check(29, "what was stopped before the network says so")
async def _blocked(on: Subject) -> None:
    said = await on.send(on.charge("blocked"))
    same((said.state, said.reached_network), ("declined", False))


@check(30, "the network's id of an approval is kept")
async def _network_id(on: Subject) -> None:
    charge = on.charge()
    for said in (await on.send(charge), await on.inquire(charge)):
        hold(bool(said.network_transaction_id), "there is none")
