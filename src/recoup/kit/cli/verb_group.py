"""The command line's group. What a verb needs is imported when it runs: the processes of a server
are verbs too, and need nothing of the others'. Other packages add verbs by entry points of the
group `recoup.verbs`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from recoup.kernel.extended import Extended
from recoup.kernel.extensions import added, load
from recoup.kernel.feature import Place
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem

ADDED: Final = "recoup.verbs"


@frozen
class LaterVerb:
    """`help`: its first sentence; empty: it is hidden. `modules`: each adds its part of the verb by
    `add(group)`, has the verb, or has operations whose verb it is, in `api`."""

    help: str
    modules: tuple[str, ...]

    def is_there(self) -> bool:
        return True

    def add(self, group: click.Group, name: str) -> None:
        for module in map(import_module, self.modules):
            if add := getattr(module, "add", None):
                add(group)
            elif api := getattr(module, "api", None):
                api.add_verbs(group, name)
                group.commands[name].help = self.help
            else:
                commands = (var for var in vars(module).values() if isinstance(var, click.Command))
                group.add_command(next(command for command in commands if command.name == name))


@frozen
class PackageVerb:
    """A verb of another package. `entry`: the name of its entry point, which is `group.verb` for a
    verb of a group."""

    help: str
    package: str
    entry: str

    def is_there(self) -> bool:
        return self.entry in added(ADDED)

    def add(self, group: click.Group, name: str) -> None:
        """Raises: Problem(unavailable), where the package is missing or cannot be used."""
        if not self.is_there():
            words = self.entry.replace(".", " ")
            message = (
                f"`recoup {words}` comes with the package {self.package}, which is not installed."
            )
            raise Problem(
                "unavailable",
                message,
                cure=f"Install it, in a clone: `.venv/bin/pip install -e packages/{self.package}`.",
            )
        group.add_command(load(added(ADDED)[self.entry], click.Command), name)


VERB: Final = Place[Mapping[str, tuple[str, str]]](
    "verb"
)  # "group verb" -> its help, and its module


def with_features(
    group: str, later: Mapping[str, LaterVerb | PackageVerb]
) -> Mapping[str, LaterVerb | PackageVerb]:
    """Adds the verbs of features to those of the group."""
    return Extended(
        later,
        VERB,
        lambda verbs: {
            name.partition(" ")[2]: LaterVerb(help, (module,))
            for name, (help, module) in verbs.items()
            if name.startswith(f"{group} ")
        },
    )


class VerbGroup(click.Group):
    """`later`: by name. Help lists them without importing any."""

    def __init__(
        self, *given: Any, later: Mapping[str, LaterVerb | PackageVerb], **more: Any
    ) -> None:
        super().__init__(*given, **more)
        self._later = later

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._later and cmd_name not in self.commands:
            self._later[cmd_name].add(self, cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, None, self.list_commands(ctx), ctx
            ) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        later = (name for name, verb in self._later.items() if verb.help and verb.is_there())
        return sorted({*super().list_commands(ctx), *later})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        known = {name: self.commands.get(name) for name in self.list_commands(ctx)}
        lines = {
            name: verb or click.Command(name, help=self._later[name].help)
            for name, verb in known.items()
        }
        limit = formatter.width - 6 - max(map(len, lines))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, verb.get_short_help_str(limit))
                    for name, verb in lines.items()
                    if not verb.hidden
                ]
            )
