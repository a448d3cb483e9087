"""Lines of the audit log, each in the transaction of the act that it tells of: neither is there
without the other."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from recoup.audit.lines import add_audit_line
from recoup.audit.rules import checked
from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Scope
from recoup.kernel.time import WallTime
from recoup.kit.rights import check_act


async def note(
    tx: Tx,
    scope: Scope,
    at: WallTime,
    action: str,
    subject_id: UUID | str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """The scope's actor did `action` (of `audit/rules.py`) to what `subject_id` names. `facts`:
    what changed, as `changes` makes it, or what else is to be known; never a secret or anybody's
    data.

    Raises: ValueError for an action without words; Problem(forbidden) for what an impersonator may
    not do.
    """
    check_act(scope.actor, action)
    kept = checked(action, facts or {})
    await add_audit_line(
        tx,
        scope.merchant_id,
        new_id(),
        at,
        scope.actor.text(),
        action,
        str(subject_id),
        kept,
        scope.request_id,
    )
