"""A sentence for people keeps its key and its parts: none is finished by an f-string, by `format`
or by `%`."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.rings import each

import recoup
from recoup_languages import harvest

_SOURCE = Path(recoup.__file__).parent
_SLOT = re.compile(r"\{(\w+)\}")
_PERCENT = re.compile(r"%(\(\w+\))?[a-z]")
# What is written here is kept word for word with its decision, and repeated so by verify: decision
# 42.
_DECIDERS = (
    "risk/rules/advance",
    "rescue/rules/by_hand.py",
    "rescue/rules/charge.py",
    "rescue/rules/decide.py",
    "rescue/rules/model_standing.py",
    "rescue/rules/gate.py",
    "processors/rules/route_terms.py",
    "rescue/rules/route_by_worth.py",
    "rescue/rules/sentences.py",
    "engine/words.py",
    "rescue/rules/signal.py",
    "mandates/rules.py",
)
# Where it is no sentence that is said in other languages: file -> what it is.
_MAY = {
    "people/page/account/second_factor.py": "the name of an account in somebody's authenticator",
    "insight/page.py": "an entry of the audit log",
    "audit/rules.py": "a mistake of ours, which nobody reads on a page",
    "onboarding/rules/onboarding.py": "a command to copy",
    "orders/rules/events.py": "a mistake of ours, which nobody reads on a page",
    "networks/magic.py": "the documentation of test cards",
}


def finished(tree: ast.Module, *, wordy: bool) -> Iterator[int]:
    """Lines in which a text for people is filled in, and forgets with what. `wordy`: whatever is in
    the file is for people."""
    kept = {id(call.args[0]) for call in _calls(tree) if call.args}
    roots = [tree] if wordy else list(harvest._spoken(tree))
    for root in roots:
        for node in ast.walk(root):
            text = None if id(node) in kept else _text(node)
            if text is not None and list(harvest._sentences(text, wordy)):
                yield node.lineno  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str | None:
    match node:
        case ast.JoinedStr():
            return harvest._shape(node)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
            return text
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod()):
            return _PERCENT.sub("{0}", text)
    return None


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "Sentence"
        ):
            yield node


@cache
def _files() -> tuple[tuple[str, ast.Module], ...]:
    found = []
    for file in sorted(_SOURCE.rglob("*.py")):
        name = file.relative_to(_SOURCE).as_posix()
        if harvest.is_for_people(name):
            found.append((name, ast.parse(file.read_text(encoding="utf-8"))))
    return tuple(found)


def test_no_sentence_is_finished_before_it_is_read() -> None:
    found = {
        name: lines
        for name, tree in _files()
        if (lines := [*finished(tree, wordy=harvest.is_wordy(name))])
    }
    wrong = {
        name: lines
        for name, lines in found.items()
        if name not in _MAY and not name.startswith(_DECIDERS)
    }
    assert not wrong, 'write Sentence("… {0} …", part): kernel/problem.py'
    assert not _MAY.keys() - found.keys(), "the list of exceptions names what is none"


def test_every_slot_has_its_part() -> None:
    """A slot without one would be an error in the moment of an error."""
    wrong = []
    for name, tree in _files():
        for call in _calls(tree):
            key = call.args[0]
            if isinstance(key, ast.Constant) and not any(
                isinstance(part, ast.Starred) for part in call.args
            ):
                slots = {int(number) for number in _SLOT.findall(key.value)}
                if slots != set(range(len(call.args) - 1)):
                    wrong.append(f"{name}:{call.lineno}")
    assert not wrong


@each(
    "source",
    [
        'Problem("invalid", f"At most {most} notes.")',
        'Problem("invalid", "At most %d notes." % most)',
        'Problem("invalid", "At most {} notes.".format(most))',
        'Problem("invalid", "No.", cure=f"Wait until {until}.")',
        'message = f"At most {most} notes."',
        'message = Sentence("{0}: {1}", name, f"at most {most} notes")',
    ],
)
def test_the_search_finds_what_was_once_there(source: str) -> None:
    assert [*finished(ast.parse(source), wordy=False)]


def test_it_lets_a_sentence_pass() -> None:
    assert not [
        *finished(
            ast.parse('Problem("invalid", Sentence("At most {0} notes.", f"{most:,}"))'),
            wordy=False,
        )
    ]
