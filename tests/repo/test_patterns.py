"""Every regular expression of the product takes time in proportion to its text, or stands in
`REVIEWED` with what bounds the text. Each is tried with texts that are made of it: what it repeats,
again and again, and an end that does not fit."""

import ast
import importlib
import itertools
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

import pytest
from tests.steps import REPEATS, Counted, TooManyError, fits

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = {
    "recoup": ROOT / "src/recoup",
    "recoup_connectors": ROOT / "packages/recoup-connectors/src/recoup_connectors",
}
METHODS: Final = frozenset(
    {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
)
LENGTHS: Final = (
    25,
    200,
    1_000,
)  # of a text, and twice as long: what grows too much in one is looked at in the next
GROWTH_MAX: Final = 2.3  # steps for twice the text
SLACK: Final = 50  # steps
STEPS_MAX: Final = 200  # of each letter: what is linear takes some ten
PARTS: Final = 8
# module and pattern -> what bounds its text, or whose it is; or of one that is made while it runs,
# of what.
REVIEWED: Final = {
    "recoup.kit.files.amounts _GROUPED": "60 characters: CHARS_MAX",
    "recoup.kit.languages.said _shapes": "1,500 characters of ours: _LONGEST",
    "recoup.kit.personal redactor": "words, escaped, one after the other",
    "recoup.networks.card_text without_card": "the digits of a card, and at most 15 between them",
    "recoup.networks.magic _script": "digits, as many as a card has",
    "recoup.docs.markdown _COMMENT": "our own guides",
    "recoup.kit.languages.page_text _TOKEN": "our own pages",
    "recoup.kit.languages.page_text _SPOKEN": "our own pages",
    "recoup.chains.channels _PATH": "what is wrong with the operator's own settings",
    "recoup_connectors.braintree.kind FORM": "80 characters from each place on, and words of our "
    "own settings",
    "recoup.main.settings without_secrets": "the operator's own settings",
    "recoup.desk.store.order_row rows_of": "our own statements",
    "recoup.db.upgrade _read_bytes": "our own migrations",
}


@dataclass(frozen=True)
class Found:
    """`uses`: the methods by which it is tried; `pattern` None: it is made while the
    program runs."""

    name: str
    pattern: re.Pattern[Any] | None
    uses: frozenset[str]


def found_in(module: str, text: str, names: dict[str, Any]) -> Iterator[Found]:
    """The patterns of a module; `names`: what its own names stand for."""
    every = [
        (node, statement) for statement in ast.parse(text).body for node in ast.walk(statement)
    ]
    called = [
        node
        for node, _ in every
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    for node, statement in every:
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in METHODS
        ):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re"):
            continue
        target = _named(statement)
        compiled = node.func.attr == "compile"
        uses = _uses(called, target) if compiled else frozenset({node.func.attr})
        try:
            made = eval(
                compile(ast.Expression(node if compiled else node.args[0]), module, "eval"),
                dict(names),
            )
        except NameError:
            made = None
        pattern = re.compile(made) if isinstance(made, str | bytes) else made
        yield Found(f"{module} {target}", pattern, uses)


def _named(statement: ast.stmt) -> str:
    """What a statement of a module defines."""
    target = getattr(statement, "target", None) or next(
        iter(getattr(statement, "targets", [])), None
    )
    return target.id if isinstance(target, ast.Name) else getattr(statement, "name", "")


def _uses(called: list[ast.Attribute], name: str) -> frozenset[str]:
    """Methods that are called on what a name stands for;
    all where that is something that holds it."""
    return (
        frozenset(one.attr for one in called if one.value.id == name and one.attr in METHODS)
        or METHODS
    )  # type: ignore[attr-defined]


# texts that are made of a pattern
# -------------------------------------------------------------------------------------

_CATEGORIES: Final = {
    op.CATEGORY_DIGIT: "7",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_WORD: "-",
}
MANY: Final = 20


def _inside(what: Any, value: Any) -> list[Any]:
    """The sequences that an element holds."""
    if what is op.SUBPATTERN:
        return [value[3]]
    if what is op.BRANCH:
        return list(value[1])
    if what in REPEATS:
        return [value[2]]
    if what in (op.ASSERT, op.ASSERT_NOT):
        return [value[1]]
    return [value] if what is op.ATOMIC_GROUP else []


def _letter(what: Any, value: Any, which: int) -> str:
    if what is op.LITERAL:
        return chr(value)
    if what is op.NOT_LITERAL:
        return "~" if value != ord("~") else "^"
    if what is op.ANY:
        return "a~ "[which % 3]
    if what is not op.IN:
        return ""
    if value[0][0] is op.NEGATE:
        made = re.compile(f"[{re.escape(''.join(map(chr, range(32, 127))))}]")
        refused = {
            one for one in made.findall("a7 -'\"~_.") if any(fits(part, one) for part in value[1:])
        }
        return next((one for one in "a7 -'\"~_." if one not in refused), "字")
    every = [one for part in value for one in _letters_of(part)]
    return every[which % len(every)]


def _letters_of(part: Any) -> list[str]:
    what, value = part
    if what is op.RANGE:
        return [chr(value[0]), chr(value[1])]
    return [_CATEGORIES[value]] if what is op.CATEGORY else [chr(value)]


def sample(items: Any, which: int = 0) -> str:
    """A text that the elements take, or nearly."""
    made = ""
    for what, value in items:
        if what is op.BRANCH:
            made += sample(value[1][which % len(value[1])], which)
        elif what in REPEATS:
            made += sample(value[2], which) * max(value[0], min(which, 1))
        elif what in (op.ASSERT, op.ASSERT_NOT):
            continue
        elif inside := _inside(what, value):
            made += sample(inside[0], which)
        else:
            made += _letter(what, value, which)
    return made


def letters(items: Any) -> set[str]:
    found = {_letter(what, value, which) for what, value in items for which in range(4)}
    return found.union(
        *(letters(inner) for what, value in items for inner in _inside(what, value))
    ) - {""}


def repeated(items: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """(what stands before, what comes again and again) of all that may come often."""
    for what, value in items:
        if what in REPEATS and value[1] > MANY:
            yield from ((before, sample(value[2], which) or "a") for which in range(3))
        for inner in _inside(what, value):
            yield from repeated(inner, before)
        before += sample([(what, value)])


def attacks(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    every = sorted(letters(tree))[:8]
    found = {("", one) for one in every} | {
        ("", "".join(pair)) for pair in itertools.permutations(every, 2)
    }
    drawn, more = random.Random(str(pattern.pattern)), [*every, " ", "a", "0"]
    found |= {
        ("", "".join(drawn.choices(more, k=length))) for length in (3, 4, 5) for _ in range(8)
    }
    found |= set(repeated(tree))
    for which in range(2):
        whole = sample(tree, which)
        found |= {
            ("", whole),
            ("", whole[:-1]),
            ("", whole[1:]),
            (whole[:-1], whole[-1:]),
            (" ", f"{whole} "),
        }
    return sorted(one for one in found if one[1])


def tried_by(found: Found) -> list[str]:
    """The methods that differ in what they cost."""
    return [
        *(["fullmatch"] if "fullmatch" in found.uses else []),
        *(
            ["search"]
            if found.uses - {"fullmatch", "match"}
            else ["match"]
            if "match" in found.uses
            else []
        ),
    ]


def costs_too_much(found: Found) -> str:
    """The text for which it does; empty where there is none."""
    assert found.pattern is not None
    if not any(repeated(parser.parse(found.pattern.pattern, found.pattern.flags & ~re.DEBUG))):
        return ""
    counted, methods = Counted(found.pattern), tried_by(found)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        for head, again in attacks(found.pattern):
            for end in ("", "\x00~"):
                for method in methods:
                    text = partial(_text, head, again, end)
                    if all(_grows(counted, method, text, length) for length in LENGTHS):
                        return f"{method}, {head!r} + {again!r} * … + {end!r}"
    finally:
        sys.setrecursionlimit(before)
    return ""


def _text(head: str, again: str, end: str, length: int) -> str:
    return head + again * (length // len(again) + 1) + end


def _grows(counted: Counted, method: str, text: Callable[[int], str], length: int) -> bool:
    """By more than a text that is twice as long; or it takes a great many steps for each letter."""
    try:
        few, many = (
            counted.count(method, text(one), STEPS_MAX * one)[0] for one in (length, 2 * length)
        )
    except TooManyError:
        return True
    return many > GROWTH_MAX * few + SLACK


@cache
def every() -> list[Found]:
    found = []
    for package, root in SOURCES.items():
        for file in sorted(root.rglob("*.py")):
            text = file.read_text()
            if re.search(r"^import re$|^from re import", text, re.M):
                module = ".".join(
                    [package, *file.relative_to(root).with_suffix("").parts]
                ).removesuffix(".__init__")
                found += found_in(module, text, vars(importlib.import_module(module)))
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_patterns_take_time_in_proportion_to_their_text(part: int) -> None:
    wrong = {}
    for one in every()[part::PARTS]:
        if one.name not in REVIEWED:
            why = "is made while it runs" if one.pattern is None else costs_too_much(one)
            if why:
                wrong[one.name] = why
    assert not wrong, "make it linear, or bound its text and say so in REVIEWED"


def test_what_was_reviewed_is_there() -> None:
    assert not set(REVIEWED) - {one.name for one in every()}


PLANTED: Final = {
    "a field's name full of quotes": r"(?<!\w)(['\"`“]).*?(?:\1|”)(?!\w)",
    "digits before a bracket": r"[\W_]+|[0-9]+(?=\])",
    "an opening bracket without its end": r'"[^"]*"|\\.|\[[^\]]*\]',
    "noughts": r"([0-9]+)\.0+",
    "an exponent": r"(?:a|aa)+$",
    "blanks at an end": r"\s+$",
}


@pytest.mark.parametrize("pattern", PLANTED.values(), ids=PLANTED)
def test_a_planted_pattern_is_found(pattern: str) -> None:
    (found,) = found_in(
        "m", f"import re\nP = re.compile({pattern!r}, re.S)\nP.sub('', text)", {"re": re}
    )
    assert costs_too_much(found)


@pytest.mark.parametrize(
    "pattern",
    [r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", r"(?<![0-9])[0-9]+(?=\])", r'"[^"]*"'],
)
def test_a_linear_pattern_is_not(pattern: str) -> None:
    (found,) = found_in("m", f"import re\nP = re.compile({pattern!r})\nP.sub('', text)", {"re": re})
    assert not costs_too_much(found)


def test_a_pattern_of_somebody_else_is_found() -> None:
    (found,) = found_in(
        "m", "import re\ndef f(pattern, text):\n return re.search(pattern, text)", {"re": re}
    )
    assert found.pattern is None


def test_steps_are_counted_of_what_a_pattern_does() -> None:
    """The counter finds what Python finds, at the same places."""
    tried = 0
    for found in every()[::9]:
        if found.pattern is None or not any(
            repeated(parser.parse(found.pattern.pattern, found.pattern.flags & ~re.DEBUG))
        ):
            continue
        counted = Counted(found.pattern)
        for head, again in attacks(found.pattern)[::5]:
            text = _text(head, again, "\x00~", 30)
            given: Any = (
                text.encode("latin-1", "replace")
                if isinstance(found.pattern.pattern, bytes)
                else text
            )
            seen = given.decode("latin-1") if isinstance(given, bytes) else given
            places = [one.span() for one in found.pattern.finditer(given)]
            assert counted.count("search", seen, 10**6)[1] == places, (found.name, text)
            tried += 1
    assert tried > 100  # noqa: PLR2004
