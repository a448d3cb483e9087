"""What a feature adds is declared once: a throwaway feature brings one of each, and nothing else is touched."""

from collections.abc import Iterator
from contextlib import contextmanager

from recoup.desk.page.order.held import _cured
from recoup.kernel import feature
from recoup.kernel.extended import Extended
from recoup.kernel.feature import Addition, Feature, features
from recoup.orders.rules import attention
from recoup.orders.rules.attention import ATTENTION, DESK, Attention, is_by_people, sentence_of


@contextmanager
def with_feature(*adds: Addition, tables: tuple[Extended[object], ...] = ()) -> Iterator[None]:
    """`tables`: of the places; they are put together anew."""
    before = features()
    feature._features = feature.checked((*before, Feature(name="throwaway", adds=adds)))
    for table in tables:
        vars(table).pop("_all", None)
    try:
        yield
    finally:
        feature._features = before
        for table in tables:
            vars(table).pop("_all", None)


def test_a_reason_of_attention_is_one_row() -> None:
    lost = Attention("parcel_lost", "Parcel {0} is lost.", "Send it again.", DESK, by_people=True)
    with with_feature(ATTENTION(lost), tables=(attention.REASONS,)):
        code = f"{lost}:7"
        assert sentence_of(code) == "Parcel 7 is lost."
        assert is_by_people(lost)
        assert not is_by_people("outcome_unknown")
        shown = _cured(code, sentence_of(code))
        assert (shown.cause, shown.cure, shown.ask) == ("Parcel 7 is lost.", "Send it again.", DESK)
    assert sentence_of("parcel_lost:7") == "parcel_lost:7", "gone with its feature"
