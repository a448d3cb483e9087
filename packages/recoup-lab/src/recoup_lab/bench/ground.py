"""Ground of the benchmarks: a throw-away database, keys, merchants, and our own processes beside
it."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.db.connect import connect
from recoup.db.server.binaries import find_binaries
from recoup.db.server.footing import end_with_parent
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import Clocks
from recoup.keys.rules.key_scopes import divided
from recoup.kit.world import World
from recoup.main.open_world import OpenWorld
from recoup.onboarding.flows.make_merchant import Keys, NewSite, make_keys, make_merchant
from recoup.outside.keys.jwt import SERVICES, access_claims
from recoup.outside.keys.keyring import open_keyring
from recoup.outside.web.client import WebClient
from recoup.processors.gateways.port import Processor
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.models import Models
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.endpoints import new_signing_key
from recoup_lab.bench.record import RecordingDatabase

POLICY: Final = Policy(call_timeout=timedelta(seconds=2), settled_after=timedelta(seconds=1))
CALLERS: Final = 16  # API keys of a merchant: one key's calls per second are bounded
START_SECONDS_MAX: Final = 90.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Addresses as the owner; `data_dir` holds the keys that every process of the run shares.
    `several`: how many doors answer at one address."""

    data_dir: Path
    people: str
    sandbox: str
    several: int = 1

    @property
    def pgbench(self) -> Path:
        return find_binaries().pgbench

    @asynccontextmanager
    async def world(
        self, processor: Processor | None = None
    ) -> AsyncIterator[tuple[World, RecordingDatabase]]:
        """A world in this process, whose statements can be recorded."""
        keys = open_keyring(self.data_dir / "keys", {})
        db = RecordingDatabase(self.sandbox, size=12, name="bench")
        await db.open()
        web = WebClient(loopback=True)
        own = SandboxProcessor(
            self.sandbox, mac_key=keys.mac("issuer", b"book"), acceptor_id="sandbox"
        )
        route = processor or own
        world = OpenWorld(
            name="sandbox",
            db=db,
            keys=keys,
            processors={route.name: route},
            web=web,
            policy=POLICY,
            models=Models(db, Clocks()),
        )
        try:
            yield world, db
        finally:
            await own.close()
            await web.close()
            await db.close()

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await connect(self.sandbox)
        try:
            yield connection
        finally:
            await connection.close()

    async def clear(self) -> None:
        """Every table empty, so that no benchmark stands on another's rows."""
        async with self.owner() as connection:
            names = [
                r[0]
                for r in await connection.fetch(
                    "SELECT c.oid::regclass::text FROM pg_class c"
                    " WHERE c.relnamespace = ANY(current_schemas(false)::regnamespace[])"
                    " AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
                    " AND c.relname NOT IN ('world', 'schema_migrations')"
                )
            ]
            await connection.execute(f"TRUNCATE {', '.join(names)}")
            await connection.execute("INSERT INTO signatures_since (since) VALUES ('epoch')")

    def environment(self) -> Mapping[str, str]:
        """Environment of this run's `recoup serve` and `recoup worker`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOUP_")}
        return kept | {
            "RECOUP_PEOPLE_DATABASE_URL": self.people,
            "RECOUP_SANDBOX_DATABASE_URL": self.sandbox,
            "RECOUP_LOG_LEVEL": "error",
            "RECOUP_RATE_PER_SECOND": "100000",
            "RECOUP_PAYER_CALLS_PER_MINUTE": "6000000",
        }

    @asynccontextmanager
    async def doors(self, number: int = 1) -> AsyncIterator[tuple[list[int], list[int]]]:
        """`recoup serve` so many times: their ports and process ids."""
        async with contextlib.AsyncExitStack() as stack:
            ports = [free_port() for _ in range(number)]
            pids = []
            for port in ports:
                several = ["--doors", str(self.several)]
                flags = ["serve", "--port", str(port), "--data-dir", str(self.data_dir), *several]
                process = await stack.enter_async_context(
                    running(["recoup.main", *flags], self.environment())
                )
                pids.append(process.pid)
            for port in ports:
                await answers(port)
            yield ports, pids

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[int]:
        """`recoup worker`; its process id."""
        command = ["recoup.main", "worker", "--data-dir", str(self.data_dir)]
        async with running(command, self.environment()) as process:
            yield process.pid


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant of the benchmark."""

    merchant_id: UUID
    site_id: UUID
    keys: Keys
    scope: Scope
    bearers: tuple[str, ...]


async def make_shop(world: World, name: str) -> Shop:
    """Makes a merchant with fees, so that the ledger has its whole work, and access tokens of many
    callers."""
    merchant_id, site_id = new_id(), new_id()
    site = NewSite(site_id, "https://bench.example.test", name, "BENCH")
    await make_merchant(world, merchant_id, name, (site,), partner_id=None, fee_basis_points=290)
    keys = await make_keys(world, merchant_id, new_signing_key())
    audience = [*divided("merchant", None)[0], *SERVICES]
    bearers = tuple(
        world.keys.sign_token(
            access_claims(
                client_id=f"{keys.app_key}{number:02d}",
                mid=str(merchant_id),
                audience=audience,
                world=world.name,
                token_id=str(new_id()),
                now=world.clocks.wall(),
                lives_seconds=7200,
            )
        )
        for number in range(CALLERS)
    )
    return Shop(
        merchant_id,
        site_id,
        keys,
        Scope(merchant_id, Actor("api", keys.app_key), new_id().hex),
        bearers,
    )


def orders_of(world: World) -> tuple[Orders, Deliveries]:
    return Orders(world), Deliveries(world)


def on_another_route(world: World, processor: Processor) -> World:
    return replace(world, processors={processor.name: processor})


# processes
# --------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@asynccontextmanager
async def running(
    module: Sequence[str], environment: Mapping[str, str] | None = None, *, first_line: Any = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module …` until the end of the block. `first_line` is written to it as one line of
    JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *module,
        env=dict(environment) if environment is not None else None,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=end_with_parent(),
    )
    try:
        if first_line is not None:
            assert process.stdin is not None
            process.stdin.write(json.dumps(first_line).encode() + b"\n")
            await process.stdin.drain()
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()


async def one_line(process: asyncio.subprocess.Process, seconds: float = 60.0) -> Any:
    """The next line of JSON that it writes. Raises: Problem(internal) when it ends instead."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), seconds)
    if not line:
        raise Problem(
            "internal", "A process of the benchmark ended too early; its errors stand above."
        )
    return json.loads(line)


async def answers(port: int, seconds: float = START_SECONDS_MAX) -> None:
    """Waits until `/readyz` says 200. Raises: Problem(unavailable)."""
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            try:
                head = await asyncio.wait_for(reader.readline(), 5)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            if b" 200 " in head:
                return
        except (OSError, TimeoutError):
            pass
        await asyncio.sleep(0.05)
    raise Problem("unavailable", f"Nothing answers on port {port}.")


async def load(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Runs the load generator. Raises: Problem(internal) when any call is refused."""
    seconds = plan.get("seconds", 3.0)
    async with running(["recoup_lab.bench.load"]) as process:
        out, _ = await asyncio.wait_for(
            process.communicate(json.dumps(plan).encode()), 60 + seconds
        )
    figures: dict[str, Any] = json.loads(out)
    if figures["refused"]:
        raise Problem(
            "internal",
            f"{figures['refused']} calls of the load were refused: {figures['example'][:400]}",
        )
    return figures
