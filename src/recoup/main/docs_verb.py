"""`recoup openapi DIALECT`: the document that the running doors serve, without running them."""

import json
from typing import Literal

import click

from recoup import __version__
from recoup.kit.cli.command import DataDir
from recoup.kit.edge.openapi import document
from recoup.main.docs import dialects
from recoup.main.settings import load_settings
from recoup.merchants.cli import verb


@verb()
def openapi(dialect: Literal["rescue", "stablecoin"], *, data_dir: DataDir = None) -> str:
    """Prints the OpenAPI 3.1 document of one API."""
    known = next((each for each in dialects() if each.name == dialect), None)
    if known is None:
        raise click.ClickException(f"This version has no {dialect} API.")
    server = load_settings(data_dir=data_dir).url
    return json.dumps(document(known, __version__, server), indent=2, ensure_ascii=False)
