"""The OpenAPI documents: valid, complete, and as the doors answer."""

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.docs.operations import own_dialects

from recoup.docs.site import event_samples
from recoup.kernel.problem import CODES
from recoup.kit.edge.dialect import Dialect, anchor_of
from recoup.kit.edge.openapi import document
from recoup.main.docs import CURES, dialects, error_rows, rescue
from recoup.onboarding.rules.application import Status
from recoup.orders.rules.events import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
OWN = own_dialects()
ALL = [*OWN, *(one for one in dialects() if one.operations)]
each_dialect = pytest.mark.parametrize(
    "dialect", ALL, ids=lambda one: f"{one.name}-{len(one.operations)}"
)


def as_sent(dialect: Dialect) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(msgspec.json.encode(document(dialect, "0")))
    return found


@each_dialect
def test_it_is_valid_openapi(dialect: Dialect) -> None:
    OpenAPIV31SpecValidator(as_sent(dialect)).validate()


def test_the_validator_sees_a_mistake() -> None:
    broken = as_sent(OWN[0])
    del broken["paths"]["/v1/evaluate"]["post"]["responses"]
    broken["paths"]["/v1/orders"]["get"]["summary"] = 7
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


@each_dialect
def test_every_operation_is_told_with_what_it_takes_answers_and_refuses(dialect: Dialect) -> None:
    made = as_sent(dialect)
    ids = [told["operationId"] for path in made["paths"].values() for told in path.values()]
    assert len(set(ids)) == len(ids) == len(dialect.operations)
    assert len({anchor_of(one) for one in dialect.operations}) == len(dialect.operations)
    for operation in dialect.operations:
        told = made["paths"][operation.path][operation.method.lower()]
        statuses = {str(row.status) for row in dialect.errors_of(operation)} | {
            str(one) for one in operation.answers
        }
        assert set(told["responses"]) == statuses
        assert ("requestBody" in told) == (operation.body is not None)
        assert bool(told["security"]) == (operation.credential is not None)
        assert all(
            name in made["components"]["securitySchemes"]
            for one in told["security"]
            for name in one
        )


@each_dialect
def test_generators_find_every_code_and_how_a_list_goes_on(dialect: Dialect) -> None:
    made = as_sent(dialect)
    assert {(row["code"], row["status"]) for row in made["x-errors"]} == {
        (row.wire_code, row.status) for row in dialect.errors.values()
    }
    for path, told in made["paths"].items():
        for one in told.values():
            names = {parameter["name"] for parameter in one.get("parameters", ())}
            paging = one.get("x-paging")
            assert (paging is None) == names.isdisjoint(
                {"after", "before", "below", "offset", "pageNumber"}
            ), path
            if paging is None:
                continue
            shape: Any = one["responses"]["200"]["content"]["application/json"]["schema"]
            *outer, last = paging["items"].split(".")
            for name in outer:
                shape = resolved(made, shape)["properties"][name]
            beside = resolved(made, shape)["properties"]
            assert beside[last]["type"] == "array"
            assert paging["parameter"] in names
            ends = {"offset": last, "pageNumber": "hasNextPage"}.get(paging["parameter"], "next")
            assert ends in beside, path


def resolved(made: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


@each_dialect
def test_examples_keep_to_their_schemas(dialect: Dialect) -> None:
    made = as_sent(dialect)
    partly = without_required(made)
    for operation in dialect.operations:
        told = made["paths"][operation.path][operation.method.lower()]
        answers = [(one, partly) for one in told["responses"].values()]
        for holder, whole in [(told.get("requestBody", {}), made), *answers]:
            content = holder.get("content", {}).get("application/json", {})
            for name, example in content.get("examples", {}).items():
                schema = {"components": whole["components"], **content["schema"]}
                errors = list(jsonschema.Draft202012Validator(schema).iter_errors(example["value"]))
                assert not errors, (
                    f"{operation.method} {operation.path}, {name}: {errors[0].message}"
                )


def without_required(value: Any) -> Any:
    """Answers' examples hold some of the members: the others need not be there, those that are must
    fit."""
    if isinstance(value, list):
        return [without_required(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: without_required(inner) for name, inner in value.items() if name != "required"}


def test_a_schema_says_limits_and_what_is_required() -> None:
    schemas = as_sent(OWN[0])["components"]["schemas"]
    assert schemas["Transaction"]["properties"]["amount"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100_000_000,
        "description": "Minor units: `4590` is 45.90.",
    }
    assert set(schemas["Transaction"]["required"]) == {
        "id",
        "amount",
        "currency",
        "responseCode",
        "responseCodeSource",
    }
    query = as_sent(OWN[0])["paths"]["/v1/orders"]["get"]["parameters"]
    assert [(one["name"], one["in"], one["required"]) for one in query] == [
        ("status", "query", False),
        ("pageSize", "query", False),
    ]
    assert query[1]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 10}


def test_every_error_has_a_meaning_a_cure_and_the_body_that_the_door_writes() -> None:
    assert set(CURES) == set(CODES)
    told = rescue(error_rows)
    assert {key.partition("/")[0] for key in told.errors} == set(CODES)
    row = told.errors["wrong_state"]
    assert row.sample["statusCode"] == row.wire_code == "409101"
    assert row.cure in row.sample["result"]
    assert set(told.errors["invalid"].sample) == {"TraceId", "Transaction.Amount"}
    schemas = told.error_schemas
    for row in told.errors.values():
        jsonschema.validate(row.sample, schemas.get(row.status, schemas[0]))


@pytest.mark.parametrize("name", ["rescue", "stablecoin"])
def test_the_command_prints_what_the_doors_serve(name: str, tmp_path: Path) -> None:
    command = [str(ROOT / ".venv/bin/recoup"), "openapi", name, "--data-dir", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    told = next((one for one in dialects() if one.name == name), None)
    if told is None:
        assert ran.returncode == 1
        assert f"no {name} API" in ran.stderr
        return
    printed = json.loads(ran.stdout)
    assert printed.pop("servers") == [{"url": "http://127.0.0.1:8400"}]
    served = as_sent(told)
    del served["servers"]
    served["info"]["version"] = printed["info"]["version"]
    assert printed == served


def _rescue() -> dict[str, Any]:
    return as_sent(rescue(error_rows))


def test_events_are_as_their_webhooks_say() -> None:
    made = as_sent(rescue(error_rows))
    samples = {one.name: json.loads(one.body) for one in event_samples()}
    assert {*samples} == {*CATALOGUE} == {name for name in made["webhooks"] if "." in name}
    for name, body in samples.items():
        told = made["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
        schema = {"components": made["components"], **told["schema"]}
        jsonschema.Draft202012Validator(schema).validate(body)
        known = resolved(made, resolved(made, schema)["properties"]["EventData"])["properties"]
        assert {*body["EventData"]} <= {*known}, name


def test_answers_that_are_files_say_so() -> None:
    paths = _rescue()["paths"]
    found = {
        (path, kind)
        for path, told in paths.items()
        for one in told.values()
        for kind in one["responses"].get("200", {}).get("content", {})
        if kind != "application/json"
    }
    csv = [
        "reconciliation",
        "settlements/{id}/lines",
        "partner/report",
        "uploads/{id}/answers",
        *(
            f"reports/{name}"
            for name in ("transactions", "descriptors", "sites", "campaigns", "means", "cohorts")
        ),
    ]
    lines = {
        (f"/v1/{name}", "application/x-ndjson")
        for name in (
            "uploads/{id}/answers",
            "imports/{id}/attempts",
            "reports/certificates/{id}/file",
        )
    }
    assert found == {(f"/v1/{name}", "text/csv") for name in csv} | lines
    assert (
        "application/json"
        not in paths["/v1/uploads/{id}/answers"]["get"]["responses"]["200"]["content"]
    )


def test_a_body_that_must_be_sent_is_required_and_one_that_may_be_left_out_is_not() -> None:
    paths = _rescue()["paths"]

    def required(path: str, method: str = "post") -> bool:
        return bool(paths[path][method]["requestBody"]["required"])

    assert required("/v1/transmit/{id}", "patch")
    assert required("/v1/onboarding/application")
    assert required("/v1/sites/{id}", "patch")
    assert not required("/v1/orders/{id}/cancel")
    assert not required("/v1/webhooks/{id}/rotate")


def test_a_body_that_refuses_what_it_does_not_know_says_so() -> None:
    made = _rescue()
    for path, told in made["paths"].items():
        for method, one in told.items():
            schema = (
                one.get("requestBody", {})
                .get("content", {})
                .get("application/json", {})
                .get("schema")
            )
            strict = next(
                not op.lenient
                for op in rescue(error_rows).operations
                if (op.path, op.method.lower()) == (path, method)
            )
            if schema is not None:
                whole = {"components": made["components"], **schema}
                errors = jsonschema.Draft202012Validator(whole).iter_errors({"noSuchField": 1})
                refused = any("noSuchField" in error.message for error in errors)
                assert refused == strict, (method, path)
    assert made["components"]["schemas"]["PartnerSite"]["additionalProperties"] is False


def test_states_of_applications_and_merchants_are_enumerated() -> None:
    schemas = _rescue()["components"]["schemas"]
    states = schemas["ApplicationView"]["properties"]["status"]["enum"]
    assert set(states) == {status.value for status in Status} - {"NEW"}
    assert set(schemas["Merchant"]["properties"]["state"]["enum"]) == {"active", "paused"}


def test_a_page_size_that_is_clamped_has_no_maximum() -> None:
    paths = as_sent(next(one for one in dialects() if one.name == "stablecoin"))["paths"]
    told = [
        one
        for path in paths.values()
        for one in path.get("get", {}).get("parameters", ())
        if one["name"] == "limit"
    ]
    assert len(told) == 4
    for one in told:
        assert "maximum" not in one["schema"]
        assert one["description"] == "Page size; more than 200 is 200."
