"""A sentence is its English text wherever a text is read, and keeps what it was made of: between
processes, in a column, and for another language."""

import copy
import pickle
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.encode import encode, encode_sorted, to_plain
from recoup.kernel.kept_sentence import keep, kept
from recoup.kernel.problem import STAGE, NearDay, Problem, Sentence, changed, cut, joined, shaped

PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KEYS = st.lists(PLAIN.map(lambda text: text.replace("{", "(")), min_size=2, max_size=4)
LEAVES = st.one_of(
    PLAIN,
    st.integers(-(10**15), 10**15),
    st.dates(date(1000, 1, 1)),
    st.dates(date(1000, 1, 1)).map(lambda day: NearDay(day.year, day.month, day.day)),
    st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1000 < at.year < 9999),
)


@st.composite
def sentences(draw: st.DrawFn, deep: int = 2) -> Sentence:
    texts = draw(KEYS)
    key = "".join(f"{text}{{{number}}}" for number, text in enumerate(texts[:-1])) + texts[-1]
    part = st.one_of(LEAVES, sentences(deep=deep - 1)) if deep else LEAVES
    return Sentence(key, *(draw(part) for _ in texts[:-1]))


def same(one: object, other: object) -> bool:
    """Down to the parts, and their kinds."""
    if isinstance(one, Sentence) and isinstance(other, Sentence):
        return one.key == other.key and all(
            same(*pair) for pair in zip(one.parts, other.parts, strict=True)
        )
    return type(one) is type(other) and one == other


@given(sentences())
def test_it_crosses_to_another_process_whole(sentence: Sentence) -> None:
    assert same(pickle.loads(pickle.dumps(sentence)), sentence)
    assert same(copy.deepcopy(sentence), sentence)


@given(sentences())
def test_it_comes_out_of_a_column_as_it_went_in(sentence: Sentence) -> None:
    again = kept(keep(sentence))
    assert again == sentence
    wrapped = sentence.key == "{0}" and type(sentence.parts[0]) is str
    assert wrapped or same(again, sentence)
    assert type(keep(sentence)) is str


@given(
    st.one_of(
        PLAIN,
        PLAIN.map('["'.__add__),
        PLAIN.map(lambda text: f'["{text}"]'),
        st.just('["{0}","x"]'),
    )
)
def test_so_does_every_plain_text(text: str) -> None:
    """Also one that somebody typed so that it looks like a kept sentence."""
    assert kept(keep(text)) == text
    assert type(kept(keep(text))) is str


@each(
    "text",
    [
        '["',
        '["a"]',
        '["a",1]x',
        '["{9}",1]',
        '["{0}",{"at":"x"}]',
        '["{0}",1.5]',
        '["{0}", "spaced"]',
        '["{0}",{"day":"2026-13-01"}]',
        '["' * 5_000,
    ],
)
def test_a_row_from_before_that_looks_like_one_stays(text: str) -> None:
    assert kept(text) == text


@given(sentences())
def test_it_is_its_text(sentence: Sentence) -> None:
    text = str(sentence)
    assert type(text) is str
    assert (sentence, hash(sentence), f"{sentence}") == (text, hash(text), text)
    assert (
        encode({"a": sentence})
        == encode_sorted({"a": sentence})
        == msgspec.json.encode({"a": text})
    )
    assert to_plain([sentence]) == [text]
    assert type(to_plain([sentence])[0]) is str


def test_what_is_filled_in() -> None:
    at = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
    inner = Sentence("the {0} of {1}", NearDay(2026, 11, 5), date(2026, 12, 6))
    assert Sentence("{0}, {1}, {2}: {3}", 3, at, inner, True) == (
        "3, 2026-11-20 17:30 UTC, the 5 Nov of 6 Dec 2026: True"
    )
    assert Sentence("{0}", "{1} {0}") == "{1} {0}"
    assert shaped("{amount} of {name}", name="A", amount="1.00", more="x") == "1.00 of A"
    assert joined(("a", "b"), ", ").parts == ("a", "b")
    assert joined(()) == ""
    with pytest.raises(IndexError):
        Sentence("{0} {1}", "one")


def test_what_is_done_to_it_inside() -> None:
    sentence = Sentence("{0} and {1}", "a", Sentence("b{0}", "a"))
    assert same(changed(sentence, str.upper), Sentence("{0} and {1}", "A", Sentence("b{0}", "A")))
    assert cut(sentence, 100) is sentence
    assert cut(sentence, 3) == "a a"
    assert type(cut(sentence, 3)) is str


def test_a_problem_fills_in_the_stage_and_keeps_its_parts() -> None:
    problem = Problem(
        "wrong_state",
        Sentence("An order that is {0} has {1}.", STAGE, 2),
        cure="Wait.",
        stage="paid",
    )
    assert problem.message == "An order that is paid has 2."
    assert isinstance(problem.message, Sentence)
    assert problem.message.parts == ("paid", 2)
    found = problem.sentence(stage="done")
    assert found == "An order that is done has 2. Wait."
    assert isinstance(found, Sentence)
    again = pickle.loads(pickle.dumps(problem))
    assert isinstance(again.message, Sentence)
    assert vars(again) == vars(problem)
