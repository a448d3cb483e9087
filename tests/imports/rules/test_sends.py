"""Which attempts of a file are sends that we know: of each send the nearest, however the file was
cut."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from recoup.imports.rules.sends import BESIDE, AttemptName, Candidate, CountedSend, paired

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS = st.integers(-90, 90)
Named = tuple[AttemptName, Candidate]


def attempt(number: int, seconds: int, units: int = 100) -> Named:
    at = NOW + timedelta(seconds=seconds)
    return ("stripe", f"ch_{number}"), Candidate(
        at, units, "USD", is_sent=True, lasting=False, is_counted=False
    )


def send(number: int, seconds: int, units: int = 100, *, imported: bool = False) -> CountedSend:
    return CountedSend(UUID(int=number), NOW + timedelta(seconds=seconds), units, "USD", imported)


def in_parts(
    attempts: Sequence[Named], sends: Sequence[CountedSend], size: int
) -> dict[UUID, AttemptName]:
    by_name, found = dict(attempts), dict[UUID, AttemptName]()
    for start in range(0, len(attempts), size):
        held = {send_id: (name, by_name[name]) for send_id, name in found.items()}
        found = paired(attempts[start : start + size], sends, held)
    return found


ATTEMPTS = st.lists(SECONDS, max_size=8).map(
    lambda them: [attempt(n, one) for n, one in enumerate(them)]
)
SENDS = st.lists(SECONDS, max_size=4).map(lambda them: [send(n, one) for n, one in enumerate(them)])


@given(ATTEMPTS, SENDS, st.integers(1, 8), st.randoms(use_true_random=False))
def test_parts_and_order_change_nothing(
    attempts: list[Named], sends: list[CountedSend], size: int, draw: object
) -> None:
    shuffled = attempts.copy()
    draw.shuffle(shuffled)  # type: ignore[attr-defined]
    assert in_parts(attempts, sends, len(attempts) + 1) == in_parts(shuffled, sends, size)


@given(ATTEMPTS, SENDS)
def test_each_send_is_one_attempt_and_nobody_nearer_is_left_without(
    attempts: list[Named], sends: list[CountedSend]
) -> None:
    found, by_name = paired(attempts, sends, {}), dict(attempts)
    assert len(set(found.values())) == len(found)
    for one in sends:
        for name in by_name.keys() - set(found.values()):
            apart = abs(by_name[name].at - one.at)
            holder = by_name[found[one.send_id]] if one.send_id in found else None
            assert apart > BESIDE or (holder is not None and abs(holder.at - one.at) <= apart)


def test_another_amount_another_minute_and_a_send_of_a_file_are_not_the_same() -> None:
    sends = [send(1, 0, units=99), send(2, 61), send(3, 0, imported=True)]
    assert paired([attempt(1, 0)], sends, {}) == {}


def test_of_equally_near_ones_the_earlier_is_it() -> None:
    assert paired([attempt(1, 5), attempt(2, -5)], [send(1, 0)], {}) == {
        UUID(int=1): ("stripe", "ch_2")
    }
    assert paired([attempt(2, 5), attempt(1, 5)], [send(1, 0)], {}) == {
        UUID(int=1): ("stripe", "ch_1")
    }
