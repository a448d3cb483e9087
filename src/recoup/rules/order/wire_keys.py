"""What a counterpart sees in place of our ids, as idempotency key and in metadata.

Everything here is derived from the order's key, and that from the keyring and from what its merchant calls the order.
So a database that was restored from a copy, and has made new ids since, comes to the same keys when its callers repeat.
"""

from hashlib import sha256
from uuid import UUID

from recoup.kernel.ids import uuid_of
from recoup.rules.order.snapshot import Attempt, Modification, Order


def derived(parent: UUID, *parts: object) -> UUID:
    """The same for the same parts, which are told apart whatever stands in them."""
    text = "".join(f"{len(one)}:{one}" for one in map(str, parts))
    return uuid_of(sha256(parent.bytes + text.encode()).digest())


def attempt_key(order: Order, attempt: Attempt, route: str | None) -> UUID:
    """Counts the sends of the order that may have left, so that what goes by another route in place of one that never
    left has its key; a processor that refused it unprocessed repeats that under the same key, and gets another."""
    before = [one for one in order.attempts if one.attempt_no < attempt.attempt_no and one.sent_at is not None]
    left = sum(one.state != "not_sent" for one in before)
    refused = sum(one.state == "not_sent" and one.route == route and one.processor_code is not None for one in before)
    return derived(order.key, "attempt", left + 1, refused)


def modification_key(order: Order, kind: str, attempt_id: UUID | None, named: str | None) -> UUID:
    """`named`: by its caller's idempotency key; else it is counted, of its kind and charge."""
    charge = next((one.key for one in order.attempts if one.attempt_id == attempt_id), None)
    if named is not None:
        return derived(order.key, kind, charge or "", "named", named)
    number = sum(one.kind == kind and one.attempt_id == attempt_id for one in order.modifications) + 1
    return derived(order.key, kind, charge or "", number)


def renewed(modification: Modification) -> UUID:
    """Its next key, where the processor is done with the present one."""
    return derived(modification.wire_key, "again")


def answer_key(order: Order, case_ref: str, number: int) -> UUID:
    """Of our word to a dispute."""
    return derived(order.key, "dispute_answer", case_ref, number)
