"""Every regular expression of the product takes time in proportion to its text, or stands in `REVIEWED` with what
bounds the text. Each is tried with texts that are made of it: what it repeats, again and again, and an end that does
not fit."""

import ast
import importlib
import itertools
import random
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = {
    "recoup": ROOT / "src/recoup",
    "recoup_connectors": ROOT / "packages/recoup-connectors/src/recoup_connectors",
}
METHODS: Final = frozenset({"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"})
SHORT, LONG = 24, 1_000  # letters of a text: exponents show in the first, squares in the second
ODD_SECONDS: Final = 0.0005  # of so few letters: what is linear takes a tenth of it, and what is not is looked at again
MANY_SECONDS: Final = 0.02  # of 8,000 letters: what a clock says of less is not sure
EIGHTFOLD_MAX: Final = 20  # times as long with eight times the text: 8 where it is linear, 64 where it is a square
LATE_SECONDS: Final = 2.0  # of all texts of a pattern, which take a twentieth
PARTS: Final = 8
# module and pattern -> what bounds its text, or whose it is; or of one that is made while it runs, of what.
REVIEWED: Final = {
    "recoup.rules.files.amounts _GROUPED": "60 characters: CHARS_MAX",
    "recoup.rules.languages.by_shape _shapes": "1,500 characters of ours: _LONGEST",
    "recoup.rules.merchants.personal redactor": "words, escaped, one after the other",
    "recoup.rules.network.card_text without_card": "the digits of a card, and at most 15 between them",
    "recoup.rules.network.magic _script": "digits, as many as a card has",
    "recoup.doors.docs.markdown _COMMENT": "our own guides",
    "recoup.doors.portal.languages.page_text _TOKEN": "our own pages",
    "recoup.doors.portal.languages.page_text _SPOKEN": "our own pages",
    "recoup.features.chains.channels _PATH": "what is wrong with the operator's own settings",
    "recoup.main.settings without_secrets": "the operator's own settings",
    "recoup.store.lists.order_row rows_of": "our own statements",
    "recoup.store.upgrade _read_bytes": "our own migrations",
}


@dataclass(frozen=True)
class Found:
    """`uses`: the methods by which it is tried; `pattern` None: it is made while the program runs."""

    name: str
    pattern: re.Pattern[Any] | None
    uses: frozenset[str]


def found_in(module: str, text: str, names: dict[str, Any]) -> Iterator[Found]:
    """The patterns of a module; `names`: what its own names stand for."""
    tree = ast.parse(text)
    owner = {id(inner): _named(statement) for statement in tree.body for inner in ast.walk(statement)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re"):
            continue
        target = owner[id(node)]
        compiled = node.func.attr == "compile"
        uses = _uses(tree, target) if compiled else frozenset({node.func.attr})
        try:
            made = eval(compile(ast.Expression(node if compiled else node.args[0]), module, "eval"), dict(names))
        except NameError:
            made = None
        pattern = re.compile(made) if isinstance(made, str | bytes) else made
        yield Found(f"{module} {target}", pattern, uses)


def _named(statement: ast.stmt) -> str:
    """What a statement of a module defines."""
    target = getattr(statement, "target", None) or next(iter(getattr(statement, "targets", [])), None)
    return target.id if isinstance(target, ast.Name) else getattr(statement, "name", "")


def _uses(tree: ast.Module, name: str) -> frozenset[str]:
    """Methods that are called on what a name stands for; all where that is something that holds it."""
    of = (one for one in ast.walk(tree) if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name))
    return frozenset(one.attr for one in of if one.value.id == name and one.attr in METHODS) or METHODS  # type: ignore[attr-defined]


# texts that are made of a pattern -------------------------------------------------------------------------------------

_CATEGORIES: Final = {
    op.CATEGORY_DIGIT: "7", op.CATEGORY_NOT_DIGIT: "a", op.CATEGORY_SPACE: " ", op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_WORD: "a", op.CATEGORY_NOT_WORD: "-",
}  # fmt: skip
_REPEATS: Final = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
MANY: Final = 20


def _inside(what: Any, value: Any) -> list[Any]:
    """The sequences that an element holds."""
    if what is op.SUBPATTERN:
        return [value[3]]
    if what is op.BRANCH:
        return list(value[1])
    if what in _REPEATS:
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
        refused = {one for one in made.findall("a7 -'\"~_.") if any(_fits(part, one) for part in value[1:])}
        return next((one for one in "a7 -'\"~_." if one not in refused), "字")
    every = [one for part in value for one in _letters_of(part)]
    return every[which % len(every)]


def _letters_of(part: Any) -> list[str]:
    what, value = part
    if what is op.RANGE:
        return [chr(value[0]), chr(value[1])]
    return [_CATEGORIES[value]] if what is op.CATEGORY else [chr(value)]


def _fits(part: Any, letter: str) -> bool:
    what, value = part
    if what is op.RANGE:
        return bool(value[0] <= ord(letter) <= value[1])
    if what is op.CATEGORY:
        of = {op.CATEGORY_DIGIT: r"\d", op.CATEGORY_SPACE: r"\s", op.CATEGORY_WORD: r"\w"}
        of |= {op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_NOT_SPACE: r"\S", op.CATEGORY_NOT_WORD: r"\W"}
        return re.match(of[value], letter) is not None
    return bool(chr(value) == letter)


def sample(items: Any, which: int = 0) -> str:
    """A text that the elements take, or nearly."""
    made = ""
    for what, value in items:
        if what is op.BRANCH:
            made += sample(value[1][which % len(value[1])], which)
        elif what in _REPEATS:
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
    return found.union(*(letters(inner) for what, value in items for inner in _inside(what, value))) - {""}


def repeated(items: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """(what stands before, what comes again and again) of all that may come often."""
    for what, value in items:
        if what in _REPEATS and value[1] > MANY:
            yield from ((before, sample(value[2], which) or "a") for which in range(3))
        for inner in _inside(what, value):
            yield from repeated(inner, before)
        before += sample([(what, value)])


def attacks(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    every = sorted(letters(tree))[:8]
    found = {("", one) for one in every} | {("", "".join(pair)) for pair in itertools.permutations(every, 2)}
    drawn, more = random.Random(str(pattern.pattern)), [*every, " ", "a", "0"]
    found |= {("", "".join(drawn.choices(more, k=length))) for length in (3, 4, 5) for _ in range(15)}
    found |= set(repeated(tree))
    for which in range(2):
        whole = sample(tree, which)
        found |= {("", whole), ("", whole[:-1]), ("", whole[1:]), (whole[:-1], whole[-1:]), (" ", f"{whole} ")}
    return sorted(one for one in found if one[1])


class _LateError(Exception):
    pass


def _late(*_: object) -> None:
    raise _LateError


def seconds_of(found: Found, text: str) -> float:
    pattern = found.pattern
    assert pattern is not None
    given: Any = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text
    began = time.process_time()
    if found.uses <= {"fullmatch", "match"}:
        for method in found.uses:
            getattr(pattern, method)(given)
    else:
        for _ in pattern.finditer(given):
            pass
    return time.process_time() - began


def costs_too_much(found: Found) -> str:
    """The text for which it does; empty where there is none."""
    assert found.pattern is not None
    before = signal.signal(signal.SIGVTALRM, _late)
    signal.setitimer(signal.ITIMER_VIRTUAL, LATE_SECONDS)
    tried = ""
    try:
        for head, again in attacks(found.pattern):
            for end in ("", "\x00~"):
                tried = f"{head!r} + {again!r} * … + {end!r}"

                def text(length: int, head: str = head, again: str = again, end: str = end) -> str:
                    return head + again * (length // len(again) + 1) + end

                if any(seconds_of(found, text(length)) > ODD_SECONDS for length in (SHORT, LONG)):
                    few, many = (min(seconds_of(found, text(one)) for _ in range(3)) for one in (LONG, 8 * LONG))
                    if many > max(EIGHTFOLD_MAX * few, MANY_SECONDS):
                        return f"{tried}: {few * 1000:.2f} -> {many * 1000:.2f} ms"
    except _LateError:
        return f"{tried}: does not end"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return ""


@cache
def every() -> list[Found]:
    found = []
    for package, root in SOURCES.items():
        for file in sorted(root.rglob("*.py")):
            text = file.read_text()
            if re.search(r"^import re$|^from re import", text, re.M):
                module = ".".join([package, *file.relative_to(root).with_suffix("").parts]).removesuffix(".__init__")
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
    (found,) = found_in("m", f"import re\nP = re.compile({pattern!r}, re.S)\nP.sub('', text)", {"re": re})
    assert costs_too_much(found)


@pytest.mark.parametrize(
    "pattern", [r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", r"(?<![0-9])[0-9]+(?=\])", r'"[^"]*"']
)
def test_a_linear_pattern_is_not(pattern: str) -> None:
    (found,) = found_in("m", f"import re\nP = re.compile({pattern!r})\nP.sub('', text)", {"re": re})
    assert not costs_too_much(found)


def test_a_pattern_of_somebody_else_is_found() -> None:
    (found,) = found_in("m", "import re\ndef f(pattern, text):\n return re.search(pattern, text)", {"re": re})
    assert found.pattern is None
