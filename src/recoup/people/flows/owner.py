"""Owner of an endpoint: a merchant, or a partner who hears of all its merchants."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from recoup.audit import moves as audit
from recoup.db.statement import Tx
from recoup.kernel.scope import PartnerScope, Scope
from recoup.kernel.time import WallTime
from recoup.merchants.store.partners import lock_partner
from recoup.merchants.store.partners import note as note_of_partner
from recoup.merchants.store.sites import lock_merchant

Owner = Scope | PartnerScope


def owner_id(owner: Owner) -> UUID:
    return owner.merchant_id if isinstance(owner, Scope) else owner.partner_id


def key_context(owner: Owner) -> str:
    """The context under which its signing keys are sealed."""
    return f"webhook:{owner_id(owner)}"


def path_of(owner: Owner) -> str:
    """The path of its endpoints in the rescue API."""
    return "/v1/webhooks" if isinstance(owner, Scope) else "/v1/partner/webhooks"


async def lock_owner(tx: Tx, owner: Owner) -> None:
    """Its endpoints are made, and samples for them counted, one by one until the transaction
    ends."""
    if isinstance(owner, Scope):
        await lock_merchant(tx, owner.merchant_id)
    else:
        await lock_partner(tx, owner.partner_id)


async def note(
    tx: Tx,
    owner: Owner,
    at: WallTime,
    action: str,
    subject_id: UUID | str,
    facts: Mapping[str, Any],
) -> None:
    """Notes an action in the merchant's audit log, or in the partner's. Raises: ValueError for an
    action without words."""
    if isinstance(owner, Scope):
        await audit.note(tx, owner, at, action, subject_id, facts)
    else:
        await note_of_partner(
            tx, owner, action.replace(".", "_"), at, subject=str(subject_id), **facts
        )
