"""`recoup keys`: how the keys stand, and their rotation."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, TypeVar

import click
import uvloop
from msgspec import Meta

from recoup.db.operation.live_marks import set_mark
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.time import iso
from recoup.keys.flows.key_checks import check_keys
from recoup.kit.cli.command import DataDir, Printed
from recoup.kit.cli.parameters import SHOWN
from recoup.kit.world import World
from recoup.main.backup.copies import read_record
from recoup.main.databases import Databases, check_installed, prepare, used_databases
from recoup.main.live_opening import keys_mark
from recoup.main.rekey import KeyState, go_over, retire, states_of, unopened
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_worlds
from recoup.merchants.cli import verb
from recoup.outside.keys.files import FILE_NAME
from recoup.outside.keys.keyring import Keyring
from recoup.outside.keys.material import from_text
from recoup.routes.cli.route import OPERATOR

T = TypeVar("T")
WAIT_SECONDS: Final = 20  # every process of this machine has read the file again by then
WAIT_SECONDS_MAX: Final = 7 * 24 * 3600


def add(cli: click.Group, load_settings: Callable[..., Settings] = load_settings) -> None:
    @cli.group()
    def keys() -> None:
        """Shows and rotates the keys of this installation; see docs/operate.md."""

    @verb(keys, json="Output as a JSON list.")
    def status(*, data_dir: DataDir = None) -> Printed:
        """Shows each key: its age, and how many records need it."""
        states = _with_worlds(load_settings(data_dir=data_dir), states_of)
        return Printed([asdict(state) for state in states], _lines(states))

    @verb(keys)
    def copied(
        copy: Annotated[Path, click.Path(path_type=Path)], *, data_dir: DataDir = None
    ) -> str:
        """Checks that a copy of the key file holds the keys in use, and notes it for `recoup live
        check`."""
        settings = load_settings(data_dir=data_dir)
        held = Keyring(from_text(_read_copy(copy, settings.data_dir), str(copy))).checks()

        async def work(worlds: Sequence[World]) -> None:
            for world in worlds:
                lacking = {
                    name
                    for (name, key_id), check in world.keys.checks().items()
                    if held.get((name, key_id)) != check
                }
                if lacking:
                    message = f"{copy} lacks a key that is in use: {', '.join(sorted(lacking))}."
                    raise Problem("conflict", message, cure="Copy the key file anew.")
                if world.opening is not None:
                    await set_mark(
                        world.db.alone, "keys", keys_mark(world), OPERATOR, world.clocks.wall()
                    )

        _with_worlds(settings, work)
        return f"{copy} holds all keys in use."

    @verb(keys)
    def rotate(
        *,
        wait: Annotated[
            int,
            Meta(ge=0, le=WAIT_SECONDS_MAX),
            SHOWN,
            "Seconds until the new keys are used; with several machines, time to copy them.",
        ] = WAIT_SECONDS,
        data_dir: DataDir = None,
    ) -> None:
        """Creates new keys and re-encrypts all data with them.
        Continues an interrupted rotation."""
        _with_worlds(load_settings(data_dir=data_dir), lambda worlds: rotate_keys(worlds, wait))


def _read_copy(copy: Path, data_dir: Path) -> str:
    """Raises: Problem(invalid) for what cannot be read, or lies where it is lost or stolen with
    what it copies."""
    record, original = read_record(data_dir), data_dir / "keys" / FILE_NAME
    try:
        text = copy.read_text(encoding="utf-8")
        is_original = original.exists() and copy.samefile(original)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{copy} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}."
        raise invalid(
            message, "copy", "Check its path; the user who runs this must be able to read it."
        ) from None
    homes = [data_dir] + ([Path(record.home)] if record is not None and record.home else [])
    held_by = next((home for home in homes if copy.resolve().is_relative_to(home.resolve())), None)
    if is_original or held_by is not None:
        message = f"{copy} is the key file itself." if is_original else f"{copy} lies in {held_by}."
        raise invalid(
            message,
            "copy",
            "Copy the key file to another place, apart from the data and its copies.",
        )
    return text


async def rotate_keys(worlds: Sequence[World], wait: int) -> None:
    """Raises: Problem(internal) for keys from the environment."""
    for world in worlds:  # before there is a key that only the file has
        world.standing.check()
    ring = worlds[0].keys
    states = await states_of(worlds)
    if any(state.state == "waiting" or state.state == "old" and state.needed for state in states):
        click.echo("Continuing the rotation that is under way.")
    else:
        ring.rotate(after_ms=wait * 1000)
        click.echo("New keys were created. Back up the key file now; see docs/operate.md.")
    for world in worlds:
        world.keys.reload()
        for db in (world.db, world.people):
            await check_keys(db, world.keys.checks(), "the key file")
    await _until_current(worlds)
    for world in worlds:
        await go_over(world, _teller(world.name))
    if missing := await unopened(worlds):
        click.echo(
            f"Old keys are kept: the {' and '.join(sorted(missing))} world is not open here and "
            f"may need them."
        )
    for key in await retire(worlds):
        click.echo(f"Retired: {key.purpose} {key.key_id}; nothing needs it.")
    click.echo("\n".join(_lines(await states_of(worlds))))


def _teller(name: str) -> Callable[[str, int, int], None]:
    return lambda what, done, of: click.echo(f"{name}: {what} {done} of {of}")


async def _until_current(worlds: Sequence[World]) -> None:
    """A new key is used when every process can open what it seals."""
    waiting = [state.since for state in await states_of(worlds) if state.state == "waiting"]
    if waiting:
        left = (max(waiting) - worlds[0].clocks.wall()).total_seconds()
        click.echo(f"They come into use at {iso(max(waiting))}, when every process has read them.")
        await asyncio.sleep(max(0.0, left) + 0.1)


def _lines(states: Sequence[KeyState]) -> Iterator[str]:
    yield f"{'purpose':8} {'key':17} {'since':24} {'state':8} needed by"
    for state in states:
        needed = str(state.needed) if state.purpose in ("card", "print", "seal") else "-"
        yield f"{state.purpose:8} {state.key_id:17} {iso(state.since):24} {state.state:8} {needed}"
    if any(state.state == "old" for state in states):
        yield (
            "Old keys are retired one hour after the current ones came into use, once nothing "
            "needs them."
        )


def _with_worlds(settings: Settings, work: Callable[[Sequence[World]], Awaitable[T]]) -> T:
    """Runs the work beside a running `recoup up`, or with the database started for this verb
    alone."""
    check_installed(settings)
    with used_databases(settings) as databases:
        return uvloop.run(in_worlds(settings, databases, work))


async def in_worlds(
    settings: Settings, databases: Databases, work: Callable[[Sequence[World]], Awaitable[T]]
) -> T:
    await prepare(databases)
    async with open_worlds(settings, databases, "recoup-keys") as several:
        opened = [running for running in several if running is not None]
        return await work([cell.world for running in opened for cell in running.cells])
