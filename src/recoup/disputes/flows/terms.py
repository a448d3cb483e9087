"""Terms of a merchant's contract about disputes: rows with a date from which they hold; none is
ever changed."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from recoup.audit.moves import note
from recoup.audit.rules import changes
from recoup.disputes.store.dispute_notes import insert_terms
from recoup.disputes.store.disputes import read_terms
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import iso
from recoup.kit.as_of import NOW
from recoup.kit.terms import changed
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.networks.disputes import Party, Terms, terms_at

FEE_MAX = 10**9
AHEAD_MAX = timedelta(days=366)


@frozen
class DisputeTermsRequest:
    """A change of the terms; None leaves a part as it is. `asset` '' means every currency; a fee
    has one. `valid_from` None: from now on."""

    asset: str = ""
    service_borne_by: Party | None = None
    fee_units: int | None = None
    fee_borne_by: Party | None = None
    block_cards: bool | None = None
    valid_from: datetime | None = None


async def change_terms(world: World, scope: Scope, request: DisputeTermsRequest) -> Terms:
    """Raises: Problem(invalid), also for terms that reach into the past; not_found for the
    merchant; conflict."""
    _check(request)
    async with world.db.transaction() as tx:
        now = world.clocks.business(await known_offset(tx, scope.merchant_id))
        since = request.valid_from or now
        if since < now:
            message = Sentence(
                "Terms cannot begin in the past: it is {0} UTC there.", f"{now:%Y-%m-%d %H:%M:%S}"
            )
            raise invalid(message, "from", "Leave the date out, or choose a future date.")
        if since > now + AHEAD_MAX:
            raise invalid(
                Sentence("Terms begin at most {0} days ahead.", AHEAD_MAX.days),
                "from",
                "Choose an earlier date with --from.",
            )
        before = terms_at(
            [row.terms for row in await read_terms(tx, scope.merchant_id, *NOW)],
            since,
            request.asset,
        )
        after = _after(before, request, since)
        wall = world.clocks.wall()
        made = await insert_terms(
            tx, scope.merchant_id, new_id(), scope.actor.text(), wall, now, after
        )
        details = changes(_log_details(before), _log_details(after)) | {
            "currency": after.asset or "every",
            "valid_from": iso(since),
        }
        await note(tx, scope, wall, "dispute_terms.set", "", details)
    if not made:
        raise Problem(
            "conflict", "Other terms begin at the same moment.", cure="Choose another date."
        )
    return after


def _check(request: DisputeTermsRequest) -> None:
    if request.asset and request.asset not in EXPONENTS:
        raise invalid(
            Sentence("{0} is no currency.", repr(request.asset)),
            "currency",
            "Use its ISO 4217 code.",
        )
    if request.fee_units is not None and not 0 <= request.fee_units <= FEE_MAX:
        raise invalid("The fee is negative or too large.", "fee", "Write it like 15.00.")
    if request.fee_units and not request.asset:
        raise invalid("A fee must be an amount of money.", "currency", "Name its currency.")
    if request.valid_from is not None and request.valid_from.tzinfo is None:
        raise invalid("The date has no zone.", "from", "Write it like 2026-01-31T00:00:00Z.")


def _after(before: Terms, request: DisputeTermsRequest, since: datetime) -> Terms:
    """A fee stays where its currency does."""
    fee_units = (
        0 if request.fee_units is None and before.asset != request.asset else request.fee_units
    )
    return changed(before, asdict(request) | {"valid_from": since, "fee_units": fee_units})


def _log_details(terms: Terms) -> dict[str, Any]:
    """Details of the terms for the audit log."""
    details = asdict(terms)
    del details["asset"], details["valid_from"]
    return details
