"""The merchant's wallets, to which stablecoins settle, in the portal."""

from typing import Annotated, Final
from uuid import UUID

from recoup.doors.portal.done import done_of, with_done
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.feature_parts import PortalPart
from recoup.doors.portal.form_shape import Text, read_again
from recoup.doors.portal.menu import Entry, at_merchant
from recoup.doors.portal.order.timeline_entry import plain
from recoup.doors.portal.pages import Answer, Values, member
from recoup.doors.portal.people import named
from recoup.doors.portal.rights import operator, role
from recoup.doors.portal.visit import Visit
from recoup.doors.portal.words import State
from recoup.features.chains import addresses_flow as flow
from recoup.features.chains import intake
from recoup.features.chains.addresses import KINDS, Kind
from recoup.features.chains.words import PATH
from recoup.flows.merchant_cache import known_offset
from recoup.flows.stable.payouts import decide_payout
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.money.settlement import check_second
from recoup.store.money.settlement import terms_at
from recoup.store.stable.payouts import requested_payouts

STATES: Final = {
    "entered": State("To approve", "hold", "onhold", "The operator approves it."),
    "waiting": State("Approved", "run", "processing", "New orders settle to it after the delay."),
    "holding": State("In use", "ok", "completed", "New orders settle to it."),
    "replaced": State("Replaced", "off", "cancelled", "Another address replaced it."),
    "withdrawn": State("Withdrawn", "off", "cancelled", "No new order settles to it."),
}
KIND_WORDS: Final = {"evm": "EVM networks", "tron": "TRON"}
DONE: Final = {
    "entered": "The address is entered and waits for the operator’s approval.",
    "approved": "The address is approved.",
    "withdrawn": "The address is withdrawn.",
    "payout": "The payout is approved and is being sent.",
    "payout_refused": "The payout is refused; its money is back in the wallet.",
}
_CHANGE: Final = role("bank", "change settlement addresses", or_operator=True)
_DECIDE: Final = operator("approve settlement addresses")
_PAY: Final = operator("approve payouts")


@member.page(
    PATH,
    "chains/addresses.html",
    menu=Entry("Money", 5, "Settlement addresses", "bank", sees=lambda session: at_merchant(session) and is_used()),
)
async def addresses(visit: Visit) -> Values:
    typed = read_again(post_address, visit.typed)
    rows = await flow.addresses(visit.world, visit.merchant_id)
    payouts = await requested_payouts(visit.world.db.reader, visit.merchant_id) if visit.is_operator else []
    networks = {one.network for one in intake.all_served()}
    now = visit.world.clocks.business(await known_offset(visit.world.db.reader, visit.merchant_id))
    terms = await terms_at(visit.world.db.reader, visit.merchant_id, now)
    served = {one.kind: [] for one in intake.all_served()} | {row.kind: [] for row in rows}  # type: ignore[var-annotated]
    for one in intake.all_served():
        served[one.kind].append(one.name)
    return dict(
        rows=rows,
        states=flow.states_of(rows, now),
        kinds={
            kind: Sentence("{0} ({1})", KIND_WORDS[kind], ", ".join(served[kind])) if served[kind] else KIND_WORDS[kind]
            for kind in KINDS
            if kind in served
        },
        delay=terms.account_delay_days,
        may=visit.may("bank", or_operator=True),
        may_approve={row.address_id for row in rows if visit.is_operator and _is_another(row.set_by, visit)},
        payouts=[row for row in payouts if row.destination.partition(":")[0] in networks],
        typed=typed,
        done=DONE.get(done_of(visit.session, visit.request), ""),
        people=await named(visit, [who for row in rows for who in (row.set_by, row.approved_by)]),
    )


def is_used() -> bool:
    """Whether any channel here is on a chain."""
    return bool(intake.all_served())


def _is_another(first: str, visit: Visit) -> bool:
    try:
        check_second(first, visit.scope.actor.text(), "")
    except Problem:
        return False
    return True


@addresses.post(may=_CHANGE)
async def post_address(visit: Visit, *, kind: str, address: Annotated[str, Text(80)]) -> Answer:
    await flow.enter_address(visit.world, visit.scope, _kind(kind), address)
    return _back(visit, "entered")


async def _id(visit: Visit) -> UUID:
    found = parse_id(visit.request.path_params["id"])
    if found is None:
        raise Problem("not_found", "There is no such settlement address.", cure="Check the list of addresses.")
    return found


@addresses.post(PATH + "/{id}/approve", may=_DECIDE, find=_id)
async def post_approval(visit: Visit, found: UUID) -> Answer:
    await flow.approve(visit.world, visit.scope, found)
    return _back(visit, "approved")


@addresses.post(PATH + "/{id}/withdraw", may=_CHANGE, find=_id)
async def post_withdrawal(visit: Visit, found: UUID) -> Answer:
    await flow.withdraw(visit.world, visit.scope, found)
    return _back(visit, "withdrawn")


@addresses.post(PATH + "/payouts/{id}", may=_PAY, find=_id)
async def decide(visit: Visit, found: UUID, *, decision: str) -> Answer:
    """What is not approved is refused."""
    approve = decision == "approve"
    await decide_payout(visit.world, visit.scope, found, approve=approve)
    return _back(visit, "payout" if approve else "payout_refused")


def _kind(text: str) -> Kind:
    """Raises: Problem(invalid)."""
    for kind in KINDS:
        if kind == text:
            return kind
    raise Problem("invalid", "Choose the kind of network.", field="kind", cure="Choose one from the list.")


def _back(visit: Visit, what: str) -> Answer:
    return redirect(with_done(visit.session, PATH, what))


PORTAL: Final = PortalPart(
    timeline={
        "unseen": plain(
            "Payment taken back",
            "The chain reorganised: the payer’s transfer is in no block any more. It counts again once it is.",
            "cancelled",
            "bad",
        )
    },
)
