"""Each sample of the pages is performed as it stands, and answers what the page says."""

import hashlib
import hmac
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.docs.operations import RESCUE, STABLE, own_dialects
from tests.docs.running import ROOT, bare_environment, running
from tests.docs.sample_things import Things
from tests.rings import drawn

from recoup.docs.reference import Reference, Sample, make_reference
from recoup.docs.routes import SETUP
from recoup.kernel.time import Clocks
from recoup.kit.edge.described import Operation
from recoup.kit.edge.dialect import Dialect, anchor_of
from recoup.kit.edge.example_values import fresh_at
from recoup.main.docs import dialects

UP_SECONDS = 60
SAMPLE_SECONDS = 30
PROGRAMS = {"curl": ("sample.sh", "bash"), "Python": ("sample.py", sys.executable)}
LANGUAGES = tuple(PROGRAMS)
# The installation has no stablecoin door of these operations: theirs are checked by the receiver
# below.
PERFORMED = [(own_dialects()[0], one) for one in RESCUE] + [
    (dialect, one) for dialect in dialects() for one in dialect.operations
]


def _id(one: Dialect | Operation) -> str:
    return one.name if isinstance(one, Dialect) else anchor_of(one)


_references: dict[int, Reference] = {}  # by the dialect's identity: made once, as a server makes it


class Hooks(BaseHTTPRequestHandler):
    """Answers 200 to everything."""

    def status_of(self, body: bytes) -> int:
        return 200

    def answer(self) -> None:
        self.send_response(
            self.status_of(self.rfile.read(int(self.headers.get("content-length", "0"))))
        )
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def served(handler: type[Hooks]) -> Iterator[str]:
    """Its address, as long as it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Things]:
    """Of a running `recoup up` with the credentials of its bootstrap."""
    folder = tmp_path_factory.mktemp("samples")
    data_dir = folder / "data"
    with running(data_dir, folder / "up.log", UP_SECONDS), served(Hooks) as hooks:
        yield Things(
            json.loads((data_dir / "bootstrap.json").read_text()), data_dir, f"{hooks}/recoup"
        )


def sample_of(dialect: Dialect, operation: Operation) -> Sample:
    """As one load of the page makes it."""
    if id(dialect) not in _references:
        _references[id(dialect)] = make_reference(dialect, "0")
    return _references[id(dialect)].samples(fresh_at(Clocks().wall()))[anchor_of(operation)]


def perform(language: str, text: str, variables: dict[str, str], folder: Path) -> int:
    """The status that the sample prints."""
    name, program = PROGRAMS[language]
    (folder / name).write_text(text, encoding="utf-8")
    environment = bare_environment() | variables
    ran = subprocess.run(
        [program, name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SAMPLE_SECONDS,
    )
    told = f"{text}\n{ran.stdout}\n{ran.stderr}"
    assert ran.returncode == 0, told
    found = re.search(r"^(?:HTTP/1[.][01] )?([0-9]{3})\b", ran.stdout)
    assert found, told
    return int(found[1])


def test_every_program_that_samples_need_is_here() -> None:
    assert [name for name in ("bash", "curl", "openssl") if shutil.which(name) is None] == []


@pytest.mark.timeout(UP_SECONDS + 3 * SAMPLE_SECONDS + 60)
@drawn("docs", ("dialect", "operation"), PERFORMED, 12, ids=_id)
def test_a_sample_answers_as_documented(
    dialect: Dialect, operation: Operation, things: Things, tmp_path: Path
) -> None:
    variables = dict[str, str]()
    for language in LANGUAGES:
        sample = sample_of(dialect, operation)
        if not variables or operation.method != "GET":
            variables = things.variables(operation)
        if operation.path.startswith("/api/"):
            time.sleep(
                1.01 - time.time() % 1
            )  # a signature works once: the same sample needs the next second
        status = perform(language, sample.texts[language], variables, tmp_path)
        assert status == sample.request.status, f"{language}: {sample.texts[language]}"


@pytest.mark.timeout(UP_SECONDS + SAMPLE_SECONDS + 30)
def test_the_overview_s_set_up_is_all_that_a_sample_needs(things: Things, tmp_path: Path) -> None:
    dialect, operation = next(one for one in PERFORMED if anchor_of(one[1]) == "get-orders")
    text = f"{SETUP}\n{sample_of(dialect, operation).texts['curl']}"
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    assert perform("curl", text, {"RECOUP_DATA_DIR": str(things.data_dir)}, tmp_path) == 200


def test_a_running_recoup_serves_its_documentation(things: Things) -> None:
    """As `main` joins the doors."""
    told = [one for one in dialects() if one.operations]
    paths = [
        "/docs",
        "/static/favicon.svg",
        "/docs/webhooks",
        *(f"/docs/{one.name}" for one in told),
        *(f"{one.prefix}/openapi.json" for one in told),
    ]
    base = things.kept["base_url"]
    assert [httpx.get(base + path, timeout=30).status_code for path in paths] == [200] * len(paths)
    icon = httpx.get(base + "/favicon.ico", timeout=30, follow_redirects=True)
    assert (icon.status_code, icon.headers["content-type"].partition(";")[0]) == (
        200,
        "image/svg+xml",
    )
    assert (
        '<img src="/docs/images/orders.webp" alt="The list of orders"'
        in httpx.get(f"{base}/docs/orders").text
    )
    picture = httpx.get(f"{base}/docs/images/orders.webp")
    assert (picture.headers["content-type"], picture.content[8:12]) == ("image/webp", b"WEBP")
    assert httpx.get(f"{base}/docs/images/..%2Forders.md").status_code == 404


# signed samples, where no door of ours is there to check them
# --------------------------------------------------


@dataclass
class Receiver:
    """Checks signatures by the contract; 401 for a wrong one. `seen`: method and target of those
    that hold."""

    address: str
    seen: list[str] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(Hooks):
        def status_of(self, body: bytes) -> int:
            path, _, query = self.path.partition("?")
            sorted_query = "&".join(sorted(query.split("&"), key=str.encode))
            stamp = self.headers["x-timestamp"]
            told = "\n".join(
                [self.command, path, sorted_query, stamp, hashlib.sha256(body).hexdigest()]
            )
            wanted = hmac.new(b"sk_test_receiver", told.encode(), hashlib.sha256).hexdigest()
            holds = hmac.compare_digest(wanted, self.headers["x-signature"])
            if holds:
                made.seen.append(f"{self.command} {self.path} {body.decode()}")
            return 200 if holds else 401

    made = Receiver("")
    with served(Handler) as made.address:
        yield made


@pytest.mark.parametrize("operation", STABLE, ids=anchor_of)
def test_a_signed_sample_signs_what_it_sends(
    operation: Operation, receiver: Receiver, tmp_path: Path
) -> None:
    variables = {
        "BASE": receiver.address,
        "STABLECOIN_KEY_ID": "pk_test_1",
        "STABLECOIN_SECRET": "sk_test_receiver",
        "ORDER_ID": "ord_1",
    }
    sample = sample_of(own_dialects()[1], operation)
    for language in LANGUAGES:
        assert perform(language, sample.texts[language], variables, tmp_path) == 200, sample.texts[
            language
        ]
        wrong = variables | {"STABLECOIN_SECRET": "another"}
        assert perform(language, sample.texts[language], wrong, tmp_path) == 401
    assert len(receiver.seen) == 2
    bodies = [one.split(" ", 2)[2] for one in receiver.seen]
    given = [json.loads(body) if body else None for body in bodies]
    assert given == [sample.request.body] * 2
