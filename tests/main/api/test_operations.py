"""What is told of the API is what it is: operations and routes, their fields, their schemas."""

import re

import msgspec
from tests.door import Caller, Door
from tests.rescue_shapes import check_refused
from tests.rings import each

from recoup.kit.api.errors import TABLE
from recoup.kit.edge.described import Operation
from recoup.kit.edge.field_names import fold_keys
from recoup.main.api import METHODS, OPERATIONS, routes

IDS = [f"{one.method} {one.path}" for one in OPERATIONS]


def test_each_operation_has_its_route_and_each_route_its_operations(
    door: Door, shop: Caller
) -> None:
    served = {route.path for route in routes(door.services)}
    assert served == {one.path for one in OPERATIONS}
    assert len(set(IDS)) == len(IDS)
    for path in served:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            answer = door.call(method, path.replace("{id}", "none"), headers=shop.headers, json={})
            assert (answer.status_code != 405) == (f"{method} {path}" in IDS), (method, path)


@each("one", OPERATIONS)
def test_an_operation_is_told_whole(one: Operation) -> None:
    assert one.summary
    assert one.group
    assert one.path.startswith("/v1/")
    assert (one.body is not None) == (one.method in ("POST", "PUT", "PATCH"))
    assert one.answers
    assert set(one.problems) <= set(TABLE)
    assert (one.credential is None) == one.path.startswith("/v1/oauth2/")
    for example in one.examples:
        assert example.status in one.answers


@each("one", OPERATIONS)
def test_examples_are_of_their_shapes(one: Operation) -> None:
    assert (
        one.examples
        or not one.body
        or not any(f.required for f in msgspec.structs.fields(one.body))
    )
    for example in one.examples:
        asked = one.body or one.query
        if example.request is not None and asked is not None:
            kept = msgspec.to_builtins(msgspec.convert(example.request, asked))
            assert set(example.request) <= set(kept), "a name is not known"
        shape = one.answers[example.status]
        if example.answer is not None and shape is not None:
            types = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
            for name, value in example.answer.items():
                msgspec.convert(value, types[name])


def test_every_shape_has_a_schema_and_every_object_says_what_it_is() -> None:
    shapes = {
        shape
        for one in OPERATIONS
        for shape in (one.body, one.query, *one.answers.values())
        if shape
    }
    _, parts = msgspec.json.schema_components(sorted(shapes, key=lambda shape: shape.__name__))
    assert len(parts) >= len(shapes)
    for name, schema in parts.items():
        assert "." not in name, f"two shapes are called {name.rpartition('.')[2]}"
        assert schema.get("description"), name


def test_who_may_call_is_told_as_it_is_done(door: Door) -> None:
    for method in METHODS:
        one = method.operation
        assert (one.scope is None) == (one.credential is None)
        path = one.path.replace("{id}", "none")
        answer = door.call(one.method, path, json={} if one.body else None)
        if one.credential is not None:
            check_refused(answer, 401, "unauthenticated")
        else:
            check_refused(answer, 400)


def test_fields_are_read_in_the_case_of_their_shape() -> None:
    """Whatever is told of a body is what its folding knows, in all depths."""
    for method in METHODS:
        if method.operation.body is None:
            assert method.fold is None
            continue
        assert method.fold is not None
        for field in msgspec.structs.fields(method.operation.body):
            assert fold_keys({field.encode_name.upper(): 1}, method.fold) == {field.encode_name: 1}


@each("one", OPERATIONS)
def test_words_are_sentences(one: Operation) -> None:
    assert not one.text or re.search(r"[.`]$", one.text), one.text
