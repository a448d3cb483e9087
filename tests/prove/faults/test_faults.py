"""Faults of operation, planted in a small installation: `recoup doctor` names each with its cure,
the right alert fires and no other. What heals by itself, or is refused at the start, says so. In an
hour without a fault nothing fires."""

import asyncio
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import httpx
import pytest
from scripts.need import found as program
from tests.kills import load as load_module
from tests.kills.installation import RECOUP, Installation, free_port
from tests.kills.load import CARDS, FAULT_CARDS, Load
from tests.main.test_certificate import make as make_certificate
from tests.main.test_live import payment
from tests.prove.faults.watching import Scrape, fired, scrape

from recoup.main.backup.copies import Record, write_record
from recoup.networks.allow_list import APPROVE_CARDS

NOBODY: Final = "none is connected: nobody answers callers"
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    need = ("promtool", "faketime", "pgbouncer")
    subprocess.run(
        [sys.executable, "scripts/need.py", *need], check=True, cwd=Path(__file__).parents[3]
    )


class Ground:
    """An installation, where it is scraped, and what its commands hear beside their words."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.up = folder, Installation(folder / "data", words=("--doors", "1"))
        self.up.wait_ready()
        self.dsn = self.up.dsn()
        self.url, self.environment, self.before = self.up.url, dict[str, str](), tuple[str, ...]()

    def sql(self, *statements: str) -> Any:
        async def run() -> Any:
            connection = await asyncpg.connect(self.dsn, timeout=10)
            try:
                return [await connection.fetch(statement) for statement in statements][-1]
            finally:
                await connection.close()

        return asyncio.run(run())

    def set(self, name: str, value: str) -> None:
        self.sql(f"ALTER SYSTEM SET {name} = {value}" if value else f"ALTER SYSTEM RESET {name}")
        self.sql("SELECT pg_reload_conf()")

    def recoup(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [*self.before, *RECOUP, *words, "--data-dir", str(self.up.data_dir)]
        environment = os.environ | self.environment
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, env=environment
        )

    def doctor(self) -> Lines:
        done = self.recoup("doctor", "--json")
        assert done.stdout.startswith("["), done.stdout + done.stderr
        lines: Lines = json.loads(done.stdout)
        assert done.returncode == (not all(line["ok"] for line in lines))
        return lines

    def scraped(self) -> Scrape:
        return scrape(self.url)

    def refused(self) -> str:
        """A start that ends in one line."""
        done = self.recoup("up", "--port", str(free_port()))
        said = [line for line in done.stderr.splitlines() if line.startswith("recoup: ")]
        assert done.returncode == 1, done.stderr
        assert len(said) == 1
        return said[0]

    @contextmanager
    def beside(self, *, before: tuple[str, ...] = (), **environment: str) -> Iterator[None]:
        """Doors of their own on the same databases, which are scraped meanwhile."""
        port, former = free_port(), self.url
        self.environment = environment
        scheme = "https" if "RECOUP_TLS_CERT" in environment else "http"
        words = ["serve", "--port", str(port), "--doors", "1", "--data-dir", str(self.up.data_dir)]
        with (self.folder / "beside.log").open("ab") as log:
            doors = subprocess.Popen(
                [*before, *RECOUP, *words],
                env=os.environ | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.url = f"{scheme}://127.0.0.1:{port}"
        try:
            until(lambda: scrape(self.url).samples is not None)
            yield
        finally:
            os.killpg(doors.pid, signal.SIGTERM)
            doors.wait(30)
            self.url, self.environment = former, {}


class Fault(NamedTuple):
    """`finds`: what `doctor` looks at, its finding and its cure; None where it cannot run, or where
    nothing is left to be found."""

    number: int
    plant: Callable[[Ground], AbstractContextManager[object]]
    finds: tuple[str, str, str] | None
    alerts: set[str]


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.2)


@contextmanager
def paused(*pids: int | None) -> Iterator[None]:
    known = [pid for pid in pids if pid is not None]
    for pid in known:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in known:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def killed(ground: Ground, part: str) -> Iterator[None]:
    """And not started again."""
    with paused(ground.up.part("supervisor")):
        assert ground.up.kill(part)
        time.sleep(0.5)
        yield
    ground.up.wait_ready()


@contextmanager
def postgres_killed(ground: Ground) -> Iterator[None]:
    with killed(ground, "postgres"):
        yield


@contextmanager
def worker_killed(ground: Ground) -> Iterator[None]:
    with killed(ground, "worker"):
        long_ago(ground)
        yield


@contextmanager
def doors_killed(ground: Ground) -> Iterator[None]:
    with killed(ground, "doors"):
        until(
            lambda: (
                not ground.sql(
                    "SELECT FROM pg_stat_activity WHERE application_name = 'recoup-doors'"
                )
            )
        )
        yield


@contextmanager
def ended(ground: Ground) -> Iterator[None]:
    assert ground.up.up is not None
    ground.up.up.send_signal(signal.SIGTERM)
    ground.up.up.wait(60)
    yield
    ground.up.wait_ready()


@contextmanager
def second_up(ground: Ground) -> Iterator[None]:
    assert "already running" in ground.refused()
    yield


@contextmanager
def worker_stopped(ground: Ground) -> Iterator[None]:
    with paused(ground.up.part("worker")):
        long_ago(ground)
        yield
    until(lambda: lives(ground))  # or the next fault finds it gone


def lives(ground: Ground) -> bool:
    sql = "SELECT done_at > now() - interval '1 minute' FROM directory.upkeep WHERE task = 'worker'"
    return bool(ground.sql(sql)[0][0])


def long_ago(ground: Ground) -> None:
    ground.sql(
        "UPDATE directory.upkeep SET done_at = done_at - interval '2 minutes' WHERE task = 'worker'"
    )


@contextmanager
def read_only(ground: Ground) -> Iterator[None]:
    ground.set("default_transaction_read_only", "on")
    time.sleep(1)
    try:
        yield
    finally:
        ground.set("default_transaction_read_only", "")


@contextmanager
def statement_limit(ground: Ground) -> Iterator[None]:
    ground.set("statement_timeout", "'2s'")
    try:
        ground.sql(
            "SET statement_timeout = 0",
            "BEGIN",
            "LOCK TABLE due_work",
            "SELECT pg_sleep(6)",
            "COMMIT",
        )
        yield
    finally:
        ground.set("statement_timeout", "")


@contextmanager
def locked(ground: Ground) -> Iterator[None]:
    """By somebody who then does nothing."""
    script = (
        "import asyncio, asyncpg, sys\n"
        "async def hold():\n"
        "    connection = await asyncpg.connect(sys.argv[1])\n"
        "    await connection.execute('BEGIN; LOCK TABLE orders')\n"
        "    await asyncio.sleep(300)\n"
        "asyncio.run(hold())\n"
    )
    both = []
    for _ in range(2):
        both.append(subprocess.Popen([sys.executable, "-c", script, ground.dsn]))
        time.sleep(2)
    time.sleep(6)
    try:
        yield
    finally:
        for one in both:
            one.kill()
            one.wait()
        ground.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'AccessExclusiveLock'"
        )


@contextmanager
def postgres_stopped(ground: Ground) -> Iterator[None]:
    postmaster = ground.up.part("postgres")
    assert postmaster is not None
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    with paused(ground.up.part("supervisor"), postmaster, *map(int, children)):
        yield
    ground.up.wait_ready()


@contextmanager
def clock_ahead(ground: Ground) -> Iterator[None]:
    """Doors that still start; the doctor on a machine that is further ahead."""
    with ground.beside(before=("faketime", "-f", "+1.6s")):
        ground.before = ("faketime", "-f", "+90s")
        try:
            yield
        finally:
            ground.before = ()


@contextmanager
def certificate_ends(ground: Ground) -> Iterator[None]:
    make_certificate(ground.folder, ends=timedelta(days=5))
    files = {
        "RECOUP_TLS_CERT": str(ground.folder / "chain.pem"),
        "RECOUP_TLS_KEY": str(ground.folder / "key.pem"),
    }
    with ground.beside(**files):
        time.sleep(2)
        yield


@contextmanager
def restored(ground: Ground) -> Iterator[None]:
    """A database whose count is behind."""
    time.sleep(6)
    ground.sql("UPDATE world SET beat = beat - 1000")
    until(lambda: (ground.scraped().samples or {}).get('recoup_quarantine{world="sandbox"}') == 1)
    try:
        yield
    finally:
        ground.sql("UPDATE world SET epoch = epoch + 1")
        until(
            lambda: (ground.scraped().samples or {}).get('recoup_quarantine{world="sandbox"}') == 0
        )


@contextmanager
def copy_old(ground: Ground) -> Iterator[None]:
    write_record(ground.up.data_dir, Record(done=datetime.now(UTC) - timedelta(days=2)))
    try:
        yield
    finally:
        (ground.up.data_dir / "backup.json").unlink()


@contextmanager
def work_fails(ground: Ground) -> Iterator[None]:
    """A bank file that cannot be written."""
    ground.sql(
        "INSERT INTO due_work (merchant_id, kind, subject_id, due_at, tries, wall) "
        "SELECT merchant_id, 'bank_payout', gen_random_uuid(), now(), 5, true FROM merchants LIMIT "
        "1"
    )
    failing = "SELECT FROM due_work WHERE kind = 'bank_payout' AND last_error IS NOT NULL"
    until(lambda: bool(ground.sql(failing)))
    try:
        yield
    finally:
        ground.sql("DELETE FROM due_work WHERE kind = 'bank_payout'")


@contextmanager
def processor_silent(ground: Ground) -> Iterator[None]:
    """A breaker that has been open for ten minutes, without an answer."""
    ground.sql(
        "UPDATE card_routes SET opened_at = now() - interval '10 minutes', pause_until = now() + "
        "interval '1 hour', "
        "answered = 0, outages = 0, openings = 4"
    )
    try:
        yield
    finally:
        ground.sql("UPDATE card_routes SET opened_at = NULL, pause_until = NULL, openings = 0")


CURE = "Start a worker: `recoup worker`, or `recoup up`."
RUNNING: Final = (
    Fault(1, postgres_killed, None, {"RecoupDatabaseAway"}),
    Fault(2, worker_killed, ("worker", "none has lived for", CURE), {"RecoupWorkerGone"}),
    Fault(3, doors_killed, ("doors", NOBODY, "Start them"), {"RecoupDown"}),
    Fault(4, ended, ("doors", NOBODY, "Start them"), {"RecoupDown"}),
    Fault(5, second_up, None, set()),
    Fault(10, clock_ahead, ("clock", "clock is (89|9[01])", "NTP"), {"RecoupClockWrong"}),
    Fault(11, worker_stopped, ("worker", "none has lived for", CURE), {"RecoupWorkerGone"}),
    Fault(
        12,
        read_only,
        ("writing", "read-only", "default_transaction_read_only"),
        {"RecoupDatabaseReadOnly"},
    ),
    Fault(
        13,
        statement_limit,
        ("limits", "by statement_timeout", "ALTER ROLE"),
        {"RecoupDatabaseSlow"},
    ),
    Fault(
        14,
        locked,
        ("locks", r"for a lock that process \d+", "pg_terminate_backend"),
        {"RecoupDatabaseBlocked"},
    ),
    Fault(
        15,
        postgres_stopped,
        ("database", "not answered for 5 s", "Does the server run"),
        {"RecoupDatabaseAway"},
    ),
    Fault(17, certificate_ends, ("certificate", "ends on", "Renew it"), {"RecoupCertificateEnds"}),
    Fault(
        18,
        restored,
        ("database", "was restored or has lost data", "recoup recover"),
        {"RecoupQuarantined"},
    ),
    Fault(22, copy_old, ("copy", "the newest is 2 days", "Does what copies"), {"RecoupCopyOld"}),
    Fault(
        26,
        processor_silent,
        ("sandbox answers", "none of the attempts", "route off"),
        {"RecoupRouteSilent"},
    ),
    Fault(
        24,
        work_fails,
        ("bank_payout work", "1 fail again and again", "Mend what it names"),
        {"RecoupWorkFails"},
    ),
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    made = Ground(tmp_path_factory.mktemp("faults"))
    ssl._create_default_https_context = ssl._create_unverified_context  # type: ignore[assignment]
    try:
        yield made
    finally:
        made.up.stop()


def wrong(lines: Lines) -> dict[str, str]:
    return {line["what"]: f"{line['finding']} {line['cure']}" for line in lines if not line["ok"]}


def check_named(lines: Lines, finds: tuple[str, str, str]) -> None:
    what, finding, cure = finds
    said = wrong(lines).get(what, "")
    assert re.search(finding, said), lines
    assert cure in said


def test_in_a_healthy_hour_nothing_fires(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """With memory and log of a load: calls and attempts have their lines, and nothing that was sent
    stands there."""
    monkeypatch.setattr(
        load_module, "CARDS", [card for card in CARDS if card[0] not in FAULT_CARDS.values()]
    )
    ground.up.wait_ready()
    time.sleep(12)  # a worker has said that it lives
    before = ground.scraped()

    async def work() -> Load:
        load = Load(ground.up, 7)
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(load.work())
            await asyncio.sleep(20)
            load.stopping = True
        await load.close()
        return load

    load = asyncio.run(work())
    after = ground.scraped()
    assert wrong(ground.doctor()) == {}
    assert fired(ground.folder, before, after) == set()
    assert after.samples is not None
    memory = sum(
        value for name, value in after.samples.items() if name.startswith("recoup_memory_bytes")
    )
    assert memory < 400e6  # noqa: PLR2004 - doors and worker
    log = ground.up.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    calls = [line for line in lines if line["event"] == "call"]
    assert len(calls) >= load.told.calls
    assert {"request", "operation", "status", "ms"} <= calls[-1].keys()
    attempts = [line for line in lines if line["event"] == "attempt"]
    assert attempts
    assert all(
        {"request", "order", "attempt", "route", "answer", "ms"} <= line.keys() for line in attempts
    )
    sent = {one.body["paymentMethod"]["cardNumber"] for one in load.told.promises}
    sent |= {one.body["payer"]["email"] for one in load.told.promises} | {
        "Ana Roe",
        ground.up.credentials()["app_secret"],
    }
    assert not [one for one in sent if one in log]


@pytest.mark.parametrize(
    "fault", RUNNING, ids=lambda fault: f"{fault.number}-{fault.plant.__name__}"
)
def test_a_fault_is_named_and_alerted(ground: Ground, fault: Fault) -> None:
    ground.up.wait_ready()
    before = ground.scraped()
    with fault.plant(ground):
        if fault.number in (10, 17):
            before = ground.scraped()
        after = ground.scraped()
        assert fired(ground.folder, before, after) == fault.alerts
        if fault.finds is not None:
            check_named(ground.doctor(), fault.finds)


def test_an_outage_costs_a_line_a_minute(ground: Ground) -> None:
    ground.up.wait_ready()
    begun = len(ground.up.log.read_bytes())
    with postgres_stopped(ground):
        time.sleep(3)
    with killed(ground, "postgres"):
        time.sleep(20)
    until(lambda: b"database back" in ground.up.log.read_bytes()[begun:])
    said = ground.up.log.read_bytes()[begun:].decode().splitlines()
    lines = [json.loads(line) for line in said if line.startswith("{")]
    about = [line["event"] for line in lines if line["level"] == "warning" and "database" in line]
    assert about.count("database away") <= 8, about  # two processes, two databases, twice
    assert not [line for line in lines if line["event"] == "worker loop"]


def stopped(ground: Ground, folder: str) -> None:
    ground.up.stop()
    until(lambda: not Path(folder, "postmaster.pid").exists())


def flip(file: Path, place: int) -> None:
    with file.open("r+b") as page:
        page.seek(place)
        (byte,) = page.read(1)
        page.seek(place)
        page.write(bytes([byte ^ 0xFF]))


def test_a_page_that_was_flipped_is_named_and_costs_its_own_calls_alone(tmp_path: Path) -> None:
    """A byte of a page of `orders`, as a disk that fails would leave it."""
    ground = Ground(tmp_path)
    try:
        kept = ground.up.credentials()
        keys = {"AppKey": kept["app_key"], "AppSecret": kept["app_secret"]}

        def call(
            method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            return httpx.request(
                method, ground.up.url + path, json=body, headers=headers, timeout=30
            )

        token = call("POST", "/v1/oauth2/token", keys).json()["accessToken"]
        body = payment(kept["mid"], kept["site_id"], APPROVE_CARDS[0], is_mit=True, days=20)
        order_id = call("POST", "/v1/evaluate", body, token).json()["orderId"]
        table = "(SELECT tableoid FROM orders LIMIT 1)"
        folder, path = ground.sql(
            f"SELECT current_setting('data_directory'), pg_relation_filepath({table}::oid)"
        )[0]
        ground.sql("CHECKPOINT")
        stopped(ground, folder)
        flip(Path(folder) / path, 8_100)
        begun = len(ground.up.log.read_bytes())
        ground.up.wait_ready()
        ground.dsn = ground.up.dsn()
        before = ground.scraped()
        token = call("POST", "/v1/oauth2/token", keys).json()["accessToken"]
        answer = call("GET", f"/v1/orders/{order_id}", token=token)
        assert answer.status_code == 503, answer.text
        assert "page" in answer.json()["result"]
        assert answer.headers["retry-after"]
        for other in ("/v1/balances", "/v1/sites", "/v1/webhooks"):
            assert call("GET", other, token=token).status_code == 200, other
        assert call("GET", "/readyz").status_code == 200
        after = ground.scraped()
        assert "RecoupDatabaseDamaged" in fired(ground.folder, before, after)
        check_named(ground.doctor(), ("pages", "of orders is damaged", "docs/backup.md#restore"))
        verified = ground.recoup("verify")
        assert verified.returncode == 1
        assert "Traceback" not in verified.stderr + verified.stdout
        assert "of orders is damaged" in verified.stdout
        assert "network sends" in verified.stdout, "it goes on"
        said = ground.up.log.read_bytes()[begun:].decode()
        assert "Traceback" not in said
        assert "database page damaged" in said
        stopped(ground, folder)
        flip(Path(folder) / path, 8_100)
        ground.up.wait_ready()
        token = call("POST", "/v1/oauth2/token", keys).json()["accessToken"]
        assert call("GET", f"/v1/orders/{order_id}", token=token).json()["orderId"] == order_id, (
            "nothing was lost"
        )
        assert ground.recoup("verify").returncode == 0
    finally:
        ground.up.stop()


# What is refused at the start.


@contextmanager
def keys_open(ground: Ground) -> Iterator[None]:
    (ground.up.data_dir / "keys/keyring.json").chmod(0o644)
    yield
    (ground.up.data_dir / "keys/keyring.json").chmod(0o600)


@contextmanager
def other_version(ground: Ground) -> Iterator[None]:
    file = ground.up.data_dir / "postgres/PG_VERSION"
    was = file.read_text()
    file.write_text("17\n")
    yield
    file.write_text(was)


@contextmanager
def not_mounted(ground: Ground) -> Iterator[None]:
    folder = ground.up.data_dir / "postgres"
    folder.rename(ground.folder / "elsewhere")
    yield
    shutil.rmtree(folder, ignore_errors=True)
    (ground.folder / "elsewhere").rename(folder)


@contextmanager
def expired(ground: Ground) -> Iterator[None]:
    make_certificate(ground.folder, ends=-timedelta(days=1), begins=-timedelta(days=9))
    chain, key = (str(ground.folder / name) for name in ("chain.pem", "key.pem"))
    ground.environment = {"RECOUP_TLS_CERT": chain, "RECOUP_TLS_KEY": key}
    yield
    ground.environment = {}


@contextmanager
def pooled(ground: Ground) -> Iterator[None]:
    """It refuses our settings before it asks the server."""
    port, file = free_port(), ground.folder / "pgbouncer.ini"
    file.write_text(
        f"[databases]\n* = host=/nowhere user=recoup\n[pgbouncer]\nlisten_addr = "
        f"127.0.0.1\nlisten_port = {port}\n"
        "unix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
    )
    words = () if os.geteuid() else ("-u", "nobody")
    pooler = subprocess.Popen(
        [program("pgbouncer") or "", *words, str(file)], stderr=subprocess.DEVNULL
    )
    ground.environment = {"RECOUP_DATABASE_URL": f"postgresql://recoup@127.0.0.1:{port}/postgres"}
    time.sleep(1)
    try:
        yield
    finally:
        ground.environment = {}
        pooler.terminate()
        pooler.wait(10)


AT_START: Final = (
    (6, keys_open, "chmod 600"),
    (7, other_version, "17"),
    (8, not_mounted, "Mount its volume"),
    (16, pooled, "It is a pooler's"),
    (17, expired, "Renew it"),
)


@pytest.mark.parametrize(
    ("number", "plant", "cure"), AT_START, ids=lambda one: getattr(one, "__name__", str(one))
)
def test_what_cannot_start_says_why(
    ground: Ground, number: int, plant: Callable[[Ground], AbstractContextManager[None]], cure: str
) -> None:
    ground.up.stop()
    with plant(ground):
        assert cure in ground.refused()
        said = wrong(ground.doctor())
        assert any(cure in line for line in said.values()), said
        assert fired(ground.folder, Scrape(0.0, None), ground.scraped()) == {"RecoupDown"}


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.fail("a disk of its own is mounted as root only")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(disk)], check=True)
    try:
        ground = Ground(disk)
        try:
            before = ground.scraped()
            with suppress(OSError), (disk / "fills").open("wb") as file:
                while True:
                    file.write(bytes(1 << 20))
            time.sleep(6)  # a probe's answer holds for five seconds
            ready = subprocess.run(
                ["curl", "-s", f"{ground.url}/readyz"], capture_output=True, text=True, check=True
            )
            after = ground.scraped()
            lines = ground.doctor()
            (disk / "fills").unlink()
            assert fired(tmp_path, before, after) == {"RecoupDiskFull"}
            check_named(lines, ("disk", "0.0 GB free", "Free some"))
            assert "no room" in ready.stdout
        finally:
            ground.up.stop()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_live_with_the_processor_of_the_sandbox_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "LIVE_PROCESSOR_URL": "https://bridge.example/",
        "LIVE_PROCESSOR_SECRET": "a" * 32,
        "SANDBOX_PROCESSOR_SECRET": "a" * 32,
        "LIVE_ACCEPTOR_ID": "123456",
    }.items():
        monkeypatch.setenv(f"RECOUP_{name}", value)
    ground = Ground(tmp_path)
    try:
        made = ground.recoup("live", "init", "--embedded")
        assert made.returncode == 0, made.stderr
        ground.up.stop()
        ground.up.wait_ready()
        time.sleep(12)
        before = ground.scraped()
        found = fired(tmp_path, before, ground.scraped())
        check_named(
            [one for one in ground.doctor() if one["place"] == "live"],
            ("live check", "processors", "live check"),
        )
        assert found == {"RecoupLiveCheck"}
    finally:
        ground.up.stop()
