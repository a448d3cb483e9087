"""What is kept by what somebody asked stays small: a text from outside that outlives its call as a
key has 64 characters at most, which `kernel/cached.py` holds."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from recoup.kernel.cached import TEXT_MAX, cached

ROOT = Path(__file__).resolve().parents[2]
FILES = [*ROOT.glob("src/recoup/**/*.py"), *ROOT.glob("packages/recoup-connectors/src/**/*.py")]
KEEPERS = ("cache", "lru_cache", "functools.cache", "functools.lru_cache")
# Kinds of keys of which there are few, or each is as short as any other.
SMALL = frozenset({"int", "bool", "date", "None", "type", "Kind", "Feature"})
# What is kept by another key without `cached` -> whose keys they are.
OURS = {
    "recoup/kernel/feature.py _values": "places and features",
    "recoup/kernel/cached.py kept": "looks at each",
    "recoup/kernel/extensions.py added": "groups of entry points",
    "recoup/kernel/filled.py _names": "classes of ours",
    "recoup/processors/gateways/kinds.py _loaded": "entry points",
    "recoup/outside/keys/keyring.py _hmac": "keys of this installation",
    "recoup/db/statement.py sql": "how a statement's text is put together",
    "recoup/db/statement.py partial(_ready, function, whole, seconds)": "statements' texts",
    "recoup/rescue/store/locked.py _merchant_of": "rows of ours, one a merchant",
    "recoup/rescue/store/locked.py _terms_of": "rows of ours, one a merchant",
    "recoup/rescue/store/evidence.py _statement": "parts of a statement",
    "recoup/desk/store/orders.py _dress": "columns",
    "recoup/policies/rules/stored.py _read": "rows of ours, one a version that is in force",
    "recoup/policies/rules/stored.py _in_force": "rows of ours, one a version that is in force",
    "recoup/kit/languages/said.py _said": "reasons of decisions",
    "recoup/kit/languages/said.py _shapes": "languages",
    "recoup/networks/simulation.py codes_of": "networks",
    "recoup/chains/abi.py selector": "functions that we call",
    "recoup/engine/rhythms.py posts": "rhythms",
    "recoup/people/page/form_shape.py readers_of": "functions of ours",
    "recoup/kit/api/body.py _reader": "classes of ours",
    "recoup/kit/api/query.py _parameters": "classes of ours",
    "recoup/kit/api/wire.py _names": "classes of ours",
    "recoup/kit/edge/field_texts.py _texts_in": "modules of ours",
}
CONTAINERS = (
    "dict",
    "list",
    "set",
    "deque",
    "defaultdict",
    "OrderedDict",
    "Counter",
    "WeakKeyDictionary",
)
HOLDS = re.compile(
    rf"^\w+(?:: [^=]+)? = (?:[{{\[]|(?:{'|'.join(CONTAINERS)})\b)", re.M
)  # most modules do not
ADDS = frozenset({"setdefault", "add", "append", "extend", "update", "insert", "__setitem__"})
# What a module holds and a function adds to -> what it is.
GATHERED = {
    "recoup/people/page/menu.py _DECLARED": "lines of the menu, as pages are imported",
    "recoup/people/page/pages.py DECLARED": "pages, as they are imported",
    "recoup/db/statement.py STATEMENTS": "statements, as they are imported",
    "recoup/db/table.py TABLES": "tables, as they are imported",
    "recoup/stablecoin/rules/channels.py _served": "channels of the settings",
    "recoup/chains/intake.py _served": "channels of the settings",
    "recoup/chains/intake.py _by_token": "channels of the settings",
    "recoup/chains/intake.py _known": "a database's chains, for seconds",
    "recoup/uploads/flows/file_turns.py _turns": "databases",
    "recoup/onboarding/flows/sign_up.py _TURNS": "databases",
    "recoup/main/clock.py _begun": "loops of a worker",
    "recoup/keys/flows/outlive.py _UNDER_WAY": "work that goes on, until it ends",
}


def kept_by_long_keys(tree: ast.Module) -> Iterator[str]:
    """Names of functions whose results are kept by keys that are not known to be small."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if ast.unparse(decorator).partition("(")[0] in KEEPERS and not _is_small(node):
                    yield node.name
        elif isinstance(node, ast.Call) and _keeps(node.func):
            yield ast.unparse(node.args[0])  # lru_cache(maxsize=…)(function)


def _keeps(called: ast.expr) -> bool:
    if isinstance(called, ast.Call):
        return ast.unparse(called.func) in KEEPERS
    return ast.unparse(called) in ("cache", "functools.cache")


def _is_small(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    args = function.args
    if args.vararg or args.kwarg:
        return False
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    kinds = [ast.unparse(one.annotation) if one.annotation else "" for one in every]
    return all(set(kind.split(" | ")) <= SMALL for kind in kinds)


def gathered(tree: ast.Module) -> Iterator[str]:
    """Names of what a module holds and its functions add to."""
    held = set[str]()
    for statement in tree.body:
        target = getattr(statement, "target", None) or next(
            iter(getattr(statement, "targets", [])), None
        )
        value = getattr(statement, "value", None)
        if isinstance(target, ast.Name) and value is not None and _is_container(value):
            held.add(target.id)
    for node in ast.walk(tree) if held else ():
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            adds_to: ast.expr | None = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ADDS
        ):
            adds_to = node.func.value
        else:
            continue
        if isinstance(adds_to, ast.Name) and adds_to.id in held:
            yield adds_to.id


def _is_container(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).partition("[")[0] in CONTAINERS
    return isinstance(value, ast.Dict | ast.List | ast.Set)


def _name(file: Path) -> str:
    return file.as_posix().partition("/src/")[2]


def test_no_text_from_outside_is_a_lasting_key() -> None:
    texts = [(_name(file), file.read_text()) for file in FILES]
    kept = {
        f"{name} {one}"
        for name, text in texts
        if "cache" in text
        for one in kept_by_long_keys(ast.parse(text))
    }
    assert kept == set(OURS), "keep it with kernel/cached.py, or say in OURS whose keys they are"
    held = {
        f"{name} {one}"
        for name, text in texts
        if HOLDS.search(text)
        for one in gathered(ast.parse(text))
    }
    assert held == set(GATHERED), (
        "a cache is made with kernel/cached.py; what else it is, say in GATHERED"
    )


def raised_again(tree: ast.Module) -> list[str]:
    """An exception that a module keeps, raised as it is: it keeps the frames of each time, and what
    they hold."""
    raised = (
        one.exc
        for one in ast.walk(tree)
        if isinstance(one, ast.Raise) and isinstance(one.exc, ast.Name)
    )
    return [one.id for one in raised if one.id.isupper()]


def test_no_exception_is_raised_twice() -> None:
    texts = [(_name(file), file.read_text()) for file in FILES]
    found = {
        name: raised_again(ast.parse(text))
        for name, text in texts
        if re.search(r"raise _?[A-Z_0-9]+\b", text)
    }
    assert not {name: raised for name, raised in found.items() if raised}, "raise a copy of it"
    assert raised_again(ast.parse("def f(): raise _GONE from None")) == ["_GONE"]


@pytest.mark.parametrize(
    "planted",
    [
        "@cache\ndef f(text: str) -> int: ...",
        "@lru_cache(maxsize=9)\ndef f(n: int, text: bytes | None) -> int: ...",
        "@functools.lru_cache\ndef f(*texts: str) -> int: ...",
        "class C:\n def __init__(self): self.f = lru_cache(maxsize=9)(self._f)",
        "f = functools.cache(g)",
    ],
)
def test_a_planted_cache_is_found(planted: str) -> None:
    assert list(kept_by_long_keys(ast.parse(planted)))


@pytest.mark.parametrize(
    "planted", ["K = {}\ndef f(t): K[t] = 1", "K: set[str] = set()\ndef f(t):\n K.add(t)"]
)
def test_a_planted_store_of_a_module_is_found(planted: str) -> None:
    assert list(gathered(ast.parse(planted)))


def test_a_long_text_is_worked_out_each_time() -> None:
    asked = []

    @cached(8)
    def length(text: str, *, more: str = "") -> int:
        asked.append(text)
        return len(text + more)

    short, long = "x" * TEXT_MAX, "x" * (TEXT_MAX + 1)
    assert [length(one) for one in (short, short, long, long)] == [
        TEXT_MAX,
        TEXT_MAX,
        TEXT_MAX + 1,
        TEXT_MAX + 1,
    ]
    assert [length("", more=long), length("", more=long)] == [TEXT_MAX + 1] * 2
    assert asked == [short, long, long, "", ""]
