"""A form is read as the class that its page says."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from starlette.datastructures import UploadFile
from tests.subjects import SOURCE, files_of

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.people.page.form_shape import (
    As,
    AtMost,
    FormKey,
    FormKeyId,
    Names,
    RowNo,
    Text,
    among,
    fresh_key,
    read_address,
    read_again,
    read_shape,
    readers_of,
)

UNDECIDED = Problem(
    "invalid", "A dispute is won or lost.", field="decided", cure="Use one of the buttons."
)
GONE = Problem("not_found", "There is no such block.", cure="Reload the page.")


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    note: Annotated[str, Text(3)]
    sure: bool
    chosen: tuple[str, ...]
    zone: str | None


def test_a_form_is_read_as_its_page_declares_it() -> None:
    form = {
        "name": ["a", "b"],
        "note": ["long"],
        "sure": ["yes"],
        "chosen": ["1", "2"],
        "zone": [""],
        "other": ["x"],
    }
    assert read_shape(Shape, form) == Shape("a", "lon", sure=True, chosen=("1", "2"), zone="")


@pytest.mark.parametrize("said", ["yes", "1", "on"])
def test_a_page_from_before_an_upgrade_ticks_its_boxes_too(said: str) -> None:
    assert read_shape(Shape, {"sure": [said]}).sure


@pytest.mark.parametrize("said", ["no", "0", "", "YES"])
def test_only_yes_is_yes_and_what_was_not_sent_is_empty(said: str) -> None:
    assert read_shape(Shape, {"sure": [said]}) == Shape("", "", sure=False, chosen=(), zone=None)


def test_spaces_go_before_a_text_is_cut() -> None:
    @dataclass(frozen=True, slots=True)
    class Named:
        name: Annotated[str, Text(3, strip=True)]
        as_typed: Annotated[str, Text(3)]
        from_: Annotated[str, Text(strip=True)]

    form = {"name": ["  abcd "], "as_typed": ["  abcd "], "from": [" now "]}
    assert read_shape(Named, form) == Named("abc", "  a", "now")


@dataclass(frozen=True, slots=True)
class Decided:
    decided: Annotated[Literal["won", "lost"], UNDECIDED]
    block: Annotated[UUID, GONE]
    site: UUID | None
    hours: Annotated[int | None, As({"24": 24, "0": 0}.get)]
    kind: Annotated[str | None, among({"fraud", "service"})]


def test_a_text_stands_for_what_its_field_says() -> None:
    block, site = new_id(), new_id()
    form = {
        "decided": ["won"],
        "block": [str(block)],
        "site": [str(site)],
        "hours": ["0"],
        "kind": ["fraud"],
    }
    assert read_shape(Decided, form) == Decided("won", block, site, 0, "fraud")
    form |= {"site": ["none"], "hours": ["7"], "kind": ["other"]}
    assert read_shape(Decided, form) == Decided("won", block, None, None, None)


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ({"decided": ["drawn"], "block": [str(new_id())]}, UNDECIDED),
        ({"decided": ["won"], "block": ["x"]}, GONE),
    ],
)
def test_what_stands_for_nothing_is_refused_in_the_words_of_its_field(
    form: dict[str, list[str]], refusal: Problem
) -> None:
    with pytest.raises(Problem) as raised:
        read_shape(Decided, form)
    assert raised.value is not refusal
    found, said = raised.value, refusal
    assert (found.code, found.message, found.field, found.cure) == (
        said.code,
        said.message,
        said.field,
        said.cure,
    )


def test_a_refused_form_is_shown_again_with_what_was_typed() -> None:
    block = new_id()
    shown = read_again(Decided, {"decided": ["drawn"], "block": [str(block)]})
    assert astuple(shown) == ("", block, None, None, None)
    assert astuple(read_again(Decided, {})) == ("", "", None, None, None)
    assert read_again(Shape, {"note": ["long"]}) == Shape(
        "", "lon", sure=False, chosen=(), zone=None
    )


def test_all_values_of_a_name_are_taken_up_to_a_maximum() -> None:
    @dataclass(frozen=True, slots=True)
    class Chosen:
        ids: tuple[UUID, ...]
        every: Annotated[tuple[UUID | None, ...], AtMost(2)]
        words: Annotated[tuple[Annotated[str, Text(2)], ...], AtMost(1)]

    one = new_id()
    form = {"ids": ["x", str(one)], "every": ["x", str(one), "y"], "words": ["abc", "d"]}
    assert read_shape(Chosen, form) == Chosen((one,), (None, one), ("ab",))


def test_names_that_only_the_form_knows_become_a_mapping() -> None:
    @dataclass(frozen=True, slots=True)
    class Lines:
        lines: Annotated[
            Mapping[str, str], Names(lambda name: name.startswith("line_")), Text(2, strip=True)
        ]
        switched: Annotated[
            Mapping[str, bool],
            Names({"mit", "cit"}.__contains__),
            As({"on": True, "off": False}.get),
        ]

    form = {"line_0": [" 12 3"], "line_1": [""], "mit": ["off"], "cit": [""], "other": ["on"]}
    assert read_shape(Lines, form) == Lines({"line_0": "12", "line_1": ""}, {"mit": False})


def test_a_file_is_one_that_was_chosen() -> None:
    @dataclass(frozen=True, slots=True)
    class Sent:
        file: UploadFile | None

    file = UploadFile(file=None, filename="a.csv")  # type: ignore[arg-type]
    assert read_shape(Sent, {"file": [file]}) == Sent(file)
    for none in ([], ["text"], [UploadFile(file=None, filename="")]):  # type: ignore[arg-type]
        assert read_shape(Sent, {"file": none}) == Sent(None)


def test_a_form_needs_the_key_that_its_page_made() -> None:
    @dataclass(frozen=True, slots=True)
    class Keyed:
        key: FormKey

    @dataclass(frozen=True, slots=True)
    class Ided:
        key: FormKeyId

    key, made = fresh_key(), new_id()
    assert read_shape(Keyed, {"key": [key]}) == Keyed(key)
    assert read_shape(Ided, {"key": [str(made)]}) == Ided(made)
    for shape in (Keyed, Ided):
        with pytest.raises(Problem, match="This form has no key."):
            read_shape(shape, {"key": [key[:-1]]})


def _with(hint: Any) -> type[Any]:
    return dataclass(type("Wrong", (), {"__annotations__": {"count": hint}}))


@pytest.mark.parametrize(
    "hint", [int, Literal["a"], UUID, Annotated[str, among("ab")], Annotated[UUID, UNDECIDED]]
)
def test_what_no_form_can_hold_is_no_shape(hint: Any) -> None:
    with pytest.raises(AssertionError, match="count"):
        readers_of(_with(hint))


def test_a_default_stands_for_what_was_not_sent_and_for_what_stands_for_nothing() -> None:
    @dataclass(frozen=True, slots=True)
    class Usual:
        format: Annotated[str, Text(6)] = "rescue"
        key: Literal["own", "shared"] = "own"

    assert (
        read_shape(Usual, {})
        == read_shape(Usual, {"format": [""], "key": ["else"]})
        == Usual("rescue", "own")
    )
    assert read_shape(Usual, {"format": ["stablecoin"], "key": ["shared"]}) == Usual(
        "stable", "shared"
    )


def test_only_what_can_be_printed_is_taken_where_a_field_says_so() -> None:
    @dataclass(frozen=True, slots=True)
    class Line:
        line: Annotated[str, Text(3, strip=True, printable=True)]

    assert read_shape(Line, {"line": ["\r a\tbcd\n"]}) == Line("abc")


FRAME = SOURCE / "people/page"
PAGES = [
    path
    for path in files_of("page")
    if path.parent != FRAME or path.stem in ("impersonation", "invitations", "signin")
]
# What knows of forms as they come, beside the portal's own frame; this list only shrinks.
RAW = {
    "people/page/impersonation.py": (
        "whose form to end is read only while there is something to end"
    ),
    "desk/page/order/act.py": "the first step of a refund is an address with the form's fields",
}
SECRETS = {"password", "old", "new", "csrf"}


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _reads_by_hand(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "recoup.people.page.forms"
    if isinstance(node, ast.Attribute | ast.Subscript):
        return ast.unparse(node.value) == "visit.typed"
    return isinstance(node, ast.Name) and node.id == "FormData"


def test_no_page_reads_the_fields_of_a_form_by_hand() -> None:
    raw = {
        path.relative_to(SOURCE).as_posix()
        for path in PAGES
        if any(map(_reads_by_hand, _nodes(path)))
    }
    assert raw == set(RAW)


def test_no_secret_of_a_form_is_shown_with_it() -> None:
    shown = [
        f"{path.parent.name}/{path.name}: {field.target.id}"
        for path in PAGES
        for node in _nodes(path)
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and field.target.id in SECRETS
        if field.value is None or "repr=False" not in ast.unparse(field.value)
    ]
    assert shown == []


def test_an_address_is_read_by_the_parameters_of_its_page() -> None:
    async def page(
        visit: object, *, after: UUID | None, row: RowNo = 0, from_: str, q: str | None
    ) -> None: ...

    place = new_id()
    assert read_address(page, {}) == {"after": None, "row": 0, "from_": "", "q": None}
    sent = {"after": str(place), "row": "12", "from": "a\0b", "q": "", "other": "x"}
    assert read_address(page, sent) == {"after": place, "row": 12, "from_": "ab", "q": ""}
    wrong = {"after": "x", "row": "-1"}
    assert read_address(page, wrong) == {"after": None, "row": 0, "from_": "", "q": None}


def test_a_place_of_several_parts_is_one_value() -> None:
    def parse(text: str) -> tuple[str, int] | None:
        name, mark, number = text.partition("_")
        return (name, int(number)) if mark else None

    async def page(
        visit: object,
        *,
        after: Annotated[tuple[str, int], As(parse)] = ("", 0),
        before: Annotated[tuple[str, int] | None, As(parse)],
    ) -> None: ...

    assert read_address(page, {}) == {"after": ("", 0), "before": None}
    sent = {"after": "a_7", "before": "b_8"}
    assert read_address(page, sent) == {"after": ("a", 7), "before": ("b", 8)}
