"""`recoup sandbox play FILE`: plays by the demo's own player, which doors do not know."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Annotated

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.kit.cli.command import DataDir
from recoup.kit.cli.parameters import InFile
from recoup.main.chosen_world import read_bootstrap, with_world
from recoup.main.demo.example import read_example
from recoup.main.demo.play import play
from recoup.main.settings import load_settings
from recoup.merchants.cli import verb
from recoup.sandbox.cli.clock import shown_now
from recoup.sandbox.cli.sandbox import sandbox


@verb(sandbox, "play")
def play_file(
    file: InFile,
    *,
    url: Annotated[str | None, "Target address; default: this installation."] = None,
    data_dir: DataDir = None,
) -> str:
    """Sends the first day of an examples file now, as the bootstrap merchant. Dates are relative to
    the merchant's clock."""
    settings = load_settings(data_dir=data_dir)
    kept = Path(settings.data_dir) / "bootstrap.json"
    if not kept.exists():
        raise Problem(
            "not_found",
            "There is no bootstrap.json.",
            cure="Run `recoup up` or `recoup bootstrap`.",
        )
    keys = read_bootstrap(kept)
    now = with_world(settings, shown_now)
    played = asyncio.run(
        play(read_example(file), url or keys["base_url"], keys, now=now, run=_run_name())
    )
    return json.dumps(played.to_dict(), ensure_ascii=False)


def _run_name() -> str:
    """Short, and another one each time: the same file can be sent again."""
    number = int(Clocks().wall().timestamp() * 10)
    return base64.b32encode(number.to_bytes(5, "big")).decode().lower()
