"""What processors see of an order: the same for the same words of its merchant, whatever ids a
database has made."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from tests.rescue.rules.test_order_facts import PLACED, attempt, order
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.orders.rules.snapshot import Attempt, Modification, Order
from recoup.orders.rules.wire_keys import (
    answer_key,
    attempt_key,
    derived,
    modification_key,
    renewed,
)

KEY = UUID("00000000-0000-8000-8000-000000000001")
AT = PLACED + timedelta(hours=1)
Sent = tuple[str, str, str | None]  # state, route, the processor's code


def anew(*sent: Sent, key: UUID = KEY) -> tuple[Order, Attempt]:
    """An order with these attempts behind it, each row with ids of its own, and the one that is
    due."""
    rows = [
        attempt(
            number, state, AT if state != "withheld" else None, route=route, processor_code=code
        )
        for number, (state, route, code) in enumerate(sent, 1)
    ]
    due = attempt(len(rows) + 1, "planned", None)
    return replace(order(attempts=[*rows, due]), key=key), due


def key_after(*sent: Sent, route: str = "a", key: UUID = KEY) -> UUID:
    of, due = anew(*sent, key=key)
    return attempt_key(of, due, route)


FIRST = key_after()
SAME: dict[str, tuple[UUID, UUID]] = {
    "other ids in the database": (key_after(), FIRST),
    "another route": (key_after(route="b"), FIRST),
    "another route, the first one never reached": (
        key_after(("not_sent", "a", None), route="b"),
        FIRST,
    ),
    "the same route, never reached before": (key_after(("not_sent", "a", None)), FIRST),
    "another route, refused by the first": (
        key_after(("not_sent", "a", "not_processed"), route="b"),
        FIRST,
    ),
    "one that was withheld before": (key_after(("withheld", "a", None)), FIRST),
    "a decline before, by whatever route": (
        key_after(("declined", "a", "51")),
        key_after(("declined", "b", "05"), route="c"),
    ),
    "what is unknown before counts": (
        key_after(("unknown", "a", None)),
        key_after(("declined", "a", "51")),
    ),
}
OTHER: dict[str, UUID] = {
    "another order or generation": key_after(key=derived(KEY, "another")),
    "the second that left": key_after(("declined", "a", "51")),
    "the same route, which refused it unprocessed and repeats that": key_after(
        ("not_sent", "a", "not_processed")
    ),
}


@each("name", SAME)
def test_the_same_charge_has_the_same_key(name: str) -> None:
    one, two = SAME[name]
    assert one == two


@each("name", OTHER)
def test_another_charge_has_another(name: str) -> None:
    assert OTHER[name] != FIRST


def modified(of: Order, kind: str, charge: Attempt, named: str | None = None) -> UUID:
    key = modification_key(of, kind, charge.attempt_id, named)
    of.modifications.append(
        Modification(
            new_id(),
            of.order_id,
            len(of.modifications) + 1,
            kind,
            charge.attempt_id,
            "done",
            100,
            "USD",
            "",
            [],
            "\\x",
            AT,
            "test",
            key=key,
        )
    )
    return key


def paid() -> tuple[Order, Attempt]:
    of, charge = anew()
    charge.key = attempt_key(of, charge, "a")
    return of, charge


def test_what_follows_a_charge_is_counted_by_kind_or_named_by_its_caller() -> None:
    one, charge = paid()
    two, again = paid()
    first = [
        modified(one, "refund", charge),
        modified(one, "refund", charge),
        modified(one, "void", charge),
    ]
    assert first == [
        modified(two, "refund", again),
        modified(two, "refund", again),
        modified(two, "void", again),
    ]
    assert len(set(first)) == 3
    named = modified(one, "refund", charge, "r-1"), modified(one, "refund", charge, "r-2")
    assert named == tuple(
        reversed([modified(two, "refund", again, "r-2"), modified(two, "refund", again, "r-1")])
    )
    assert len({*first, *named}) == 5, "in whatever order they come, the caller's keys name them"


def test_neither_what_is_named_nor_what_a_form_says_moves_the_count() -> None:
    one, charge = paid()
    two, again = paid()
    first = [modified(one, "refund", charge, name) for name in ("r-1", None, "portal-a1", "r-2")]
    second = [modified(two, "refund", again, name) for name in (None, "portal-b2", "r-2", "r-1")]
    assert sorted(first) == sorted(second), "a form that is opened again is the same refund"
    assert len(set(first)) == 4


def test_no_two_messages_of_an_order_have_one_key() -> None:
    of, charge = paid()
    assert len({modified(of, "refund", charge, "r-1") for _ in range(3)}) == 3, (
        "a caller's key that is forgotten"
    )
    adopted, due = anew(("approved", "a", None))
    later, last = anew(("declined", "a", "51"))
    adopted.attempts[0].key = attempt_key(
        later, last, "a"
    )  # found in place of the first, which was declined
    assert attempt_key(adopted, due, "a") != adopted.attempts[0].key
    parts, _ = anew(("approved", "a", None), ("approved", "a", None))
    assert len({modified(parts, "refund", part) for part in parts.attempts[:2]}) == 2, (
        "neither of which has a key"
    )


def test_a_renewed_one_goes_on_from_the_key_before() -> None:
    keys = []
    for _ in range(2):
        of, charge = paid()
        modified(of, "refund", charge)
        refund = of.modifications[0]
        for _ in range(3):
            refund.send_id, refund.send_key = new_id(), renewed(refund)
            keys.append(refund.wire_key)
    assert keys[:3] == keys[3:]
    assert len(set(keys)) == 3


def test_an_answer_to_a_dispute_is_counted_by_its_case() -> None:
    one, _ = paid()
    two, _ = paid()
    assert answer_key(one, "case", 1) == answer_key(two, "case", 1)
    assert (
        len({answer_key(one, "case", 1), answer_key(one, "case", 2), answer_key(one, "other", 1)})
        == 3
    )


parts = st.lists(st.text(max_size=6) | st.integers(0, 99), max_size=4)


@given(parts, parts)
def test_parts_are_told_apart(one: list[object], two: list[object]) -> None:
    same = [str(part) for part in one] == [str(part) for part in two]
    assert (derived(KEY, *one) == derived(KEY, *two)) is same
    assert derived(KEY, *one).version == 8
