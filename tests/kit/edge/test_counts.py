"""What doors of a machine count together."""

import os

import pytest

from recoup.kernel.ids import new_id
from recoup.kit.edge.counts import SHARED, Counts, counts, make_shared
from recoup.kit.edge.limits import Minutes
from recoup.kit.edge.rate import Buckets

RATE, BURST, CALLS = 2_000, 200, 40_000


def test_two_processes_give_one_caller_what_one_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both call through the same second, however they run side by side."""
    monkeypatch.setenv(SHARED, str(made := make_shared()))
    reads, writes = os.pipe()
    for _ in range(2):
        if not os.fork():
            buckets = Buckets(RATE, BURST, name="keys ")
            taken = sum(buckets.take("a", 100 + number / CALLS) == 0.0 for number in range(CALLS))
            os.write(writes, b"%8d" % taken)
            os._exit(0)
    for _ in range(2):
        os.wait()
    each = [int(os.read(reads, 8)) for _ in range(2)]
    for one in (made, reads, writes):
        os.close(one)
    assert sum(each) == pytest.approx(BURST + RATE, rel=0.05)


def test_names_count_apart_and_instances_of_a_name_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SHARED, str(made := make_shared()))
    assert Buckets(1, 1, name="one ").take("a", 9.0) == 0.0
    assert Buckets(1, 1, name="one ").take("a", 9.0) > 0
    assert Buckets(1, 1, name="two ").take("a", 9.0) == 0.0
    partner = new_id()
    for number in range(3):
        assert Minutes().take(partner, 3, 61.0) == 0
        assert Minutes().count(partner, 61.0) == number + 1
    assert Minutes().take(partner, 3, 119.0) == 1
    assert Minutes().take(partner, 3, 120.0) == 0
    monkeypatch.delenv(SHARED)
    os.close(made)
    assert counts().values[0] == 0.0


def test_a_place_is_found_again_also_after_it_was_anothers() -> None:
    made = make_shared()
    mine, theirs = Counts(shared=made, sets=1), Counts(shared=made, sets=1)
    mine.values[mine.find("a")] = 5.0
    assert mine.find("a") == mine.find("a") == theirs.find("a")
    for number in range(8):  # among which "a" has the earliest instant
        theirs.values[theirs.find(str(number))] = 10.0 + number
    assert mine.values[mine.find("a")] == 0.0
    assert mine.find("a") == mine.find("a") == theirs.find("a")
    os.close(made)


def test_a_full_table_forgets_the_quietest_of_a_set() -> None:
    kept = Counts(sets=1)
    for number in range(8):
        kept.values[kept.find(str(number))] = 10.0 + number
    place = kept.find("another")
    assert kept.values[place] == 0.0
    kept.values[place] = 30.0
    assert kept.values[kept.find("1")] == 11.0
    assert kept.values[kept.find("0")] == 0.0
