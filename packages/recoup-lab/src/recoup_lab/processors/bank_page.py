"""The page to which a stand-in sends a payer who is to confirm: what the bank would ask, as two
buttons."""

from html import escape
from typing import Final
from urllib.parse import parse_qs, urlencode

from aiohttp import web

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Test bank</title><link rel="icon" href="data:,">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}}
button{{font:inherit;padding:.7rem 1rem;width:100%;margin:.4rem 0}}</style></head>
<body><h1>Test bank</h1><p>{what}</p>
<form method="post"><button name="result" value="passed">Authenticate</button>
<button name="result" value="failed">Fail</button></form></body></html>"""


def form(what: str) -> web.Response:
    """Shows the bank's form. `what`: the payment, as its payer reads it."""
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
    return web.Response(
        text=_PAGE.format(what=escape(what)), content_type="text/html", headers=headers
    )


def has_passed(text: str) -> bool:
    """Tells which button was pressed."""
    return parse_qs(text).get("result") == ["passed"]


def back(return_url: str, **brought: str) -> web.Response:
    """The browser goes back to where the payer came from."""
    joint = "&" if "?" in return_url else "?"
    return web.Response(
        status=303, headers={"location": f"{return_url}{joint}{urlencode(brought)}"}
    )


def gone() -> web.Response:
    return web.Response(status=404, text="There is no such payment.")
