"""Sources of a comparison's worlds: a file of parameters, of which each seed makes another world,
or a program."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Final, NamedTuple, Protocol

from recoup.kernel.problem import Problem
from recoup_lab.compare.seam import WorldOracle
from recoup_lab.plug.program import ANSWER_SECONDS, Program
from recoup_lab.world.judge import Book
from recoup_lab.world.oracle import Oracle
from recoup_lab.world.parameter_file import read
from recoup_lab.world.port import World
from recoup_lab.world.world import build

SEED_MARK: Final = "{seed}"


class Opened(NamedTuple):
    """`oracle`: makes, once, who knows the world's parameters, where it is in this process.
    `forget`: what a world in this process keeps of an arm that has ended."""

    world: World
    oracle: Callable[[], WorldOracle] | None = None
    forget: Callable[[str], None] = lambda arm: None


class Source(Protocol):
    """Crosses to other processes: holds plain values only."""

    @property
    def has_oracle(self) -> bool: ...

    def open(self, seed: int) -> AbstractContextManager[Opened]: ...


@dataclass(frozen=True, slots=True)
class OurWorlds:
    """The base world, overridden by the file."""

    path: Path | None

    has_oracle: ClassVar[bool] = True

    @contextmanager
    def open(self, seed: int) -> Iterator[Opened]:
        world = build(read(self.path, seed=seed))
        yield Opened(world, cache(lambda: Oracle(world)), lambda arm: _forget(world.book(arm)))


def _forget(book: Book) -> None:
    """A comparison plays many arms, each once: their books together would fill the memory."""
    for kept in (book.answers, book.cards, book.orders, book.standings, book.spent):
        kept.clear()


@dataclass(frozen=True, slots=True)
class ProgramWorlds:
    """`command` may hold `{seed}`, which is replaced. `seconds`: for each answer."""

    command: str
    seconds: float = ANSWER_SECONDS
    has_oracle: ClassVar[bool] = False

    @contextmanager
    def open(self, seed: int) -> Iterator[Opened]:
        with Program(self.command.replace(SEED_MARK, str(seed)), seconds=self.seconds) as world:
            yield Opened(world)


def program_worlds(command: str, seeds: int, seconds: float = ANSWER_SECONDS) -> ProgramWorlds:
    """Raises: Problem(invalid) where several seeds are asked of a command that takes none."""
    if seeds > 1 and SEED_MARK not in command:
        raise Problem(
            "invalid",
            f"{seeds} seeds were requested, but the command takes none.",
            field="--world-command",
            cure=f"Write {SEED_MARK} where the command takes its seed, or leave --seeds out.",
        )
    return ProgramWorlds(command, seconds)
