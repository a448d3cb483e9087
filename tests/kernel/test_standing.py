"""A database that lacks what any witness has seen is told from one that knows all, whatever was
copied or lost."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recoup.kernel.standing import MARGIN, Mark, Reached, knows_less, lost_between, newest

AT = datetime(2026, 11, 27, tzinfo=UTC)
STEPS = ("beat", "copy", "restore", "recover", "lose memory", "lose folder", "lose people")


@dataclass
class Installation:
    """The world's database, copies of it, and who saw how far it got. `lost`: a beat that a witness
    saw was undone, and nobody has recovered since."""

    mark: Mark = Mark(1, 0)
    copies: list[Mark] = field(default_factory=list)
    seen: dict[str, Reached] = field(default_factory=dict)

    @property
    def is_quarantined(self) -> bool:
        return knows_less(self.mark, newest(*self.seen.values()))

    def do(self, step: str, which: int) -> None:
        if step == "beat" and not self.is_quarantined:
            self.mark = Mark(self.mark.epoch, self.mark.beat + 1)
            for who in ("memory", "folder", "people"):
                self.seen[who] = Reached(self.mark, AT)
        elif step == "copy":
            self.copies.append(self.mark)
        elif step == "restore" and self.copies:
            self.mark = self.copies[which % len(self.copies)]
        elif step == "recover" and self.is_quarantined:
            most = newest(*self.seen.values())
            assert most is not None
            self.mark = Mark(most.mark.epoch + 1, self.mark.beat)
        elif step.startswith("lose "):
            self.seen.pop(step.removeprefix("lose "), None)


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=40))
def test_it_is_quarantined_just_while_a_witness_saw_more(steps: list[tuple[str, int]]) -> None:
    made = Installation()
    for step, which in steps:
        made.do(step, which)
        most = newest(*made.seen.values())
        assert made.is_quarantined == (most is not None and most.mark > made.mark)
        if step == "recover":
            assert not made.is_quarantined
        if step == "beat" and not made.is_quarantined:
            assert most is not None
            assert most.mark == made.mark, "a beat is never told from an older one"


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000), st.integers(0, 10_000))
def test_what_is_lost_covers_the_gap(has: int, seen: int, later: int) -> None:
    now = AT + timedelta(seconds=max(has, seen) + later)
    first, last = AT + timedelta(seconds=has), AT + timedelta(seconds=seen)
    lost = lost_between(Reached(Mark(1, 1), first), Reached(Mark(1, 2), last), AT, now)
    assert lost.start <= first - MARGIN
    assert lost.start <= lost.end <= now
    assert lost.end >= min(last, now)
    assert lost.asks_first_until > now


def test_without_marks_all_since_its_making_is_lost() -> None:
    lost = lost_between(Reached(Mark(1, 0), None), None, AT, AT + timedelta(days=3))
    assert (lost.start, lost.end) == (AT - MARGIN, AT + timedelta(days=3))


def test_one_that_was_never_seen_is_whole() -> None:
    assert not knows_less(Mark(1, 0), None)
    assert not knows_less(Mark(1, 7), Reached(Mark(1, 7), AT))
    assert not knows_less(Mark(2, 0), Reached(Mark(1, 7), AT)), "a recovery began an epoch"
    assert knows_less(Mark(1, 6), Reached(Mark(1, 7), AT))
