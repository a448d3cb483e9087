"""Keys that a counterpart sees in place of our ids, as idempotency key and in metadata.

Everything here is derived from the order's key, and that from the keyring and from what its
merchant calls the order. So a database that was restored from a copy, and has made new ids since,
comes to the same keys when its callers repeat.
"""

from collections.abc import Iterable
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Final
from uuid import UUID

from recoup.kernel.ids import FORM, uuid_of

if TYPE_CHECKING:
    from recoup.orders.rules.snapshot import Attempt, Modification, Order

RENEWALS: Final = 4  # of a modification, that are looked for


def derived(parent: UUID, *parts: object) -> UUID:
    """The same for the same parts, which are told apart whatever stands in them."""
    text = "".join(f"{len(part)}:{part}" for part in map(str, parts))
    return uuid_of(sha256(parent.bytes + text.encode()).digest())


def attempt_key(order: "Order", attempt: "Attempt", route: str | None) -> UUID:
    """Counts the sends of the order that may have left, so that what goes by another route in place
    of one that never left has its key; a processor that refused it unprocessed repeats that under
    the same key, and gets another. What was adopted with the key of a later send is passed over."""
    before = [
        earlier
        for earlier in order.attempts
        if earlier.attempt_no < attempt.attempt_no and earlier.sent_at is not None
    ]
    left = [earlier for earlier in before if earlier.state != "not_sent"]
    refused = sum(
        earlier.state == "not_sent"
        and earlier.route == route
        and earlier.processor_code is not None
        for earlier in before
    )
    return _free(
        (derived(order.key, "attempt", n, refused) for n in count(len(left) + 1)),
        {earlier.key for earlier in left},
    )


def modification_key(order: "Order", kind: str, attempt_id: UUID | None, named: str | None) -> UUID:
    """`named`: by its caller's idempotency key, which may come again once it is forgotten; else it
    is counted, of its kind and charge, among those without a name: so it does not matter which of
    the others came before."""
    charge = next(
        (
            attempt.key or attempt_id
            for attempt in order.attempts
            if attempt.attempt_id == attempt_id
        ),
        None,
    )
    name = ("named", named) if named is not None and not named.startswith(FORM) else ()
    held = {
        key
        for modification in order.modifications
        for key in (modification.key, modification.send_key)
    }
    return _free((derived(order.key, kind, charge or "", *name, n) for n in count(1)), held)


def _free(keys: Iterable[UUID], held: set[UUID | None]) -> UUID:
    return next(key for key in keys if key not in held)


def renewed(modification: "Modification") -> UUID:
    """Its next key, where the processor is done with the present one."""
    return _after(modification.wire_key)


def lives_of(key: UUID) -> list[UUID]:
    """The key of a modification, and those that a database may have given it since and
    forgotten."""
    keys = [key]
    while len(keys) <= RENEWALS:
        keys.append(_after(keys[-1]))
    return keys


def _after(key: UUID) -> UUID:
    return derived(key, "again")


def answer_key(order: "Order", case_ref: str, number: int) -> UUID:
    """The key of our answer to a dispute."""
    return derived(order.key, "dispute_answer", case_ref, number)
