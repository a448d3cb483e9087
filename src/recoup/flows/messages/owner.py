"""Whose endpoint it is: a merchant's, or that of a partner who hears of all its merchants."""

from uuid import UUID

from recoup.kernel.scope import PartnerScope, Scope

Owner = Scope | PartnerScope


def owner_id(owner: Owner) -> UUID:
    return owner.merchant_id if isinstance(owner, Scope) else owner.partner_id


def key_context(owner: Owner) -> str:
    """Under which its signing keys are sealed."""
    return f"webhook:{owner_id(owner)}"
