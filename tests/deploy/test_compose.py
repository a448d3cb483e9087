"""compose.yaml names what there is: settings, verbs, files, secrets; and gives no container more
than it needs."""

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import yaml
from tests.repo.test_house import ROOT

from recoup.db.roles import ADMINISTRATORS_SQL
from recoup.main.cli import cli
from recoup.main.settings import SECRETS, Settings

DEPLOY: Final = ROOT / "deploy"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
# Of the Compose Specification: the keys that we use, and what each holds.
KEYS: Final = {
    "image": str,
    "build": dict,
    "restart": str,
    "command": list,
    "entrypoint": list,
    "environment": dict,
    "secrets": list,
    "volumes": list,
    "read_only": bool,
    "tmpfs": list,
    "shm_size": str,
    "cap_drop": list,
    "cap_add": list,
    "security_opt": list,
    "stop_grace_period": str,
    "healthcheck": dict,
    "networks": (list, dict),
    "depends_on": dict,
    "ports": list,
}
CONDITIONS: Final = {"service_started", "service_healthy", "service_completed_successfully"}
MAY: Final = {  # what the official images of PostgreSQL and Caddy need
    "postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"},
    "caddy": {"NET_BIND_SERVICE"},
}


def test_the_file_has_the_shape_of_a_compose_file() -> None:
    assert {key for key in COMPOSE if not key.startswith("x-")} == {
        "name",
        "services",
        "networks",
        "volumes",
        "secrets",
    }
    for name, service in SERVICES.items():
        assert service.keys() <= KEYS.keys(), (name, service.keys() - KEYS.keys())
        for key, value in service.items():
            assert isinstance(value, KEYS[key]), f"{name}.{key}"
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES
            assert how["condition"] in CONDITIONS
            assert how["condition"] != "service_healthy" or not SERVICES[other].get(
                "healthcheck", {}
            ).get("disable")
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys(), name
        assert set(service["networks"]) <= COMPOSE["networks"].keys(), name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).is_file(), f"{name}: {source}"
            else:
                assert source in COMPOSE["volumes"], f"{name}: {source}"


def test_no_container_may_more_than_it_needs() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert set(service.get("cap_add", ())) == MAY.get(name, set()), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        outside = [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")]
        assert not outside or name == "caddy", f"{name} is reached from outside: {outside}"


def test_every_stage_begins_with_one_image_by_its_digest() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    assert bases == {"${BASE}"}
    (base,) = (line.partition("=")[2] for line in lines if line.startswith("ARG BASE="))
    assert re.fullmatch(r"debian:bookworm-\d{8}-slim@sha256:[0-9a-f]{64}", base), base


def test_every_setting_and_verb_is_one() -> None:
    known = {f"RECOUP_{field.name.upper()}" for field in fields(Settings)}
    known |= {f"RECOUP_{name.upper()}_FILE" for name in SECRETS}
    texts = [(DEPLOY / "compose.yaml").read_text(), (DEPLOY / "Containerfile").read_text()]
    texts += [path.read_text() for path in (DEPLOY / "systemd").glob("*.service")]
    named = {name for text in texts for name in re.findall(r"\bRECOUP_[A-Z_]+", text)} - {
        "RECOUP_DOMAIN"
    }
    assert named <= known, f"no settings: {sorted(named - known)}"
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"], (
                    f"{name}: {variable}"
                )
    verbs = [
        words
        for text in texts
        for words in re.findall(r"(?<=[ \"/]recoup )[a-z]+(?: [a-z]+)?", text)
    ]
    verbs += [" ".join(SERVICES[name]["command"]) for name in ("doors", "worker")]
    for words in verbs:
        first, _, second = words.partition(" ")
        group = cli.get_command(None, first)  # type: ignore[arg-type]
        assert group is not None, words
        if second and hasattr(group, "list_commands"):
            assert second in group.list_commands(None), words  # type: ignore[arg-type]


def test_the_roles_are_those_that_an_administrator_makes() -> None:
    """`recoup schema sql` is the list; the script gives it passwords."""
    script = (DEPLOY / "postgres-roles.sh").read_text()
    for line in ADMINISTRATORS_SQL.splitlines():
        statement = line.partition("--")[0].strip()
        assert re.sub(r"PASSWORD '...'", lambda _: "PASSWORD :'", statement)[:34] in script, (
            statement
        )


def test_prometheus_asks_where_the_metrics_are() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    targets = {
        target for one in scraped for place in one["static_configs"] for target in place["targets"]
    }
    for target in targets:
        service, _, port = target.partition(":")
        setting = (
            "RECOUP_WORKER_METRICS_ADDRESS" if service == "worker" else "RECOUP_METRICS_ADDRESS"
        )
        assert SERVICES[service]["environment"][setting].endswith(f":{port}"), target


def test_the_secrets_are_made_once_and_named_by_compose(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "secrets.sh", tmp_path)
    assert (
        "say the domain"
        in subprocess.run(
            ["sh", tmp_path / "secrets.sh"], capture_output=True, text=True, check=False
        ).stderr
    )
    subprocess.run(["sh", tmp_path / "secrets.sh", "pay.example.com"], check=True)
    made = {
        f"secrets/{file.name}"
        for file in (tmp_path / "secrets").iterdir()
        if file.read_text().strip()
    }
    assert made == {declared["file"] for declared in COMPOSE["secrets"].values()}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / ".env").read_text() == "RECOUP_DOMAIN=pay.example.com\n"
    again = subprocess.run(["sh", tmp_path / "secrets.sh", "x"], capture_output=True, check=False)
    assert again.returncode != 0
