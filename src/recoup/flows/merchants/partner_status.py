"""How a partner's merchant stands: its sites, keys and endpoints, and what it still needs to go live."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.flows.merchants.partners import no_such_merchant
from recoup.kernel.ids import first_id_of
from recoup.kernel.world import World
from recoup.store.read.merchant_keys import keys_of
from recoup.store.read.merchants import Site, load_merchant
from recoup.store.read.partner_merchants import hooks_of, read_merchant

DELIVERED_WITHIN: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Status:
    """Rows as they were read; `missing`: (code, what to do)."""

    merchant: Any
    sites: tuple[Site, ...]
    keys: Sequence[Any]
    hooks: Sequence[Any]
    missing: tuple[tuple[str, str], ...]


async def read_status(world: World, partner_id: UUID, merchant_id: UUID) -> Status:
    """Raises: Problem(not_found), the same for another partner's merchant."""
    since = first_id_of(world.clocks.wall() - DELIVERED_WITHIN)
    async with world.db.connection() as connection:
        row = await read_merchant(connection, partner_id, merchant_id)
        known = await load_merchant(connection, merchant_id) if row is not None else None
        if row is None or known is None:
            raise no_such_merchant()
        keys, hooks = await keys_of(connection, merchant_id), await hooks_of(connection, merchant_id, since)
    sites = tuple(site for site in known.sites if site.retired_at is None)
    return Status(row, sites, keys, hooks, missing_of(row, hooks))


def health_of(hook: Any) -> str:
    """new, ok, failing or disabled."""
    if hook["state"] != "active":
        return "disabled"
    if hook["last_result"] is None:
        return "new"
    return "ok" if hook["last_result"] == "delivered" else "failing"


def missing_of(row: Any, hooks: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """What a merchant still needs, in the order in which one does it."""
    healths = {health_of(hook) for hook in hooks}
    steps = (
        ("active", row["state"] == "active", "It is paused: PATCH it with state active."),
        ("switches", row["cit_web"] or row["cit_callcenter"] or row["mit"], "It takes no kind of order."),
        ("webhook", bool(healths & {"new", "ok", "failing"}), "No endpoint takes its events: POST /v1/webhooks."),
        ("webhook_health", "failing" not in healths, "An endpoint does not answer 2xx: see its deliveries."),
        ("order", row["first_order"] is not None, "No order has come yet: POST /v1/evaluate with its key."),
        ("completed", row["has_completed"], "No order was rescued yet; the sandbox's script cards do it at once."),
        ("terms", row["has_terms"], "No fee is agreed: the operator sets the terms."),
        ("bank_account", row["has_account"], "No bank account is proven: its owner adds one in the portal, /bank."),
    )
    return tuple((code, text) for code, done, text in steps if not done)
