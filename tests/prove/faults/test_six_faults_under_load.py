"""Six faults of operation in the middle of a load: what was accepted is kept, at most one call in a
hundred is refused in ten minutes, the worker goes on, and log, alert or doctor names the fault with
its cure.

Again: `PROVE_FAMILY=faults FAULT_LOAD_SECONDS=600 pytest --timeout=0 -s` and this file. The
variable is how long each load lasts; what a fault costs does not grow with it: the bound is ten
minutes'.
"""

import asyncio
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import asyncpg
import httpx
import pytest
from tests.kills.installation import RECOUP, Installation
from tests.main.test_live import payment
from tests.prove.faults.test_faults import Ground, check_named, flip, until
from tests.prove.faults.watching import fired

from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import script_card

SECONDS: Final = float(os.environ.get("FAULT_LOAD_SECONDS", "60"))
FIGURE_SECONDS: Final = 600.0
REFUSED_MAX: Final = 0.01
CALLERS: Final = 4
PAUSE_SECONDS: Final = 0.1
PAGE: Final = 8192
RESCUED: Final = (script_card("visa", "51", 0), script_card("visa", "51", 1))


class Logged(Installation):
    """Writes its log to `to` where that is given: a pipe, or a file on a disk of its own."""

    to: int | None = None

    def ensure(self) -> None:
        if self.up is not None and self.up.poll() is None:
            return
        command = [
            *RECOUP,
            "up",
            "--port",
            str(self.port),
            "--data-dir",
            str(self.data_dir),
            *self.words,
        ]
        with self.log.open("ab") as log:
            to = log.fileno() if self.to is None else self.to
            self.up = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=to, stderr=to)
        self.starts += 1


class Site(Ground):
    """A ground that is not started yet."""

    load: "Load"
    reader: "Reader"

    def __init__(self, folder: Path) -> None:
        self.folder, self.up = folder, Logged(folder / "data", words=("--doors", "2"))
        self.environment, self.before, self.url = dict[str, str](), tuple[str, ...](), self.up.url

    def start(self) -> None:
        self.up.wait_ready()
        self.dsn = self.up.dsn()

    def sql(self, *statements: str) -> Any:
        """Once the database is back."""
        give_up = time.monotonic() + 90
        while True:
            try:
                return super().sql(*statements)
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
                assert time.monotonic() < give_up
                time.sleep(0.5)

    def said(self) -> str:
        return self.up.log.read_text(errors="replace")


@dataclass
class Load:
    """Merchants' calls, each repeated with its key until it is accepted. `refused`: calls by how
    the first try ended; `held`: reads that a damaged page refused."""

    url: str
    keys: dict[str, Any]
    calls: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    held: int = 0
    accepted: dict[str, str] = field(default_factory=dict)  # external id -> our order
    changed: list[str] = field(default_factory=list)
    unanswered: set[str] = field(default_factory=set)
    over: bool = False

    async def run(self) -> None:
        headers = {"authorization": f"ApiKey {self.keys['app_key']}:{self.keys['app_secret']}"}
        limits = httpx.Limits(max_keepalive_connections=CALLERS // 2)  # some callers keep theirs
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=20, limits=limits
        ) as client:
            await asyncio.gather(*(self._call_on(client, number) for number in range(CALLERS)))

    async def _call_on(self, client: httpx.AsyncClient, number: int) -> None:
        made = 0
        while not self.over:
            made += 1
            card = APPROVE_CARDS[0] if made % 4 == 0 else RESCUED[made % 2]
            body = payment(self.keys["mid"], self.keys["site_id"], card, is_mit=True, days=20)
            self.unanswered.add(body["orderId"])
            give_up = time.monotonic() + 120
            ended, tries = await self._try(client, body), 0
            self.calls += 1
            self.refused.update([ended] if ended else [])
            while ended and time.monotonic() < give_up:
                await asyncio.sleep(0.5)
                ended, tries = await self._try(client, body), tries + 1
            if made % 5 == number % 5:
                await self._read(client)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _try(self, client: httpx.AsyncClient, body: dict[str, Any]) -> str:
        """Empty once it is accepted, else how it ended."""
        try:
            answer = await client.post("/v1/evaluate", json=body)
        except httpx.HTTPError as error:
            return type(error).__name__
        if answer.status_code != 200:  # noqa: PLR2004
            return f"{answer.status_code} {answer.json().get('result', '')[:60]}"
        order_id = answer.json()["orderId"]
        if self.accepted.setdefault(body["orderId"], order_id) != order_id:
            self.changed.append(body["orderId"])
        self.unanswered.discard(body["orderId"])
        return ""

    async def _read(self, client: httpx.AsyncClient) -> None:
        """One of the oldest orders."""
        with suppress(StopIteration, httpx.HTTPError):
            answer = await client.get(f"/v1/orders/{next(iter(self.accepted.values()))}")
            if answer.status_code == 503 and "page" in answer.text:  # noqa: PLR2004
                self.held += 1


# The faults: planted by entering, mended by leaving.


@contextmanager
def full_log_disk(site: Site) -> Iterator[None]:
    with suppress(OSError), (site.folder / "log/fills").open("wb", buffering=0) as file:
        while file.write(bytes(1 << 12)):
            pass
    yield
    (site.folder / "log/fills").unlink()
    for _ in range(8):  # whichever door: the next line says how many were lost
        httpx.get(f"{site.url}/v1/nothing", timeout=60)


@contextmanager
def stopped_reader(site: Site) -> Iterator[None]:
    reader = site.reader
    reader.goes_on.clear()
    yield
    calls = site.load.calls
    assert site.said().count('"POST /v1/evaluate","status":200') < calls
    reader.goes_on.set()
    lost = (site.scraped().samples or {})["recoup_log_lines_lost_total{}"]
    if not lost:
        until(lambda: site.said().count('"POST /v1/evaluate","status":200') >= calls)


@contextmanager
def closed_pipe(site: Site) -> Iterator[None]:
    site.reader.close()
    yield


@contextmanager
def removed_socket(site: Site) -> Iterator[None]:
    next((site.up.data_dir / "socket").glob(".s.PGSQL.*[0-9]")).unlink()
    yield


@contextmanager
def stopped_door(site: Site) -> Iterator[None]:
    pid = site.up.parts("doors")[0]
    os.kill(pid, signal.SIGSTOP)
    yield
    assert pid not in site.up.parts("doors"), "it was not replaced"


@contextmanager
def stopped_worker(site: Site) -> Iterator[None]:
    pid = site.up.part("worker")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    yield
    assert site.up.part("worker") not in (pid, None), "it was not replaced"


@contextmanager
def flipped_page(site: Site) -> Iterator[None]:
    """The first page of `orders`, full and no longer written; read again from the disk once the
    server has died."""
    order_id = next(iter(site.load.accepted.values()))
    where = (
        f"SELECT tableoid::oid::int AS of, ctid::text AS at FROM orders WHERE order_id = "
        f"'{order_id}'"
    )
    (row,) = site.sql(where)
    folder, path = site.sql(
        f"SELECT current_setting('data_directory'), "
        f"pg_relation_filepath({row['of']}::oid::regclass)"
    )[0]
    place = int(row["at"].strip("()").split(",")[0]) * PAGE + 8_100
    site.sql("CHECKPOINT")
    site.up.kill("postgres")
    flip(Path(folder) / path, place)
    yield
    site.up.stop()
    flip(Path(folder) / path, place)
    site.start()


class Reader:
    """Reads a pipe, into the log, while `goes_on`."""

    def __init__(self, log: Path) -> None:
        reads, self.writes = os.pipe()
        fcntl.fcntl(reads, fcntl.F_SETPIPE_SZ, 1 << 16)
        self._file: IO[bytes] | None = os.fdopen(reads, "rb", buffering=0)
        self.goes_on, self._log = threading.Event(), log
        self.goes_on.set()
        self._closes = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        assert self._file is not None
        with self._log.open("ab") as log:
            while self.goes_on.wait() and not self._closes and (read := self._file.read(1 << 14)):
                log.write(read)
                log.flush()
        self._file.close()

    def close(self) -> None:
        """With the next line that comes."""
        self._closes = True


class Fault(NamedTuple):
    """`says`: of the log; `alert`; `finds`: of doctor, while it is there."""

    plant: Callable[[Site], AbstractContextManager[None]]
    says: str
    alert: str
    finds: tuple[str, str, str] | None = None


FAULTS: Final = (
    Fault(full_log_disk, "log lines lost", "RecoupLogLost"),
    Fault(stopped_reader, "", "RecoupLogLost"),  # 4 MB of lines wait for it
    Fault(closed_pipe, "", "RecoupLogLost"),
    Fault(removed_socket, "docs/monitoring.md#recoupdatabaseaway", ""),
    Fault(stopped_door, "has stood still", "RecoupStoodStill"),
    Fault(
        stopped_worker,
        "worker has stood",
        "RecoupStoodStill",
        ("worker", "none has lived for", "two minutes"),
    ),
    Fault(
        flipped_page,
        "database page damaged",
        "RecoupDatabaseDamaged",
        ("pages", "of orders is damaged", "docs/backup.md#restore"),
    ),
)


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    need = [sys.executable, "scripts/need.py", "promtool"]
    subprocess.run(need, check=True, cwd=Path(__file__).parents[3])


@contextmanager
def logging(site: Site, fault: Fault) -> Iterator[None]:
    """Where its log goes."""
    log = site.folder / "log"
    if fault.plant is full_log_disk:
        log.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(log)], check=True)
        try:
            with (log / "up.log").open("ab") as file:
                site.up.to = file.fileno()
                yield
        finally:
            site.up.stop()
            site.up.log.write_bytes((log / "up.log").read_bytes())
            subprocess.run(["umount", "-l", str(log)], check=True)
    elif fault.plant in (stopped_reader, closed_pipe):
        site.reader = Reader(site.up.log)
        site.up.to = site.reader.writes
        yield
    else:
        yield


def attempts(site: Site) -> int:
    """Those that the worker sent."""
    return int(site.sql("SELECT count(*) FROM attempts WHERE sent_at IS NOT NULL")[0][0])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.plant.__name__)
def test_a_fault_under_load_loses_nothing_and_is_named(tmp_path: Path, fault: Fault) -> None:
    if fault.plant is full_log_disk and os.geteuid():
        pytest.fail("a disk of its own is mounted as root only")
    site = Site(tmp_path)
    with ExitStack() as kept:
        kept.callback(site.up.stop)
        kept.enter_context(logging(site, fault))
        site.start()
        site.load = load = Load(site.url, site.up.credentials())
        calls = threading.Thread(target=asyncio.run, args=(load.run(),))
        calls.start()
        try:
            time.sleep(SECONDS / 2)
            before, sent, half = site.scraped(), attempts(site), load.calls
            with fault.plant(site):
                ends = time.monotonic() + max(
                    SECONDS / 2, 180 if fault.plant is stopped_worker else 45
                )
                if fault.finds is not None:
                    until(lambda: fault.finds is not None and found(site, fault.finds), 90)
                site.sql(
                    "UPDATE merchants SET offset_us = offset_us + 9 * 86400000000"
                )  # retries fall due
                until(lambda: attempts(site) > sent + CALLERS, 120)
                time.sleep(max(0.0, ends - time.monotonic()))
                if fault.alert:  # of who was replaced, once its successor has started
                    until(lambda: fault.alert in fired(site.folder, before, site.scraped()), 180)
                load.over = True
                calls.join()
            check_kept(site, fault, half)
        finally:
            load.over = True
            calls.join()
    assert fault.says in (site.said())


def found(site: Site, finds: tuple[str, str, str]) -> bool:
    try:
        check_named(site.doctor(), finds)
    except AssertionError:
        return False
    return True


def check_kept(site: Site, fault: Fault, half: int) -> None:
    """Compares what was answered with what the database has."""
    load = site.load
    rows = site.sql("SELECT external_id, order_id::text FROM orders")
    orders = Counter(row["external_id"] for row in rows)
    known = {row["external_id"]: row["order_id"] for row in rows}
    lost = [name for name, order_id in load.accepted.items() if known.get(name) != order_id]
    share = sum(load.refused.values()) / load.calls
    told = {
        "fault": fault.plant.__name__,
        "seconds": SECONDS,
        "calls": load.calls,
        "before": half,
        "lost": len(lost),
        "refused": dict(load.refused),
        "share": f"{share:.2%}",
        "refused by the page": load.held,
    }
    print(told)
    with (
        suppress(OSError),
        open(os.environ.get("FAULT_LOAD_REPORT", os.devnull), "a", encoding="utf-8") as report,
    ):
        print(told, file=report)
    assert not lost
    assert not load.changed
    assert max(orders.values()) == 1
    assert not load.unanswered, "a call was not accepted in two minutes"
    assert load.calls > half + 20, "the load went on"  # noqa: PLR2004
    assert share <= REFUSED_MAX * max(1.0, FIGURE_SECONDS / SECONDS)
    verified = site.recoup("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert not re.search("Traceback", site.said())
